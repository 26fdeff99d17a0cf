"""How many noise levels, how far apart, how many steps, how large: Song and Ermon 2020.

"Improved Techniques for Training Score-Based Generative Models" (arXiv 2006.09011), Techniques 1, 2
and 4, in the units of Algorithm 1 here: X <- X + alpha/2 score + sqrt(alpha) z with
alpha_i = epsilon sigma_i^2/sigma_L^2 (their epsilon is half of ours). A step then goes the ``share``
h = epsilon/(2 sigma_L^2) of the way to the denoised state, on every level.
"""

import math

from .errors import JGMError
from .noise import level_overlap


def largest_distance(x) -> float:
    """The largest Euclidean distance between two rows of x (N, ...): sigma_1 by Technique 1."""
    from torch import pdist  # the formulas below serve the command line, which starts without it

    if len(x) < 2:
        raise JGMError(f"{len(x)} pictures: a distance needs at least 2")
    return float(pdist(x.flatten(1).double()).max())


def chroma_distance(x) -> float:
    """``largest_distance`` of the chroma of pictures x (N,3,H,W) in [0,1], intensity.

    Technique 1 for colorization: the grey is known, so the chain has to cross colours only.
    """
    from .operators import to_basis

    U = to_basis(x.double())  # (N,3,H,W): luma, two chromas
    return largest_distance(U[:, 1:])


def overlapping_ratio(dimensions: int, overlap: float = 0.5) -> float:
    """The ratio sigma_i/sigma_{i+1} at which ``level_overlap`` is ``overlap`` (Technique 2).

    Found by bisection; for many dimensions D it is about 1/(1 - 3/sqrt(2 D)) at one half.
    """
    if dimensions < 5 or not 0 < overlap < 0.99:  # below, shells are as wide as their radius
        raise JGMError(
            f"dimensions={dimensions}, overlap={overlap}: need >= 5 and within (0, 0.99)"
        )
    low, high = 1.0, 2.0  # the overlap falls from 0.997 at ratio 1
    while level_overlap(high, 1.0, dimensions) > overlap:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        wide = level_overlap(middle, 1.0, dimensions) < overlap
        low, high = (low, middle) if wide else (middle, high)
    return (low + high) / 2


def levels_needed(sigma_1: float, sigma_L: float, ratio: float) -> int:
    """How many geometric levels from sigma_1 to sigma_L keep neighbours within ``ratio``."""
    if not sigma_1 > sigma_L > 0 or not ratio > 1:
        raise JGMError(f"sigma_1={sigma_1}, sigma_L={sigma_L}, ratio={ratio}: need > and ratio > 1")
    return 1 + math.ceil(round(math.log(sigma_1 / sigma_L) / math.log(ratio), 9))


def share_of(epsilon: float, sigma_L: float) -> float:
    """h = epsilon/(2 sigma_L^2): how far a step goes towards the denoised state."""
    return epsilon / (2 * sigma_L**2)


def epsilon_of(share: float, sigma_L: float) -> float:
    """The inverse of ``share_of``: 2 h sigma_L^2, intensity^2."""
    return 2 * share * sigma_L**2


def variance_after(T: int, share: float, ratio: float) -> float:
    """Noise variance after T Langevin steps, in units of sigma_i^2 (Technique 4); 1 is right.

    The level starts with the noise of the one above, variance ratio^2, and every step makes
    v <- (1 - h)^2 v + 2 h of it: v_T = (1 - h)^(2T) (ratio^2 - v*) + v*, v* = 2/(2 - h).
    """
    if T < 0 or not 0 < share < 2:
        raise JGMError(f"T={T}, share={share}: need T >= 0 and 0 < share < 2")
    limit = 2 / (2 - share)
    return (1 - share) ** (2 * T) * (ratio**2 - limit) + limit


def best_share(T: int, ratio: float) -> tuple[float, float]:
    """The share whose ``variance_after`` T steps is nearest to 1, and that variance (Technique 4).

    It is always above 1: short steps leave noise of the level above, long ones add their own. The
    excess is small only if T is large or the levels are close; minimum by ternary search.
    """
    low, high = 1e-9, 1.0  # beyond 1 a step overshoots: more noise for nothing
    for _ in range(200):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        if variance_after(T, a, ratio) < variance_after(T, b, ratio):
            high = b
        else:
            low = a
    return (low + high) / 2, variance_after(T, (low + high) / 2, ratio)


def fresh_noise(kept: float, sigma: float, sigma_next: float) -> float:
    """Standard deviation of the noise that makes kept * sigma up to sigma_next exactly.

    Consistent annealed sampling (Jolicoeur-Martineau et al. 2020, arXiv 2009.05475, Section 3):
    a step keeps the share ``kept`` = 1 - h of the noise, independent noise adds in squares.
    """
    return math.sqrt(max(0.0, sigma_next**2 - (kept * sigma) ** 2))


def check_consistent(share: float, lam: float, ratio: float) -> None:
    """Raise JGMError unless a consistent step of this share can end at the next level.

    ratio = sigma_i/sigma_{i+1}. Noise can be added, not taken away, so what a step keeps must not
    be more than the next level has: |1 - h| <= 1/ratio, and |1 - h (1 + lambda)| <= 1/ratio along
    luma, where the photograph pulls as well.
    """
    low, high = 1 - 1 / ratio, (1 + 1 / ratio) / (1 + lam)
    if not low - 1e-12 <= share <= high + 1e-12:
        raise JGMError(
            f"consistent: epsilon/(2 sigma_L^2) = {share:.4g} must lie between {low:.4g} (a step must "
            f"take away the noise between two levels) and {high:.4g} (and not overshoot, with "
            f"lambda={lam:g}); change epsilon, lambda or the number of levels"
        )
