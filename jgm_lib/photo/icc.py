"""Colour profiles: from a photo's own colour space to sRGB, in floating point where possible.

Two ways. Matrix/curve profiles (cameras, screens, every grey profile) are three curves and a
3x3 matrix (ICC.1:2022, 8.3 and 9.2): evaluated here, so that 16-bit photos keep their precision.
Table profiles (printers, CMYK) go through LittleCMS (PIL.ImageCms), which works in 8 bits.
"""

import io
import struct
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageCms

Map = Callable[[np.ndarray], np.ndarray]  # float (h,W,C) in [0,1] -> (h,W,3), or (h,W,1) for C = 1
SPACES = {1: ("GRAY", "RGB "), 3: ("RGB ",), 4: ("CMYK",)}
MODES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}
RELATIVE = ImageCms.Intent.RELATIVE_COLORIMETRIC
# A profile that moves no colour by more than one level of 255 is sRGB in another hand.
SAME = 1 / 255


def to_srgb(profile: bytes, channels: int) -> tuple[Map | None, bool]:
    """The map from a profile's colours to sRGB, and whether it is exact (else 8 bits).

    ``channels``: 1 grey, 3 RGB, 4 CMYK. The map takes float arrays (h,W,channels) in [0,1] and is
    None for a profile that is sRGB already. Raises ValueError for a profile that is broken or
    belongs to another kind of picture.
    """
    try:
        tags, space = _tags(profile), profile[16:20].decode("latin-1")
        if space not in SPACES[channels]:
            raise ValueError(f"a {space.strip()} profile on a picture of {channels} channel(s)")
        curves = None if "A2B0" in tags else _shaper(tags, space, profile[20:24])
        function = curves or _littlecms(profile, space)
        same = channels < 4 and _moves_nothing(function, channels)
    except (struct.error, KeyError, IndexError, OSError, ImageCms.PyCMSError) as error:
        raise ValueError(f"broken profile ({error})") from None
    return (None if same else _on_grey(function, space, channels)), curves is not None


def _moves_nothing(function: Map, channels: int) -> bool:
    ramp = np.linspace(0, 1, 9, dtype=np.float32)
    grid = np.stack(np.meshgrid(*[ramp] * channels), -1).reshape(1, -1, channels)
    if channels == 1:
        grid = np.linspace(0, 1, 256, dtype=np.float32).reshape(1, -1, 1)
    wanted = function(grid)  # a grey ramp through an RGB profile comes out with three channels
    return float(np.abs(wanted - grid).max()) <= SAME


def _on_grey(function: Map, space: str, channels: int) -> Map:
    """A grey picture stays one channel, also under an RGB profile (frequent in JPEG files)."""
    if channels > 1:
        return function
    return lambda block: function(_widen(block, space)).mean(-1, keepdims=True)


def _widen(block: np.ndarray, space: str) -> np.ndarray:
    return np.repeat(block, 3, -1) if space == "RGB " and block.shape[-1] == 1 else block


def _tags(profile: bytes) -> dict[str, bytes]:
    """Tag table of a profile (ICC.1:2022, 7.3): signature -> data."""
    (count,) = struct.unpack_from(">I", profile, 128)
    tags = {}
    for i in range(min(count, 100)):
        name, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        tags[name.decode("latin-1")] = profile[start : start + size]
    return tags


def _shaper(tags: dict[str, bytes], space: str, pcs: bytes) -> Map | None:
    """Curves and matrix as a map to sRGB, or None if the profile isn't of that kind."""
    if pcs != b"XYZ ":
        return None
    if space == "GRAY":
        curve = _curve(tags["kTRC"])
        return lambda block: _encode(curve(block))
    if space != "RGB " or not {"rTRC", "rXYZ"} <= tags.keys():
        return None
    curves = [_curve(tags[c + "TRC"]) for c in "rgb"]
    matrix = (np.linalg.inv(_srgb_columns()) @ _columns(tags)).astype(np.float32)

    def function(block: np.ndarray) -> np.ndarray:
        block = _widen(block, space)
        linear = np.stack([curve(block[..., c]) for c, curve in enumerate(curves)], -1)
        return _encode(linear @ matrix.T)

    return function


def _columns(tags: dict[str, bytes]) -> np.ndarray:
    """XYZ (D50) of the three primaries as columns, (3,3)."""
    rows = [struct.unpack_from(">3i", tags[c + "XYZ"], 8) for c in "rgb"]
    return np.array(rows, dtype=np.float64).T / 65536


@cache
def _srgb_columns() -> np.ndarray:
    return _columns(_tags(_srgb().tobytes()))


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _curve(data: bytes) -> Map:
    """A tone curve (ICC.1:2022, 10.6 'curv' and 10.18 'para') from device value to linear light."""
    if data[:4] == b"para":
        return _parametric(data)
    if data[:4] != b"curv":
        raise KeyError("tone curve of unknown type")
    (count,) = struct.unpack_from(">I", data, 8)
    values = np.frombuffer(data, ">u2", count, 12)
    if count == 0:
        return lambda v: v
    if count == 1:
        gamma = float(values[0]) / 256
        return lambda v: v**gamma
    table = values.astype(np.float32) / 65535
    places = np.linspace(0, 1, count)
    return lambda v: np.interp(v, places, table).astype(np.float32)


def _parametric(data: bytes) -> Map:
    """Every type written as the most general one: (a v + b)^g + e from d on, c v + f below.

    Values beyond [0,1] are clipped, as 10.18 says; a negative g would else give infinite light.
    """
    kind = struct.unpack_from(">H", data, 8)[0]
    count = (1, 3, 4, 5, 7)[kind]
    p = [n / 65536 for n in struct.unpack_from(f">{count}i", data, 12)]
    g, a, b, c, d, e, f = p[0], 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind in (1, 2):
        a, b = p[1], p[2]
        d = -b / a if a else 0.0
        e = f = p[3] if kind == 2 else 0.0
    elif kind > 2:
        a, b, c, d = p[1:5]
        e, f = p[5:7] if kind == 4 else (0.0, 0.0)

    def curve(v: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", over="ignore"):
            return np.clip(np.where(v >= d, np.maximum(a * v + b, 0) ** g + e, c * v + f), 0, 1)

    return curve


def _encode(linear: np.ndarray) -> np.ndarray:
    """Linear light to gamma-coded sRGB (IEC 61966-2-1), clipped to [0,1]."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _littlecms(profile: bytes, space: str) -> Map:
    source, mode = ImageCms.ImageCmsProfile(io.BytesIO(profile)), MODES[space]
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION  # else the dark end of printed greys is lost
    transform = ImageCms.buildTransform(source, _srgb(), mode, "RGB", RELATIVE, flags)

    def function(block: np.ndarray) -> np.ndarray:
        block = _widen(block, space)
        levels = np.rint(block * 255).astype(np.uint8)
        picture = Image.frombytes(mode, (block.shape[1], block.shape[0]), levels.tobytes())
        return np.asarray(transform.apply(picture), np.float32) / 255  # (h,W,3)

    return function
