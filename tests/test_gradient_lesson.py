"""Helpers of lesson 03: closed forms against the solver, and tests of the statistical tests."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jgm_course import plots, stats
from jgm_course.nb03 import figures as nb03
from jgm_lib.data import samples
from jgm_lib.errors import JGMError
from jgm_lib.figures import png_bytes
from jgm_lib.fusion import fuse, fusion_noise_gain, laplacian_eigenvalues
from jgm_lib.operators import grad


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# -- Eq 14 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [0.01, 0.25, 5.9, 400.0])
def test_seam_decay_solves_its_equation(beta):
    r = nb03.seam_decay(beta)
    assert 0 < r < 1
    assert beta * (r + 1 / r) == pytest.approx(1 + 2 * beta, rel=1e-10)


@pytest.mark.parametrize("beta", [0.25, 5.9])
def test_seam_error_is_what_the_solver_makes_of_an_unknown_seam(beta):
    x = draw(0, 1, 3, 120, 5)
    row = (fuse(x, *grad(x), beta, "periodic") - x).mean((0, 1, 3)).numpy()
    jump = float((x[:, :, 0] - x[:, :, -1]).mean())
    np.testing.assert_allclose(row[:50], nb03.seam_error(beta, jump, 50), rtol=0, atol=1e-12)
    np.testing.assert_allclose(row[-50:], -nb03.seam_error(beta, jump, 50)[::-1], atol=1e-12)


def test_seam_meets_in_the_middle_for_large_beta():
    assert nb03.seam_error(1e8, 2.0, 1)[0] == pytest.approx(-1.0, abs=1e-3)


@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_poisson_noise_gain_is_the_limit(scale, boundary):
    limit = nb03.poisson_noise_gain(scale, 9, 12, boundary)
    assert fusion_noise_gain(1e10, scale, 9, 12, boundary) == pytest.approx(limit, rel=1e-7)
    assert nb03.poisson_noise_gain(scale, 18, 24, boundary) > limit  # it grows with the picture


def test_wipe_takes_each_side_from_its_picture():
    black, white = torch.zeros(1, 3, 4, 10), torch.ones(1, 3, 4, 10)
    fig = nb03.wipe(black, white, 0.3)
    shown = fig.axes[0].images[0].get_array()
    assert shown[:, :3].max() == 0 and shown[:, 3:].min() == 1
    assert png_bytes(nb03.wipe(black, white, 0.0)).startswith(b"\x89PNG")


@pytest.mark.parametrize(("H", "W"), [(4, 5), (3, 3), (6, 2)])
@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_gradients_and_curls_span_all_but_two_directions(H, W, boundary):
    n = H * W
    ranks = nb03.field_ranks(H, W, boundary)
    assert ranks == {"gradients": n - 1, "curls": n - 1, "together": 2 * n - 2}
    gradients, curls = nb03.fields(H, W, boundary)
    assert float((gradients @ curls.T).abs().max()) < 1e-12
    missing = torch.zeros(2, 2, H, W, dtype=torch.float64)
    if boundary == "periodic":
        missing[0, 0], missing[1, 1] = 1, 1  # the two constant fields
    else:
        missing[0, 0, -1], missing[1, 1, :, -1] = 1, 1  # where no difference stands
    assert float((torch.cat([gradients, curls]) @ missing.flatten(1).T).abs().max()) < 1e-12


# -- photographs and their gradients -------------------------------------------------------------


def test_photo_averages_without_rounding():
    full, small = nb03.photo("chelsea"), nb03.photo("chelsea", shrink=2)
    assert full.shape == (1, 3, 300, 451) and small.shape == (1, 3, 150, 225)
    block = full[0, :, 4:6, 8:10].mean((-2, -1))
    torch.testing.assert_close(small[0, :, 2, 4], block, rtol=0, atol=1e-14)
    assert max(nb03.photo("china", longest=100).shape) == 100
    assert torch.equal(nb03.photo("china", longest=5000), nb03.photo("china"))
    with pytest.raises(JGMError, match="unknown"):
        nb03.photo("nobody")


def test_chroma_gradients_are_blind_to_grey_and_keep_noise():
    grey = draw(0, 1, 1, 40, 40).expand(-1, 3, -1, -1)
    assert float(nb03.chroma_gradients(grey).abs().max()) < 1e-14
    noise = nb03.chroma_gradients(draw(1, 1, 3, 200, 200))  # differences: variance 2
    assert len(noise) == 2 * 2 * 200 * 200
    assert float(noise.var()) == pytest.approx(2 * 199 / 200, rel=0.02)


def test_luma_gradients_leave_the_empty_edge_out():
    x = draw(2, 1, 3, 5, 7)
    g, y = nb03.luma_gradients(x), x.mean(1)[0].numpy()
    assert g.shape == (2, 4, 6)
    np.testing.assert_allclose(g[0], np.diff(y, axis=0)[:, :-1], atol=1e-15)
    np.testing.assert_allclose(g[1], np.diff(y, axis=1)[:-1], atol=1e-15)


def test_local_scale_removes_a_slow_change_of_contrast():
    g = draw(3, 2, 60, 300).numpy()
    contrast = np.exp(np.linspace(-1, 1, 300))
    alone, changed = (nb03.by_local_scale(f, floor=0.0) for f in (g, g * contrast))
    assert stats.kurtosis(g * contrast) > 4  # a mixture of scales has heavy tails
    assert stats.kurtosis(changed) == pytest.approx(stats.kurtosis(alone), abs=0.05)
    assert np.abs(nb03.by_local_scale(np.full((2, 9, 9), 1e-6))).max() < 1e-3  # flat stays flat


# -- the tests of the claim ----------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 5), st.integers(0, 10**6), st.booleans())
def test_matching_p_is_exact_under_the_null(n, seed, ties):
    """Over all relabelings of the columns at most a share a of the p-values is <= a."""
    rng = np.random.default_rng(seed)
    D = rng.integers(0, 4, (n, n)).astype(float) if ties else rng.random((n, n))
    p = np.array([nb03.exact_matching_p(D[:, list(o)]) for o in itertools.permutations(range(n))])
    for a in np.unique(p):
        assert (p <= a).mean() <= a + 1e-12


def test_matching_p_by_hand_and_its_limit():
    assert nb03.exact_matching_p(1 - np.eye(4)) == pytest.approx(1 / 24)
    assert nb03.exact_matching_p(np.eye(3)) == 1.0
    with pytest.raises(JGMError, match="at most 8"):
        nb03.exact_matching_p(np.zeros((9, 9)))


def test_half_distances_leave_the_gap_out():
    field = np.zeros((2, 10, 100))
    field[..., 45:55] = 7.0  # only the gap differs
    field[..., 55:] = 1.0
    D = nb03.half_distances([field, field], gap=5, step=1)
    np.testing.assert_array_equal(D, np.ones((2, 2)))


def noise_pictures(scales, seed=0, heavy=3):
    """Fields (2,60,200) of one heavy-tailed law, each times its own scale."""
    rng = np.random.default_rng(seed)
    return [s * rng.standard_t(heavy, (2, 60, 200)) for s in scales]


def test_content_test_finds_a_difference_and_none():
    found = nb03.content_test(noise_pictures([1, 2, 4, 8, 16]), 20, 199, 0)
    assert found["p_halves"] == pytest.approx(1 / 120) and found["p_patches"] == 1 / 200
    assert found["other"] > 3 * found["own"] and found["excess"] > 0.2
    assert found["patches"] == 5 * 3 * 10
    none = nb03.content_test(noise_pictures([1] * 5), 20, 19, 0)
    assert none["p_halves"] > 0.05 and abs(none["excess"]) < 0.01


def test_without_a_difference_small_p_is_as_rare_as_it_says():
    found = [nb03.content_test(noise_pictures([1] * 5, seed), 30, 99, seed) for seed in range(20)]
    for test in ("p_halves", "p_patches"):
        p = np.array([f[test] for f in found])
        assert (p <= 0.1).sum() <= 5  # 20 fair tests: more than five have a chance of 1 %
        assert 0.3 < p.mean() < 0.7  # three standard errors


def test_local_scale_makes_pictures_of_one_law_alike():
    fields = [nb03.by_local_scale(f, floor=0.0) for f in noise_pictures([1, 2, 4, 8, 16])]
    found = nb03.content_test(fields, 20, 199, 0)
    assert found["p_halves"] > 0.05 and abs(found["excess"]) < 0.01


def test_sides_p_sees_a_picture_with_two_different_sides():
    even = noise_pictures([1])[0]
    assert nb03.sides_p(even, 20, 199, 0) > 0.05
    even[..., 100:] *= 3
    assert nb03.sides_p(even, 20, 199, 0) == 1 / 200


@pytest.mark.parametrize("name", samples.names())
def test_gradients_of_photographs_have_heavy_tails(name):
    g = nb03.luma_gradients(nb03.photo(name))
    assert stats.kurtosis(g) > 6
    assert stats.kurtosis(nb03.by_local_scale(g)) < stats.kurtosis(g)


def test_figures_draw():
    fields = {str(k): f for k, f in enumerate(noise_pictures([1, 2, 3]))}
    fig, (a, b) = plots.panels(1, 2)
    nb03.log_histogram(a, fields)
    nb03.distance_map(b, nb03.half_distances(list(fields.values())), list(fields), 0.2)
    assert png_bytes(fig).startswith(b"\x89PNG")
    assert len(a.lines) == 4  # three fields and the Gaussian
    K = laplacian_eigenvalues(4, 4, "periodic", torch.zeros(1, dtype=torch.float64))
    assert float(K.max()) == pytest.approx(8)  # what the lesson writes under its axis
