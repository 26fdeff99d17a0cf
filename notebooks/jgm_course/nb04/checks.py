"""Checkers of lesson 04."""

import torch

from ..checking import Hint, close, exercise


def _dsm(score, X, z, sigma, weight, *, sign=1.0, power=1, factor=1.0, mean=False):
    residual = score(X + sigma * z, sigma) + sign * factor * z / sigma**power
    square = residual.square().flatten(1)
    return weight * 0.5 * (square.mean() if mean else square.sum(1).mean())


@exercise(
    "04",
    "joint_dsm",
    wrong={
        "sign": (lambda *a: _dsm(*a, sign=-1.0), "sign"),
        "sigma^2 for sigma": (lambda *a: _dsm(*a, power=2), "sigma z"),
        "mean for sum": (lambda *a: _dsm(*a, mean=True), "sum"),
        "no half": (lambda *a: 2 * _dsm(*a), "half"),
        "over 2 sigma^2": (lambda *a: _dsm(*a, factor=0.5, power=2), "sigma z"),
    },
)
def check_joint_dsm(answer):
    """Eq 9: zero for the score that knows X, and the right size for a score of zero."""
    X = torch.linspace(-1, 1, 2 * 9 * 3 * 3, dtype=torch.float64).view(2, 9, 3, 3)
    z = torch.randn(X.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sigma = 0.4  # not 0.5, where 1/sigma is 2

    def knows(noisy, s):
        return -(noisy - X) / s**2

    def doubled(noisy, s):
        return 2 * knows(noisy, s)

    zero = float(answer(knows, X, z, sigma, 1.0))
    if abs(zero - float(_dsm(knows, X, z, sigma, 1.0, sign=-1.0))) < 1e-9:
        raise Hint("the sign: the target of the score is -(X~ - X)/sigma^2, so the two add to zero")
    if abs(zero) > 1e-9:
        raise Hint("(X~ - X)/sigma^2 with X~ - X = sigma z: one sigma is left under z")
    got, expected = float(answer(doubled, X, z, sigma, 1.0)), float(_dsm(doubled, X, z, sigma, 1.0))
    if abs(got - expected / X[0].numel()) < 1e-9:
        raise Hint(
            "Eq 9 has a squared norm: sum over channels and pixels, mean over the batch only"
        )
    if abs(got - 2 * expected) < 1e-9:
        raise Hint("a factor: Eq 9 has one half in front")
    close(got, expected, "half the squared norm of s + z/sigma, averaged over the batch")
    close(answer(doubled, X, z, sigma, 3.0), 3 * expected, "multiply by the weight")


def _keep_noise(noisy, sigma, mean, spread):
    return mean + sigma**2 / (sigma**2 + spread**2) * (noisy - mean)


def _not_squared(noisy, sigma, mean, spread):
    return mean + spread / (sigma + spread) * (noisy - mean)


@exercise(
    "04",
    "best_line",
    wrong={
        "noise and signal exchanged": (_keep_noise, "exchanged"),
        "no squares": (_not_squared, "variance"),
        "shrinks to zero": (
            lambda noisy, sigma, mean, spread: spread**2 / (sigma**2 + spread**2) * noisy,
            "mean",
        ),
    },
)
def check_best_line(answer):
    """c_skip: almost everything is kept at small noise, almost nothing at large noise."""
    noisy = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
    close(
        answer(torch.tensor(0.7), 0.3, 0.7, 0.2),
        0.7,
        "at the mean itself the guess is the mean: shrink towards the mean, not towards zero",
    )
    small = answer(noisy, 1e-6, 0.5, 0.2)
    if not torch.allclose(torch.as_tensor(small), noisy, atol=1e-3):
        raise Hint("without noise the guess is what we see: signal and noise are exchanged")
    close(
        answer(noisy, 0.3, 0.5, 0.2),
        0.5 + 0.04 / 0.13 * (noisy - 0.5),
        "weigh by the variance, d^2/(sigma^2 + d^2), not by the standard deviation",
    )


@exercise(
    "04",
    "average",
    wrong={
        "no warm-up": (lambda ema, new, n, limit: limit * ema + (1 - limit) * new, "warm-up"),
        "old and new exchanged": (
            lambda ema, new, n, limit: (lambda d: (1 - d) * ema + d * new)(
                min(limit, (1 + n) / (10 + n))
            ),
            "exchanged",
        ),
        "max for min": (
            lambda ema, new, n, limit: (lambda d: d * ema + (1 - d) * new)(
                max(limit, (1 + n) / (10 + n))
            ),
            "min",
        ),
    },
)
def check_average(answer):
    """The first update keeps a tenth of the old weights, late ones nearly all."""
    old, new = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    late, early = answer(old, new, 10**6, 0.5), answer(old, new, 0, 0.99)
    if torch.allclose(late, torch.tensor([1.0, 0.0]), atol=1e-3):
        raise Hint("the decay must never be above the limit: take the min of the two")
    if torch.allclose(early, torch.tensor([0.99, 0.01])):
        raise Hint(
            "no warm-up: at n = 0 the decay is 1/10, so that the first weights are forgotten"
        )
    if torch.allclose(answer(old, new, 2, 0.99), torch.tensor([0.75, 0.25])):
        raise Hint("old and new are exchanged: the decay is the share of the old average")
    close(early, torch.tensor([0.1, 0.9]), "at n = 0 a tenth of the old weights stays")
    close(answer(old, new, 90, 0.99), torch.tensor([0.91, 0.09]), "decay (1 + n)/(10 + n)")
    close(late, torch.tensor([0.5, 0.5]), "late in the training the limit holds")
