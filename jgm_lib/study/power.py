"""How many observers and votes does it take to see a difference? By formula and by simulation."""

from math import ceil
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from ..errors import JGMError
from .agreement import mean_squares
from .analysis import with_naturalness
from .votes import finished


class Components(NamedTuple):
    """Variances (points squared) of the difference of two methods, from one screen to the next.

    ``observer``: some people like a more than others do, on all pictures. ``picture``: a is better
    on some pictures, for all people. ``rest``: what a second look would change.
    """

    observer: float
    picture: float
    rest: float


def differences(scores, a: int, b: int, column: int = -1) -> np.ndarray:
    """(finished observers, pictures): points of method number a minus those of b, naturalness
    unless another column is named. ``scores`` as from ``unblind``."""
    whole = np.asarray(scores, np.float64)[finished(scores)]
    table = with_naturalness(whole)[..., column]  # (observers, pictures, methods)
    return table[:, :, a] - table[:, :, b]


def components(table) -> Components:
    """The variances behind differences (observers, pictures), by the analysis of variance.

    Negative estimates become 0. JGMError for fewer than two observers or pictures.
    """
    n, k = np.shape(table)
    observers, pictures, rest = mean_squares(table)
    return Components(max(0.0, (observers - rest) / k), max(0.0, (pictures - rest) / n), rest)


def standard_error(c: Components, observers: int, pictures: int, others: bool = False) -> float:
    """Of the mean difference, in points. ``others``: as a statement about other pictures than
    these; that part does not fall with more observers."""
    people = (c.observer + c.rest / pictures) / observers
    return (people + (c.picture / pictures if others else 0)) ** 0.5


def design_effect(c: Components, pictures: int) -> float:
    """How many times more votes are needed than if each came from another person (Kish 1965).

    1 + (k-1) rho: k votes an observer, rho the correlation of two votes of one person.
    """
    rho = c.observer / (c.observer + c.rest) if c.observer else 0.0
    return 1 + (pictures - 1) * rho


def observers_needed(c: Components, pictures: int, points=3.0, power=0.8, level=0.05) -> int:
    """Observers, each judging both methods on ``pictures``, who see ``points`` with this ``power``
    in a two-sided paired test; with Guenther's term for few people (1981).

    JGMError for points of 0 or less, or a power or level outside 0 to 1.
    """
    if not (points > 0 and 0 < power < 1 and 0 < level < 1):
        raise JGMError(f"points={points}, power={power}, level={level}: need > 0, and 0 to 1")
    z, beta = NormalDist().inv_cdf(1 - level / 2), NormalDist().inv_cdf(power)
    spread = c.observer + c.rest / pictures  # variance of one observer's mean difference
    return max(2, ceil((z + beta) ** 2 * spread / points**2 + z**2 / 2))


def simulated_power(
    c: Components, observers: int, pictures: int, points=3.0, level=0.05, rooms=2000, seed=0
) -> float:
    """Share of SIMULATED rooms whose sign-flip test (as ``sign_flip_p``, 999 rounds) sees
    ``points``, observers and votes drawn with these variances."""
    rng = np.random.default_rng(seed)
    liking = rng.normal(points, c.observer**0.5, (rooms, observers))
    noise = rng.normal(0, c.rest**0.5, (rooms, observers, pictures))
    d = liking + noise.mean(-1)
    signs = rng.choice((-1.0, 1.0), (observers, 999))
    as_far = (np.abs(d @ signs) >= np.abs(d.sum(1, keepdims=True)) - 1e-9).sum(1)
    return float(((1 + as_far) / 1000 <= level).mean())
