"""Tiny networks that look at the photograph, with random weights, and pictures by formula."""

import torch

from jgm_lib.networks import build

SPREAD = [0.42, 0.12, 0.05, 0.13, 0.02, 0.01, 0.12, 0.018, 0.01]
SETTINGS = {"widths": (8, 8, 8, 8), "context": True, "any_gray": True}


def wave(B, C, H, W) -> torch.Tensor:
    """Pictures in [0.1,0.9] that anyone can write down again."""
    at = [
        torch.arange(n).view([-1 if k == a else 1 for k in range(4)])
        for a, n in enumerate((B, C, H, W))
    ]
    b, c, i, j = (a.float() for a in at)
    return 0.5 + 0.4 * torch.sin(0.9 * b + 0.7 * c + 0.31 * i + 0.17 * j + 0.011 * i * j)


def seeing_network(seed=0, strength=0.1, **settings):
    """A network with context whose answer depends on everything it sees."""
    settings = {"mean": [0.1] * 9, "spread": SPREAD, **SETTINGS, **settings}
    model = build("unet", **settings).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        p.copy_(p * 0 + (p.ndim == 1) + strength * torch.randn(p.shape, generator=generator))
    return model


def seeing_colorizer(size=32, **settings):
    from jgm_lib import Colorizer  # slow to import, and not always needed

    return Colorizer(seeing_network(**settings), {"name": "seeing", "size": size}, device="cpu")
