"""Table I on photographs of one's own: systems and priors beside the grey replica and the truth.

To the honest columns of ``bench`` come edge overflow above the truth's, the Frechet distance to the
truth on the classifier's features, the diversity of the draws, the paper's protocol for Algorithm 1
and its Table I, marked.
"""

import time

import numpy as np
import torch
from matplotlib.figure import Figure

from ..errors import JGMError
from ..figures import line, panels
from ..frechet import features_of, frechet_interval, load_classifier
from ..metrics import bootstrap_interval, diversity
from . import bench, paper
from .cards import ComparisonCard
from .entrants import entrants_of
from .methods import Through
from .names import GREY
from .overflowing import excess, mean_excess
from .pairing import Scores
from .protocol import protocol
from .sources import Pictures, spread
from .tables import with_interval


def measure(card: ComparisonCard, data=None) -> tuple[list[dict], dict]:
    """The rows; weights, pictures, the paper's protocol and its table. ``data``: a folder or packed
    set of photographs. Raises JGMError."""
    if data is None:
        raise JGMError("comparison: needs --data, a folder of photographs or a packed set")
    entrants = entrants_of(card)
    methods = entrants.methods
    if not methods:
        raise JGMError("comparison: no weights; name some (--weights NAME=WEIGHTS)")
    classifier, about = load_classifier(card.classifier)
    pictures = Pictures.of(data, card.size, card.pictures)
    if len(pictures) < 2:
        raise JGMError(f"{data}: one picture; the Frechet distance needs two at least")
    judge = Judge(classifier, pictures, card.seed)
    few = judge.of_some(card.long_pictures)
    rows = [judge.grey_row(), judge.truth_row()]
    reference = None
    for name, method in methods.items():
        found, looks = entered(method, few if name in entrants.long else judge, card.batch)
        rows += judged_rows(name, found, looks, judge.grey, reference)
        reference = reference or (name, found)
    more = {"weights": {**entrants.sha, "classifier": about["sha256"]}, **pictures.about()}
    more["notes"] = entrants.notes
    more["protocol"] = protocols(methods, pictures, card)
    return rows, more | {"paper": {"mark": paper.MARK, "table_1": paper.TABLE_I}}


class Judge:
    """The pictures, the grey replica's scores, and the features of the truth."""

    def __init__(self, classifier, pictures: Pictures, seed: int, whole: bool = True):
        self.classifier, self.pictures, self.seed = classifier, pictures, seed
        self.whole = whole
        self.grey = bench.grey_scores(pictures)
        self.truth = features_of(classifier, pictures.truth)

    def of_some(self, n: int) -> "Judge":
        """Of at most n pictures, evenly spread. Their Frechet distance would be a larger one for
        their number alone, so fewer have none."""
        if n >= len(self.pictures):
            return self
        some = self.pictures.some(spread(len(self.pictures), n))
        return Judge(self.classifier, some, self.seed, whole=False)

    def looks(self, x) -> dict:
        """Edge overflow above the truth's and Frechet distance to the truth of (N,3,S,S)."""
        found = mean_excess(excess(x, self.pictures), self.seed)
        if not self.whole:
            return found | {"frechet": None}
        features = features_of(self.classifier, x.clamp(0, 1))
        return found | {"frechet": [*frechet_interval(features, self.truth, self.seed)]}

    def grey_row(self) -> dict:
        grey = self.pictures.y.expand_as(self.pictures.truth)
        return bench.row_of(GREY, "", self.grey) | self.looks(grey)

    def truth_row(self) -> dict:
        truth = bench.row_of("truth", "", bench.truth_scores(self.pictures))
        return truth | self.looks(self.pictures.truth)


def entered(method, judge: Judge, batch: int) -> tuple[bench.Found, dict]:
    """What a method made of the pictures, and column -> ``Judge.looks``; with draws, the first
    column has their diversity too."""
    pictures, start = judge.pictures, time.monotonic()
    parts = [method.versions(p.y, p.keys) for p in pictures.parts(batch)]
    samples = torch.cat(parts)  # (N,n,3,S,S)
    seconds = (time.monotonic() - start) / len(pictures) / method.n
    views = bench.choices(samples, pictures.truth) if method.draws else {"": samples[:, 0]}
    scores = {
        c: Scores(pictures.keys, bench.score(x, pictures.truth, pictures.y))
        for c, x in views.items()
    }
    looks = {c: judge.looks(x) for c, x in views.items()}
    if method.draws:
        spread_of = np.array([diversity(s).delta_e for s in samples])
        own = [float(spread_of.mean()), *bootstrap_interval(spread_of, seed=judge.seed)]
        looks["single"] |= {"diversity": own}
    return bench.Found(scores, method.n, method.nfe, seconds), looks


def judged_rows(name: str, found: bench.Found, looks: dict, grey: Scores, reference) -> list[dict]:
    """The rows of ``bench.rows_of`` with the looks of each column."""
    rows = bench.rows_of(name, found, grey, reference)
    return [row | looks[row["column"]] for row in rows]


def protocols(methods: dict, pictures: Pictures, card: ComparisonCard) -> dict:
    """Name -> rows of the paper's protocol, for the first of those that draw by Algorithm 1."""
    if not card.protocol_pictures:
        return {}
    some = pictures.some(spread(len(pictures), card.protocol_pictures))
    chains = [name for name, method in methods.items() if by_algorithm_1(method)]
    return {
        name: protocol(methods[name], some, card.runs, card.seed)
        for name in chains[: card.protocol_entrants]
    }


def by_algorithm_1(method) -> bool:
    """Does it draw by a chain, with a state a step to choose from?"""
    if not isinstance(method, Through):
        return False
    return getattr(method.make(method.colorizer.model), "sampler", None) == "langevin"


# -- to read -----------------------------------------------------------------------------------


def table(rows: list[dict]) -> str:
    """The rows as Markdown, then the paper's table under its mark."""
    names = ("method", "column", "n", "PSNR dB", "SSIM", "ΔE00 (95 %)", "ΔE00 - grey")
    names += ("ΔE00 - first", "PSNR - grey", "PSNR - first", "colourfulness", "overflow")
    names += ("Fréchet (95 %)", "diversity", "RMS Fx-y", "NFE", "s a picture")
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for r in rows:
        delta = [r[f"delta_e{end}"] for end in ("", "_low", "_high")]
        psnr = "∞" if r["method"] == "truth" else f"{r['psnr']:.2f}"  # JSON has no infinity
        cells = [r["method"], r["column"], r["n"], psnr, f"{r['ssim']:.4f}"]
        cells += [with_interval(delta, 2)]
        cells += [
            with_interval(r.get(k, {}).get(m), 2, "+")
            for m in ("delta_e", "psnr")
            for k in ("to_grey", "against")
        ]
        cells += [f"{r['colourfulness']:.1f}", with_interval(r["overflow"], 3, "+")]
        cells += [with_interval(r["frechet"], 2), with_interval(r.get("diversity"), 1)]
        cells += [f"{r['residual']:.0e}", r["nfe"] or "", r.get("seconds") or ""]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, "", paper.table_one()])


def figure(rows: list[dict]) -> Figure:
    """Colour difference, edge overflow and Frechet distance with their intervals, a line a row."""
    shown = [r for r in rows if r["method"] != "truth"]
    fig, axes = panels(1, 3, 3.4, 0.26 * len(shown) + 1, sharey=True)
    names = list(dict.fromkeys(r["method"] for r in shown))
    for i, r in enumerate(shown):
        style = line(names.index(r["method"]), markers=True) | {"linestyle": "none"}
        delta = [r[f"delta_e{end}"] for end in ("", "_low", "_high")]
        for axis, three in zip(axes, (delta, r["overflow"], r["frechet"]), strict=True):
            if three is not None:
                mean, low, high = three
                bars = [[max(0, mean - low)], [max(0, high - mean)]]
                axis.errorbar([mean], [-i], xerr=bars, capsize=3, **style)
    texts = ("colour difference dE2000", "edge overflow above the truth's", "Frechet distance")
    for axis, text in zip(axes, texts, strict=True):
        axis.set(xlabel=text)
    labels = [f"{r['method']}, {r['column']}".removesuffix(", ") for r in shown]
    axes[0].set_yticks([-i for i in range(len(shown))], labels)
    return fig
