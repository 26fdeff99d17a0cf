"""Borders of scans: found where they are, and never in a photograph without one."""

import numpy as np
import pytest
import torch

from benchmarks import borders as bench
from jgm_lib import Colorizer
from jgm_lib.data import samples
from jgm_lib.params import ColorizeCard
from jgm_lib.photo import read_photo
from jgm_lib.photo.borders import MARGIN, Border, crop, find_border, framed
from jgm_lib.widgets import engine

PHOTOS = samples.names()
WIDTHS = (0.05, 0.11, 0.08, 0.04)  # top, bottom, left, right
SIDES = ("top", "bottom", "left", "right")


def photo(name: str) -> np.ndarray:
    """Grey (H,W) in [0,1] of a package's photograph."""
    return np.asarray(samples.load(name).convert("L"), np.float32) / 255


def noisy(h: int, w: int, seed: int = 0) -> np.ndarray:
    """A picture (h,w) that ends no strip by chance: every pixel between 0.2 and 0.7."""
    return np.random.default_rng(seed).uniform(0.2, 0.7, (h, w)).astype(np.float32)


def errors(found: Border, true: Border, shape) -> np.ndarray:
    """Found minus true at the four sides, as shares of the side."""
    lengths = np.repeat(shape, 2)
    return np.array([getattr(found, s) - getattr(true, s) for s in SIDES]) / lengths


def assert_right(picture, true: Border, least: float = 0.0, most: float = 0.01):
    """Every border is covered, and no more than 1 % of a side beyond it."""
    found = find_border(picture)
    assert [getattr(found, s) > 0 for s in SIDES] == [getattr(true, s) > 0 for s in SIDES], found
    off = errors(found, true, picture.shape)
    assert off.min() >= least and off.max() <= most, (found, true)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photograph_without_border_has_none(name):
    y = photo(name)
    for part in (y, y[: len(y) // 2], y[:, 40:], y[::2, ::2], y[25:125, 30:160]):
        assert find_border(part) == Border()


@pytest.mark.parametrize("tone", [0.02, 0.97, 0.8])
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "flower"])
def test_four_different_widths_come_back(name, tone):
    picture, true = bench.framed(photo(name), tone, WIDTHS, grain=0.01)
    assert_right(picture, true)


def test_sides_are_not_mixed_up():
    y = noisy(200, 300)
    for widths in [(9, 0, 0, 21), (0, 9, 21, 0), (30, 12, 0, 0), (0, 0, 12, 30)]:
        top, bottom, left, right = widths
        picture = np.pad(y, ((top, bottom), (left, right)))
        assert find_border(picture) == Border(*(n + 1 if n else 0 for n in widths))


def test_the_margin_is_a_pixel_or_a_share_of_the_side():
    y = noisy(1500, 1500)
    picture = np.pad(y, 100)
    (top,) = {getattr(find_border(picture), s) for s in SIDES}
    step = 1700 / 768  # a line of the picture that is searched
    assert 100 + round(MARGIN * 1700) <= top <= 100 + round(MARGIN * 1700) + 2 * step


@pytest.mark.parametrize("grain", [0.01, 0.03])
def test_grain_on_the_mount_is_no_hindrance(grain):
    picture, true = bench.framed(photo("astronaut"), 0.8, WIDTHS, grain=grain)
    assert_right(picture, true)


def test_coarse_grain_is_no_hindrance():
    picture, true = bench.framed(noisy(200, 200), 0.95, (0.1,) * 4, grain=0.05)
    assert_right(picture, true)


@pytest.mark.parametrize("tilt", [-0.5, 0.25, 0.5])
def test_a_tilted_photograph_keeps_no_wedge_of_border(tilt):
    """At half a degree the wedge is 0.44 % of the side high on either side of the middle."""
    picture, true = bench.framed(photo("coffee"), 0.03, WIDTHS, tilt=tilt, grain=0.005)
    wedge = np.tan(np.radians(abs(tilt))) * min(picture.shape) / max(picture.shape) / 2
    assert_right(picture, true, least=0.7 * wedge, most=0.0125)


def test_round_corners_do_not_hide_the_sides():
    picture, true = bench.framed(photo("flower"), 0.8, WIDTHS, round=0.06, grain=0.01)
    assert_right(picture, true)


def test_very_round_corners_do_not_either():
    """A fifth of the side: a quarter of every side is not straight then."""
    picture, true = bench.framed(noisy(200, 200), 0.95, (0.1,) * 4, round=0.2)
    assert_right(picture, true)


def test_a_film_edge_within_a_mount_is_border_too():
    film, inner = bench.framed(photo("chelsea"), 0.02, (0.03, 0.04, 0.05, 0.03))
    picture, outer = bench.framed(film, 0.85, WIDTHS, grain=0.01)
    both = Border(*(getattr(inner, s) + getattr(outer, s) for s in SIDES))
    assert_right(picture, both)


def test_layers_together_are_not_wider_than_one_may_be():
    film = np.pad(noisy(200, 200), 50, constant_values=0.02)  # 300 a side
    assert find_border(film) == Border(51, 51, 51, 51)
    mount = np.pad(film, 100, constant_values=0.9)  # 20 % and then 10 % of 500: at the limit
    assert find_border(mount) == Border(151, 151, 151, 151)
    wider = np.pad(film, 120, constant_values=0.9)  # 22 % and then 9 %: the mount only
    assert find_border(wider) == Border(121, 121, 121, 121)


def test_a_side_is_measured_between_the_strips_beside_it():
    """A wide strip on the left never ends along the top: that is no sign against a border there."""
    y = noisy(200, 200)
    y[:8, 100:125] = 0  # nor does a piece of the photograph that is as black
    assert find_border(np.pad(y, ((12, 0), (85, 0)))) == Border(top=13, left=86)
    assert find_border(np.pad(y.T, ((85, 0), (12, 0)))) == Border(top=86, left=13)


@pytest.mark.filterwarnings("error")
def test_the_deep_end_may_reach_beyond_the_widest():
    """Nothing is left to look for then, not less than nothing."""
    rows = np.minimum(np.arange(240), np.arange(240)[::-1])[:, None]
    ends = 71 + np.linspace(0, 2.4, 240)  # 30 % are 72
    photo_in_mount = np.where(rows < 90, 1, noisy(240, 240))
    assert find_border(np.where(rows < ends, 0, photo_in_mount)) == Border(top=75, bottom=75)


def test_dust_and_scratches_on_the_border_are_overlooked():
    picture, true = bench.framed(photo("astronaut"), 0.03, WIDTHS)
    picture[4, 50:54] = picture[10:14, 300] = picture[200:204, 6] = 0.9
    assert_right(picture, true)


def test_one_side_alone_is_not_believed():
    """It could be a white sky above a flat roof."""
    y = noisy(200, 200)
    for side in range(4):
        widths = [20 * (side == k) for k in range(4)]
        assert not find_border(np.pad(y, (widths[:2], widths[2:]))).any


def test_two_sides_of_different_tone_are_not_believed():
    y = noisy(200, 200)
    white_sky, black_ground = np.ones((20, 200)), np.zeros((20, 200))
    assert not find_border(np.vstack([white_sky, y, black_ground])).any
    assert find_border(np.vstack([white_sky, y, white_sky])).any


def test_gradual_ragged_wide_and_slanted_ends_are_no_border():
    y = noisy(200, 200)
    fade = np.clip(np.arange(200) / 40 - 0.2, 0, 1)
    fade = np.minimum(fade, fade[::-1])
    assert not find_border(fade[:, None] * np.full((200, 200), 0.6)).any  # a vignette
    ragged = 14 + np.random.default_rng(1).integers(-7, 8, 200)
    rows = np.minimum(np.arange(200), np.arange(200)[::-1])[:, None]
    assert not find_border(np.where(rows < ragged, 0, y)).any
    assert find_border(np.where(rows < 14, 0, y)).any
    assert not find_border(np.where(rows < 70, 0, y)).any  # 35 % of the side
    slanted = 14 + np.linspace(-5, 5, 200)  # three degrees
    assert not find_border(np.where(rows < slanted, 0, y)).any


def test_a_strip_with_stumps_in_it_or_of_uneven_tone_is_no_border():
    """The tops of some posts against the sky; a wall that is lighter at one end."""
    rows = np.minimum(np.arange(240), np.arange(240)[::-1])[:, None]
    for height, is_border in [(0, True), (2, False), (6, False)]:
        ends = np.full(240, 14)
        ends[60:90] -= height
        assert find_border(np.where(rows < ends, 0, noisy(240, 240))).any == is_border
    for difference, is_border in [(0.03, True), (0.14, False)]:
        wall = 0.5 + np.linspace(-difference, difference, 240) / 2
        assert find_border(np.where(rows < 14, wall, noisy(240, 240) / 5 + 0.85)).any == is_border


def test_a_faint_step_and_a_textured_strip_are_no_border():
    y = noisy(200, 200)
    assert not find_border(np.pad(np.clip(y, 0.44, 0.5), 20, constant_values=0.4)).any
    for sigma, is_border in [(0.1, False), (0.03, True)]:
        strip = np.random.default_rng(2).normal(0.5, sigma, (240, 240))
        strip[20:-20, 20:-20] = y / 5 + 0.85
        assert find_border(strip).any == is_border


@pytest.mark.parametrize(
    "shape", [(1, 1), (2, 300), (300, 1), (15, 15), (17, 40), (100, 160), (2000, 3)]
)
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_plain_and_tiny_pictures_have_no_border(shape, value):
    assert find_border(np.full(shape, value)) == Border()


def test_the_smallest_border_and_the_smallest_picture():
    assert find_border(np.pad(noisy(200, 200), 2)) == Border(3, 3, 3, 3)
    assert find_border(np.pad(noisy(200, 200), 1)) == Border()
    assert find_border(np.pad(noisy(17, 200), 3)) == Border(4, 4, 4, 4)
    assert find_border(np.pad(noisy(9, 200), 3)) == Border()


def test_all_float_types_and_views_are_read_and_left_alone():
    picture = np.pad(noisy(100, 120), 8)
    want = Border(9, 9, 9, 9)
    for y in (picture, picture.astype(np.float64), picture.T, np.asfortranarray(picture)):
        before = y.copy()
        assert find_border(y) == want
        assert np.array_equal(y, before)


def test_inside_and_crop():
    y = np.arange(48.0).reshape(6, 8)
    assert np.array_equal(crop(y, Border()), y)
    border = Border(top=1, bottom=2, left=3, right=1)
    assert np.array_equal(crop(y, border), y[1:4, 3:7])
    assert crop(np.zeros((3, 6, 8)), border).shape == (3, 3, 4)
    assert border.any and Border(right=1).any and not Border().any
    with pytest.raises(AttributeError):
        border.top = 4


def test_framed_keeps_the_border_grey_and_the_inside_as_it_is():
    y = np.random.default_rng(0).random((6, 8)).astype(np.float32)
    border = Border(1, 2, 3, 1)
    rgb = np.random.default_rng(1).random((3, 4, 3)).astype(np.float32)
    out = framed(rgb, y, border)
    assert np.array_equal(out[border.inside], rgb)
    outside = np.ones(y.shape, bool)
    outside[border.inside] = False
    assert (out[outside] == y[outside][:, None]).all()
    assert framed(rgb, y, Border()) is rgb


def scan(size: int = 40) -> np.ndarray:
    """The cat within a mount of paper, (H,W,3) in [0,1]."""
    rgb = np.asarray(samples.load("chelsea"), np.float32) / 255
    return np.pad(rgb, ((size, size), (size, size), (0, 0)), constant_values=0.85)


def test_a_scan_is_coloured_inside_its_border_only():
    c = Colorizer.from_pretrained("toy-32")
    framed_one = c.colorize(scan(), n=1, steps=2)
    assert 39 <= framed_one.border.top <= 43 and "left grey" in framed_one.notes[0]
    image = np.asarray(framed_one.images[0])
    mount = np.ones(image.shape[:2], bool)
    mount[framed_one.border.inside] = False
    assert np.ptp(image[mount].astype(int), axis=-1).max() <= 1  # rounding that keeps the grey
    assert np.ptp(image[~mount].astype(int), axis=-1).max() > 10
    again = np.asarray(framed_one.full(framed_one.samples[0])).mean(-1)
    assert np.abs(again - framed_one.y[0].numpy()).max() < 1e-5  # F x = y, border and all


def test_what_lies_outside_the_border_does_not_change_the_colours():
    c = Colorizer.from_pretrained("toy-32")
    whole = c.colorize(scan(), n=1, steps=2)
    inside = c.colorize(scan()[whole.border.inside], n=1, steps=2)
    assert torch.equal(whole.samples, inside.samples)
    alike = c.colorize(scan(), n=1, steps=2, border="none")
    assert not alike.border.any and alike.samples.shape != whole.samples.shape


def test_the_panel_shows_the_inside_and_its_result_has_the_border():
    photo = read_photo(scan())
    what = engine.subject(ColorizeCard(weights="toy-32"), photo)
    assert what.border.any and what.truth.shape[1:] == what.y_small.shape[1:]
    result = engine.run(ColorizeCard(weights="toy-32", n=1, steps=2), what).result
    assert result.full(result.samples[0]).shape[:2] == scan().shape[:2]


def test_the_benchmark_counts_alarms_and_finds_frames(tmp_path, capsys):
    from PIL import Image

    plain = samples.load("chelsea").convert("L").resize((225, 150))
    framed, _ = bench.framed(np.asarray(plain, np.float32) / 255, 0.03, WIDTHS)
    plain.save(tmp_path / "plain.png")
    Image.fromarray(np.uint8(framed * 255)).save(tmp_path / "framed.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    found = bench.run(tmp_path)
    assert (found["photographs"], found["alarms"]) == (2, 1)
    assert "framed.png" in capsys.readouterr().out
    rows = {row["kind"]: row for row in found["rows"]}
    assert set(rows) == set(bench.KINDS)
    assert rows["black"]["all_sides"] == 1 and 0 <= rows["black"]["highest"] < 1.5
    assert rows["one side"]["sides"] == 0 and not any(r["wrong_sides"] for r in found["rows"])
