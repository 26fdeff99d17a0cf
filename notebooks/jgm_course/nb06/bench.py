"""Lesson 06: samplers on the same landscapes, measured and drawn."""

import time

from matplotlib.figure import Figure

from jgm_lib.baselines import Sampled
from jgm_lib.data.toy import ToyScenes, admissible_share
from jgm_lib.experiments.methods import Direct
from jgm_lib.experiments.sources import Pictures
from jgm_lib.metrics import bootstrap_interval, ciede2000, colourfulness
from jgm_lib.settings import compared

from ..strips import side_by_side

STYLES = {
    "split": dict(color="#0072B2", linestyle="-", marker="o"),
    "split, Heun": dict(color="#D55E00", linestyle="--", marker="s"),
    "split, multistep": dict(color="#CC79A7", linestyle="-", marker="v"),
    "nullspace": dict(color="#000000", linestyle=":", marker="^"),
    "langevin": dict(color="#009E73", linestyle="none", marker="D", markersize=8),
}


class Bench:
    """The same landscapes for every sampler: ``run(name, **settings)`` colours and measures them."""

    def __init__(self, model, scenes: int, seed: int = 0, size: int = 32):
        self.model, self.seed = model, seed
        self.batch = ToyScenes(size).sample(scenes, 2 * 10**6 + seed)
        self.pictures = Pictures.of_truth(self.batch.images)
        self.y = self.pictures.y

    def run(self, name: str, **settings) -> dict:
        """One row: x (B,3,H,W), nfe, seconds a picture, admissible share of pixels and its 95 %
        interval (bootstrap over scenes), mean Delta E 2000 of a single draw, colourfulness over
        the truth's."""
        start = time.perf_counter()
        method = Direct(Sampled(self.model, name, compared(name, **settings)), seed=self.seed)
        x = method.versions(self.y, self.pictures.keys)[:, 0]
        seconds = (time.perf_counter() - start) / len(self.y)
        return {"nfe": method.nfe, "seconds": seconds, **self.measure(x)}

    def measure(self, x) -> dict:
        truth = self.batch.images
        share = admissible_share(x, self.batch.labels, per="pixel").numpy()
        return {
            "x": x,
            "admissible": float(share.mean()),
            "interval": bootstrap_interval(share),
            "delta_e": float(ciede2000(x, truth).mean()),
            "colour": float(colourfulness(x).mean() / colourfulness(truth).mean()),
        }

    def grey(self) -> dict:
        return {"nfe": 0, "seconds": 0.0, **self.measure(self.y.expand(-1, 3, -1, -1))}


def table(rows: dict) -> str:
    """Rows of ``Bench.run`` as text."""
    lines = [
        f"{'sampler':24s} {'NFE':>5s} {'s/picture':>9s} {'admissible, 95 %':>20s} {'dE2000':>7s} "
        f"{'colour':>6s}"
    ]
    for name, r in rows.items():
        share = f"{r['admissible']:.2f} ({r['interval'][0]:.2f} to {r['interval'][1]:.2f})"
        lines.append(
            f"{name:24s} {r['nfe']:5d} {r['seconds']:9.3f} {share:>20s} "
            f"{r['delta_e']:7.1f} {r['colour']:6.2f}"
        )
    return "\n".join(lines)


def causes_figure(rows: dict, n: int = 6) -> Figure:
    """The first ``n`` pictures of each row of ``Bench.run``, its admissible share and 95 % interval."""
    fig = Figure(figsize=(9.5, 0.35 + 0.88 * len(rows)), layout="constrained")
    grid = fig.add_gridspec(len(rows), 2, width_ratios=[1.5, 1])
    ax = fig.add_subplot(grid[:, 1])
    for k, (name, r) in enumerate(rows.items()):
        strip = fig.add_subplot(grid[k, 0])
        strip.imshow(
            side_by_side(r["x"][:n], 2).permute(1, 2, 0).clamp(0, 1).numpy(),
            interpolation="nearest",
        )
        strip.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        strip.set(xticks=[], yticks=[])
        ax.plot(r["interval"], [-k, -k], color="black", linewidth=1.5)
        ax.plot(r["admissible"], -k, "o", color="#0072B2", markeredgecolor="black")
        ax.annotate(f"{r['admissible']:.2f}", (r["admissible"], 0.15 - k), ha="center", fontsize=8)
    ax.set(xlabel="admissible pixels, share", yticks=[], ylim=(0.5 - len(rows), 0.5))
    ax.grid(axis="x", color="0.85")
    return fig


def quality_figure(curves: dict) -> Figure:
    """Admissible share, with 95 % intervals, and colourfulness against NFE."""
    fig = Figure(figsize=(9, 2.8), layout="constrained")
    most = max(r["nfe"] for rows in curves.values() for r in rows)
    ticks = [n for n in (3, 5, 10, 20, 60, 200, 1000) if n <= most]
    for ax, key, label in zip(
        fig.subplots(1, 2),
        ("admissible", "colour"),
        ("admissible pixels, share", "colourfulness / truth's"),
        strict=True,
    ):
        for name, rows in curves.items():
            nfe, values = [r["nfe"] for r in rows], [r[key] for r in rows]
            ax.semilogx(nfe, values, label=name, **STYLES[name])
            if key == "admissible":
                low, high = zip(*(r["interval"] for r in rows), strict=True)
                ax.vlines(nfe, low, high, color=STYLES[name]["color"], linewidth=1)
        ax.set(xlabel="evaluations (NFE)", ylabel=label, ylim=(0, None))
        ax.set_xticks(ticks, [str(n) for n in ticks])
        ax.set_xticks([], minor=True)
        if key == "colour":
            ax.axhline(1, color="0.6", linewidth=1)
    ax.legend(fontsize=8)
    return fig
