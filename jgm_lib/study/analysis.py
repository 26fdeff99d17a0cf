"""What votes say: means over observers with their intervals, paired differences, shares."""

from typing import NamedTuple

import numpy as np

from ..errors import JGMError
from .plan import INDICATORS
from .votes import finished

COLUMNS = (*INDICATORS, "naturalness")


class Paired(NamedTuple):
    """Method a minus method b on the same observers: points, their interval, and two p values."""

    difference: float
    low: float
    high: float
    p: float  # of this one comparison
    holm: float  # when all comparisons of the table are looked at


def with_naturalness(scores) -> np.ndarray:
    """(..., indicators) -> (..., columns): naturalness, the mean of the three, comes last."""
    scores = np.asarray(scores, np.float64)
    return np.concatenate([scores, scores.mean(-1, keepdims=True)], axis=-1)


def observer_means(scores) -> np.ndarray:
    """(finished observers, methods, columns): each one's mean over the pictures, 0 to 100.

    ``scores`` as from ``unblind``. Observers with a version missing are left out: methods would be
    compared on other pictures. JGMError if nobody has finished.
    """
    whole = finished(scores)
    if not whole.any():
        raise JGMError(f"no observer has finished yet ({len(whole)} have begun)")
    return with_naturalness(np.asarray(scores, np.float64)[whole].mean(1))


def resampled(values, resamples=2000, seed=0) -> np.ndarray:
    """(resamples, ...): means of ``values`` (observers, ...) over observers drawn with replacement
    (bootstrap, Efron 1979). Votes of one person are not independent, people are."""
    values = np.asarray(values, np.float64)
    rng, n = np.random.default_rng(seed), len(values)
    return np.stack([values[rng.integers(n, size=n)].mean(0) for _ in range(resamples)])


def interval(means, level=0.95) -> tuple:
    """(low, high) along axis 0 of resampled means, ends taken outward to one of them."""
    means = np.sort(means, axis=0)
    tail = int((1 - level) / 2 * (len(means) - 1))
    return means[tail], means[len(means) - 1 - tail]


def analyse(scores, methods, level=0.95, resamples=2000, seed=0) -> dict:
    """method -> column -> (mean, low, high) in points; columns: the indicators and "naturalness".

    ``scores`` as from ``unblind``; the interval is a bootstrap over observers. (What other pictures
    would give it cannot tell.) JGMError if nobody has finished.
    """
    means = observer_means(scores)
    low, high = interval(resampled(means, resamples, seed), level)
    return {
        method: {
            column: (float(means[:, m, c].mean()), float(low[m, c]), float(high[m, c]))
            for c, column in enumerate(COLUMNS)
        }
        for m, method in enumerate(methods)
    }


def sign_flip_p(differences, rounds=5000, seed=0) -> float:
    """p of a two-sided paired test on one difference an observer (n,): never 0.

    If two methods are alike, each observer's difference could as well have the other sign (Fisher
    1935): how often does the sum get as far with signs drawn at random?
    """
    d = np.asarray(differences, np.float64)
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (rounds, len(d)))
    as_far = np.abs(signs @ d) >= abs(d.sum()) - 1e-9
    return float((1 + as_far.sum()) / (1 + rounds))


def paired_tests(scores, methods, pairs, column="naturalness", rounds=5000, seed=0) -> dict:
    """(a, b) -> Paired: mean of a minus b over finished observers, 95 % bootstrap interval, p.

    ``pairs``: names of methods. Everything is resampled over observers. ``holm`` holds for all
    ``pairs`` together (Holm 1979). JGMError for an unknown name.
    """
    means = observer_means(scores)[:, :, COLUMNS.index(column)]
    unknown = sorted({name for pair in pairs for name in pair} - set(methods))
    if unknown:
        raise JGMError(f"method {unknown[0]!r}: the study has {', '.join(methods)}")
    place = list(methods).index
    found = []
    for a, b in pairs:
        d = means[:, place(a)] - means[:, place(b)]
        low, high = interval(resampled(d, seed=seed))
        found.append((d.mean(), low, high, sign_flip_p(d, rounds, seed)))
    adjusted = holm([row[-1] for row in found])
    return {
        tuple(pair): Paired(*map(float, row), float(p))
        for pair, row, p in zip(pairs, found, adjusted, strict=True)
    }


def holm(p) -> np.ndarray:
    """Holm's adjusted p values (1979): below the level, a comparison holds for all ``p`` together."""
    p = np.asarray(p, np.float64)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    out = np.empty_like(p)
    out[order] = np.minimum(stepped, 1)
    return out


def share_interval(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share of n independent yes-or-no votes (Wilson 1927)."""
    if not 0 <= share <= 1 or n < 1:
        raise JGMError(f"share={share}, n={n}: need 0 <= share <= 1 and n >= 1")
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)
