"""How near each sampler comes to the exact posterior of a Gaussian prior: measured numbers.

The recursions of ``dense`` give mean and covariance exactly; that the samplers are these
recursions is proved in test_samplers_exact.py, and here once more at every length.
"Error" below is: of the mean in posterior standard deviations, |m - m*| / sqrt(trace C*); of the
covariance |C - C*| / |C*|.
"""

import math

import numpy as np
import pytest
import torch
from dense import (
    BASIS,
    Lab,
    Prior,
    known_part_steps,
    langevin_steps,
    moments,
    photographic,
    run,
    split_state,
    split_steps,
)
from rats import Still, affine_map, amount_of_noise, map_moments, model_of, play

from jgm_lib.noise import karras_sigmas, sigma_ladder
from jgm_lib.operators import gray_weights
from jgm_lib.samplers import Observation, langevin_step, nullspace
from jgm_lib.samplers import split as split_sampler
from jgm_lib.settings import COMPARED

F = gray_weights("mean")


def world(H=2, W=2, **settings):
    """A prior, a grey picture up to 0.15 off the prior's mean, the posterior's mean and cov."""
    prior = photographic(Lab(H, W, F.numpy(), **settings))
    y = prior.lab.F @ prior.mean + 0.15 * np.linspace(1, -0.5, prior.lab.n)
    return prior, y, *prior.posterior(y)


def picture_moments(prior, y, steps, split=False):
    """Mean and covariance of the picture x at the end of a recursion."""
    mean, cov = moments(steps)
    M, c = split_state(prior, y) if split else (np.eye(prior.lab.D), np.zeros(prior.lab.D))
    M, c = M[: 3 * prior.lab.n], c[: 3 * prior.lab.n]
    return M @ mean + c, M @ cov @ M.T


def errors(mean, cov, m, C):
    of_cov = np.linalg.norm(cov - C) / np.linalg.norm(C)
    return np.linalg.norm(mean - m) / math.sqrt(np.trace(C)), of_cov


# -- (ii) split and null-space approach the posterior ----------------------------------------------

RANGE = dict(sigma_max=40.0, sigma_min=0.002)
NFE = (20, 50, 200, 1000)
# error of the mean and of the covariance at 20, 50, 200 and 1,000 network evaluations
MEASURED = {
    ("nullspace", 0.0): [(3.75e-3, 0.249), (1.65e-3, 0.105), (1.44e-3, 0.0271), (1.43e-3, 0.0056)],
    ("nullspace", 1.0): [(5.18e-3, 0.416), (1.70e-3, 0.2025), (3.5e-4, 0.0564), (6.3e-5, 0.0117)],
    ("split", 0.0): [(1.26e-3, 0.250), (1.38e-3, 0.1055), (1.44e-3, 0.0272), (1.46e-3, 0.0056)],
    ("split", 1.0): [(9.4e-6, 0.416), (9.4e-6, 0.2026), (9.4e-6, 0.0564), (9.4e-6, 0.0117)],
    ("multistep", 0.0): [
        (1.53e-3, 0.0909),
        (1.47e-3, 0.01175),
        (1.46e-3, 5.61e-4),
        (1.46e-3, 8.8e-5),
    ],
    ("multistep", 1.0): [(9.4e-6, 0.2127), (9.4e-6, 0.0317), (9.4e-6, 1.73e-3), (9.4e-6, 3.89e-5)],
    ("heun", 1.0): [(1.77e-3, 0.442), (1.50e-3, 0.0497), (1.46e-3, 0.0026), (1.46e-3, 2.6e-5)],
}


def variant(name, eta, nfe, prior, y):
    """The recursion, the sampler and its settings; Heun takes two evaluations a step but one."""
    steps = nfe // 2 if name == "heun" else nfe
    sigmas = karras_sigmas(steps, *RANGE.values())
    settings = dict(steps=steps, eta=eta, **RANGE)
    if name == "nullspace":
        return known_part_steps(prior, y, sigmas=sigmas, eta=eta), nullspace, settings
    settings |= dict(sigma_y=1e-3, solver="ancestral" if name == "split" else name)
    recursion = split_steps(
        prior, y, sigmas=sigmas, sigma_y=1e-3, eta=eta, solver=settings["solver"]
    )
    return recursion, split_sampler, settings


@pytest.mark.parametrize("name, eta", MEASURED)
def test_the_error_falls_with_the_number_of_evaluations(name, eta):
    """1/NFE for Euler and ancestral steps, faster for multistep and Heun. The ODE keeps a small
    error of the mean, see the next test."""
    prior, y, m, C = world()
    found = []
    for nfe in NFE:
        recursion, _, _ = variant(name, eta, nfe, prior, y)
        found.append(errors(*picture_moments(prior, y, recursion, name != "nullspace"), m, C))
    for (mean, cov), (expected_mean, expected_cov) in zip(found, MEASURED[name, eta], strict=True):
        assert mean == pytest.approx(expected_mean, rel=0.02)
        assert cov == pytest.approx(expected_cov, rel=0.02)
    covs = [cov for _, cov in found]
    assert covs[0] > 2 * covs[1] > 6 * covs[2] > 24 * covs[3]
    if name == "nullspace":
        assert found[0][0] > found[1][0] > found[2][0] > found[3][0]


def test_the_start_of_the_ode_is_remembered():
    """It starts with mean zero where the chroma of p_sigma has another: an error of the mean that
    only a larger sigma_max takes away, as 1 over it; as 1 over its square with fresh noise."""
    prior, y, m, C = world()
    for eta, expected in ((0.0, [5.78e-3, 1.44e-3, 3.6e-4]), (1.0, [1.5e-4, 9.4e-6, 7e-7])):
        means = []
        for sigma_max in (10.0, 40.0, 160.0):
            sigmas = karras_sigmas(200, sigma_max, 0.002)
            steps = split_steps(prior, y, sigmas=sigmas, sigma_y=1e-3, eta=eta)
            means.append(errors(*picture_moments(prior, y, steps, split=True), m, C)[0])
        assert means == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("nfe", NFE)
@pytest.mark.parametrize(
    "name, eta", [("nullspace", 1.0), ("split", 1.0), ("multistep", 1.0), ("heun", 1.0)]
)
def test_the_implementation_is_the_recursion_at_every_length(name, eta, nfe):
    prior, y, _, _ = world()
    recursion, sampler, settings = variant(name, eta, nfe, prior, y)
    blocks = amount_of_noise(sampler, prior, y, F, **settings | dict(steps=1))
    n = prior.lab.D if name == "nullspace" else len(prior.lab.chroma)
    assert blocks == [n]
    draws = 1 if name == "heun" else settings["steps"]
    table = torch.randn(1, draws * n, generator=torch.Generator().manual_seed(nfe)).double()
    state, _ = play(sampler, prior, y, F, table, **settings)
    assert state.nfe == (nfe - 1 if name == "heun" else nfe)
    X = run(recursion, np.split(table[0].numpy(), draws))
    if name != "nullspace":
        M, c = split_state(prior, y)
        X = M @ X + c
    np.testing.assert_allclose(state.X.flatten(), X, rtol=0, atol=1e-10)


def test_the_luma_level_told_to_the_network_must_be_small():
    """Luma is clean, but the network is told sigma_y: the mean is off by its square."""
    prior, y, m, C = world()
    means = []
    for sigma_y in (0.2, 0.05, 0.001):
        steps = split_steps(prior, y, sigmas=karras_sigmas(200, 40.0, 0.002), sigma_y=sigma_y)
        means.append(errors(*picture_moments(prior, y, steps, split=True), m, C)[0])
    assert means == pytest.approx([0.0103, 8.2e-4, 9.4e-6], rel=0.02)


# -- few steps lose variance -----------------------------------------------------------------------


def one_pixel(luma=0.424, red=0.1235, green=0.0485):
    """One pixel with the spreads measured on the photographs: sqrt(3) luma, and two chromas."""
    cov = BASIS.T @ np.diag(np.square([luma, red, green])) @ BASIS
    return Prior(Lab(1, 1, F.numpy(), channels=3), np.full(3, 0.5), cov)


def chroma_variance(sampler, prior, **settings):
    """Variances of (u1, u2) in units of the posterior's."""
    rule = {"solver": "ancestral"} if sampler is split_sampler else {}
    settings = {**rule, **COMPARED, **settings}
    A, b, kinds = affine_map(sampler, prior, np.array([0.5]), F, **settings)
    _, cov = map_moments(A, b, kinds)
    true = BASIS @ prior.posterior(np.array([0.5]))[1] @ BASIS.T
    return (np.diag(BASIS @ cov @ BASIS.T) / np.diag(true))[1:]


def test_variance_lost_at_20_evaluations():
    """sigma from 10 to 0.01, rho 7, the chroma spreads of photographs (0.1235 and 0.0485)."""
    prior = one_pixel()
    for sampler in (split_sampler, nullspace):
        ode = chroma_variance(sampler, prior, steps=20, eta=0.0)
        ancestral = chroma_variance(sampler, prior, steps=20, eta=1.0)
        assert ode == pytest.approx([0.80, 0.76], abs=0.005)
        assert ancestral == pytest.approx([0.65, 0.61], abs=0.005)


def test_the_multistep_solver_repairs_it_at_the_same_price():
    prior = one_pixel()
    for eta, shares in ((0.0, [1.035, 0.986]), (1.0, [1.088, 0.998])):
        found = chroma_variance(split_sampler, prior, steps=20, eta=eta, solver="multistep")
        assert found == pytest.approx(shares, abs=0.005)


def test_lookahead_leads_from_ancestral_to_multistep():
    """Variance kept at 20 evaluations, of both chroma axes: it grows steadily."""
    prior = one_pixel()

    def kept(lookahead):
        rule = dict(solver="multistep", lookahead=lookahead)
        return chroma_variance(split_sampler, prior, steps=20, eta=1.0, **rule)

    shares = [kept(a) for a in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)]
    plain = chroma_variance(split_sampler, prior, steps=20, eta=1.0)
    assert shares[0] == pytest.approx(plain, rel=1e-12)
    assert all((b > a).all() for a, b in zip(shares, shares[1:], strict=False))
    assert shares[2] == pytest.approx([0.780, 0.730], abs=0.005)
    assert shares[5] == pytest.approx([1.088, 0.998], abs=0.005)


def test_heun_repairs_it_from_20_steps_on():
    """20 Heun steps (39 evaluations) keep 1.04 of the variance, where 39 Euler steps keep 0.89;
    10 (19 evaluations) overshoot to 1.22."""
    prior = one_pixel()

    def red(**settings):
        return chroma_variance(split_sampler, prior, **settings)[0]

    assert red(solver="heun", steps=20) == pytest.approx(1.039, abs=0.005)
    assert red(solver="heun", steps=10) == pytest.approx(1.22, abs=0.01)
    assert red(eta=0.0, steps=39) == pytest.approx(0.892, abs=0.005)


def test_a_constant_fraction_of_fresh_noise_fades_the_colours():
    """DDRM and DDNM add eta sigma' z whatever the step: in the limit of many steps only
    (1 + sqrt(1 - eta^2))/2 of the posterior variance is left, half at eta = 1."""
    prior, steps = one_pixel(), 1500
    model, sigmas = model_of(prior), karras_sigmas(steps, 10.0, 0.001)
    u1 = torch.tensor(BASIS[1]).view(1, 3, 1, 1)
    variance = np.full(3, sigmas[0] ** 2)
    eta = np.array([0.5, 0.85, 1.0])
    for sigma, after in zip(sigmas, sigmas[1:], strict=False):
        gain = float(((model.denoise(model.mean + u1, sigma) - model.mean) * u1).sum())
        keep = gain + np.sqrt(1 - eta**2) * after / sigma * (1 - gain)
        variance = keep**2 * variance + (eta * after) ** 2
    assert variance / 0.1235**2 == pytest.approx((1 + np.sqrt(1 - eta**2)) / 2, abs=0.005)


def test_ancestral_steps_keep_the_variance_in_the_same_limit():
    prior = one_pixel()
    steps = known_part_steps(prior, np.array([0.5]), sigmas=karras_sigmas(1500, 10.0, 0.001))
    _, cov = moments(steps)
    assert (BASIS @ cov @ BASIS.T)[1, 1] / 0.1235**2 == pytest.approx(0.99, abs=0.005)


# -- (iii) Langevin and predictor-corrector: biased, and by how much -------------------------------


def test_langevin_bias_shrinks_with_more_steps():
    """The authors' variant (nine free chains) at the LSUN step: the covariance comes out too
    large by 193, 26, 6 and 2 % (trace) at T = 25, 100, 400 and 1,600 steps a level."""
    prior, y, m, C = world()
    found = {}
    for T in (25, 100, 400, 1600):
        steps = langevin_steps(
            prior, y, sigmas=sigma_ladder(), T=T, epsilon=5.4e-6, feedback="none"
        )
        mean, cov = picture_moments(prior, y, steps)
        found[T] = errors(mean, cov, m, C), np.trace(cov) / np.trace(C)
    traces = [trace for _, trace in found.values()]
    assert traces == pytest.approx([2.932, 1.262, 1.062, 1.021], abs=0.01)
    covs = [cov for (_, cov), _ in found.values()]
    assert covs == pytest.approx([1.764, 0.256, 0.056, 0.0148], rel=0.02)
    means = [mean for (mean, _), _ in found.values()]
    assert means == pytest.approx([0.0420, 0.0045, 0.0011, 0.0007], rel=0.06)


def test_restacking_keeps_its_bias_however_long_the_chain():
    prior, y, _, C = world()
    traces = []
    for T in (400, 1600):
        steps = langevin_steps(
            prior, y, sigmas=sigma_ladder(), T=T, epsilon=5.4e-6, feedback="level"
        )
        traces.append(np.trace(picture_moments(prior, y, steps)[1]) / np.trace(C))
    assert traces == pytest.approx([1.582, 1.521], abs=0.01)


def test_covariance_trace_of_the_four_feedbacks():
    """3 x 3 pixels, half scale, ten levels of 100 steps, LSUN step: the trace of the fused
    picture's covariance over the posterior's. Re-stacking feeds the network noise it never saw."""
    prior, y, _, C = world(3, 3, scale=0.5)
    found = {}
    for feedback in ("none", "level", "step", "renoise"):
        steps = langevin_steps(
            prior, y, sigmas=sigma_ladder(), T=100, epsilon=5.4e-6, feedback=feedback
        )
        _, cov = moments(steps)
        restacked = feedback in ("level", "step")
        P = np.eye(3 * prior.lab.n, prior.lab.D) if restacked else prior.lab.fusion(5.9)
        found[feedback] = np.trace(P @ cov @ P.T) / np.trace(C)
    expected = dict(none=1.266, level=1.491, step=2.462, renoise=0.803)
    assert found == pytest.approx(expected, abs=0.005)


def test_predictor_corrector_bias_shrinks_with_corrections():
    """20 levels from 10 to 0.01: error of the covariance with 0, 1, 3, 10 and 30 corrections."""
    prior, y, m, C = world()
    found = []
    for corrections in (0, 1, 3, 10, 30):
        steps = known_part_steps(prior, y, sigmas=karras_sigmas(20), corrections=corrections)
        found.append(errors(*picture_moments(prior, y, steps), m, C))
    covs, means = [cov for _, cov in found], [mean for mean, _ in found]
    assert covs == pytest.approx([0.3175, 0.2979, 0.2661, 0.1967, 0.1171], rel=0.01)
    assert means == sorted(means, reverse=True) and means[-1] < 0.6 * means[0]


@pytest.mark.parametrize(
    "S, sigma, share",
    [
        (0.18, 1.0, 0.54),
        (0.18, 0.01, 0.9995),
        (1.0, 1.0, 2 / 3),
        (1.0, 0.01, 0.9999),
    ],
)
def test_luma_of_the_flat_prior_constraint_is_too_narrow(S, sigma, share):
    """Along luma Langevin with lambda_0 = 1 settles at sigma^2 (S + sigma^2)/(S + 2 sigma^2),
    where the noised photograph has sigma^2: 0.54 of it at sigma = 1 for the luma variance of
    photographs, 0.18."""
    prior = one_pixel(luma=math.sqrt(S))
    model, alpha = model_of(prior), 1e-4 * sigma**2
    grey = torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64)
    seen, u0 = Observation(grey, F, model.domain), torch.tensor(BASIS[0]).view(1, 3, 1, 1)

    def step(X):
        return langevin_step(model, X, seen, sigma, alpha, 1.0, Still())

    m = float(((step(u0) - step(0 * u0)) * u0).sum())
    stationary = alpha / (1 - m**2)
    assert stationary == pytest.approx(sigma**2 * (S + sigma**2) / (S + 2 * sigma**2), rel=1e-4)
    assert stationary / sigma**2 == pytest.approx(share, abs=2e-3)
