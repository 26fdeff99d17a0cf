"""What votes say: means over observers with their intervals, paired differences, shares."""

import numpy as np

from ..errors import JGMError
from ..metrics import bootstrap_interval
from .plan import INDICATORS


def observer_means(answers) -> np.ndarray:
    """(observers, methods, indicators + 1): each observer's share of yes; last is naturalness.

    Observers who did not see every method at least once are left out. JGMError if nobody is left.
    """
    answers = np.asarray(answers, np.float64)
    seen = (~np.isnan(answers)).sum(1)  # (observers, methods, indicators)
    whole = (seen > 0).all((1, 2))
    if not whole.any():
        raise JGMError("no observer has judged all methods yet")
    means = np.nanmean(answers[whole], axis=1)
    return np.concatenate([means, means.mean(-1, keepdims=True)], axis=-1)


COLUMNS = (*INDICATORS, "naturalness")


def analyse(answers, methods, level=0.95, resamples=2000, seed=0, columns=COLUMNS) -> dict:
    """method -> column -> (mean, low, high); ``columns``: the indicators and "naturalness".

    ``answers`` as from ``unblind``. The interval is a bootstrap over observers: votes of one person
    are not independent, people are. (What other pictures would give it cannot tell.)
    """
    means = observer_means(answers)
    out = {}
    for m, method in enumerate(methods):
        out[method] = {}
        for column in columns:
            values = means[:, m, COLUMNS.index(column)]
            ends = bootstrap_interval(values, level, resamples, seed)
            out[method][column] = (float(values.mean()), *ends)
    return out


def paired_test(answers, methods, a: str, b: str, column=-1, rounds=5000, seed=0) -> tuple:
    """(mean difference a - b, p): are the observers' differences more than chance?

    Paired sign-flip test: if the methods are alike, every observer's difference could as well have
    the other sign. Two-sided; p is never 0. ``column``: number of the indicator, -1 naturalness.
    """
    means = observer_means(answers)[:, :, column]
    d = means[:, methods.index(a)] - means[:, methods.index(b)]
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (rounds, len(d)))
    as_far = np.abs(signs @ d) >= abs(d.sum()) - 1e-9
    return float(d.mean()), float((1 + as_far.sum()) / (1 + rounds))


def share_interval(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share of n independent yes-or-no votes (Wilson 1927)."""
    if not 0 <= share <= 1 or n < 1:
        raise JGMError(f"share={share}, n={n}: need 0 <= share <= 1 and n >= 1")
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)
