"""Do gradients help? Priors with and without them, joint and divided, on the same pictures.

Without ``data`` on ToyScenes, whose answer key is exact; otherwise on photographs. Each prior may
come in several trainings; a row is their mean, its interval is over pictures, and ``by_training``
tells how far the trainings lie apart.
"""

import time
from itertools import combinations

import numpy as np
import torch
from matplotlib.figure import Figure

from ..baselines import Sampled
from ..data.toy import ToyScenes
from ..figures import line, panels
from ..metrics import bootstrap_interval, paired_difference
from .answers import answers
from .bench import score
from .cards import GradientsCard
from .methods import Direct
from .overflowing import excess
from .priors import priors_of, ways_of
from .sources import Pictures

FIRST = 7 * 10**6  # landscapes that no training and no lesson shows
PAIRED = ("psnr", "delta_e", "overflow", "admissible", "in_between")


def measure(card: GradientsCard, data=None) -> tuple[list[dict], dict]:
    """The rows, and weights, pictures and paired differences. ``data``: a folder or packed set;
    None for ToyScenes. Raises JGMError."""
    priors = priors_of(card)
    side = next(iter(priors.values())).side
    pictures, labels = (
        scenes_of(card, side) if data is None else (pictures_at(card, side, data), None)
    )
    rows, values = [], {}
    for name, prior in priors.items():
        for way, (sampler, settings) in ways_of(name, prior, card).items():
            found = values[name, way] = {}
            methods = [
                Direct(Sampled(m, sampler, settings), card.draws, card.seed) for m in prior.models
            ]
            start = time.monotonic()
            parts = [measure_one(m, pictures, labels, card.batch) for m in methods]
            for key in parts[0][0]:
                found[key] = np.stack([p[0][key] for p in parts])  # (trainings,N)
            seconds = (time.monotonic() - start) / len(pictures) / len(parts) / card.draws
            head = {"prior": name, "method": way, "nfe": methods[0].nfe, "seconds": seconds}
            rows.append(head | row_of(found, card.seed) | parts_of([p[1] for p in parts]))
    sha = {name: p.sha256 for name, p in priors.items()}
    return rows, {"weights": sha, "pairs": pairs(values, card.seed), **pictures.about()}


def scenes_of(card: GradientsCard, side: int) -> tuple[Pictures, torch.Tensor]:
    batch = ToyScenes(side).sample(card.pictures, FIRST + card.seed)
    return Pictures.of_truth(batch.images), batch.labels


def pictures_at(card: GradientsCard, side: int, data) -> Pictures:
    return Pictures.of(data, side, card.pictures)


def measure_one(method, pictures: Pictures, labels, batch: int) -> tuple[dict, object]:
    """Of one training: metric -> (N,), means over the draws of a picture, and the ``Answers`` on
    landscapes (None without ``labels``)."""
    x = torch.cat([method.versions(p.y, p.keys) for p in pictures.parts(batch)])  # (N,K,3,S,S)
    each = [
        {**score(v, pictures.truth, pictures.y), "overflow": excess(v, pictures)}
        for v in x.unbind(1)
    ]
    found = {key: np.mean([e[key] for e in each], axis=0) for key in each[0]}
    key = None if labels is None else answers(x, labels)
    if key is not None:
        found |= {"admissible": key.admissible, "in_between": key.in_between}
    return found, key


def row_of(found: dict, seed: int) -> dict:
    """metric -> (trainings,N) as {metric: [mean, low, high]} and the means of each training."""
    row: dict = {"n": len(next(iter(found.values()))[0]), "by_training": {}}
    for key, values in found.items():
        known = ~np.isnan(values).any(0)
        if known.any():
            own = values[:, known]
            row[key] = [float(own.mean()), *bootstrap_interval(own.mean(0), seed=seed)]
            row["by_training"][key] = own.mean(1).tolist()
    return row


def parts_of(keys: list) -> dict:
    """Of landscapes: shares of the modes and their distance from the palette, training by training."""
    if keys[0] is None:
        return {}
    return {"modes": [k.modes for k in keys], "mode_gap": [k.mode_gap for k in keys]}


def pairs(values: dict, seed: int) -> list[dict]:
    """What two rows of the same method, or of the same prior, differ by on the same pictures."""
    found = []
    for a, b in combinations(values, 2):
        if a[0] != b[0] and a[1] != b[1]:
            continue
        row = {"of": list(a), "minus": list(b)}
        for key in (k for k in PAIRED if k in values[a]):
            one, two = values[a][key].mean(0), values[b][key].mean(0)
            known = ~np.isnan(one - two)
            if known.any():
                row[key] = [*paired_difference(one[known], two[known], seed)]
        found.append(row)
    return found


# -- to read -----------------------------------------------------------------------------------


def table(rows: list[dict]) -> str:
    """The rows as text; the last columns only for landscapes."""
    lines = [
        f"{'prior':15s} {'method':21s} {'PSNR':>6s} {'dE2000, 95 %':>22s} {'colour':>6s} "
        f"{'overflow':>8s} {'NFE':>5s}  {'admissible':>10s} {'mixed':>6s} {'modes':>6s}"
    ]
    for r in rows:
        mean, low, high = r["delta_e"]
        delta = f"{mean:.2f} ({low:.2f} to {high:.2f})"
        over = f"{r['overflow'][0]:+.3f}" if "overflow" in r else ""
        text = f"{r['prior']:15s} {r['method']:21s} {r['psnr'][0]:6.2f} {delta:>22s} "
        text += f"{r['colourfulness'][0]:6.1f} {over:>8s} {r['nfe']:5d}"
        if "modes" in r:
            gap = np.mean(r["mode_gap"])
            text += f"  {r['admissible'][0]:10.3f} {r['in_between'][0]:6.3f} {gap:6.3f}"
        lines.append(text)
    return "\n".join(lines)


def figure(rows: list[dict]) -> Figure:
    """Colour difference, and share of admissible colours or edge overflow, a line a row."""
    second = "admissible" if "admissible" in rows[0] else "overflow"
    labels = {"delta_e": "dE2000", "admissible": "admissible pixels", "overflow": "edge overflow"}
    fig, axes = panels(1, 2, 4.2, 0.3 * len(rows) + 1, sharey=True)
    names = list(dict.fromkeys(r["prior"] for r in rows))
    for axis, key in zip(axes, ("delta_e", second), strict=True):
        for i, r in enumerate(rows):
            mean, low, high = r.get(key, [np.nan] * 3)
            style = line(names.index(r["prior"]), markers=True) | {"linestyle": "none"}
            axis.errorbar([mean], [-i], xerr=[[mean - low], [high - mean]], capsize=3, **style)
            axis.plot(
                r["by_training"].get(key, []), [-i] * len(r["by_training"].get(key, [])), "k|"
            )
        axis.set(xlabel=labels[key] + ", 95 % over pictures")
    axes[0].set_yticks(
        [-i for i in range(len(rows))], [f"{r['prior']}, {r['method']}" for r in rows]
    )
    return fig
