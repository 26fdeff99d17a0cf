"""Helpers of lessons 01 to 03: exact mixtures, statistics, figures."""

import math

import numpy as np
import pytest
import torch

from jgm_course import plots, stats
from jgm_course.mixture import Mixture
from jgm_lib.errors import JGMError
from jgm_lib.figures import png_bytes

SIGMA = 0.4


@pytest.fixture
def mixture():
    return Mixture([[0.0, 1.0], [-1.0, 0.5], [2.0, -1.0]], [2.0, 1.0, 1.0], spread=0.3)


def points(n=40, seed=0):
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_score_is_the_gradient_of_the_log_density(mixture):
    x = points().requires_grad_()
    (slope,) = torch.autograd.grad(mixture.log_density(x, SIGMA).sum(), x)
    assert torch.allclose(mixture.score(x, SIGMA), slope, atol=1e-12)


def test_density_is_the_sum_of_gaussians_and_weights_are_normalized(mixture):
    x, v = points(), 0.3**2 + SIGMA**2
    direct = sum(
        w * torch.exp(-(x - m).square().sum(1) / (2 * v)) / (2 * math.pi * v)
        for w, m in zip((0.5, 0.25, 0.25), mixture.means, strict=True)
    )
    assert torch.allclose(mixture.log_density(x, SIGMA).exp(), direct, rtol=1e-12)


def test_denoiser_is_the_posterior_mean(mixture):
    """On a fine grid of clean points, by brute force."""
    grid = plots.plane(4.0, 161)
    noisy = points(5)
    logs = mixture.log_density(grid) - torch.cdist(noisy, grid) ** 2 / (2 * SIGMA**2)
    assert torch.allclose(mixture.denoise(noisy, SIGMA), torch.softmax(logs, 1) @ grid, atol=1e-6)


def test_points_without_spread_are_a_softmax():
    p = points(4)
    rat, x = Mixture(p, torch.ones(4)), points(6, 1)
    weights = torch.softmax(-(torch.cdist(x, p) ** 2) / (2 * SIGMA**2), dim=1)
    assert torch.allclose(rat.denoise(x, SIGMA), weights @ p)
    assert torch.equal(rat.nearest(p), torch.arange(4))


def test_samples_have_the_weights_and_the_spread(mixture):
    x = mixture.sample(20_000, torch.Generator().manual_seed(0))
    mean = (mixture.weights[:, None] * mixture.means).sum(0)
    assert torch.allclose(x.mean(0), mean, atol=0.03)
    share, error = stats.shares(mixture.nearest(x), 3)
    assert np.abs(share - mixture.weights.numpy()).max() < 0.05 and error.max() < 0.004


@pytest.mark.parametrize(
    "arguments",
    [([[0.0, 1.0]], [1.0, 2.0]), ([0.0, 1.0], [1.0, 2.0]), ([[0.0], [1.0]], [1.0, -1.0])],
)
def test_a_mixture_that_does_not_fit_is_refused(arguments):
    with pytest.raises(JGMError):
        Mixture(*arguments)


def test_ks_distance_by_hand():
    assert stats.ks_distance([1, 2, 3, 4], [3, 4, 5, 6]) == pytest.approx(0.5)
    assert stats.ks_distance([1, 2], [3, 4]) == 1
    assert stats.ks_distance([1, 2, 2], [2, 1, 2]) == 0


def test_ks_distance_is_scipys():
    scipy_stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=300), rng.laplace(size=200)
    assert stats.ks_distance(a, b) == pytest.approx(scipy_stats.ks_2samp(a, b).statistic, abs=1e-12)


def test_kurtosis_of_known_laws():
    rng = np.random.default_rng(0)
    assert stats.kurtosis([-1, 1, -1, 1]) == pytest.approx(1)
    assert stats.kurtosis(5 + 2 * rng.normal(size=400_000)) == pytest.approx(3, abs=0.05)


def test_total_variation_counts_the_misplaced_share():
    assert stats.total_variation([0.5, 0.5, 0.0], [0.5, 0.2, 0.3]) == pytest.approx(0.3)


def test_patches_keep_neighbours_together():
    a = np.arange(2 * 5 * 7).reshape(2, 5, 7)
    got = stats.patches(a, 2)
    assert got.shape == (6, 8)
    assert sorted(got[1]) == sorted(a[:, :2, 2:4].ravel())


def test_permutation_test_sees_a_difference_and_none():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1, 2], 6)
    same = [rng.normal(size=400) for _ in labels]
    wider = [s * (1 + k) for s, k in zip(same, labels, strict=True)]
    assert stats.permutation_p(stats.pairwise(wider), labels, 200, 0) == pytest.approx(1 / 201)
    assert stats.permutation_p(stats.pairwise(same), labels, 200, 0) > 0.05


def test_every_figure_draws():
    frame, cloud = np.zeros((4, 4, 3)), points(10)
    rat = Mixture([[0.0, 0.0]], [1.0], 1.0)
    strip = plots.film_strip([[frame, frame]] * 2, [["a", "b"], ["c", "d"]], ["x", "y"])
    assert [a.get_xlabel() for a in strip.axes] == ["a", "b", "c", "d"]
    fig, axis = plots.panels()
    plots.draw_density(axis, rat.log_density, 2.0)
    plots.draw_field(axis, rat.score, 2.0)
    plots.draw_cloud(axis, cloud, 2.0)
    plots.share_bars(plots.panels()[1], [0.5, 0.5], {"a": ([0.4, 0.6], [0.1, 0.1])}, "ab")
    clouds = plots.cloud_strip([cloud] * 2, [rat.log_density] * 2, ["1", "2"], 2.0)
    assert all(png_bytes(f).startswith(b"\x89PNG") for f in (strip, fig, clouds))


def test_a_flipbook_turns_its_pages():
    pages = [plots.panels(width=w)[0] for w in (1.0, 2.0)]
    slider, picture = plots.flipbook(pages, ["one", "two"], "page").children
    first = picture.value
    slider.value = 1
    assert picture.value != first
    slider.value = 0
    assert picture.value == first
