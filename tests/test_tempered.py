"""The consistent chain of Algorithm 1: the noise it keeps, its recursion, its exact posterior."""

import itertools
import math

import numpy as np
import pytest
import torch
from dense import BASIS, Lab, Prior, consistent_steps, moments, photographic, run
from rats import (
    Batch,
    Still,
    Told,
    affine_map,
    amount_of_noise,
    grey_tensor,
    last,
    map_moments,
    model_of,
    play,
)

from jgm_lib.constraint import Observation, gray_groups, lift_groups
from jgm_lib.domain import Joint
from jgm_lib.errors import JGMError
from jgm_lib.ladder import epsilon_of
from jgm_lib.noise import SeededNoise, sigma_ladder
from jgm_lib.operators import gray, gray_weights
from jgm_lib.params import ColorizeCard
from jgm_lib.samplers import SAMPLERS, consistent_step, langevin, presets, step_to
from jgm_lib.settings import LangevinSettings

MEAN, BT601 = gray_weights("mean"), gray_weights("bt601")
F64 = dict(dtype=torch.float64)


def grey_of(prior, by=0.15):
    return prior.lab.F @ prior.mean + by * np.linspace(1, -0.5, prior.lab.n)


def settings_of(share, sigmas=(2.0, 0.05), **more):
    """Settings of ``langevin`` for a share h of the way to the estimate."""
    base = dict(sigma_1=sigmas[0], sigma_L=sigmas[1], epsilon=epsilon_of(share, sigmas[1]))
    return {**base, "consistent": True, **more}


# -- one step --------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [MEAN, BT601], ids=["mean", "bt601"])
@pytest.mark.parametrize("share, lam", [(0.5, 0.0), (0.5, 1.0), (0.4, 1.9), (0.7, 3 / 7)])
def test_a_step_from_a_clean_picture_under_noise_leaves_the_next_level(f, share, lam):
    """X = clean + sigma z with an estimate that is right: the noise after is sigma_next, in luma and
    in chroma, whatever the share and lambda."""
    g = torch.Generator().manual_seed(0)
    clean = torch.rand(1, 9, 200, 200, generator=g, **F64)
    seen, sigma, after = Told(gray_groups(clean, f), f, Joint()), 1.3, 0.9
    X = clean + sigma * torch.randn(clean.shape, generator=g, **F64)
    out = consistent_step(lambda X, s: clean, X, seen, sigma, after, share, lam, SeededNoise([1]))
    noise = out - clean
    luma = lift_groups(gray_groups(noise, f), f)
    assert float(luma.square().sum(1).mean() / 3) == pytest.approx(after**2, rel=0.02)
    chroma = float((noise - luma).square().sum(1).mean() / 6)
    assert chroma == pytest.approx(after**2, rel=0.02)


def test_without_a_pull_it_is_the_ancestral_step_or_the_ode():
    """h = 1 - sigma'^2/sigma^2 is ancestral sampling, h = 1 - sigma'/sigma the ODE's Euler step."""
    g = torch.Generator().manual_seed(0)
    clean, X = torch.randn(2, 1, 9, 4, 5, generator=g, **F64)
    seen = Told(gray_groups(clean, MEAN), MEAN, Joint())
    for share, eta in ((1 - 0.6**2, 1.0), (1 - 0.6, 0.0)):
        got = consistent_step(lambda X, s: clean, X, seen, 1.0, 0.6, share, 0.0, SeededNoise([3]))
        want = step_to(clean, clean, X, 1.0, 0.6, eta, SeededNoise([3]))
        torch.testing.assert_close(got, want, rtol=0, atol=1e-7)  # of noise sqrt(rounding)


def test_a_full_pull_renews_the_luma():
    """1 - h (1 + lambda) = 0: the luma after is the photograph under noise sigma', all of it new."""
    g = torch.Generator().manual_seed(0)
    X, clean = torch.randn(2, 1, 9, 4, 5, generator=g, **F64)
    Y, share = torch.randn(1, 3, 4, 5, generator=g, **F64), 0.4
    seen = Told(Y, MEAN, Joint())
    clean = seen.project(clean)
    out = consistent_step(lambda X, s: clean, X, seen, 1.0, 0.8, share, 1 / share - 1, Still())
    torch.testing.assert_close(gray_groups(out, MEAN), Y, rtol=0, atol=1e-12)


# -- the sampler is its recursion ------------------------------------------------------------------


@pytest.mark.parametrize("final", [False, True], ids=["noisy end", "denoised end"])
@pytest.mark.parametrize("feedback", ["none", "level", "step", "renoise"])
@pytest.mark.parametrize(
    "f, options",
    [
        (MEAN, {}),
        (BT601, dict(scale=0.5, boundary="periodic")),
        (BT601, dict(channels=3)),
    ],
)
def test_the_chain_is_its_recursion(f, options, feedback, final):
    prior = photographic(Lab(2, 2, f.numpy(), **options))
    y, share, lam = grey_of(prior), 0.6, 0.5
    steps = list(
        consistent_steps(
            prior,
            y,
            sigmas=sigma_ladder(2.0, 0.05, 6),
            T=3,
            share=share,
            lam=lam,
            feedback=feedback,
            final=final,
        )
    )
    settings = settings_of(share, L=2, T=3, lam=lam, feedback=feedback, final_denoise=final)
    settings["boundary"] = prior.lab.boundary
    A, b, kinds = affine_map(langevin, prior, y, f, **settings)
    mean, cov = moments(steps)
    got_mean, got_cov = map_moments(A, b, kinds)
    np.testing.assert_allclose(got_mean, mean, rtol=0, atol=1e-10)
    np.testing.assert_allclose(got_cov, cov, rtol=0, atol=1e-10)
    sizes = amount_of_noise(langevin, prior, y, f, **settings)
    draw = torch.randn(1, sum(sizes), generator=torch.Generator().manual_seed(0)).double()
    state, _ = play(langevin, prior, y, f, draw, **settings)
    assert state.nfe == 6 + (feedback == "renoise")
    pieces = np.split(draw[0].numpy(), np.cumsum(sizes)[:-1])
    np.testing.assert_allclose(state.X.flatten(), run(steps, pieces), rtol=0, atol=1e-10)
    if final and feedback == "none":  # fact (a): fused from exact parts, the picture is exact
        fused = prior.lab.fusion(5.9) @ state.X.flatten().numpy()
        np.testing.assert_allclose(prior.lab.F @ fused, y, rtol=0, atol=1e-10)


# -- how near it comes to the posterior ------------------------------------------------------------


def errors(prior, y, steps):
    """Of the fused picture: mean in posterior deviations, and trace of the covariance over the
    posterior's."""
    m, C = prior.posterior(y)
    mean, cov = moments(steps)
    P = prior.lab.fusion(1.0)
    off = np.linalg.norm(P @ mean - m) / math.sqrt(np.trace(C))
    return off, np.trace(P @ cov @ P.T) / np.trace(C)


def chain(prior, y, N, share, lam=None, sigmas=(20.0, 0.01)):
    lam = 1 / share - 1 if lam is None else lam
    levels = sigma_ladder(*sigmas, N)
    return consistent_steps(prior, y, sigmas=levels, T=1, share=share, lam=lam, final=True)


def test_ancestral_shares_approach_the_posterior():
    """h = 1 - sigma'^2/sigma^2: mean and variance come near as the levels do."""
    prior = photographic(Lab(2, 2, MEAN.numpy()))
    y, found = grey_of(prior), []
    for N in (20, 50, 145, 1000):
        share = 1 - (0.01 / 20.0) ** (2 / (N - 1))
        found.append(errors(prior, y, chain(prior, y, N, share, lam=0.0)))
    means, traces = zip(*found, strict=True)
    assert max(means) < 0.02
    assert all(b > a for a, b in itertools.pairwise(traces)) and traces[-1] == pytest.approx(
        1, abs=0.02
    )


def one_pixel():
    """One pixel of three channels, spreads of luma and both chromas as on photographs."""
    cov = BASIS.T @ np.diag(np.square([0.424, 0.1235, 0.0485])) @ BASIS
    return Prior(Lab(1, 1, MEAN.numpy(), channels=3), np.full(3, 0.5), cov)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 1.0])
def test_the_share_is_a_temperature(share):
    """With many levels the chain keeps 1 - h/2 of the posterior's variance: a larger h is colder,
    paler and nearer the mean. (The constant fraction of fresh noise of DDNM is this chain.)"""
    prior = one_pixel()
    _, cov = moments(chain(prior, np.array([0.5]), 4000, share, sigmas=(20.0, 0.001)))
    spread = np.diag(BASIS @ cov @ BASIS.T)[1:] / np.square([0.1235, 0.0485])
    assert spread == pytest.approx([1 - share / 2] * 2, abs=0.01)


def test_a_fixed_level_keeps_its_noise():
    """L T = 1 level without the denoised end: one step that holds sigma."""
    prior = one_pixel()
    states = langevin(
        model_of(prior),
        Observation(grey_tensor(prior.lab, np.array([0.5]), 2), MEAN),
        Batch(0),
        **settings_of(0.5, L=1, T=1, feedback="none"),
    )
    assert last(states).sigma == 0.05


# -- cards and presets -----------------------------------------------------------------------------


@pytest.mark.parametrize("nfe", [2, 20, 50, 100, 145, 300, 1000])
def test_a_preset_takes_the_evaluations_it_was_asked_for(nfe):
    card = ColorizeCard(**presets.tempered(nfe))
    assert card.sampler == "langevin" and nfe == card.L * card.T
    if nfe <= 50:
        prior = one_pixel()
        state, grey = None, grey_tensor(prior.lab, np.array([0.3]), 2)
        seen = Observation(grey, MEAN)
        for state in SAMPLERS["langevin"](model_of(prior), seen, Batch(0), **card.settings()):
            assert bool(state.X.isfinite().all())
        assert state.nfe == nfe
        torch.testing.assert_close(gray(state.x, MEAN), grey, rtol=0, atol=1e-12)


def test_a_preset_renews_the_luma_and_reaches_from_level_to_level():
    for nfe in (2, 20, 145, 1000):
        s = presets.tempered(nfe)
        share = s["epsilon"] / (2 * s["sigma_L"] ** 2)
        assert 1 - share * (1 + s["lam"]) == pytest.approx(0, abs=1e-12)
        assert share >= 1 - (s["sigma_L"] / s["sigma_1"]) ** (1 / (nfe - 1)) - 1e-12


def test_the_authors_settings():
    for preset in (presets.PAPER, presets.AUTHORS_LSUN, presets.AUTHORS_COCO):
        card = ColorizeCard(**preset)
        assert (card.L, card.T, card.sigma_1, card.sigma_L, card.beta) == (10, 100, 1.0, 0.01, 5.9)
        assert not card.consistent and not card.final_denoise
    assert presets.AUTHORS_LSUN["epsilon"] / 2 == pytest.approx(2.7e-6)
    assert presets.AUTHORS_COCO["epsilon"] / 2 == pytest.approx(1.557e-5)
    defaults = ColorizeCard(sampler="langevin").settings()
    assert defaults == {k: presets.PAPER.get(k, defaults[k]) for k in defaults}


@pytest.mark.parametrize("nfe", [1, 0, 1001, 2.5, True, "20"])
def test_a_preset_of_no_length_is_refused(nfe):
    with pytest.raises(JGMError, match="need a whole number from 2 to 1000"):
        presets.tempered(nfe)


@pytest.mark.parametrize("share", [0.0, -0.5, 1.1, float("nan")])
def test_a_share_of_no_step_is_refused(share):
    with pytest.raises(JGMError, match="need a number above 0, at most 1"):
        presets.tempered(50, share)


@pytest.mark.parametrize(
    "settings, match",
    [
        (dict(epsilon=2e-6), "must lie between"),  # too short for the distance of two levels
        (dict(epsilon=1.9e-4, lam=1.0), "must lie between|must be < 2"),  # overshoots in luma
    ],
)
def test_a_step_that_cannot_be_consistent_is_one_clear_line(settings, match):
    card = dict(sampler="langevin", L=10, T=1, consistent=True, feedback="none", **settings)
    with pytest.raises(ValueError, match=match):
        ColorizeCard(**card)
    card.pop("sampler")
    prior = one_pixel()
    with pytest.raises(JGMError, match=match) as error:
        seen = Observation(grey_tensor(prior.lab, np.array([0.5]), 1), MEAN)
        next(langevin(model_of(prior), seen, Still(), **card))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("one, other", [("lam", "lam_grad"), ("lam_grad", "lam")])
def test_neither_lambda_may_overshoot(one, other):
    """Half the way a step and sigma/sigma' = r: 1 + lambda is at most 2 (1 + 1/r), either's."""
    told = dict(L=10, T=1, consistent=True, epsilon=1e-4)  # h = epsilon/(2 sigma_L^2) = 1/2
    largest = 1 + 2 * 100 ** (-1 / 9)
    LangevinSettings(**told, **{one: largest - 1e-6, other: 0.0})
    with pytest.raises(JGMError, match=f"0.5 must lie between .* lambda={largest + 1e-3:g}"):
        LangevinSettings(**told, **{one: largest + 1e-3, other: 0.0})


def test_the_authors_step_is_long_enough_to_be_consistent():
    """Their ten levels of a hundred steps as a thousand levels: h = 0.027 where 0.005 is needed."""
    ColorizeCard(**{**presets.PAPER, "consistent": True, "final_denoise": True})
