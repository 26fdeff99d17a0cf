"""Statistics of lessons 01 to 03: shares of modes, distances of samples, a permutation test."""

import numpy as np


def shares(index, K: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each of K modes was hit and the binomial standard error, both (K,)."""
    p = np.bincount(np.asarray(index), minlength=K) / len(index)
    return p, np.sqrt(p * (1 - p) / len(index))


def total_variation(p, q) -> float:
    """Half the sum of |p - q|: the share of samples that sit in the wrong mode."""
    return float(0.5 * np.abs(np.asarray(p) - np.asarray(q)).sum())


def ks_distance(a, b) -> float:
    """Kolmogorov-Smirnov distance of two samples: the largest gap of their distributions."""
    a, b = np.sort(np.ravel(a)), np.sort(np.ravel(b))
    at = np.concatenate([a, b])
    gap = np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)
    return float(np.abs(gap).max())


def kurtosis(a) -> float:
    """E (a - mean)^4 / var^2: 3 for a Gaussian, more for heavy tails."""
    d = np.asarray(a, np.float64).ravel()
    d = d - d.mean()
    return float((d**4).mean() / (d**2).mean() ** 2)


def patches(values, side: int) -> np.ndarray:
    """Cut (...,H,W) into squares that do not overlap: (patches, everything in one patch)."""
    a = np.asarray(values, np.float64)
    rows, cols = a.shape[-2] // side, a.shape[-1] // side
    a = a[..., : rows * side, : cols * side].reshape(-1, rows, side, cols, side)
    return a.transpose(1, 3, 0, 2, 4).reshape(rows * cols, -1)


def pairwise(samples, distance=ks_distance) -> np.ndarray:
    """The symmetric matrix of distances between samples, zero on the diagonal."""
    n = len(samples)
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            out[i, j] = out[j, i] = distance(samples[i], samples[j])
    return out


def between_minus_within(distances, labels) -> float:
    """Mean distance of pairs with different labels minus that of pairs with the same label."""
    labels = np.asarray(labels)
    same = labels[:, None] == labels[None, :]
    off = ~np.eye(len(labels), dtype=bool)
    return float(distances[~same].mean() - distances[same & off].mean())


def permutation_p(distances, labels, rounds: int, seed: int) -> float:
    """Chance of a ``between_minus_within`` as large if the labels meant nothing."""
    rng, truth = np.random.default_rng(seed), between_minus_within(distances, labels)
    drawn = [between_minus_within(distances, rng.permutation(labels)) for _ in range(rounds)]
    return (1 + sum(d >= truth for d in drawn)) / (1 + rounds)
