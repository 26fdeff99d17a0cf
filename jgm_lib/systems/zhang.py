"""Colour as classification: Zhang, Isola and Efros 2016, "Colorful image colorization".

Where a grey may have several colours, their mean is none of them. A distribution over colours keeps
them apart; rare colours weigh more in training; what is shown lies between the likeliest and the mean.
"""

import torch
from torch import nn
from torch.nn import functional as F

from .base import System, centred, seen_and_wanted
from .bins import class_weights, gamut_bins, smoothed, soft_code


def annealed_mean(logits: torch.Tensor, bins: torch.Tensor, temperature: float) -> torch.Tensor:
    """The mean of p^(1/T), normalized (their Eq 5): (B,Q,H,W) -> (B,2,H,W); T = 1 is the mean, T near
    0 the likeliest bin."""
    return torch.einsum("bqhw,qc->bchw", (logits / temperature).softmax(1), bins)


def _stage(c_in: int, c: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Two convolutions, the second with the stride, each with ReLU, and a batch norm."""
    first = nn.Conv2d(c_in, c, 3, padding=dilation, dilation=dilation)
    second = nn.Conv2d(c, c, 3, stride, dilation, dilation)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.BatchNorm2d(c))


class Zhang(System):
    """A distribution over ab bins at a quarter of the side, decoded by the annealed mean.

    ``width``: of the first stage, 64 in the paper. ``grid``: side of a bin; at 10 the sRGB colours
    fall into 261 bins (the authors' list has 313). ``uniform``: lambda of the class weights, 1
    weighs all alike. ``share``: how frequent each bin is, smoothed, measured on the training set.
    """

    divisor = 8

    def __init__(self, width=16, grid=10, uniform=0.5, temperature=0.38):
        super().__init__()
        if not 0 < uniform <= 1 or not temperature > 0:
            raise ValueError(f"uniform={uniform}, temperature={temperature}: need 0 to 1, above 0")
        w, self.uniform, self.temperature = width, uniform, temperature
        self.register_buffer("bins", gamut_bins(grid).clone(), persistent=False)
        Q = len(self.bins)
        self.register_buffer("share", torch.full((Q,), 1 / Q))
        self.features = nn.Sequential(
            _stage(1, w, 2),
            _stage(w, 2 * w, 2),
            _stage(2 * w, 4 * w, 2),  # (B,4w,H/8,W/8)
            _stage(4 * w, 8 * w),
            _stage(8 * w, 8 * w, dilation=2),
            _stage(8 * w, 8 * w, dilation=2),
            _stage(8 * w, 8 * w),
            nn.ConvTranspose2d(8 * w, 4 * w, 4, 2, 1),  # (B,4w,H/4,W/4)
            nn.ReLU(),
            nn.Conv2d(4 * w, 4 * w, 3, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Conv2d(4 * w, Q, 1)

    def measure(self, batches) -> None:
        """The smoothed shares of the bins over pictures (B,3,H,W)."""
        n, total = 0, 0.0
        for x in batches:
            code = soft_code(quarter(seen_and_wanted(x)[1]), self.bins)
            n, total = n + len(x), total + code.mean((2, 3)).sum(0)
        self.share.copy_(smoothed(total / n, self.bins))

    def forward(self, L):
        """L* (B,1,H,W) -> logits of the bins (B,Q,H/4,W/4)."""
        return self.head(self.features(centred(L)))

    def paint(self, L, noise):
        ab = annealed_mean(self(L), self.bins, self.temperature)
        return F.interpolate(ab, scale_factor=4.0, mode="bilinear", align_corners=False)

    @staticmethod
    def loss(model, x, generator):
        """Cross-entropy with soft targets, each pixel weighted by its likeliest bin; mean."""
        L, ab = seen_and_wanted(x)
        code = soft_code(quarter(ab), model.bins)  # (B,Q,H/4,W/4)
        weight = class_weights(model.share, model.uniform)[code.argmax(1)]
        return (weight * F.cross_entropy(model(L), code, reduction="none")).mean()


def quarter(ab: torch.Tensor) -> torch.Tensor:
    """The mean colour of 4 x 4 pixels."""
    return F.avg_pool2d(ab, 4)
