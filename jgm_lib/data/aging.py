"""Photographs as time, paper and scanners leave them, for training on the known part.

The tone curve belongs to the picture (the answer is toned alike, so F x = y stays true); graying,
blur, grain and scratches only to what is known of it. All chance comes from one generator.
"""

import torch
from torch.nn.functional import avg_pool2d, conv2d, pad

from .film import FILMS

ORTHO = torch.tensor(FILMS["orthochromatic"])
GAMMA, BEND, BLUR, GRAIN = 1.6, 0.6, 1.2, 0.05  # how far each goes
SCRATCHED = 0.3  # share of the aged with scratches


def chosen(n: int, share: float, generator) -> torch.Tensor:
    """(n,) True for about that share."""
    return torch.rand(n, generator=generator) < share


def random_weights(n: int, share: float, generator) -> torch.Tensor:
    """Graying weights (n,3), >= 0, sum 1: the mean (Eq 18), and for a share of the pictures a
    random point of the triangle, half of these on the way from the mean to orthochromatic film."""
    mean = torch.full((n, 3), 1 / 3)
    anywhere = torch.rand(n, 3, generator=generator).clamp_min(1e-6).log().neg()
    anywhere = anywhere / anywhere.sum(1, keepdim=True)  # uniform on the triangle
    film = torch.lerp(mean, ORTHO.expand(n, 3), torch.rand(n, 1, generator=generator))
    which = chosen(n, share / 2, generator)[:, None]
    first = chosen(n, share / 2 / (1 - share / 2), generator)[:, None]
    return torch.where(which, film, torch.where(first, anywhere, mean))


def random_tone(x: torch.Tensor, who: torch.Tensor, generator) -> torch.Tensor:
    """Pictures (B,C,H,W) in [0,1], those of ``who`` (B,) under a random increasing curve that
    keeps 0 and 1: a gamma, then less contrast in shadows and lights (as ``film.tone_curve``)."""
    u = torch.rand(len(x), 3, generator=generator).to(x)
    gamma = GAMMA ** (2 * u[:, :1] - 1)
    toe, shoulder = BEND * u[:, 1:2], BEND * u[:, 2:]
    gamma, toe, shoulder = (a.view(-1, 1, 1, 1) for a in (gamma, toe, shoulder))
    t = x.clamp_min(1e-6) ** gamma
    t = t - toe * t * (1 - t) ** 3 + shoulder * (1 - t) * t**3
    return torch.where(who.view(-1, 1, 1, 1).to(x.device), t, x)


def blurred(y: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
    """Each grey picture (B,1,H,W) under a Gaussian of its own sigma (B,) > 0 in pixels."""
    reach = torch.arange(-4, 5, device=y.device)
    row = torch.exp(-0.5 * (reach / sigmas.to(y)[:, None]).square())  # (B,9)
    row = row / row.sum(1, keepdim=True)
    z = pad(y, (4, 4, 4, 4), mode="replicate").transpose(0, 1)  # (1,B,H+8,W+8): one group each
    z = conv2d(z, row[:, None, :, None], groups=len(y))
    return conv2d(z, row[:, None, None, :], groups=len(y)).transpose(0, 1)


def grain(y: torch.Tensor, amounts: torch.Tensor, generator) -> torch.Tensor:
    """Grain of standard deviation ``amounts`` (B,) in middle grey, none in black and white,
    coarse (2 x 2 pixels) in half of its variance."""
    z = torch.randn(2, *y.shape, generator=generator).to(y)
    coarse = 2 * avg_pool2d(pad(z[1], (0, 1, 0, 1), mode="circular"), 2, stride=1)
    z = (z[0] + coarse) / 2**0.5
    return y + amounts.to(y).view(-1, 1, 1, 1) * 2 * (y * (1 - y)).clamp_min(0).sqrt() * z


def scratches(y: torch.Tensor, who: torch.Tensor, generator) -> torch.Tensor:
    """One light or dark vertical line, one pixel wide and partly see-through, on those of ``who``."""
    B, _, H, W = y.shape
    u = torch.rand(B, 4, generator=generator)
    column = (u[:, 0] * W).long()
    rows = torch.arange(H) / H
    long = (rows >= u[:, 1:2] - 0.3) & (rows <= u[:, 1:2] + 0.3)  # (B,H)
    line = torch.zeros(B, 1, H, W)
    line[torch.arange(B), 0, :, column] = (long * who[:, None]).float()
    tone = (u[:, 2] < 0.5).float().view(-1, 1, 1, 1).to(y)
    return torch.lerp(y, tone.expand_as(y), 0.7 * line.to(y))


def photographed(x: torch.Tensor, generator, *, any_gray: float, aged: float):
    """Colour pictures x (B,3,H,W) in [0,1] -> (x under their tone curves, grey (B,1,H,W) as a
    photograph of them would be found), ``any_gray`` and ``aged`` the shares changed."""
    n = len(x)
    old = chosen(n, aged, generator)
    x = random_tone(x, old, generator) if aged else x
    f = random_weights(n, any_gray, generator).to(x) if any_gray else torch.full((n, 3), 1 / 3)
    y = (x * f.to(x).view(n, 3, 1, 1)).sum(1, keepdim=True)
    if not aged:
        return x, y
    u = torch.rand(n, 2, generator=generator)
    worn = blurred(y, 0.05 + BLUR * u[:, 0])
    worn = grain(worn, GRAIN * u[:, 1], generator)
    worn = scratches(worn, chosen(n, SCRATCHED, generator), generator).clamp(0, 1)
    return x, torch.where(old.view(-1, 1, 1, 1).to(x.device), worn, y)
