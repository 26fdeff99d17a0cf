"""Lesson 08: truths that share a grey picture, modes counted, spread against plausibility."""

import numpy as np
import torch
from matplotlib.figure import Figure
from skimage.color import rgb2lab

from ...data.toy import PALETTE, ToyScenes, admissible_share, mode_of
from ...metrics import ciede2000, colourfulness, diversity, psnr, ssim
from ...noise import SeededNoise, mix_seed
from ...operators import gray, gray_weights
from ...samplers import SAMPLERS, fit_gamut

OPEN = tuple(name for name, modes in PALETTE.items() if len(modes) > 1 and name != "lake")


def other_truths(size: int, n: int, seed: int) -> torch.Tensor:
    """The same landscape with its modes drawn n times: pictures (n,3,S,S) with one grey.

    These are exact draws from p(colour | grey): the modes do not show in the grey.
    """
    rng, scenes, pictures = np.random.default_rng(seed + 1), ToyScenes(size), []
    for _ in range(n):
        modes = {
            name: int(rng.choice(len(PALETTE[name]), p=[m.probability for m in PALETTE[name]]))
            for name in OPEN
        }
        pictures.append(scenes.sample(1, seed, modes=modes).images)
    return torch.cat(pictures)


class Group:
    """Several landscapes, n colourings of each: ``draw`` them with a sampler.

    ``truth`` (B,3,S,S), ``labels`` (B,S,S), ``y`` (B,1,S,S).
    """

    def __init__(self, model, size: int, scenes: int, n: int, seed: int):
        self.model, self.n, self.seed, self.size = model, n, seed, size
        self.first = 3 * 10**6 + seed
        batch = [ToyScenes(size).sample(1, self.first + i) for i in range(scenes)]
        self.truth = torch.cat([b.images for b in batch])
        self.labels = torch.cat([b.labels for b in batch])
        self.f = gray_weights()
        self.y = gray(self.truth, self.f)

    @torch.no_grad()
    def draw(self, name: str = "split", **settings) -> torch.Tensor:
        """(B,n,3,S,S) colourings; every one has its own seed."""
        seeds = [mix_seed(self.seed, i) for i in range(len(self.y) * self.n)]
        rows = self.y.repeat_interleave(self.n, 0)
        for state in SAMPLERS[name](self.model, rows, self.f, SeededNoise(seeds), **settings):
            pass
        self.nfe = state.nfe
        return state.x.unflatten(0, (len(self.y), self.n))

    def exact(self) -> torch.Tensor:
        """(B,n,3,S,S) truths with redrawn modes: what a perfect colorizer would draw."""
        return torch.stack(
            [other_truths(self.size, self.n, self.first + i) for i in range(len(self.y))]
        )

    def tinted(self, strength: float = 0.25) -> torch.Tensor:
        """(B,n,3,S,S): grey plus one random tint a picture, plenty of spread and no sense."""
        gen = torch.Generator().manual_seed(self.seed)
        tint = torch.randn(len(self.y), self.n, 3, 1, 1, generator=gen)
        tint = strength * (tint - tint.mean(2, keepdim=True))
        y = self.y[:, None].expand(-1, self.n, -1, -1, -1)  # (B,n,1,S,S)
        return fit_gamut((y + y * tint * 2).flatten(0, 1), y.flatten(0, 1)).unflatten(
            0, y.shape[:2]
        )

    def measure(self, x: torch.Tensor) -> dict:
        """Spread (pairwise Delta E 2000, ab deviation) and plausibility (admissible pixels)."""
        spread = [diversity(v) for v in x]
        labels = self.labels.repeat_interleave(x.shape[1], 0)
        share = admissible_share(x.flatten(0, 1), labels, per="pixel")
        return {
            "delta_e": float(np.mean([s.delta_e for s in spread])),
            "ab_std": float(np.mean([s.ab_std for s in spread])),
            "admissible": float(share.mean()),
            "colour": float(colourfulness(x.flatten(0, 1)).mean()),
        }


def mode_table(group: Group, x: torch.Tensor) -> dict:
    """object -> (names of the modes, their probabilities, shares drawn, number of draws judged)."""
    table, labels = {}, group.labels.repeat_interleave(x.shape[1], 0)
    for name in OPEN:
        found = mode_of(x.flatten(0, 1), labels, name).numpy()
        found = found[found >= 0]
        counts = np.bincount(found, minlength=len(PALETTE[name]))
        table[name] = (
            [m.name for m in PALETTE[name]],
            [m.probability for m in PALETTE[name]],
            counts / max(1, counts.sum()),
            int(counts.sum()),
        )
    return table


def mode_figure(table: dict) -> Figure:
    """Bars: how often each mode was drawn, beside how often it should be."""
    fig = Figure(figsize=(8, 2.6), layout="constrained")
    ax, at, ticks, names = fig.subplots(), 0.0, [], []
    for k, (thing, (modes, wanted, drawn, n)) in enumerate(table.items()):
        for mode, p, q in zip(modes, wanted, drawn, strict=True):
            ax.bar(at, p, 0.4, color="0.75", edgecolor="black", label="" if ticks else "palette")
            ax.bar(
                at + 0.4,
                q,
                0.4,
                color="#0072B2",
                edgecolor="black",
                hatch="//",
                label="" if ticks else "drawn",
            )
            ticks.append(at + 0.2)
            names.append(f"{thing}\n{mode}")
            at += 1
        at += 0.5
    ax.set_xticks(ticks, names, fontsize=8)
    ax.set(ylabel="share", ylim=(0, 1))
    ax.legend(fontsize=8)
    return fig


def spread_figure(rows: dict) -> Figure:
    """Plausibility against spread, one point a method."""
    fig = Figure(figsize=(6.2, 3.2), layout="constrained")
    ax = fig.subplots()
    marks = "os^Dv*PX"
    for (name, r), mark in zip(rows.items(), marks, strict=False):
        best = name == "exact"
        ax.plot(
            r["delta_e"],
            r["admissible"],
            mark,
            markersize=11 if best else 8,
            label=name,
            color="black" if best else None,
            markeredgecolor="black",
        )
    ax.set(
        xlabel="spread: mean pairwise Delta E 2000",
        ylabel="admissible pixels, share",
        ylim=(-0.05, 1.08),
    )
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


def text_table(rows: dict) -> str:
    lines = [f"{'':18s} {'dE spread':>9s} {'ab std':>7s} {'admissible':>10s} {'colour':>7s}"]
    for name, r in rows.items():
        lines.append(
            f"{name:18s} {r['delta_e']:9.1f} {r['ab_std']:7.1f} {r['admissible']:10.2f} "
            f"{r['colour']:7.1f}"
        )
    return "\n".join(lines)


def scores(x: torch.Tensor, truth: torch.Tensor) -> dict:
    """Means over pictures: PSNR, SSIM, Delta E 2000, colourfulness of x (B,3,S,S)."""
    return {
        "psnr": float(psnr(x, truth).mean()),
        "ssim": float(ssim(x, truth).mean()),
        "delta_e": float(ciede2000(x, truth).mean()),
        "colour": float(colourfulness(x).mean()),
    }


def three_columns(group: Group, x: torch.Tensor) -> dict:
    """Grey replica, one honest draw, the mean of all, the oracle's best by PSNR, and the truth."""
    B, n = x.shape[:2]
    each = np.stack([psnr(x[:, k], group.truth) for k in range(n)], 1)  # (B,n)
    best = torch.stack([x[b, int(each[b].argmax())] for b in range(B)])
    single = [scores(x[:, k], group.truth) for k in range(n)]
    return {
        "grey replica": scores(group.y.expand(-1, 3, -1, -1), group.truth),
        "one draw": {key: float(np.mean([s[key] for s in single])) for key in single[0]},
        f"mean of {n}": scores(x.mean(1), group.truth),
        f"oracle of {n}": scores(best, group.truth),
    }


def oracle_curve(group: Group, x: torch.Tensor) -> list[float]:
    """Best PSNR among the first k draws, averaged over the pictures, for k = 1 .. n."""
    each = np.stack([psnr(x[:, k], group.truth) for k in range(x.shape[1])], 1)
    return np.maximum.accumulate(each, axis=1).mean(0).tolist()


def score_table(rows: dict) -> str:
    lines = [f"{'':14s} {'PSNR':>6s} {'SSIM':>6s} {'dE2000':>7s} {'colour':>7s}"]
    for name, r in rows.items():
        lines.append(
            f"{name:14s} {r['psnr']:6.2f} {r['ssim']:6.3f} {r['delta_e']:7.1f} {r['colour']:7.1f}"
        )
    return "\n".join(lines)


def doubt_map(samples: torch.Tensor) -> np.ndarray:
    """Where the versions (n,3,h,w) of one picture disagree: sqrt(var a + var b), (h,w)."""
    lab = rgb2lab(samples.clamp(0, 1).movedim(1, -1).double().numpy())
    return np.sqrt(lab[..., 1:].var(0, ddof=1).sum(-1))


def doubt_figure(grey, doubt: np.ndarray) -> Figure:
    """A grey photograph and the spread of its colourings, as a map."""
    fig = Figure(figsize=(8, 2.6), layout="constrained")
    left, right = fig.subplots(1, 2)
    left.imshow(grey, cmap="gray")
    shown = right.imshow(doubt, cmap="cividis", vmin=0)
    for ax in (left, right):
        ax.set_axis_off()
    fig.colorbar(shown, ax=right, label="spread, CIELAB units")
    return fig
