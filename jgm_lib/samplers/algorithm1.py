"""Algorithm 1 of the paper: annealed Langevin dynamics under the grey constraint."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch

from ..constraint import (
    finish,
    gray_groups,
    known_luma,
    lift_groups,
    project,
    to_picture,
)
from ..joint import join
from ..ladder import fresh_noise
from ..noise import step_sizes
from ..settings import LangevinSettings
from .common import State, check_bounded, check_finite, check_fusion, fused, state


def langevin(model, y, f, noise, **settings) -> Iterator[State]:
    """Algorithm 1: annealed Langevin dynamics with the data-consistency term of Eq 12 and 13.

    X <- X + alpha_i/2 [s(X, sigma_i) - lam F^+(F X - Y)/sigma_i^2] + sqrt(alpha_i) z, T times on
    each of L levels. ``settings``: the fields of ``LangevinSettings``. ``lam_grad`` 0 is JGM without
    gradient consistency (Section V.B). ``feedback``: "none" nine free chains, fused at the output
    (the authors' code does so before the last noise, and clips); "level" re-stack every step, fuse
    once a level (Algorithm 1); "step" fuse and re-stack every step (text of III.C); "renoise" as
    "none" within a level, then fuse the denoised estimate, join and add fresh noise. ``consistent``:
    the steps of ``consistent_step`` on L T levels instead, from noise sigma_1 about the grey
    picture; "level" and "step" then fuse the estimate. L T evaluations, "renoise" L - 1 more. Raises
    JGMError for bad settings or a step or state that diverges.
    """
    s = LangevinSettings(**settings)
    check_fusion(s.beta, s.boundary)
    sigmas = s.sigmas()
    alphas = step_sizes(sigmas, s.epsilon)
    chain = _Chain(model, known_luma(y, model, s.boundary), f, noise, s, sigmas, alphas)
    reach, X = farthest(s.sigma_1, alphas), chain.start(y)
    for k, sigma in enumerate(sigmas):
        where = dict(level=k // s.T + 1, step=k % s.T + 1, sigma=f"{sigma:.4g}")
        where |= dict(epsilon=s.epsilon, lam=s.pull)
        X = chain.step(chain.restack(X), k)
        check_bounded(gray_groups(X, f) - chain.Y, reach, **where)
        X = chain.feed_back(X, k)
        x = X[:, :3] if chain.stacked else chain.fuse(X)
        check_finite(X, x, **where)
        shown = finish(x, y, f) if chain.ends(k) else x
        yield state(X, shown, y, f, sigma, k + 1, chain.evaluations(k))


def farthest(sigma_1, alphas) -> float:
    """RMS |F X - Y| that no chain comes to unless its steps make errors larger, intensity.

    The start is at most 2 from the photograph, or sigma_1 in noise. If a step makes no error larger,
    variances add: 4 + sigma_1^2 and alpha for every step, as if nothing pulled at all. Ten times the
    deviation leaves room for a prior whose mean is off, for few pixels, and for joined gradients.
    """
    return 10 * math.sqrt(4 + sigma_1**2 + sum(alphas))


@dataclass
class _Chain:
    """What does not change during a run, and the moves of Algorithm 1; k counts steps from 0."""

    model: object
    Y: torch.Tensor  # (B,G,H,W), the known luma of every group
    f: torch.Tensor  # (3,)
    noise: object
    settings: LangevinSettings
    sigmas: list[float]  # of every step
    alphas: list[float]

    @property
    def stacked(self) -> bool:
        """Are the state's gradients those of its own picture before every step?"""
        return self.settings.feedback in ("level", "step") and not self.settings.consistent

    def ends(self, k) -> bool:
        return k + 1 == len(self.sigmas)

    def fuses(self, k) -> bool:
        s = self.settings
        return s.feedback == "step" or (s.feedback == "level" and (k + 1) % s.T == 0)

    def renoises(self, k) -> bool:
        s = self.settings
        return s.feedback == "renoise" and (k + 1) % s.T == 0 and not self.ends(k)

    def evaluations(self, k) -> int:
        """Network evaluations up to and with step k."""
        s = self.settings
        return k + 1 + (min((k + 1) // s.T, s.L - 1) if s.feedback == "renoise" else 0)

    def start(self, y):
        """The authors' start, uniform in [-1,1]; or the grey picture under the noise that the first
        consistent level expects."""
        like = y.expand(-1, self.model.channels, -1, -1)
        if not self.settings.consistent:
            return 2 * self.noise.uniform(like) - 1
        return lift_groups(self.Y, self.f) + self.sigmas[0] * self.noise.normal(like)

    def restack(self, X):
        if not self.stacked or self.model.channels == 3:
            return X
        return join(X[:, :3], self.model.gradient_scale, self.settings.boundary)

    def step(self, X, k):
        """From level k to the next: Eq 12, or the consistent step, or the denoised end."""
        s, sigma = self.settings, self.sigmas[k]
        if s.final_denoise and self.ends(k):
            return self.estimate(X, sigma)
        if not s.consistent:
            about = (self.Y, self.f, sigma, self.alphas[k], s.pull, self.noise)
            return langevin_step(self.model, X, *about)
        after = sigma if self.renoises(k) or self.ends(k) else self.sigmas[k + 1]
        estimate = partial(self.estimate, fuse=self.fuses(k))
        about = (self.Y, self.f, sigma, after, s.share, s.pull, self.noise)
        return consistent_step(estimate, X, *about)

    def feed_back(self, X, k):
        """What happens to the state between two steps."""
        if self.stacked and self.fuses(k):
            return torch.cat([self.fuse(X), X[:, 3:]], dim=1)
        if self.renoises(k):
            clean = self.estimate(X, self.sigmas[k], fuse=True)
            return clean + self.sigmas[k + 1] * self.noise.normal(clean)
        return X

    def estimate(self, X, sigma, fuse=False):
        """The denoised state, the known part put in."""
        clean = project(self.model.denoise(X, sigma), self.Y, self.f)
        s = self.settings
        return fused(clean, self.model, s.beta, s.boundary) if fuse else clean

    def fuse(self, X):
        """Eq 14: (B,C,H,W) -> (B,3,H,W)."""
        return to_picture(X, self.model, self.settings.beta, self.settings.boundary)


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
