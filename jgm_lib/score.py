"""Denoiser and score, and two priors whose denoisers are known exactly (the laboratory rats).

Tweedie: E[x|x~] = x~ + sigma^2 grad log p_sigma(x~). The paper's Eq 3 drops the sigma^2.
"""

import torch

from .domain import domain_of
from .joint import channel_sigmas
from .operators import from_basis, to_basis


def score_from_denoiser(denoised, noisy, sigma):
    """Eq 5: s = (A(x~) - x~)/sigma^2; any shape."""
    return (denoised - noisy) / sigma**2


def denoiser_from_score(score, noisy, sigma):
    """Tweedie's formula: A(x~) = x~ + sigma^2 s."""
    return noisy + sigma**2 * score


class GaussianDenoiser:
    """The exact denoiser of X ~ N(mean, cov): mean (C,H,W), cov (D,D) with D = CHW.

    Understands two noise levels like the trained network: sigma_y on the luma channels of the
    rotated colour basis, sigma on the others; without sigma_y all alike. Float64. ``domain``: a name
    of ``DOMAINS``; without, the usual one of so many channels.
    """

    def __init__(self, mean, cov, gradient_scale: float = 1.0, domain: str | None = None):
        self.domain, self.mean = domain_of(domain, mean.shape[0], gradient_scale), mean.double()
        self.channels, self.gradient_scale = self.domain.channels, self.domain.scale
        self.cov = self._rotate_cov(cov.double())  # in the rotated basis, where noise is diagonal

    def _rotate_cov(self, cov):
        D = cov.shape[0]
        half = to_basis(cov.view(D, *self.mean.shape)).reshape(D, D)  # rows rotated
        return to_basis(half.T.reshape(D, *self.mean.shape)).reshape(D, D)

    def noise_variance(self, sigma, sigma_y):
        pair = torch.tensor([[float(sigma)], [float(sigma_y)]], dtype=torch.float64)
        s = channel_sigmas(*pair, self.channels)  # (1,C,1,1)
        return s.square().expand(1, *self.mean.shape).flatten()  # (D,)

    def denoise(self, X, sigma, sigma_y=None):
        """E[X_clean | X] for X (B,C,H,W) and floats sigma, sigma_y > 0."""
        N = self.noise_variance(sigma, sigma if sigma_y is None else sigma_y)
        U = to_basis(X.double() - self.mean).flatten(1)  # (B,D)
        gain = torch.linalg.solve(self.cov + torch.diag(N), U.T)  # (D,B)
        out = (self.cov @ gain).T.reshape(X.shape)
        return (from_basis(out) + self.mean).to(X.dtype)

    def log_density(self, X, sigma, sigma_y=None):
        """log p_sigma(X), (B,)."""
        N = self.noise_variance(sigma, sigma if sigma_y is None else sigma_y)
        U = to_basis(X.double() - self.mean).flatten(1)
        zero = torch.zeros(U.shape[1], dtype=U.dtype)
        dist = torch.distributions.MultivariateNormal(zero, self.cov + torch.diag(N))
        return dist.log_prob(U)


class MixtureDenoiser:
    """The exact denoiser of a mixture of GaussianDenoisers with given weights (K,)."""

    def __init__(self, parts, weights):
        self.parts, self.weights = parts, torch.as_tensor(weights, dtype=torch.float64)
        self.domain, self.channels = parts[0].domain, parts[0].channels
        self.gradient_scale = self.domain.scale

    def responsibilities(self, X, sigma, sigma_y=None):
        """Posterior probability of each part given the noisy X: (B,K)."""
        logs = torch.stack([p.log_density(X, sigma, sigma_y) for p in self.parts], dim=1)
        return torch.softmax(logs + self.weights.log(), dim=1)

    def denoise(self, X, sigma, sigma_y=None):
        """E[X_clean | X], the parts' answers weighted by their responsibilities."""
        r = self.responsibilities(X, sigma, sigma_y)
        answers = torch.stack([p.denoise(X, sigma, sigma_y) for p in self.parts], dim=1)
        return (r[:, :, None, None, None].to(X.dtype) * answers).sum(1)
