"""Preconditioning: any network on normalized channels becomes a denoiser at every noise level.

Karras et al. 2022 (arXiv 2206.00364), with mean and spread per channel of the rotated colour basis
and one noise level a channel: sigma_y on the known luma, sigma on the unknown chroma.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ..domain import domain_of
from ..joint import channel_sigmas
from ..losses import continuous_objective
from ..operators import from_basis, to_basis
from .context import partly


class Preconditioned(nn.Module):
    """D(X, sigma, sigma_y), the posterior mean of X given its noisy version, from ``network``.

    A subclass gives ``network(h, c_y, c_c, added) -> (B,C,H,W)`` on channels of unit spread (h
    (B,C,H,W), c_y and c_c (B,) logarithms of the noise levels over 4), ``divisor`` (sides that need
    no padding) and, if it looks at photographs, ``context``. ``domain`` or ``channels`` say of what
    tensor (``domain.domain_of``, which raises JGMError where the two do not fit). ``mean`` and ``spread`` are measured
    on the training set (``measure``).
    """

    objective = staticmethod(continuous_objective)
    memory_format = torch.channels_last  # convolutions are quicker there
    divisor = 1

    def __init__(self, channels=None, gradient_scale=1.0, mean=None, spread=None, domain=None):
        super().__init__()
        self.domain, self.context = domain_of(domain, channels, gradient_scale), None
        C = self.channels = self.domain.channels
        self.gradient_scale = self.domain.scale
        self.register_buffer("mean", torch.tensor(mean or [0.0] * C).view(1, -1, 1, 1))
        self.register_buffer("spread", torch.tensor(spread or [0.5] * C).view(1, -1, 1, 1))

    def measure(self, batches) -> None:
        """Set mean and spread of each channel (rotated basis) from batches of pictures (B,3,H,W).

        Batch by batch, the squares about the mean so far (Chan, Golub and LeVeque 1983): 1,024
        pictures of nine channels at once are gigabytes from 128 x 128 on.
        """
        n, mean, squares = 0, 0.0, 0.0
        for x in batches:
            U = to_basis(self.domain.tensor(x)).transpose(0, 1).flatten(1).double()  # (C,m)
            m, new = U.shape[1], U.mean(1)
            about = (U - new[:, None]).square().sum(1)
            squares = squares + about + (new - mean) ** 2 * n * m / (n + m)
            mean, n = mean + (new - mean) * m / (n + m), n + m
        self.mean.copy_(mean.view(1, -1, 1, 1))
        self.spread.copy_((squares / (n - 1)).sqrt().view(1, -1, 1, 1))

    def denoise_basis(self, U, sigma, sigma_y, added=None):
        """D in the rotated basis: U (B,C,H,W), sigma and sigma_y (B,) -> (B,C,H,W)."""
        s, d = channel_sigmas(sigma, sigma_y, self.channels), self.spread
        total = (s.square() + d.square()).sqrt()
        noise_inputs = sigma_y.log() / 4, sigma.log() / 4
        V = U - self.mean
        N = self.padded(V / total, *noise_inputs, added)
        return self.mean + (d / total).square() * V + (s * d / total) * N  # c_skip, c_out

    def padded(self, h, c_y, c_c, added=None):
        """``network`` at any size. Repeated noise at the edge is no white noise and colours it a
        little; ``Colorizer.draw`` therefore mirrors the photograph before there is noise."""
        H, W = h.shape[-2:]
        m = self.divisor
        h = F.pad(h, (0, -W % m, 0, -H % m), mode="replicate")
        return self.network(h, c_y, c_c, added)[..., :H, :W]

    def denoise(self, X, sigma, sigma_y=None, added=None):
        """E[X_clean | X]: X (B,C,H,W) in the RGB layout; sigma, sigma_y floats or (B,) > 0.

        ``sigma_y=None`` is the paper's case, the same noise on all channels. ``added``: what
        ``Seeing`` gives.
        """
        sigma = torch.as_tensor(sigma, dtype=X.dtype, device=X.device).expand(X.shape[0])
        sigma_y = (
            sigma
            if sigma_y is None
            else torch.as_tensor(sigma_y, dtype=X.dtype, device=X.device).expand(X.shape[0])
        )
        return from_basis(self.denoise_basis(to_basis(X), sigma, sigma_y, added))

    def forward(self, U, sigma, sigma_y, grey=None):
        """What training calls (through a distributed wrapper): ``denoise_basis``.

        ``grey`` (B',1,2H,2W): the photographs, each of B/B' versions in U; those whose luma is as
        noisy as their chroma are not shown to the network.
        """
        if grey is None or self.context is None:
            return self.denoise_basis(U, sigma, sigma_y)
        draws = len(U) // len(grey)
        seen = (sigma_y < sigma).view(-1, draws).any(1)  # a clipped sigma can be equal to sigma_y
        added = partly(self.context, grey, seen, draws)
        return self.denoise_basis(U, sigma, sigma_y, added)
