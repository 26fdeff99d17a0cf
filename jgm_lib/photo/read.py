"""Photos: any picture file, Pillow image, array or tensor in; one float picture out.

Every ``Photo`` is gamma-coded sRGB in [0,1], upright, at full size. Whatever cannot be turned into
one raises JGMError with one line that names the file, what is wrong and what is allowed.
"""

import io
import os
import stat
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from ..errors import JGMError
from ..operators import gray_weights
from .decode import decode_file, decode_image
from .icc import to_srgb
from .raw import Raw, check_size, fail
from .rows import row_blocks

MAX_PIXELS = 50_000_000
BITS = {"u1": 8, "u2": 16}  # every other type counts as 32
SLACK = 1e-6  # rounding beyond [0,1] that float pictures are forgiven


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture in gamma-coded sRGB.

    pixels: float32 in [0,1], (H,W,3), or (H,W) if the photo is grey: one channel in the file, or
    three that are equal everywhere. alpha: float32 (H,W) in [0,1] or None. bits: 8, 16 or 32
    (float) a channel in the source. notes: things worth telling the user, one line each.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    bits: int = 8
    name: str = "array"
    notes: tuple[str, ...] = ()

    @property
    def is_grey(self) -> bool:
        """True if there is no colour to compare a colorization with."""
        return self.pixels.ndim == 2

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[:2]

    def to_gray(self, weights="mean") -> np.ndarray:
        """F x (Eq 1), float32 (H,W) in [0,1]; a grey photo's own pixels whatever the weights.

        ``weights`` as in ``operators.gray_weights``, which raises JGMError for others.
        """
        f = gray_weights(weights).numpy()
        if self.is_grey:
            return self.pixels
        gray = np.empty(self.size, np.float32)
        for rows in row_blocks(*self.size):
            gray[rows] = np.clip(self.pixels[rows] @ f, 0, 1)  # float64, then rounded once
        return gray

    def rgb(self) -> np.ndarray:
        """Three channels in any case, float32 (H,W,3); a read-only view for a grey photo."""
        if not self.is_grey:
            return self.pixels
        return np.broadcast_to(self.pixels[..., None], (*self.size, 3))

    @classmethod
    def from_array(cls, array, name: str = "array", max_pixels: int = MAX_PIXELS) -> "Photo":
        """A photo from a NumPy array or a torch tensor.

        NumPy: (H,W) or (H,W,C); torch: (H,W), (C,H,W) or (1,C,H,W); C = 1, 2 (grey and alpha), 3
        or 4 (RGB and alpha). uint8 and uint16 use their whole range, floats lie in [0,1], booleans
        are black and white. Raises JGMError for another shape, type or range, NaN and infinity.
        """
        values = _tensor(array, name) if isinstance(array, torch.Tensor) else np.asarray(array)
        if values.ndim == 2:
            values = values[..., None]
        if values.ndim != 3 or values.shape[-1] not in (1, 2, 3, 4):
            text = f"array of shape {tuple(np.shape(array))}; allowed: (H,W) or (H,W,1 to 4)"
            raise fail(name, f"{text}, tensors (C,H,W)")
        check_size(name, values.shape[1], values.shape[0], max_pixels)
        if values.dtype == bool:
            values = values.astype(np.uint8) * np.uint8(255)
        if values.dtype.kind != "f" and values.dtype not in (np.uint8, np.uint16):
            raise fail(name, f"array of {values.dtype}; allowed: uint8, uint16, bool or float")
        top = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
        colours = 3 if values.shape[-1] > 2 else 1
        alpha = values[..., colours] if values.shape[-1] in (2, 4) else None
        return _photo_of(Raw(values[..., :colours], top, alpha), name)


def read_photo(source, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read a photo from a path, bytes, a binary file object, a Pillow image, an array or a tensor.

    JPEG, PNG, TIFF, WebP, GIF (the first frame): grey, RGB, palette or CMYK, with or without alpha,
    8 or 16 bits, float TIFF in [0,1]. EXIF rotation is applied, colour profiles are converted to
    sRGB (a table profile limits the precision to 8 bits; an unusable one is noted and ignored).
    Raises JGMError, before decoding if the picture has more than ``max_pixels``.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, np.ndarray | torch.Tensor):
        return Photo.from_array(source, max_pixels=max_pixels)
    if isinstance(source, Image.Image):
        return _read_image(source, max_pixels)
    if isinstance(source, bytes | bytearray | memoryview):
        return _read_stream(io.BytesIO(source), "picture from bytes", max_pixels)
    if hasattr(source, "read"):
        return _read_object(source, max_pixels)
    try:
        path = os.fspath(source)
    except TypeError:
        kinds = "a path, bytes, a binary file, a Pillow image, an array or a tensor"
        raise fail("photo", f"cannot read a {type(source).__name__}; allowed: {kinds}") from None
    return _read_path(os.fsdecode(path), max_pixels)


def _read_path(path: str, max_pixels: int) -> Photo:
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode):
            raise fail(path, "a pipe, not a file; to read one, pass what it holds as bytes")
        fp = open(path, "rb")  # noqa: SIM115 (the with below closes it)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        raise fail(path, f"cannot be read ({reason}); allowed: a readable file") from None
    with fp:
        return _read_stream(fp, path, max_pixels)


def _read_object(source, max_pixels: int) -> Photo:
    name = str(getattr(source, "name", "picture from a file object"))
    data = source.read()
    if not isinstance(data, bytes):
        raise fail(name, "is open as text; allowed: a file opened in binary mode")
    return _read_stream(io.BytesIO(data), name, max_pixels)


def _read_stream(fp: io.BufferedIOBase, name: str, max_pixels: int) -> Photo:
    return _photo_of(decode_file(fp, name, max_pixels), name)


def _read_image(im: Image.Image, max_pixels: int) -> Photo:
    name = str(getattr(im, "filename", "") or "Pillow image")
    check_size(name, *im.size, max_pixels)
    try:
        raw = decode_image(im, name)
    except JGMError:
        raise
    except (OSError, SyntaxError, EOFError, ValueError) as error:  # lazily opened, and unfit
        raise fail(name, f"damaged or cut off ({error}); allowed: a whole picture") from None
    return _photo_of(raw, name)


def _tensor(tensor: torch.Tensor, name: str) -> np.ndarray:
    """Channels last, on the CPU: (1,C,H,W) or (C,H,W) -> (H,W,C)."""
    if tensor.ndim == 4 and len(tensor) == 1:
        tensor = tensor[0]
    if tensor.ndim not in (2, 3):
        text = f"tensor of shape {tuple(tensor.shape)}; allowed: (H,W), (C,H,W) or (1,C,H,W)"
        raise fail(name, text)
    if tensor.dtype == torch.bfloat16:  # NumPy doesn't know it
        tensor = tensor.float()
    values = tensor.detach().cpu().numpy()
    return np.moveaxis(values, 0, -1) if values.ndim == 3 else values


# --- from raw values to a photo ---------------------------------------------------------------


def _photo_of(raw: Raw, name: str) -> Photo:
    """Orient, scale to [0,1], convert to sRGB, block by block."""
    values, alpha = _upright(raw.values, raw.orientation), None
    if raw.alpha is not None:
        alpha = _unit(_upright(raw.alpha[..., None], raw.orientation), raw.top, name)[..., 0]
    if values.shape[-1] == 3 and _is_colourless(values):
        values = values[..., :1]
    bits = 32 if raw.top == 1.0 else BITS.get(values.dtype.str[1:], 32)
    convert, notes = None, ()
    if raw.profile:
        try:
            convert, exact = to_srgb(raw.profile, values.shape[-1])
            bits = bits if exact or convert is None else 8
        except ValueError as error:
            notes = (f"{name}: colour profile ignored: {error}",)
            if values.shape[-1] == 4:
                convert = _naive_cmyk
    pixels = _unit(values, raw.top, name, convert, alpha if raw.premultiplied else None)
    return Photo(pixels[..., 0] if pixels.shape[-1] == 1 else pixels, alpha, bits, name, notes)


def _is_colourless(values: np.ndarray) -> bool:
    blocks = (values[rows] for rows in row_blocks(*values.shape[:2]))
    return all((block[..., 1:] == block[..., :1]).all() for block in blocks)


def _naive_cmyk(block: np.ndarray) -> np.ndarray:
    return (1 - block[..., :3]) * (1 - block[..., 3:])


def _unit(values: np.ndarray, top: float, name: str, convert=None, divide=None) -> np.ndarray:
    """values (H,W,C) / top as float32 in [0,1], through the colour conversion if there is one."""
    height, width, channels = values.shape
    unit = np.empty((height, width, min(channels, 3)), np.float32)
    for rows in row_blocks(height, width):
        block = values[rows] if top == 1.0 else values[rows] / np.float32(top)
        if top == 1.0:
            _check_floats(block, rows.start, name)
        block = np.clip(block, 0, 1).astype(np.float32)
        if divide is not None:  # colours were stored times alpha; where alpha is 0 they are lost
            block = np.clip(block / np.maximum(divide[rows, :, None], 1e-6), 0, 1)
        unit[rows] = block if convert is None else convert(block)
    return unit


def _check_floats(block: np.ndarray, first_row: int, name: str) -> None:
    bad = ~np.isfinite(block)
    if bad.any():
        row, column = np.argwhere(bad)[0][:2] + (first_row, 0)
        text = f"NaN or infinity at row {row}, column {column}; allowed: numbers in [0,1]"
        raise fail(name, text)
    low, high = float(block.min()), float(block.max())
    if low < -SLACK or high > 1 + SLACK:
        raise fail(name, f"float values from {low:.6g} to {high:.6g}; allowed: [0,1]")


def _upright(a: np.ndarray, orientation: int) -> np.ndarray:
    """Undo the EXIF orientation (tag 0x0112) of (H,W,C) as a view: no copy of a large photo."""
    if orientation in (5, 6, 7, 8):
        a = a.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        a = a[::-1]
    if orientation in (2, 3, 6, 7):
        a = a[:, ::-1]
    return a
