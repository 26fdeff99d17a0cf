"""Checkers of lesson 07."""

from ..checking import Hint, close, exercise


def _without_half(S, sigma, alpha, T):
    return (1 - alpha / (S + sigma**2)) ** T


def _clean_prior(S, sigma, alpha, T):
    return (1 - alpha / 2 / S) ** T


def _times(S, sigma, alpha, T):
    return 1 - T * alpha / 2 / (S + sigma**2)


def _uphill(S, sigma, alpha, T):
    return (1 + alpha / 2 / (S + sigma**2)) ** T


@exercise(
    "07",
    "remembered",
    wrong={
        "without the half": (_without_half, "alpha/2"),
        "clean prior": (_clean_prior, "sigma^2"),
        "T times the first step": (_times, "power"),
        "sign": (_uphill, "sign"),
    },
)
def check_remembered(answer):
    """One step, noise, then many steps, on plain numbers."""
    one = float(answer(0.75, 0.5, 0.5, 1))
    if one > 1:
        raise Hint("the score has a minus sign: it pulls an offset back")
    if abs(one - 0.5) < 1e-9:
        raise Hint("the drift of Eq 11 is alpha/2 times the score")
    close(one, 0.75, "at noise sigma the state has the variance S + sigma^2, and so has the score")
    close(
        answer(0.75, 0.5, 0.5, 3), 0.75**3, "each step keeps a share of what is left: a power of T"
    )


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
