"""Checkers of lesson 08."""

from itertools import combinations

import numpy as np
import torch

from ..checking import Hint, close, exercise

SCORES = [20.0, 26.0, 23.0, 21.0]


def _of_first(scores, k):
    return max(scores[:k])


def _of_all(scores, k):
    return max(scores)


def _mean_of_best(scores, k):
    return float(np.mean(sorted(scores)[-k:]))


def _with_repetition(scores, k):
    s, n = sorted(scores), len(scores)
    return sum(v * (((j + 1) / n) ** k - (j / n) ** k) for j, v in enumerate(s))


def _of_a_set(scores, k):
    found = sorted(set(scores))
    return float(np.mean([max(c) for c in combinations(found, min(k, len(found)))]))


@exercise(
    "08",
    "expected_best",
    wrong={
        "best of the first k": (_of_first, "order"),
        "best of all": (_of_all, "all of them"),
        "mean of the best k": (_mean_of_best, "only the best"),
        "draws twice": (_with_repetition, "twice"),
        "equal scores once": (_of_a_set, "equal scores"),
    },
)
def check_expected_best(answer):
    """All subsets of four scores, by hand."""
    got = float(answer(SCORES, 2))
    if abs(got - float(answer(SCORES[::-1], 2))) > 1e-9:
        raise Hint("the order of the draws must not matter: average over all subsets")
    if abs(got - 26.0) < 1e-9:
        raise Hint("that is the best of all of them: an oracle of k sees only k draws")
    if abs(got - 24.5) < 1e-9:
        raise Hint("of each subset only the best counts, then average over subsets")
    if abs(got - _with_repetition(SCORES, 2)) < 1e-9:
        raise Hint("no draw is taken twice: subsets, not tuples")
    for k in (1, 2, 3, 4):
        wanted = np.mean([max(c) for c in combinations(SCORES, k)])
        close(answer(SCORES, k), wanted, f"the mean of the best over all subsets of {k}")
    close(answer([1.0, 1.0, 4.0], 2), 3.0, "equal scores are still two draws: keep both")


def _ratio(x, y):
    return x * y / x.mean(0)


def _lightness(x, y):
    return x + (y - x.max(0))


def _third(x, y):
    return x + (y - x.mean(0)) / 3


@exercise(
    "08",
    "put_grey_right",
    wrong={
        "by a factor": (_ratio, "factor"),
        "to the largest channel": (_lightness, "mean"),
        "a third of the gap": (_third, "each channel"),
        "clipped": (lambda x, y: np.clip(x + (y - x.mean(0)), 0, 1), "clip"),
    },
)
def check_put_grey_right(answer):
    """Nearest colours with the right mean: chroma untouched, mean exact."""
    x = np.array([[0.2, 0.5, 0.9], [0.4, 0.5, 0.9], [0.9, 0.2, 0.3]])  # (3, pixels)
    y = np.array([0.6, 0.3, 0.95])
    got = np.asarray(answer(x, y))
    if got.shape == x.shape:
        short = np.abs((got - x).mean(0) - (y - x.mean(0)) / 3).max()
        if short < 1e-9:
            raise Hint("the mean of three equal shifts is the shift: give each channel all of it")
        if np.abs(got - _ratio(x, y)).max() < 1e-9:
            raise Hint("a factor changes the chroma too: the nearest point is reached by a shift")
        if np.abs(got - _lightness(x, y)).max() < 1e-9:
            raise Hint("F is the mean of the channels, not the largest of them")
        if np.abs(got - np.clip(x + (y - x.mean(0)), 0, 1)).max() < 1e-9:
            raise Hint("do not clip: that changes the grey, and the gamut is not asked for here")
    close(got, x + (y - x.mean(0)), "x + (y - mean of the channels), the same shift in all three")


TINT = torch.tensor([0.05, 0.0, -0.05]).view(1, 3, 1, 1)


def _unbounded(gray, seed=0):
    return gray + TINT


def _brightened(gray, seed=0):
    return (gray + TINT + 0.1).clamp(0, 1)


def _one_picture(gray, seed=0):
    room = torch.minimum(gray, 1 - gray).clamp(max=0.1) / 0.1
    return (gray + room * TINT)[0]


def _restless(gray, seed=0):
    room = torch.minimum(gray, 1 - gray).clamp(max=0.1) / 0.1
    return gray + room * TINT * torch.rand(1)


@exercise(
    "08",
    "my_method",
    wrong={
        "out of range": (_unbounded, "between 0 and 1"),
        "grey lost": (_brightened, "mean of the channels"),
        "one picture": (_one_picture, "(B,3,H,W)"),
        "no colour": (lambda gray, seed=0: gray.expand(-1, 3, -1, -1), "grey replica"),
        "noise of its own": (_restless, "same seed"),
    },
)
def check_my_method(answer):
    """Shape, range, F x = y, some colour, and the same answer for the same seed."""
    gray = torch.linspace(0, 1, 2 * 6 * 5).view(2, 1, 6, 5)
    x = answer(gray.clone(), 3)
    if tuple(x.shape) != (2, 3, 6, 5):
        raise Hint(f"shape {tuple(x.shape)}: need (B,3,H,W) for (B,1,H,W), here (2, 3, 6, 5)")
    if not bool(((x >= -1e-6) & (x <= 1 + 1e-6)).all()):
        raise Hint("colours must stay between 0 and 1: give black and white no room for a tint")
    if float((x.mean(1, keepdim=True) - gray).abs().max()) > 1e-4:
        raise Hint("the mean of the channels must be the photograph, in every pixel")
    if float((x - gray).abs().max()) < 1e-3:
        raise Hint("that is the grey replica: it has a row already")
    if not torch.equal(x, answer(gray.clone(), 3)):
        raise Hint("the same seed must give the same picture: make noise of the seed alone")
