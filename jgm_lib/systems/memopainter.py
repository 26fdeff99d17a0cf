"""Colour from memory: Yoo et al. 2019, "Coloring with limited data", MemoPainter.

A memory keeps what pictures looked like and which colours they had; a generator paints a grey
picture in colours it is told. In training it is told the true ones, in use those of the memory's
nearest picture, so rare colours are not lost in a mean.
"""

from itertools import islice

import torch
from torch import nn
from torch.nn import functional as F

from .adversarial import SEEN, Adversarial, Patches, look
from .base import centred, seen_and_wanted
from .bins import gamut_bins
from .cvae_parts import half
from .memory import Memory, divergence, histogram, threshold_triplet

MARGIN = 0.1  # of the triplet loss
ALIKE = 0.05  # share of all pairs of training pictures that count as of close colours
MEASURED = 4  # batches of 64 pictures, 16,000 pairs


class AdaIn(nn.Module):
    """Adaptive instance normalization (Huang and Belongie 2017): each channel of each picture gets
    the mean and the deviation that the colours (B,emb) tell."""

    def __init__(self, c: int, emb: int):
        super().__init__()
        self.norm, self.told = nn.InstanceNorm2d(c), nn.Linear(emb, 2 * c)

    def forward(self, h: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
        scale, mean = self.told(colours)[:, :, None, None].chunk(2, dim=1)
        return self.norm(h) * (1 + scale) + mean


class Up(nn.Module):
    """Twice the side, what the way down left, convolution, AdaIN, ReLU."""

    def __init__(self, c_in: int, c_skip: int, c: int, emb: int):
        super().__init__()
        self.conv, self.adain = nn.Conv2d(c_in + c_skip, c, 3, padding=1), AdaIn(c, emb)

    def forward(self, h, skip, colours):
        h = torch.cat([F.interpolate(h, scale_factor=2.0, mode="nearest"), skip], dim=1)
        return F.relu(self.adain(self.conv(h), colours))


class Painter(nn.Module):
    """A U-Net told colours: L* (B,1,H,W) in [-1,1] and a histogram (B,Q) -> ab (B,2,H,W), small."""

    def __init__(self, bins: int, width: int, emb: int):
        super().__init__()
        w = width
        self.embed = nn.Sequential(nn.Linear(bins, emb), nn.ReLU(), nn.Linear(emb, emb), nn.ReLU())
        self.first = nn.Sequential(nn.Conv2d(1, w, 3, padding=1), nn.GroupNorm(4, w), nn.ReLU())
        self.down = nn.ModuleList([half(w, 2 * w), half(2 * w, 4 * w), half(4 * w, 4 * w)])
        ups = [(4 * w, 4 * w, 4 * w), (4 * w, 2 * w, 2 * w), (2 * w, w, w)]
        self.up = nn.ModuleList(Up(*c, emb) for c in ups)
        self.head = nn.Conv2d(w, 2, 3, padding=1)

    def forward(self, L, v):
        colours = self.embed(v * v.shape[1])  # one in every bin of an even histogram
        kept = [self.first(L)]
        for level in self.down:
            kept.append(level(kept[-1]))
        h = kept.pop()
        for level in self.up:
            h = level(h, kept.pop(), colours)
        return self.head(h)


class MemoPainter(Adversarial):
    """A painter (``width``, told colours as ``emb`` numbers) and a memory of ``slots`` pictures.

    The query is a learned linear map, of unit length ``key``, of what frozen eyes see in the grey
    picture: the bundled EfficientNet-Lite0 in place of a ResNet-18. The value is the picture's
    histogram over ab bins of side ``grid``, as the authors have it for photographs. ``critic``:
    width of the critic's first stage. The averaged painter goes with the newest query and memory:
    old keys would not be found by an averaged query. Not in the paper: ab counts in units of its
    spread on the training set, by which the smooth L1 and the adversarial term weigh alike.
    """

    divisor, unaveraged = 8, ("memory.", "query.")

    def __init__(self, width=32, emb=64, slots=1024, key=64, grid=10, critic=32):
        super().__init__()
        if min(slots, key, critic) < 1:
            raise ValueError(f"slots={slots}, key={key}, critic={critic}: need 1 or more")
        self.grid, self.critic, Q = grid, critic, len(gamut_bins(grid))
        self.query = nn.Linear(SEEN, key)
        self.memory = Memory(slots, key, Q)
        self.painter = Painter(Q, width, emb)
        self.register_buffer("spread", torch.tensor(15.0))

    def new_critic(self) -> Patches:
        return Patches(3, self.critic, told=len(gamut_bins(self.grid)))

    def measure(self, batches) -> None:
        """The spread of ab (about grey) and which colours are close: of all pairs of pictures
        (B,3,H,W), the 5 % of least divergence."""
        ab = torch.cat([seen_and_wanted(x)[1] for x in islice(batches, MEASURED)])
        self.spread.copy_(ab.square().mean().sqrt())
        v = histogram(ab, self.grid)
        pairs = divergence(v, v)[~torch.eye(len(v), dtype=torch.bool)]
        self.memory.close.copy_(pairs.quantile(ALIKE))

    def ask(self, L):
        """Unit queries of L* (B,1,H,W): (B,D)."""
        return F.normalize(self.query(look(L)), dim=1)

    def forward(self, L, v):
        """What training calls, with L* and true histograms (B,Q): ab (B,2,H,W) and queries (B,D)."""
        return self.painted(L, v), self.ask(L)

    def painted(self, L, v):
        """a*, b* (B,2,H,W) in the colours of histograms v."""
        return self.spread * self.painter(centred(L), v)

    def paint(self, L, noise):
        return self.painted(L, self.memory.read(self.ask(L)))

    @staticmethod
    def loss(model, critic, x, generator):
        """Smooth L1 + adversarial, 1:1, for the painter, and the threshold triplet loss for the
        query, which share no parameter. Then, in training, the pictures are remembered."""
        L, ab = seen_and_wanted(x)
        v = histogram(ab, model.grid)
        answer, q = model(L, v)
        near = F.smooth_l1_loss(answer / model.spread, ab / model.spread)
        fooled = F.softplus(-critic(model.judged(L, answer), v)).mean()
        memory = model.memory
        cosines = q @ memory.keys.T.clone()  # the gradient needs the keys as they were
        told = threshold_triplet(cosines, memory.is_close(v), memory.filled, MARGIN)
        if model.training:
            memory.write(q.detach(), v)
        return near + fooled + told

    @staticmethod
    def critic_loss(model, critic, x, generator):
        """-log of the chance to tell true from painted, told the grey and the colours."""
        L, ab = seen_and_wanted(x)
        v = histogram(ab, model.grid)
        with torch.no_grad():
            fake = model.judged(L, model.painted(L, v))
        real = model.judged(L, ab)
        return (F.softplus(critic(fake, v)) + F.softplus(-critic(real, v))).mean()

    def judged(self, L, ab):
        """What the critic sees: L* in [-1,1], ab in units of its spread; (B,3,H,W)."""
        return torch.cat([centred(L), ab / self.spread], dim=1)
