"""Denoising losses: Eq 2 and 6 for a laboratory rat, Eq 7/9 over levels, and split noise.

All draw their noise from an explicit generator and return a scalar tensor.
"""

import math

import torch

from .joint import join
from .networks.unet import channel_sigmas
from .operators import to_basis


def gaussian(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Standard normal noise of the shape, device and type of ``like``, drawn on the CPU."""
    z = torch.randn(like.shape, generator=generator, dtype=like.dtype)
    return z.to(like.device)


def dae_loss(denoise, x: torch.Tensor, sigma: float, generator) -> torch.Tensor:
    """Eq 2: E |A(x + sigma z) - x|^2, summed over the last dimensions, mean over the batch."""
    noisy = x + sigma * gaussian(x, generator)
    return (denoise(noisy, sigma) - x).square().flatten(1).sum(1).mean()


def dsm_loss(score, x: torch.Tensor, sigma: float, generator) -> torch.Tensor:
    """Eq 6, last line: 1/2 E |s(x~, sigma) + (x~ - x)/sigma^2|^2, mean over the batch."""
    z = gaussian(x, generator)
    residual = score(x + sigma * z, sigma) + z / sigma
    return 0.5 * residual.square().flatten(1).sum(1).mean()


def dsm_levels_loss(score, x: torch.Tensor, sigmas, generator, weight=lambda s: s**2):
    """Eq 7 and 9: the mean over all levels of weight(sigma_i) times Eq 6; default sigma^2."""
    terms = [weight(s) * dsm_loss(score, x, s, generator) for s in sigmas]
    return torch.stack(terms).mean()


def model_tensor(model, x: torch.Tensor) -> torch.Tensor:
    """The channels a network works on: 9 = [x, grad x], 6 = grad x, 3 = x; from x (B,3,H,W)."""
    if model.channels == 3:
        return x
    X = join(x, model.gradient_scale)
    return X if model.channels == 9 else X[:, 3:]


def random_level_loss(model, x, generator) -> torch.Tensor:
    """Eq 9 with lambda = sigma^2 by one random level a picture, for discrete-level networks.

    ``model(X, index)`` gives the score at level ``index`` (B,) of ``model.sigmas``.
    Mean over channels and pixels instead of the sum, so that the value does not grow with size.
    """
    X = model_tensor(model, x)
    index = torch.randint(len(model.sigmas), (len(X),), generator=generator).to(X.device)
    sigma = torch.as_tensor(model.sigmas, dtype=X.dtype, device=X.device)[index]
    s = sigma.view(-1, 1, 1, 1)
    z = gaussian(X, generator)
    return 0.5 * (s * model(X + s * z, index) + z).square().mean()


def draw_sigmas(
    n, generator, *, isotropic=0.35, p_mean=-1.8, p_std=1.6, sigma_y=0.002, clip=(0.002, 20.0)
):
    """Noise levels of a batch, each (n,): sigma_c log-normal and clipped; sigma_y equal to it
    for a share ``isotropic`` of the pictures (the paper's case) and nearly zero for the rest.
    """
    log_sigma = p_mean + p_std * torch.randn(n, generator=generator)
    sigma = log_sigma.exp().clamp(*clip)
    same = torch.rand(n, generator=generator) < isotropic
    return sigma, torch.where(same, sigma, torch.full_like(sigma, sigma_y))


def preconditioned_loss(model, X, sigma, sigma_y, generator) -> torch.Tensor:
    """(s^2 + d^2)/(s d)^2 |D - X|^2 per channel of the rotated basis, mean over what is counted.

    Equal to Eq 9 with lambda_c = 2 s^2 (s^2 + d_c^2)/d_c^2 and sigma from a density. Where
    sigma_y < sigma the luma channels are a clean condition, so their loss is left out.
    """
    U, d = to_basis(X), model.spread
    s = channel_sigmas(sigma, sigma_y, model.channels)  # (B,C,1,1)
    D = model(U + s * gaussian(U, generator), sigma, sigma_y)  # = denoise_basis
    weight = (s.square() + d.square()) / (s * d).square()
    counted = torch.ones_like(s)
    counted[sigma_y < sigma, 0::3] = 0
    error = (weight * counted * (D - U).square()).mean((2, 3))  # (B,C)
    return error.sum() / counted.sum()


def split_noise_loss(model, x, generator, **density) -> torch.Tensor:
    """One training loss of the preconditioned network on pictures x (B,3,H,W) in [0,1]."""
    sigma, sigma_y = draw_sigmas(len(x), generator, **density)
    X = model_tensor(model, x)
    return preconditioned_loss(model, X, sigma.to(X), sigma_y.to(X), generator)


def lambda_c(sigma: float, spread: float) -> float:
    """The weight of Eq 9 that preconditioning amounts to: 2 s^2 (s^2 + d^2)/d^2."""
    return 2 * sigma**2 * (sigma**2 + spread**2) / spread**2


def log_uniform_levels(n: int, sigma_max: float, sigma_min: float) -> list[float]:
    """n levels equally spaced in log sigma, largest first."""
    return torch.logspace(math.log10(sigma_max), math.log10(sigma_min), n).tolist()
