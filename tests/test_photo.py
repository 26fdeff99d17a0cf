"""Reading: real files of every kind, written here, must come back as the numbers that went in."""

import io
import struct

import numpy as np
import pytest
import tifffile
import torch
from photo_maker import chunk, levels, lzw, png16, png_grey, saved, tiff
from PIL import Image, ImageOps

from jgm_lib.errors import JGMError
from jgm_lib.photo import Photo, read_photo

RNG = np.random.default_rng(0)
RGB8 = RNG.integers(0, 256, (13, 17, 3), np.uint8)
RGB16 = RNG.integers(0, 65536, (13, 17, 3), np.uint16)
ALPHA8, ALPHA16 = RGB8[..., 0][::-1], RGB16[..., 0][::-1]


# --- files that hold the numbers exactly ------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("alpha", [False, True])
def test_rgb_8_bits(kind, alpha):
    values = np.dstack([RGB8, ALPHA8]) if alpha else RGB8
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    photo = read_photo(saved(values, kind, **options))
    assert photo.pixels.dtype == np.float32 and photo.bits == 8 and not photo.is_grey
    assert np.array_equal(levels(photo.pixels), RGB8)
    assert np.array_equal(levels(photo.alpha), ALPHA8) if alpha else photo.alpha is None


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (13, 17)])
def test_grey_8_bits(kind, size):
    values = RNG.integers(0, 256, size, np.uint8)
    photo = read_photo(saved(values, kind))
    assert photo.is_grey and photo.size == size and np.array_equal(levels(photo.pixels), values)


def test_grey_with_alpha_one_bit_and_palette():
    photo = read_photo(saved(np.dstack([ALPHA8, RGB8[..., 1]]), "PNG"))
    assert np.array_equal(levels(photo.pixels), ALPHA8)
    assert np.array_equal(levels(photo.alpha), RGB8[..., 1])
    bits = ALPHA8 > 100
    assert np.array_equal(read_photo(saved(Image.fromarray(bits), "PNG")).pixels, bits)
    palette = Image.fromarray(RGB8).quantize(16)
    wanted = np.asarray(palette.convert("RGB"))
    assert np.array_equal(levels(read_photo(saved(palette, "PNG")).pixels), wanted)
    clear = read_photo(saved(palette, "PNG", transparency=3))
    assert np.array_equal(clear.alpha, np.asarray(palette) != 3)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_16_bits(channels, interlaced):
    values = np.dstack([RGB16, ALPHA16])[..., -channels:]
    photo = read_photo(png16(values, interlaced=interlaced))
    colours = values[..., : 3 if channels > 2 else 1].squeeze()
    assert photo.bits == 16 and np.array_equal(levels(photo.pixels, 65535), colours)
    if channels in (2, 4):
        assert np.array_equal(levels(photo.alpha, 65535), values[..., -1])


@pytest.mark.parametrize("layout", [{}, {"tile": (16, 16)}, {"planarconfig": "separate"}])
@pytest.mark.parametrize("packing", [None, "zlib"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("alpha", [False, True])
def test_tiff_16_bits(layout, packing, order, alpha):
    values = np.dstack([RGB16, ALPHA16]) if alpha else RGB16
    if "planarconfig" in layout:
        values = np.moveaxis(values, -1, 0)
    extra = {"extrasamples": ["unassalpha"]} if alpha else {}
    photo = read_photo(tiff(values, compression=packing, byteorder=order, **layout, **extra))
    assert photo.bits == 16 and np.array_equal(levels(photo.pixels, 65535), RGB16)
    assert np.array_equal(levels(photo.alpha, 65535), ALPHA16) if alpha else photo.alpha is None


def test_tiff_16_bits_lzw():
    plain = tiff(RGB16, byteorder="<", rowsperstrip=13)
    page = tifffile.TiffFile(io.BytesIO(plain)).pages[0]
    packed, start = lzw(RGB16.astype("<u2").tobytes()), page.dataoffsets[0]
    data = bytearray(plain[:start] + packed)
    for tag, value in (("Compression", 5), ("StripByteCounts", len(packed))):
        kind = {3: "<H", 4: "<I"}[page.tags[tag].dtype]
        struct.pack_into(kind, data, page.tags[tag].valueoffset, value)
    assert np.array_equal(levels(read_photo(bytes(data)).pixels, 65535), RGB16)


@pytest.mark.parametrize("shape", [(13, 17), (13, 17, 3), (13, 17, 4)])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.uint32])
def test_tiff_float_and_32_bits(shape, kind):
    unit = RNG.random(shape)
    values = (unit * 4294967295).astype(kind) if kind == np.uint32 else unit.astype(kind)
    options = {"extrasamples": ["unassalpha"]} if shape[-1] == 4 else {}
    photo = read_photo(tiff(values, compression="zlib", **options))
    wanted = values.astype(np.float64) / (4294967295 if kind == np.uint32 else 1)
    assert photo.bits == 32
    got = photo.pixels if shape[-1] != 4 else np.dstack([photo.pixels, photo.alpha])
    assert np.abs(got - wanted).max() < 1e-7


def test_tiff_white_is_zero_and_associated_alpha():
    values = RGB16[..., 0]
    photo = read_photo(tiff(values, photometric="miniswhite"))
    assert np.array_equal(levels(photo.pixels, 65535), 65535 - values)
    alpha = np.full((13, 17), 32768, np.uint16)
    data = tiff(np.dstack([RGB16 // 2, alpha]), extrasamples=["assocalpha"])
    assert np.abs(levels(read_photo(data).pixels, 65535) - RGB16).max() <= 2


def test_transparent_colour_of_a_png():
    key = tuple(int(v) for v in RGB8[3, 5])
    assert np.argwhere(read_photo(saved(RGB8, "PNG", transparency=key)).alpha == 0).tolist() == [
        [3, 5]
    ]
    rgb, grey = RGB16[3, 5], int(ALPHA16[4, 6])

    deep = read_photo(png16(RGB16, chunk(b"tRNS", struct.pack(">3H", *rgb))))
    assert np.array_equal(deep.alpha, np.any(rgb != RGB16, -1))
    assert np.array_equal(
        read_photo(png16(ALPHA16, chunk(b"tRNS", struct.pack(">H", grey)))).alpha, grey != ALPHA16
    )


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_grey_png_of_few_bits_with_a_transparent_level(depth):
    values = RNG.integers(0, 2**depth, (9, 13))
    photo = read_photo(png_grey(values, depth, chunk(b"tRNS", struct.pack(">H", 1))))
    assert np.array_equal(levels(photo.pixels, 2**depth - 1), values)
    assert np.array_equal(photo.alpha, values != 1)


def test_jpeg_is_near_and_grey_jpeg_is_grey():
    smooth = np.linspace(0, 255, 64).astype(np.uint8)[:, None, None] * np.ones((1, 48, 3), np.uint8)
    smooth[..., 2] = 80
    for options in ({}, {"progressive": True}):
        photo = read_photo(saved(smooth, "JPEG", quality=95, subsampling=0, **options))
        assert np.abs(levels(photo.pixels) - smooth).max() <= 4
    assert read_photo(saved(smooth[..., 0], "JPEG")).is_grey


def test_three_equal_channels_are_grey():
    grey = np.repeat(RGB16[..., :1], 3, -1)
    for photo in (read_photo(png16(grey)), Photo.from_array(grey)):
        assert photo.is_grey and np.array_equal(levels(photo.to_gray(), 65535), grey[..., 0])
        assert np.array_equal(photo.rgb()[..., 2], photo.pixels)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (9, 7), c) for c in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert levels(read_photo(data).pixels).reshape(-1, 3).tolist() == [[255, 0, 0]] * 63


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("PNG", "TIFF"):
        data = saved(RGB8, kind, exif=exif)
        upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
        assert np.array_equal(levels(read_photo(data).pixels), upright)
        assert orientation == 1 or not np.array_equal(upright, RGB8)
    jpeg = saved(RGB8, "JPEG", exif=exif)
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(jpeg)))
    assert np.array_equal(levels(read_photo(jpeg).pixels), np.asarray(wanted))
    deep = tiff(RGB16, extratags=[(274, 3, 1, orientation, True)])
    floats = tiff(RGB16 / np.float32(65535), extratags=[(274, 3, 1, orientation, True)])
    turned = read_photo(deep).pixels
    assert np.array_equal(turned, read_photo(floats).pixels)
    assert np.array_equal(levels(turned, 65535), read_as(RGB16, orientation))


def read_as(values, orientation):
    steps = {2: [np.fliplr], 3: [np.rot90] * 2, 4: [np.flipud], 5: [np.rot90, np.flipud],
             6: [np.rot90] * 3, 7: [np.rot90, np.fliplr], 8: [np.rot90]}  # fmt: skip
    for step in steps.get(orientation, []):
        values = step(values)
    return values


# --- other sources ----------------------------------------------------------------------------


def test_path_bytes_file_and_image_agree(tmp_path):
    data = saved(RGB8, "PNG")
    (tmp_path / "a.png").write_bytes(data)
    with open(tmp_path / "a.png", "rb") as fp:
        photos = [read_photo(s) for s in (tmp_path / "a.png", str(tmp_path / "a.png"), data, fp)]
    photos += [read_photo(io.BytesIO(data)), read_photo(Image.open(tmp_path / "a.png"))]
    photos += [read_photo(photos[0]), read_photo(Image.fromarray(RGB8)), read_photo(RGB8)]
    assert all(np.array_equal(p.pixels, photos[0].pixels) for p in photos)
    assert photos[0].name == str(tmp_path / "a.png")


def test_arrays_and_tensors():
    unit = RNG.random((4, 5, 3))
    for tensor in (torch.tensor(unit).permute(2, 0, 1), torch.tensor(unit).permute(2, 0, 1)[None]):
        assert np.array_equal(read_photo(tensor).pixels, unit.astype(np.float32))
    assert Photo.from_array(torch.rand(1, 6, 7)).size == (6, 7)
    assert Photo.from_array(torch.rand(2, 3, dtype=torch.float32).bfloat16()).bits == 32
    assert np.array_equal(Photo.from_array(np.array([[True, False]])).pixels, [[1, 0]])
    assert np.array_equal(
        Photo.from_array(np.dstack([RGB8, ALPHA8])).alpha, ALPHA8 / np.float32(255)
    )


def test_to_gray():
    photo = Photo.from_array(RGB8)
    for weights, f in (("mean", [1 / 3] * 3), ("bt601", [0.3, 0.59, 0.11]), ((0, 0, 1), [0, 0, 1])):
        assert np.abs(photo.to_gray(weights) - RGB8 @ np.array(f) / 255).max() < 1e-7
    with pytest.raises(JGMError):
        photo.to_gray("luma")
    with pytest.raises(JGMError):
        Photo.from_array(RGB8[..., 0]).to_gray((1, 1, 1))
