"""Checkers of lesson 05."""

import math

import torch

from jgm_lib.operators import gray_weights

from ..checking import Hint, close, exercise


def _consistency(X, Y, f, sign=1, copies=True):
    groups = X.view(X.shape[0], 3, 3, *X.shape[-2:])  # (B,group,colour,H,W)
    error = sign * ((groups * f.view(1, 1, 3, 1, 1)).sum(2) - Y)  # (B,3,H,W)
    return error.repeat_interleave(3, dim=1) if copies else error.repeat(1, 3, 1, 1)


@exercise("05", "data_consistency", wrong={
    "y - Fx": (lambda X, Y, f: _consistency(X, Y, f, sign=-1), "sign"),
    "intensity only": (lambda X, Y, f: torch.cat(
        [_consistency(X, Y, f)[:, :3], torch.zeros_like(X[:, 3:])], 1), "gradient"),
    "groups interleaved": (lambda X, Y, f: _consistency(X, Y, f, copies=False), "copied"),
    "f ignored": (lambda X, Y, f: _consistency(X, Y, torch.full_like(f, 1 / 3)), "weights"),
    "pseudo-inverse": (lambda X, Y, f: _consistency(X, Y, f) / f.square().sum(), "each group"),
})  # fmt: skip
def check_data_consistency(answer):
    """Eq 13 on random numbers, one mistake at a time."""
    draw = torch.Generator().manual_seed(0)
    X = torch.randn(2, 9, 4, 5, generator=draw, dtype=torch.float64)
    Y = torch.randn(2, 3, 4, 5, generator=draw, dtype=torch.float64)
    f = gray_weights("bt601")
    got, right = answer(X, Y, f), _consistency(X, Y, f)
    if tuple(got.shape) != tuple(X.shape):
        raise Hint(
            f"the shape is {tuple(got.shape)}, it should be {tuple(X.shape)}: every error "
            "belongs to three channels"
        )
    if torch.allclose(got, -right):
        raise Hint("the sign: the error is F x - y, so that minus it pulls towards the photograph")
    if float(got[:, 3:].abs().max()) == 0:
        raise Hint("the gradient groups are missing: Y holds y and both gradients of y")
    if torch.allclose(got, _consistency(X, Y, torch.full_like(f, 1 / 3))):
        raise Hint("that is the plain mean of the colours: f holds their weights")
    close(
        got[:, 0] - got[:, 1],
        torch.zeros_like(got[:, 0]),
        "the error of a group is copied to the group's three colours, which lie side by side",
    )
    close(
        got,
        right,
        "each group's error is f . (its three channels) - its grey, copied thrice",
        rtol=1e-9,
    )


def _is_finite(answer, *arguments) -> bool:
    """False also where the answer divides by zero."""
    try:
        return math.isfinite(float(answer(*arguments)))
    except ZeroDivisionError:
        return False


@exercise(
    "05",
    "largest_epsilon",
    wrong={
        "sigma not squared": (lambda lam, sigma_L: 4 * sigma_L / max(1, lam), "squared"),
        "without the half": (lambda lam, sigma_L: 2 * sigma_L**2 / max(1, lam), "half"),
        "lambda alone": (
            lambda lam, sigma_L: 4 * sigma_L**2 / lam if lam else float("inf"),
            "score",
        ),
        "divided by lambda": (lambda lam, sigma_L: 4 * sigma_L**2 / lam, "score"),
    },
)
def check_largest_epsilon(answer):
    """The bound of the lesson for three settings."""
    if not _is_finite(answer, 0.0, 0.01):
        raise Hint("with lambda 0 the score still pulls with strength 1, so it is max(1, lambda)")
    got = float(answer(2.0, 0.1))
    if abs(got - 4 * 0.1 / 2) < 1e-9:
        raise Hint("sigma_L has to be squared: epsilon is a variance, intensity^2")
    if abs(got - 2 * 0.1**2 / 2) < 1e-9:
        raise Hint("half is missing: the step is epsilon/2, so the bound on epsilon is doubled")
    if abs(float(answer(0.1, 0.1)) - 4 * 0.1**2 / 0.1) < 1e-9:
        raise Hint(
            "the score alone pulls with strength 1 where the network is sure, so the "
            "bound has max(1, lambda)"
        )
    for lam, sigma_L in ((0.0, 0.01), (1.0, 0.01), (20.0, 0.03)):
        close(
            float(answer(lam, sigma_L)),
            4 * sigma_L**2 / max(1, lam),
            "solve max(1, lambda) (epsilon/2) / sigma_L^2 = 2 for epsilon",
            rtol=1e-9,
            atol=0,
        )


@exercise(
    "05",
    "honest_and_oracle",
    wrong={
        "swapped": (lambda p: (float(p.max(0).values.mean()), float(p.mean())), "order"),
        "best of all": (lambda p: (float(p.mean()), float(p.max())), "each picture"),
        "best version": (lambda p: (float(p.mean()), float(p.mean(1).max())), "each picture"),
    },
)
def check_honest_and_oracle(answer):
    """Three versions of two pictures."""
    p = torch.tensor([[20.0, 31.0], [24.0, 30.0], [22.0, 35.0]], dtype=torch.float64)
    honest, oracle = map(float, answer(p))
    if abs(honest - 29.5) < 1e-9 and abs(oracle - 27.0) < 1e-9:
        raise Hint("the order: the honest figure comes first, the oracle second")
    close(honest, 27.0, "honest: the mean over all versions of all pictures")
    close(oracle, 29.5, "oracle: the best version of each picture, then the mean over pictures")
