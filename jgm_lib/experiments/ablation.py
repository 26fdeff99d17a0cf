"""What does each part bring? Algorithm 1 with one factor changed at a time (``factors``), at two
settings: at one that fails alone, an ablation shows only the failure.

Without ``data`` on ToyScenes, otherwise on photographs. Every picture is drawn once; differences are
on the same pictures with the same noise. The optimum of a sweep is that of these pictures.
"""

import time
from collections import Counter

import numpy as np

from ..data.toy import ToyScenes, admissible_share
from ..errors import JGMError
from ..metrics import bootstrap_interval, paired_difference
from ..operators import gray
from .ablation_figure import figure, table
from .bench import score
from .cards import AblationCard
from .chains import Ends, ends_of
from .factors import DIVIDED, SCALE, Variation, bases, variations
from .overflowing import excess
from .priors import Prior, priors_of
from .sources import F, Pictures

__all__ = ["figure", "measure", "table"]

FIRST = 8 * 10**6  # landscapes that no training and no lesson shows
GREY, TRUTH = "grey replica", "truth"


def measure(card: AblationCard, data=None) -> tuple[list[dict], dict]:
    """The rows, and weights, settings, pictures and what was left out. ``data``: a folder or packed
    set; None for ToyScenes. Raises JGMError."""
    priors = ablated(card)
    bench = Bench(card, next(iter(priors.values())).side, data)
    rows, values = [bench.reference(name) for name in (GREY, TRUTH)], []
    runs = list(variations(card, priors))
    often = {chain for chain, n in Counter(v.chain for v in runs).items() if n > 1}
    kept: dict = {}  # chains that several runs share
    for v in runs:
        start = time.monotonic()
        ends = kept.get(v.chain) or ends_of(priors[v.prior].models[0], v, bench.pictures, card)
        if v.chain in often:
            kept[v.chain] = ends
        found = bench.values(ends, priors[v.prior].models[0].domain, v.settings)
        values.append((v, found))
        seconds = (time.monotonic() - start) / len(bench.pictures)
        rows.append(row_of(v, ends, found, card.seed) | {"seconds": seconds})
    compare(rows[2:], values, card.seed)
    sha = {name: p.sha256 for name, p in priors.items()}
    about = {"weights": sha, "bases": bases(card), "left_out": left_out(priors)}
    return rows, about | bench.pictures.about()


def ablated(card: AblationCard) -> dict[str, Prior]:
    """The priors by name, one training each, that of nine channels first. Raises JGMError."""
    for name, paths in card.weights.items():
        if len(paths) != 1:
            raise JGMError(
                f"weights {name!r}: given {len(paths)} times; an ablation takes one each"
            )
    priors = priors_of(card)
    first = next(iter(priors))
    if first == DIVIDED or priors[first].channels != 9:
        raise JGMError(f"weights: the first, {first!r}, is varied and must have nine channels")
    return priors


def left_out(priors: dict[str, Prior]) -> list[str]:
    """What these weights cannot show, a sentence each."""
    notes = []
    if DIVIDED not in priors:
        notes.append("JGM-divide: needs a prior of pictures and one of gradients")
    if len({p.models[0].domain.scale for p in priors.values() if p.channels == 9}) < 2:
        notes.append(f"{SCALE}: needs a second prior of nine channels, trained at another scale")
    return notes


class Bench:
    """The pictures, and what colourings of them are worth."""

    def __init__(self, card: AblationCard, side: int, data=None):
        self.seed, self.labels = card.seed, None
        if data is None:
            batch = ToyScenes(side).sample(card.pictures, FIRST + card.seed)
            self.pictures, self.labels = Pictures.of_truth(batch.images), batch.labels
        else:
            self.pictures = Pictures.of(data, side, card.pictures)

    def values(self, ends: Ends, domain, settings: dict) -> dict:
        """metric -> (N,), NaN where a run diverged. "luma_gap": RMS |F x - y| of the fused picture
        before the projection puts it right."""
        found: dict = {}
        if len(ends.own):
            p = self.pictures.some(ends.own)
            x = ends.fused(domain, settings)
            gap = (gray(x, F.to(x)) - p.y).square().mean((1, 2, 3)).sqrt().numpy()
            own = {**self.looks(ends.finished(x, p.y), ends.own), "luma_gap": gap}
            for key, numbers in own.items():
                found[key] = np.full(len(self.pictures), np.nan)
                found[key][ends.own] = numbers
        return found

    def looks(self, x, own) -> dict:
        """metric -> (n,) of colourings x (n,3,S,S) of the pictures ``own``; the share of admissible
        pixels of landscapes only."""
        p = self.pictures.some(own)
        found = {**score(x, p.truth, p.y), "overflow": excess(x, p)}
        if self.labels is not None:
            found["admissible"] = admissible_share(x, self.labels[own], per="pixel").numpy()
        return found

    def reference(self, name: str) -> dict:
        """The row of the grey replica or the truth."""
        p = self.pictures
        x = p.truth if name == TRUTH else p.y.expand_as(p.truth)
        found = self.looks(x, range(len(p)))
        return {"setting": "", "factor": "", "value": name, **means(found, self.seed)}


def row_of(v: Variation, ends: Ends, found: dict, seed: int) -> dict:
    """One run: how much of it diverged and why, the rest in means."""
    head = {"setting": v.setting, "factor": v.factor, "value": v.value, "base": v.base}
    head |= {"prior": v.prior, "nfe": ends.nfe, "diverged": ends.diverged, "why": ends.why}
    return head | means(found, seed)


def means(found: dict, seed: int) -> dict:
    """metric -> (N,) as {metric: [mean, low, high]} over the pictures that have a number."""
    row: dict = {"n": max((int((~np.isnan(v)).sum()) for v in found.values()), default=0)}
    for key, values in found.items():
        known = values[~np.isnan(values)]
        if len(known):
            row[key] = [float(known.mean()), *bootstrap_interval(known, seed=seed)]
    return row


def minus(a: dict, b: dict, seed: int, keys=None) -> dict:
    """a - b on the pictures where both have a number: {metric: [mean, low, high]}."""
    found = {}
    for key in keys or a:
        known = ~np.isnan(a[key] - b[key]) if key in a and key in b else np.zeros(1, bool)
        if known.any():
            found[key] = [*paired_difference(a[key][known], b[key][known], seed)]
    return found


def compare(rows: list[dict], values: list, seed: int) -> None:
    """Put into each row what it is above its setting ("minus_base"), and whether it is the optimum
    of its factor, least mean dE2000 among runs that all arrived; or tied: the interval of its
    distance to the optimum ("minus_optimum") reaches 0."""
    own = {v.setting: found for v, found in values if v.base}
    groups: dict = {}
    for row, (v, found) in zip(rows, values, strict=True):
        if not v.base:
            row["minus_base"] = minus(found, own[v.setting], seed)
        if not row["diverged"]:
            groups.setdefault((v.setting, v.factor), []).append((row, found))
    for members in groups.values():
        best, least = min(members, key=lambda m: m[0]["delta_e"][0])
        for row, found in members:
            row["optimum"] = row is best
            row["minus_optimum"] = minus(found, least, seed, ["delta_e"])["delta_e"]
            row["tied"] = row["minus_optimum"][1] <= 0
