"""Writing: the grey survives gamut, rounding and file, exactly; nothing half-written."""

import os

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from photo_maker import levels
from PIL import Image

from jgm_lib.errors import JGMError
from jgm_lib.operators import gray_weights
from jgm_lib.photo import Photo, read_photo
from jgm_lib.photo import write as photo_write
from jgm_lib.photo.write import fit_gamut_rows, quantize_keep_gray, write_photo

RNG = np.random.default_rng(1)
HALVES = (0.5, 0.5, 0.0)
GRAYS = ["mean", "bt601", (1.0, 0.0, 0.0), HALVES, (0.2126, 0.7152, 0.0722)]
UNIT = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, 0.5, 1 / 255, 254 / 255, 0.5 / 255]))
COLOUR = st.one_of(UNIT, st.floats(-2, 3), st.sampled_from([-1e3, 1e3, -1e-12, 1 + 1e-12]))
SIZES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)


@st.composite
def pictures(draw):
    height, width = draw(SIZES)
    rgb = draw(hnp.arrays(np.float64, (height, width, 3), elements=COLOUR))
    return rgb, draw(hnp.arrays(np.float64, (height, width), elements=UNIT))


@settings(max_examples=300, deadline=None)
@given(pictures(), st.sampled_from(GRAYS), st.sampled_from([1, 7, 255, 65535]))
def test_rounded_picture_regrays_to_the_rounded_grey(picture, weights, top):
    rgb, gray = picture
    q = quantize_keep_gray(rgb, gray, weights, top)
    assert q.dtype == (np.uint8 if top < 256 else np.uint16) and q.max() <= top
    regray = q.astype(np.float64) @ gray_weights(weights).numpy()
    assert np.array_equal(np.rint(regray), np.rint(gray * top))


@settings(max_examples=200, deadline=None)
@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2).map(lambda s: (*s, 3))), COLOUR
)
def test_mean_of_a_colour_photo_is_kept_to_the_third_of_a_level(values, offset):
    """Whatever colours are proposed for it, each pixel keeps the sum R + G + B."""
    gray = Photo.from_array(values).to_gray("mean")
    proposal = np.roll(values, 1, -1) / 255 + offset * np.array([1, -1, 0.5])
    q = quantize_keep_gray(proposal, gray)
    assert np.array_equal(q.sum(-1, dtype=int), values.sum(-1, dtype=int))


@pytest.mark.parametrize("weights", GRAYS)
def test_an_8_bit_photo_is_left_as_it_is(weights):
    values = RNG.integers(0, 256, (60, 50, 3), np.uint8)
    values[:2, :8] = np.array(np.meshgrid(*[[0, 255]] * 3)).reshape(3, 8).T  # corners of the cube
    gray = Photo.from_array(values).to_gray(weights)
    q = quantize_keep_gray(values / np.float32(255), gray, weights).astype(int)
    change = np.abs(q - values).max(-1)  # only where the grey lies midway between two levels
    assert change.max() <= (weights != "mean") and (change > 0).mean() < 0.04 + (weights == HALVES)


@pytest.mark.parametrize("weights", GRAYS)
def test_rounding_moves_no_channel_by_a_level_or_more(weights):
    x = 0.1 + 0.8 * RNG.random((80, 70, 3))
    gray = np.rint(x @ gray_weights(weights).numpy() * 255) / 255
    x += (gray - x @ gray_weights(weights).numpy())[..., None]
    assert np.abs(quantize_keep_gray(x, gray, weights) - 255 * x).max() < 1


def test_among_equal_greys_the_nearest_colour_wins():
    """Brute force over all the neighbours with the right sum."""
    x = RNG.random((40, 3)) * 20 + 100
    x += (np.rint(x.mean(1)) - x.mean(1))[:, None]
    q = quantize_keep_gray(x[None] / 255, x.mean(1)[None] / 255)[0].astype(float)
    steps = np.array(np.meshgrid(*[[-1, 0, 1, 2]] * 3)).reshape(3, -1).T
    for pixel, got in zip(x, q, strict=True):
        near = np.floor(pixel) + steps
        near = near[near.sum(1) == np.rint(pixel.sum())]
        assert np.square(got - pixel).sum() <= np.square(near - pixel).sum(1).min() + 1e-9


@settings(max_examples=200, deadline=None)
@given(pictures(), st.sampled_from(GRAYS))
def test_fit_gamut_keeps_grey_and_takes_the_largest_k(picture, weights):
    rgb, gray = picture
    f = gray_weights(weights).numpy()
    rgb = rgb + (gray - rgb @ f)[..., None]
    out = fit_gamut_rows(rgb, gray)
    assert out.min() >= 0 and out.max() <= 1
    assert np.abs(out @ f - gray).max() < 1e-9
    chroma, kept = rgb - gray[..., None], out - gray[..., None]
    size = np.linalg.norm(chroma, axis=-1)
    k = np.linalg.norm(kept, axis=-1) / np.maximum(size, 1e-300)
    assert np.abs(kept - k[..., None] * chroma).max() < 1e-9  # one k for all three channels
    wall = np.isclose(out, 0, atol=1e-9) | np.isclose(out, 1, atol=1e-9)
    assert ((k > 1 - 1e-6) | wall.any(-1) | (size < 1e-9)).all()


def test_fit_gamut_leaves_colours_inside_alone():
    x = RNG.random((9, 8, 3)).astype(np.float32)
    out = fit_gamut_rows(x, x.mean(-1))
    assert out.dtype == np.float32 and np.abs(out - x).max() < 2e-7


def test_row_blocks_change_nothing(monkeypatch):
    rgb, gray = RNG.random((37, 11, 3)) * 2 - 0.5, RNG.random((37, 11))
    whole = quantize_keep_gray(rgb, gray, "bt601"), fit_gamut_rows(rgb, gray)
    monkeypatch.setattr("jgm_lib.photo.rows.BLOCK", 25)
    assert np.array_equal(quantize_keep_gray(rgb, gray, "bt601"), whole[0])
    assert np.array_equal(fit_gamut_rows(rgb, gray), whole[1])


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("weights", ["mean", "bt601"])
@pytest.mark.parametrize(
    ("name", "bits"),
    [("a.png", 8), ("a.png", 16), ("a.tif", 8), ("a.tiff", 16), ("a.WEBP", 8), ("a.tif", 32)],
)
@pytest.mark.parametrize("size", [(1, 1), (40, 31)])
def test_files_hold_the_grey(tmp_path, name, bits, weights, alpha, size):
    rgb, gray = RNG.random((*size, 3)) * 1.5 - 0.2, RNG.random(size)
    mask = RNG.random(size) if alpha else None
    path = write_photo(tmp_path / name, rgb, mask, bits, gray=gray, weights=weights)
    photo, top = read_photo(path), 2 ** min(bits, 16) - 1
    assert photo.bits == bits and photo.size == size
    if bits == 32:
        assert np.abs(photo.to_gray(weights) - gray).max() < 1e-6
    assert np.abs(levels(photo.to_gray(weights), top) - np.rint(gray * top)).max() <= (bits == 32)
    assert (photo.alpha is not None) == alpha
    if alpha:
        assert np.abs(photo.alpha - mask).max() < 0.501 / top
    assert os.listdir(tmp_path) == [name]


def test_16_bit_files_are_16_bit_files(tmp_path):
    """Seen by readers that are not ours: the PNG header, tifffile and Pillow."""
    rgb = RNG.random((300, 20, 3))
    png, tif = (write_photo(tmp_path / n, rgb, bits=16) for n in ("a.png", "a.tif"))
    assert png.read_bytes()[24:26] == bytes([16, 2])  # bits a channel, colour type RGB
    assert np.array_equal(tifffile.imread(tif), np.rint(rgb * 65535))
    with Image.open(png) as im:
        assert np.array_equal(np.asarray(im), np.rint(rgb * 65535).astype(int) >> 8)


def test_16_bit_png_in_several_blocks(tmp_path, monkeypatch):
    rgb = RNG.random((50, 20, 3))
    monkeypatch.setattr("jgm_lib.photo.rows.BLOCK", 60)
    photo = read_photo(write_photo(tmp_path / "a.png", rgb, bits=16))
    assert np.array_equal(levels(photo.pixels, 65535), levels(rgb, 65535))


def test_jpeg_is_near(tmp_path):
    ramp = np.linspace(0.2, 0.8, 64)[:, None] * np.ones((64, 64))
    rgb = np.stack([ramp, ramp.T, 0 * ramp + 0.5], -1)
    photo = read_photo(write_photo(tmp_path / "a.jpg", rgb, np.ones((64, 64)), 16))
    assert photo.bits == 8 and np.abs(photo.pixels - rgb).max() < 0.02


def test_colour_photo_and_back(tmp_path):
    """The whole way of a colour input: file, grey, other colours, file, the same grey."""
    values = RNG.integers(0, 256, (30, 20, 3), np.uint8)
    Image.fromarray(values).save(tmp_path / "in.png")
    gray = read_photo(tmp_path / "in.png").to_gray()
    write_photo(tmp_path / "out.png", RNG.random((30, 20, 3)), gray=gray)
    again = np.asarray(Image.open(tmp_path / "out.png"))
    assert np.array_equal(again.sum(-1, dtype=int), values.sum(-1, dtype=int))


def test_never_overwrites_without_force(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"precious")
    with pytest.raises(JGMError, match="a.png: exists already.*force"):
        write_photo(path, np.zeros((2, 2, 3)))
    assert path.read_bytes() == b"precious"
    write_photo(path, np.zeros((2, 2, 3)), force=True)
    assert read_photo(path).size == (2, 2)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(JGMError, match="folder"):
        write_photo(tmp_path / "folder.png", np.zeros((2, 2, 3)), force=True)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_interrupted_writing_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch, error):
    path = write_photo(tmp_path / "a.png", np.zeros((2, 2, 3)))
    before = path.read_bytes()

    def half(fp, pixels, kind):
        fp.write(b"half a pict")
        raise error

    monkeypatch.setattr(photo_write, "_encode", half)
    with pytest.raises(JGMError if isinstance(error, OSError) else KeyboardInterrupt):
        write_photo(path, np.ones((2, 2, 3)), force=True)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.png"]


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    monkeypatch.setattr(photo_write, "_encode", lambda *a: path.write_bytes(b"theirs"))
    with pytest.raises(JGMError, match="exists already"):
        write_photo(path, np.ones((2, 2, 3)))
    assert path.read_bytes() == b"theirs" and os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"path": "a.bmp"}, "suffix"), ({"path": "a"}, "suffix"), ({"path": "no/a.png"}, "folder"),
        ({"rgb": np.zeros((4, 5))}, r"\(H,W,3\)"), ({"rgb": np.zeros((4, 5, 3), int)}, "floats"),
        ({"rgb": np.full((4, 5, 3), np.nan)}, "NaN"), ({"rgb": np.zeros((0, 5, 3))}, "allowed"),
        ({"gray": np.zeros((5, 4))}, r"\(4,5\)"), ({"gray": np.full((4, 5), 1.2)}, r"\[0,1\]"),
        ({"gray": np.full((4, 5), np.inf)}, "NaN"), ({"alpha": np.zeros((4, 4))}, "alpha"),
        ({"path": "a.jpg", "alpha": np.zeros((4, 5))}, "alpha"), ({"bits": 12}, "bits"),
        ({"gray": np.zeros((4, 5)), "weights": (1, 1, 1)}, "sum to 1"),
        ({"path": "a.webp", "rgb": np.zeros((1, 16384, 3))}, "16383"),
    ],
)  # fmt: skip
def test_bad_requests(tmp_path, change, word):
    request = {"path": "a.png", "rgb": np.zeros((4, 5, 3))} | change
    path = tmp_path / request.pop("path")
    with pytest.raises(JGMError, match=word) as caught:
        write_photo(path, **request)
    assert "\n" not in str(caught.value) and os.listdir(tmp_path) == []


@pytest.mark.parametrize("top", [0, 65536, 2.5])
def test_bad_levels(top):
    with pytest.raises(JGMError, match="1 to 65535"):
        quantize_keep_gray(np.zeros((2, 2, 3)), np.zeros((2, 2)), "mean", top)
