"""Checkers of lesson 11."""

import numpy as np

from ..checking import Hint, close, exercise


def _no_root(share, n):
    return 1.96 * share * (1 - share) / n


def _deviation(share, n):
    return 1.96 * (share * (1 - share)) ** 0.5


def _half(share, n):
    return 1.96 * (0.25 / n) ** 0.5


@exercise(
    "11",
    "error_bar",
    wrong={
        "variance for standard error": (_no_root, "root"),
        "of one vote": (_deviation, "votes"),
        "always for one half": (_half, "share"),
    },
)
def check_error_bar(answer):
    """1.96 standard errors of a share."""
    got = float(answer(0.9, 100))
    if abs(got - 1.96 * 0.0009) < 1e-9:
        raise Hint("p (1-p)/n is a variance; the bar needs its root")
    if abs(got - 1.96 * 0.3) < 1e-9:
        raise Hint("that is the deviation of a single vote: more votes must give a shorter bar")
    if abs(got - 1.96 * 0.05) < 1e-9:
        raise Hint("0.25/n is the largest bar there is; use the share p itself")
    close(got, 0.0588, "1.96 sqrt(p (1-p)/n) is 0.0588 for p = 0.9 and n = 100")
    close(answer(0.5, 400), 0.049, "1.96 sqrt(p (1-p)/n) is 0.049 for p = 0.5 and n = 400")


def _unpaired(a, b):
    a, b = np.asarray(a), np.asarray(b)
    error = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))
    return float((a - b).mean()), float(error)


def _no_n(a, b):
    d = np.asarray(a) - np.asarray(b)
    return float(d.mean()), float(d.std(ddof=1))


def _swapped(a, b):
    d = np.asarray(b) - np.asarray(a)
    return float(d.mean()), float(d.std(ddof=1) / np.sqrt(len(d)))


def _error(d):
    return float(d.std(ddof=1) / np.sqrt(len(d)))


def _absolute(a, b):
    return float(abs(a - b).mean()), _error(a - b)


def _median(a, b):
    return float(np.median(a - b)), _error(a - b)


def _four(a, b):
    return float((a - b).mean()), float((a - b).std(ddof=1) / 2)


@exercise(
    "11",
    "paired_difference",
    wrong={
        "as if other people": (_unpaired, "same people"),
        "deviation for error": (_no_n, "observers"),
        "b minus a": (_swapped, "a minus b"),
        "absolute differences": (_absolute, "sign"),
        "median for mean": (_median, "median"),
        "four observers always": (_four, "number of observers"),
    },
)
def check_paired_difference(answer):
    """Lenient and strict observers, four who like a at least as well and one who does not."""
    a, b = np.array([0.9, 0.5, 0.7, 0.3, 0.6]), np.array([0.8, 0.4, 0.5, 0.3, 0.8])
    d = a - b
    mean, error = answer(a, b)
    if abs(mean + d.mean()) < 1e-9:
        raise Hint("the sign: the question was a minus b")
    if abs(mean - abs(d).mean()) < 1e-9:
        raise Hint("keep the sign of each difference: who prefers b counts against a")
    if abs(mean - np.median(d)) < 1e-9:
        raise Hint("that is the median of the differences; the question was the mean")
    close(mean, d.mean(), "the mean of the observers' differences")
    if abs(error - np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(d))) < 1e-9:
        raise Hint("the same people judged both: take the spread of each one's difference")
    if abs(error - d.std(ddof=1)) < 1e-9:
        raise Hint("divide by the root of the number of observers: this is the error of a mean")
    hint = "standard error: std(a - b, n - 1) / sqrt(n), n the number of observers"
    close(error, d.std(ddof=1) / np.sqrt(len(d)), hint)


def _alike(votes, rho):
    return votes


def _one_too_many(votes, rho):
    return votes / (1 + votes * rho)


def _effect(votes, rho):
    return 1 + (votes - 1) * rho


def _own_part(votes, rho):
    return votes * (1 - rho)


@exercise(
    "11",
    "independent_votes",
    wrong={
        "as if all were independent": (_alike, "correlation"),
        "n for n - 1": (_one_too_many, "itself"),
        "the design effect": (_effect, "divide"),
        "votes without their common part": (_own_part, "one person"),
    },
)
def check_independent_votes(answer):
    """Kish's design effect on ten votes, and at both ends."""
    got = float(answer(10, 0.25))
    if abs(got - 10) < 1e-9:
        raise Hint("use the correlation rho: the votes of one person go up together")
    if abs(got - 10 / 3.5) < 1e-9:
        raise Hint("a vote shares with the votes - 1 others, not with itself")
    if abs(got - 3.25) < 1e-9:
        raise Hint("that is the design effect; divide the number of votes by it")
    if abs(got - 7.5) < 1e-9:
        raise Hint("with rho = 1 all votes are the same, and worth one person, not none")
    close(got, 10 / 3.25, "votes / (1 + (votes - 1) rho) is 3.08 for ten votes and rho = 0.25")
    close(answer(10, 1.0), 1, "with rho = 1 ten votes are worth one")
