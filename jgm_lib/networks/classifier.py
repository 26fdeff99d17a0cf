"""A small classifier of pictures: what it looks for are the features of the Frechet distance."""

import torch
from torch import nn
from torch.nn import functional as F

from ..errors import JGMError


class Classifier(nn.Module):
    """The kind of a picture, by ``classes``; ``features`` (at most 64) numbers it is told by.

    ``widths``: one a level, two convolutions each, every level half the size of the one above.
    Raises JGMError for fewer than two classes, the same one twice, or other numbers of features.
    """

    memory_format = torch.channels_last

    def __init__(self, classes=(), widths=(24, 48, 64, 96), features: int = 32):
        super().__init__()
        self.classes = list(classes)
        if len(set(self.classes)) < max(2, len(self.classes)):
            raise JGMError(f"classes={self.classes}: need two or more different names")
        if not 1 <= features <= 64:
            raise JGMError(f"features={features}: need 1 to 64")
        self.levels, c = nn.ModuleList(), 3
        for w in widths:
            self.levels.append(nn.Sequential(*_unit(c, w), *_unit(w, w)))
            c = w
        self.feature = nn.Conv2d(c, features, 1)
        self.head = nn.Linear(features, len(self.classes))

    @staticmethod
    def objective(model, card):
        """Cross-entropy of batches (B,4,H,W): R, G, B and the class (``training.runs``)."""
        if card.photographs:
            raise JGMError(f"draws, any_gray, aged, context: not for network {card.network}")
        return lambda x, g: F.cross_entropy(model(x[:, :3]), x[:, 3, 0, 0].long())

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Pictures (B,3,H,W) in [0,1] -> (B,features), the mean of the last maps."""
        h = 2 * x - 1
        for i, level in enumerate(self.levels):
            h = level(F.avg_pool2d(h, 2) if i else h)
        return self.feature(h).mean((2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pictures (B,3,H,W) in [0,1] -> (B,classes) logits."""
        return self.head(F.silu(self.features(x)))


def _unit(c_in: int, c_out: int) -> list[nn.Module]:
    return [nn.Conv2d(c_in, c_out, 3, padding=1), nn.GroupNorm(8, c_out), nn.SiLU()]
