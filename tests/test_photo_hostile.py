"""Files that are cut off, damaged, lying, or no pictures: one clear line and no harm."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_maker import gamma, png16, rgb_profile, saved, tiff
from PIL import Image

from jgm_lib.errors import JGMError
from jgm_lib.photo import read_photo

RNG = np.random.default_rng(0)
RGB8 = RNG.integers(0, 256, (13, 17, 3), np.uint8)
RGB16 = RNG.integers(0, 65536, (13, 17, 3), np.uint16)


def refusal(source, **options) -> str:
    with pytest.raises(JGMError) as caught:
        read_photo(source, **options)
    text = str(caught.value)
    assert "\n" not in text and ("allowed" in text or "at least" in text) and len(text) < 300
    return text


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_truncated_files(kind, tmp_path, capfd):
    data = saved(RNG.integers(0, 256, (64, 64, 3), np.uint8), kind)
    for part in (20, len(data) // 2, len(data) - 600):
        (tmp_path / "cut.jpg").write_bytes(data[:part])
        assert "cut.jpg" in refusal(tmp_path / "cut.jpg")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("packing", [None, "zlib"])
@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_truncated_deep_tiff(kind, packing, capfd):
    top = 65535 if kind == np.uint16 else 1
    data = tiff((RNG.random((64, 64, 3)) * top).astype(kind), compression=packing)
    assert "cut off" in refusal(data[: len(data) * 2 // 3])
    assert capfd.readouterr() == ("", "")  # libtiff would have written to the terminal


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(range(8)), st.integers(0, 1500), st.binary(min_size=1, max_size=6))
def test_damaged_files_raise_only_jgm_errors(which, place, noise):
    sources = DAMAGED or DAMAGED.extend(_sources()) or DAMAGED
    data = bytearray(sources[which])
    data[place : place + len(noise)] = noise
    try:
        assert read_photo(bytes(data), max_pixels=10_000).pixels.dtype == np.float32
    except JGMError as error:
        assert "\n" not in str(error)


DAMAGED: list[bytes] = []


def _sources():
    exif, icc = Image.Exif(), rgb_profile(gamma(2.2))
    exif[0x0112] = 6
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF"):
        yield saved(RGB8, kind, **({} if kind == "GIF" else {"icc_profile": icc, "exif": exif}))
    yield from (
        png16(RGB16),
        tiff(RGB16, compression="zlib"),
        tiff(RNG.random((9, 9, 3)), tile=(16, 16)),
    )


def test_dimension_bombs_are_refused_before_decoding():
    """Headers that claim huge sizes over a few bytes of data."""
    head = struct.pack(">2I5B", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    data = struct.pack(">I", 1) + b"IDAT" + b"x" + struct.pack(">I", zlib.crc32(b"IDATx"))
    png = b"\x89PNG\r\n\x1a\n" + chunk + data
    gif = bytearray(saved(RGB8, "GIF"))
    gif[6:10] = b"\xff\xff\xff\xff"
    floats = bytearray(tiff(RNG.random((4, 4, 3)).astype(np.float32), byteorder="<"))
    bits = bytearray(saved(RGB8, "TIFF"))
    for data in (floats, bits):
        for tag in tifffile.TiffFile(io.BytesIO(bytes(data))).pages[0].tags:
            if tag.code in (256, 257):
                struct.pack_into({3: "<H", 4: "<I"}[tag.dtype], data, tag.valueoffset, 60000)
    webp = bytearray(saved(np.dstack([RGB8, RGB8[..., 0]]), "WEBP", exif=b"Exif\0\0"))  # has a VP8X
    assert webp[12:16] == b"VP8X"
    webp[24:30] = (16_000).to_bytes(3, "little") * 2
    jpeg = bytearray(saved(RGB8, "JPEG"))
    place = jpeg.index(b"\xff\xc0") + 5  # height and width in the frame header
    jpeg[place : place + 4] = b"\xff\xdc" * 2
    assert refusal(bytes(webp))
    for bomb in (png, bytes(gif), bytes(floats), bytes(bits), bytes(jpeg)):
        assert "megapixels allowed" in refusal(bomb) or "megapixels are allowed" in refusal(bomb)
    assert "100 x 100 pixels" in refusal(saved(Image.new("L", (100, 100)), "PNG"), max_pixels=9999)
    assert read_photo(saved(Image.new("L", (100, 100)), "PNG"), max_pixels=10_000).size == (
        100,
        100,
    )


def test_deflate_strip_that_unpacks_to_too_much():
    plain = tiff(np.zeros((8, 8, 3), np.float32), compression="zlib", rowsperstrip=8, byteorder="<")
    page = tifffile.TiffFile(io.BytesIO(plain)).pages[0]
    bomb, data = zlib.compress(bytes(50_000_000)), bytearray(plain)
    struct.pack_into("<I", data, page.tags["StripOffsets"].valueoffset, len(data))
    struct.pack_into({3: "<H", 4: "<I"}[page.tags["StripByteCounts"].dtype], data,
                     page.tags["StripByteCounts"].valueoffset, len(bomb))  # fmt: skip
    assert "unpacks to more" in refusal(bytes(data) + bomb)


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("text.jpg", b"I am not a picture", "not a picture"),
        ("empty.png", b"", "empty"),
        ("drawing.jpg", b"BM" + bytes(60), "not a picture"),
        ("page.pdf", b"%PDF-1.7 ...", "not a picture"),
        ("head.jpg", b"\xff\xd8\xff\xe0" + bytes(30), "damaged"),
        ("riff.webp", b"RIFF\x20\0\0\0WAVEfmt " + bytes(30), "damaged"),
    ],
)
def test_no_pictures(name, data, word, tmp_path):
    (tmp_path / name).write_bytes(data)
    text = refusal(tmp_path / name)
    assert name in text and word in text and "JPEG, PNG, TIFF, WebP or GIF" in text


def test_missing_folder_and_wrong_sources(tmp_path):
    assert "nowhere.png" in refusal(tmp_path / "nowhere.png")
    refusal(tmp_path)
    refusal("zero\0byte.png")
    refusal(io.StringIO("text"))
    assert "int" in refusal(7)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -0.01, 1.01])
@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 3)])
def test_bad_floats(bad, shape):
    values = np.full(shape, 0.5, np.float32)
    values[3, 4] = bad
    for source in (values, tiff(values)):
        text = refusal(source)
        assert ("row 3, column 4" in text) if not np.isfinite(bad) else ("[0,1]" in text)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3, 5)), np.zeros(7), np.zeros((0, 4)), np.zeros((2, 2), np.int64),
        np.zeros((2, 2), complex), np.array([["a"]]), torch.zeros(2, 3, 4, 4), torch.zeros(5, 4, 4),
    ],
)  # fmt: skip
def test_bad_arrays(array):
    refusal(array)


def test_negative_integers_and_signed_tiff():
    refusal(Image.fromarray(np.array([[-5, 7]], np.int32)))
    refusal(tiff(np.full((4, 4, 3), -7, np.int16)))


def test_fifty_megapixels_is_the_default_limit(tmp_path):
    assert "50 megapixels" in refusal(saved(Image.new("1", (10_000, 5_001)), "PNG"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_refused_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(JGMError, match="a pipe, not a file"):
        read_photo(tmp_path / "pipe.png")
