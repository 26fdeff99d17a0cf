"""One interface for all that colours: ``versions(y, keys)``, ``n`` versions of each photograph.

``y`` (B,1,S,S) in [0,1] and the pictures' keys -> (B,n,3,S,S); ``draws`` tells whether versions
differ, ``nfe`` are the network evaluations of one version in the last call. The noise of a version
follows from (seed, key, version): ``noise.version_seed``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from ..baselines import MeanOf, RegressionMean, Sampled
from ..colorize import Colorizer
from ..constraint import strengthened
from ..errors import JGMError
from ..noise import version_seeds
from ..params import ColorizeCard
from ..photo.enlarge import reduce
from ..result import full_size
from .names import averaged
from .sources import F


@dataclass
class Direct:
    """A method of ``baselines`` on photographs of the size it works at."""

    method: Callable
    n: int = 1
    seed: int = 0

    def __post_init__(self):
        self.n = self.n if self.method.draws else 1

    @property
    def draws(self) -> bool:
        return self.method.draws

    @property
    def nfe(self) -> int:
        return self.method.nfe

    @torch.no_grad()
    def versions(self, y, keys) -> torch.Tensor:
        seeds = version_seeds(self.seed, self.n, keys)
        return self.method(y.repeat_interleave(self.n, 0), seeds).unflatten(0, (len(y), self.n))


@dataclass
class Through:
    """A method of ``baselines`` through a Colorizer: drawn at the prior's size, with the photograph
    in its sight, and brought to the photograph's size as ``Result`` does it.

    ``make``: the prior's model -> the method; ``strength``: of the colours (``strengthened``).
    """

    colorizer: Colorizer
    make: Callable
    n: int = 1
    seed: int = 0
    strength: float = 1.0
    nfe: int = 0

    @property
    def draws(self) -> bool:
        return self.make(self.colorizer.model).draws

    def versions(self, y, keys) -> torch.Tensor:
        return enlarged(self.small(y, keys), y)

    def small(self, y, keys) -> torch.Tensor:
        """``versions`` as the prior draws, (B,n,3,s,s) with s its side."""
        side = self.colorizer.side
        model = self.colorizer.seeing(y, side, side, self.n)
        method = Direct(self.make(model), self.n, self.seed)
        small = reduced(y, side).to(self.colorizer.device)
        x = strengthened(method.versions(small, keys), small[:, None], self.strength)
        self.nfe = method.nfe
        return x.float().cpu()


def by_card(colorizer: Colorizer, card: ColorizeCard) -> Through:
    """card.n versions by the card's sampler. JGMError for a card with colour points, which belong
    to one photograph."""
    if card.points:
        raise JGMError(f"points={card.points}: of one photograph, not of all that are measured")

    def make(model):
        return Sampled(model, card.sampler, card.settings())

    return Through(colorizer, make, card.n, card.seed, card.strength)


def method_of(name: str, colorizer: Colorizer, card: ColorizeCard) -> Through:
    """The method of a name of ``names.method_names``, with the card's settings."""
    drawn = by_card(colorizer, card)
    if name == "regression mean":
        return replace(drawn, make=lambda model: RegressionMean(model, card.sigma_max), n=1)
    if averaged(name):
        return replace(drawn, make=lambda model: MeanOf(drawn.make(model), card.n), n=1)
    return drawn


def reduced(x, side: int) -> torch.Tensor:
    """Pictures (B,C,S,S) at the prior's size (B,C,side,side)."""
    if x.shape[-1] == side:
        return x
    return reduce(x.flatten(0, 1), side, side).unflatten(0, x.shape[:2]).clamp(0, 1)


def enlarged(samples, y) -> torch.Tensor:
    """Draws (B,n,3,s,s) at the prior's size -> (B,n,3,S,S) for the photographs y (B,1,S,S)."""
    if samples.shape[-2:] == y.shape[-2:]:
        return samples
    rows = [
        torch.from_numpy(full_size(x.float(), grey, F)).permute(2, 0, 1)
        for versions, grey in zip(samples, y, strict=True)
        for x in versions
    ]
    return torch.stack(rows).unflatten(0, samples.shape[:2])
