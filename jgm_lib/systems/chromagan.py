"""Colour with a sense of what is in the picture: Vitoria, Raad and Ballester 2020, "ChromaGAN".

One network colours and tells the picture's class; a Wasserstein critic judges whether patches look
real. The authors' classes are what a classifier trained on ImageNet says of the grey picture. Here
pictures come without labels, so the classes are clusters of what such a classifier's features
(the bundled EfficientNet-Lite0) are for the grey pictures of the training set.
"""

from itertools import islice

import torch
from torch import nn
from torch.nn import functional as F

from .adversarial import Adversarial, Patches, look
from .base import centred, seen_and_wanted
from .clusters import Clusters
from .cvae_parts import double, half

CLASS, WASSERSTEIN, PENALTY = 0.003, 0.1, 10.0  # weights of the terms
UNIT = 128.0  # ab of one: the authors' networks answer in [-1,1]
MEASURED = 8  # batches of 64 pictures, enough for a few clusters
MOST = 64  # principal components


def class_divergence(told: torch.Tensor, log_p: torch.Tensor) -> torch.Tensor:
    """KL(y | p), y = exp ``told``, mean over pictures: (B,K), (B,K) -> scalar."""
    return F.kl_div(log_p, told, reduction="batchmean", log_target=True)


def gradient_penalty(critic, real, fake, generator) -> torch.Tensor:
    """E (|grad D| - 1)^2 between real and fake pictures (Gulrajani et al. 2017): (B,C,H,W) each.

    D here is the sum of a picture's patches: each of them shall be steep by about one in what it
    sees. Of their mean, the Wasserstein term would be orders larger than the squared error.
    """
    share = torch.rand(len(real), 1, 1, 1, generator=generator).to(real)
    between = (share * real + (1 - share) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def _two(c: int, to: int) -> nn.Sequential:
    """Two convolutions that keep the side, each with norm and ReLU."""
    parts = [[nn.Conv2d(a, to, 3, padding=1), nn.GroupNorm(4, to), nn.ReLU()] for a in (c, to)]
    return nn.Sequential(*parts[0], *parts[1])


class ChromaGan(Adversarial):
    """a*, b* from L* at an eighth of the side, joined by what the picture as a whole tells.

    ``width`` of the first stage, 64 in the paper; ``classes`` clusters along ``components``
    principal components of the eyes' features; ``critic``: width of the critic's first stage.
    """

    divisor = 8

    def __init__(self, width=32, classes=16, components=8, critic=32):
        super().__init__()
        if min(classes, components, critic) < 1 or components > MOST:
            what = f"classes={classes}, components={components}, critic={critic}"
            raise ValueError(f"{what}: need 1 or more, components up to {MOST}")
        w, self.critic = width, critic
        self.shared = nn.Sequential(half(1, w), half(w, 2 * w), half(2 * w, 4 * w))  # (B,4w,H/8,..)
        self.local = _two(4 * w, 4 * w)
        self.whole = nn.Sequential(half(4 * w, 4 * w), half(4 * w, 8 * w))
        self.classify = nn.Sequential(nn.Linear(8 * w, 4 * w), nn.ReLU(), nn.Linear(4 * w, classes))
        self.tell = nn.Sequential(nn.Linear(8 * w, 4 * w), nn.ReLU())
        self.colour = nn.Sequential(
            nn.Conv2d(8 * w, 4 * w, 1),
            nn.ReLU(),
            double(4 * w, 4 * w),
            double(4 * w, 2 * w),
            double(2 * w, w),
        )
        self.head = nn.Conv2d(w, 2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.clusters = Clusters(classes, components)

    def new_critic(self) -> Patches:
        return Patches(3, self.critic)

    def measure(self, batches) -> None:
        """Find the classes in the grey of pictures (B,3,H,W)."""
        grey = (seen_and_wanted(x)[0] for x in islice(batches, MEASURED))
        self.clusters.measure(torch.cat([look(L) for L in grey]))

    def forward(self, L):
        """L* (B,1,H,W) -> a*, b* (B,2,H,W) and log p(class) (B,K)."""
        h = self.shared(centred(L))
        whole = self.whole(h).mean((2, 3))  # (B,8w)
        told = self.tell(whole)[:, :, None, None].expand(-1, -1, *h.shape[-2:])
        ab = self.head(self.colour(torch.cat([self.local(h), told], dim=1)))
        return UNIT * ab, self.classify(whole).log_softmax(1)

    def paint(self, L, noise):
        return self(L)[0]

    @staticmethod
    def loss(model, critic, x, generator):
        """Squared error of ab in [-1,1] + 0.003 KL of the class - 0.1 of the critic's mean score."""
        L, ab = seen_and_wanted(x)
        answer, log_p = model(L)
        squares = ((answer - ab) / UNIT).square().mean()
        kinds = CLASS * class_divergence(model.clusters(look(L)), log_p)
        return squares + kinds - WASSERSTEIN * critic(judged(L, answer)).mean()

    @staticmethod
    def critic_loss(model, critic, x, generator):
        """Score of the system's colours - score of the true ones + 10 penalty."""
        L, ab = seen_and_wanted(x)
        with torch.no_grad():
            fake = judged(L, model(L)[0])
        real = judged(L, ab)
        penalty = gradient_penalty(critic, real, fake, generator)
        return critic(fake).mean() - critic(real).mean() + PENALTY * penalty


def judged(L: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
    """What a critic sees: L*, a*, b*, each in [-1,1]; (B,3,H,W)."""
    return torch.cat([centred(L), ab / UNIT], dim=1)
