"""Draw and score: grey replica, single draw, consensus, mean and oracle of K, by any method.

The oracle picks the draw nearest to the truth, which nobody has: it shows what is within reach,
not what a user gets. An exact draw from a posterior pays on average 10 log10 2 = 3 dB against its
mean, and 10 log10(2/(1 + 1/K)) against the mean of K, in averaged squared errors; a paler one less.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .. import metrics
from ..operators import gray, gray_weights
from .names import GREY
from .pairing import Scores, against, differences
from .sources import F, Pictures, spread
from .tables import summary


def score(x, truth, y, f=F) -> dict:
    """Per-picture metrics (B,) of colourings x (B,3,S,S). ``chroma_psnr``: with the truth's own
    luma in place of x's, which is the PSNR where y is the mean of the truth's colours."""
    mean = gray_weights("mean")
    own_luma = x - gray(x, mean) + gray(truth, mean)
    return {
        "psnr": metrics.psnr(x, truth),
        "chroma_psnr": metrics.psnr(own_luma, truth),
        "ssim": metrics.ssim(x, truth),
        "delta_e": metrics.ciede2000(x, truth),
        "colourfulness": metrics.colourfulness(x),
        "residual": metrics.consistency_rms(x, y, f),
    }


def choices(samples, truth) -> dict:
    """The pictures of the honest columns of K draws (B,K,3,S,S): one draw, the consensus, the mean,
    and the oracle's; column -> (B,3,S,S)."""
    K, rows = samples.shape[1], range(len(samples))
    out = {"single": samples[:, 0]}
    if K > 1:
        first = [int(metrics.typicality_order(s)[0]) for s in samples]
        out[f"consensus of {K}"] = samples[rows, first]
        out[f"mean of {K}"] = samples.mean(1)
        best = [
            int(np.argmax(metrics.psnr(s, t.expand_as(s))))
            for s, t in zip(samples, truth, strict=True)
        ]
        out[f"oracle of {K}"] = samples[rows, best]
    return out


def columns_of(samples, truth, y, f=F) -> dict:
    """The scores of the ``choices`` of K draws (B,K,3,S,S): column -> metrics."""
    return {c: score(x, truth, y, f) for c, x in choices(samples, truth).items()}


def grey_scores(pictures: Pictures) -> Scores:
    """The grey replicas', the bar of every method."""
    y, truth = pictures.y, pictures.truth
    return Scores(pictures.keys, score(y.expand_as(truth), truth, y))


def truth_scores(pictures: Pictures) -> Scores:
    """The truth's own, for its colourfulness."""
    return Scores(pictures.keys, score(pictures.truth, pictures.truth, pictures.y))


@dataclass
class Found:
    """What a method made of pictures: its columns, the evaluations and seconds of one version."""

    columns: dict[str, Scores]
    n: int
    nfe: int
    seconds: float


def measure(method, pictures: Pictures, batch: int = 8) -> Found:
    """Draw and score, ``batch`` pictures at a time."""
    total: dict = {}
    start = time.monotonic()
    for part in pictures.parts(batch):
        gather(total, own_columns(method, method.versions(part.y, part.keys), part))
    seconds = (time.monotonic() - start) / (len(pictures) * method.n)
    columns = {c: Scores(pictures.keys, joined(scores)) for c, scores in total.items()}
    return Found(columns, method.n, method.nfe, seconds)


def own_columns(method, samples, pictures: Pictures) -> dict:
    """``columns_of`` what a method made of pictures; of one that does not draw a column without a
    name."""
    columns = columns_of(samples, pictures.truth, pictures.y)
    return columns if method.draws else {"": columns["single"]}


def gather(total: dict, part: dict) -> None:
    """Add what was found for some pictures, {column: {metric: (B,)}}, to the lists of all."""
    for column, scores in part.items():
        for name, values in scores.items():
            total.setdefault(column, {}).setdefault(name, []).append(np.asarray(values))


def joined(total: dict) -> dict:
    """{metric: list of (B,)} -> {metric: (N,)}"""
    return {name: np.concatenate(values) for name, values in total.items()}


def compare(
    methods: dict, pictures: Pictures, *, limits=None, batch=8, reference=None
) -> Iterator[dict]:
    """Yield one row per (method, column): means with intervals, the paired differences to the grey
    replica and to the method ``reference``, and the values of every picture.

    ``methods``: name -> ``methods.Direct`` or ``Through``; ``limits``: fewer pictures for single
    methods (name -> number), evenly spread. First come the grey replica, the truth and the
    reference, for the others are compared with them.
    """
    grey, found = grey_scores(pictures), {}
    yield row_of(GREY, "", grey)
    yield row_of("truth", "", truth_scores(pictures))
    for name in sorted(methods, key=lambda name: name != reference):
        some = pictures.some(spread(len(pictures), (limits or {}).get(name)))
        found[name] = measure(methods[name], some, batch)
        other = found.get(reference) if name != reference else None
        yield from rows_of(name, found[name], grey, other and (reference, other))


def rows_of(name: str, found: Found, grey: Scores, reference=None) -> Iterator[dict]:
    """The rows of one method; ``reference``: name and ``Found`` of another, or None."""
    for column, scores in found.columns.items():
        cost = 1 if column in ("", "single") else found.n  # what the column takes
        row = row_of(name, column, scores, cost * found.nfe, round(cost * found.seconds, 4))
        row["grey_psnr"] = float(grey.at(scores.keys).values["psnr"].mean())
        row["to_grey"] = differences(scores, grey)
        if reference:
            paired = against(found.columns, reference[1].columns, column)
            row["against"] = {"method": reference[0], **paired}
        yield row


def row_of(method: str, column: str, scores: Scores, nfe: int = 0, seconds: float = 0.0) -> dict:
    """A row of the table, with what it is made of: "keys" of the pictures and "values"."""
    made_of = {"keys": scores.keys, "values": {k: v.tolist() for k, v in scores.values.items()}}
    head = {"method": method, "column": column, "nfe": nfe, "seconds": seconds}
    return {**head, **summary(scores.values), **made_of}
