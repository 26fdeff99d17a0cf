"""Opening picture files: from bytes of unknown origin to an array of integers or floats.

Pillow opens nearly all; what it cannot open (float RGB, 32-bit, planar 16-bit TIFF) goes to
tifffile. Sizes are compared with the limit before a single pixel is decoded.
"""

import io
import logging
import sys
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import JGMError
from .raw import ALLOWED, Raw, check_size, fail
from .tiff import PLANAR, STRIPS, TILES, WHITE_IS_ZERO, check_length, decode_tiff

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "GIF")
TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
HEADS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", *TIFF_HEADS)
PLAIN = {"1": "L", "La": "LA", "RGBX": "RGB", "RGBa": "RGBA", "YCbCr": "RGB", "HSV": "RGB"}
for _library in ("tifffile", "PIL"):  # their complaints become our errors
    logging.getLogger(_library).addHandler(logging.NullHandler())


def decode_file(fp: io.BufferedIOBase, name: str, max_pixels: int) -> Raw:
    """Decode the first picture of an open binary file. Raises JGMError for anything unfit."""
    head = fp.read(16)
    if not head:
        raise fail(name, f"empty file; {ALLOWED}")
    if not head.startswith(HEADS):
        raise fail(name, f"not a picture of a known kind (begins with {head[:8]!r}); {ALLOWED}")
    try:
        with warnings.catch_warnings():  # decoders warn where we raise or carry on
            warnings.simplefilter("ignore")
            return _decode(fp, name, max_pixels, head)
    except JGMError:
        raise
    except MemoryError:
        raise fail(name, "not enough memory to decode it; allowed: smaller pictures") from None
    except Image.DecompressionBombError:
        text = f"claims far more than the {max_pixels / 1e6:g} megapixels allowed"
        raise fail(name, text) from None
    except UnidentifiedImageError:
        raise fail(name, f"damaged or unsupported: its header makes no sense; {ALLOWED}") from None
    except Exception as error:  # a damaged file makes decoders raise nearly anything
        text = f"damaged, cut off or unsupported ({str(error)[:90] or type(error).__name__})"
        raise fail(name, f"{text}; {ALLOWED}") from None


def _decode(fp: io.BufferedIOBase, name: str, max_pixels: int, head: bytes) -> Raw:
    fp.seek(0)
    try:
        im = Image.open(fp, formats=FORMATS)
    except UnidentifiedImageError:
        if not head.startswith(TIFF_HEADS):
            raise
        return decode_tiff(fp, name, max_pixels)
    check_size(name, *im.size, max_pixels)
    if im.format == "TIFF":
        check_size(name, im.tag_v2.get(322, 1), im.tag_v2.get(323, 1), max_pixels)  # a tile
        for starts, sizes in (STRIPS, TILES):
            data = zip(im.tag_v2.get(starts, ()), im.tag_v2.get(sizes, ()), strict=False)
            check_length(fp, data, name)
        planar = im.tag_v2.get(PLANAR[0]) == PLANAR[1]
        if im.mode == "I" or (planar and max(im.tag_v2.get(258, (1,))) > 8):
            return decode_tiff(fp, name, max_pixels)
    return _decode_deep(im, fp) if _is_deep(im) else decode_image(im, name)


# --- Pillow -----------------------------------------------------------------------------------


def decode_image(im: Image.Image, name: str) -> Raw:
    """Decode a Pillow image (its first frame, at Pillow's precision). Raises JGMError."""
    rawmode = _rawmode(im)  # gone after load
    inverted = getattr(im, "tag_v2", {}).get(WHITE_IS_ZERO[0]) == WHITE_IS_ZERO[1]
    im.load()
    common = {"profile": im.info.get("icc_profile"), "orientation": _orientation(im)}
    if im.mode.startswith("I") or im.mode == "F":
        values = _numbers(im, name)
        top = 1.0 if im.mode == "F" else 4095 if rawmode == "I;12" else 65535
        if inverted:  # Pillow sees to this for 8 bits only
            values = values.dtype.type(top) - values
        return Raw(values[..., None], top, _keyed(values[..., None], im, rawmode), **common)
    im = _plain(im, common)
    if im.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        raise fail(name, f"colour mode {im.mode} is not supported; {ALLOWED}, grey, RGB or CMYK")
    values = np.asarray(im).reshape(im.height, im.width, -1)
    if im.mode in ("LA", "RGBA"):
        return Raw(values[..., :-1], 255, values[..., -1], **common)
    return Raw(values, 255, _keyed(values, im, rawmode), **common)


def _plain(im: Image.Image, common: dict) -> Image.Image:
    """Reduce Pillow's modes to L, LA, RGB, RGBA and CMYK."""
    if im.mode in ("P", "PA"):
        return im.convert("RGBA" if im.mode == "PA" or "transparency" in im.info else "RGB")
    if im.mode == "CMYK" and not common["profile"]:
        return im.convert("RGB")
    return im.convert(PLAIN[im.mode]) if im.mode in PLAIN else im


def _numbers(im: Image.Image, name: str) -> np.ndarray:
    """Pixels of the modes I, I;16* and F as uint16 or float32, (H,W)."""
    values = np.asarray(im)
    if im.mode == "F":
        return values
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise fail(name, f"integers from {low} to {high}; allowed: 0 to 65535")
    return values.astype(np.uint16)


def _keyed(values: np.ndarray, im: Image.Image, rawmode: str) -> np.ndarray | None:
    """Alpha (H,W) of a PNG whose transparency is one chosen colour (chunk tRNS), else None."""
    key = im.info.get("transparency")
    if key is None or isinstance(key, bytes):
        return None
    key = np.asarray(key) * {"L;2": 85, "L;4": 17}.get(rawmode, 1)  # Pillow scales pixels, not key
    white = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1
    return np.any(values != key, -1).astype(values.dtype) * white


def _rawmode(im: Image.Image) -> str:
    tile = getattr(im, "tile", None)
    args = tile[0][3] if tile else ""
    return args if isinstance(args, str) else str(args[0]) if args else ""


def _orientation(im: Image.Image) -> int:
    try:
        return int(im.getexif().get(0x0112, 1))
    except Exception:  # a damaged EXIF block is no reason to refuse the picture
        return 1


def _is_deep(im: Image.Image) -> bool:
    """Colour or alpha with 16 bits a channel, which Pillow would silently cut down to 8."""
    return im.mode in ("RGB", "RGBA") and ";16" in _rawmode(im)


def _decode_deep(im: Image.Image, fp: io.BufferedIOBase) -> Raw:
    """16 bits a channel through Pillow: decode twice, for the high bytes and for the low bytes.

    Pillow's unpackers "RGB;16B" and "RGB;16L" (big, little endian) keep the more significant of two
    bytes; under the wrong one of the two names they return the other byte.
    """
    rawmode = _rawmode(im)
    if rawmode == "LA;16B":  # four bytes a pixel: take them as they are
        values = _plane(im, "RGBA").view(">u2")  # (H,W,2)
        return _deep_raw(im, values, False)
    end = "LB"[sys.byteorder == "big"] if rawmode[-1] == "N" else rawmode[-1]
    base = rawmode[:-1].replace("RGBa", "RGBA")
    high = _plane(im, base + end)
    values = np.empty(high.shape, "<u2")
    values.view(np.uint8)[..., 1::2] = high
    del high
    fp.seek(0)
    again = Image.open(fp, formats=FORMATS)
    values.view(np.uint8)[..., 0::2] = _plane(again, base + {"L": "B", "B": "L"}[end])
    return _deep_raw(im, values, rawmode.startswith("RGBa"))


def _plane(im: Image.Image, rawmode: str) -> np.ndarray:
    def renamed(args):
        return rawmode if isinstance(args, str) else (rawmode, *args[1:])

    im.tile = [tile._replace(args=renamed(tile.args)) for tile in im.tile]
    return np.array(im)  # (H,W,C) uint8


def _deep_raw(im: Image.Image, values: np.ndarray, premultiplied: bool) -> Raw:
    has_alpha = values.shape[-1] in (2, 4)
    colour = values[..., :-1] if has_alpha else values
    alpha = values[..., -1] if has_alpha else _keyed(values, im, "")
    icc = im.info.get("icc_profile")
    return Raw(colour, 65535, alpha, icc, _orientation(im), premultiplied)
