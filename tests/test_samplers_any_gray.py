"""The split sampler under other weights than the mean: exact for a network told of them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from dense import Lab, photographic
from rats import Batch, Script, grey_tensor, last, model_of
from test_samplers_posterior import RANGE, F, errors, world

from jgm_lib.constraint import Observation
from jgm_lib.operators import gray, gray_weights
from jgm_lib.samplers import split as split_sampler

BLUISH = gray_weights([0.05, 0.35, 0.6])  # far from the mean, as early film


def told_any_gray(prior):
    """The denoiser of a network whose luma is the photograph F x and not the mean: x and its
    gradients with (F x - mean) added to all three colours, which leaves the chroma alone."""
    lab, n = prior.lab, prior.lab.n
    T = np.eye(3 * n) + np.kron(np.ones((3, 1)), np.kron(lab.f - 1 / 3, np.eye(n)))
    return SimpleNamespace(
        lab=lab, mean_X=lab.J @ T @ prior.mean, cov_X=lab.J @ T @ prior.cov @ T.T @ lab.J.T
    )


def bluish_errors(prior, y, any_gray, steps, **settings):
    """Errors of mean and covariance of the picture, against the posterior given F x = y."""
    model = model_of(told_any_gray(prior) if any_gray else prior)
    model.any_gray = any_gray
    settings = dict(steps=steps, eta=1.0, sigma_y=1e-3, **RANGE) | settings
    N = steps * len(prior.lab.chroma)
    table = torch.cat([torch.zeros(1, N), torch.eye(N)]).double()
    seen = Observation(grey_tensor(prior.lab, y, N + 1), BLUISH)
    state = last(split_sampler(model, seen, Script(table), **settings))
    x = state.X.flatten(1).numpy()[:, : 3 * prior.lab.n]
    np.testing.assert_allclose(x @ prior.lab.F.T, np.tile(y, (N + 1, 1)), rtol=0, atol=1e-12)
    assert float((gray(state.x, BLUISH).flatten(1) - torch.tensor(y)).abs().max()) < 1e-12
    return errors(x[0], (x[1:] - x[0]).T @ (x[1:] - x[0]), *prior.posterior(y))


@pytest.mark.parametrize("channels", [9, 3])
def test_any_graying_is_exact_for_a_network_that_was_told_it(channels):
    """The photograph under weights far from the mean: mean and covariance come to the posterior
    with the number of steps. Where the network knew the mean alone the mean never does."""
    prior = photographic(Lab(1, 2, BLUISH.numpy(), channels=channels))
    y = prior.lab.F @ prior.mean + np.array([0.15, -0.07])
    found = {
        (told, n): bluish_errors(prior, y, told, n) for told in (True, False) for n in (25, 100)
    }
    for n in (25, 100):
        assert found[True, n][0] < 1e-5
        assert found[False, n][0] == pytest.approx(0.1756, abs=1e-3)
    assert found[True, 100][1] < 0.12 and found[True, 100][1] < 0.4 * found[True, 25][1]


@pytest.mark.parametrize("solver, bound", [("multistep", 0.015), ("heun", 0.006)])
def test_the_quicker_solvers_are_exact_for_any_graying_too(solver, bound):
    prior = photographic(Lab(1, 2, BLUISH.numpy()))
    y = prior.lab.F @ prior.mean + np.array([0.15, -0.07])
    of_mean, of_cov = bluish_errors(prior, y, True, 80, solver=solver)
    assert of_mean < 5e-4 and of_cov < bound


def test_for_the_mean_both_ways_are_one():
    prior, y, _, _ = world(1, 2)
    runs = []
    for told in (True, False):
        model, noise = model_of(prior), Batch(3)
        model.any_gray = told
        seen = Observation(grey_tensor(prior.lab, y, 5), F)
        runs.append(last(split_sampler(model, seen, noise, steps=7)).x)
    torch.testing.assert_close(*runs, rtol=0, atol=1e-12)
