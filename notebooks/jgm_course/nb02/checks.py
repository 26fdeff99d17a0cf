"""Checkers of lesson 02."""

import math

import torch

from ..checking import Hint, close, exercise


@exercise(
    "02",
    "langevin_step",
    wrong={
        "sign": (lambda x, score, alpha, z: x - alpha / 2 * score + alpha**0.5 * z, "sign"),
        "alpha for its root": (
            lambda x, score, alpha, z: x + alpha / 2 * score + alpha * z,
            "sqrt",
        ),
        "drift of Eq 10": (lambda x, score, alpha, z: x + alpha * score + alpha**0.5 * z, "Eq 10"),
        "no noise": (lambda x, score, alpha, z: x + alpha / 2 * score, "noise"),
        "alpha squared": (
            lambda x, score, alpha, z: x + alpha**2 * score + alpha**0.5 * z,
            "alpha/2",
        ),
    },
)
def check_langevin_step(answer):
    """Eq 11 on fixed numbers, one mistake at a time."""
    x, score = torch.full((3,), 1.0), torch.tensor([2.0, 0.0, -1.0])
    z, alpha = torch.tensor([0.0, 1.0, -2.0]), 0.3
    moved = answer(x, score, alpha, torch.zeros(3))
    if moved[0] < x[0]:
        raise Hint("the drift has the wrong sign: go uphill along the score")
    if torch.allclose(moved, x + alpha * score):
        raise Hint("the drift is that of Eq 10, which samples from p^2: take alpha/2")
    close(moved, x + alpha / 2 * score, "without noise the step is alpha/2 times the score")
    shaken = answer(x, score, alpha, z) - moved
    if torch.allclose(shaken, torch.zeros(3)):
        raise Hint("the noise is missing: this only climbs to the top of a mode")
    close(shaken, math.sqrt(alpha) * z, "the noise is scaled by sqrt(alpha): its variance is alpha")


def _linear(first, last, L):
    return [first + (last - first) * i / (L - 1) for i in range(L)]


def _from_one(first, last, L):
    return [last ** (i / (L - 1)) for i in range(L)]


def _short(first, last, L):
    return [first * (last / first) ** (i / L) for i in range(L)]


@exercise(
    "02",
    "noise_ladder",
    wrong={
        "evenly spaced": (_linear, "quotient"),
        "off by one": (_short, "L - 1"),
        "first taken to be 1": (_from_one, "first level"),
        "smallest first": (lambda first, last, L: _short(last, first, L - 1) + [first], "largest"),
    },
)
def check_noise_ladder(answer):
    """Ends, length and quotients."""
    got = [float(s) for s in answer(1.0, 0.01, 5)]
    if len(got) != 5:
        raise Hint(f"{len(got)} levels instead of L")
    if got[0] < got[-1]:
        raise Hint("begin with the largest level")
    if not math.isclose(got[-1], 0.01, rel_tol=1e-6):
        raise Hint("the last level is missed: L levels have L - 1 gaps")
    if math.isclose(got[0] - got[1], got[1] - got[2], rel_tol=1e-6):
        raise Hint("the differences are equal; the quotient of neighbours should be")
    close(got, [1.0, 10**-0.5, 0.1, 10**-1.5, 0.01], "multiply by the same factor each time")
    other = [float(s) for s in answer(2.0, 0.08, 3)]
    close(other[0], 2.0, "the first level is `first`, which need not be 1")
    close(
        other, [2.0, 0.4, 0.08], "another ladder, from 2 to 0.08 in three levels, is 2, 0.4, 0.08"
    )


def _shares(index, K):
    return [sum(i == k for i in index) / len(index) for k in range(K)]


def _no_root(index, K):
    p = _shares(index, K)
    return p, [q * (1 - q) / len(index) for q in p]


def _no_n(index, K):
    p = _shares(index, K)
    return p, [(q * (1 - q)) ** 0.5 for q in p]


def _only_seen(index, K):
    p = _shares(index, max(index) + 1)
    return p, [(q * (1 - q) / len(index)) ** 0.5 for q in p]


def _counts(index, K):
    p = _shares(index, K)
    return [q * len(index) for q in p], [(q * (1 - q) / len(index)) ** 0.5 for q in p]


@exercise(
    "02",
    "count_modes",
    wrong={
        "variance for error": (_no_root, "root"),
        "spread of one chain": (_no_n, "more chains"),
        "counts for shares": (_counts, "divide"),
        "empty modes at the end left out": (_only_seen, "empty"),
    },
)
def check_count_modes(answer):
    """Shares and binomial errors, an empty mode included."""
    index = [0] * 12 + [1] * 3 + [3]
    share, error = answer(index, 5)
    if len(share) != 5:
        raise Hint(f"{len(share)} shares for K = 5 modes: an empty mode has a share too, 0")
    if math.isclose(sum(share), len(index)):
        raise Hint("these are counts: divide by the number of samples")
    right = [12 / 16, 3 / 16, 0.0, 1 / 16, 0.0]
    close(list(share), right, "the share of mode k is how often k occurs, over all samples")
    close_error = [(p * (1 - p) / 16) ** 0.5 for p in right]
    if math.isclose(error[0], close_error[0] ** 2):
        raise Hint("that is the variance of the share: take the root")
    if math.isclose(error[0], close_error[0] * 4):
        raise Hint("that is the spread of one chain; more chains must make the error smaller")
    close(list(error), close_error, "the standard error is sqrt(p (1 - p) / n)")


def _steps(alpha, sigma, rest):
    return math.log(rest) / math.log(1 - alpha / (2 * sigma**2))


@exercise(
    "02",
    "steps_needed",
    wrong={
        "sigma for sigma squared": (
            lambda a, s, r: math.ceil(math.log(r) / math.log(1 - a / (2 * s))),
            "square",
        ),
        "drift of Eq 10": (
            lambda a, s, r: math.ceil(math.log(r) / math.log(1 - a / s**2)),
            "alpha/2",
        ),
        "rounded down": (lambda a, s, r: math.floor(_steps(a, s, r)), "up"),
    },
)
def check_steps_needed(answer):
    """The authors' last level, and a second setting."""
    got = answer(0.054 * 0.01**2, 0.01, 0.065)
    right = math.ceil(_steps(0.054, 1.0, 0.065))
    if got == right - 1:
        raise Hint("round up: after that many steps it still remembers a little more")
    if got == math.ceil(_steps(0.108, 1.0, 0.065)):
        raise Hint("the drift of Eq 11 is alpha/2 times the score")
    if abs(got) > 10 * right:
        raise Hint("the score of a bell is -x over its variance, the square of sigma")
    close(got, right, "one step multiplies by 1 - alpha/(2 sigma^2)")
    close(answer(0.5, 1.0, 0.01), math.ceil(_steps(0.5, 1.0, 0.01)), "try alpha = 0.5, sigma = 1")
