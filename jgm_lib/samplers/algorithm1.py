"""Algorithm 1 of the paper: annealed Langevin dynamics under the grey constraint."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch

from ..constraint import Observation
from ..ladder import fresh_noise
from ..noise import step_sizes
from ..settings import LangevinSettings
from .common import State, check_bounded, check_finite, fused, seen_by, state


def langevin(model, seen, noise, **settings) -> Iterator[State]:
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
    seen, sigmas = seen_by(model, seen, s), s.sigmas()
    alphas = step_sizes(sigmas, s.epsilon)
    chain = _Chain(model, seen, noise, s, sigmas, alphas)
    reach, X = farthest(s.sigma_1, alphas), chain.start()
    for k, sigma in enumerate(sigmas):
        where = dict(level=k // s.T + 1, step=k % s.T + 1, sigma=f"{sigma:.4g}")
        where |= dict(epsilon=s.epsilon, lam=s.pull)
        X = chain.step(chain.restack(X), k)
        check_bounded(seen.error(X), reach, **where)
        X = chain.feed_back(X, k)
        x = seen.domain.picture(X, 0.0 if chain.stacked else s.beta)
        check_finite(X, x, **where)
        shown = seen.finish(x) if chain.ends(k) else x
        yield state(X, shown, seen, sigma, k + 1, chain.evaluations(k))


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
    seen: Observation  # in the model's domain
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

    def start(self):
        """The authors' start, uniform in [-1,1]; or the grey picture under the noise that the first
        consistent level expects."""
        if not self.settings.consistent:
            return 2 * self.noise.uniform(self.seen.like) - 1
        return self.seen.start(self.sigmas[0], self.noise)

    def restack(self, X):
        """Without a fusion: the differences of the state's own intensity."""
        return fused(X, self.seen.domain, 0.0) if self.stacked else X

    def step(self, X, k):
        """From level k to the next: Eq 12, or the consistent step, or the denoised end."""
        s, sigma = self.settings, self.sigmas[k]
        if s.final_denoise and self.ends(k):
            return self.estimate(X, sigma)
        if not s.consistent:
            about = (self.seen, sigma, self.alphas[k], s.pull, self.noise)
            return langevin_step(self.model, X, *about)
        after = sigma if self.renoises(k) or self.ends(k) else self.sigmas[k + 1]
        estimate = partial(self.estimate, fuse=self.fuses(k))
        about = (self.seen, sigma, after, s.share, s.pull, self.noise)
        return consistent_step(estimate, X, *about)

    def feed_back(self, X, k):
        """What happens to the state between two steps."""
        if self.stacked and self.fuses(k):
            n = sum(self.seen.domain.of_intensity())  # the rest is re-stacked before the next step
            return torch.cat([fused(X, self.seen.domain, self.settings.beta)[:, :n], X[:, n:]], 1)
        if self.renoises(k):
            clean = self.estimate(X, self.sigmas[k], fuse=True)
            return clean + self.sigmas[k + 1] * self.noise.normal(clean)
        return X

    def estimate(self, X, sigma, fuse=False):
        """The denoised state, the known part put in."""
        clean = self.seen.project(self.model.denoise(X, sigma))
        return fused(clean, self.seen.domain, self.settings.beta) if fuse else clean


def _weights(pull, X, domain):
    """lambda of every channel (C,1,1): the first of ``pull`` for intensity, the last for the rest."""
    weights = torch.as_tensor(pull, dtype=X.dtype, device=X.device).flatten()
    of_intensity = torch.tensor(domain.of_intensity(), device=X.device)
    return torch.where(of_intensity, weights[0], weights[-1])[:, None, None]


def consistent_step(estimate, X, seen, sigma, sigma_next, share, pull, noise):
    """Eq 12 with the noise that leaves exactly sigma_next (arXiv 2009.05475, with a photograph).

    ``estimate``(X, sigma) -> the denoised X (B,C,H,W), the known part put in. The drift of Eq 12 goes
    ``share`` h of the way there and keeps 1 - h of the noise in chroma, 1 - h (1 + lam) in luma; the
    fresh noise makes up the rest of sigma_next^2 in each. ``seen``, ``pull`` as in ``langevin_step``.
    """
    lam = _weights(pull, X, seen.domain)
    z = noise.normal(X)
    z_luma = seen.seen_part(z)
    chroma = fresh_noise(1 - share, sigma, sigma_next)
    luma = (sigma_next**2 - ((1 - share * (1 + lam)) * sigma) ** 2).clamp(min=0).sqrt()
    drift = share * (estimate(X, sigma) - X - lam * seen.pull(X))
    return X + drift + chroma * (z - z_luma) + luma * z_luma


def langevin_step(model, X, seen, sigma, alpha, pull, noise):
    """One step of Eq 12 at fixed sigma: the score, the consistency term of Eq 13, fresh noise.

    ``seen``: the photograph in the model's domain. ``pull``: lambda of the intensity group and of
    the gradient groups, or one number for all.
    """
    score = (model.denoise(X, sigma) - X) / sigma**2
    consistency = seen.pull(X) / sigma**2
    lam = _weights(pull, X, seen.domain)
    return X + alpha / 2 * (score - lam * consistency) + math.sqrt(alpha) * noise.normal(X)
