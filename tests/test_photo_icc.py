"""Colour profiles: hand-made ones, against LittleCMS and against formulas."""

import io

import numpy as np
import pytest
from photo_maker import (
    cmyk_profile,
    gamma,
    grey_profile,
    levels,
    para,
    rgb_both_profile,
    rgb_profile,
    rgb_table_profile,
    saved,
    table,
    tiff,
)
from PIL import Image, ImageCms

from jgm_lib.photo import read_photo

RNG = np.random.default_rng(0)
RGB8 = RNG.integers(0, 256, (13, 17, 3), np.uint8)
RGB16 = RNG.integers(0, 65536, (13, 17, 3), np.uint16)


CURVES = {
    "gamma": gamma(2.2),
    "linear": table([]),
    "table": table(np.linspace(0, 1, 300) ** 1.8),
    "para0": para(0, 1.8),
    "para1": para(1, 2.0, 0.9, 0.1),
    "para2": para(2, 2.0, 0.8, 0.1, 0.1),
    "para3": para(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    "para4": para(4, 2.2, 0.9, 0.05, 0.1, 0.04, 0.02, 0.0),
}


def by_littlecms(im, data):
    flags = ImageCms.Flags.NOOPTIMIZE
    source, srgb = ImageCms.ImageCmsProfile(io.BytesIO(data)), ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(im, source, srgb, 1, "RGB", flags=flags)).astype(
        int
    )


@pytest.mark.parametrize("curve", CURVES)
def test_matrix_and_grey_profiles_agree_with_littlecms(curve):
    for make, values in ((rgb_profile, RGB8), (grey_profile, RGB8[..., 0])):
        data, im = make(CURVES[curve]), Image.fromarray(values)
        photo = read_photo(saved(im, "PNG", icc_profile=data))
        wanted = by_littlecms(im, data)
        assert np.abs(levels(photo.rgb()) - wanted).max() <= 1 and photo.notes == ()
        if curve not in ("para3",) or values.ndim == 3:  # para3 is sRGB's own curve
            assert np.abs(wanted - (values if values.ndim == 3 else values[..., None])).max() > 2


def test_profile_of_a_16_bit_photo_keeps_the_precision():
    values = np.linspace(20000, 20400, 13 * 17 * 3).astype(np.uint16).reshape(13, 17, 3)
    values[..., 0] += 3000
    data = tiff(values, iccprofile=rgb_profile(gamma(2.2)))
    photo = read_photo(data)
    assert photo.bits == 16 and len(np.unique(photo.pixels[..., 2])) > 200  # 8 bits would give 3


def test_srgb_profile_changes_nothing():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = read_photo(saved(RGB8, "PNG", icc_profile=srgb))
    assert np.array_equal(photo.pixels, read_photo(RGB8).pixels)  # to the last bit


def test_rgb_profile_on_a_grey_picture():
    data = rgb_profile(gamma(1.0))
    photo = read_photo(saved(RGB8[..., 0], "JPEG", icc_profile=data, quality=100))
    plain = read_photo(saved(RGB8[..., 0], "JPEG", quality=100)).pixels
    wanted = np.where(plain <= 0.0031308, 12.92 * plain, 1.055 * plain ** (1 / 2.4) - 0.055)
    assert photo.is_grey and np.abs(photo.pixels - wanted).max() < 2e-3


@pytest.mark.parametrize("make", [rgb_table_profile, rgb_both_profile])
def test_table_profiles_go_through_littlecms(make):
    photo = read_photo(tiff(RGB16, iccprofile=make()))
    assert photo.bits == 8 and np.ptp(photo.pixels, axis=-1).max() < 0.02  # it has only greys


def test_cmyk_with_and_without_profile():
    inks = RNG.integers(0, 256, (13, 17, 4), np.uint8)
    im = Image.frombytes("CMYK", (17, 13), inks.tobytes())
    naive = levels(read_photo(saved(im, "TIFF")).pixels)
    assert (
        np.abs(naive - (255 - inks[..., :3].astype(float)) * (255 - inks[..., 3:]) / 255).max() <= 1
    )
    smooth = Image.new("CMYK", (32, 32), (200, 30, 90, 40))
    jpeg = saved(smooth, "JPEG", quality=100)
    assert np.abs(levels(read_photo(jpeg).pixels) - levels((46, 190, 139), 1)).max() <= 3
    managed = read_photo(saved(im, "TIFF", icc_profile=cmyk_profile()))
    source = ImageCms.ImageCmsProfile(io.BytesIO(cmyk_profile()))
    srgb, flags = ImageCms.createProfile("sRGB"), ImageCms.Flags.BLACKPOINTCOMPENSATION
    wanted = ImageCms.profileToProfile(im, source, srgb, 1, "RGB", flags=flags)
    assert np.abs(levels(managed.pixels) - np.asarray(wanted).astype(int)).max() <= 1
    assert np.abs(levels(managed.pixels) - naive).max() > 20


@pytest.mark.parametrize("broken", [b"no profile", rgb_profile(gamma(2.2))[:150], cmyk_profile()])
def test_unusable_profile_is_noted_and_ignored(broken):
    photo = read_photo(saved(RGB8, "PNG", icc_profile=broken))
    assert np.array_equal(levels(photo.pixels), RGB8)
    assert len(photo.notes) == 1 and "profile ignored" in photo.notes[0]


@pytest.mark.parametrize(
    "curve", [para(0, -1.0), para(1, 200.0, 2.0, 0.0)], ids=["v^-1", "(2v)^200"]
)
def test_a_curve_without_end_gives_no_nan(curve):
    """0^-1 is infinite; through the matrix it became NaN, and NaN a picture."""
    values = RGB8.copy()
    values[0, :2] = [[0, 0, 0], [255, 255, 255]]
    data = rgb_profile(curve)
    photo = read_photo(saved(Image.fromarray(values), "PNG", icc_profile=data))
    assert np.isfinite(photo.pixels).all() and photo.pixels.min() >= 0 and photo.pixels.max() <= 1
