"""Classes for pictures without labels: what is alike to the frozen eyes belongs together."""

import torch
from torch import nn

from .adversarial import SEEN
from .cvae_parts import principal_components

ROUNDS = 30


def k_means(points: torch.Tensor, k: int, generator: torch.Generator) -> torch.Tensor:
    """k centres of points (N,D): (k,D). Lloyd's rounds from a start in which each next centre is a
    point drawn by its squared distance to those before (Arthur and Vassilvitskii 2007)."""
    centres = points[torch.randint(len(points), (1,), generator=generator)]
    while len(centres) < k:
        far = torch.cdist(points, centres).amin(1).square()
        centres = torch.cat([centres, points[far.multinomial(1, generator=generator)]])
    for _ in range(ROUNDS):
        nearest = torch.cdist(points, centres).argmin(1)
        mine = nn.functional.one_hot(nearest, k).to(points)  # (N,k)
        n = mine.sum(0)[:, None]
        centres = torch.where(n > 0, mine.T @ points / n.clamp(min=1), centres)
    return centres


class Clusters(nn.Module):
    """``k`` classes of pictures: clusters of their features (``adversarial.look``) along ``d``
    principal components. All of it is measured on the training set and then fixed."""

    def __init__(self, k: int, d: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(SEEN))
        self.register_buffer("directions", torch.zeros(d, SEEN))
        self.register_buffer("centres", torch.zeros(k, d))
        self.register_buffer("variance", torch.ones(()))  # within a cluster, along one component

    def place(self, seen: torch.Tensor) -> torch.Tensor:
        """Features (B,320) -> principal components (B,d)."""
        return (seen - self.mean) @ self.directions.T

    def measure(self, seen: torch.Tensor) -> None:
        """Find the clusters of features (N,320)."""
        self.directions.copy_(principal_components(seen, len(self.directions))[0])
        self.mean.copy_(seen.mean(0))
        points = self.place(seen)
        k = len(self.centres)
        self.centres.copy_(k_means(points, k, torch.Generator().manual_seed(0)))
        nearest = torch.cdist(points, self.centres).amin(1)
        self.variance.copy_(nearest.square().mean() / points.shape[1])

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """log p(class | features), of equally frequent normals about the centres: (B,320) -> (B,k)."""
        d = torch.cdist(self.place(seen), self.centres)
        return (-d.square() / (2 * self.variance)).log_softmax(1)
