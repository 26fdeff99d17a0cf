"""Eq 14 against a dense solve, and the facts of the method about fusion."""

import math

import numpy as np
import pytest
import torch
from dense import gradients
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dct as scipy_dct

from jgm_lib.errors import JGMError
from jgm_lib.fusion import dct, fuse, fusion_noise_gain, idct, laplacian_eigenvalues, poisson
from jgm_lib.operators import grad, gray, gray_weights

BOUNDARIES = ["neumann", "periodic"]


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 3), st.sampled_from([-1, -2]), st.integers(0, 99))
def test_dct_against_scipy_and_its_inverse(n, m, dim, seed):
    x = draw(seed, 2, n, m) if dim == -2 else draw(seed, 2, m, n)
    c = dct(x, dim)
    np.testing.assert_allclose(2 * c, scipy_dct(x.numpy(), type=2, axis=dim), rtol=0, atol=1e-12)
    torch.testing.assert_close(idct(c, dim), x, rtol=0, atol=1e-13)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 1), (3, 4), (5, 5)])
def test_eigenvalues_of_the_laplacian(size, boundary):
    G1, G2 = gradients(*size, boundary)
    dense = np.linalg.eigvalsh(G1.T @ G1 + G2.T @ G2)
    K = laplacian_eigenvalues(*size, boundary, torch.zeros(1, dtype=torch.float64))
    assert K.shape == size and float(K[0, 0]) == 0
    np.testing.assert_allclose(np.sort(K.flatten()), dense, rtol=0, atol=1e-12)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("beta", [0.0, 0.25, 1.0, 5.9, 100.0])
@pytest.mark.parametrize("size", [(1, 1), (1, 6), (5, 1), (3, 4), (6, 5)])
def test_fusion_is_the_dense_solution(size, beta, boundary):
    H, W = size
    x, g1, g2 = draw(0, 3, 2, 3, H, W)  # a batch of 2 pictures and gradients of no picture
    G1, G2 = gradients(H, W, boundary)
    A = np.eye(H * W) + beta * (G1.T @ G1 + G2.T @ G2)
    flat = [t.reshape(6, H * W).numpy().T for t in (x, g1, g2)]
    expected = np.linalg.solve(A, flat[0] + beta * (G1.T @ flat[1] + G2.T @ flat[2]))
    got = fuse(x, g1, g2, beta, boundary).reshape(6, H * W).numpy().T
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_fusion_minimizes_its_own_objective(boundary):
    x, g1, g2 = draw(1, 3, 1, 3, 4, 5)

    def objective(u):
        d1, d2 = grad(u, boundary)
        gradients_part = (d1 - g1).square().sum() + (d2 - g2).square().sum()
        return float((u - x).square().sum() + 5.9 * gradients_part)

    best = fuse(x, g1, g2, 5.9, boundary)
    for seed in range(5):
        assert objective(best + 1e-3 * draw(seed, 1, 3, 4, 5)) > objective(best)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("spec", ["mean", "bt601"])
def test_fact_a_fusion_keeps_the_grey(spec, boundary):
    """If F x_t = y and F g = grad y then the fused x has F x = y exactly."""
    f, y = gray_weights(spec), draw(0, 2, 1, 4, 5)

    def with_grey(u, target):
        return u + (target - gray(u, f)) * f.view(1, 3, 1, 1) / f.square().sum()

    d1, d2 = grad(y, boundary)
    x, g1, g2 = draw(1, 3, 2, 3, 4, 5)
    fused = fuse(with_grey(x, y), with_grey(g1, d1), with_grey(g2, d2), 5.9, boundary)
    assert float((gray(fused, f) - y).abs().max()) < 1e-12
    if boundary == "neumann":  # and with the gradients of one boundary, the system of the other not
        wrong = fuse(with_grey(x, y), with_grey(g1, d1), with_grey(g2, d2), 5.9, "periodic")
        assert float((gray(wrong, f) - y).abs().max()) > 0.1


@pytest.mark.parametrize(
    "beta, scale, boundary, std",
    [
        (5.9, 0.5, "periodic", 1.147),  # the authors' setting makes the picture noisier
        (0.25, 0.5, "periodic", 0.733),
        (5.9, 1.0, "periodic", 0.583),
        (1.0, 1.0, "periodic", 0.504),
    ],
)
def test_fact_b_what_fusion_does_to_noise(beta, scale, boundary, std):
    gain = fusion_noise_gain(beta, scale, 64, 64, boundary)
    assert math.sqrt(gain) == pytest.approx(std, abs=5e-4)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("beta, scale", [(5.9, 0.5), (0.25, 0.5), (5.9, 1.0), (1.0, 1.0)])
def test_fact_b_by_monte_carlo(beta, scale, boundary):
    sigma, n = 0.1, 16
    x, g1, g2 = sigma * draw(0, 3, 400, 1, n, n)
    noise = fuse(x, g1 / scale, g2 / scale, beta, boundary)
    measured = float(noise.square().mean()) / sigma**2  # 102,400 numbers: standard error near 1 %
    assert measured == pytest.approx(fusion_noise_gain(beta, scale, n, n, boundary), rel=0.03)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("beta, scale", [(5.9, 0.5), (0.25, 0.5), (5.9, 1.0), (1.0, 1.0)])
def test_fact_b_by_the_dense_matrix(beta, scale, boundary):
    H, W = 4, 5
    G1, G2 = gradients(H, W, boundary)
    S = np.linalg.inv(np.eye(H * W) + beta * (G1.T @ G1 + G2.T @ G2))
    M = np.concatenate([S, beta / scale * S @ G1.T, beta / scale * S @ G2.T], axis=1)
    gain = fusion_noise_gain(beta, scale, H, W, boundary)
    assert gain == pytest.approx((M**2).sum() / (H * W), rel=1e-12)


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.3])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_fact_b_the_best_beta_is_the_square_of_the_scale(scale, boundary):
    best = fusion_noise_gain(scale**2, scale, 12, 12, boundary)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert fusion_noise_gain(scale**2 * factor, scale, 12, 12, boundary) > best


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_fact_c_the_limits_of_beta(boundary):
    x, g1, g2 = draw(2, 3, 2, 3, 5, 4)
    assert torch.equal(fuse(x, g1, g2, 0.0, boundary), x)
    mean = x.mean((-2, -1), keepdim=True)
    limit = poisson(g1, g2, mean, boundary)
    distances = [float((fuse(x, g1, g2, b, boundary) - limit).abs().max()) for b in (1e2, 1e4, 1e6)]
    assert distances[2] < 1e-5 and distances[1] < distances[0] / 50
    torch.testing.assert_close(limit.mean((-2, -1), keepdim=True), mean, rtol=0, atol=1e-12)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_poisson_restores_a_picture_from_its_gradients(boundary):
    x = draw(3, 2, 3, 5, 6)
    back = poisson(*grad(x, boundary), x.mean((-2, -1), keepdim=True), boundary)
    torch.testing.assert_close(back, x, rtol=0, atol=1e-12)


def test_batched_equals_alone_and_single_precision_stays():
    x, g1, g2 = draw(4, 3, 4, 3, 6, 5)
    together = fuse(x, g1, g2, 5.9)
    alone = torch.cat([fuse(x[i : i + 1], g1[i : i + 1], g2[i : i + 1], 5.9) for i in range(4)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-13)
    single = fuse(x.float(), g1.float(), g2.float(), 5.9)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), together, rtol=0, atol=1e-5)


@pytest.mark.parametrize("beta", [-1.0, float("nan"), float("inf")])
def test_bad_beta_is_refused(beta):
    x = draw(0, 1, 3, 2, 2)
    with pytest.raises(JGMError, match=r"beta=.*>= 0"):
        fuse(x, x, x, beta)
    with pytest.raises(JGMError, match="neumann or periodic"):
        fuse(x, x, x, 1.0, "mirror")
