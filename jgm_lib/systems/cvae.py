"""Colours by chance: Deshpande et al. 2017, "Learning diverse image colorization".

A variational autoencoder packs the ab field of a picture into 64 numbers z. A mixture density
network tells from the grey picture which z are likely; every z drawn from it is another colouring.
"""

import math

import torch
from torch.nn import functional as F

from ..errors import JGMError
from ..losses import gaussian
from .base import System, centred, seen_and_wanted
from .bins import bin_of, class_weights, gamut_bins, smoothed
from .cvae_parts import Decoder, Eye, principal_components

PCA, GRADIENT = 0.1, 1e-3  # weights of the loss's terms


def kl_to_normal(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, variance) | N(0, 1)), summed over z: (B,D), (B,D) -> (B,)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)


def mahalanobis(e: torch.Tensor, components: torch.Tensor, variances: torch.Tensor):
    """Sum over principal components of <e, P_k>^2 / variance_k: e (B,2,S,S), P (K,2SS) -> (B,)."""
    return ((e.flatten(1) @ components.T).square() / variances).sum(1)


def gradient_energy(e: torch.Tensor) -> torch.Tensor:
    """Squared differences to the neighbours below and on the right, summed: (B,2,S,S) -> (B,)."""
    return sum(e.diff(dim=d).square().flatten(1).sum(1) for d in (2, 3))


def mixture_log_density(z, log_weights, means, sigma: float) -> torch.Tensor:
    """log sum_k pi_k N(z; m_k, sigma^2 I): z (B,D), log pi (B,K), m (B,K,D) -> (B,)."""
    d = z.shape[1]
    squares = (z[:, None] - means).square().sum(2) / (2 * sigma**2)  # (B,K)
    constant = d * math.log(sigma * math.sqrt(2 * math.pi))
    return (log_weights - squares).logsumexp(1) - constant


def draw_mixture(log_weights, means, sigma: float, noise) -> torch.Tensor:
    """One z a row, (B,D): a component by its weight, then its normal."""
    u = noise.uniform(log_weights[:, :1])
    above = u > log_weights.exp().cumsum(1)[:, :-1]  # the last sum is one
    chosen = means[torch.arange(len(means)), above.sum(1)]
    return chosen + sigma * noise.normal(chosen)


class Cvae(System):
    """ab fields of ``size`` x ``size``; other sizes are brought to it and back.

    ``width`` of the first stages; ``latent`` numbers z; ``components`` normals of the mixture, each
    of deviation ``sigma``; ``principal`` components of the Mahalanobis term, which with the
    ``share`` of each colour and the ``spread`` of a* and b* are measured on the training set. ab
    counts in units of that spread: in [-1,1], as the authors have it, a picture of 64 pixels weighs
    less than the KL, and z falls asleep.
    """

    draws, nfe = True, 1

    def __init__(
        self, size=64, width=16, latent=64, components=8, sigma=0.1, principal=20, grid=10
    ):
        super().__init__()
        if size % 32:
            raise ValueError(f"size={size}: need a multiple of 32")
        if not sigma > 0 or not 1 <= principal <= 1000:
            raise ValueError(f"sigma={sigma}, principal={principal}: need above 0, 1 to 1000")
        self.size, self.latent, self.sigma, self.grid = size, latent, sigma, grid
        self.encoder = Eye(2, 2 * latent, size, width, stages=4)
        self.decoder = Decoder(latent, size, width)
        self.mixture = Eye(1, components * (latent + 1), size, width, stages=5)
        bins = gamut_bins(grid)
        self.register_buffer("share", torch.full((len(bins),), 1 / len(bins)))
        self.register_buffer("spread", torch.tensor(15.0))
        self.register_buffer("components", torch.zeros(principal, 2 * size**2))
        self.register_buffer("variances", torch.ones(principal))

    @classmethod
    def objective(cls, model, card):
        """JGMError also for a card of another size."""
        if card.size != model.size:
            raise JGMError(f"card size={card.size}: network cvae has settings size={model.size}")
        return super().objective(model, card)

    def measure(self, batches) -> None:
        """Shares of colours, spread (about grey) and principal components of ab fields over pictures
        (B,3,S,S)."""
        ab = torch.cat([seen_and_wanted(x)[1] for x in batches])
        counts = bin_of(ab, self.grid).flatten().bincount(minlength=len(self.share))
        self.share.copy_(smoothed(counts / counts.sum(), gamut_bins(self.grid)))
        self.spread.copy_(ab.square().mean().sqrt())
        components, variances = principal_components(ab / self.spread, len(self.variances))
        self.components.copy_(components)
        self.variances.copy_(variances)

    def likely(self, L):
        """The mixture of z a grey picture allows: log weights (B,K), means (B,K,D)."""
        out = self.mixture(centred(L)).unflatten(1, (-1, self.latent + 1))  # (B,K,D+1)
        return out[..., 0].log_softmax(1), out[..., 1:]

    def forward(self, L, ab, eps):
        """What training calls, with L* and a*, b* of pictures and normal eps (B,D): ab from
        z = mean + deviation eps, mean and log variance of z, and the mixture (detached from it)."""
        mean, log_variance = self.encoder(ab / self.spread).chunk(2, dim=1)
        z = mean + (log_variance / 2).exp() * eps
        return self.spread * self.decoder(z, centred(L)), mean, log_variance, *self.likely(L)

    def paint(self, L, noise):
        H, W = L.shape[-2:]
        L = resized(L, self.size, self.size)
        z = draw_mixture(*self.likely(L), self.sigma, noise)
        return resized(self.spread * self.decoder(z, centred(L)), H, W)

    @staticmethod
    def loss(model, x, generator):
        """Autoencoder and mixture at once, mean over pictures.

        Weighted squares + 0.1 Mahalanobis + 1e-3 gradients + KL, and the mixture's -log density of
        the encoder's mean. That mean is detached, so neither disturbs the other and one run trains
        both; times sigma^2, so that clipping the gradient's norm leaves both their part.
        """
        L, ab = seen_and_wanted(x)
        eps = gaussian(ab.new_zeros(len(x), model.latent), generator)
        answer, mean, log_variance, log_weights, means = model(L, ab, eps)
        e = (answer - ab) / model.spread
        weight = class_weights(model.share, 0.5)[bin_of(ab, model.grid)]  # (B,S,S)
        own = (weight[:, None] * e.square()).flatten(1).sum(1) + kl_to_normal(mean, log_variance)
        own = own + PCA * mahalanobis(e, model.components, model.variances)
        own = own + GRADIENT * gradient_energy(e)
        told = mixture_log_density(mean.detach(), log_weights, means, model.sigma)
        return (own - model.sigma**2 * told).mean()


def resized(x: torch.Tensor, h: int, w: int) -> torch.Tensor:
    """(B,C,H,W) -> (B,C,h,w), antialiased; the same if it has that size."""
    if x.shape[-2:] == (h, w):
        return x
    return F.interpolate(x, (h, w), mode="bilinear", antialias=True, align_corners=False)
