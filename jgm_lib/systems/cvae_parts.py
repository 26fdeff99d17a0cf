"""The parts of the conditional autoencoder: eyes that end in numbers, a decoder, principal components."""

import torch
from torch import nn
from torch.nn import functional as F


def half(c_in: int, c: int) -> nn.Sequential:
    """Half the side: convolution, norm, ReLU."""
    return nn.Sequential(nn.Conv2d(c_in, c, 3, 2, 1), nn.GroupNorm(4, c), nn.ReLU())


def double(c_in: int, c: int) -> nn.Sequential:
    """Twice the side: nearest pixels, convolution, norm, ReLU."""
    up = nn.Upsample(scale_factor=2.0, mode="nearest")
    return nn.Sequential(up, nn.Conv2d(c_in, c, 3, padding=1), nn.GroupNorm(4, c), nn.ReLU())


class Eye(nn.Module):
    """Pictures (B,c_in,size,size) -> (B,c_out): ``stages`` halvings, then one linear layer."""

    def __init__(self, c_in: int, c_out: int, size: int, width: int, stages: int):
        super().__init__()
        widths = [c_in] + [width * 2 ** min(i, 3) for i in range(stages)]
        self.stages = nn.Sequential(*map(half, widths, widths[1:]))
        self.last = nn.Linear(widths[-1] * (size // 2**stages) ** 2, c_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.stages(x).flatten(1))


def edges(L: torch.Tensor) -> torch.Tensor:
    """A grey picture and its differences downwards and to the right: (B,1,S,S) -> (B,3,S,S)."""
    down = F.pad(L.diff(dim=2), (0, 0, 0, 1))
    right = F.pad(L.diff(dim=3), (0, 1))
    return torch.cat([L, down, right], dim=1)


class Decoder(nn.Module):
    """z (B,D) and the grey picture (B,1,S,S) in [-1,1] -> ab (B,2,S,S), small.

    What the grey and its gradients show comes in at a quarter and at half of the side: 16 and 32
    for pictures of 64.
    """

    def __init__(self, latent: int, size: int, width: int):
        super().__init__()
        w, self.low = width, size // 16
        self.first = nn.Linear(latent, 8 * w * self.low**2)
        self.seen_half, self.seen_quarter = half(3, w), half(w, 2 * w)
        self.to_quarter = nn.Sequential(double(8 * w, 8 * w), double(8 * w, 4 * w))
        self.to_half = double(4 * w + 2 * w, 2 * w)
        self.to_whole = double(2 * w + w, w)
        self.head = nn.Conv2d(w, 2, 3, padding=1)

    def forward(self, z: torch.Tensor, L: torch.Tensor) -> torch.Tensor:
        at_half = self.seen_half(edges(L))  # (B,w,S/2,S/2)
        at_quarter = self.seen_quarter(at_half)  # (B,2w,S/4,S/4)
        h = F.relu(self.first(z)).unflatten(1, (-1, self.low, self.low))
        h = self.to_half(torch.cat([self.to_quarter(h), at_quarter], dim=1))
        return self.head(self.to_whole(torch.cat([h, at_half], dim=1)))


def principal_components(fields: torch.Tensor, k: int):
    """The k directions of largest variance among fields (N,...), and those variances: (k,D), (k,).

    By the eigenvectors of the N x N products, for N is smaller than D.
    """
    X = fields.flatten(1).double()
    X = X - X.mean(0)
    values, vectors = torch.linalg.eigh(X @ X.T)  # rising
    values, vectors = values.flip(0)[:k], vectors.flip(1)[:, :k]
    return (vectors.T @ X) / values.sqrt()[:, None], values / (len(X) - 1)
