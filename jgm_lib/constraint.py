"""The known part of a colour picture: what the photograph tells, and how to put it in exactly."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch

from .domain import Domain, Intensity
from .operators import gray


def gray_groups(X: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    """F on every group of three channels: (B,3G,H,W) -> (B,G,H,W). f (3,) for all, or (G,3)."""
    B, C, H, W = X.shape
    per = "gc" if f.ndim == 2 else "c"
    return torch.einsum(f"{per},bgchw->bghw", f.to(X), X.view(B, C // 3, 3, H, W))


def lift_groups(e: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    """F^+ on every group: (B,G,H,W) -> (B,3G,H,W). f (3,) for all, or (G,3)."""
    B, G, H, W = e.shape
    per = "gc" if f.ndim == 2 else "c"
    w = (f / f.square().sum(-1, keepdim=True)).to(e)
    return torch.einsum(f"{per},bghw->bgchw", w, e).reshape(B, 3 * G, H, W)


def fit_gamut(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Shrink each pixel's chroma, y + k (x - y) with the largest k <= 1 inside [0,1].

    Clipping would break F x = y; this keeps it, for F x = y, sum(f) = 1 and y in [0,1].
    """
    c = x - y
    room = torch.where(c > 0, 1 - y, y).clamp(min=0)
    k = (room / c.abs().clamp(min=1e-12)).amin(1, keepdim=True).clamp(max=1)
    return (y + k * c).clamp(0, 1)  # the clamp only removes rounding, an ulp above 1


def strengthened(x: torch.Tensor, y: torch.Tensor, strength: float) -> torch.Tensor:
    """Colours x with F x = y in [0,1], their chroma times ``strength`` inside the gamut; F x = y
    stays, for the weights of F sum to 1 and x - y has no grey."""
    return x if strength == 1 else fit_gamut(y + strength * (x - y), y)


@dataclass(frozen=True, eq=False)
class Observation:
    """A photograph y = F x, and what it tells of a state X in a domain: F X = Y.

    ``y`` (B,1,H,W) in [0,1], ``f`` the graying weights (3,). Samplers ask for it in the domain of
    their model (``within``) and then use only the methods, so that another class with the same ones
    may know more than the grey; ``split`` alone also takes ``Y``, the luma that it never noises.
    """

    y: torch.Tensor
    f: torch.Tensor
    domain: Domain = Intensity()

    def within(self, domain: Domain) -> "Observation":
        """The same photograph, told of states in another domain.

        The domain's ``boundary`` has to be the one Eq 14 is solved with, or the fused picture loses
        F x = y.
        """
        return replace(self, domain=domain)

    @cached_property
    def Y(self) -> torch.Tensor:
        """The known part of X, a grey for every group: (B,G,h,w)."""
        return self.domain.known(self.y)

    @cached_property
    def weights(self) -> torch.Tensor:
        """The graying of X, (3,) or (G,3)."""
        return self.domain.grayings(self.f)

    @property
    def like(self) -> torch.Tensor:
        """A tensor of the shape, device and type of a state, (B,C,h,w)."""
        return self.Y[:, :1].expand(-1, self.domain.channels, -1, -1)

    def error(self, X: torch.Tensor) -> torch.Tensor:
        """F X - Y, (B,G,h,w)."""
        return gray_groups(X, self.weights) - self.Y

    def pull(self, X: torch.Tensor) -> torch.Tensor:
        """F^+ (F X - Y), (B,C,h,w): the consistency term of Eq 13, without its lambda/sigma^2."""
        return lift_groups(self.error(X), self.weights)

    def project(self, X: torch.Tensor) -> torch.Tensor:
        """The nearest state with F X = Y: X - F^+ (F X - Y)."""
        return X - self.pull(X)

    def seen_part(self, Z: torch.Tensor) -> torch.Tensor:
        """F^+ F Z, (B,C,h,w): the part of a change Z of the state that the photograph would show."""
        return lift_groups(gray_groups(Z, self.weights), self.weights)

    def start(self, sigma: float, noise) -> torch.Tensor:
        """The smallest state with F X = Y, under noise of sigma: where an annealing begins."""
        return lift_groups(self.Y, self.weights) + sigma * noise.normal(self.like)

    def finish(self, x: torch.Tensor) -> torch.Tensor:
        """What every sampler ends with: the nearest picture with F x = y, (B,3,H,W), its chroma
        fitted to the gamut."""
        at_y = x - lift_groups(gray_groups(x, self.f) - self.y, self.f)
        return fit_gamut(at_y, self.y)

    def residual(self, x: torch.Tensor) -> float:
        """RMS |F x - y| of a picture (B,3,H,W)."""
        return float((gray(x, self.f) - self.y).square().mean().sqrt())
