"""Is the spread of the draws honest? Questions to draws of which the truth is known.

If the truth is one more draw from the same posterior, its rank among n draws is uniform on 0..n
whatever the distribution (Talagrand et al. 1997; Hamill 2001, rank histograms), and the mean of the
draws misses it by sqrt(1 + 1/n) times their spread. A prior too sure of itself shows too many
outermost ranks, too little coverage and errors above that.
"""

import numpy as np
import torch

from .errors import JGMError

LEVELS = tuple(k / 10 for k in range(1, 10))


def spread_of(samples: torch.Tensor) -> torch.Tensor:
    """Standard deviation of colour at each pixel over versions (n,3,h,w), root of the mean over R,
    G and B: (h,w), in intensity. Zero for a single version."""
    if len(samples) == 1:
        return torch.zeros(samples.shape[-2:])
    return samples.var(0, correction=1).mean(0).sqrt()


def ranks(draws, truth, generator: torch.Generator) -> torch.Tensor:
    """How many of the draws (n,...) lie below the truth (...): int64 (...), 0 to n.

    Ties (grey, the ends of the gamut) are broken by ``generator``: every place among equals is as
    likely. Raises JGMError for shapes that do not fit or values that are not finite.
    """
    draws, truth = _checked(draws, truth)
    below, equal = (draws < truth).sum(0), (draws == truth).sum(0)
    u = torch.rand(truth.shape, generator=generator, dtype=torch.float64)
    return below + (u * (equal + 1)).long().minimum(equal)


def rank_histogram(draws, truth, generator: torch.Generator) -> np.ndarray:
    """Counts (n+1,) of the ranks of all values of truth; counts of batches may be added up.

    Flat: honest; both ends high: draws too alike; middle high: draws too different.
    """
    found = ranks(draws, truth, generator).flatten()
    return torch.bincount(found, minlength=len(draws) + 1).numpy()


def coverage(counts, levels=LEVELS) -> np.ndarray:
    """Share of the truth within the central interval of the draws, for each nominal level.

    ``counts`` (n+1,) of ``rank_histogram`` -> (len(levels),). The interval from the k-th smallest
    to the k-th largest of n draws holds the truth with probability (n + 1 - 2k)/(n + 1), and does
    if k <= rank <= n - k; levels between two k are interpolated, which is exact for honest draws.
    NaN above (n - 1)/(n + 1), where n draws cannot tell. JGMError for a histogram of nothing.
    """
    counts = np.asarray(counts, np.float64)
    if counts.ndim != 1 or len(counts) < 2 or (counts < 0).any() or not counts.sum():
        raise JGMError("coverage: need counts >= 0 of the ranks 0 to n, not all zero")
    n = len(counts) - 1
    widest = range(n // 2, 0, -1)  # from the narrowest interval to the widest
    nominal = [0.0] + [(n + 1 - 2 * k) / (n + 1) for k in widest]
    share = [0.0] + [counts[k : n - k + 1].sum() / counts.sum() for k in widest]
    levels = np.asarray(levels, np.float64)
    return np.where(levels <= nominal[-1] + 1e-12, np.interp(levels, nominal, share), np.nan)


def error_and_variance(draws, truth) -> tuple[torch.Tensor, torch.Tensor]:
    """Squared error of the mean of the draws (n,...) and their variance (divisor n - 1), each of
    the shape of truth (...). Raises JGMError for fewer than two draws."""
    draws, truth = _checked(draws, truth)
    if len(draws) < 2:
        raise JGMError("one draw has no spread: need at least 2")
    return (draws.mean(0) - truth).square(), draws.var(0, correction=1)


def error_by_spread(squared_error, variance, n: int, groups: int = 10) -> list[dict]:
    """RMS error of the mean of n draws against what their spread promises, in ``groups`` of equal
    size from the least spread to the largest (from ``error_and_variance``, any shape, flattened).

    Each {"spread", "error", "expected", "ratio"}: RMS values in the units of the draws, expected =
    sqrt(1 + 1/n) spread, ratio = error/expected (1 honest, above 1 too sure, None without spread).
    """
    error, var = (np.asarray(a, np.float64).ravel() for a in (squared_error, variance))
    if error.shape != var.shape or len(error) < groups:
        raise JGMError(f"{len(error)} errors, {len(var)} variances: need the same, >= {groups}")
    order = np.argsort(var, kind="stable")
    return [_group(error[part], var[part], n) for part in np.array_split(order, groups)]


def overall_ratio(squared_error, variance, n: int) -> float:
    """``ratio`` of ``error_by_spread`` over everything; NaN if there is no spread at all."""
    found = error_by_spread(squared_error, variance, n, groups=1)[0]["ratio"]
    return float("nan") if found is None else found


def _group(error, var, n: int) -> dict:
    rms, spread = float(np.sqrt(error.mean())), float(np.sqrt(var.mean()))
    expected = float(np.sqrt(1 + 1 / n)) * spread
    ratio = rms / expected if expected > 0 else None
    return {"spread": spread, "error": rms, "expected": expected, "ratio": ratio}


def _checked(draws, truth) -> tuple[torch.Tensor, torch.Tensor]:
    draws, truth = (torch.as_tensor(a).detach().cpu().double() for a in (draws, truth))
    if draws.ndim < 1 or draws.shape[1:] != truth.shape or not draws.numel():
        raise JGMError(
            f"draws {tuple(draws.shape)}, truth {tuple(truth.shape)}: need (n,...) and (...)"
        )
    if not bool(draws.isfinite().all() and truth.isfinite().all()):
        raise JGMError("draws or truth hold values that are not finite")
    return draws, truth
