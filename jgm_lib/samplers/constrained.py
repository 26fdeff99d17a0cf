"""Fewer evaluations on the same weights: the known part put in exactly at every step."""

import math
from collections.abc import Iterator
from itertools import pairwise

from ..settings import CorrectorSettings, NullspaceSettings
from .common import State, check_finite, fused, seen_by, state, step_to


def nullspace(model, seen, noise, **settings) -> Iterator[State]:
    """Denoise, put the known grey part in exactly, step to the next sigma; ``steps`` evaluations.

    DDNM (Wang et al. 2022) and DDRM are this rule with other luma noise. ``settings``: the fields of
    ``NullspaceSettings``; ``eta`` 0 is the probability-flow ODE, 1 ancestral, ``beta`` > 0 fuses the
    estimate by Eq 14 in every step.
    """
    about = vars(NullspaceSettings(**settings))
    yield from predictor_corrector(model, seen, noise, **about, corrections=0)


def predictor_corrector(model, seen, noise, **settings) -> Iterator[State]:
    """``nullspace`` with ``corrections`` Langevin steps of size delta sigma^2 at every level
    (Song et al. 2021, Algorithm 2, with the known part put in); steps (1 + corrections)
    evaluations. ``settings``: the fields of ``CorrectorSettings``."""
    s = CorrectorSettings(**settings)
    seen, sigmas = seen_by(model, seen, s), s.sigmas()
    X = seen.start(sigmas[0], noise)
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        for _ in range(s.corrections):
            target = _clean_estimate(model, X, seen, sigma, s)[1]
            X = X + s.delta / 2 * (target - X) + math.sqrt(s.delta) * sigma * noise.normal(X)
        raw, target = _clean_estimate(model, X, seen, sigma, s)
        X = step_to(raw, target, X, sigma, sigma_next, s.eta, noise)
        check_finite(X, target, step=i + 1, sigma=f"{sigma:.4g}")
        x, nfe = seen.finish(seen.domain.picture(target)), (i + 1) * (1 + s.corrections)
        yield state(X, x, seen, sigma, i + 1, nfe)


def _clean_estimate(model, X, seen, sigma, s):
    """The denoised state and the same with the known part put in (and fused, if beta > 0)."""
    raw = model.denoise(X, sigma)
    target = seen.project(raw)
    return raw, fused(target, seen.domain, s.beta) if s.beta else target
