"""What the samplers share: their state, checks, and the step from one sigma to the next."""

import math
from dataclasses import dataclass

import torch

from ..constraint import Observation
from ..domain import Domain
from ..errors import JGMError
from ..fusion import check_beta
from ..operators import check_boundary


@dataclass
class State:
    """Where a sampler stands."""

    X: torch.Tensor  # (B,C,H,W) the noisy state, RGB layout
    x: torch.Tensor  # (B,3,H,W) the colour picture as it would be shown now
    sigma: float
    step: int
    nfe: int  # network evaluations so far, a batch counted once
    residual: float  # RMS |F x - y| of x


def state(X, x, seen: Observation, sigma, step, nfe) -> State:
    return State(X, x, sigma, step, nfe, seen.residual(x))


def check_finite(X, x, **where) -> None:
    if not bool(torch.isfinite(X).all() and torch.isfinite(x).all()):
        text = ", ".join(f"{k}={v}" for k, v in where.items())
        raise JGMError(f"the sampler diverged ({text}); take a smaller epsilon or lambda")


def check_bounded(error, reach, **where) -> None:
    """Raise JGMError if F X - Y is larger (RMS) than any stable chain makes it. The projection at
    the end, or a fusion before, would hide that."""
    size = float(error.square().mean().sqrt())
    if size > reach:  # infinite and nan are the next check's
        text = ", ".join(f"{k}={v}" for k, v in where.items())
        raise JGMError(
            f"the sampler diverged ({text}): RMS |F X - Y| = {size:.3g} before the projection, at "
            f"most {reach:.3g} if its steps were stable; take a smaller epsilon or lambda"
        )


def seen_by(model, seen: Observation, settings) -> Observation:
    """The photograph in the model's domain, with the edge rule of the settings, which are checked."""
    check_beta(settings.beta)
    check_boundary(settings.boundary)
    return seen.within(model.domain.at(settings.boundary))


def fused(X, domain: Domain, beta) -> torch.Tensor:
    """The state of its own fused picture: its gradients are that picture's."""
    return domain.tensor(domain.picture(X, beta))


def step_to(denoised_raw, target, X, sigma, sigma_next, eta, noise):
    """From sigma to sigma_next: target + sqrt(sigma_next^2 - up^2) eps + up z, where eps is the
    noise the network saw and up = eta sigma_next sqrt(1 - sigma_next^2/sigma^2) is fresh."""
    if sigma_next == 0:
        return target
    up = eta * sigma_next * math.sqrt(1 - (sigma_next / sigma) ** 2)
    eps = (X - denoised_raw) / sigma
    out = target + math.sqrt(sigma_next**2 - up**2) * eps
    return out + up * noise.normal(X) if up else out
