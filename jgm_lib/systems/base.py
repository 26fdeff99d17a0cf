"""What all compared conditional networks share: they see L* of the grey picture and answer ab."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .. import baselines
from ..errors import JGMError
from ..lab import lab_to_rgb, lightness, rgb_to_lab
from ..noise import SeededNoise
from ..operators import gray as gray_of


class System(nn.Module):
    """A network from the grey picture to colours in CIELAB.

    It sees L* of the mean of R, G and B, in training as in use: L* of the colour photograph is
    another mixture of them and would give away colour. A subclass has ``forward(L, ...)``, what
    training calls (through a distributed wrapper); ``loss(model, x, generator)``, in which ``model``
    is that wrapper or the network itself; ``paint``, if its answer is not yet a* and b*; and
    ``measure``, if it must know the training set. ``draws``: whether the seed matters; ``nfe``:
    evaluations a picture; ``divisor``: sides that need no padding.
    """

    memory_format = torch.channels_last
    draws, nfe, divisor = False, 1, 1

    @classmethod
    def objective(cls, model, card):
        """The loss of a training card: (x (B,3,H,W) in [0,1], generator) -> scalar. JGMError for
        a card that asks for photographs at twice the side, which these networks do not see, and for
        a side that ``divisor`` does not divide."""
        if card.photographs:
            raise JGMError(f"draws, any_gray, aged, context: not for network {card.network}")
        if card.size % model.divisor:
            what = f"card size={card.size}: network {card.network}"
            raise JGMError(f"{what} needs a multiple of {model.divisor}")
        return lambda x, generator: cls.loss(model, x, generator)

    def paint(self, L, noise):
        """a*, b* (B,2,H,W) for L* (B,1,H,W) whose sides ``divisor`` divides."""
        return self(L)

    @torch.no_grad()
    def colorize(self, gray, seed=0):
        """Grey (B,1,H,W) in [0,1] -> rgb (B,3,H,W) of its L*, clipped to what a screen shows.

        ``seed``: a number or one a row (``baselines``). Sides that ``divisor`` does not divide are
        edge-padded and cut. Raises JGMError for anything but grey pictures.
        """
        L = lightness(baselines.check_gray(gray))
        (H, W), m = L.shape[-2:], self.divisor
        noise = SeededNoise(baselines.row_seeds(seed, len(gray)))
        ab = self.paint(F.pad(L, (0, -W % m, 0, -H % m), mode="replicate"), noise)
        return lab_to_rgb(torch.cat([L, ab[..., :H, :W]], dim=1))


def seen_and_wanted(x: torch.Tensor):
    """Pictures (B,3,H,W) in [0,1] -> L* of their grey (B,1,H,W) and their own a*, b* (B,2,H,W)."""
    return lightness(gray_of(x, baselines.F)), rgb_to_lab(x)[:, 1:]


def centred(L: torch.Tensor) -> torch.Tensor:
    """L* in [0,100] -> [-1,1], as networks like it."""
    return L / 50 - 1


@dataclass
class Conditional:
    """A system as a method of ``baselines``: ``method(gray, seed) -> rgb``; ``finished``: brought
    onto F x = y, which what works in CIELAB does not keep."""

    model: System
    finished: bool = False

    @property
    def nfe(self) -> int:
        return self.model.nfe

    @property
    def draws(self) -> bool:
        return self.model.draws

    def __call__(self, gray, seed=0):
        x = self.model.colorize(gray, seed)
        return baselines.finish(x, gray) if self.finished else x
