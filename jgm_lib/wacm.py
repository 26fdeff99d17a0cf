"""WACM: colours from the Haar wavelet's bands, after "Wavelet Transform-assisted Adaptive Generative
Modeling for Colorization" (2021), the successor of JGM by its authors.

Written from its description. The prior speaks of twelve channels, four bands of R, G and B; data
consistency in every band is what every domain has (Eq 13 with the bands in place of the gradients).
New is its structure consistency: the details of each colour lie where the grey's lie, so the mean of
a detail band must be the grey's. The authors shift the noisy state; here the denoised one is shifted,
so that the noise stays what the prior was trained on.
"""

from dataclasses import dataclass

import torch

from .baselines import Sampled, check_gray
from .domain import Haar
from .errors import JGMError


class Structured:
    """A prior of the domain "haar" that knows the grey picture's bands ``Y`` (B,4,h,w)."""

    def __init__(self, model, Y):
        self.model, self.domain, self.channels = model, model.domain, model.channels
        self.means = Y[:, 1:, None].mean((-2, -1), keepdim=True)  # (B,3,1,1,1), of the details

    def denoise(self, X, sigma, sigma_y=None):
        """E[X_clean | X] (B,12,h,w), each colour's three detail bands shifted to the grey's means."""
        bands = self.model.denoise(X, sigma, sigma_y).unflatten(1, (4, 3))  # (B,4,3,h,w)
        details = bands[:, 1:]
        shifted = details - details.mean((-2, -1), keepdim=True) + self.means
        return torch.cat([bands[:, :1], shifted], dim=1).flatten(1, 2)


@dataclass
class Wacm(Sampled):
    """A method of ``baselines``: one of the samplers on a ``Structured`` prior. Raises JGMError for
    a prior of another domain."""

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.model.domain, Haar):
            raise JGMError(f"prior of {self.model.domain.name}: WACM needs one of haar")

    def states(self, gray, seed=0):
        seen = Structured(self.model, self.model.domain.known(check_gray(gray)))
        sampled = Sampled(seen, self.sampler, self.settings)
        for state in sampled.states(gray, seed):
            self.nfe = sampled.nfe
            yield state
