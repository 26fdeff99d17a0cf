"""Checkers of lesson 01."""

import torch

from ..checking import Hint, close, exercise


@exercise(
    "01",
    "denoiser_to_score",
    wrong={
        "sign": (lambda denoised, noisy, sigma: (noisy - denoised) / sigma**2, "sign"),
        "sigma for sigma squared": (
            lambda denoised, noisy, sigma: (denoised - noisy) / sigma,
            "square",
        ),
        "not divided": (lambda denoised, noisy, sigma: denoised - noisy, "divide"),
        "2 over sigma": (lambda denoised, noisy, sigma: 2 * (denoised - noisy) / sigma, "another"),
    },
)
def check_denoiser_to_score(answer):
    """Eq 5 on fixed numbers."""
    denoised, noisy, sigma = torch.tensor([1.0, 0.0]), torch.tensor([3.0, -1.0]), 0.5
    step, got = denoised - noisy, answer(denoised, noisy, sigma)
    if torch.allclose(got, -step / sigma**2):
        raise Hint("the sign is wrong: the score points from the noisy to the denoised value")
    if torch.allclose(got, step):
        raise Hint("divide by the variance of the noise")
    if torch.allclose(got, step / sigma):
        raise Hint("divide by the variance, the square of sigma")
    close(got, step / sigma**2, "the score is the way to the denoised value over the variance")
    other = answer(denoised, noisy, 0.8)
    close(other, step / 0.64, "right at sigma 0.5 only; at another sigma the divisor is its square")


def _half(score, x, sigma, z):
    return (score(x + sigma * z, sigma) + z / sigma).square().sum(1).mean()


def _sign(score, x, sigma, z):
    return 0.5 * (score(x + sigma * z, sigma) - z / sigma).square().sum(1).mean()


def _no_sigma(score, x, sigma, z):
    return 0.5 * (score(x + sigma * z, sigma) + z).square().sum(1).mean()


def _sigma_squared(score, x, sigma, z):
    return 0.5 * (score(x + sigma * z, sigma) + z / sigma**2).square().sum(1).mean()


def _clean(score, x, sigma, z):
    return 0.5 * (score(x, sigma) + z / sigma).square().sum(1).mean()


def _mean(score, x, sigma, z):
    return 0.5 * (score(x + sigma * z, sigma) + z / sigma).square().mean()


@exercise(
    "01",
    "denoising_loss",
    wrong={
        "sign of the target": (_sign, "sign"),
        "noise not divided by sigma": (_no_sigma, "sigma"),
        "z over sigma squared": (_sigma_squared, "z already"),
        "half forgotten": (_half, "1/2"),
        "score of the clean point": (_clean, "noisy"),
        "mean over the dimensions": (_mean, "Sum"),
    },
)
def check_denoising_loss(answer):
    """Eq 6 (c): known answers for simple scores, then a random one."""
    g = torch.Generator().manual_seed(0)
    x, z = (torch.randn(50, 3, generator=g, dtype=torch.float64) for _ in range(2))
    sigma = 0.4

    def zero(v, s):
        return torch.zeros_like(v)

    def slope(v, s):
        return -v / (1 + s**2)

    got, right = answer(zero, x, sigma, z), 0.5 * (z / sigma).square().sum(1).mean()
    if torch.isclose(got, 2 * right):
        raise Hint("the 1/2 in front is missing")
    if torch.isclose(got, right * sigma**2):
        raise Hint("the target is (noisy - x)/sigma^2 = z/sigma: divide z by sigma")
    if torch.isclose(got, right / sigma**2):
        raise Hint("z already is (noisy - x)/sigma: divide by sigma once more, not by its square")
    if torch.isclose(got, right / 3):
        raise Hint("Sum over the dimensions, then average over the batch")
    close(got, right, "with a score of zero the loss is half the mean of |z/sigma|^2")
    got = answer(slope, x, sigma, z)
    if torch.isclose(got, _sign(slope, x, sigma, z)):
        raise Hint("wrong sign: the score should point against the noise, so add z/sigma")
    if torch.isclose(got, _clean(slope, x, sigma, z)):
        raise Hint("ask the score at the noisy point x + sigma z")
    close(got, 0.5 * _half(slope, x, sigma, z), "compare with Eq 6, last line, term by term")


def _weights(noisy, points, scale):
    return torch.softmax(torch.cdist(noisy, points) ** 2 * scale, dim=1) @ points


@exercise(
    "01",
    "best_denoiser",
    wrong={
        "sigma for sigma squared": (lambda n, p, s: _weights(n, p, -1 / (2 * s)), "sigma^2"),
        "one half and square forgotten": (
            lambda n, p, s: _weights(n, p, -1 / s),
            "square of sigma",
        ),
        "no one half": (lambda n, p, s: _weights(n, p, -1 / s**2), "2 sigma^2"),
        "sign": (lambda n, p, s: _weights(n, p, 1 / (2 * s**2)), "sign"),
        "nearest point": (lambda n, p, s: p[torch.cdist(n, p).argmin(1)], "nearest"),
        "plain mean": (lambda n, p, s: p.mean(0).expand(len(n), -1), "mean of all"),
    },
)
def check_best_denoiser(answer):
    """The posterior mean of a finite set, with every weight mistake recognized."""
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    noisy = torch.tensor([[0.3, 0.1], [0.8, 1.2], [-0.5, 0.4]], dtype=torch.float64)
    got = answer(noisy, points, 0.5)
    for wrong, hint in (
        (_weights(noisy, points, 2.0), "the sign in the exponent is wrong: far points weigh less"),
        (
            _weights(noisy, points, -1.0),
            "the exponent is squared distance over 2 sigma^2, not sigma",
        ),
        (_weights(noisy, points, -4.0), "the exponent has 2 sigma^2 below: the 2 is missing"),
        (points[torch.cdist(noisy, points).argmin(1)], "not the nearest point: average over all"),
        (points.mean(0).expand(3, -1), "that is the mean of all points, whatever the noisy value"),
    ):
        if got.shape == wrong.shape and torch.allclose(got, wrong, atol=1e-8):
            raise Hint(hint)
    close(got, _weights(noisy, points, -2.0), "weigh each point by exp(-distance^2 / (2 sigma^2))")
    other = answer(noisy, points, 0.8)  # at 0.5 sigma is 2 sigma^2
    close(other, _weights(noisy, points, -1 / 1.28), "twice the square of sigma belongs below")
