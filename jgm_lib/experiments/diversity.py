"""Fig 8 and the three claims of Section IV.D as numbers, and spread against plausibility.

Distinct styles: how far the draws of a picture lie apart, pixel by pixel and in their overall tone.
No overflow: edge overflow above the truth's. High saturation: colourfulness over the truth's. Spread
alone proves nothing, so beside it stands how plausible the draws are: without ``data`` on ToyScenes
the share of admissible pixels and the modes that K draws show; on photographs, which have no answer
key, the colour difference to the one truth.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure

from ..figures import line, panels
from ..lab import rgb_to_lab
from ..metrics import (
    bootstrap_interval,
    ciede2000,
    colourfulness,
    diversity,
    paired_difference,
    ratio_of_sums,
)
from .answers import answers
from .cards import DiversityCard
from .coverage import coverage, exact_draws, landscapes
from .overflowing import excess
from .sources import Pictures, spread
from .variants import Variant, side_of, variants_of

FIRST = 8 * 10**6  # landscapes that no training and no lesson shows
SCORES = ("spread", "per_pixel", "tone", "overflow", "colourfulness", "delta_e")
KNOWN = ("admissible", "in_between", "seen")  # with an answer key
GREY, EXACT = "grey replica", "exact draws"


@dataclass(frozen=True)
class Subject:
    """What is coloured: photographs, or landscapes with their labels and ``first`` seed."""

    pictures: Pictures
    labels: torch.Tensor | None = None
    first: int = 0


def measure(card: DiversityCard, data=None) -> tuple[list[dict], dict]:
    """The rows; weights, pictures and differences to the first row of draws. ``data``: a folder or
    packed set; None for ToyScenes. Raises JGMError."""
    variants, sha = variants_of(card)
    subject = subject_of(card, side_of(variants), data)
    rows, values = [], {}
    for name, samples, head in [*references(card, subject), *drawn(card, variants, subject)]:
        found, more = scores_of(samples, subject, card.seed)
        values[name] = found
        rows.append({"method": name, **head, **row_of(found, subject, card.seed), **more})
    about = {"weights": sha, "pairs": pairs(values, card.seed), **subject.pictures.about()}
    return rows, about


def subject_of(card: DiversityCard, side: int, data=None) -> Subject:
    if data is not None:
        return Subject(Pictures.of(data, side, card.pictures))
    first = FIRST + card.seed
    truth, labels = landscapes(side, card.pictures, first)
    return Subject(Pictures.of_truth(truth), labels, first)


def references(card: DiversityCard, subject: Subject):
    """(name, draws, head) of no colours at all, and on landscapes of the exact p(colour | grey)."""
    y, free = subject.pictures.y, {"nfe": 0, "strength": 1.0}
    yield GREY, y[:, None].expand(-1, card.K, 3, -1, -1), free
    if subject.labels is not None:
        some = (y.shape[-1], len(y), card.K, subject.first, card.seed)
        yield EXACT, exact_draws(*some), free


def drawn(card: DiversityCard, variants: list[Variant], subject: Subject):
    """(name, draws, head) of every variant, and of its draws at every strength."""
    for v in variants:
        limit = card.few if v.long else None
        some = subject.pictures.some(spread(len(subject.pictures), limit))
        start = time.monotonic()
        x = torch.cat([v.method.versions(p.y, p.keys) for p in some.parts(card.batch)])
        head = {"nfe": v.method.nfe, "strength": 1.0}
        head["seconds"] = (time.monotonic() - start) / len(some) / v.method.n
        yield v.name, x, head
        for strength in card.strengths if v.strong else ():
            head = {"nfe": v.method.nfe, "strength": strength}
            yield f"{v.name}, strength {strength:g}", v.stronger(x, some.y, strength), head


# -- numbers -----------------------------------------------------------------------------------


def scores_of(samples: torch.Tensor, subject: Subject, seed: int) -> tuple[dict, dict]:
    """Draws (n,K,3,S,S) of n of the pictures, evenly spread -> metric -> (N,), NaN where a picture
    was left out; and the coverage of the modes, on landscapes."""
    N = len(subject.pictures)
    own = spread(N, len(samples))
    some, x = subject.pictures.some(own), samples.clamp(0, 1)
    found, more = picture_scores(x, some), {}
    if subject.labels is not None:
        labels = subject.labels[own]
        key = answers(x, labels)
        rows, seen = coverage(x, labels, seed)
        found |= {"admissible": key.admissible, "in_between": key.in_between, "seen": seen}
        more = {"coverage": rows, "mode_gap": key.mode_gap}
    whole = {k: np.full(N, np.nan) for k in found}
    for k, v in found.items():
        whole[k][own] = v
    return whole, more


def picture_scores(x: torch.Tensor, pictures: Pictures) -> dict:
    """Metric -> (n,) of draws (n,K,3,S,S): means over the draws of a picture, and their spread."""
    apart = [diversity(s) for s in x]
    each = x.unbind(1)
    return {
        "spread": np.array([d.delta_e for d in apart]),
        "per_pixel": np.array([d.ab_std for d in apart]),
        "tone": np.array([tone_spread(s) for s in x]),
        "overflow": np.mean([excess(v, pictures) for v in each], axis=0),
        "colourfulness": np.mean([colourfulness(v) for v in each], axis=0),
        "delta_e": np.mean([ciede2000(v, pictures.truth) for v in each], axis=0),
    }


def tone_spread(versions: torch.Tensor) -> float:
    """How far the overall tones of K versions (K,3,H,W) lie apart: sqrt(var a + var b) of the
    CIELAB a and b of each version's mean over pixels, divisor K - 1; 0 for one version."""
    tones = rgb_to_lab(versions.double())[:, 1:].mean((2, 3))  # (K,2)
    return float(tones.var(0, correction=1).sum().sqrt()) if len(tones) > 1 else 0.0


def row_of(found: dict, subject: Subject, seed: int) -> dict:
    """{metric: [mean, low, high]} over the pictures that have one, how many pictures there were,
    and "saturation": colourfulness over the truth's, a ratio of sums."""
    row: dict = {"n": int((~np.isnan(found["spread"])).sum())}
    for key, values in found.items():
        known = values[~np.isnan(values)]
        if len(known):
            row[key] = [float(known.mean()), *bootstrap_interval(known, seed=seed)]
    own = ~np.isnan(found["colourfulness"])
    truth = colourfulness(subject.pictures.truth)[own]
    return row | {"saturation": [*ratio_of_sums(found["colourfulness"][own], truth, seed)]}


def pairs(values: dict, seed: int) -> list[dict]:
    """Every row minus the exact draws', on photographs minus the first row of draws, picture by
    picture: [mean, low, high] of each metric."""
    names = [n for n in values if n != GREY]
    base, rows = names[0], []
    for name in names[1:]:
        row = {"of": name, "minus": base}
        for key in values[base]:
            a, b = values[name][key], values[base][key]
            known = ~np.isnan(a - b)
            if known.any():
                row[key] = [*paired_difference(a[known], b[known], seed)]
        rows.append(row)
    return rows


# -- to read -----------------------------------------------------------------------------------


def table(rows: list[dict]) -> str:
    """The rows as text; the last columns only for landscapes."""
    known = any("admissible" in r for r in rows)
    head = f"{'method':38s} {'n':>3s} {'dE apart, 95 %':>20s} {'a,b':>5s} {'tone':>5s} "
    head += f"{'overflow':>8s} {'colour/truth':>18s} {'dE truth':>8s} {'NFE':>5s}"
    lines = [head + (f" {'admissible':>19s} {'mixed':>5s} {'modes':>5s}" if known else "")]
    for r in rows:
        text = f"{r['method']:38s} {r['n']:3d} {three(r['spread'], 1):>20s} "
        text += f"{r['per_pixel'][0]:5.1f} {r['tone'][0]:5.1f} "
        text += f"{r['overflow'][0]:+8.3f} " if "overflow" in r else " " * 9
        text += f"{three(r['saturation'], 2):>18s} {r['delta_e'][0]:8.1f} {r['nfe']:5d}"
        if known:
            text += f" {three(r['admissible'], 2):>19s} {r['in_between'][0]:5.2f} "
            text += f"{r['seen'][0]:5.2f}"
        lines.append(text)
    return "\n".join(lines)


def three(values, digits: int) -> str:
    mean, low, high = values
    return f"{mean:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def figure(rows: list[dict]) -> Figure:
    """Spread against plausibility, the rows numbered; overflow and saturation of each row."""
    fig, axes = panels(1, 3, 4.0, max(3.0, 0.22 * len(rows) + 1))
    key = "admissible" if "admissible" in rows[0] else "delta_e"
    text = "admissible pixels" if key == "admissible" else "dE2000 to the truth"
    for i, r in enumerate(rows):
        style = line(i, markers=True) | {"linestyle": "none", "capsize": 2}
        bar(axes[0], r["spread"], r[key], style)
        axes[0].annotate(str(i + 1), (r["spread"][0], r[key][0]), (3, 3), **OFFSET)
        for axis, name in zip(axes[1:], ("overflow", "saturation"), strict=True):
            if name in r:
                bar(axis, r[name], [-i - 1] * 3, style)
    axes[0].set(xlabel="spread: dE2000 between two draws", ylabel=text)
    if key == "delta_e":
        axes[0].invert_yaxis()
    axes[1].set(xlabel="edge overflow above the truth's")
    axes[2].set(xlabel="colourfulness over the truth's")
    axes[1].axvline(0, color="0.6", linewidth=1)
    axes[2].axvline(1, color="0.6", linewidth=1)
    for axis in axes[1:]:
        axis.set_ylim(-len(rows) - 0.6, -0.4)
    at = [-i - 1 for i in range(len(rows))]
    axes[1].set_yticks(at, [f"{i + 1} {r['method']}" for i, r in enumerate(rows)], fontsize=7)
    axes[2].set_yticks(at, [str(i + 1) for i in range(len(rows))], fontsize=7)
    return fig


OFFSET = {"textcoords": "offset points", "fontsize": 7}


def bar(axis, x, y, style: dict) -> None:
    """A point with its intervals: x and y are [mean, low, high] each."""
    reach = [[[abs(v[0] - v[1])], [abs(v[2] - v[0])]] for v in (x, y)]
    axis.errorbar([x[0]], [y[0]], xerr=reach[0], yerr=reach[1], **style)
