"""What the adversarial systems share: a critic that only training knows, and the frozen eyes.

The critic sees patches (PatchGAN, Isola et al. 2017): each of its answers looks at a part of the
picture. It is no part of the weights, for nobody needs it to colour a picture.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ..networks.lite import eyes, taps
from ..training.turns import Game, Opponent, seeded
from .base import System, centred

SEEN = list(taps("lite0").values())[-1]  # numbers that the frozen eyes give a picture
SCALE = 2  # the eyes were trained at 224 pixels: they see more in an enlarged picture


class Adversarial(System):
    """A system against a critic. A subclass has ``new_critic()`` and two losses of pictures x
    (B,3,H,W), each a scalar: ``loss(model, critic, x, generator)`` of the system and
    ``critic_loss(model, critic, x, generator)``."""

    @classmethod
    def objective(cls, model, card):
        """The game of a training card; the critic's first weights are of the card's seed. JGMError
        as ``System.objective``."""
        super().objective(model, card)
        critic = seeded(card.seed, model.new_critic)
        against = Opponent(critic, lambda x, g: cls.critic_loss(model, critic, x, g))
        return Game(lambda x, g: cls.loss(model, critic, x, g), {"critic": against})


class Patches(nn.Module):
    """A score a patch: pictures (B,c_in,H,W) -> (B,1,H/8,W/8), without norms, which would let
    the pictures of a batch see each other. ``told``: numbers (B,told) it knows of each picture."""

    def __init__(self, c_in: int, width: int, told: int = 0):
        super().__init__()
        w = width
        self.first, self.second = nn.Conv2d(c_in, w, 4, 2, 1), nn.Conv2d(w, 2 * w, 4, 2, 1)
        self.third, self.last = nn.Conv2d(2 * w, 4 * w, 4, 2, 1), nn.Conv2d(4 * w, 1, 3, padding=1)
        self.told = nn.Linear(told, 2 * w) if told else None

    def forward(self, x: torch.Tensor, told: torch.Tensor | None = None) -> torch.Tensor:
        h = self.second(F.leaky_relu(self.first(x), 0.2))  # (B,2w,H/4,W/4)
        if self.told is not None:
            h = h + self.told(told)[:, :, None, None]
        h = self.third(F.leaky_relu(h, 0.2))
        return self.last(F.leaky_relu(h, 0.2))


@torch.no_grad()
def look(L: torch.Tensor) -> torch.Tensor:
    """What the frozen eyes (``networks.lite``) see in grey pictures: L* (B,1,H,W) -> (B,320)."""
    large = F.interpolate(centred(L), scale_factor=SCALE, mode="bilinear", align_corners=False)
    return eyes().to(L.device)(large.expand(-1, 3, -1, -1))[-1].mean((2, 3))
