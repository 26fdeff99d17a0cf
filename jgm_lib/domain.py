"""Domains: what a prior speaks of in place of the picture. Each knows x -> X, what a photograph tells
of X, and X -> x.

The channels of X come in groups of three, each with a grey of its own that the photograph tells.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch.nn import functional

from .errors import JGMError
from .fusion import fuse, poisson
from .joint import join, unstack


@dataclass(frozen=True)
class Domain:
    """Pictures x (B,3,H,W) as tensors X (B,channels,H/shrink,W/shrink), RGB layout.

    ``scale``: s of the gradient channels, ``boundary``: edge rule of the differences; domains without
    gradients use neither. A subclass gives ``tensor`` and ``picture``.
    """

    name: ClassVar[str]
    channels: ClassVar[int]
    intensities: ClassVar[int]  # the leading channels that are no differences, so from 0 to about 1
    shrink: ClassVar[int] = 1  # sides of x over sides of X
    rotates: ClassVar[bool] = True  # is the luma one channel of every group in the rotated basis?

    scale: float = 1.0
    boundary: str = "neumann"

    def at(self, boundary: str) -> "Domain":
        """The same domain with this edge rule."""
        return replace(self, boundary=boundary)

    def tensor(self, x: torch.Tensor) -> torch.Tensor:
        """x -> X. Without ``known`` of its own, a domain maps every colour alike, and a grey too."""
        raise NotImplementedError

    def known(self, y: torch.Tensor) -> torch.Tensor:
        """What a photograph tells of X: y (B,1,H,W) -> (B,channels/3,...), a grey for each group."""
        return self.tensor(y)

    def grayings(self, f: torch.Tensor) -> torch.Tensor:
        """The weights that gray X as f (3,) grays x: (3,) for all groups, or (channels/3,3)."""
        return f

    def picture(self, X: torch.Tensor, beta: float = 0.0) -> torch.Tensor:
        """X -> x, (B,3,H,W). ``beta``: weight of the gradients in the fusion (Eq 14), for "joint"."""
        raise NotImplementedError

    def of_intensity(self) -> list[bool]:
        """Of every channel: does its group begin with an intensity, or is it one of differences?"""
        return [c // 3 * 3 < self.intensities for c in range(self.channels)]


class Joint(Domain):
    """X = [x, s d1 x, s d2 x], nine channels (Section III.B)."""

    name, channels, intensities = "joint", 9, 3

    def tensor(self, x):
        return join(x, self.scale, self.boundary)

    def picture(self, X, beta=0.0):
        return fuse(*unstack(X, self.scale), beta, self.boundary)


class Intensity(Domain):
    """X = x, three channels."""

    name, channels, intensities = "intensity", 3, 3

    def tensor(self, x):
        return x

    def picture(self, X, beta=0.0):
        return X


class Gradients(Domain):
    """X = s [d1 x, d2 x], six channels. The mean of a colour is lost: ``picture`` has means of 0."""

    name, channels, intensities = "gradients", 6, 0

    def tensor(self, x):
        return join(x, self.scale, self.boundary)[:, x.shape[1] :]

    def picture(self, X, beta=0.0):
        g1, g2 = (X / self.scale).chunk(2, dim=1)
        return poisson(g1, g2, 0.0, self.boundary)


_TO_YCBCR = torch.tensor(  # BT.601, full range, Cb and Cr about 0
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.886 / 1.772],
        [0.701 / 1.402, -0.587 / 1.402, -0.114 / 1.402],
    ],
    dtype=torch.float64,
)
_FROM_YCBCR = torch.linalg.inv(_TO_YCBCR)


class RgbYcbcr(Domain):
    """X = [R, G, B, Y, Cb, Cr], six channels: the domain of iGM (Zhou et al. 2020).
    Cb and Cr lie about 0. Back: the mean of both, Y Cb Cr clipped to [0,1] as RGB."""

    name, channels, intensities, rotates = "rgb-ycbcr", 6, 4, False

    def tensor(self, x):
        return torch.cat([x, _mix(_TO_YCBCR, x)], dim=1)

    def known(self, y):
        return torch.cat([y, y], dim=1)

    def grayings(self, f):
        return torch.stack([f, _FROM_YCBCR.T.to(f) @ f])

    def picture(self, X, beta=0.0):
        return (X[:, :3] + _mix(_FROM_YCBCR, X[:, 3:]).clamp(0, 1)) / 2


def _mix(matrix: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix.to(x), x)


_HAAR = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2.0


class Haar(Domain):
    """The orthonormal Haar wavelet of every colour at half the size, twelve channels: the sums of
    squares of four pixels, then the differences across, down and diagonal, each R, G, B."""

    name, channels, intensities, shrink = "haar", 12, 3, 2

    def tensor(self, x):
        if x.shape[-2] % 2 or x.shape[-1] % 2:
            raise JGMError(f"picture of {tuple(x.shape[-2:])}: domain haar needs even sides")
        pixels = functional.pixel_unshuffle(x, 2).unflatten(1, (-1, 4))  # (B,3,4,H/2,W/2)
        return torch.einsum("ij,bcjhw->bichw", _HAAR.to(x), pixels).flatten(1, 2)

    def picture(self, X, beta=0.0):
        bands = X.unflatten(1, (4, -1))  # (B,4,3,H/2,W/2)
        pixels = torch.einsum("ij,bjchw->bcihw", _HAAR.to(X), bands)  # symmetric: its own inverse
        return functional.pixel_shuffle(pixels.flatten(1, 2), 2)


DOMAINS = {d.name: d for d in (Joint, Intensity, Gradients, RgbYcbcr, Haar)}


def domain_of(name: str | None, channels: int | None, scale: float = 1.0) -> Domain:
    """A domain by name, or the usual one of so many channels (9, 3, 6, 12); with neither "joint".

    Raises JGMError for a name that is unknown or has other channels, and for a count that none has.
    """
    if name is None:
        name = "joint" if channels is None else _usual(channels)
    if name not in DOMAINS:
        raise JGMError(f"domain={name!r} is unknown; choose {', '.join(DOMAINS)}")
    domain = DOMAINS[name](float(scale))
    if channels not in (None, domain.channels):
        raise JGMError(f"channels={channels}: domain {name!r} has {domain.channels}")
    return domain


def _usual(channels: int) -> str:
    usual = {9: "joint", 6: "gradients", 3: "intensity", 12: "haar"}
    if channels not in usual:
        choice = ", ".join(f"{count} ({name})" for count, name in usual.items())
        raise JGMError(f"channels={channels}: choose {choice}")
    return usual[channels]
