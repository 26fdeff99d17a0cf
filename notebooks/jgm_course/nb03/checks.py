"""Checkers of lesson 03."""

import itertools

import numpy as np
import torch

from jgm_lib.fusion import fuse, laplacian_eigenvalues
from jgm_lib.operators import grad, grad_adjoint

from ..checking import Hint, close, exercise


def _draw(seed, *shape):
    gen = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=gen, dtype=torch.float64)


def _same(a, b) -> bool:
    return a.shape == b.shape and torch.allclose(a.double(), b, atol=1e-9)


@exercise(
    "03",
    "gradient_transpose",
    wrong={
        "plus the divergence": (lambda g1, g2: -grad_adjoint(g1, g2), "sign"),
        "wraps around": (lambda g1, g2: grad_adjoint(g1, g2, "periodic"), "boundary"),
        "forward again": (lambda g1, g2: -grad(g1)[0] - grad(g2)[1], "backward"),
        "directions swapped": (lambda g1, g2: grad_adjoint(g2, g1), "vertical"),
    },
)
def check_gradient_transpose(answer):
    """The adjoint identity on a picture that is not square, the last row and column in use."""
    g1, g2 = _draw(0, 2, 1, 1, 5, 4)
    u = _draw(1, 1, 1, 5, 4)
    got, right = answer(g1, g2), grad_adjoint(g1, g2)
    if got.shape != right.shape:
        raise Hint(f"the shape is {tuple(got.shape)}, it should be that of g1, {tuple(g1.shape)}")
    if _same(got, -right):
        raise Hint("the sign: the adjoint of the gradient is minus the divergence")
    if _same(got, grad_adjoint(g2, g1)):
        raise Hint("g1 holds the vertical differences (dimension -2), g2 the horizontal ones")
    if _same(got, grad_adjoint(g1, g2, "periodic")):
        raise Hint(
            "the boundary is missing: the last difference is always 0, whatever g holds there"
        )
    if _same(got, -grad(g1)[0] - grad(g2)[1]):
        raise Hint("the gradient looks forward, so its transpose takes backward differences")
    d1, d2 = grad(u)
    left = (d1 * g1).sum() + (d2 * g2).sum()
    close((u * got).sum(), left, "<grad u, g> = <u, A^T g> fails: transpose the matrix of Eq 8")
    close(got, right, "right for one picture u, not for all: look at the edges")


def _solve(b, divisor):
    return torch.fft.ifft2(torch.fft.fft2(b) / divisor).real


def _K(x, boundary="periodic"):
    return laplacian_eigenvalues(*x.shape[-2:], boundary, x)


def _no_right_beta(x, g1, g2, beta):
    return _solve(x + grad_adjoint(g1, g2, "periodic"), 1 + beta * _K(x))


def _beta_on_picture(x, g1, g2, beta):
    return _solve(beta * x + grad_adjoint(g1, g2, "periodic"), beta + _K(x))


def _half_turn(x, g1, g2, beta):
    return _solve(x + beta * grad_adjoint(g1, g2, "periodic"), 1 + beta * _K(x, "neumann"))


def _divergence(x, g1, g2, beta):
    return _solve(x - beta * grad_adjoint(g1, g2, "periodic"), 1 + beta * _K(x))


@exercise(
    "03",
    "fuse_periodic",
    wrong={
        "beta only on the left": (_no_right_beta, "both sides"),
        "beta on the picture": (_beta_on_picture, "weighs the gradients"),
        "half the turn": (_half_turn, "2 pi"),
        "sign of the adjoint": (_divergence, "sign"),
    },
)
def check_fuse_periodic(answer):
    """Eq 14 on gradients of no picture; the mistakes are told apart by what they compute."""
    x, g1, g2 = _draw(2, 3, 1, 3, 6, 5)
    got, right = answer(x, g1, g2, 2.5), fuse(x, g1, g2, 2.5, "periodic")
    for wrong, hint in (
        (_no_right_beta, "beta stands on both sides of (I + beta K) x = x_t + beta grad^T g"),
        (_beta_on_picture, "beta is in the wrong place: it weighs the gradients, not the picture"),
        (
            _half_turn,
            "these are the cosine eigenvalues; a Fourier mode turns by 2 pi k / n a pixel",
        ),
        (_divergence, "the sign of grad^T g: the adjoint is minus the divergence"),
    ):
        if _same(got, wrong(x, g1, g2, 2.5)):
            raise Hint(hint)
    close(got, right, "this is not the solution of (I + beta grad^T grad) x = x_t + beta grad^T g")
    close(answer(x, g1, g2, 0.0), x, "with beta = 0 the picture must come back unchanged")


def _gain(beta, noise, K):
    return ((1 + noise * beta**2 * K) / (1 + beta * K) ** 2).mean()


@exercise(
    "03",
    "noise_factor",
    wrong={
        "variance for deviation": (lambda b, s, K: float(_gain(b, 1 / s**2, K)), "root"),
        "kappa for its square": (lambda b, s, K: float(_gain(b, 1 / s, K)) ** 0.5, "square"),
        "scale for kappa": (lambda b, s, K: float(_gain(b, s**2, K)) ** 0.5, "unscaling"),
        "2 kappa": (lambda b, s, K: float(_gain(b, 2 / s, K)) ** 0.5, "another scale"),
        "gradients without noise": (lambda b, s, K: float(_gain(b, 0, K)) ** 0.5, "own noise"),
    },
)
def check_noise_factor(answer):
    """The four numbers of the lesson, on a small periodic picture."""
    K = laplacian_eigenvalues(8, 6, "periodic", torch.zeros(1, dtype=torch.float64))
    got, right = float(answer(5.9, 0.5, K)), float(_gain(5.9, 4.0, K)) ** 0.5
    if np.isclose(got, right**2):
        raise Hint("that is the factor of the variance: take the root")
    if np.isclose(got, float(_gain(5.9, 2.0, K)) ** 0.5):
        raise Hint("variances add, so the noise of the gradients counts with the square of kappa")
    if np.isclose(got, float(_gain(5.9, 0.25, K)) ** 0.5):
        raise Hint("unscaling divides by the scale: kappa = 1/scale")
    if np.isclose(got, float(_gain(5.9, 0.0, K)) ** 0.5):
        raise Hint("the gradients bring their own noise: a term kappa^2 beta^2 K belongs above")
    close(got, right, "the mean over all K of (1 + kappa^2 beta^2 K)/(1 + beta K)^2, then the root")
    close(float(answer(0.0, 0.5, K)), 1.0, "with beta = 0 the noise stays as it is")
    other = float(_gain(2.0, 1 / 0.64, K)) ** 0.5
    close(float(answer(2.0, 0.8, K)), other, "wrong at another scale: kappa^2 is 1/scale^2")


def _matchings(D):
    n = len(D)
    order = np.array(list(itertools.permutations(range(n))))
    return D[np.arange(n), order].mean(1), np.trace(D) / n


def _strict(D):
    means, own = _matchings(D)
    return float((means < own - 1e-12).mean())


def _upside_down(D):
    means, own = _matchings(D)
    return float((means >= own - 1e-12).mean())


def _best(D):
    means, _ = _matchings(D)
    return float((means <= means.min() + 1e-12).mean())


def _ties(D):
    means, own = _matchings(D)
    return float(np.isclose(means, own).mean())


def _entries(D):
    return float((np.trace(D) / len(D) + 1e-12 >= D).mean())


@exercise(
    "03",
    "matching_p",
    wrong={
        "truth not counted": (_strict, "itself"),
        "wrong side": (_upside_down, "small"),
        "single pairs": (_entries, "matchings"),
        "as close as the best": (_best, "true one"),
        "only equally close": (_ties, "closer"),
    },
)
def check_matching_p(answer):
    """Distances with a clear diagonal, and one without any."""
    D = np.array([[1.0, 5, 6, 4], [5, 2, 7, 6], [4, 6, 3, 8], [7, 4, 6, 1]])
    got, right = float(answer(D)), 1 / 24
    if np.isclose(got, 0):
        raise Hint("the true matching is one of all matchings: count it itself, p is never 0")
    if np.isclose(got, _upside_down(D)):
        raise Hint("halves that belong together have a small distance: count <=, not >=")
    if np.isclose(got, _entries(D)):
        raise Hint("count matchings, that is permutations of the columns, not single distances")
    close(got, right, "here only the true one of 24 matchings has so small a mean distance")
    close(float(answer(np.ones((3, 3)))), 1.0, "if all distances are equal nothing speaks: p = 1")
    far = np.array([[2.0, 1, 5], [4, 2, 1], [1, 6, 2]])  # one matching is closer than the true one
    hint = (
        "if others are closer than the true one, count them: all that are as close as the true one"
    )
    close(float(answer(far)), 2 / 6, hint)
