"""Checkers of lesson 00."""

import torch

from ..checking import Hint, close, exercise


@exercise("00", "gray_out", wrong={
    "sum": (lambda x: x.sum(1, keepdim=True), "divide"),
    "over space": (lambda x: x.mean((2, 3), keepdim=True), "channel"),
    "without its axis": (lambda x: x.mean(1), "shape"),
})  # fmt: skip
def check_gray_out(answer):
    """F of Eq 1 with equal weights."""
    x = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    got = answer(x)
    if tuple(got.shape) == (2, 3, 1, 1):
        raise Hint("average over the colour channel (dimension 1), pixel by pixel, not over space")
    if tuple(got.shape) != (2, 1, 4, 5):
        raise Hint(f"the shape is {tuple(got.shape)}; keep the channel axis: (2, 1, 4, 5)")
    if torch.allclose(got, x.sum(1, keepdim=True)):
        raise Hint("divide by three: the weights of F sum to 1")
    close(got, x.mean(1, keepdim=True), "F x is the mean of the three channels")


@exercise(
    "00",
    "unknowns",
    wrong={
        "all channels": (lambda height, width: 3 * height * width, "photograph"),
        "one channel": (lambda height, width: height * width, "two"),
        "one side forgotten": (lambda height, width: 10 * height, "another size"),
    },
)
def check_unknowns(answer):
    """Three numbers a pixel are wanted, one is known."""
    got = float(answer(4, 5))
    if got == 60:
        raise Hint("the photograph tells one number a pixel; subtract it")
    if got == 20:
        raise Hint("that is what is known; two numbers a pixel are not")
    close(got, 40, "three numbers a pixel are wanted and the photograph gives one")
    close(float(answer(3, 7)), 42, "right for 4 x 5 pixels only: try another size")
