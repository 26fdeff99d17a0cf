"""Levels and steps by Song and Ermon 2020, against numbers worked out another way."""

import itertools
import math

import pytest
import torch

from jgm_lib import ladder
from jgm_lib.errors import JGMError
from jgm_lib.noise import level_overlap, sigma_ladder


def test_the_largest_distance_is_that_of_the_two_farthest():
    x = torch.tensor([[0.0, 0], [3, 4], [1, 1], [-3, -4]]).view(4, 1, 1, 2)
    assert ladder.largest_distance(x) == pytest.approx(10.0)
    with pytest.raises(JGMError, match="1 pictures: a distance needs at least 2"):
        ladder.largest_distance(x[:1])


def test_the_chroma_distance_does_not_see_grey():
    """Two flat pictures: their distance along grey is dropped, the rest counts once a pixel."""
    a = torch.tensor([0.2, 0.5, 0.8]).view(1, 3, 1, 1).expand(1, 3, 4, 5)
    b = torch.tensor([0.9, 0.6, 0.3]).view(1, 3, 1, 1).expand(1, 3, 4, 5)
    d = (a - b)[0, :, 0, 0].double()
    expected = math.sqrt(20 * float((d - d.mean()).square().sum()))
    assert ladder.chroma_distance(torch.cat([a, b])) == pytest.approx(expected, rel=1e-6)
    assert ladder.chroma_distance(torch.cat([a, a + 0.1])) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("D", [5, 100, 9 * 64 * 64])
@pytest.mark.parametrize("overlap", [0.2, 0.5, 0.9])
def test_the_ratio_has_the_overlap_asked_for(D, overlap):
    ratio = ladder.overlapping_ratio(D, overlap)
    assert ratio > 1 and level_overlap(ratio, 1.0, D) == pytest.approx(overlap, abs=1e-9)


def test_the_ratio_of_many_dimensions_in_closed_form():
    """At one half the second term is the half: sqrt(2D)(r - 1) = 3 r."""
    D = 9 * 64 * 64
    root = math.sqrt(2 * D)
    assert ladder.overlapping_ratio(D) == pytest.approx(root / (root - 3), rel=1e-6)


def test_levels_needed_are_enough_and_no_more():
    ratio = 1.5
    L = ladder.levels_needed(20.0, 0.01, ratio)
    levels = sigma_ladder(20.0, 0.01, L)
    assert max(a / b for a, b in itertools.pairwise(levels)) <= ratio + 1e-12
    fewer = sigma_ladder(20.0, 0.01, L - 1)
    assert fewer[0] / fewer[1] > ratio
    assert ladder.levels_needed(8.0, 1.0, 2.0) == 4


@pytest.mark.parametrize("T", [0, 1, 5, 100])
@pytest.mark.parametrize("share", [1e-3, 0.027, 0.5, 1.7])
def test_variance_after_is_the_recursion_played_out(T, share):
    v = 1.6**2
    for _ in range(T):
        v = (1 - share) ** 2 * v + 2 * share
    assert ladder.variance_after(T, share, 1.6) == pytest.approx(v, rel=1e-12)


def test_variance_after_is_technique_4_as_printed():
    """In their letters: alpha = e sigma_i^2/sigma_L^2, x + alpha s + sqrt(2 alpha) z, e = epsilon/2."""
    e, sigma_L, gamma, T = 2.7e-6, 0.01, 1.668, 100
    q = 1 - e / sigma_L**2
    limit = 2 * e / (sigma_L**2 - sigma_L**2 * q**2)
    printed = q ** (2 * T) * (gamma**2 - limit) + limit
    share = ladder.share_of(2 * e, sigma_L)
    assert ladder.variance_after(T, share, gamma) == pytest.approx(printed, rel=1e-12)
    assert printed == pytest.approx(
        1.021, abs=5e-4
    )  # the authors' levels are short of nothing here


def test_the_best_share_is_a_minimum_and_above_one():
    for T, ratio in ((1, 1.05), (5, 1.3), (100, 1.668)):
        share, variance = ladder.best_share(T, ratio)
        assert variance > 1
        for other in (0.8 * share, 1.2 * share):
            assert ladder.variance_after(T, other, ratio) > variance
    excess = [ladder.best_share(T, 1.668)[1] - 1 for T in (5, 20, 100)]
    assert excess == pytest.approx([0.2218, 0.0736, 0.0189], rel=0.01)


def test_one_step_has_its_best_share_in_closed_form():
    """T = 1: (1 - h)^2 r^2 + 2 h is least at h = 1 - 1/r^2, the ancestral step."""
    share, variance = ladder.best_share(1, 1.5)
    assert share == pytest.approx(1 - 1 / 1.5**2, abs=1e-6)
    assert variance == pytest.approx(2 - 1 / 1.5**2)


def test_epsilon_and_share_are_inverse():
    assert ladder.share_of(ladder.epsilon_of(0.3, 0.02), 0.02) == pytest.approx(0.3)


def test_fresh_noise_makes_up_the_next_level():
    for kept, sigma, after in ((0.3, 2.0, 1.5), (-0.2, 1.0, 0.5), (0.5, 1.0, 0.5)):
        fresh = ladder.fresh_noise(kept, sigma, after)
        assert fresh**2 + (kept * sigma) ** 2 == pytest.approx(after**2)


def test_a_consistent_step_needs_room():
    ladder.check_consistent(0.4, 1.0, 1.5)
    for share, lam, ratio in ((0.3, 1.0, 1.5), (0.9, 1.0, 1.5), (1.7, 0.0, 1.5)):
        with pytest.raises(JGMError, match="must lie between 0.3333") as error:
            ladder.check_consistent(share, lam, ratio)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: ladder.overlapping_ratio(4), "dimensions=4"),
        (lambda: ladder.overlapping_ratio(5, 1.0), "overlap=1.0"),
        (lambda: ladder.levels_needed(0.01, 1.0, 1.5), "sigma_1=0.01"),
        (lambda: ladder.levels_needed(1.0, 0.01, 1.0), "ratio > 1"),
        (lambda: ladder.variance_after(3, 2.0, 1.5), "share=2.0"),
        (lambda: ladder.variance_after(-1, 0.5, 1.5), "T=-1"),
    ],
)
def test_bad_input_is_one_clear_line(call, match):
    with pytest.raises(JGMError, match=match) as error:
        call()
    assert "\n" not in str(error.value)
