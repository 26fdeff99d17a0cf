"""A small U-Net on grey pictures, of the prior's own blocks: the same hands, another task."""

import torch
from torch import nn
from torch.nn import functional as F

from ..networks.unet import Attention, ResBlock, through, way_down, way_up


class Trunk(nn.Module):
    """(B,c_in,H,W) -> (B,c_out,H,W); with ``emb`` every block is scaled and shifted by (B,emb).

    ``widths`` one a level, each half the size of the one above, the first after ``patch``-fold
    pixel-unshuffle; attention at the lowest. The answer begins as zero.
    """

    def __init__(self, c_in: int, c_out: int, widths=(32, 64, 96), blocks=1, patch=2, emb=0):
        super().__init__()
        self.patch, self.divisor = patch, patch * 2 ** (len(widths) - 1)
        c, w = widths[0], widths[-1]
        self.stem = nn.Conv2d(c_in * patch**2, c, 3, padding=1)
        self.down, skips = way_down(widths, blocks, emb, 0.0)
        self.middle = nn.ModuleList([ResBlock(w, w, emb), Attention(w), ResBlock(w, w, emb)])
        self.up = way_up(widths, blocks, emb, skips)
        self.head_norm, self.head = nn.GroupNorm(8, c), nn.Conv2d(c, c_out * patch**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: torch.Tensor, emb: torch.Tensor | None = None) -> torch.Tensor:
        h = through(self, self.stem(F.pixel_unshuffle(x, self.patch)), emb)
        return F.pixel_shuffle(self.head(F.silu(self.head_norm(h))), self.patch)
