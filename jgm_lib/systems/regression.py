"""Regression: a U-Net from L* to ab by squared error. What a user would try first.

Its best answer is the mean over all colours a grey can have: safe, and pale where they differ.
"""

import torch

from .base import System, centred, seen_and_wanted
from .trunk import Trunk


class Regression(System):
    """a*, b* from L*. ``widths``, ``blocks``, ``patch``: of its ``Trunk``. ``mean`` and ``spread``
    of a* and b* are measured on the training set, so that the first answer is the mean colour."""

    def __init__(self, widths=(32, 64, 96), blocks=1, patch=2):
        super().__init__()
        self.trunk = Trunk(1, 2, widths, blocks, patch)
        self.divisor = self.trunk.divisor
        self.register_buffer("mean", torch.zeros(1, 2, 1, 1))
        self.register_buffer("spread", torch.full((1, 2, 1, 1), 15.0))

    def measure(self, batches) -> None:
        """Mean and spread of a* and b* over pictures (B,3,H,W), batch by batch."""
        n, total, squares = 0, 0.0, 0.0
        for x in batches:
            ab = seen_and_wanted(x)[1].double().transpose(0, 1).flatten(1)  # (2,BHW)
            n, total, squares = n + ab.shape[1], total + ab.sum(1), squares + ab.square().sum(1)
        mean = total / n
        self.mean.copy_(mean.view(1, 2, 1, 1))
        self.spread.copy_((squares / n - mean.square()).sqrt().view(1, 2, 1, 1))

    def forward(self, L):
        """L* (B,1,H,W) -> a*, b* (B,2,H,W)."""
        return self.mean + self.spread * self.trunk(centred(L))

    @staticmethod
    def loss(model, x, generator):
        """Squared error of a* and b* in units of their spread, mean over pixels; 1 at the start."""
        L, ab = seen_and_wanted(x)
        return ((model(L) - ab) / model.spread).square().mean()
