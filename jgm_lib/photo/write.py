"""Writing pictures so that their grey survives the file.

A colorization must re-gray to the photo it came from (Eq 1, F x = y). Two things break that on the
way to a file: clipping to the gamut and rounding to integers. ``fit_gamut_rows`` replaces clipping by
less colour, ``quantize_keep_gray`` chooses for each channel the integer below or above so that the
grey comes out right.
"""

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import tifffile
from PIL import Image

from ..errors import JGMError
from ..files import check_place, refuse_existing, replacing
from ..operators import gray_weights
from .rows import row_blocks

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF",
           ".webp": "WEBP"}  # fmt: skip
EXISTS = ": exists already as a file (force=True or --force overwrites it); allowed: a new name"
MOST_BITS = {"PNG": 16, "JPEG": 8, "TIFF": 32, "WEBP": 8}
MOST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # limits of the formats, in pixels
OPTIONS = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True, "quality": 25, "method": 1},  # method 4: minutes
}
CORNERS = [(i & 1, i >> 1 & 1, i >> 2 & 1) for i in range(8)]  # round each channel down or up
GRAY_FIRST = 1000.0  # a grey error of 0.001 level outweighs a colour error of one level
AIM, MISS = 0.49, 0.495  # distance from a grey level: we aim inside, beyond it rounds elsewhere


def write_photo(path, rgb, alpha=None, bits=8, force=False, gray=None, weights=None) -> Path:
    """Write a picture as PNG, JPEG, TIFF or WebP (by the suffix), whole or not at all.

    rgb: float (H,W,3) in [0,1], values beyond are fitted or clipped; alpha: (H,W) or None.
    bits: 8, 16 or 32 (float TIFF), lowered to the most the format holds (PNG 16, JPEG, WebP 8).
    gray: (H,W) in [0,1], what the file shall re-gray to under ``weights`` (None: "mean"): exact
    after rounding for PNG, TIFF and WebP (lossless); JPEG is lossy and stays near. Returns the
    path. Raises JGMError: the file exists and ``force`` is false, unknown suffix, wrong shape, NaN,
    a size or an alpha that the format cannot hold, a folder that cannot be written to.
    """
    path, kind = _target(path, force)
    if bits not in (8, 16, 32):
        raise JGMError(f"bits={bits!r}: allowed are 8, 16 and 32 (float TIFF)")
    rgb = _array("rgb", rgb, ("H", "W", 3))
    height, width = rgb.shape[:2]
    if max(height, width) > MOST_SIDE.get(kind, 1 << 31):
        most = MOST_SIDE[kind]
        raise JGMError(f"{path}: {width} x {height}; {kind} holds at most {most} a side, use .png")
    if alpha is not None:
        alpha = _array("alpha", alpha, (height, width))
        if kind == "JPEG" and alpha.min() < 1:
            raise JGMError(f"{path}: JPEG cannot hold alpha; allowed: .png, .tif or .webp")
    pixels = _levels(rgb, gray, weights, min(bits, MOST_BITS[kind]))
    if alpha is not None and kind != "JPEG":
        pixels = np.concatenate([pixels, _round(alpha[..., None], pixels.dtype)], -1)  # (H,W,4)
    with replacing(path) as part:
        with open(part, "wb") as fp:
            _encode(fp, pixels, kind)
        refuse_existing([path], force, EXISTS)  # somebody else may have been faster
    return path


def _target(path, force: bool) -> tuple[Path, str]:
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise JGMError(f"{path}: unknown suffix {path.suffix!r}; allowed: {', '.join(FORMATS)}")
    check_place(path)
    refuse_existing([path], force, EXISTS)
    return path, FORMATS[path.suffix.lower()]


def _array(what: str, a, shape: tuple) -> np.ndarray:
    """A finite float array; ``shape`` holds numbers, or letters where any number will do."""
    a = np.asarray(a)
    pairs = zip(shape, a.shape, strict=False)
    fits = a.ndim == len(shape) and all(isinstance(n, str) or n == got for n, got in pairs)
    if not fits or a.size == 0 or a.dtype.kind != "f":
        wanted = ",".join(str(n) for n in shape)
        raise JGMError(f"{what} of shape {a.shape}, {a.dtype}; allowed: ({wanted}), floats")
    if not all(np.isfinite(a[rows]).all() for rows in row_blocks(*a.shape[:2])):
        raise JGMError(f"{what} holds NaN or infinity; allowed: finite numbers")
    return a


def _levels(rgb: np.ndarray, gray, weights, bits: int) -> np.ndarray:
    """Pixels as the file will hold them: uint8, uint16 or float32, (H,W,3)."""
    weights = "mean" if weights is None else weights
    if gray is None:
        return _round(rgb, {8: np.uint8, 16: np.uint16, 32: np.float32}[bits])
    if bits < 32:
        return quantize_keep_gray(rgb, gray, weights, 2**bits - 1)
    f, gray = gray_weights(weights).numpy(), _gray(gray, rgb)
    out = np.empty(rgb.shape, np.float32)
    for rows in row_blocks(*gray.shape):
        out[rows] = _fit(*_with_grey(rgb[rows], gray[rows], f))
    return out


def _round(a: np.ndarray, dtype) -> np.ndarray:
    dtype = np.dtype(dtype)
    top = 1 if dtype.kind == "f" else np.iinfo(dtype).max
    out = np.empty(a.shape, dtype)
    for rows in row_blocks(*a.shape[:2]):
        unit = np.clip(a[rows], 0, 1)
        out[rows] = unit if top == 1 else np.rint(unit * top)
    return out


# --- keeping the grey -------------------------------------------------------------------------


def fit_gamut_rows(rgb, gray) -> np.ndarray:
    """Shrink each pixel's chroma, x = y + k (x - y), by the largest k <= 1 that stays in [0,1].

    rgb: float (H,W,3); gray: (H,W) in [0,1]. For a picture with F x = y (any f that sums to 1)
    the result has F x = y as well; where grey is 0 or 1 the chroma goes. Same shape and dtype as
    rgb. Raises JGMError for wrong shapes, NaN and a grey outside [0,1].
    """
    rgb = _array("rgb", rgb, ("H", "W", 3))
    gray = _gray(gray, rgb)
    out = np.empty_like(rgb)
    for rows in row_blocks(*gray.shape):
        out[rows] = _fit(rgb[rows], gray[rows].astype(rgb.dtype))
    return out


def quantize_keep_gray(rgb, gray, weights="mean", levels: int = 255) -> np.ndarray:
    """Round to integers 0..levels such that the rounded picture re-grays to the rounded grey.

    rgb: float (H,W,3), gray: (H,W) in [0,1]. Returns uint8 (levels <= 255) or uint16, (H,W,3).
    The target is the grey level g = rint(levels * gray), also for a photo that was in colour and
    whose grey lies between two levels: rint(F q) = g at every pixel (for the mean, BT.601, one
    channel; for an f with a weight of 0.99 to 1 within one level). F q stays as near to the
    unrounded grey as that permits: the mean of an 8-bit colour photo is kept to the third of a
    level, q_R + q_G + q_B = R + G + B.
    First the grey is corrected (x += y - F x) and the chroma fitted to the gamut; then each channel
    goes to the integer below or above, among the eight choices the one whose grey is best, and
    among those of equal grey the one whose colour is nearest.
    Raises JGMError for wrong shapes, NaN, a grey outside [0,1] and levels outside 1..65535.
    """
    if not isinstance(levels, int) or not 1 <= levels <= 65535:
        raise JGMError(f"levels={levels!r}: allowed are the integers 1 to 65535")
    f = gray_weights(weights).numpy()
    rgb = _array("rgb", rgb, ("H", "W", 3))
    gray = _gray(gray, rgb)
    out = np.empty(rgb.shape, np.uint8 if levels < 256 else np.uint16)
    for rows in row_blocks(*gray.shape):
        target = _target_gray(gray[rows], levels)
        x = _fit(*_with_grey(rgb[rows], target / levels, f)) * levels
        out[rows] = _round_corners(x.reshape(-1, 3), target.ravel(), f).reshape(x.shape)
    return out


def _gray(gray, rgb: np.ndarray) -> np.ndarray:
    gray = _array("gray", gray, rgb.shape[:2])
    if gray.min() < 0 or gray.max() > 1:
        raise JGMError(f"gray from {gray.min():.6g} to {gray.max():.6g}; allowed: [0,1]")
    return gray


def _with_grey(x: np.ndarray, y: np.ndarray, f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make F x = y by the same addition to all three channels; float64."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    return x + (y - x @ f)[..., None], y


def _fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    y = y[..., None]
    chroma = x - y  # (h,W,3)
    room = np.where(chroma > 0, 1 - y, y)  # from grey to the gamut's wall
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        k = np.where(chroma == 0, np.inf, room / np.abs(chroma)).min(-1, keepdims=True)
    return np.clip(y + np.minimum(k, 1) * chroma, 0, 1)  # the clip only removes rounding dust


def _target_gray(y: np.ndarray, levels: int) -> np.ndarray:
    """The grey to aim at, in levels: y itself, moved off the middle between two levels.

    There the rounded grey would hang on the last bit of whoever re-grays the picture.
    """
    y = y.astype(np.float64) * levels
    nearest = np.rint(y)
    return np.clip(y, np.maximum(nearest - AIM, 0), np.minimum(nearest + AIM, levels))


def _round_corners(x: np.ndarray, target: np.ndarray, f: np.ndarray) -> np.ndarray:
    """Integers below or above x (N,3), chosen by rounded grey, then grey, then colour.

    x lies inside the cube of its eight choices and F x = target, so that the greys of the choices
    surround the target: one of them rounds to the wanted level unless they are a level apart.
    """
    low = np.maximum(np.ceil(x) - 1, 0)  # below the top level, so that low + 1 is always in range
    gray = low @ f  # (N,)
    up = 1 - 2 * (x - low)  # change of the squared colour error when a channel goes up, (N,3)
    nearest, best = np.rint(target), np.full(len(x), np.inf)
    choice = np.zeros(len(x), np.uint8)
    for number, corner in enumerate(CORNERS):
        regray = gray + np.dot(corner, f)
        cost = GRAY_FIRST * np.abs(regray - target) + up @ np.array(corner, float)
        cost[np.abs(regray - nearest) > MISS] += 1e6
        better = cost < best
        best[better], choice[better] = cost[better], number
    return low + (choice[:, None] >> np.arange(3) & 1)


# --- files ------------------------------------------------------------------------------------


def _encode(fp: BinaryIO, pixels: np.ndarray, kind: str) -> None:
    if kind == "TIFF":
        extra = {"extrasamples": ["unassalpha"]} if pixels.shape[-1] == 4 else {}
        tifffile.imwrite(fp, pixels, photometric="rgb", compression="zlib", metadata=None, **extra)
    elif pixels.dtype == np.uint16:
        _encode_png16(fp, pixels)
    else:
        Image.fromarray(pixels).save(fp, kind, **OPTIONS[kind])


def _encode_png16(fp: BinaryIO, pixels: np.ndarray) -> None:
    """PNG with 16 bits a channel (Pillow writes 8): each row as its difference to the one above."""
    height, width, channels = pixels.shape
    fp.write(b"\x89PNG\r\n\x1a\n")
    _chunk(fp, b"IHDR", struct.pack(">2I5B", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0))
    packer, above = zlib.compressobj(6), np.zeros((1, width * channels * 2), np.uint8)
    for rows in row_blocks(height, width):
        data = pixels[rows].astype(">u2").reshape(rows.stop - rows.start, -1).view(np.uint8)
        lines = np.full((len(data), data.shape[1] + 1), 2, np.uint8)  # filter type 2, "up"
        lines[:, 1:] = data - np.concatenate([above, data[:-1]])
        _chunk(fp, b"IDAT", packer.compress(lines.tobytes()))
        above = data[-1:]
    _chunk(fp, b"IDAT", packer.flush())
    _chunk(fp, b"IEND", b"")


def _chunk(fp: BinaryIO, name: bytes, data: bytes) -> None:
    fp.write(struct.pack(">I", len(data)) + name + data)
    fp.write(struct.pack(">I", zlib.crc32(name + data)))
