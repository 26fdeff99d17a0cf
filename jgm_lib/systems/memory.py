"""A memory of what pictures look like and which colours they had (Yoo et al. 2019; Kaiser et al. 2017).

Entries are (key, value, age): a unit vector of the picture's features, its colour histogram, and how
many pictures ago the entry was last written.
"""

import torch
from torch import nn

from .bins import bin_of, gamut_bins, smoothed

EVEN = 0.01  # share of a histogram spread over all bins, for a divergence needs every bin
NOWHERE = -2.0  # below every cosine


def histogram(ab: torch.Tensor, grid: int) -> torch.Tensor:
    """Smoothed shares of the ab bins: (B,2,H,W) -> (B,Q), sums 1."""
    bins = gamut_bins(grid).to(ab.device)
    index = bin_of(ab, grid).flatten(1)  # (B,HW)
    counts = torch.zeros(len(ab), len(bins), device=ab.device)
    counts.scatter_add_(1, index, torch.ones_like(index, dtype=counts.dtype))
    shares = smoothed((counts / index.shape[1]).T, bins).T
    return (1 - EVEN) * shares + EVEN / len(bins)


def divergence(v: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """KL(v | other) of histograms (B,Q) and (N,Q): (B,N)."""
    return (v * v.log()).sum(1, keepdim=True) - v @ others.log().T


def threshold_triplet(cosines, close, filled, margin: float) -> torch.Tensor:
    """max(cos of the nearest entry of other colours - cos of the nearest of close ones + margin, 0),
    mean over queries (B,), 0 for one that lacks either: cosines (B,N), close (B,N), filled (N,)."""
    positive, negative = close & filled, ~close & filled
    p, n = (cosines.masked_fill(~m, NOWHERE).amax(1) for m in (positive, negative))
    both = positive.any(1) & negative.any(1)
    return torch.where(both, (n - p + margin).relu(), 0.0).mean()


class Memory(nn.Module):
    """``slots`` entries of keys (N,D), values (N,Q) and ages (N,). Never averaged, never by gradient.

    ``close``: two histograms are of the same colours below this divergence; measured on the training
    set. An entry that was never written is as old as the memory, so those are filled first.
    """

    def __init__(self, slots: int, key: int, bins: int):
        super().__init__()
        self.register_buffer("keys", torch.zeros(slots, key))
        self.register_buffer("values", torch.full((slots, bins), 1 / bins))
        self.register_buffer("ages", torch.zeros(slots, dtype=torch.long))
        self.register_buffer("filled", torch.zeros(slots, dtype=torch.bool))
        self.register_buffer("close", torch.ones(()))

    def cosines(self, q: torch.Tensor) -> torch.Tensor:
        """Of unit queries (B,D) with all keys, below every cosine for what is empty: (B,N)."""
        return (q @ self.keys.T).masked_fill(~self.filled, NOWHERE)

    def read(self, q: torch.Tensor) -> torch.Tensor:
        """The value of the nearest key, the same bins alike while the memory is empty: (B,Q)."""
        return self.values[self.cosines(q).argmax(1)]

    def is_close(self, v: torch.Tensor) -> torch.Tensor:
        """Which entries have the colours of histograms (B,Q): (B,N)."""
        return divergence(v, self.values) < self.close

    @torch.no_grad()
    def write(self, q: torch.Tensor, v: torch.Tensor) -> None:
        """Remember pictures one after another: unit queries (B,D), histograms (B,Q).

        If the nearest entry has close colours, its key moves towards the query, k = (q + k)/|q + k|;
        else the oldest entry is overwritten. What is written is of age 0, the others age by one.
        """
        for one, colours in zip(q[:, None], v[:, None], strict=True):  # (1,D), (1,Q)
            self.ages += 1
            i = self.cosines(one).argmax()
            if self.filled[i] and self.is_close(colours)[0, i]:
                self.keys[i] = nn.functional.normalize(self.keys[i] + one[0], dim=0)
            else:
                i = self.ages.argmax()
                self.keys[i], self.values[i], self.filled[i] = one[0], colours[0], True
            self.ages[i] = 0
