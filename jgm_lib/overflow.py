"""Colour that runs over the edges: how much of the chroma's change lies where the luma has none.

The share hangs on where colours change, not on how strong they are: a paler picture keeps it.
Photographs have a share of their own (a red flower before grass may be as light as the grass), so
it is read beside the truth's; ``blurred`` and ``shifted`` spoil the truth by known amounts.
"""

import math

import numpy as np
import torch
from torch.nn.functional import conv2d, pad

from .errors import JGMError
from .metrics import consistency_rms
from .operators import grad, gray, gray_weights

REACH = 0.7  # pixels, the standard deviation within which an edge of the luma covers one of chroma
FLAT = 0.5  # an edge of this many RMS gradients of the photograph's covers half
LEAST = 1 / 510  # half a level of 8 bit: weaker chroma edges are rounding


def edge_overflow(x, y) -> np.ndarray:
    """Share of the chroma's gradient that lies where the photograph has no edge, from 0 to 1.

    sum w |grad c| / sum |grad c| with c = x minus its mean over R, G and B, and
    w = t^2/(t^2 + e^2): e is the largest |grad y| nearby, fading as exp(-d^2/2 REACH^2) with the
    distance d, and t = FLAT times the RMS of |grad y|. Where the luma steps at one column of W and
    the chroma d columns on, it is 1/(1 + W/FLAT^2 exp(-d^2/REACH^2)). x times a factor in its chroma
    has the same share. x (B,3,H,W) and y (B,1,H,W), [0,1] -> (B,); NaN where the chroma has no edge
    above rounding, as in a grey picture: a share of nothing. Raises JGMError for other shapes.
    """
    consistency_rms(x, y)  # refuses what are no such pictures
    x, y = (torch.as_tensor(a).detach().cpu().double() for a in (x, y))
    own = slope(x - x.mean(1, keepdim=True))  # (B,H,W)
    edges = slope(y).expand(len(x), -1, -1)
    low = FLAT**2 * edges.square().mean((1, 2), keepdim=True)
    bare = torch.where(low > 0, low / (low + nearby(edges).square()), 1.0)
    share = (bare * own).sum((1, 2)) / own.sum((1, 2))
    return torch.where(own.amax((1, 2)) > LEAST, share, math.nan).numpy()


def slope(c: torch.Tensor) -> torch.Tensor:
    """(B,C,H,W) -> (B,H,W): the length of the gradient over both directions and all channels."""
    return sum(g.square().sum(1) for g in grad(c)).sqrt()


def nearby(e: torch.Tensor) -> torch.Tensor:
    """(B,H,W) -> (B,H,W): the largest e(q) exp(-|p - q|^2/2 REACH^2), one direction after the other."""
    r = math.ceil(3 * REACH)
    for dim in (-2, -1):
        wide = pad(e, (0, 0, r, r) if dim == -2 else (r, r))
        shifts = [
            wide.narrow(dim, r + d, e.shape[dim]) * math.exp(-(d**2) / 2 / REACH**2)
            for d in range(-r, r + 1)
        ]
        e = torch.stack(shifts).amax(0)
    return e


# -- known amounts -----------------------------------------------------------------------------


def with_chroma(x: torch.Tensor, change) -> torch.Tensor:
    """x (B,3,H,W) with ``change`` applied to its chroma; the mean of R, G and B stays."""
    y = gray(x, gray_weights("mean"))
    return y + change(x - y)


def shifted(x: torch.Tensor, pixels: int) -> torch.Tensor:
    """x (B,3,H,W) with its chroma moved to the right, the left edge repeated."""
    columns = (torch.arange(x.shape[-1]) - pixels).clamp(min=0)
    return with_chroma(x, lambda c: c[..., columns])


def blurred(x: torch.Tensor, pixels: float) -> torch.Tensor:
    """x (B,3,H,W) with its chroma under a Gaussian of this standard deviation, edges repeated.

    Raises JGMError unless pixels > 0.
    """
    if not pixels > 0:
        raise JGMError(f"pixels={pixels}: need a number > 0")
    r = math.ceil(4 * pixels)
    row = torch.exp(-(torch.arange(-r, r + 1, dtype=x.dtype) ** 2) / 2 / pixels**2)
    row = (row / row.sum()).view(1, 1, 1, -1)

    def change(c):
        flat = pad(c, (r, r, r, r), mode="replicate").flatten(0, 1)[:, None]  # (3B,1,H+2r,W+2r)
        return conv2d(conv2d(flat, row), row.mT).view(c.shape)

    return with_chroma(x, change)
