"""What a network sees of the photograph itself: its grey at twice the side, and what is in it.

Supervised: the colours are learned with the photograph beside them, p(colour | photograph). The
paper's prior p(X) knows no photograph; a network with context still is that prior for pictures
with one noise level on all channels, which get none.
"""

import torch
from torch import nn
from torch.nn import functional as F

from .lite import eyes, taps

ZOOM = 1.5  # the backbone was trained at 224 pixels: 192 explain more than 128 (measured)


def features(grey: torch.Tensor, backbone: str = "lite0") -> list[torch.Tensor]:
    """Frozen features of photographs: grey (B,1,2H,2W) in [0,1] -> one tensor a level below the
    first, of "lite0" (B,40,H/4,W/4), (B,112,H/8,W/8), (B,320,H/16,W/16)."""
    H, W = (n // 2 for n in grey.shape[-2:])
    network = eyes(backbone).to(grey.device)
    large = F.interpolate(grey, scale_factor=ZOOM, mode="bilinear", align_corners=False)
    with torch.no_grad():
        found = network((2 * large - 1).expand(-1, 3, -1, -1))
    sizes = ((H // d, W // d) for d in (4, 8, 16))
    # copied: torch's backward of a group norm crashes on frozen channels-last input, which a single
    # pixel still is after contiguous()
    pooled = [F.adaptive_avg_pool2d(x, s) for x, s in zip(found, sizes, strict=True)]
    return [x.clone(memory_format=torch.contiguous_format) for x in pooled]


class Context(nn.Module):
    """From the photograph to what is added to the network: after the stem, and where each of the
    next three levels begins. ``widths``: of those four levels; ``backbone``: whose features."""

    def __init__(self, widths, patch: int, backbone: str = "lite0"):
        super().__init__()
        self.fold, self.backbone = 2 * patch, backbone
        self.luma = nn.Conv2d(self.fold**2, widths[0], 3, padding=1)
        pairs = list(zip(taps(backbone).values(), widths[:3], strict=True))  # before a level widens
        self.norms = nn.ModuleList(nn.GroupNorm(8, c) for c, _ in pairs)
        self.convs = nn.ModuleList(nn.Conv2d(c, w, 1) for c, w in pairs)

    def forward(self, grey: torch.Tensor) -> list[torch.Tensor]:
        """Grey (B,1,2H,2W) in [0,1] -> four tensors, as wide as what arrives at each level."""
        first = self.luma(F.pixel_unshuffle(2 * grey - 1, self.fold))
        parts = zip(features(grey, self.backbone), self.norms, self.convs, strict=True)
        return [first] + [conv(norm(x)) for x, norm, conv in parts]


def partly(context: Context, grey: torch.Tensor, seen: torch.Tensor, draws: int):
    """What ``context`` adds for a batch of ``draws`` noisy versions a photograph, grey (B,1,..):
    nothing for photographs with ``seen`` (B,) False; each tensor (B*draws,width,h,w)."""
    if not bool(seen.any()):
        return None
    out = []
    for part in context(grey[seen]):
        whole = part.new_zeros(len(grey), *part.shape[1:])
        whole[seen] = part
        out.append(whole.repeat_interleave(draws, 0))
    return out


class Seeing:
    """A network that looks at photographs while it denoises: ``denoise`` as samplers call it.

    ``grey`` (B,1,2H,2W): looked at once; ``draws`` versions of each follow each other in a batch.
    With one noise level on all channels (no ``sigma_y``) it is the bare network, the prior.
    """

    def __init__(self, model, grey: torch.Tensor, draws: int = 1):
        self._model = model
        with torch.no_grad():
            added = model.context(grey)
        one = len(grey) == 1  # then a row serves all versions
        self._added = added if one else [a.repeat_interleave(draws, 0) for a in added]

    def __getattr__(self, name):
        return getattr(self._model, name)

    def denoise(self, X, sigma, sigma_y=None):
        """``UNet.denoise`` with the photographs in sight."""
        added = None if sigma_y is None else self._added
        return self._model.denoise(X, sigma, sigma_y, added)
