"""Lesson 09: truths that share a grey picture, modes counted, spread against plausibility."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from jgm_lib.baselines import Sampled
from jgm_lib.constraint import fit_gamut
from jgm_lib.data.toy import PALETTE, ToyScenes, admissible_share, mode_of, visible
from jgm_lib.experiments.coverage import scene_interval
from jgm_lib.experiments.methods import Direct
from jgm_lib.experiments.sources import Pictures
from jgm_lib.metrics import bootstrap_interval, ciede2000, colourfulness, diversity, psnr, ssim
from jgm_lib.settings import compared

RESULTS = Path(__file__).parents[3] / "docs" / "results"
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


@dataclass
class Own:
    """A learner's function as a method of ``experiments.methods``."""

    colour: Callable
    draws: bool = True
    nfe: int = 0

    def __call__(self, y, seeds):
        return self.colour(y, seeds)


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
        self.pictures = Pictures.of_truth(self.truth)
        self.y = self.pictures.y

    def draw(self, name: str = "split", **settings) -> torch.Tensor:
        """(B,n,3,S,S) colourings; every one has its own seed."""
        method = Direct(Sampled(self.model, name, compared(name, **settings)), self.n, self.seed)
        x = method.versions(self.y, self.pictures.keys)
        self.nfe = method.nfe
        return x

    def by(self, colour: Callable) -> torch.Tensor:
        """(B,n,3,S,S) colourings by a function: greys (B,1,S,S), a seed a row -> (B,3,S,S)."""
        method = Direct(Own(colour), self.n, self.seed)
        return method.versions(self.y, self.pictures.keys)

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
        """Spread (pairwise Delta E 2000, ab deviation) and plausibility: the share of admissible
        pixels with a 95 % interval, a bootstrap over the landscapes."""
        spread = [diversity(v) for v in x]
        labels = self.labels.repeat_interleave(x.shape[1], 0)
        share = admissible_share(x.flatten(0, 1), labels, per="pixel")
        each = share.view(len(x), -1).mean(1).numpy()  # a landscape
        return {
            "delta_e": float(np.mean([s.delta_e for s in spread])),
            "ab_std": float(np.mean([s.ab_std for s in spread])),
            "admissible": float(each.mean()),
            "interval": bootstrap_interval(each),
            "colour": float(colourfulness(x.flatten(0, 1)).mean()),
        }


@dataclass(frozen=True)
class Counts:
    """How one object was painted: ``shares`` of its draws in each mode of ``names``, the last one
    "mixed" (in no mode by more than half); ``wanted`` probabilities, 95 % ``intervals``."""

    names: list[str]
    wanted: list[float]
    shares: np.ndarray
    intervals: list[tuple[float, float]]
    draws: int


def mode_table(group: Group, x: torch.Tensor) -> dict[str, Counts]:
    """Object -> ``Counts`` over all draws of the landscapes that show it. None is left out."""
    table, labels = {}, group.labels.repeat_interleave(x.shape[1], 0)
    for name in OPEN:
        modes = PALETTE[name]
        found = mode_of(x.flatten(0, 1), labels, name).view(len(x), -1)
        found = found[visible(group.labels, name)]  # (landscapes, draws)
        if found.numel():
            kinds = [*range(len(modes)), -1]
            each = np.stack([(found == k).double().mean(1).numpy() for k in kinds])
            table[name] = Counts(
                [m.name for m in modes] + ["mixed"],
                [m.probability for m in modes] + [0.0],
                each.mean(1),
                [scene_interval(e, found.numel()) for e in each],
                found.numel(),
            )
    return table


def counts_text(table: dict[str, Counts]) -> str:
    """A line an object and mode: the share drawn with its interval, and the palette's."""
    lines = [f"{'':14s} {'drawn':>5s} {'95 %':>14s} {'palette':>8s}"]
    for thing, c in table.items():
        lines.append(f"{thing}, {c.draws} draws")
        for name, p, q, (low, high) in zip(c.names, c.wanted, c.shares, c.intervals, strict=True):
            lines.append(f"  {name:12s} {q:5.2f} {low:6.2f} to {high:4.2f} {p:8.2f}")
    return "\n".join(lines)


def mode_figure(table: dict[str, Counts]) -> Figure:
    """Bars: how often each mode was drawn, with its interval, beside how often it should be."""
    fig = Figure(figsize=(9, 2.8), layout="constrained")
    ax, at, ticks, names = fig.subplots(), 0.0, [], []
    drawn = dict(color="#0072B2", edgecolor="black", hatch="//", capsize=2)
    for thing, c in table.items():
        places = at + np.arange(len(c.names))
        low, high = np.transpose(c.intervals)
        shown = {} if ticks else {"palette": "palette", "drawn": "drawn"}
        ax.bar(places, c.wanted, 0.4, color="0.75", edgecolor="black", label=shown.get("palette"))
        bar = np.abs([c.shares - low, high - c.shares])
        ax.bar(places + 0.4, c.shares, 0.4, yerr=bar, label=shown.get("drawn"), **drawn)
        ticks.extend(places + 0.2)
        names.extend(f"{thing}\n{mode}" for mode in c.names)
        at = places[-1] + 1.5
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
        ax.errorbar(
            r["delta_e"],
            r["admissible"],
            yerr=[
                [max(0, r["admissible"] - r["interval"][0])],
                [max(0, r["interval"][1] - r["admissible"])],
            ],
            fmt=mark,
            capsize=3,
            ecolor="0.4",
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
    lines = [f"{'':18s} {'dE spread':>9s} {'ab std':>7s} {'admissible, 95 %':>20s} {'colour':>7s}"]
    for name, r in rows.items():
        share = f"{r['admissible']:.2f} ({r['interval'][0]:.2f} to {r['interval'][1]:.2f})"
        lines.append(
            f"{name:18s} {r['delta_e']:9.1f} {r['ab_std']:7.1f} {share:>20s} {r['colour']:7.1f}"
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


def score_table(rows: dict) -> str:
    lines = [f"{'':14s} {'PSNR':>6s} {'SSIM':>6s} {'dE2000':>7s} {'colour':>7s}"]
    for name, r in rows.items():
        lines.append(
            f"{name:14s} {r['psnr']:6.2f} {r['ssim']:6.3f} {r['delta_e']:7.1f} {r['colour']:7.1f}"
        )
    return "\n".join(lines)


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
