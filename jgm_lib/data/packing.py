"""Packing: decode and fit one picture, write a packed set.

A packed set is ``NAME-SIZE.npy`` (uint8, N x SIZE x SIZE x 3, RGB) beside its card
``NAME-SIZE.json``. Pictures are appended one by one, so memory stays flat at any N; both files
are written under temporary names and renamed at the end, so a broken run leaves no half set.
"""

import hashlib
import io
import json
import re
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageOps

from ..errors import JGMError
from ..files import file_sha256, put, write_text

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm"}
MAX_PIXELS = 150_000_000  # larger pictures are skipped, not decoded
DEEP = {"I", "F", "I;16", "I;16B", "I;16L"}  # modes that Pillow would clip when made RGB
GREY_SPREAD = 10  # of 255; JPEG alone gives a grey picture a spread of a few steps
EXAMPLES = 20  # names of skipped pictures kept in the card


class Skip(Exception):
    """One picture can't be used; the text is the reason counted in the card."""


def open_rgb(source, size: int) -> tuple[Image.Image, tuple[int, int]]:
    """A path or bytes -> (RGB picture turned upright, its true width and height), or Skip."""
    source = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata
            with Image.open(source) as image:
                full = image.size
                if full[0] * full[1] > MAX_PIXELS:
                    raise Skip("too many pixels")
                if image.mode in DEEP:
                    raise Skip("16-bit or float grey")
                image.draft("RGB", (2 * size, 2 * size))  # lets JPEG decode at a smaller scale
                image = ImageOps.exif_transpose(image)
                return image.convert("RGBA" if "transparency" in image.info else "RGB"), full
    except Skip:
        raise
    except Exception:  # noqa: BLE001  Pillow raises a dozen classes on hostile bytes
        raise Skip("unreadable") from None


def fit(image: Image.Image, size: int, squash: bool = False) -> np.ndarray:
    """RGB picture -> uint8 (size,size,3): centre crop to a square, or squash, then antialias."""
    w, h = image.size
    side = min(w, h)
    left, top = (w - side) // 2, (h - side) // 2
    box = (0, 0, w, h) if squash else (left, top, left + side, top + side)
    small = image.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)
    return np.asarray(small.convert("RGB"), dtype=np.uint8)


def near_grey(picture: np.ndarray) -> bool:
    """True when 99% of the pixels of a uint8 (H,W,3) picture have channels less than 10 apart."""
    spread = picture.max(-1) - picture.min(-1)  # (H,W), sound in uint8 since max >= min
    return bool((spread < GREY_SPREAD).mean() >= 0.99)


def split_indices(n: int, holdout: float, seed: int) -> list[int]:
    """The held-out share of range(n), drawn by a seeded permutation, sorted."""
    k = min(n - 1, max(1, round(holdout * n))) if holdout > 0 else 0
    return sorted(np.random.default_rng(seed).permutation(n)[:k].tolist())


def group_of(name: str) -> str:
    """The folder a picture lies in: the nearest thing to a class label that a folder has."""
    return PurePosixPath(name).parent.as_posix()


class _Writer:
    """Appends pictures after an npy header and corrects the count in the header at the end."""

    def __init__(self, file, size: int):
        self.file, self.size, self.count = file, size, 0
        self._header(10**12)  # a count with room to spare; the header length must not change
        self.start = file.tell()

    def _header(self, n: int) -> None:
        shape = (n, self.size, self.size, 3)
        d = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, d)

    def append(self, picture: np.ndarray) -> None:
        self.file.write(picture.tobytes())
        self.count += 1

    def close(self) -> None:
        self.file.seek(0)
        self._header(self.count)
        if self.file.tell() != self.start:
            raise RuntimeError("npy header changed its length")
        self.file.flush()


def _append_all(
    pictures, writer, size, squash, count, skipped, examples, progress, keep_grey
) -> dict:
    groups, seen, enlarged, greys = [], set(), 0, 0
    for name, source in pictures:
        name = name.encode("utf-8", "backslashreplace").decode()  # odd bytes of a file name
        try:
            if isinstance(source, Skip):
                raise source
            image, full = open_rgb(source, size)
            picture = fit(image, size, squash)
            grey = near_grey(picture)
            if grey and not keep_grey:
                raise Skip("near grey")
            key = hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
            if key in seen:  # one picture on both sides of the split would flatter every score
                raise Skip("same picture twice")
        except Skip as reason:
            skipped[str(reason)] += 1
            if len(examples) < EXAMPLES:
                examples.append(f"{name}: {reason}")
            continue
        seen.add(key)
        enlarged += min(full) < size
        greys += grey
        writer.append(picture)
        if not groups or groups[-1][0] != group_of(name):
            groups.append([group_of(name), 0])
        groups[-1][1] += 1
        if progress:
            progress(writer.count)
        if writer.count == count:  # before the source looks for another one
            break
    return {"enlarged": enlarged, "near_grey": greys, "groups": groups}


def pack(
    pictures: Iterable,
    *,
    name: str,
    out,
    source: str,
    size: int = 128,
    count: int | None = None,
    seed: int = 0,
    squash: bool = False,
    holdout: float = 0.05,
    licence: str = "not stated",
    url: str | None = None,
    progress=None,
    keep_grey: bool = True,
    extra: dict | None = None,
) -> Path:
    """Write a packed set and return the path of its npy file.

    ``pictures`` yields (name, source): a relative name with forward slashes and a path, the
    bytes of a picture file, or a ``Skip`` with a reason. Reading stops after ``count`` usable
    pictures. ``progress(n)`` is called after each. ``keep_grey=False`` skips pictures without
    colour, ``extra`` are further entries of the card. Raises JGMError for settings out of range
    or when no picture could be used; then nothing is left behind.
    """
    check_settings(name, size, count, seed, holdout)
    about = dict(name=name, size=size, source=source, url=url, licence=licence, seed=seed)
    about |= dict(fit="squash" if squash else "crop", holdout_fraction=holdout)
    choice = (squash, count, progress, keep_grey)
    return _pack(pictures, Path(out), about, choice, extra or {})


def _pack(pictures, out: Path, about: dict, choice, extra: dict) -> Path:
    """``pack`` with its settings checked; ``about`` are the facts of the card known beforehand."""
    from .packed import FORMAT  # with torch, which --help does without

    squash, count, progress, keep_grey = choice
    size, name = about["size"], about["name"]
    out.mkdir(parents=True, exist_ok=True)
    skipped, examples = Counter(), []
    with tempfile.TemporaryDirectory(prefix=".packing-", dir=out) as room:
        npy, card = Path(room) / "set.npy", Path(room) / "set.json"
        with open(npy, "w+b") as file:
            writer = _Writer(file, size)
            told = _append_all(
                pictures, writer, size, squash, count, skipped, examples, progress, keep_grey
            )
            writer.close()
        if not writer.count:
            raise JGMError(
                f"{about['source']}: no usable picture; skipped {dict(skipped) or 'none'}"
            )
        facts = {"format": FORMAT, **about, "count": writer.count, "sha256": file_sha256(npy)}
        facts |= {"date": date.today().isoformat(), "skipped": dict(sorted(skipped.items()))}
        facts |= {"skipped_examples": examples, **told, **extra}
        facts["holdout"] = split_indices(writer.count, about["holdout_fraction"], about["seed"])
        write_text(card, json.dumps(facts, ensure_ascii=False) + "\n")
        return _publish(npy, card, out / f"{name}-{size}.npy")


def _publish(npy: Path, card: Path, target: Path) -> Path:
    """Old card away, new array in, new card in: at no moment does a card describe other data."""
    target.with_suffix(".json").unlink(missing_ok=True)
    put(npy, target)
    put(card, target.with_suffix(".json"))
    return target


def check_settings(name, size, count, seed, holdout) -> None:
    """Raise JGMError unless every setting is in its range."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", str(name)):
        raise JGMError(f"name={name!r}: use letters, digits, dot, dash and underscore")
    if not 8 <= size <= 1024:
        raise JGMError(f"size={size}: allowed are 8 to 1024 pixels")
    if count is not None and count < 1:
        raise JGMError(f"count={count}: need at least 1 picture")
    if seed < 0:
        raise JGMError(f"seed={seed}: need a whole number >= 0")
    if not 0 <= holdout <= 0.5:
        raise JGMError(f"holdout={holdout}: allowed are 0 to 0.5 of the pictures")
