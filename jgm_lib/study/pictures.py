"""The pictures of a study as a folder: METHOD/PICTURE.png, any methods by name."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import JGMError
from ..files import DAMAGED, replacing
from .plan import Study

MOST_PIXELS = 4_000_000  # of one version: it goes to the browser as it is


def write_versions(folder, made: dict) -> None:
    """``made``: picture -> method -> (3,H,W) in [0,1], written as 8-bit PNG, which keeps edges.

    Raises JGMError for names that are no file names, or where nothing can be written.
    """
    for picture, versions in made.items():
        for method, x in versions.items():
            for name in (picture, method):
                if Path(name).name != name or name.startswith("."):
                    raise JGMError(f"{name!r}: need a name that a file can have")
            place = Path(folder) / method
            place.mkdir(parents=True, exist_ok=True)
            pixels = np.rint(255 * np.clip(np.asarray(x, np.float32), 0, 1)).astype(np.uint8)
            with replacing(place / f"{picture}.png") as part:
                Image.fromarray(np.moveaxis(pixels, 0, -1).copy()).save(part, "PNG")


def read_versions(folder) -> dict:
    """picture -> method -> (3,H,W) float32 in [0,1] of a folder METHOD/PICTURE.png.

    JGMError for fewer than two methods, no pictures, a method that lacks a picture, versions of one picture
    that differ in size, and a file that is no picture.
    """
    found = {
        place.name: {path.stem: _pixels(path) for path in sorted(place.glob("*.png"))}
        for place in sorted(Path(folder).glob("*"))
        if place.is_dir() and not place.name.startswith(".")
    }
    if len(found) < 2:
        raise JGMError(f"{folder}: {len(found)} folders of methods; need two, METHOD/PICTURE.png")
    if not any(found.values()):
        raise JGMError(f"{folder}: no pictures; need METHOD/PICTURE.png")
    made = {}
    for picture in sorted({name for versions in found.values() for name in versions}):
        lacks = [method for method, versions in found.items() if picture not in versions]
        if lacks:
            raise JGMError(f"{folder}: method {lacks[0]!r} lacks {picture}.png")
        made[picture] = {method: versions[picture] for method, versions in found.items()}
        sizes = {x.shape[1:] for x in made[picture].values()}
        if len(sizes) > 1:
            raise JGMError(f"{folder}: versions of {picture}.png differ in size: {sorted(sizes)}")
    return made


def study_of(folder, seed: int = 0) -> tuple[Study, dict]:
    """(plan, pictures) of a folder METHOD/PICTURE.png; the plan has the folder's name and a
    fingerprint of the pixels, so that votes on other pictures never mix. Raises JGMError."""
    made = read_versions(folder)
    pixels = hashlib.sha256()
    for versions in made.values():
        for x in versions.values():
            pixels.update(str(x.shape).encode() + x.tobytes())
    methods = tuple(next(iter(made.values())))
    name = f"{Path(folder).resolve().name}-{pixels.hexdigest()[:6]}"
    return Study(name, tuple(made), methods, seed), made


def _pixels(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise JGMError(f"{path}: more than {MOST_PIXELS} pixels")
            a = np.asarray(image.convert("RGB"), np.float32) / 255
    except (*DAMAGED, Image.DecompressionBombError) as error:
        if isinstance(error, JGMError):
            raise
        raise JGMError(f"{path}: not a readable picture ({error})") from None
    return np.moveaxis(a, -1, 0)
