"""Noise levels, step sizes and what keeps them safe, and random numbers by seed.

The formulas need no torch, and the cards no more than them: so ``jgm --help`` need not load it.
"""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

from .errors import JGMError

if TYPE_CHECKING:
    import torch


def sigma_ladder(sigma_1: float = 1.0, sigma_L: float = 0.01, L: int = 10) -> list[float]:
    """The L noise levels of annealed Langevin dynamics, geometric from sigma_1 down to sigma_L.

    Raises JGMError unless sigma_1 > sigma_L > 0 and L >= 1 (L = 1 gives [sigma_L]).
    """
    if not sigma_1 > sigma_L > 0 or math.isinf(sigma_1):
        raise JGMError(f"sigma_1={sigma_1}, sigma_L={sigma_L}: need sigma_1 > sigma_L > 0")
    if L < 1:
        raise JGMError(f"L={L}: need at least 1 noise level")
    if L == 1:
        return [sigma_L]
    return [sigma_1 * (sigma_L / sigma_1) ** (i / (L - 1)) for i in range(L)]


def karras_sigmas(n: int, sigma_max: float = 10.0, sigma_min: float = 0.01, rho: float = 7.0):
    """n levels from sigma_max to sigma_min, equally spaced in sigma^(1/rho) (Karras et al. 2022,
    Eq 5), and a final 0: n + 1 floats."""
    if not sigma_max > sigma_min > 0 or math.isinf(sigma_max):
        raise JGMError(f"sigma_max={sigma_max}, sigma_min={sigma_min}: need max > min > 0")
    if n < 1:
        raise JGMError(f"steps={n}: need at least 1")
    a, b = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return [(a + i / max(n - 1, 1) * (b - a)) ** rho for i in range(n)] + [0.0]


def step_sizes(sigmas: list[float], epsilon: float) -> list[float]:
    """alpha_i = epsilon sigma_i^2 / sigma_L^2 (Algorithm 1)."""
    return [epsilon * s**2 / sigmas[-1] ** 2 for s in sigmas]


def stability_number(epsilon: float, sigma_L: float, lam: float) -> float:
    """n (1 + lam), n = epsilon/(2 sigma_L^2): the most a step of Eq 12 takes away of any error, in
    units of that error, on every level. The chain is stable below 2.

    A step multiplies an error of the luma by 1 - n (sigma^2/(S + sigma^2) + lam) where the prior's
    luma varies by S: the score holds the first part, the photograph the second. S is small against
    sigma^2 for fine detail, and for all the luma on high levels, so the first part comes up to 1.
    It cannot be more: for every prior the denoiser's Jacobian is Cov(clean | noisy)/sigma^2 >= 0.
    Re-stacking the gradients in every step makes S larger and changes nothing else.
    """
    return (1 + lam) * epsilon / 2 / sigma_L**2


def check_stability(epsilon: float, sigma_L: float, lam: float) -> None:
    """Raise JGMError, naming the number and the largest epsilon, if a step would diverge."""
    number = stability_number(epsilon, sigma_L, lam)
    if not number < 2:
        raise JGMError(
            f"unstable step: (1 + lambda) (epsilon/2)/sigma_L^2 = {number:.4g}, must be < 2; "
            f"with lambda={lam:g} and sigma_L={sigma_L:g} take "
            f"epsilon < {4 * sigma_L**2 / (1 + lam):.4g}"
        )


def level_overlap(sigma: float, sigma_next: float, dimensions: int) -> float:
    """Share of the next level's noise (a shell of radius sigma_next sqrt(D)) within three
    deviations of this level's shell (Song and Ermon 2020, Technique 1): near 0 means the levels
    are too far apart."""

    def phi(t):
        return 0.5 * (1 + math.erf(t / math.sqrt(2)))

    ratio, root = sigma / sigma_next, math.sqrt(2 * dimensions)
    return phi(root * (ratio - 1) + 3 * ratio) - phi(root * (ratio - 1) - 3 * ratio)


def mix_seed(seed: int, a: int, b: int = 0) -> int:
    """A 63-bit seed from three whole numbers (odd multiples, splitmix64's finalizer)."""
    z = (seed * 0x9E3779B97F4A7C15 + a * 0xBF58476D1CE4E5B9 + b * 0x94D049BB133111EB) % 2**64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return (z ^ (z >> 31)) >> 1


def picture_key(pixels) -> int:
    """What tells a picture from others: CRC-32 of the bytes of its 8-bit pixels."""
    return zlib.crc32(pixels.tobytes())


def version_seed(seed: int, version: int, key: int = -1) -> int:
    """The seed of one version of one picture, the one rule wherever colours are drawn.

    It depends on (seed, ``picture_key`` of the picture, number of the version) and nothing else:
    batches, the order of the pictures and what other pictures there are do not matter. Without a
    key it is that of ``jgm colorize``, the same noise for every photograph.
    """
    return mix_seed(seed, version, 1 + key)


def version_seeds(seed: int, n: int, keys=(-1,)) -> list[int]:
    """``version_seed`` of n versions of each picture, the versions of a picture side by side."""
    return [version_seed(seed, version, key) for key in keys for version in range(n)]


class SeededNoise:
    """One random stream a batch row, drawn on the CPU: a picture alone and in a batch, on any
    device, sees the same numbers. Raises JGMError for a batch of another length."""

    def __init__(self, seeds):
        import torch

        self.generators = [torch.Generator().manual_seed(s) for s in seeds]

    def _rows(self, draw: str, like: torch.Tensor) -> torch.Tensor:
        import torch

        if len(like) != len(self.generators):  # one row would be spread over all pictures
            raise JGMError(f"{len(self.generators)} seeds for {len(like)} pictures: need one each")
        draw, shape = getattr(torch, draw), like.shape[1:]
        rows = [draw(shape, generator=g, dtype=like.dtype) for g in self.generators]
        return torch.stack(rows).to(like.device)

    def normal(self, like: torch.Tensor) -> torch.Tensor:
        """Standard normal numbers of the shape of ``like`` (B,...)."""
        return self._rows("randn", like)

    def uniform(self, like: torch.Tensor) -> torch.Tensor:
        """Uniform numbers in [0,1) of the shape of ``like`` (B,...)."""
        return self._rows("rand", like)
