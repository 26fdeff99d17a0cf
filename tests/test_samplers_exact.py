"""The samplers against the exact posterior of Gaussian priors, in float64.

With a Gaussian score every sampler is affine in its noise. So its map is recovered by playing zero
noise and unit vectors, and the mean and covariance of its output follow without sampling.
"""

import numpy as np
import pytest
import torch
from dense import (
    Lab,
    known_part_steps,
    langevin_steps,
    moments,
    photographic,
    run,
    split_state,
    split_steps,
)
from rats import affine_map, amount_of_noise, map_moments, play

from jgm_lib.noise import karras_sigmas, sigma_ladder
from jgm_lib.operators import gray_weights
from jgm_lib.samplers import langevin, nullspace, predictor_corrector
from jgm_lib.samplers import split as split_sampler

MEAN, BT601 = gray_weights("mean"), gray_weights("bt601")


def lab_of(f=MEAN, H=2, W=2, **settings):
    return Lab(H, W, f.numpy(), **settings)


def a_grey(prior, by=0.15):
    """A grey picture some way off the prior's mean."""
    n = prior.lab.n
    return prior.lab.F @ prior.mean + by * np.linspace(1, -0.5, n)


# -- (i) the implementation is the recursion -------------------------------------------------------


def check_against_recursion(sampler, prior, f, recursion, to_X=None, **settings):
    """Same map, same moments, same picture for the same noise, all to 1e-10."""
    y = a_grey(prior)
    steps = list(recursion(y))
    M, c = to_X(prior, y) if to_X else (np.eye(prior.lab.D), 0)
    A, b, kinds = affine_map(sampler, prior, y, f, **settings)
    mean, cov = moments(steps)
    got_mean, got_cov = map_moments(A, b, kinds)
    np.testing.assert_allclose(got_mean, M @ mean + c, rtol=0, atol=1e-10)
    np.testing.assert_allclose(got_cov, M @ cov @ M.T, rtol=0, atol=1e-10)
    blocks = amount_of_noise(sampler, prior, y, f, **settings)
    draw = torch.randn(1, sum(blocks), generator=torch.Generator().manual_seed(0)).double()
    state, _ = play(sampler, prior, y, f, draw, **settings)
    pieces = np.split(draw[0].numpy(), np.cumsum(blocks)[:-1])
    X = M @ run(steps, pieces) + c
    np.testing.assert_allclose(state.X.flatten(), X, rtol=0, atol=1e-10)


@pytest.mark.parametrize("feedback", ["none", "level", "step", "renoise"])
@pytest.mark.parametrize(
    "f, options",
    [
        (MEAN, {}),
        (BT601, dict(scale=0.5, boundary="periodic", H=3)),
        (BT601, dict(channels=3)),
    ],
)
def test_langevin_is_algorithm_1(feedback, f, options):
    prior = photographic(lab_of(f, **options))
    settings = dict(T=4, epsilon=2e-3, lam=0.7, beta=5.9, feedback=feedback)
    sigmas = sigma_ladder(1.0, 0.1, 3)

    def recursion(y):
        return langevin_steps(prior, y, sigmas=sigmas, **settings)

    check_against_recursion(
        langevin,
        prior,
        f,
        recursion,
        sigma_1=1.0,
        sigma_L=0.1,
        L=3,
        boundary=prior.lab.boundary,
        **settings,
    )


@pytest.mark.parametrize("eta", [0.0, 0.6, 1.0])
@pytest.mark.parametrize(
    "f, options, beta",
    [
        (MEAN, {}, 0.0),
        (BT601, dict(scale=0.5), 5.9),
        (BT601, dict(scale=0.5, boundary="periodic", H=3), 5.9),
        (BT601, dict(channels=3), 5.9),
    ],
)
def test_nullspace_is_its_recursion(eta, f, options, beta):
    prior = photographic(lab_of(f, **options))
    sigmas = karras_sigmas(7, 5.0, 0.05)

    def recursion(y):
        return known_part_steps(prior, y, sigmas=sigmas, eta=eta, beta=beta)

    check_against_recursion(
        nullspace,
        prior,
        f,
        recursion,
        steps=7,
        sigma_max=5.0,
        sigma_min=0.05,
        eta=eta,
        beta=beta,
        boundary=prior.lab.boundary,
    )


@pytest.mark.parametrize("corrections", [1, 3])
@pytest.mark.parametrize("f, options, beta", [(MEAN, {}, 0.0), (BT601, dict(scale=0.5), 1.0)])
def test_predictor_corrector_is_its_recursion(corrections, f, options, beta):
    prior = photographic(lab_of(f, **options))
    sigmas = karras_sigmas(5, 5.0, 0.05)
    settings = dict(corrections=corrections, delta=0.3, eta=0.8, beta=beta)

    def recursion(y):
        return known_part_steps(prior, y, sigmas=sigmas, **settings)

    check_against_recursion(
        predictor_corrector, prior, f, recursion, steps=5, sigma_max=5.0, sigma_min=0.05, **settings
    )


@pytest.mark.parametrize(
    "solver, eta, lookahead",
    [
        ("ancestral", 0.0, 1.0),
        ("ancestral", 0.6, 1.0),
        ("ancestral", 1.0, 1.0),
        ("heun", 1.0, 1.0),
        ("multistep", 0.0, 1.0),
        ("multistep", 1.0, 1.0),
        ("multistep", 1.0, 0.4),
    ],
)
@pytest.mark.parametrize(
    "f, options",
    [
        (MEAN, {}),
        (BT601, dict(scale=0.5)),  # luma then follows the last chroma estimate
        (MEAN, dict(channels=3)),
        (BT601, dict(boundary="periodic", H=3)),
    ],
)
def test_split_is_its_recursion(solver, eta, lookahead, f, options):
    prior = photographic(lab_of(f, **options))
    sigmas = karras_sigmas(7, 5.0, 0.05)

    def recursion(y):
        rule = dict(solver=solver, lookahead=lookahead, eta=eta)
        return split_steps(prior, y, sigmas=sigmas, sigma_y=0.02, **rule)

    check_against_recursion(
        split_sampler,
        prior,
        f,
        recursion,
        to_X=split_state,
        steps=7,
        sigma_max=5.0,
        sigma_min=0.05,
        sigma_y=0.02,
        solver=solver,
        lookahead=lookahead,
        eta=eta,
        boundary=prior.lab.boundary,
    )


@pytest.mark.parametrize("f", [MEAN, BT601])
@pytest.mark.parametrize(
    "sampler, settings, fused",
    [
        (langevin, dict(feedback="none", T=60, L=3, sigma_L=0.01, epsilon=1e-4), True),
        (langevin, dict(feedback="level", T=60, L=3, sigma_L=0.01, epsilon=1e-4), False),
        (nullspace, dict(steps=9), False),
        (split_sampler, dict(steps=9, beta=5.9), True),
    ],
)
def test_the_shown_picture_is_the_fused_and_projected_state(sampler, settings, fused, f):
    """Deep inside the gamut the end is linear too: x = P fuse(X), and F x = y."""
    prior = photographic(lab_of(f), variance=2e-4)
    y, lab = a_grey(prior, 0.01), prior.lab
    n = sum(amount_of_noise(sampler, prior, y, f, **settings))
    draw = torch.randn(2, n, generator=torch.Generator().manual_seed(1)).double()
    state, _ = play(sampler, prior, y, f, draw, **settings)
    pinv = np.linalg.pinv(lab.F)
    to_x = lab.fusion(5.9) if fused else np.eye(3 * lab.n, lab.D)
    x = state.X.flatten(1).numpy() @ to_x.T
    x = x - (x @ lab.F.T - y) @ pinv.T
    assert x.min() > 0 and x.max() < 1
    np.testing.assert_allclose(state.x.flatten(1), x, rtol=0, atol=1e-10)
    assert state.residual < 1e-14
