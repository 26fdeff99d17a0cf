"""Rows of small pictures, each row with its name at the left."""

import torch
from matplotlib.figure import Figure
from torch.nn.functional import interpolate

from jgm_lib.errors import JGMError


def side_by_side(x: torch.Tensor, scale: int = 3) -> torch.Tensor:
    """(B,C,H,W) -> one picture (C, H scale, B W scale), pixels repeated."""
    row = torch.cat(list(x), dim=-1)
    return interpolate(row[None], scale_factor=scale, mode="nearest")[0]


def strips(rows: dict, width: float = 6.4) -> Figure:
    """One row of pictures (B,3,H,W) a name, the same B in every row; ``width`` in inches."""
    if not rows:
        raise JGMError("strips: need at least one row of pictures")
    arrays = {name: side_by_side(x.detach().float().cpu(), 2) for name, x in rows.items()}
    left = (0.08 * max(map(len, arrays)) + 0.12) / width  # inches of the names, as a share of all
    height = sum((1 - left) * width * a.shape[-2] / a.shape[-1] + 0.06 for a in arrays.values())
    fig = Figure(figsize=(width, height))
    axes = fig.subplots(len(rows), 1, squeeze=False)[:, 0]
    fig.subplots_adjust(left=left, right=0.995, top=0.995, bottom=0.005, hspace=0.05)
    for axis, (name, a) in zip(axes, arrays.items(), strict=True):
        axis.imshow(a.permute(1, 2, 0).clamp(0, 1).numpy(), interpolation="nearest")
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        axis.set(xticks=[], yticks=[])
    return fig
