"""Fewer evaluations on the same weights: the known part put in exactly at every step."""

import math
from collections.abc import Iterator

from ..constraint import finish, known_luma, lift_groups, project
from ..errors import JGMError
from ..noise import karras_sigmas
from .common import State, check_finite, check_fusion, check_ratio, fused, state, step_to


def _clean_estimate(model, X, Y, f, sigma, beta, boundary):
    """The denoised state and the same with the known part put in (and fused, if beta > 0)."""
    raw = model.denoise(X, sigma)
    target = project(raw, Y, f)
    return raw, fused(target, model, beta, boundary) if beta else target


def nullspace(
    model,
    y,
    f,
    noise,
    *,
    steps=50,
    sigma_max=10.0,
    sigma_min=0.01,
    rho=7.0,
    eta=1.0,
    beta=0.0,
    boundary="neumann",
) -> Iterator[State]:
    """Denoise, put the known grey part in exactly, step to the next sigma; ``steps`` evaluations.

    DDNM (Wang et al. 2022) and DDRM are this rule with other luma noise. ``eta`` 0 is the
    probability-flow ODE, 1 ancestral. ``beta`` > 0 fuses the estimate by Eq 14 in every step.
    """
    yield from predictor_corrector(
        model,
        y,
        f,
        noise,
        steps=steps,
        sigma_max=sigma_max,
        sigma_min=sigma_min,
        rho=rho,
        eta=eta,
        beta=beta,
        boundary=boundary,
        corrections=0,
    )


def predictor_corrector(
    model,
    y,
    f,
    noise,
    *,
    steps=25,
    corrections=1,
    delta=0.1,
    sigma_max=10.0,
    sigma_min=0.01,
    rho=7.0,
    eta=1.0,
    beta=0.0,
    boundary="neumann",
) -> Iterator[State]:
    """``nullspace`` with ``corrections`` Langevin steps of size delta sigma^2 at every level
    (Song et al. 2021, Algorithm 2, with the known part put in); steps (1 + corrections)
    evaluations. Raises JGMError for delta outside [0, 4) or eta outside [0, 1]."""
    check_ratio(eta=(eta, 1), delta=(delta, 3.99))
    check_fusion(beta, boundary)
    if corrections < 0:
        raise JGMError(f"corrections={corrections}: need at least 0")
    Y = known_luma(y, model, boundary)
    sigmas = karras_sigmas(steps, sigma_max, sigma_min, rho)
    X = sigmas[0] * noise.normal(y.expand(-1, model.channels, -1, -1)) + lift_groups(Y, f)
    nfe = 0
    for i, (sigma, sigma_next) in enumerate(zip(sigmas, sigmas[1:], strict=False)):
        for _ in range(corrections):
            target = _clean_estimate(model, X, Y, f, sigma, beta, boundary)[1]
            X = X + delta / 2 * (target - X) + math.sqrt(delta) * sigma * noise.normal(X)
        raw, target = _clean_estimate(model, X, Y, f, sigma, beta, boundary)
        X = step_to(raw, target, X, sigma, sigma_next, eta, noise)
        nfe += 1 + corrections
        check_finite(X, target, step=i + 1, sigma=f"{sigma:.4g}")
        yield state(X, finish(target[:, :3], y, f), y, f, sigma, i + 1, nfe)
