"""The colours a screen shows, in bins of the ab plane: how frequent they are and what they weigh.

Zhang, Isola and Efros 2016; Deshpande et al. 2017 take their weights over.
"""

from functools import lru_cache

import torch

from ..lab import rgb_to_lab

NEAREST, SIGMA = 5, 5.0  # bins of a soft target, and how far its Gaussian reaches in ab


@lru_cache
def gamut_bins(grid: int) -> torch.Tensor:
    """Centres (Q,2), multiples of ``grid``, of all squares of the ab plane with an sRGB colour in
    them. Every a*, b* of the RGB cube is found on its faces too. ValueError beyond 5 to 40."""
    if not isinstance(grid, int) or not 5 <= grid <= 40:
        raise ValueError(f"grid={grid!r}: need a whole number from 5 to 40")
    side = torch.linspace(0, 1, 256, dtype=torch.float64)
    u, v = torch.meshgrid(side, side, indexing="ij")
    faces = [torch.stack([u, v, torch.full_like(u, end)]) for end in (0.0, 1.0)]
    faces = [face.roll(axis, 0) for face in faces for axis in range(3)]
    ab = rgb_to_lab(torch.stack(faces))[:, 1:].movedim(1, -1).reshape(-1, 2)
    return (ab / grid).round().unique(dim=0).float() * grid


def soft_code(ab: torch.Tensor, bins: torch.Tensor) -> torch.Tensor:
    """The five nearest bins of each colour, weighted by a Gaussian: (B,2,H,W) -> (B,Q,H,W), sums 1."""
    B, _, H, W = ab.shape
    d, near = torch.cdist(ab.movedim(1, -1).reshape(-1, 2), bins).topk(NEAREST, largest=False)
    share = (-d.square() / (2 * SIGMA**2)).softmax(1)  # (BHW,5)
    code = ab.new_zeros(len(d), len(bins)).scatter(1, near, share)
    return code.view(B, H, W, -1).movedim(-1, 1)


def smoothed(p: torch.Tensor, bins: torch.Tensor) -> torch.Tensor:
    """Shares of bins (Q,) spread over their neighbours by the same Gaussian; the sum stays 1."""
    kernel = (-torch.cdist(bins, bins).square() / (2 * SIGMA**2)).softmax(0)  # from column to row
    return kernel @ p


def class_weights(p: torch.Tensor, uniform: float) -> torch.Tensor:
    """w ~ ((1 - lambda) p + lambda/Q)^-1 with E_p[w] = 1 (their Eq 4), lambda = ``uniform``."""
    w = 1 / ((1 - uniform) * p + uniform / len(p))
    return w / (p * w).sum()


@lru_cache
def _cells(grid: int) -> tuple[int, torch.Tensor]:
    """How many squares of the grid lie on either side of grey, and the nearest bin of each square."""
    bins = gamut_bins(grid)
    n = int(bins.abs().max()) // grid + 1
    line = torch.arange(-n, n + 1.0) * grid
    return n, torch.cdist(torch.cartesian_prod(line, line), bins).argmin(1)


def bin_of(ab: torch.Tensor, grid: int) -> torch.Tensor:
    """The index of the bin each colour falls into: (B,2,H,W) -> (B,H,W)."""
    n, nearest = _cells(grid)
    i, j = ((ab / grid).round().long().clamp(-n, n) + n).unbind(1)
    return nearest.to(ab.device)[i * (2 * n + 1) + j]
