"""Algorithm 1 of the paper: annealed Langevin dynamics under the grey constraint."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

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
from ..ladder import check_consistent, fresh_noise, share_of
from ..noise import check_stability, sigma_ladder, step_sizes
from .common import State, check_bounded, check_finite, check_fusion, fused, state

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
    consistent=False,
    final_denoise=False,
) -> Iterator[State]:
    """Algorithm 1: annealed Langevin dynamics with the data-consistency term of Eq 12 and 13.

    X <- X + alpha_i/2 [s(X, sigma_i) - lam F^+(F X - Y)/sigma_i^2] + sqrt(alpha_i) z, T times on
    each of L levels; ``lam`` 1 is the flat-prior posterior weight, ``lam_grad`` another one for the
    two gradient groups (0: JGM without gradient consistency, Section V.B). ``feedback``: "none" nine free
    chains, fused at the output (the authors' code does so before the last noise, and clips); "level" re-stack every step, fuse once a level
    (Algorithm 1); "step" fuse and re-stack every step (text of III.C); "renoise" as "none" within
    a level, then fuse the denoised estimate, join and add fresh noise. ``epsilon`` is twice the
    code's step (LSUN 2.7e-6, COCO 1.557e-5). ``consistent``: the steps of ``consistent_step`` on L T
    levels instead, from noise sigma_1 about the grey picture; "level" and "step" then fuse the
    estimate. ``final_denoise``: the last step returns the denoised picture. L T evaluations,
    "renoise" L - 1 more. Raises JGMError for bad settings or a step or state that diverges.
    """
    pull = (lam, lam if lam_grad is None else lam_grad)
    _check_langevin(sigma_1, sigma_L, L, T, epsilon, pull, feedback)
    check_fusion(beta, boundary)
    sigmas = langevin_levels(sigma_1, sigma_L, L, T, epsilon, pull, consistent)
    rule = _Rule(model, known_luma(y, model, boundary), f, noise, pull, beta, boundary)
    X = rule.start(y, sigmas[0]) if consistent else rule.uniform(y)
    stacked, nfe = feedback in ("level", "step") and not consistent, 0
    alphas = step_sizes(sigmas, epsilon)
    reach = farthest(sigma_1, alphas)
    for k, (sigma, alpha) in enumerate(zip(sigmas, alphas, strict=True)):
        where = dict(level=k // T + 1, step=k % T + 1, sigma=f"{sigma:.4g}")
        where |= dict(epsilon=epsilon, lam=pull)
        level_ends, run_ends = (k + 1) % T == 0, k + 1 == len(sigmas)
        fuse_now = feedback == "step" or (feedback == "level" and level_ends)
        renoise = feedback == "renoise" and level_ends and not run_ends
        after = sigma if renoise or run_ends else sigmas[k + 1]
        if stacked and model.channels == 9:
            X = join(X[:, :3], model.gradient_scale, boundary)
        if final_denoise and run_ends:
            X = project(model.denoise(X, sigma), rule.Y, f)
        elif consistent:
            X = rule.consistent(X, sigma, after, share_of(epsilon, sigma_L), fuse_now)
        else:
            X = langevin_step(model, X, rule.Y, f, sigma, alpha, pull, noise)
        check_bounded(gray_groups(X, f) - rule.Y, reach, **where)
        nfe += 1
        if stacked and fuse_now:
            X = torch.cat([to_picture(X, model, beta, boundary), X[:, 3:]], dim=1)
        if renoise:
            X, nfe = rule.renoise(X, sigma, sigmas[k + 1]), nfe + 1
        x = X[:, :3] if stacked else to_picture(X, model, beta, boundary)
        check_finite(X, x, **where)
        yield state(X, finish(x, y, f) if run_ends else x, y, f, sigma, k + 1, nfe)


@dataclass
class _Rule:
    """What does not change during a run, and the moves of Algorithm 1 other than Eq 12."""

    model: object
    Y: torch.Tensor  # (B,G,H,W), the known luma of every group
    f: torch.Tensor  # (3,)
    noise: object
    pull: tuple
    beta: float
    boundary: str

    def uniform(self, y):
        """The authors' start: uniform in [-1,1]."""
        return 2 * self.noise.uniform(y.expand(-1, self.model.channels, -1, -1)) - 1

    def start(self, y, sigma):
        """The grey picture under noise sigma, as the first level expects it."""
        z = self.noise.normal(y.expand(-1, self.model.channels, -1, -1))
        return lift_groups(self.Y, self.f) + sigma * z

    def consistent(self, X, sigma, after, share, fuse):
        def estimate(X, sigma):
            clean = project(self.model.denoise(X, sigma), self.Y, self.f)
            return fused(clean, self.model, self.beta, self.boundary) if fuse else clean

        return consistent_step(
            estimate, X, self.Y, self.f, sigma, after, share, self.pull, self.noise
        )

    def renoise(self, X, sigma, after):
        clean = project(self.model.denoise(X, sigma), self.Y, self.f)
        clean = fused(clean, self.model, self.beta, self.boundary)
        return clean + after * self.noise.normal(clean)


def langevin_levels(sigma_1, sigma_L, L, T, epsilon, pull, consistent) -> list[float]:
    """The noise level of every step, L T of them: each of L levels T times, or, ``consistent``, a
    new one each step. Raises JGMError for a consistent step too short or too long for them."""
    if not consistent:
        return [s for s in sigma_ladder(sigma_1, sigma_L, L) for _ in range(T)]
    sigmas = sigma_ladder(sigma_1, sigma_L, L * T)
    for lam in pull:
        check_consistent(share_of(epsilon, sigma_L), lam, sigmas[0] / sigmas[min(1, L * T - 1)])
    return sigmas


def farthest(sigma_1, alphas) -> float:
    """RMS |F X - Y| that no chain comes to unless its steps make errors larger, intensity.

    The start is at most 2 from the photograph, or sigma_1 in noise. If a step makes no error larger,
    variances add: 4 + sigma_1^2 and alpha for every step, as if nothing pulled at all. Ten times the
    deviation leaves room for a prior whose mean is off, for few pixels, and for joined gradients.
    """
    return 10 * math.sqrt(4 + sigma_1**2 + sum(alphas))


def _check_langevin(sigma_1, sigma_L, L, T, epsilon, pull, feedback):
    if feedback not in FEEDBACK:
        raise JGMError(f"feedback={feedback!r} is unknown; choose {', '.join(FEEDBACK)}")
    sigma_ladder(sigma_1, sigma_L, L)  # raises for levels that are none
    if T < 1:
        raise JGMError(f"T={T}: need at least 1 step a level")
    if not epsilon >= 0 or not all(w >= 0 for w in pull):
        raise JGMError(f"epsilon={epsilon}, lambda={pull[0]}, on gradients {pull[1]}: need >= 0")
    check_stability(epsilon, sigma_L, max(pull))


def _weights(pull, X):
    """lambda of every channel (C,1,1): the first of ``pull`` for intensity, the last for the rest."""
    weights = torch.as_tensor(pull, dtype=X.dtype, device=X.device).flatten()
    lam = X.new_full((X.shape[1], 1, 1), float(weights[-1]))
    lam[:3] = weights[0]
    return lam


def consistent_step(estimate, X, Y, f, sigma, sigma_next, share, pull, noise):
    """Eq 12 with the noise that leaves exactly sigma_next (arXiv 2009.05475, with a photograph).

    ``estimate``(X, sigma) -> the denoised X, Y put in. The drift of Eq 12 goes ``share`` h of the way
    there and keeps 1 - h of the noise in chroma, 1 - h (1 + lam) in luma; the fresh noise makes up
    the rest of sigma_next^2 in each. X (B,C,H,W), Y (B,G,H,W), ``pull`` as in ``langevin_step``.
    """
    lam = _weights(pull, X)
    z = noise.normal(X)
    z_luma = lift_groups(gray_groups(z, f), f)
    error = lift_groups(gray_groups(X, f) - Y, f)
    chroma = fresh_noise(1 - share, sigma, sigma_next)
    luma = (sigma_next**2 - ((1 - share * (1 + lam)) * sigma) ** 2).clamp(min=0).sqrt()
    drift = share * (estimate(X, sigma) - X - lam * error)
    return X + drift + chroma * (z - z_luma) + luma * z_luma


def langevin_step(model, X, Y, f, sigma, alpha, pull, noise):
    """One step of Eq 12 at fixed sigma: the score, the consistency term of Eq 13, fresh noise.

    ``pull``: lambda of the intensity group and of the gradient groups, or one number for all.
    """
    score = (model.denoise(X, sigma) - X) / sigma**2
    consistency = lift_groups(gray_groups(X, f) - Y, f) / sigma**2
    lam = _weights(pull, X)
    return X + alpha / 2 * (score - lam * consistency) + math.sqrt(alpha) * noise.normal(X)
