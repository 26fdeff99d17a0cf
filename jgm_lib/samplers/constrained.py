"""Fewer evaluations on the same weights: the known part put in exactly at every step."""

import math
from collections.abc import Iterator
from itertools import pairwise

from ..constraint import finish, known_luma, lift_groups, project
from ..settings import CorrectorSettings, NullspaceSettings
from .common import State, check_finite, check_fusion, fused, state, step_to


def nullspace(model, y, f, noise, **settings) -> Iterator[State]:
    """Denoise, put the known grey part in exactly, step to the next sigma; ``steps`` evaluations.

    DDNM (Wang et al. 2022) and DDRM are this rule with other luma noise. ``settings``: the fields of
    ``NullspaceSettings``; ``eta`` 0 is the probability-flow ODE, 1 ancestral, ``beta`` > 0 fuses the
    estimate by Eq 14 in every step.
    """
    about = vars(NullspaceSettings(**settings))
    yield from predictor_corrector(model, y, f, noise, **about, corrections=0)


def predictor_corrector(model, y, f, noise, **settings) -> Iterator[State]:
    """``nullspace`` with ``corrections`` Langevin steps of size delta sigma^2 at every level
    (Song et al. 2021, Algorithm 2, with the known part put in); steps (1 + corrections)
    evaluations. ``settings``: the fields of ``CorrectorSettings``."""
    s = CorrectorSettings(**settings)
    check_fusion(s.beta, s.boundary)
    Y, sigmas = known_luma(y, model, s.boundary), s.sigmas()
    X = sigmas[0] * noise.normal(y.expand(-1, model.channels, -1, -1)) + lift_groups(Y, f)
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        for _ in range(s.corrections):
            target = _clean_estimate(model, X, Y, f, sigma, s)[1]
            X = X + s.delta / 2 * (target - X) + math.sqrt(s.delta) * sigma * noise.normal(X)
        raw, target = _clean_estimate(model, X, Y, f, sigma, s)
        X = step_to(raw, target, X, sigma, sigma_next, s.eta, noise)
        check_finite(X, target, step=i + 1, sigma=f"{sigma:.4g}")
        x, nfe = finish(target[:, :3], y, f), (i + 1) * (1 + s.corrections)
        yield state(X, x, y, f, sigma, i + 1, nfe)


def _clean_estimate(model, X, Y, f, sigma, s):
    """The denoised state and the same with the known part put in (and fused, if beta > 0)."""
    raw = model.denoise(X, sigma)
    target = project(raw, Y, f)
    return raw, fused(target, model, s.beta, s.boundary) if s.beta else target
