"""Checkers of the sample lesson."""

from jgm_course.checking import close, exercise


@exercise(
    "90",
    "score",
    wrong={
        "sign": (lambda x, sigma: x / sigma**2, "sign"),
        "sigma for sigma^2": (lambda x, sigma: -x / sigma, "squared"),
    },
)
def check_score(answer):
    close(abs(answer(3.0, 2.0)), 0.75, "divide by sigma squared")
    close(answer(3.0, 2.0), -0.75, "the score points to the mean: wrong sign")


@exercise(
    "90",
    "mean",
    wrong={
        "sum": (lambda values: sum(values), "number"),
        "first": (lambda values: values[0], "all"),
    },
)
def check_mean(answer):
    close(answer([2.0, 4.0]) != 6.0, True, "divide by the number of values")
    close(answer([2.0, 4.0]), 3.0, "use all values")
