"""Honest draws give nominal coverage, flat ranks and promised errors; others show it."""

import math

import numpy as np
import pytest
import torch

from jgm_lib.errors import JGMError
from jgm_lib.honesty import (
    LEVELS,
    coverage,
    error_and_variance,
    error_by_spread,
    overall_ratio,
    rank_histogram,
    ranks,
)

MANY = 40_000


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(n, scale=1.0, shift=0.0, seed=0, many=MANY):
    """Draws (n,many) of N(shift, scale^2) and truths (many,) of N(0,1)."""
    z = torch.randn(n + 1, many, generator=generator(seed), dtype=torch.float64)
    return shift + scale * z[1:], z[0]


def normal_cdf(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


@pytest.mark.parametrize("n", [2, 4, 8, 9])
def test_honest_gaussian_draws_have_nominal_coverage_and_flat_ranks(n):
    counts = rank_histogram(*gaussian(n), generator())
    assert counts.sum() == MANY and len(counts) == n + 1
    assert counts / MANY == pytest.approx([1 / (n + 1)] * (n + 1), abs=0.01)
    found = coverage(counts)
    for level, share in zip(LEVELS, found, strict=True):
        if level <= (n - 1) / (n + 1) + 1e-12:
            assert share == pytest.approx(level, abs=0.012)
        else:
            assert math.isnan(share)


def test_coverage_of_two_draws_too_alike_is_the_closed_form():
    """Truth N(0,1), draws N(0,s^2): P(min < t < max) = 1 - 2 P(both draws above), by symmetry."""
    s = 0.5
    t = np.linspace(-8, 8, 20_001)
    density = np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
    below = np.array([normal_cdf(v / s) for v in t])
    expected = float((density * (1 - below**2 - (1 - below) ** 2)).sum() * (t[1] - t[0]))
    counts = rank_histogram(*gaussian(2, scale=s), generator())
    assert coverage(counts, [1 / 3])[0] == pytest.approx(expected, abs=0.01)
    assert expected < 1 / 3


def test_draws_too_sure_cover_less_and_too_unsure_more():
    sure, unsure = (rank_histogram(*gaussian(8, scale=s), generator()) for s in (0.5, 2.0))
    low, high = coverage(sure), coverage(unsure)
    assert (low[:7] < np.array(LEVELS[:7]) - 0.03).all()
    assert (high[:7] > np.array(LEVELS[:7]) + 0.03).all()
    assert sure[0] > sure[4] < sure[8] and unsure[0] < unsure[4] > unsure[8]
    biased = rank_histogram(*gaussian(8, shift=1.0), generator())
    assert biased[0] > 2 * biased[8]  # the truth lies below most draws


def test_coverage_counts_ranks_by_hand():
    found = coverage([10, 20, 30, 40], levels=[0.25, 0.5, 0.51])  # three draws: only 50 %
    assert found[1] == 0.5 and found[0] == 0.25 and math.isnan(found[2])
    assert coverage([1, 2, 4, 2, 1], levels=[1 / 5, 3 / 5]) == pytest.approx([0.4, 0.8])
    assert math.isnan(coverage([3, 5], levels=[0.1])[0])  # one draw has no interval


def test_ranks_and_their_ties():
    draws = torch.tensor([[0.0, 1.0], [0.2, 1.0], [0.4, 1.0]])
    assert ranks(draws, torch.tensor([0.3, 2.0]), generator()).tolist() == [2, 3]
    assert ranks(draws, torch.tensor([-1.0, 0.0]), generator()).tolist() == [0, 0]
    flat = torch.zeros(3, MANY)  # all equal: every place is as likely
    counts = rank_histogram(flat, torch.zeros(MANY), generator())
    assert counts / MANY == pytest.approx([0.25] * 4, abs=0.01)
    again = rank_histogram(flat, torch.zeros(MANY), generator())
    assert np.array_equal(counts, again)
    assert not np.array_equal(counts, rank_histogram(flat, torch.zeros(MANY), generator(1)))


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_error_against_spread_of_gaussian_draws(scale):
    """RMS error of the mean of n draws: sqrt(1 + s^2/n); promised: sqrt(1 + 1/n) s."""
    n = 8
    ratio = overall_ratio(*error_and_variance(*gaussian(n, scale=scale)), n)
    promised = math.sqrt(1 + 1 / n) * scale
    assert ratio == pytest.approx(math.sqrt(1 + scale**2 / n) / promised, rel=0.01)


def test_deciles_follow_the_spread_where_it_is_honest():
    """Truth and draws of a spread of their own a place: every decile keeps its promise.

    With many draws the sample's spread is the true one, so sorting by it does no harm."""
    n, many = 64, 20_000
    draws, truth = gaussian(n, many=many)
    own = torch.logspace(-2, 0, many, dtype=torch.float64)
    rows = error_by_spread(*error_and_variance(draws * own, truth * own), n)
    assert len(rows) == 10
    spreads = [r["spread"] for r in rows]
    assert spreads == sorted(spreads)
    for r in rows:
        assert r["ratio"] == pytest.approx(1, abs=0.06)
        assert r["expected"] == pytest.approx(math.sqrt(1 + 1 / n) * r["spread"])
    sure = error_by_spread(*error_and_variance(draws * own / 3, truth * own), n)
    assert all(r["ratio"] > 2 for r in sure)


def test_draws_without_spread_have_no_ratio():
    error, variance = error_and_variance(torch.zeros(2, 20), torch.ones(20))
    assert error.tolist() == [1] * 20 and variance.sum() == 0
    rows = error_by_spread(error, variance, 2)
    assert all(r["ratio"] is None and r["error"] == 1 for r in rows)
    assert math.isnan(overall_ratio(error, variance, 2))


def test_what_does_not_fit_is_one_line():
    draws = torch.zeros(3, 5)
    for truth, words in (
        (torch.zeros(4), r"need \(n,...\) and \(...\)"),
        (torch.full((5,), math.nan), "not finite"),
    ):
        with pytest.raises(JGMError, match=words):
            ranks(draws, truth, generator())
    with pytest.raises(JGMError, match="at least 2"):
        error_and_variance(torch.zeros(1, 5), torch.zeros(5))
    for counts in ([], [0, 0], [-1, 3], [5]):
        with pytest.raises(JGMError, match="counts >= 0"):
            coverage(counts)
    with pytest.raises(JGMError, match="need the same"):
        error_by_spread([1.0] * 5, [1.0] * 5, 2)
