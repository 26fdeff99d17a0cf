"""Whole runs of Algorithm 1 about the limit: below it they settle, above it they are refused, and a
run that diverges all the same is an error, though the last projection would hide it."""

import itertools
import math
from functools import partial

import pytest
import torch
from rats import Batch, last
from test_noise import prior_with

from jgm_lib import settings as defaults
from jgm_lib.constraint import Observation
from jgm_lib.domain import domain_of
from jgm_lib.errors import JGMError
from jgm_lib.operators import gray_weights
from jgm_lib.params import ColorizeCard, validate
from jgm_lib.samplers import FEEDBACK, algorithm1, langevin, presets

F = gray_weights()
RUN = dict(sigma_1=1.0, sigma_L=0.01, L=3, T=60)


def grey(rows=4, side=2):
    return torch.full((rows, 1, side, side), 0.5, dtype=torch.float64)


def epsilon_at(number, lam):
    """The step whose ``stability_number`` is this, at sigma_L 0.01."""
    return number * 2e-4 / (1 + lam)


def residuals(prior, number, lam, feedback):
    """RMS |F x - y| after each step but the last, which is projected."""
    settings = dict(RUN, lam=lam, feedback=feedback, epsilon=epsilon_at(number, lam))
    states = langevin(prior, Observation(grey(), F), Batch(0), boundary="periodic", **settings)
    return [s.residual for s in itertools.islice(states, 3 * 60 - 1)]


@pytest.mark.parametrize("channels", [3, 9])
@pytest.mark.parametrize("feedback", FEEDBACK)
@pytest.mark.parametrize("lam", [0.25, 1.0, 6.0])
def test_runs_below_the_limit_settle_and_above_it_are_refused(channels, feedback, lam):
    """Below it the noise adds up to 2 sigma^2 / ((1 + lam) (2 - number)) along luma, no more."""
    number = 1.96
    got = residuals(prior_with(1e-9, 1e-9, channels), number, lam, feedback)
    settled = math.sqrt(2 / (1 + lam) / (2 - number) / 3)  # of F x at sigma 1, |f|^2 = 1/3
    between = 0.5 / (1 + lam)  # the prior says 0, the photograph 0.5
    assert settled / 3 < max(got[30:60]) < 2 * settled + between
    assert max(got[150:]) < between + 0.1 * settled  # of what was 100 times as much
    with pytest.raises(JGMError, match=r"unstable step: \(1 \+ lambda\).* = 2.01, must be < 2"):
        residuals(prior_with(1e-9, 1e-9, channels), 2.01, lam, feedback)


@pytest.mark.parametrize("channels", [3, 9])
@pytest.mark.parametrize("feedback", FEEDBACK)
def test_unchecked_they_would_grow_as_the_formula_says(channels, feedback, monkeypatch):
    """number 2.2: every step multiplies an error of the luma by -1.2 on every level."""
    monkeypatch.setattr(defaults, "check_stability", lambda *_: None)
    monkeypatch.setattr(algorithm1, "farthest", lambda *_: math.inf)
    got = residuals(prior_with(1e-9, 1e-9, channels), 2.2, 1.0, feedback)
    assert (got[58] / got[38]) ** (1 / 20) == pytest.approx(1.2, abs=0.01)
    if feedback in ("level", "step"):
        assert (got[178] / got[58]) ** (1 / 120) == pytest.approx(1.2, abs=0.01)


@pytest.mark.parametrize("channels", [3, 9])
@pytest.mark.parametrize("feedback", FEEDBACK)
def test_card_and_sampler_refuse_and_run_the_same_settings(channels, feedback):
    for lam, number in itertools.product((0.0, 1.0, 20.0), (0.5, 1.99, 2.01)):
        settings = dict(RUN, lam=lam, feedback=feedback, epsilon=epsilon_at(number, lam))
        prior = prior_with(0.06, 0.01, channels, H=1, W=1)
        card, states = (
            partial(validate, ColorizeCard, {"sampler": "langevin", **settings}),
            langevin(prior, Observation(grey(1, 1), F), Batch(0), **settings),
        )
        for accept in (card, partial(last, states)):
            if number < 2:
                accept()
                continue
            with pytest.raises(JGMError, match="unstable step") as error:
                accept()
            assert "\n" not in str(error.value)


class Repelling:
    """A network gone wrong: its score pushes ``groups`` of channels away three times as hard as the
    bound allows for, so that its steps make errors larger."""

    def __init__(self, channels, groups):
        self.domain, self.groups = domain_of(None, channels), groups

    def denoise(self, X, sigma, sigma_y=None):
        out = torch.zeros_like(X)
        out[:, self.groups] = -2 * X[:, self.groups]
        return out


@pytest.mark.parametrize("channels", [3, 9])
@pytest.mark.parametrize("feedback", FEEDBACK)
def test_a_divergence_that_the_projection_would_hide_is_an_error(channels, feedback, monkeypatch):
    model = Repelling(channels, slice(0, channels))
    settings = dict(RUN, feedback=feedback, epsilon=epsilon_at(1.5, 1.0), final_denoise=True)
    with pytest.raises(JGMError, match=r"diverged \(level=1, step=.*before the proj") as error:
        last(langevin(model, Observation(grey(), F), Batch(0), **settings))
    assert "\n" not in str(error.value)
    monkeypatch.setattr(algorithm1, "farthest", lambda *_: math.inf)
    state = last(langevin(model, Observation(grey(), F), Batch(0), **dict(settings, L=1)))
    assert state.residual < 1e-12 and 0 <= float(state.x.min()) <= float(state.x.max()) <= 1


def test_a_divergence_that_the_fusion_would_leave_out_is_an_error():
    """With beta 0 the picture takes nothing from the gradients, however far they are."""
    model = Repelling(9, slice(3, 9))
    settings = dict(RUN, feedback="none", beta=0.0, epsilon=epsilon_at(1.5, 1.0))
    with pytest.raises(JGMError, match="diverged.*before the projection"):
        last(langevin(model, Observation(grey(), F), Batch(0), **settings))


def test_no_run_that_is_stable_comes_near_the_reach(monkeypatch):
    """The presets, and steps just below the limit, stay within a fifth of it."""
    largest = []
    check = algorithm1.check_bounded

    def spy(error, reach, **where):
        largest.append(float(error.square().mean().sqrt()) / reach)
        check(error, reach, **where)

    monkeypatch.setattr(algorithm1, "check_bounded", spy)
    runs = [presets.PAPER, presets.AUTHORS_COCO, presets.TEMPERED, presets.tempered(2)]
    for feedback, lam in itertools.product(FEEDBACK, (0.0, 1.0)):
        runs.append(dict(RUN, feedback=feedback, lam=lam, epsilon=epsilon_at(1.999, lam)))
    for settings, channels in itertools.product(runs, (3, 9)):
        prior = prior_with(0.06, 0.01, channels, H=1, W=1)
        settings = {k: v for k, v in settings.items() if k != "sampler"}
        last(langevin(prior, Observation(grey(4, 1), F), Batch(0), **settings))
    assert 0.02 < max(largest) < 0.2
