"""The known part of a colour picture: what the photograph tells, and how to put it in exactly."""

import torch

from .fusion import fuse
from .joint import join, split
from .operators import gray


def known_luma(y: torch.Tensor, model, boundary: str = "neumann") -> torch.Tensor:
    """What the photograph tells of X: (B,1,H,W) -> (B,G,H,W), G = 3 for [y, grad y], 1 for y.

    ``boundary`` has to be the one Eq 14 is solved with, or the fused picture loses F x = y.
    """
    return join(y, model.gradient_scale, boundary) if model.channels == 9 else y


def gray_groups(X: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    """F on every group of three channels: (B,3G,H,W) -> (B,G,H,W)."""
    B, C, H, W = X.shape
    return torch.einsum("c,bgchw->bghw", f.to(X), X.view(B, C // 3, 3, H, W))


def lift_groups(e: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    """F^+ on every group: (B,G,H,W) -> (B,3G,H,W)."""
    B, G, H, W = e.shape
    w = (f / f.square().sum()).to(e)
    return torch.einsum("c,bghw->bgchw", w, e).reshape(B, 3 * G, H, W)


def project(X: torch.Tensor, Y: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    """The nearest state whose grey part is Y in every group: X - F^+(F X - Y)."""
    return X - lift_groups(gray_groups(X, f) - Y, f)


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


def finish(x: torch.Tensor, y: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    """Projection onto F x = y, then gamut: what every sampler ends with."""
    return fit_gamut(project(x, y, f), y)


def to_picture(X, model, beta: float, boundary: str = "neumann") -> torch.Tensor:
    """The colour picture of a state: Eq 14 of its intensity and its gradients."""
    if model.channels == 3:
        return X
    return fuse(*split(X, model.gradient_scale), beta, boundary)


def residual(x: torch.Tensor, y: torch.Tensor, f: torch.Tensor) -> float:
    """RMS |F x - y|."""
    return float((gray(x, f) - y).square().mean().sqrt())
