"""Checkers of lesson 10."""

import numpy as np

from ..checking import Hint, close, exercise

F = np.array([0.3, 0.59, 0.11])


@exercise(
    "10",
    "nearest",
    wrong={
        "sign": (lambda x, y, f: x + f * (f @ x - y) / (f @ f), "sign"),
        "not divided by |f|^2": (lambda x, y, f: x - f * (f @ x - y), "|f|^2"),
        "the same on all channels": (lambda x, y, f: x - (f @ x - y), "nearest"),
        "clipped": (lambda x, y, f: np.clip(x - f * (f @ x - y) / (f @ f), 0, 1), "clip"),
        "always Eq 19": (lambda x, y, f: x - F * (F @ x - y) / (F @ F), "given"),
    },
)
def check_nearest(answer):
    """F x = y holds, and the move is along f."""
    x, y = np.array([0.8, 0.4, 0.1]), 0.3
    got = np.asarray(answer(x, y, F), float)
    if abs(F @ got - y) > abs(F @ x - y):
        raise Hint("the sign: the pixel moved away from the right grey")
    if abs(F @ got - y) > 1e-9:
        raise Hint("the grey is not right yet: divide by |f|^2 (the pseudo-inverse is f/|f|^2)")
    if np.allclose(got, x - (F @ x - y)):
        raise Hint(
            "that has the right grey but is not the nearest: move along f, not along (1,1,1)"
        )
    close(got, x - F * (F @ x - y) / (F @ F), "x - f (f.x - y)/|f|^2")
    close(answer(x, float(F @ x), F), x, "a pixel that is right already stays")
    bright, mean = np.array([0.9, 0.2, 0.1]), np.full(3, 1 / 3)
    got = np.asarray(answer(bright, 0.7, mean), float)
    if np.allclose(got, [1.0, 0.5, 0.4]):
        raise Hint(
            "do not clip: that loses the right grey (exercise 3 fits a colour into the screen)"
        )
    close(got, bright + 0.3, "take the weights f that are given; these are those of Eq 18")


def _plain(x, y):
    return np.linalg.lstsq(x, y, rcond=None)[0]


def _rescaled(x, y):
    f = _plain(x, y)
    return f / f.sum()


def _shifted(x, y):
    f = _plain(x, y)
    return f + (1 - f.sum()) / 3


@exercise(
    "10",
    "fit_weights",
    wrong={
        "no condition": (_plain, "sum"),
        "divided afterwards": (_rescaled, "afterwards"),
        "shifted afterwards": (_shifted, "afterwards"),
    },
)
def check_fit_weights(answer):
    """Exact data, then data from a print that came out too light."""
    rng = np.random.default_rng(0)
    x = rng.random((200, 3)) * [1.0, 0.6, 0.3]
    close(answer(x, x @ F), F, "exact data must give the exact weights (0.3, 0.59, 0.11)")
    y = (x @ F) ** 0.8
    got = np.asarray(answer(x, y), float)
    if abs(got.sum() - 1) > 1e-9:
        raise Hint(f"the weights sum to {got.sum():.3f}: the sum must be 1")
    d = x[:, :2] - x[:, 2:]
    pair = np.linalg.solve(d.T @ d, d.T @ (y - x[:, 2]))
    close(
        got,
        [*pair, 1 - pair.sum()],
        "the sum is 1 but the error is not the least: the condition belongs into the fit, not afterwards",
    )


def _each(x, y):
    return np.clip(x, 0, 1)


def _too_small(x, y):
    chroma = x - y
    return y + min(1.0, (min(y, 1 - y)) / max(abs(chroma).max(), 1e-12)) * chroma


def _always(x, y):
    chroma = x - y
    room = np.where(chroma > 0, 1 - y, y)
    return y + np.min(room / np.maximum(abs(chroma), 1e-12)) * chroma


@exercise(
    "10",
    "fit_into_screen",
    wrong={
        "clipped": (_each, "clip"),
        "room of the wrong side": (_too_small, "largest"),
        "k above 1": (_always, "above 1"),
    },
)
def check_fit_into_screen(answer):
    """A pixel too red, one too dark in blue, one that fits, one without chroma."""
    too_red, y = np.array([1.3, 0.4, 0.1]), 0.6
    got = np.asarray(answer(too_red, y), float)
    if np.allclose(got, np.clip(too_red, 0, 1)):
        raise Hint("to clip changes the grey: scale all three channels' chroma by one number")
    fits = np.array([0.7, 0.5, 0.6])
    if not np.allclose(answer(fits, y), fits):
        raise Hint("this pixel fits already: k must not be above 1, and chroma must not be lost")
    close(
        got,
        y + 0.4 / 0.7 * (too_red - y),
        "not the largest k: a channel above y has room 1 - y, one below y has room y",
    )
    close(
        answer(np.array([0.9, 0.8, -0.1]), 0.7),
        0.7 + 0.7 / 0.8 * np.array([0.2, 0.1, -0.8]),
        "not the largest k for a channel below 0: it has room y, not 1 - y",
    )
    close(answer(np.full(3, 0.2), 0.2), np.full(3, 0.2), "a grey pixel stays grey")
