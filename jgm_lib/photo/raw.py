"""What every decoder gives, and how it says that a file is unfit."""

from dataclasses import dataclass

import numpy as np

from ..errors import JGMError

ALLOWED = "allowed: a JPEG, PNG, TIFF, WebP or GIF picture"


@dataclass
class Raw:
    """Decoded, not yet upright nor converted to sRGB: values (H,W,C), alpha (H,W) or None."""

    values: np.ndarray
    top: float  # the value of white (1.0 for floats)
    alpha: np.ndarray | None = None
    profile: bytes | None = None
    orientation: int = 1  # EXIF 1..8
    premultiplied: bool = False  # the colours were multiplied by alpha


def fail(name: str, text: str) -> JGMError:
    """The one clear line: which file, what is wrong, what is allowed."""
    return JGMError(" ".join(f"{name}: {text}".splitlines()))


def check_size(name: str, width: int, height: int, max_pixels: int) -> None:
    """Refuse more than ``max_pixels``: called with the header's numbers, before decoding."""
    if width < 1 or height < 1:
        raise fail(name, f"{width} x {height} pixels: a picture needs at least 1 x 1")
    if width * height > max_pixels:
        text = f"{width} x {height} pixels; at most {max_pixels / 1e6:g} megapixels are allowed"
        raise fail(name, text)
