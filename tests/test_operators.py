"""Operators: each adjoint, the commutation F grad = grad F, the colour basis, the weights."""

import math

import numpy as np
import pytest
import torch
from dense import BASIS, gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from jgm_lib.errors import JGMError
from jgm_lib.operators import (
    GRAY,
    from_basis,
    grad,
    grad_adjoint,
    gray,
    gray_adjoint,
    gray_pinv,
    gray_weights,
    to_basis,
)

TIGHT = dict(rtol=0, atol=1e-12)
sizes = st.integers(1, 9)  # one pixel, odd and even
boundaries = st.sampled_from(["neumann", "periodic"])
weights = (
    st.tuples(*[st.floats(0, 1)] * 3)
    .filter(lambda w: sum(w) > 0.1)
    .map(lambda w: gray_weights([v / sum(w) for v in w]))
)
many = settings(max_examples=60, deadline=None)


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def inner(a, b):
    return float((a * b).sum())


@many
@given(sizes, sizes, boundaries, st.integers(0, 99))
def test_adjoint_of_the_gradient(H, W, boundary, seed):
    u, v1, v2 = draw(seed, 3, 2, 3, H, W)
    g1, g2 = grad(u, boundary)
    assert g1.shape == g2.shape == u.shape
    left, right = inner(g1, v1) + inner(g2, v2), inner(u, grad_adjoint(v1, v2, boundary))
    assert abs(left - right) <= 1e-12 * max(1, u.numel())


@many
@given(sizes, sizes, boundaries, st.integers(0, 99))
def test_gradient_is_the_dense_forward_difference(H, W, boundary, seed):
    u = draw(seed, 1, 1, H, W)
    G1, G2 = gradients(H, W, boundary)
    g1, g2 = grad(u, boundary)
    np.testing.assert_allclose(g1.flatten(), G1 @ u.flatten().numpy(), **TIGHT)  # vertical
    np.testing.assert_allclose(g2.flatten(), G2 @ u.flatten().numpy(), **TIGHT)  # horizontal
    adjoint = grad_adjoint(u, 2 * u, boundary).flatten()
    np.testing.assert_allclose(adjoint, (G1.T + 2 * G2.T) @ u.flatten().numpy(), **TIGHT)


def test_the_edge_of_each_boundary_by_hand():
    x = torch.tensor([[[[1.0, 2.0], [4.0, 8.0]]]], dtype=torch.float64)
    g1, g2 = grad(x, "neumann")
    assert g1.tolist() == [[[[3, 6], [0, 0]]]] and g2.tolist() == [[[[1, 0], [4, 0]]]]
    g1, g2 = grad(x, "periodic")
    assert g1.tolist() == [[[[3, 6], [-3, -6]]]] and g2.tolist() == [[[[1, -1], [4, -4]]]]


def test_adjoint_leaves_its_input_alone():
    g = draw(0, 1, 3, 4, 4)
    kept = g.clone()
    grad_adjoint(g, g)
    grad(g)
    assert torch.equal(g, kept)


@many
@given(sizes, sizes, boundaries, weights, st.integers(0, 99))
def test_graying_and_gradient_commute(H, W, boundary, f, seed):
    x = draw(seed, 2, 3, H, W)
    for a, b in zip(grad(gray(x, f), boundary), grad(x, boundary), strict=True):
        assert float((a - gray(b, f)).abs().max()) <= 1e-12


@many
@given(sizes, sizes, weights, st.integers(0, 99))
def test_adjoint_and_pseudo_inverse_of_graying(H, W, f, seed):
    x, y = draw(seed, 2, 3, H, W), draw(seed + 100, 2, 1, H, W)
    assert abs(inner(gray(x, f), y) - inner(x, gray_adjoint(y, f))) <= 1e-12 * x.numel()
    torch.testing.assert_close(gray(gray_adjoint(y, f), f), y * f.square().sum(), **TIGHT)
    torch.testing.assert_close(gray(gray_pinv(y, f), f), y, **TIGHT)
    pinv = np.linalg.pinv(f.numpy()[None])[:, 0]
    np.testing.assert_allclose(gray_pinv(y, f), y * torch.tensor(pinv).view(1, 3, 1, 1), **TIGHT)


@pytest.mark.parametrize("channels", [3, 6, 9])
def test_the_colour_basis_is_orthonormal(channels):
    X = draw(0, 2, channels, 3, 4)
    U = to_basis(X)
    torch.testing.assert_close(from_basis(U), X, **TIGHT)
    assert abs(inner(U, U) - inner(X, X)) <= 1e-11
    Z = draw(1, 2, channels, 3, 4)
    assert abs(inner(U, Z) - inner(X, from_basis(Z))) <= 1e-11  # the inverse is the adjoint
    for g in range(0, channels, 3):  # each group is turned by itself, luma first
        expected = np.einsum("ij,bjhw->bihw", BASIS, X[:, g : g + 3].numpy())
        np.testing.assert_allclose(U[:, g : g + 3], expected, **TIGHT)
    luma = math.sqrt(3) * gray(X[:, :3], gray_weights("mean"))
    torch.testing.assert_close(U[:, :1], luma, **TIGHT)


def test_the_two_weights_of_the_paper():
    assert gray_weights("mean").tolist() == [1 / 3] * 3  # Eq 18
    assert gray_weights("bt601").tolist() == pytest.approx([0.3, 0.59, 0.11], abs=1e-15)  # Eq 19
    assert gray_weights().dtype == torch.float64
    assert gray_weights((0, 1, 0)).tolist() == [0, 1, 0]
    rounded = gray_weights([0.3333333, 0.3333333, 0.3333333])  # off by 1e-7: brought to a sum of 1
    assert float(rounded.sum()) == pytest.approx(1, abs=1e-15)
    assert set(GRAY) == {"mean", "bt601"}


@pytest.mark.parametrize(
    "spec, match",
    [
        ("luma", "mean, bt601"),
        ((-0.1, 0.6, 0.5), ">= 0 that sum to 1"),
        ((0.3, 0.3, 0.3), ">= 0 that sum to 1"),
        ((0.35, 0.35, 0.35), ">= 0 that sum to 1"),  # 1.05 would brighten every picture
        ((0.3, 0.59, 0.11001), ">= 0 that sum to 1"),
        ((0.5, 0.5), "three numbers"),
        ((0.25, 0.25, 0.25, 0.25), "three numbers"),
        ((float("nan"), 0.5, 0.5), "three numbers"),
        (("a", "b", "c"), "three numbers"),
        (None, "three numbers"),
    ],
)
def test_bad_weights_are_refused_in_one_line(spec, match):
    with pytest.raises(JGMError, match=match) as error:
        gray_weights(spec)
    assert "\n" not in str(error.value)


def test_unknown_boundary_is_refused():
    x = draw(0, 1, 3, 2, 2)
    with pytest.raises(JGMError, match="neumann or periodic"):
        grad(x, "mirror")
    with pytest.raises(JGMError, match="neumann or periodic"):
        grad_adjoint(x, x, "mirror")
