"""A compact, continuous-sigma UNet, preconditioned.

Two noise inputs: sigma_y for the known luma channels, sigma for the unknown chroma channels.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from ..domain import Domain
from ..errors import JGMError
from .context import Context
from .lite import SCALES
from .precondition import Preconditioned


def fourier_features(c: torch.Tensor, half: int) -> torch.Tensor:
    """(B,) -> (B, 2*half): cosines and sines of c at geometric frequencies 1 to 32."""
    w = torch.linspace(0, math.log(32.0), half, device=c.device, dtype=c.dtype).exp()
    return torch.cat([torch.cos(c[:, None] * w), torch.sin(c[:, None] * w)], dim=1)


class ResBlock(nn.Module):
    """norm - SiLU - conv - norm, scaled and shifted by an embedding - SiLU - conv, plus x.

    ``emb``: size of that embedding (of the noise, in the prior), 0 for none.
    """

    def __init__(self, c_in: int, c_out: int, emb: int, dropout: float = 0.0):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, c_in), nn.Conv2d(c_in, c_out, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(8, c_out), nn.Conv2d(c_out, c_out, 3, padding=1)
        self.film = nn.Linear(emb, 2 * c_out) if emb else None
        self.drop = nn.Dropout(dropout)
        self.skip = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()
        nn.init.zeros_(self.conv2.weight)  # every block starts as the identity
        nn.init.zeros_(self.conv2.bias)

    def forward(self, h: torch.Tensor, emb: torch.Tensor | None = None) -> torch.Tensor:
        r = self.norm2(self.conv1(F.silu(self.norm1(h))))
        if self.film is not None:
            scale, shift = self.film(emb)[:, :, None, None].chunk(2, dim=1)
            r = r * (1 + scale) + shift
        return self.skip(h) + self.conv2(self.drop(F.silu(r)))


class Attention(nn.Module):
    """Self-attention over all positions: lets the sky at one edge know the sky at the other."""

    def __init__(self, c: int, heads: int = 4):
        super().__init__()
        self.heads = heads
        self.norm, self.qkv, self.out = (
            nn.GroupNorm(8, c),
            nn.Conv2d(c, 3 * c, 1),
            nn.Conv2d(c, c, 1),
        )
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        B, C, H, W = h.shape
        qkv = self.qkv(self.norm(h)).reshape(B, 3, self.heads, C // self.heads, H * W)
        q, k, v = qkv.transpose(-1, -2).unbind(1)  # each (B,heads,HW,C/heads)
        a = F.scaled_dot_product_attention(q, k, v).transpose(-1, -2).reshape(B, C, H, W)
        return h + self.out(a)


def way_down(widths, blocks: int, emb: int, dropout: float):
    """One list of blocks a level, from fine to coarse, and the widths they leave for the way up."""
    levels, skips, c = nn.ModuleList(), [], widths[0]
    for i, w in enumerate(widths):
        level = nn.ModuleList()
        for _ in range(blocks):
            level.append(ResBlock(c, w, emb, dropout if i == len(widths) - 1 else 0.0))
            c = w
            skips.append(c)
        levels.append(level)
    return levels, skips


def way_up(widths, blocks: int, emb: int, skips: list[int]) -> nn.ModuleList:
    """One list of blocks a level, from coarse to fine; each takes what the way down left."""
    levels, c = nn.ModuleList(), widths[-1]
    for w in reversed(widths):
        level = nn.ModuleList()
        for _ in range(blocks):
            level.append(ResBlock(c + skips.pop(), w, emb))
            c = w
        levels.append(level)
    return levels


def context_of(domain: Domain, widths, patch: int, backbone) -> Context:
    """The way from the photograph into the network. Raises JGMError where there is none."""
    if backbone is not True and backbone not in SCALES:
        raise JGMError(f"context={backbone!r}: need true, false, {' or '.join(SCALES)}")
    if len(widths) != 4 or patch != 2:
        raise JGMError(f"widths={tuple(widths)}, patch={patch}: context needs 4 levels, patch 2")
    if domain.shrink > 1:
        raise JGMError(f"domain={domain.name!r}: context needs a domain as large as the picture")
    return Context(widths, patch, "lite0" if backbone is True else backbone)


def through(net, h, emb, added=None):
    """(B,w,H,W) down and up the levels of ``net`` (its ``down``, ``middle`` and ``up``): (B,w,H,W).

    ``added``: one tensor a level, put in where it begins.
    """
    skips = []
    for i, level in enumerate(net.down):
        h = F.avg_pool2d(h, 2) if i else h
        h = h if added is None else h + added[i]
        for block in level:
            h = block(h, emb)
            skips.append(h)
    h = net.middle[2](net.middle[1](net.middle[0](h, emb)), emb)
    for i, level in enumerate(net.up):
        h = F.interpolate(h, scale_factor=2.0, mode="nearest") if i else h
        for block in level:
            h = block(torch.cat([h, skips.pop()], dim=1), emb)
    return h


class UNet(Preconditioned):
    """D(X, sigma, sigma_y): the posterior mean of X given its noisy version.

    ``domain``: a name of ``DOMAINS``, or its ``channels``; joint without either; ``widths`` one a level, each level half
    the size of the one above, the first after ``patch``-fold pixel-unshuffle; attention at the
    lowest. ``mean`` and ``spread``: per channel of the rotated colour basis, measured on the
    training set (``measure``). Sizes that the levels do not divide are edge-padded.
    ``context``: it also looks at the photograph (``networks.context``; needs four levels, patch 2),
    with the features of "lite0" (or True) or "lite2".
    ``any_gray``: its luma channels hold the photograph under any graying, not the mean of R, G, B.
    """

    def __init__(
        self,
        channels=None,
        widths=(48, 96, 128),
        blocks=1,
        patch=2,
        dropout=0.0,
        gradient_scale=1.0,
        mean=None,
        spread=None,
        context=False,
        any_gray=False,
        domain=None,
    ):
        if patch < 1 or not gradient_scale > 0:
            raise ValueError(f"patch={patch}, gradient_scale={gradient_scale}: need above 0")
        super().__init__(channels, gradient_scale, mean, spread, domain)
        self.patch, self.levels, self.any_gray = patch, len(widths), bool(any_gray)
        self.half, emb = 16, 4 * widths[0]
        self.embed = nn.Sequential(
            nn.Linear(4 * self.half, emb), nn.SiLU(), nn.Linear(emb, emb), nn.SiLU()
        )
        self.stem = nn.Conv2d(self.channels * patch**2, widths[0], 3, padding=1)
        self.down, skips = way_down(widths, blocks, emb, dropout)
        c = widths[-1]
        middle = nn.ModuleList(
            [ResBlock(c, c, emb, dropout), Attention(c), ResBlock(c, c, emb, dropout)]
        )
        self.up, self.middle, c = way_up(widths, blocks, emb, skips), middle, widths[0]
        self.head_norm = nn.GroupNorm(8, c)
        self.head = nn.Conv2d(c, self.channels * patch**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        if context:
            self.context = context_of(self.domain, widths, patch, context)

    def network(self, h, c_y, c_c, added=None):
        """The bare network on normalized channels: (B,C,H,W), (B,), (B,) -> (B,C,H,W).

        ``added``: what the photograph adds at each level, from ``context``.
        """
        emb = self.embed(
            torch.cat([fourier_features(c_y, self.half), fourier_features(c_c, self.half)], dim=1)
        )
        h = through(self, self.stem(F.pixel_unshuffle(h, self.patch)), emb, added)
        return F.pixel_shuffle(self.head(F.silu(self.head_norm(h))), self.patch)

    @property
    def divisor(self) -> int:
        """Sizes that this divides need no padding."""
        return self.patch * 2 ** (self.levels - 1)
