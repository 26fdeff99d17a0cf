"""Which F made the grey? Guessed from the colours alone: those that look most like the prior.

-ln p(x) is, up to a constant, the integral over ln sigma of what a denoiser misses, in units of
sigma^2 (Guo, Shamai and Verdu 2005; Kong et al. 2023). So each candidate colours the grey, and the
candidate whose result the prior denoises best is the guess. It needs no truth.
"""

import numpy as np
import torch

from ..noise import SeededNoise, version_seed
from .coverage import scene_interval

NOISE = 10**6  # versions of the noise of the loss, apart from those of the draws


@torch.no_grad()
def denoising_loss(model, x: torch.Tensor, keys, levels, seed: int = 0) -> np.ndarray:
    """The mean over the levels sigma of |D(X + sigma z) - X|^2/sigma^2, mean over channels and pixels,
    one noise level on all channels: x (N,3,S,S) in [0,1] -> (N,). A picture has the same z (by its
    key) whatever its colours."""
    X = model.domain.tensor(x)
    total = np.zeros(len(x))
    for i, sigma in enumerate(levels):
        z = SeededNoise([version_seed(seed, NOISE + i, key) for key in keys]).normal(X)
        missed = (model.denoise(X + sigma * z, sigma) - X).square().mean((1, 2, 3)) / sigma**2
        total += missed.double().cpu().numpy() / len(levels)
    return total


def rolls(losses: np.ndarray, size: int, seed: int = 0) -> np.ndarray:
    """Losses (made,assumed,N) -> (made,assumed,rolls): the means of groups of ``size`` pictures in
    random order, as of one film; what does not fill a roll is left out."""
    n = losses.shape[-1] // size
    order = np.random.default_rng(seed).permutation(losses.shape[-1])[: n * size]
    return losses[..., order].reshape(*losses.shape[:2], n, size).mean(-1)


def calibrated(losses: np.ndarray) -> np.ndarray:
    """Losses (made,assumed,N) less what each assumed F has on average, whatever made the grey: for
    each half of the pictures (every other one) taken from the other half, where F is known."""
    half = np.arange(losses.shape[-1]) % 2
    offsets = np.stack([losses[..., half == k].mean((0, 2)) for k in (1, 0)], 1)  # (assumed,2)
    return losses - offsets[None, :, half]


def guessed(losses: np.ndarray, grays) -> dict:
    """What the smallest loss says, losses (made,assumed,N): "confusion" made -> guessed -> share;
    "right" [share, low, high], the interval over the pictures, each under all F; "chance"."""
    guess = losses.argmin(1)  # (made,N)
    each = (guess == np.arange(len(grays))[:, None]).mean(0)  # (N,)
    confusion = {
        made: {f: float((row == k).mean()) for k, f in enumerate(grays)}
        for made, row in zip(grays, guess, strict=True)
    }
    right = [float(each.mean()), *scene_interval(each, guess.size)]
    return {"n": guess.shape[1], "right": right, "chance": 1 / len(grays), "confusion": confusion}
