"""The helpers of lessons 06, 09 and 10: what is counted, with which error bars, what a mean gains."""

import numpy as np
import pytest
import torch

from jgm_course.nb06 import figures as nb06
from jgm_course.nb09 import figures as nb09
from jgm_lib.data.toy import OBJECTS, PALETTE, ToyScenes, visible
from jgm_lib.noise import karras_sigmas
from jgm_lib.operators import gray_pinv, gray_weights
from jgm_lib.study import share_interval


@pytest.fixture(scope="module")
def group():
    return nb09.Group(None, 32, 12, 8, seed=0)


def painted(group, name: str, modes) -> torch.Tensor:
    """(B,1,3,S,S): every landscape with one object in the mean of the named modes."""
    pictures = []
    for i in range(len(group.y)):
        scenes = [ToyScenes(32).sample(1, group.first + i, modes={name: k}) for k in modes]
        pictures.append(torch.stack([s.images for s in scenes]).mean(0))
    return torch.stack(pictures)


def test_every_draw_of_a_visible_object_is_counted(group):
    for name, c in nb09.mode_table(group, group.exact()).items():
        assert c.draws == 8 * int(visible(group.labels, name).sum())
        assert c.names[-1] == "mixed" and c.shares[-1] == 0
        assert c.shares.sum() == pytest.approx(1)
        for p, (low, high) in zip(c.wanted, c.intervals, strict=True):
            assert low - 0.1 <= p <= high + 0.1, name


@pytest.mark.parametrize(("name", "modes"), [("roof", (0, 1)), ("sky", (0, 1)), ("hills", (0, 1))])
def test_a_colour_between_two_modes_is_counted_as_mixed(group, name, modes):
    pure = nb09.mode_table(group, painted(group, name, modes[:1]))[name]
    between = nb09.mode_table(group, painted(group, name, modes))[name]
    assert pure.shares[modes[0]] == 1 and pure.shares[-1] == 0
    assert between.shares[-1] == 1 and between.draws == pure.draws


def test_what_is_visible_does_not_hang_on_the_colours():
    b = ToyScenes(32).sample(60, 0)
    for name in PALETTE:
        pixels = (b.labels == OBJECTS.index(name)).sum((1, 2))
        assert torch.equal(visible(b.labels, name), pixels >= 0.003 * 32**2)


def test_the_interval_is_wilsons_where_all_landscapes_agree_and_wider_where_they_do_not():
    assert nb09.scene_interval(np.zeros(12), 96) == pytest.approx(share_interval(0.0, 96))
    low, high = nb09.scene_interval(
        np.repeat([0.0, 1.0], 6), 96
    )  # a landscape decides all its draws
    narrow = share_interval(0.5, 96)
    assert low < narrow[0] - 0.1 and high > narrow[1] + 0.1


def test_plausibility_has_an_interval_over_landscapes(group):
    x = group.exact()
    x[:6] = group.y[:6, None]  # half of the landscapes grey
    row = group.measure(x)
    assert row["admissible"] == pytest.approx(0.5)
    assert row["interval"][0] < 0.35 and row["interval"][1] > 0.65
    assert "0.50 (" in nb09.text_table({"half": row})


def test_less_lookahead_keeps_less_variance():
    kept = [
        nb06.kept_variance(karras_sigmas(20, 60.0), 0.01, "multistep", lookahead=share)
        for share in (0.0, 0.6, 1.0)
    ]
    assert kept == pytest.approx([0.54, 0.80, 1.10], abs=0.01)
    assert kept[0] == nb06.kept_variance(karras_sigmas(20, 60.0), 0.01, "ancestral")


def test_the_bench_counts_with_an_interval():
    bench = nb06.Bench(None, 6, seed=0)
    x = bench.batch.images.clone()
    x[:3] = bench.y[:3]
    row = {"nfe": 0, "seconds": 0.0, **bench.measure(x)}
    low, high = row["interval"]
    assert row["admissible"] == pytest.approx(0.5, abs=1e-3) and low < 0.2 and high > 0.8
    assert f"0.50 ({low:.2f} to {high:.2f})" in nb06.table({"half": row})
    shares, *strips = nb06.causes_figure({"half": row, "all": row}, n=2).axes
    assert [s.get_ylabel() for s in strips] == ["half", "all"]
    assert [list(line.get_xdata()) for line in shares.lines[::2]] == [[low, high]] * 2
    assert [t.get_text() for t in shares.texts] == ["0.50", "0.50"]


def test_the_smallest_picture_of_a_grey_is_coloured_under_eq_19():
    y = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    green = gray_pinv(y, gray_weights("bt601")).flatten().tolist()
    assert green == pytest.approx([0.67, 1.31, 0.24], abs=0.005)
    assert gray_pinv(y, gray_weights("mean")).flatten().tolist() == pytest.approx([1, 1, 1])


def test_a_learners_function_is_drawn_once_a_version_by_seeds_of_its_own(group):
    seen = []

    def colour(y, seeds):
        seen.extend(seeds)
        return y.expand(-1, 3, -1, -1)

    x = group.by(colour)
    assert x.shape == group.exact().shape and len(set(seen)) == len(seen) == x.shape[0] * x.shape[1]
    assert group.measure(x)["delta_e"] == 0
