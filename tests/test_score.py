"""Denoiser and score, the exact priors, and that learning finds them."""

import math

import numpy as np
import pytest
import torch
from dense import BASIS, Lab, Prior

from jgm_lib.joint import join
from jgm_lib.losses import dae_loss, dsm_loss
from jgm_lib.operators import to_basis
from jgm_lib.score import (
    GaussianDenoiser,
    MixtureDenoiser,
    denoiser_from_score,
    score_from_denoiser,
)

F = np.ones(3) / 3


def covariance(seed, n):
    A = torch.randn(n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return A @ A.T / n + 0.02 * torch.eye(n, dtype=torch.float64)


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def nine_channels(seed=0, H=2, W=3):
    """A joint Gaussian of pictures and their gradients, and the same prior in plain matrices."""
    prior = Prior(Lab(H, W, F), draw(seed, 3 * H * W).numpy(), covariance(seed, 3 * H * W).numpy())
    mean = torch.tensor(prior.mean_X).view(9, H, W)
    return GaussianDenoiser(mean, torch.tensor(prior.cov_X)), prior


def test_score_and_denoiser_are_tweedie_apart():
    noisy, denoised = draw(0, 2, 9, 2, 2), draw(1, 2, 9, 2, 2)
    s = score_from_denoiser(denoised, noisy, 0.3)
    torch.testing.assert_close(s, (denoised - noisy) / 0.09)
    torch.testing.assert_close(denoiser_from_score(s, noisy, 0.3), denoised, rtol=0, atol=1e-13)


# -- the Gaussian rat ----------------------------------------------------------------------------


@pytest.mark.parametrize("sigma, sigma_y", [(0.5, 0.5), (0.5, 0.01), (0.03, 1.0)])
def test_two_level_denoiser_against_the_dense_formula_in_rgb(sigma, sigma_y):
    """E[X|X~] = m + C (C + N)^-1 (X~ - m), N the noise covariance written in RGB."""
    model, prior = nine_channels()
    X = draw(2, 4, 9, 2, 3)
    A, b = prior.denoiser(sigma, sigma_y)
    expected = X.flatten(1).numpy() @ A.T + b
    got = model.denoise(X, sigma, sigma_y).flatten(1)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12 / min(sigma, sigma_y))


def test_rotated_and_plain_denoiser_agree_at_one_level_and_only_there():
    model, prior = nine_channels()
    X, C = draw(3, 3, 9, 2, 3), prior.cov_X
    centred = X.flatten(1).numpy() - prior.mean_X

    def plain(sigma):  # no rotation anywhere: all nine channels get sigma
        return prior.mean_X + centred @ np.linalg.solve(C + sigma**2 * np.eye(len(C)), C)

    for sigma in (0.1, 0.7, 5.0):
        two_level = model.denoise(X, sigma, sigma).flatten(1).numpy()
        assert np.abs(two_level - plain(sigma)).max() < 1e-12
        assert torch.equal(model.denoise(X, sigma), model.denoise(X, sigma, sigma))
        for other in (0.5 * sigma, 2 * sigma):
            two_level = model.denoise(X, sigma, other).flatten(1).numpy()
            assert np.abs(two_level - plain(sigma)).max() > 0.01
            assert np.abs(two_level - plain(other)).max() > 0.01  # nor is it the other level's


def test_clean_luma_passes_and_chroma_is_the_conditional_mean():
    """sigma_y -> 0 makes the chroma estimate the mean of p(colour | grey, noisy chroma)."""
    H, W = 1, 2
    C, m = covariance(5, 6).numpy(), draw(5, 6).numpy()
    model = GaussianDenoiser(torch.tensor(m).view(3, H, W), torch.tensor(C))
    R = np.kron(BASIS, np.eye(H * W))
    Cr, mr = R @ C @ R.T, R @ m
    luma, chroma = slice(0, 2), slice(2, 6)
    X = draw(6, 1, 3, H, W)
    u = R @ X.flatten().numpy()
    gain = Cr[chroma, luma] @ np.linalg.inv(Cr[luma, luma])
    mean = mr[chroma] + gain @ (u[luma] - mr[luma])  # of chroma given the grey
    cov = Cr[chroma, chroma] - gain @ Cr[luma, chroma]
    sigma = 0.4
    expected = mean + cov @ np.linalg.solve(cov + sigma**2 * np.eye(4), u[chroma] - mean)
    got = to_basis(model.denoise(X, sigma, 1e-5)).flatten().numpy()
    np.testing.assert_allclose(got[luma], u[luma], atol=1e-7)
    np.testing.assert_allclose(got[chroma], expected, atol=1e-7)


@pytest.mark.parametrize("kind", ["gaussian", "mixture"])
@pytest.mark.parametrize("sigma", [0.05, 0.4])
def test_score_is_the_gradient_of_the_log_density(kind, sigma):
    a, b = nine_channels(0)[0], nine_channels(1)[0]
    model = a if kind == "gaussian" else MixtureDenoiser([a, b], [0.3, 0.7])
    X = (0.5 * (a.mean + b.mean) + 0.2 * draw(4, 3, 9, 2, 3)).requires_grad_()
    if kind == "gaussian":
        log_p = model.log_density(X, sigma)
    else:
        parts = [w * p.log_density(X, sigma).exp() for w, p in zip((0.3, 0.7), (a, b), strict=True)]
        log_p = sum(parts).log()
    (gradient,) = torch.autograd.grad(log_p.sum(), X)
    score = score_from_denoiser(model.denoise(X.detach(), sigma), X.detach(), sigma)
    scale = float(gradient.abs().max())
    assert float((score - gradient).abs().max()) < 1e-9 * scale


def test_mixture_against_numpy():
    m, C = draw(7, 2, 3).numpy() * 0.5, [covariance(k, 3).numpy() for k in (8, 9)]
    parts = [GaussianDenoiser(torch.tensor(m[k]).view(3, 1, 1), torch.tensor(C[k])) for k in (0, 1)]
    weights, sigma = (0.2, 0.8), 0.3
    model = MixtureDenoiser(parts, weights)
    x = draw(9, 3).numpy() * 0.5
    evidence, means = [], []
    for k in (0, 1):
        S = C[k] + sigma**2 * np.eye(3)
        d = x - m[k]
        density = math.exp(-d @ np.linalg.solve(S, d) / 2) / math.sqrt(np.linalg.det(2 * np.pi * S))
        evidence.append(weights[k] * density)
        means.append(m[k] + C[k] @ np.linalg.solve(S, d))
    r = np.array(evidence) / sum(evidence)
    X = torch.tensor(x).view(1, 3, 1, 1)
    np.testing.assert_allclose(model.responsibilities(X, sigma)[0], r, rtol=0, atol=1e-12)
    np.testing.assert_allclose(model.denoise(X, sigma).flatten(), r @ np.array(means), atol=1e-12)
    assert 0.02 < r[0] < 0.98  # both parts matter here, or the test would say little


def test_a_mixture_hears_both_noise_levels():
    """Tweedie with a noise level a channel: the answer moves u_c by s_c^2 times the slope of
    log p in u_c. Which part it was and what each part says both need sigma_y."""
    m, C = 0.5 * draw(7, 2, 3), [covariance(k, 3) for k in (8, 9)]
    parts = [GaussianDenoiser(m[k].view(3, 1, 1), C[k]) for k in (0, 1)]
    model = MixtureDenoiser(parts, (0.2, 0.8))
    X = (0.5 * draw(9, 4, 3, 1, 1)).requires_grad_()
    p = [w * q.log_density(X, 0.4, 0.1).exp() for w, q in zip((0.2, 0.8), parts, strict=True)]
    (slope,) = torch.autograd.grad(sum(p).log().sum(), X)
    variance = torch.tensor([0.1**2, 0.4**2, 0.4**2], dtype=torch.float64).view(3, 1, 1)
    moved = to_basis(model.denoise(X.detach(), 0.4, 0.1) - X.detach())
    torch.testing.assert_close(moved, variance * to_basis(slope), rtol=0, atol=1e-12)
    shares = model.responsibilities(X.detach(), 0.4, 0.1)[:, 0]
    assert bool(((shares > 0.02) & (shares < 0.98)).any())  # where both parts have a say


def test_exact_priors_keep_the_scale_of_their_parts_and_the_type_of_their_input():
    """A sampler reads the gradients at the model's scale, and gives back what it was given."""
    part = GaussianDenoiser(torch.zeros(9, 1, 1), covariance(0, 9), gradient_scale=0.5)
    for model in (part, MixtureDenoiser([part, part], (0.5, 0.5))):
        assert (model.gradient_scale, model.channels) == (0.5, 9)
        X = draw(1, 2, 9, 1, 1)
        single = model.denoise(X.float(), 0.3)
        assert single.dtype == torch.float32
        torch.testing.assert_close(single.double(), model.denoise(X, 0.3), rtol=0, atol=1e-5)


def test_gaussian_denoiser_is_the_best_of_its_neighbours():
    """The least-squares property itself, on samples: perturbing the answer costs."""
    model, prior = nine_channels(2, 1, 2)
    x = prior.mean + draw(1, 20_000, 6).numpy() @ np.linalg.cholesky(prior.cov).T
    X = join(torch.tensor(x).view(-1, 3, 1, 2))
    noisy = X + 0.5 * draw(2, *X.shape)
    D = model.denoise(noisy, 0.5)

    def error(E):
        return float((E - X).square().sum(1).mean())

    assert error(D) < min(error(model.denoise(noisy, 0.4)), error(model.denoise(noisy, 0.6)))
    assert error(D) < min(error(D + 0.05 * (noisy - D)), error(D - 0.05 * (noisy - D)))


# -- learning finds the score ----------------------------------------------------------------------


def minimize(loss, n):
    """The minimum of a quadratic loss of n parameters: one Newton step from zero."""
    theta = torch.zeros(n, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(loss(theta), theta)
    hessian = torch.autograd.functional.hessian(loss, theta.detach())
    ridge = 1e-9 * hessian.diagonal().mean() * torch.eye(n, dtype=torch.float64)
    return -torch.linalg.solve(hessian + ridge, gradient)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_learned_score_of_a_gaussian():
    """A linear network trained by Eq 6 becomes -(C + sigma^2 I)^-1 (x - m)."""
    C, m, sigma = covariance(3, 3), torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64), 0.5
    x = m + draw(4, 100_000, 3) @ torch.linalg.cholesky(C).T

    def linear(theta):
        return lambda noisy, sigma: noisy @ theta[:9].view(3, 3).T + theta[9:]

    theta = minimize(lambda t: dsm_loss(linear(t), x, sigma, rng()), 12)
    precision = torch.linalg.inv(C + sigma**2 * torch.eye(3, dtype=torch.float64))
    exact = torch.cat([-precision.flatten(), precision @ m])
    error = float((theta - exact).norm() / exact.norm())
    assert error < 0.015  # measured 0.005
    for wrong in (-exact, exact * sigma**2, exact / sigma**2):  # a sign, a sigma^2
        assert float((theta - wrong).norm() / exact.norm()) > 0.5


def test_learned_denoiser_of_a_gaussian_is_tweedies():
    """Trained by Eq 2 the optimum is E[x|x~], so (A - x~)/sigma^2 is the score, not A - x~ (the
    paper's Eq 3 drops the sigma^2)."""
    C, sigma = covariance(3, 3), 0.5
    model = GaussianDenoiser(torch.zeros(3, 1, 1), C)
    x = draw(4, 100_000, 3) @ torch.linalg.cholesky(C).T
    theta = minimize(lambda t: dae_loss(lambda n, s: n @ t.view(3, 3).T, x, sigma, rng()), 9)
    X = draw(5, 50, 3)
    learned, exact = X @ theta.view(3, 3).T, model.denoise(X.view(50, 3, 1, 1), sigma)[..., 0, 0]
    assert float((learned - exact).norm() / exact.norm()) < 0.01  # measured 0.003
    score = -torch.linalg.solve(C + sigma**2 * torch.eye(3, dtype=torch.float64), X.T).T
    assert float((score_from_denoiser(learned, X, sigma) - score).norm() / score.norm()) < 0.015
    assert float((learned - X - score).norm() / score.norm()) > 0.5  # Eq 3 as printed


def test_learned_score_of_a_mixture():
    """Forty radial functions trained by Eq 6 find the bend between two modes."""
    sigma, means, widths, weights = 0.2, (-0.6, 0.5), (0.15, 0.3), (0.35, 0.65)
    first = torch.rand(60_000, generator=rng(1), dtype=torch.float64) < weights[0]
    z = draw(2, 60_000)
    x = torch.where(first, means[0] + widths[0] * z, means[1] + widths[1] * z)[:, None]
    centres = torch.linspace(-1.6, 1.8, 40, dtype=torch.float64)

    def features(noisy):
        return torch.exp(-((noisy - centres) ** 2) / (2 * 0.15**2))  # (N,40)

    # the same generator seed gives the same noise, so the features are computed once
    kept = features(x + sigma * torch.randn(x.shape, generator=rng(), dtype=x.dtype))
    theta = minimize(lambda t: dsm_loss(lambda n, s: (kept @ t)[:, None], x, sigma, rng()), 40)
    grid = torch.linspace(-1.1, 1.2, 200, dtype=torch.float64)[:, None]
    learned = features(grid) @ theta
    exact = red_score(means, widths, weights, grid, sigma)
    scale = float(exact.square().mean().sqrt())
    assert float((learned - exact).square().mean().sqrt()) < 0.05 * scale  # measured below 0.03
    for wrong in (-exact, exact * sigma**2, exact / sigma**2):
        assert float((learned - wrong).square().mean().sqrt()) > 0.5 * scale


def red_score(means, widths, weights, grid, sigma):
    """The library's mixture on one pixel whose red channel alone has two modes."""
    parts = [
        GaussianDenoiser(
            torch.tensor([m, 0.0, 0.0]).view(3, 1, 1),
            torch.diag(torch.tensor([w**2, 1.0, 1.0], dtype=torch.float64)),
        )
        for m, w in zip(means, widths, strict=True)
    ]
    model = MixtureDenoiser(parts, weights)
    X = torch.zeros(len(grid), 3, 1, 1, dtype=torch.float64)
    X[:, 0, 0] = grid
    return score_from_denoiser(model.denoise(X, sigma), X, sigma)[:, 0, 0, 0]
