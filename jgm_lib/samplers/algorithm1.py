"""Algorithm 1 of the paper: annealed Langevin dynamics under the grey constraint."""

import math
from collections.abc import Iterator

import torch

from ..constraint import (
    finish,
    gray_groups,
    known_luma,
    lift_groups,
    project,
    to_picture,
)
from ..errors import JGMError
from ..joint import join
from ..noise import check_stability, sigma_ladder, step_sizes
from .common import State, check_finite, check_fusion, fused, state

FEEDBACK = ("none", "level", "step", "renoise")


def langevin(
    model,
    y,
    f,
    noise,
    *,
    sigma_1=1.0,
    sigma_L=0.01,
    L=10,
    T=100,
    epsilon=5.4e-6,
    lam=1.0,
    lam_grad=None,
    beta=5.9,
    feedback="level",
    boundary="neumann",
) -> Iterator[State]:
    """Algorithm 1: annealed Langevin dynamics with the data-consistency term of Eq 12 and 13.

    X <- X + alpha_i/2 [s(X, sigma_i) - lam F^+(F X - Y)/sigma_i^2] + sqrt(alpha_i) z, T times on
    each of L levels; ``lam`` 1 is the flat-prior posterior weight, ``lam_grad`` another one for the
    two gradient groups (0: JGM without gradient consistency, Section V.B). ``feedback``: "none" nine free
    chains, fused at the output (the authors' code does so before the last noise, and clips); "level" re-stack every step, fuse once a level
    (Algorithm 1); "step" fuse and re-stack every step (text of III.C); "renoise" as "none" within
    a level, then fuse the denoised estimate, join and add fresh noise. ``epsilon`` is twice the
    code's step (LSUN 2.7e-6, COCO 1.557e-5). L T evaluations, "renoise" L - 1 more. Raises
    JGMError for bad settings, a step that would diverge, or a state that did.
    """
    pull = (lam, lam if lam_grad is None else lam_grad)
    sigmas = _check_langevin(model, sigma_1, sigma_L, L, T, epsilon, pull, feedback)
    check_fusion(beta, boundary)
    Y = known_luma(y, model, boundary)
    shape = y.expand(-1, model.channels, -1, -1)
    stacked = feedback in ("level", "step")
    X = 2 * noise.uniform(shape) - 1
    step = nfe = 0
    for i, (sigma, alpha) in enumerate(zip(sigmas, step_sizes(sigmas, epsilon), strict=True)):
        for t in range(T):
            if stacked and model.channels == 9:
                X = join(X[:, :3], model.gradient_scale, boundary)
            X = langevin_step(model, X, Y, f, sigma, alpha, pull, noise)
            step, nfe = step + 1, nfe + 1
            level_ends, run_ends = t == T - 1, t == T - 1 and i == L - 1
            if feedback == "step" or (feedback == "level" and level_ends):
                X = torch.cat([to_picture(X, model, beta, boundary), X[:, 3:]], dim=1)
            if feedback == "renoise" and level_ends and not run_ends:
                X = _renoise(model, X, Y, f, sigma, sigmas[i + 1], beta, boundary, noise)
                nfe += 1
            x = X[:, :3] if stacked else to_picture(X, model, beta, boundary)
            check_finite(
                X, x, level=i + 1, step=t + 1, sigma=f"{sigma:.4g}", epsilon=epsilon, lam=pull
            )
            yield state(X, finish(x, y, f) if run_ends else x, y, f, sigma, step, nfe)


def _check_langevin(model, sigma_1, sigma_L, L, T, epsilon, pull, feedback):
    if feedback not in FEEDBACK:
        raise JGMError(f"feedback={feedback!r} is unknown; choose {', '.join(FEEDBACK)}")
    if T < 1:
        raise JGMError(f"T={T}: need at least 1 step a level")
    if not epsilon >= 0 or not all(w >= 0 for w in pull):
        raise JGMError(f"epsilon={epsilon}, lambda={pull[0]}, on gradients {pull[1]}: need >= 0")
    sigmas = sigma_ladder(sigma_1, sigma_L, L)
    restack = feedback in ("level", "step") or model.channels == 3
    check_stability(epsilon, sigma_L, max(pull), restack)
    return sigmas


def langevin_step(model, X, Y, f, sigma, alpha, pull, noise):
    """One step of Eq 12 at fixed sigma: the score, the consistency term of Eq 13, fresh noise.

    ``pull``: lambda of the intensity group and of the gradient groups, or one number for all.
    """
    score = (model.denoise(X, sigma) - X) / sigma**2
    consistency = lift_groups(gray_groups(X, f) - Y, f) / sigma**2
    weights = torch.as_tensor(pull, dtype=X.dtype, device=X.device).flatten()
    lam = X.new_full((X.shape[1], 1, 1), float(weights[-1]))
    lam[:3] = weights[0]
    return X + alpha / 2 * (score - lam * consistency) + math.sqrt(alpha) * noise.normal(X)


def _renoise(model, X, Y, f, sigma, sigma_next, beta, boundary, noise):
    clean = fused(project(model.denoise(X, sigma), Y, f), model, beta, boundary)
    return clean + sigma_next * noise.normal(clean)
