"""Chroma from the prior's small picture to the photograph's full size, guided by its luma.

The prior works near its training size. Its chroma is smooth where the luma is smooth and turns
where the luma turns, so a local line chroma = a luma + b, fitted small and evaluated large,
carries it to full resolution (the guided filter: He, Sun and Tang 2013; fast form: He and Sun
2015). "detail" uses that slope only for what bilinear enlargement lost; Eq 14 at full size and
plain bilinear stand beside them.

Measured (``python -m benchmarks.fullres FOLDER``): with a photo's own chroma "detail" loses least
where the enlargement is large. With the prior's chroma the methods, at their default settings, lie
about a tenth of a dB apart, as the prior's own errors outweigh them; "guided" and "fusion" win that
tenth by smoothing these errors away, and lose far more than it with true chroma. So "detail" is the default.
"""

import torch
from torch.nn import functional as F

from ..errors import JGMError
from ..fusion import fuse
from ..operators import grad
from ..params import UPSAMPLE as METHODS
from .rows import row_blocks

PIXELS = 2_000_000  # enlarged at a time
THIN = 16  # pixels: a working picture thinner than this is padded, in memory too


def reduce(a: torch.Tensor, h: int, w: int) -> torch.Tensor:
    """(C,H,W) -> (C,h,w), antialiased: the way the training pictures were made."""
    return F.interpolate(a[None], (h, w), mode="bilinear", antialias=True)[0]


def seen_at(y: torch.Tensor, h: int, w: int) -> torch.Tensor:
    """Photographs y (B,1,H,W) as the prior looks at them: (B,1,h,w) in [0,1]."""
    return reduce(y[:, 0], h, w)[:, None].clamp(0, 1)


def working_size(H: int, W: int, side: int, most: int = 256 * 256) -> tuple[int, int]:
    """The size at which the prior sees a photo: shorter edge ``side``, aspect kept, at most
    ``most`` pixels, at most four times larger than the photo, at least one pixel.

    A line of pixels counts as ``THIN`` lines, as the network will pad it, and is then squeezed."""
    scale = min(side / min(H, W), 4.0, (most / (H * W)) ** 0.5)
    h, w = max(1, round(H * scale)), max(1, round(W * scale))
    longest = most // max(min(h, w), THIN)
    return min(h, longest), min(w, longest)


def box(a: torch.Tensor, radius: int) -> torch.Tensor:
    """Mean over the (2r+1)^2 neighbours that exist: (C,h,w) -> (C,h,w)."""
    k = 2 * radius + 1
    return F.avg_pool2d(a[None], k, stride=1, padding=radius, count_include_pad=False)[0]


def local_lines(chroma, y, radius: int, eps: float):
    """The guided filter's lines: chroma (3,h,w) ~ a y + b around each pixel; a, b (3,h,w).

    ``eps``: variance of luma (intensity^2) below which a window counts as flat.
    """
    m_y, m_c = box(y, radius), box(chroma, radius)
    var = box(y * y, radius) - m_y * m_y
    cov = box(y * chroma, radius) - m_y * m_c
    a = cov / (var.clamp(min=0) + eps)
    return box(a, radius), box(m_c - a * m_y, radius)


def neighbours(n_out: int, n_in: int, like: torch.Tensor):
    """Bilinear enlargement of a line: the two source pixels of each of n_out pixels and the share
    of the second, (n_out,) each; pixel centres aligned, edges repeated."""
    at = ((torch.arange(n_out, dtype=torch.float64) + 0.5) * n_in / n_out - 0.5).clamp(0, n_in - 1)
    low = at.floor().long().clamp(max=max(n_in - 2, 0))
    return low, (low + 1).clamp(max=n_in - 1), (at - low).to(like)


class Enlarger:
    """Full-size rows of a small array (C,h,w), a block of rows at a time."""

    def __init__(self, small: torch.Tensor, H: int, W: int):
        left, right, share = neighbours(W, small.shape[-1], small)
        self.wide = small[..., left].lerp_(small[..., right], share)  # (C,h,W)
        self.tall = neighbours(H, small.shape[-2], small)

    def rows(self, block: slice, channels: slice = slice(None)) -> torch.Tensor:
        above, below, share = (a[block] for a in self.tall)
        wide = self.wide[channels]
        return wide[:, above].lerp_(wide[:, below], share[:, None])  # indexing made a copy


def enlarge_chroma(chroma, y_small, y, *, method="detail", radius=1, eps=1e-2, beta=0.5):
    """Yield (rows, chroma rows (3,r,W)) of the full-size chroma, from top to bottom.

    ``chroma`` (3,h,w) = x - y of the small picture, ``y_small`` (1,h,w), ``y`` (1,H,W).
    ``method``: "bilinear"; "detail" bilinear plus the guided slope times the luma that the small
    picture lost; "guided" the guided filter, which also smooths the chroma; "fusion" Eq 14 at full
    size, target gradients = the slope times grad y, channel by channel. Raises JGMError for
    another name.
    """
    check_method(method)
    H, W = y.shape[-2:]
    if method == "bilinear":
        plain = Enlarger(chroma, H, W)
        for rows in row_blocks(H, W, PIXELS):
            yield rows, plain.rows(rows)
        return
    lines = local_lines(chroma, y_small, radius, eps)
    slope, offset = (Enlarger(line, H, W) for line in lines)
    if method == "detail":
        plain, lost = Enlarger(chroma, H, W), Enlarger(y_small, H, W)
        for rows in row_blocks(H, W, PIXELS):
            yield rows, plain.rows(rows) + slope.rows(rows) * (y[:, rows] - lost.rows(rows))
        return
    if method == "guided":
        for rows in row_blocks(H, W, PIXELS):
            yield rows, slope.rows(rows) * y[:, rows] + offset.rows(rows)
        return
    full = torch.empty(3, H, W, dtype=y.dtype)
    for c in range(3):  # a channel at a time, to bound memory
        full[c] = _fused_channel(c, chroma, slope, y, beta)
    for rows in row_blocks(H, W, PIXELS):
        yield rows, full[:, rows]


def check_method(method: str) -> None:
    if method not in METHODS:
        raise JGMError(f"upsample={method!r} is unknown; choose {', '.join(METHODS)}")


def _fused_channel(c, chroma, slope, y, beta):
    """Eq 14 for one chroma channel at full size: (H,W)."""
    H, W = y.shape[-2:]
    plain = Enlarger(chroma[c : c + 1], H, W).rows(slice(0, H))
    targets = [g[None] for g in grad(y)]
    for g in targets:
        g *= slope.rows(slice(0, H), slice(c, c + 1))
    return fuse(plain[None], *targets, beta)[0, 0]
