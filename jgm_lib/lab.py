"""CIELAB (D65, 2 degrees) and sRGB as tensors, differentiable, as scikit-image computes them.

L* runs from 0 to 100; a* and b* of sRGB colours from about -108 to 99. CIE 15:2004, IEC 61966-2-1.
"""

import torch

TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
WHITE = (0.95047, 1.0, 1.08883)
EDGE = 0.008856  # of X/Xn; below, the cube root is a line


def _matrix(like: torch.Tensor) -> torch.Tensor:
    """RGB without gamma -> X/Xn, Y/Yn, Z/Zn."""
    rows, white = (torch.tensor(t, dtype=torch.float64) for t in (TO_XYZ, WHITE))
    return (rows / white[:, None]).to(like.device)


def _mixed(M: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.einsum("ij,bjhw->bihw", M.to(x), x)


def _linear(x: torch.Tensor) -> torch.Tensor:
    """sRGB without its gamma; the clamp keeps the other branch's gradient finite."""
    return torch.where(x > 0.04045, ((x.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4, x / 12.92)


def _root(t: torch.Tensor) -> torch.Tensor:
    return torch.where(t > EDGE, t.clamp(min=EDGE) ** (1 / 3), 7.787 * t + 16 / 116)


def rgb_to_lab(x: torch.Tensor) -> torch.Tensor:
    """sRGB (B,3,H,W) in [0,1] -> L*, a*, b* (B,3,H,W)."""
    f, g, h = _root(_mixed(_matrix(x), _linear(x))).unbind(1)
    return torch.stack([116 * g - 16, 500 * (f - g), 200 * (g - h)], dim=1)


def lightness(gray: torch.Tensor) -> torch.Tensor:
    """L* of a grey picture (B,1,H,W) in [0,1], that of its replica in all channels: (B,1,H,W)."""
    return 116 * _root(_linear(gray)) - 16


def lab_to_rgb(lab: torch.Tensor) -> torch.Tensor:
    """L*, a*, b* (B,3,H,W) -> sRGB (B,3,H,W), clipped to what a screen shows."""
    L, a, b = lab.unbind(1)
    g = (L + 16) / 116
    f = torch.stack([g + a / 500, g, (g - b / 200).clamp(min=0)], dim=1)
    xyz = torch.where(f > 0.2068966, f**3, (f - 16 / 116) / 7.787)
    linear = _mixed(torch.linalg.inv(_matrix(lab)), xyz)
    powered = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, powered, 12.92 * linear).clamp(0, 1)
