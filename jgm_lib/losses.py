"""Denoising losses: Eq 2 and 6 for a laboratory rat, Eq 7/9 over levels, and split noise.

All draw their noise from an explicit generator and return a scalar tensor.
"""

import math

import torch

from .domain import Domain
from .errors import JGMError
from .joint import channel_sigmas
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
    error = score(x + sigma * z, sigma) + z / sigma
    return 0.5 * error.square().flatten(1).sum(1).mean()


def dsm_levels_loss(score, x: torch.Tensor, sigmas, generator, weight=lambda s: s**2):
    """Eq 7 and 9: the mean over all levels of weight(sigma_i) times Eq 6; default sigma^2."""
    terms = [weight(s) * dsm_loss(score, x, s, generator) for s in sigmas]
    return torch.stack(terms).mean()


def random_level_loss(model, x, generator) -> torch.Tensor:
    """Eq 9 with lambda = sigma^2 by one random level a picture, for discrete-level networks.

    ``model(X, index)`` gives the score at level ``index`` (B,) of ``model.sigmas``.
    Mean over channels and pixels instead of the sum, so that the value does not grow with size.
    """
    X = model.domain.tensor(x)
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
    """``basis_loss`` of X (B,C,H,W) in the RGB layout."""
    return basis_loss(model, to_basis(X), sigma, sigma_y, generator)


def basis_loss(model, U, sigma, sigma_y, generator, *grey) -> torch.Tensor:
    """(s^2 + d^2)/(s d)^2 |D - U|^2 per channel of the rotated basis, mean over what is counted.

    Equal to Eq 9 with lambda_c = 2 s^2 (s^2 + d_c^2)/d_c^2 and sigma from a density. Where
    sigma_y < sigma the luma channels are a clean condition, so their loss is left out. ``grey``:
    the photographs, for a network with context.
    """
    d = model.spread
    s = channel_sigmas(sigma, sigma_y, model.channels)  # (B,C,1,1)
    D = model(U + s * gaussian(U, generator), sigma, sigma_y, *grey)  # = denoise_basis
    weight = (s.square() + d.square()) / (s * d).square()
    counted = torch.ones_like(s)
    counted[sigma_y < sigma, 0::3] = 0
    error = (weight * counted * (D - U).square()).mean((2, 3))  # (B,C)
    return error.sum() / counted.sum()


def split_noise_loss(model, x, generator, **density) -> torch.Tensor:
    """One training loss of the preconditioned network on pictures x (B,3,H,W) in [0,1]."""
    sigma, sigma_y = draw_sigmas(len(x), generator, **density)
    X = model.domain.tensor(x)
    return preconditioned_loss(model, X, sigma.to(X), sigma_y.to(X), generator)


def stratified_sigmas(
    n, draws, generator, *, isotropic=0.35, p_mean=-1.8, p_std=1.6, sigma_y=0.002, clip=(0.002, 20)
):
    """Noise levels as ``draw_sigmas`` has them, ``draws`` a picture, each (n*draws,): one from each
    of n*draws equally likely intervals of ln sigma, and n isotropic of the pictures (rounded down or
    up, right on average) isotropic, which takes chance out of a batch. Versions of a picture stand together."""
    places = (torch.randperm(n * draws, generator=generator) + _unit(n * draws, generator)) / (
        n * draws
    )
    normal = torch.special.ndtri(places.clamp(1e-6, 1 - 1e-6).double()).float()
    sigma = (p_mean + p_std * normal).exp().clamp(*clip)
    same = (torch.randperm(n, generator=generator) + _unit(1, generator)) / n < isotropic
    return sigma, torch.where(same.repeat_interleave(draws), sigma, sigma_y * torch.ones(()))


def _unit(n: int, generator) -> torch.Tensor:
    return torch.rand(n, generator=generator)


def halved(x: torch.Tensor) -> torch.Tensor:
    """(B,C,2H,2W) -> (B,C,H,W): the mean of four pixels."""
    return torch.nn.functional.avg_pool2d(x, 2)


def with_luma(U: torch.Tensor, y: torch.Tensor, domain: Domain) -> torch.Tensor:
    """U (B,C,h,w) in the rotated basis with what y (B,1,H,W) tells of it as the known luma."""
    U = U.clone()
    U[:, 0::3] = math.sqrt(3) * domain.known(y)  # (B,C/3,h,w)
    return U


def photograph_loss(model, x, generator, *, any_gray=0.0, aged=0.0, draws=1, **density):
    """A training loss on photographs x (B,3,2H,2W) in [0,1]: colours at half the side, and the
    photograph itself for a network with context.

    In split pictures the luma is what a photograph would show: under a random graying for a share
    ``any_gray`` of them, worn by age for a share ``aged`` (``data.aging``); isotropic pictures are
    as they are. ``draws`` noisy versions of each.
    """
    from .data.aging import photographed

    n = len(x)
    sigma, sigma_y = stratified_sigmas(n, draws, generator, **density)
    x, grey = photographed(x, generator, any_gray=any_gray, aged=aged)  # grey (B,1,2H,2W)
    U = to_basis(model.domain.tensor(halved(x)))
    known = with_luma(U, halved(grey), model.domain)
    split = (sigma_y < sigma).view(n, draws).any(1).view(-1, 1, 1, 1).to(x.device)
    U = torch.where(split, known, U).repeat_interleave(draws, 0)
    return basis_loss(model, U, sigma.to(U), sigma_y.to(U), generator, grey)


def lambda_c(sigma: float, spread: float) -> float:
    """The weight of Eq 9 that preconditioning amounts to: 2 s^2 (s^2 + d^2)/d^2."""
    return 2 * sigma**2 * (sigma**2 + spread**2) / spread**2


def log_uniform_levels(n: int, sigma_max: float, sigma_min: float) -> list[float]:
    """n levels equally spaced in log sigma, largest first."""
    return torch.logspace(math.log10(sigma_max), math.log10(sigma_min), n).tolist()


# -- what a training card asks: objective(model, card) -> loss(x, generator) ---------------------


def continuous_objective(model, card):
    """The loss of a network that takes any noise level: (x, generator) -> scalar.

    Raises JGMError for split noise in a domain whose luma is not one rotated channel a group.
    """
    if card.isotropic < 1 and not model.domain.rotates:
        raise JGMError(
            f"isotropic={card.isotropic}: domain {model.domain.name!r} has no luma channel to tell "
            "less noise; need 1.0"
        )
    density = dict(
        isotropic=card.isotropic,
        p_mean=card.p_mean,
        p_std=card.p_std,
        sigma_y=card.sigma_y,
        clip=(card.sigma_min, card.sigma_max),
    )
    if card.photographs:
        told = dict(any_gray=card.any_gray, aged=card.aged, draws=card.draws)
        return lambda x, g: photograph_loss(model, x, g, **told, **density)
    return lambda x, g: split_noise_loss(model, x, g, **density)


def level_objective(model, card):
    """The loss of a network with a list of noise levels, one of them a picture (Eq 9).

    Raises JGMError for a card that asks for photographs, which need split noise.
    """
    if card.photographs:
        raise JGMError(f"draws, any_gray, aged, context: not for network {card.network}")
    return lambda x, g: random_level_loss(model, x, g)
