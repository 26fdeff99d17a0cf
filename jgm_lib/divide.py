"""JGM-divide (Eq 17): two separate priors, one of pictures and one of their gradients.

Eq 17 writes two Langevin chains side by side. Stacked, they are Algorithm 1 with feedback "none",
a score that never looks across the two parts, and a lambda for each: so ``Divided`` is a model for
``samplers.langevin(..., lam=lambda_1, lam_grad=lambda_2, feedback="none")`` and nothing else is new.
"""

import torch

from .domain import Gradients, Intensity, Joint
from .errors import JGMError


class Divided:
    """``intensity`` denoises x (three channels), ``gradients`` s [d1 x, d2 x] (six channels).

    Both need ``domain`` and ``denoise(X, sigma)``; the scale s is that of ``gradients``. Raises
    JGMError for priors in other domains.
    """

    networks = 2  # evaluations of a network in one ``denoise``

    def __init__(self, intensity, gradients):
        if (type(intensity.domain), type(gradients.domain)) != (Intensity, Gradients):
            raise JGMError(
                f"priors of {intensity.domain.name} and {gradients.domain.name}: Eq 17 needs "
                "intensity (3 channels) and gradients (6)"
            )
        self.intensity, self.gradients = intensity, gradients
        self.domain = Joint(gradients.domain.scale)
        self.channels, self.gradient_scale = self.domain.channels, self.domain.scale

    def to(self, *device, **options) -> "Divided":
        """Both, like a network's ``to``."""
        self.intensity.to(*device, **options)
        self.gradients.to(*device, **options)
        return self

    def denoise(self, X, sigma, sigma_y=None):
        """E[x | noisy x] and E[gradients | noisy gradients], (B,9,H,W); no crossing."""
        x, g = X.split([3, 6], dim=1)
        parts = (
            self.intensity.denoise(x, sigma, sigma_y),
            self.gradients.denoise(g, sigma, sigma_y),
        )
        return torch.cat(parts, dim=1)
