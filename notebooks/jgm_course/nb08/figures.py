"""Lesson 08: honest tables, oracles by order statistics, Table I with the row it lacks, a zoom."""

from dataclasses import replace
from math import comb
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image, ImageOps

from jgm_lib.data import samples
from jgm_lib.data.toy import ToyScenes
from jgm_lib.experiments import bench
from jgm_lib.experiments.cards import ComparisonCard
from jgm_lib.experiments.entrants import entrants_of
from jgm_lib.experiments.lineup import LINEUP
from jgm_lib.experiments.methods import Direct
from jgm_lib.experiments.pairing import Scores
from jgm_lib.experiments.paper import GREY_REPLICA, SETS, TABLE_I
from jgm_lib.experiments.sources import Pictures
from jgm_lib.figures import to_array

from ..plots import LINES, line, panels

RESULTS = Path(__file__).parents[3] / "docs" / "results" / "comparison-scenes-64.json"


def photographs(names, side: int) -> torch.Tensor:
    """The middle squares of package photographs, reduced: (n,3,side,side) in [0,1]."""
    whole = [samples.load(n).convert("RGB") for n in names]
    small = [ImageOps.fit(i, (side, side), Image.Resampling.LANCZOS) for i in whole]
    return torch.stack(
        [torch.from_numpy(np.array(i, np.float32) / 255).movedim(-1, 0) for i in small]
    )


class Contest:
    """The same pictures for every method: truth (B,3,S,S), their grey, and all draws made so far."""

    def __init__(self, truth: torch.Tensor, seed: int):
        self.pictures, self.seed = Pictures.of_truth(truth), seed
        self.truth, self.y = truth, self.pictures.y
        self.drawn: dict[str, torch.Tensor] = {}
        self.found: dict[str, bench.Found] = {}

    @classmethod
    def toy(cls, size: int, scenes: int, seed: int) -> "Contest":
        return cls(ToyScenes(size).sample(scenes, 5 * 10**6 + seed).images, seed)

    def enter(self, name: str, method, k: int) -> torch.Tensor:
        """Draw k times (a deterministic method once) and keep the draws: (B,k,3,S,S)."""
        entrant, keys = Direct(method, k, self.seed), self.pictures.keys
        x = self.drawn[name] = entrant.versions(self.y, keys)
        columns = bench.own_columns(entrant, x, self.pictures)
        columns = {c: Scores(keys, values) for c, values in columns.items()}
        self.found[name] = bench.Found(columns, entrant.n, entrant.nfe, seconds=0.0)
        return x

    def rows(self) -> list[dict]:
        """One row a method and column, with bootstrap intervals over the pictures."""
        grey = bench.grey_scores(self.pictures)
        rows = [r for name, found in self.found.items() for r in bench.rows_of(name, found, grey)]
        rows = [r for r in rows if not r["column"].startswith("consensus")]  # lesson 09
        return [*rows, bench.row_of("truth", "", bench.truth_scores(self.pictures))]


def text_table(rows: list[dict]) -> str:
    """The honest columns, and dE2000 minus the grey replica's; intervals in brackets, over pictures."""
    head = f"{'method':20s} {'column':13s} {'PSNR dB':>20s} {'SSIM':>6s} {'dE2000':>18s} "
    lines = [head + f"{'dE - grey':>21s} {'colour':>6s} {'RMS Fx-y':>8s} {'NFE':>5s}"]
    for r in rows:
        known = np.isfinite(r["psnr"])
        span = f"{r['psnr']:.2f} ({r['psnr_low']:.1f} to {r['psnr_high']:.1f})" if known else ""
        delta = f"{r['delta_e']:.1f} ({r['delta_e_low']:.1f} to {r['delta_e_high']:.1f})"
        lines.append(
            f"{r['method']:20s} {r['column']:13s} {span:>20s} {r['ssim']:6.3f} {delta:>18s} "
            f"{_to_grey(r):>21s} {r['colourfulness']:6.1f} {r['residual']:8.0e} {_nfe(r)}"
        )
    return "\n".join(lines)


def _to_grey(r: dict) -> str:
    if not r["nfe"]:
        return ""
    mean, low, high = r["to_grey"]["delta_e"]
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def _nfe(r: dict) -> str:
    k = int(r["column"].split()[-1]) if " of " in r["column"] else 1
    return f"{r['nfe']:5d}" if k == 1 else f"{k}x{r['nfe'] // k}".rjust(5)


def figure_of(rows: list[dict]) -> Figure:
    """Delta E 2000 with intervals: a line a method, a marker a column."""
    marks = {"": "o", "single": "o", "mean": "s", "oracle": "^"}
    names = list(dict.fromkeys(r["method"] for r in rows if r["method"] != "truth"))
    fig, axis = panels(1, 1, 6.4, 0.42 * len(names) + 0.9)
    seen = set()
    for r in rows:
        if r["method"] not in names:
            continue
        kind = r["column"].split()[0] if r["column"] else "single"
        k = ["single", "mean", "oracle"].index(kind)
        at = len(names) - names.index(r["method"]) - 0.18 * (k - 1)
        bar = [[r["delta_e"] - r["delta_e_low"]], [r["delta_e_high"] - r["delta_e"]]]
        style = dict(color=LINES[k]["color"], marker=marks[kind], linestyle="none", capsize=3)
        label = {"single": "one draw"}.get(kind, kind) if kind not in seen else None
        axis.errorbar([r["delta_e"]], [at], xerr=bar, label=label, **style)
        seen.add(kind)
    axis.set_yticks(range(len(names), 0, -1), names)
    axis.set(xlabel="colour difference dE2000, 95 % over pictures", xlim=(0, None))
    axis.legend(fontsize=8, loc="lower left")
    return fig


# -- oracles -------------------------------------------------------------------------------------


def expected_best(scores, k: int) -> float:
    """Mean of the largest over all subsets of k of the n scores: what an oracle of k gets.

    The j-th smallest (from 0) is the largest of comb(j, k-1) subsets.
    """
    ordered, n = np.sort(np.asarray(scores, float)), len(scores)
    weights = np.array([comb(j, k - 1) for j in range(n)]) / comb(n, k)
    return float(weights @ ordered)


def oracle_figure(curves: dict, grey: float) -> Figure:
    """PSNR of an oracle of K against K, a line a method; the grey replica as a horizontal line."""
    fig, axis = panels(1, 1, 5.4, 2.9)
    for k, (name, curve) in enumerate(curves.items()):
        axis.plot(range(1, len(curve) + 1), curve, label=name, **line(k, markers=True))
    axis.axhline(grey, color="0.5", linewidth=1.5, linestyle=(0, (1, 1)), label="grey replica")
    axis.set(xlabel="K, draws the oracle may choose from", ylabel="PSNR dB of the chosen")
    axis.legend(fontsize=8)
    return fig


def one_draw_each(pictures: Pictures, steps: int, seed: int) -> dict[str, torch.Tensor]:
    """Fig 5: a draw of every seat of the line-up whose weights are bundled, by its first way, on
    pictures of 64 pixels: name -> (N,3,64,64). Chains of 1,000 evaluations are left out."""
    entrants, drawn = entrants_of(ComparisonCard(steps=steps, seed=seed)), {}
    for name, method in entrants.methods.items():
        seat = next(n for n in LINEUP if name == n or name.startswith(f"{n}, "))
        if seat not in drawn and name not in entrants.long:
            drawn[seat] = replace(method, n=1).versions(pictures.y, pictures.keys)[:, 0]
    return drawn


# -- Table I and the zoom ------------------------------------------------------------------------


def table_one_figure() -> Figure:
    """Table I as bars, a dashed line where the grey replica stands (where it was measured)."""
    fig, axes = panels(1, 2, 4.4, 2.9)
    for axis, column, label, low in zip(axes, (0, 1), ("PSNR dB", "SSIM"), (18, 0.7), strict=True):
        for k, (name, row) in enumerate(TABLE_I.items()):
            style = dict(color=("0.2", "0.45", "0.7", "0.9", LINES[0]["color"])[k])
            style |= dict(edgecolor="black", hatch=("", "//", "", "..", "xx")[k], width=0.15)
            axis.bar(np.arange(3) + 0.16 * k, [v[column] for v in row], label=name, **style)
        for s, grey in enumerate(GREY_REPLICA):
            if grey:
                label_once = "grey replica (other subset)" if s == 0 else None
                at = [s - 0.1, s + 0.74]
                axis.plot(at, [grey[column]] * 2, "--", color=LINES[1]["color"], label=label_once)
        axis.set_xticks(np.arange(3) + 0.32, SETS)
        axis.set(ylabel=label, ylim=(low, None))
    axes[1].set_ylim(0.7, 1.0)
    fig.legend(*axes[0].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncol=6)
    return fig


def zoom_figure(image, boxes) -> Figure:
    """Fig 7: a coloured picture with marked boxes (left, top, right, bottom), then each enlarged."""
    a = to_array(image)
    fig, axes = panels(1, 1 + len(boxes), 2.7, 2.3)
    axes[0].imshow(a)
    for k, (box, axis) in enumerate(zip(boxes, axes[1:], strict=True)):
        left, top, right, bottom = box
        for colour, width in (("white", 3), ("black", 1)):  # seen on light and on dark
            frame = Rectangle((left, top), right - left, bottom - top, fill=False)
            frame.set(edgecolor=colour, linewidth=width)
            axes[0].add_patch(frame)
        axes[0].text(left, top - 6, str(k + 1), color="white", fontsize=9, backgroundcolor="black")
        axis.imshow(a[top:bottom, left:right], interpolation="nearest")
        axis.set_title(str(k + 1), fontsize=9)
    for axis in axes:
        axis.set_axis_off()
    return fig
