"""Checkers of lesson 09."""

import numpy as np
import torch

from jgm_lib.operators import gray, gray_weights

from ..checking import Hint, close, exercise


def _with_self(versions, distance):
    return sum(distance(a, b) for a in versions for b in versions) / len(versions) ** 2


def _sum(versions, distance):
    return sum(distance(a, b) for i, a in enumerate(versions) for b in versions[:i])


def _neighbours(versions, distance):
    pairs = list(zip(versions, versions[1:], strict=False))
    return sum(distance(a, b) for a, b in pairs) / max(1, len(pairs))


def _unequal(versions, distance):
    found = [distance(a, b) for a in versions for b in versions if a != b]
    return sum(found) / max(1, len(found))


@exercise(
    "09",
    "mean_pairwise",
    wrong={
        "pairs with itself": (_with_self, "itself"),
        "sum for mean": (_sum, "mean"),
        "only neighbours": (_neighbours, "all pairs"),
        "equal versions left out": (_unequal, "equal"),
        "over the versions": (lambda v, d: _sum(v, d) / len(v), "number of pairs"),
    },
)
def check_mean_pairwise(answer):
    """Distances on a line, where each mistake gives another number."""

    def distance(a, b):
        return abs(a - b)

    got = answer([0.0, 1.0, 5.0], distance)  # distances 1, 4, 5
    if abs(got - 20 / 9) < 1e-9:
        raise Hint(
            "a version paired with itself has distance 0 and pulls the mean down: leave it out"
        )
    if abs(got - 10) < 1e-9:
        raise Hint("divide by the number of pairs: the mean must not grow with the versions")
    if abs(got - 2.5) < 1e-9:
        raise Hint("take all pairs, not only neighbours in the list")
    close(got, 10 / 3, "three versions have three pairs: 1, 4 and 5, mean 10/3")
    close(answer([2.0], distance), 0.0, "a single version has spread 0")
    four = answer([0.0, 1.0, 5.0, 5.0], distance)  # distances 1, 5, 5, 4, 4, 0
    if abs(four - 19 / 5) < 1e-9:
        raise Hint("two equal versions are a pair too, at distance 0: tell versions by their place")
    close(four, 19 / 6, "divide by the number of pairs: four versions have six")


def _printed(x, truth):
    return 20 * np.log10(truth.max() / np.sqrt(np.sum((x - truth) ** 2)))


def _own_peak(x, truth):
    return 20 * np.log10(truth.max() / np.sqrt(np.mean((x - truth) ** 2)))


def _amplitude(x, truth):
    return -20 * np.log10(np.mean((x - truth) ** 2))


@exercise(
    "09",
    "true_psnr",
    wrong={
        "as printed": (_printed, "number of pixels"),
        "peak of the picture": (_own_peak, "peak"),
        "20 for 10": (_amplitude, "20"),
        "absolute errors": (lambda x, t: -20 * np.log10(np.mean(abs(x - t))), "squares"),
        "largest error": (lambda x, t: -20 * np.log10(abs(x - t).max()), "largest error"),
        "errors cancel": (lambda x, t: -20 * np.log10(abs(np.mean(x - t)) + 1e-9), "cancel"),
    },
)
def check_true_psnr(answer):
    """A constant error of 0.1 is 20 dB at any size and any brightness."""
    small, large = np.full((2, 2), 0.5), np.full((8, 8), 0.5)
    a, b = float(answer(small + 0.1, small)), float(answer(large + 0.1, large))
    if abs(a - b) > 1e-6:
        raise Hint(
            "the same error on more pixels must give the same PSNR: divide by the number of "
            "pixels, the mean of the squares"
        )
    if abs(a - 40) < 1e-6:
        raise Hint(
            "20 log10 belongs to the root of the mean squared error; to the mean square itself 10"
        )
    if abs(a - (20 - 20 * np.log10(2))) < 1e-6:
        raise Hint("the peak is what a picture can reach, 1, not the largest value in this one")
    close(a, 20.0, "an error of 0.1 everywhere is 20 dB")
    uneven = float(answer(small + np.array([[0.0, 0.2], [0.0, -0.2]]), small))
    if uneven > 50:
        raise Hint("errors of opposite sign must not cancel: square before the mean")
    if abs(uneven - 20) < 1e-6:
        raise Hint("mean of the squares, not of the absolute errors")
    if abs(uneven + 20 * np.log10(0.2)) < 1e-6:
        raise Hint("the mean over all pixels, not the largest error")
    close(uneven, -10 * np.log10(0.02), "-10 log10 of the mean of the squares")


def _about_truth(draws, truth):
    return np.mean((draws.mean(0) - truth) ** 2), np.mean((draws - truth) ** 2)


def _unbiased(draws, truth):
    return np.mean((draws.mean(0) - truth) ** 2), np.mean(draws.var(0, ddof=1))


def _single(draws, truth):
    return np.mean((draws[0] - truth) ** 2), np.mean((draws - draws.mean(0)) ** 2)


@exercise(
    "09",
    "decompose",
    wrong={
        "spread about the truth": (_about_truth, "about the mean"),
        "K - 1": (_unbiased, "K - 1"),
        "one draw for the mean": (_single, "mean of the draws"),
    },
)
def check_decompose(answer):
    """The two parts add up exactly to the mean squared error of the draws."""
    rng = np.random.default_rng(0)
    draws, truth = rng.normal(size=(4, 50)), rng.normal(size=50)
    first, second = answer(draws, truth)
    close(
        first,
        np.mean((draws.mean(0) - truth) ** 2),
        "the first part is the squared error of the mean of the draws",
    )
    if abs(second - np.mean((draws - truth) ** 2)) < 1e-9:
        raise Hint("the spread is measured about the mean of the draws, not about the truth")
    if abs(second - np.mean(draws.var(0, ddof=1))) < 1e-9:
        raise Hint(
            "divide by K, not by K - 1: the sum of the two parts must be exact for these draws"
        )
    close(
        first + second,
        np.mean((draws - truth) ** 2),
        "the two parts must add up to the draws' error",
    )


def _tinted(zero_sum: bool, room: bool, seeded: bool):
    """A random tint a row: of sum 0, in the gamut, by the row's seed; or not."""

    def colour(y, seeds):
        rows = []
        for k, s in enumerate(seeds):
            t = torch.randn(3, 1, 1, generator=torch.Generator().manual_seed(s if seeded else k))
            rows.append(t - t.mean() if zero_sum else t)
        tint = torch.stack(rows)
        return y + (y * (1 - y) * tint / tint.abs().amax(1, keepdim=True) if room else 0.5 * tint)

    return colour


def _one_for_all(y, seeds):
    return _tinted(True, True, True)(y, [seeds[0]] * len(seeds))


def _untold(y, seeds):
    tint = torch.randn(len(y), 3, 1, 1)
    return y + y * (1 - y) * (tint - tint.mean(1, keepdim=True)) / 9


@exercise(
    "09",
    "my_colours",
    wrong={
        "grey changed": (_tinted(False, True, True), "mean of R, G and B"),
        "off the screen": (_tinted(True, False, True), "0 to 1"),
        "by the place in the batch": (_tinted(True, True, False), "by its own seed"),
        "one seed for all": (_one_for_all, "by its own seed"),
        "no seed": (_untold, "twice"),
        "no colours": (lambda y, seeds: y.expand(-1, 3, -1, -1), "one another"),
    },
)
def check_my_colours(answer):
    """The grey stays, the screen holds the colours, and a row hangs on its own seed alone."""
    y = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    y[0] = y[1]  # two rows of one photograph
    x = answer(y, [5, 6, 7])
    if tuple(x.shape) != (3, 3, 16, 16):
        raise Hint(f"three photographs make three pictures (3,3,16,16), not {tuple(x.shape)}")
    if not torch.equal(x, answer(y, [5, 6, 7])):
        raise Hint("the same seeds twice must give the same colours: no randomness but the seeds'")
    if x.min() < 0 or x.max() > 1:
        raise Hint("colours run from 0 to 1; leave room near black and white")
    if (gray(x, gray_weights()) - y).abs().max() > 1e-5:
        raise Hint("the mean of R, G and B of each pixel must stay the grey of the photograph")
    if not torch.allclose(answer(y[1:], [6, 7]), x[1:], atol=1e-6):
        raise Hint("each row is coloured by its own seed, whoever else is in the batch")
    if torch.allclose(x[0], x[1]):
        raise Hint("two seeds on one photograph must differ from one another")
