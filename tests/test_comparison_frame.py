"""The one interface of the compared methods, oracles by order statistics, Table I and the zoom."""

import json
from itertools import combinations

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from jgm_course.nb07 import figures as nb07
from jgm_course.nb08 import figures as nb08
from jgm_lib import baselines, checkpoints
from jgm_lib.errors import JGMError
from jgm_lib.experiments.lineup import LINEUP, LONG, bundled_lineup
from jgm_lib.experiments.methods import Direct
from jgm_lib.experiments.sources import Pictures
from jgm_lib.metrics import psnr
from jgm_lib.noise import mix_seed, version_seeds
from jgm_lib.operators import from_basis, gray, to_basis

SLOW = dict(T=3, L=3, epsilon=1e-4)


@pytest.fixture(scope="module")
def rat():
    """A Gaussian prior of nine-channel pictures, 4 x 4, whose every answer is known."""
    return nb07.Rat(4, variance=0.002)


@pytest.fixture(scope="module")
def y(rat):
    return torch.cat([rat.truth(s)[1] for s in (1, 2, 3)])


def grey_picture(B=2):
    return torch.rand(B, 1, 6, 5, generator=torch.Generator().manual_seed(0))


# -- the interface -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", baselines.methods(None))
def test_every_method_keeps_the_interface(rat, y, name):
    """Shape, range, F x = y, the same for a seed, and another for another one only if it draws."""
    method = baselines.methods(rat.joint, 4, SLOW)[name]
    before = y.clone()
    x = method(y, 3)
    assert x.shape == (3, 3, 4, 4) and x.min() >= 0 and x.max() <= 1
    assert baselines.residual(x, y) < 1e-9
    assert torch.equal(x, method(y, 3)) and torch.equal(y, before)
    assert torch.equal(x, method(y, 4)) != method.draws
    assert method.nfe == {"grey replica": 0, "regression mean": 1, "langevin": 9}.get(name, 4)


def test_a_row_does_not_depend_on_its_neighbours(rat, y):
    method = baselines.methods(rat.joint, 4)["split"]
    torch.testing.assert_close(method(y, 5)[:2], method(y[:2], 5))


def test_each_row_has_noise_of_its_own(rat, y):
    """Three times the same photograph: three colourings, or a batch's errors would be one error."""
    x = baselines.methods(rat.joint, 4)["split"](y[:1].expand(3, -1, -1, -1), 5)
    assert all((x[i] - x[j]).abs().max() > 1e-3 for i, j in combinations(range(3), 2))


@pytest.mark.parametrize(
    "bad",
    [torch.rand(2, 3, 4, 4), torch.rand(4, 4), 2 * torch.ones(1, 1, 4, 4), np.zeros((1, 1, 4, 4))],
)
def test_what_is_no_grey_picture_is_refused(rat, bad):
    for method in baselines.methods(rat.joint, 2, SLOW).values():
        with pytest.raises(JGMError, match="gray: need"):
            method(bad, 0)


def test_an_unknown_sampler_is_named(rat):
    with pytest.raises(JGMError, match="'magic' is unknown; choose split"):
        baselines.Sampled(rat.joint, "magic")


def test_the_grey_replica_is_its_own_picture():
    y = grey_picture()
    x = baselines.grey_replica(y)
    x[:] = 0
    assert y.max() > 0, "no view of the input"


def test_the_regression_mean_is_the_posterior_mean(rat, y):
    """E[colour | grey] of the Gaussian prior, up to what the finite noise levels leave (measured)."""
    got = baselines.RegressionMean(rat.joint, sigma_max=100.0)(y)
    wanted = torch.stack([rat.posterior(v[None]).mean.view(3, 4, 4) for v in y])
    off = float((got - wanted).square().mean().sqrt())
    spread = float((wanted - y).square().mean().sqrt())
    assert off < 0.02 * spread


def test_the_mean_of_draws_is_their_mean_and_counts_their_evaluations(rat, y):
    one = baselines.methods(rat.joint, 4)["split"]
    mean = baselines.MeanOf(one, 5)
    each = [one(y, [mix_seed(s, v, 1) for s in version_seeds(7, 3)]) for v in range(5)]
    torch.testing.assert_close(mean(y, 7), torch.stack(each).mean(0))
    assert mean.nfe == 20


def test_draws_differ_and_deterministic_methods_are_called_once(rat, y):
    x = Direct(baselines.methods(rat.joint, 4)["split"], 3).versions(y, [0, 1, 2])
    assert x.shape == (3, 3, 3, 4, 4)
    assert all((x[:, i] - x[:, j]).abs().max() > 1e-3 for i, j in combinations(range(3), 2))
    same = Direct(baselines.grey_replica, 3).versions(y, [0, 1, 2])
    assert torch.equal(same, y[:, None].expand(-1, 1, 3, -1, -1))


# -- CIELAB --------------------------------------------------------------------------------------


def test_in_lab_keeps_a_and_b_and_takes_the_lightness_of_the_grey():
    from skimage.color import rgb2lab

    g = torch.Generator().manual_seed(1)
    x = 0.5 + 0.04 * torch.rand(
        2, 3, 6, 5, generator=g, dtype=torch.float64
    )  # all inside the gamut
    y = gray(x, baselines.F)
    lab = rgb2lab(baselines.in_lab(x, y).movedim(1, -1).numpy())
    np.testing.assert_allclose(lab[..., 1:], rgb2lab(x.movedim(1, -1).numpy())[..., 1:], atol=1e-3)
    replica = rgb2lab(baselines.grey_replica(y).movedim(1, -1).numpy())
    np.testing.assert_allclose(lab[..., 0], replica[..., 0], atol=1e-3)


def test_raw_cielab_breaks_the_grey_and_projection_restores_it():
    y = grey_picture().double() * 0.5 + 0.25
    U = to_basis(y.expand(-1, 3, -1, -1).contiguous())
    U[:, 1:] = 0.12
    x = from_basis(U)  # chroma of equal grey
    raw = baselines.in_lab(x, y)
    fixed = baselines.finish(raw, y)
    assert baselines.residual(raw, y) > 0.005 and baselines.residual(fixed, y) < 1e-12
    assert (psnr(fixed, x) > psnr(raw, x) + 3).all()


def test_a_grey_picture_passes_cielab_unchanged():
    y = grey_picture().double()
    x = baselines.grey_replica(y)
    torch.testing.assert_close(baselines.in_lab(x, y), x, rtol=0, atol=2e-4)


# -- oracles -------------------------------------------------------------------------------------


def test_the_expected_best_is_the_mean_over_all_subsets():
    scores = np.random.default_rng(0).normal(size=7)
    for k in range(1, 8):
        by_hand = np.mean([max(c) for c in combinations(scores, k)])
        assert nb08.expected_best(scores, k) == pytest.approx(by_hand, abs=1e-12)


# -- the tables ----------------------------------------------------------------------------------


def test_the_contest_has_honest_rows(rat):
    contest = nb08.Contest(torch.cat([rat.truth(s)[0] for s in (1, 2, 3)]).clamp(0, 1), seed=0)
    for name, method in baselines.methods(rat.joint, 4, SLOW).items():
        contest.enter(name, method, 3)
    rows = contest.rows()
    columns = [r["column"] for r in rows if r["method"] == "split"]
    assert columns == ["single", "mean of 3", "oracle of 3"]
    assert [r["column"] for r in rows if r["method"] == "grey replica"] == [""]
    assert rows[-1]["method"] == "truth" and rows[-1]["delta_e"] == 0
    for r in rows[:-1]:
        assert r["delta_e_low"] <= r["delta_e"] <= r["delta_e_high"] and r["residual"] < 1e-7
    text = nb08.text_table(rows)
    assert "3x4" in text and len(text.splitlines()) == 1 + len(rows)
    assert len(nb08.figure_of(rows).axes[0].get_yticks()) == 6


def test_table_i_is_drawn_as_printed():
    fig = nb08.table_one_figure()
    for column, axis in enumerate(fig.axes):
        for bars, row in zip(axis.containers, nb08.TABLE_I.values(), strict=True):
            assert [b.get_height() for b in bars] == [v[column] for v in row]
        dashes = [float(line.get_ydata()[0]) for line in axis.lines]
        assert dashes == [nb08.GREY_REPLICA[0][column], nb08.GREY_REPLICA[1][column]]


def test_fig_7_enlarges_what_its_boxes_mark():
    image = np.random.default_rng(0).random((40, 60, 3))
    boxes = [(5, 10, 25, 30), (30, 0, 50, 20)]
    fig = nb08.zoom_figure(image, boxes)
    whole, *parts = fig.axes
    frames = [p for p in whole.patches if isinstance(p, Rectangle)]
    for k, (left, top, right, bottom) in enumerate(boxes):
        np.testing.assert_array_equal(parts[k].images[0].get_array(), image[top:bottom, left:right])
        assert frames[2 * k].get_bbox().extents == pytest.approx([left, top, right, bottom])


def test_photographs_come_at_the_priors_size():
    x = nb08.photographs(["china", "coffee"], 16)
    assert x.shape == (2, 3, 16, 16) and x.min() >= 0 and x.max() <= 1 and x.std() > 0.1


# -- Table I of our own ----------------------------------------------------------------------------


def test_the_stored_comparison_is_of_the_bundled_weights_and_names_who_is_absent():
    found = json.loads(nb08.RESULTS.read_text(encoding="utf-8"))
    seats, notes = bundled_lineup(checkpoints.bundled())
    absent = {note.split(":")[0] for note in found["notes"]}
    assert absent | set(found["weights"]) == set(LINEUP) | {"classifier"}
    for name in set(found["weights"]) - {"classifier"}:
        own = [checkpoints.load(w)[1]["sha256"] for w in seats[name]]
        assert found["weights"][name] == (own if len(own) > 1 else own[0])
    assert {r["method"] for r in found["rows"]} >= {"grey replica", "truth"}


def test_fig_5_has_a_draw_of_every_bundled_seat():
    pictures = Pictures.of_truth(nb08.photographs(["coffee", "china"], 64))
    drawn = nb08.one_draw_each(pictures, 2, 0)
    seats, _ = bundled_lineup(checkpoints.bundled())
    only_long = {n for n in seats if LINEUP[n].ways and set(LINEUP[n].ways) <= set(LONG)}
    assert set(drawn) == set(seats) - only_long
    for x in drawn.values():
        assert x.shape == (2, 3, 64, 64) and (x.amax(1) - x.amin(1)).mean() > 1e-3  # in colour
