"""Samplers: one function an algorithm, each a generator of states.

All take ``model`` (anything with ``denoise(X, sigma, sigma_y=None)``, ``channels`` 9 or 3 and
``gradient_scale``), the grey picture ``y`` (B,1,H,W) in [0,1], the graying weights ``f`` (3,) and
``noise`` (``SeededNoise`` with one seed a batch row). They yield a ``State`` after each step; the
last one's picture is projected onto F x = y and fitted into [0,1]. Stop by not asking for the next
state. Call them inside ``torch.no_grad()``. Bad settings raise JGMError before the first step.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from .constraint import (
    finish,
    fit_gamut,
    gray_groups,
    known_luma,
    lift_groups,
    project,
    residual,
    to_picture,
)
from .errors import JGMError
from .fusion import check_beta
from .joint import join
from .noise import check_stability, karras_sigmas, sigma_ladder, step_sizes
from .operators import check_boundary, from_basis, to_basis

__all__ = ["FEEDBACK", "SAMPLERS", "State", "finish", "fit_gamut", "gray_groups", "known_luma",
           "langevin", "langevin_step", "lift_groups", "nullspace", "predictor_corrector",
           "project", "split", "step_to", "to_picture"]

SOLVERS = ("ancestral", "multistep", "heun")
FEEDBACK = ("none", "level", "step", "renoise")


@dataclass
class State:
    """Where a sampler stands."""

    X: torch.Tensor  # (B,C,H,W) the noisy state, RGB layout
    x: torch.Tensor  # (B,3,H,W) the colour picture as it would be shown now
    sigma: float
    step: int
    nfe: int  # network evaluations so far, a batch counted once
    residual: float  # RMS |F x - y| of x


def _state(X, x, y, f, sigma, step, nfe) -> State:
    return State(X, x, sigma, step, nfe, residual(x, y, f))


def _check_finite(X, x, **where) -> None:
    if not bool(torch.isfinite(X).all() and torch.isfinite(x).all()):
        text = ", ".join(f"{k}={v}" for k, v in where.items())
        raise JGMError(f"the sampler diverged ({text}); take a smaller epsilon or lambda")


# -- Algorithm 1 -------------------------------------------------------------------------------


def langevin(model, y, f, noise, *, sigma_1=1.0, sigma_L=0.01, L=10, T=100, epsilon=5.4e-6,
             lam=1.0, beta=5.9, feedback="level", boundary="neumann") -> Iterator[State]:
    """Algorithm 1: annealed Langevin dynamics with the data-consistency term of Eq 12 and 13.

    X <- X + alpha_i/2 [s(X, sigma_i) - lam F^+(F X - Y)/sigma_i^2] + sqrt(alpha_i) z, T times on
    each of L levels; ``lam`` 1 is the flat-prior posterior weight. ``feedback``: "none" nine free
    chains, fused at the output (authors' code); "level" re-stack every step, fuse once a level
    (Algorithm 1); "step" fuse and re-stack every step (text of III.C); "renoise" as "none" within
    a level, then fuse the denoised estimate, join and add fresh noise. ``epsilon`` is twice the
    code's step (LSUN 2.7e-6, COCO 1.557e-5). L T evaluations, "renoise" L - 1 more. Raises
    JGMError for bad settings, a step that would diverge, or a state that did.
    """
    sigmas = _check_langevin(model, sigma_1, sigma_L, L, T, epsilon, lam, feedback)
    _check_fusion(beta, boundary)
    Y = known_luma(y, model, boundary)
    shape = y.expand(-1, model.channels, -1, -1)
    stacked = feedback in ("level", "step")
    X = 2 * noise.uniform(shape) - 1
    step = nfe = 0
    for i, (sigma, alpha) in enumerate(zip(sigmas, step_sizes(sigmas, epsilon), strict=True)):
        for t in range(T):
            if stacked and model.channels == 9:
                X = join(X[:, :3], model.gradient_scale, boundary)
            X = langevin_step(model, X, Y, f, sigma, alpha, lam, noise)
            step, nfe = step + 1, nfe + 1
            level_ends, run_ends = t == T - 1, t == T - 1 and i == L - 1
            if feedback == "step" or (feedback == "level" and level_ends):
                X = torch.cat([to_picture(X, model, beta, boundary), X[:, 3:]], dim=1)
            if feedback == "renoise" and level_ends and not run_ends:
                X = _renoise(model, X, Y, f, sigma, sigmas[i + 1], beta, boundary, noise)
                nfe += 1
            x = X[:, :3] if stacked else to_picture(X, model, beta, boundary)
            _check_finite(X, x, level=i + 1, step=t + 1, sigma=f"{sigma:.4g}", epsilon=epsilon,
                          lam=lam)
            yield _state(X, finish(x, y, f) if run_ends else x, y, f, sigma, step, nfe)


def _check_langevin(model, sigma_1, sigma_L, L, T, epsilon, lam, feedback):
    if feedback not in FEEDBACK:
        raise JGMError(f"feedback={feedback!r} is unknown; choose {', '.join(FEEDBACK)}")
    if T < 1:
        raise JGMError(f"T={T}: need at least 1 step a level")
    if not epsilon >= 0 or not lam >= 0:
        raise JGMError(f"epsilon={epsilon}, lambda={lam}: need both >= 0")
    sigmas = sigma_ladder(sigma_1, sigma_L, L)
    restack = feedback in ("level", "step") or model.channels == 3
    check_stability(epsilon, sigma_L, lam, restack)
    return sigmas


def _check_fusion(beta, boundary):
    check_beta(beta)
    check_boundary(boundary)


def langevin_step(model, X, Y, f, sigma, alpha, lam, noise):
    """One step of Eq 12 at fixed sigma: the score, the consistency term of Eq 13, fresh noise."""
    score = (model.denoise(X, sigma) - X) / sigma**2
    consistency = lift_groups(gray_groups(X, f) - Y, f) / sigma**2
    return X + alpha / 2 * (score - lam * consistency) + math.sqrt(alpha) * noise.normal(X)


def _fused(X, model, beta, boundary):
    """The state whose gradients are those of its own fused picture; three channels have none."""
    if model.channels == 3:
        return X
    return join(to_picture(X, model, beta, boundary), model.gradient_scale, boundary)


def _renoise(model, X, Y, f, sigma, sigma_next, beta, boundary, noise):
    clean = _fused(project(model.denoise(X, sigma), Y, f), model, beta, boundary)
    return clean + sigma_next * noise.normal(clean)


# -- fewer evaluations on the same weights -----------------------------------------------------


def step_to(denoised_raw, target, X, sigma, sigma_next, eta, noise):
    """From sigma to sigma_next: target + sqrt(sigma_next^2 - up^2) eps + up z, where eps is the
    noise the network saw and up = eta sigma_next sqrt(1 - sigma_next^2/sigma^2) is fresh."""
    if sigma_next == 0:
        return target
    up = eta * sigma_next * math.sqrt(1 - (sigma_next / sigma) ** 2)
    eps = (X - denoised_raw) / sigma
    out = target + math.sqrt(sigma_next**2 - up**2) * eps
    return out + up * noise.normal(X) if up else out


def _clean_estimate(model, X, Y, f, sigma, beta, boundary):
    """The denoised state and the same with the known part put in (and fused, if beta > 0)."""
    raw = model.denoise(X, sigma)
    target = project(raw, Y, f)
    return raw, _fused(target, model, beta, boundary) if beta else target


def nullspace(model, y, f, noise, *, steps=50, sigma_max=10.0, sigma_min=0.01, rho=7.0, eta=1.0,
              beta=0.0, boundary="neumann") -> Iterator[State]:
    """Denoise, put the known grey part in exactly, step to the next sigma; ``steps`` evaluations.

    DDNM (Wang et al. 2022) and DDRM are this rule with other luma noise. ``eta`` 0 is the
    probability-flow ODE, 1 ancestral. ``beta`` > 0 fuses the estimate by Eq 14 in every step.
    """
    yield from predictor_corrector(model, y, f, noise, steps=steps, sigma_max=sigma_max,
                                   sigma_min=sigma_min, rho=rho, eta=eta, beta=beta,
                                   boundary=boundary, corrections=0)


def predictor_corrector(model, y, f, noise, *, steps=25, corrections=1, delta=0.1, sigma_max=10.0,
                        sigma_min=0.01, rho=7.0, eta=1.0, beta=0.0,
                        boundary="neumann") -> Iterator[State]:
    """``nullspace`` with ``corrections`` Langevin steps of size delta sigma^2 at every level
    (Song et al. 2021, Algorithm 2, with the known part put in); steps (1 + corrections)
    evaluations. Raises JGMError for delta outside [0, 4) or eta outside [0, 1]."""
    _check_ratio(eta=(eta, 1), delta=(delta, 3.99))
    _check_fusion(beta, boundary)
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
        _check_finite(X, target, step=i + 1, sigma=f"{sigma:.4g}")
        yield _state(X, finish(target[:, :3], y, f), y, f, sigma, i + 1, nfe)


def _check_ratio(**values) -> None:
    for name, (value, top) in values.items():
        if not 0 <= value <= top:
            raise JGMError(f"{name}={value}: need a number from 0 to {top:g}")


# -- split noise levels ------------------------------------------------------------------------


class _Conditional:
    """The chroma denoiser of p(colour | grey): luma channels clean, chroma channels at sigma."""

    def __init__(self, model, Y, f, sigma_y):
        self.model, self.Y, self.f, self.sigma_y = model, Y, f, sigma_y
        self.chroma = [c for c in range(model.channels) if c % 3]

    def state(self, V, clean):
        """Chroma V (B,2G,H,W) and the clean chroma estimate -> X (B,3G,H,W), RGB layout.

        The mean of a colour is its grey minus the weights' share of its chroma; for equal
        weights that share is zero. For other F this is approximate (the network knew one F).
        """
        B, _, H, W = V.shape
        U = V.new_zeros(B, self.model.channels, H, W)
        U[:, self.chroma] = clean
        mean = self.Y - gray_groups(from_basis(U), self.f)  # (B,G,H,W)
        U[:, self.chroma] = V
        U[:, 0::3] = math.sqrt(3) * mean
        return from_basis(U)

    def __call__(self, V, sigma, clean):
        """E[chroma | chroma + sigma z, grey]; ``clean`` is the last estimate, for the mean."""
        X = self.state(V, clean)
        return to_basis(self.model.denoise(X, sigma, self.sigma_y))[:, self.chroma]


def split(model, y, f, noise, *, steps=20, solver="ancestral", eta=1.0, sigma_max=10.0,
          sigma_min=0.01, rho=7.0, sigma_y=0.002, beta=0.0, boundary="neumann") -> Iterator[State]:
    """Anneal the chroma noise alone, the luma channels clean: draws from p(colour | grey).

    Two noise speeds after Batzolis et al. 2021 (arXiv 2111.13606). ``solver``: "ancestral" (one
    evaluation a step; ``eta`` 1 fresh noise, 0 Euler on the ODE); "multistep" the same with the
    estimate extrapolated from the last two (DPM-Solver++ 2M, Lu et al. 2022), which keeps more
    variance at few steps; "heun" (probability-flow ODE, two evaluations a step but one in the
    last). ``beta`` > 0 fuses the output by Eq 14. Exact for the F of the training set; others are
    approximate before the final projection.
    """
    if solver not in SOLVERS:
        raise JGMError(f"solver={solver!r} is unknown; choose {', '.join(SOLVERS)}")
    _check_ratio(eta=(eta, 1))
    _check_fusion(beta, boundary)
    if not 0 < sigma_y < math.inf:
        raise JGMError(f"sigma_y={sigma_y}: need a finite number > 0")
    D = _Conditional(model, known_luma(y, model, boundary), f, sigma_y)
    sigmas = karras_sigmas(steps, sigma_max, sigma_min, rho)
    V = sigmas[0] * noise.normal(y.expand(-1, len(D.chroma), -1, -1))
    clean, nfe = torch.zeros_like(V), 0
    for i, (sigma, sigma_next) in enumerate(zip(sigmas, sigmas[1:], strict=False)):
        last, clean, nfe = clean, D(V, sigma, clean), nfe + 1
        if solver == "heun":
            V, used = _heun_step(D, V, clean, sigma, sigma_next)
            nfe += used
        else:
            ahead = clean
            if solver == "multistep" and i and sigma_next:
                ahead = _extrapolate(clean, last, sigmas[i - 1], sigma, sigma_next)
            V = step_to(ahead, ahead, V, sigma, sigma_next, eta, noise)
        x = to_picture(D.state(clean, clean), model, beta, boundary)
        _check_finite(V, x, step=i + 1, sigma=f"{sigma:.4g}")
        yield _state(D.state(V, clean), finish(x, y, f), y, f, sigma, i + 1, nfe)


def _extrapolate(clean, last, sigma_last, sigma, sigma_next):
    """The estimate amid the coming step, on a line in ln sigma through the last two estimates."""
    coming, past = math.log(sigma / sigma_next), math.log(sigma_last / sigma)
    return clean + coming / (2 * past) * (clean - last)


def _heun_step(D, V, clean, sigma, sigma_next):
    """One Heun step of dV/dsigma = (V - D)/sigma (Karras et al. 2022, Algorithm 1)."""
    slope = (V - clean) / sigma
    ahead = V + (sigma_next - sigma) * slope
    if sigma_next == 0:
        return ahead, 0
    slope_ahead = (ahead - D(ahead, sigma_next, clean)) / sigma_next
    return V + (sigma_next - sigma) * (slope + slope_ahead) / 2, 1


SAMPLERS = {"split": split, "nullspace": nullspace, "langevin": langevin,
            "predictor_corrector": predictor_corrector}
