"""A density whose score is known at every noise level: what lessons 01 and 02 check against."""

import math

import torch

from jgm_lib.errors import JGMError


class Mixture:
    """p(x) = sum_k w_k N(x; m_k, spread^2 I) in D dimensions; spread 0 is a finite set of points.

    ``means`` (K,D), ``weights`` (K,) positive, ``spread`` >= 0. Noise of level ``sigma`` only
    widens the parts to spread^2 + sigma^2, so every noisy density, denoiser and score is exact.
    Raises JGMError for shapes or weights that do not fit.
    """

    def __init__(self, means, weights, spread: float = 0.0):
        self.means = torch.as_tensor(means, dtype=torch.float64)
        self.weights = torch.as_tensor(weights, dtype=torch.float64)
        if self.means.ndim != 2 or self.weights.shape != self.means.shape[:1]:
            raise JGMError(
                f"means {tuple(self.means.shape)}, weights {tuple(self.weights.shape)}: "
                "need (K,D) and (K,)"
            )
        if not bool((self.weights > 0).all()) or not spread >= 0:
            raise JGMError("a mixture needs weights > 0 and spread >= 0")
        self.weights, self.spread = self.weights / self.weights.sum(), float(spread)

    def sample(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """n clean points (n,D)."""
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        z = torch.randn(n, self.means.shape[1], generator=generator, dtype=torch.float64)
        return self.means[k] + self.spread * z

    def _logs(self, x, sigma):
        """log of w_k N(x; m_k, (spread^2 + sigma^2) I): (n,K)."""
        v = self.spread**2 + sigma**2
        d2 = torch.cdist(x.double(), self.means, compute_mode="donot_use_mm_for_euclid_dist") ** 2
        return self.weights.log() - d2 / (2 * v) - x.shape[1] / 2 * math.log(2 * math.pi * v)

    def log_density(self, x, sigma: float = 0.0) -> torch.Tensor:
        """log p_sigma(x) for x (n,D): (n,)."""
        return self._logs(x, sigma).logsumexp(1)

    def score(self, x, sigma: float = 0.0) -> torch.Tensor:
        """grad log p_sigma(x), (n,D): the pull of every part by its posterior probability."""
        r = self._logs(x, sigma).softmax(1)  # (n,K)
        return (r @ self.means - x) / (self.spread**2 + sigma**2)

    def denoise(self, x, sigma: float) -> torch.Tensor:
        """E[clean | x], (n,D), by Tweedie's formula."""
        return x + sigma**2 * self.score(x, sigma)

    def nearest(self, x) -> torch.Tensor:
        """The index of the nearest mean, (n,)."""
        return torch.cdist(x.double(), self.means).argmin(1)
