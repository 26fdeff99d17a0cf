"""Do observers agree? Krippendorff's alpha of one observer, intraclass correlation of the room."""

from typing import NamedTuple

import numpy as np

from ..errors import JGMError
from .analysis import COLUMNS, with_naturalness
from .votes import finished


class Agreement(NamedTuple):
    """1 is full agreement, 0 what chance gives. ``alpha`` and ``single`` are of one observer,
    ``average`` of the mean of the room."""

    alpha: float
    single: float
    average: float


def krippendorff_alpha(ratings) -> float:
    """Krippendorff's alpha for points on a scale (interval data), of ``ratings`` (units, raters).

    1 - (disagreement within units) / (disagreement of all pairs); NaN is a missing rating, and a
    unit with fewer than two is left out (Krippendorff 2011, Computing Krippendorff's
    alpha-reliability). For squared differences both are variances, which this uses.
    JGMError if nothing differs or nothing was rated twice: then there is no alpha.
    """
    ratings = np.asarray(ratings, np.float64)
    rated = (~np.isnan(ratings)).sum(1)  # (units,)
    ratings, rated = ratings[rated > 1], rated[rated > 1]
    if not len(ratings) or np.nanvar(ratings) == 0:
        raise JGMError("no agreement to compute: need units rated twice, and ratings that differ")
    within = (rated * np.nanvar(ratings, axis=1, ddof=1)).sum() / rated.sum()
    return float(1 - within / np.nanvar(ratings, ddof=1))


def mean_squares(table) -> tuple[float, float, float]:
    """(rows, columns, rest) of a two-way analysis of variance without repeats; ``table`` (n, k).

    JGMError for fewer than two rows or columns.
    """
    x = np.asarray(table, np.float64)
    n, k = x.shape
    if n < 2 or k < 2:
        raise JGMError(f"a table of {n} x {k}: need at least two rows and two columns")
    rows, columns = x.mean(1, keepdims=True) - x.mean(), x.mean(0) - x.mean()
    rest = x - x.mean() - rows - columns
    squares = k * (rows**2).sum(), n * (columns**2).sum(), (rest**2).sum()
    return tuple(
        float(s / d) for s, d in zip(squares, (n - 1, k - 1, (n - 1) * (k - 1)), strict=True)
    )


def intraclass(ratings) -> tuple[float, float]:
    """(ICC(2,1), ICC(2,k)) of ``ratings`` (units, raters), none missing (Shrout and Fleiss 1979).

    Raters are a sample of people; being strict counts as disagreement. The first is of one rater,
    the second of the mean of all k. JGMError if the ratings do not differ.
    """
    n, k = np.shape(ratings)
    units, raters, rest = mean_squares(ratings)
    if units == raters == rest == 0:
        raise JGMError("no agreement to compute: all ratings are the same")
    single = (units - rest) / (units + (k - 1) * rest + k * (raters - rest) / n)
    return single, (units - rest) / (units + (raters - rest) / n)


def agreement(scores) -> dict:
    """column -> Agreement of the finished observers; a unit is one method's version of a picture.

    ``scores`` as from ``unblind``. JGMError for fewer than two finished observers.
    """
    whole = np.asarray(scores, np.float64)[finished(scores)]
    if len(whole) < 2:
        raise JGMError(f"{len(whole)} finished observers: agreement needs two")
    table = with_naturalness(whole)  # (observers, pictures, methods, columns)
    out = {}
    for c, column in enumerate(COLUMNS):
        ratings = table[..., c].reshape(len(whole), -1).T  # (units, observers)
        out[column] = Agreement(krippendorff_alpha(ratings), *intraclass(ratings))
    return out
