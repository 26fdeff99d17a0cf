"""Checkers of lesson 07."""

import math

from ..checking import Hint, close, exercise


def _one_lambda(x, g, s1, s2, dc_x, dc_g, alpha, lam1, lam2, z1, z2):
    root = math.sqrt(alpha)
    return (
        x + alpha / 2 * (s1 - lam1 * dc_x) + root * z1,
        g + alpha / 2 * (s2 - lam1 * dc_g) + root * z2,
    )


def _one_noise(x, g, s1, s2, dc_x, dc_g, alpha, lam1, lam2, z1, z2):
    root = math.sqrt(alpha)
    return (
        x + alpha / 2 * (s1 - lam1 * dc_x) + root * z1,
        g + alpha / 2 * (s2 - lam2 * dc_g) + root * z1,
    )


def _one_term(x, g, s1, s2, dc_x, dc_g, alpha, lam1, lam2, z1, z2):
    root = math.sqrt(alpha)
    return (
        x + alpha / 2 * (s1 - lam1 * dc_x) + root * z1,
        g + alpha / 2 * (s2 - lam2 * dc_x) + root * z2,
    )


def _terms_exchanged(x, g, s1, s2, dc_x, dc_g, alpha, lam1, lam2, z1, z2):
    root = math.sqrt(alpha)
    return (
        x + alpha / 2 * (s1 - lam1 * dc_g) + root * z1,
        g + alpha / 2 * (s2 - lam2 * dc_x) + root * z2,
    )


def _outside(x, g, s1, s2, dc_x, dc_g, alpha, lam1, lam2, z1, z2):
    root = math.sqrt(alpha)
    return (
        x + alpha / 2 * s1 - lam1 * dc_x + root * z1,
        g + alpha / 2 * s2 - lam2 * dc_g + root * z2,
    )


@exercise(
    "07",
    "divide_step",
    wrong={
        "one lambda": (_one_lambda, "lambda_2"),
        "one noise": (_one_noise, "own noise"),
        "one consistency term": (_one_term, "dc_g"),
        "terms exchanged": (_terms_exchanged, "dc_g"),
        "consistency outside the bracket": (_outside, "bracket"),
    },
)
def check_divide_step(answer):
    """Eq 17 on plain numbers, one mistake at a time."""
    quiet = answer(1.0, 2.0, 0.0, 0.0, 1.0, 3.0, 0.5, 4.0, 2.0, 0.0, 0.0)
    if abs(float(quiet[0]) - (1 - 4)) < 1e-9:
        raise Hint("the consistency term stands inside the bracket: alpha/2 multiplies it too")
    if abs(float(quiet[1]) - (2 - 0.25 * 2)) < 1e-9:
        raise Hint("each chain has its own consistency term: dc_x for x, dc_g for the gradients")
    if abs(float(quiet[1]) - (2 - 0.25 * 4 * 3)) < 1e-9:
        raise Hint("the gradients have their own weight: lambda_2")
    close(quiet[0], 0.0, "without score and noise x moves by -alpha/2 lambda_1 DC(x)")
    close(quiet[1], 0.5, "without score and noise g moves by -alpha/2 lambda_2 DC(g)")
    noisy = answer(0.0, 0.0, 2.0, -2.0, 0.0, 0.0, 0.25, 1.0, 1.0, 1.0, -3.0)
    if abs(float(noisy[1]) - (-0.25 + 0.5)) < 1e-9:
        raise Hint("each chain has its own noise: z2 belongs to the gradients")
    close(noisy[0], 0.25 + 0.5, "x moves by alpha/2 of its score and sqrt(alpha) z1")
    close(noisy[1], -0.25 - 1.5, "g moves by alpha/2 of its score and sqrt(alpha) z2")


def _amplitudes(b):
    return 1.0 + 0.0 * b


def _no_square(b):
    return (1 + b**2) / (1 + b)


def _plain_average(b):
    return 0.5 + 0.0 * b


@exercise(
    "07",
    "variance_left",
    wrong={
        "as if they were the same draw": (_amplitudes, "independent"),
        "weights not squared": (_no_square, "square"),
        "always a half": (_plain_average, "b = 0"),
    },
)
def check_variance_left(answer):
    """A weighted average of two independent draws, weights 1 and b."""
    if abs(float(answer(1.0)) - 1) < 1e-9:
        raise Hint(
            "either this is the joint case (the same draw twice), or a square is missing in the "
            "divisor: independent draws partly cancel"
        )
    if abs(float(answer(0.0)) - 1) > 1e-9:
        raise Hint("with b = 0 nothing is averaged, and all of the variance is left")
    close(answer(1.0), 0.5, "two independent draws with equal weights leave half of the variance")
    close(answer(3.0), 10 / 16, "variance takes the squares of the weights 1/(1+b) and b/(1+b)")
