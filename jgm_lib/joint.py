"""The joint intensity-gradient tensor X = [x, s d1 x, s d2 x] (Section III.B of the paper)."""

import torch

from .operators import grad


def join(x: torch.Tensor, scale: float = 1.0, boundary: str = "neumann") -> torch.Tensor:
    """(B,C,H,W) -> (B,3C,H,W): the picture and its differences times ``scale`` (Eq 8)."""
    return stack(x, *grad(x, boundary), scale)


def stack(x: torch.Tensor, g1: torch.Tensor, g2: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
    """Concatenate a picture and two gradient fields, which need not be its own: (B,3C,H,W)."""
    return torch.cat([x, scale * g1, scale * g2], dim=1)


def unstack(X: torch.Tensor, scale: float = 1.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The inverse of ``stack``: (B,3C,H,W) -> x, g1, g2, each (B,C,H,W), gradients unscaled."""
    x, g1, g2 = X.chunk(3, dim=1)
    return x, g1 / scale, g2 / scale


def channel_sigmas(sigma: torch.Tensor, sigma_y: torch.Tensor, channels: int) -> torch.Tensor:
    """(B,), (B,) -> (B,C,1,1): sigma_y on the luma channels of the rotated basis, else sigma."""
    s = sigma[:, None].repeat(1, channels)
    s[:, list(range(0, channels, 3))] = sigma_y[:, None]
    return s[:, :, None, None]
