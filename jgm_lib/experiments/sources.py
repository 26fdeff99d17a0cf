"""Pictures to measure on: from a folder, a packed set or a tensor, with their names and keys."""

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from ..data import samples
from ..data.folders import find_pictures
from ..data.packed import PackedSet
from ..data.packing import pack
from ..errors import JGMError
from ..noise import picture_key
from ..operators import gray, gray_weights

F = gray_weights("mean")


@dataclass
class Pictures:
    """The truth (N,3,S,S) in [0,1], the photographs y (N,1,S,S) made of it, and of each picture its
    name and its key (``noise.picture_key`` of its 8-bit pixels)."""

    truth: torch.Tensor
    y: torch.Tensor
    keys: list[int]
    names: list[str]

    @classmethod
    def of(cls, source, size: int, limit: int | None = None) -> "Pictures":
        """At most ``limit`` of the pictures of a folder or packed set, evenly spread, ``size``
        pixels a side. Raises JGMError if there is none."""
        pixels, names = named_pictures_of(source, size)
        own = spread(len(pixels), limit)
        return cls.of_pixels(pixels[own], [names[i] for i in own])

    @classmethod
    def of_pixels(cls, pixels: np.ndarray, names=None) -> "Pictures":
        """Colour pictures (N,S,S,3) uint8; they are named by number if no names are given."""
        return cls.of_truth(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255, names)

    @classmethod
    def of_samples(cls, size: int) -> "Pictures":
        """The middle squares of the colour photographs inside installed packages."""
        names = samples.names(grey=False)
        fitted = [
            ImageOps.fit(samples.load(n), (size, size), Image.Resampling.LANCZOS) for n in names
        ]
        return cls.of_pixels(np.stack([np.asarray(i) for i in fitted]), names)

    @classmethod
    def of_truth(cls, truth: torch.Tensor, names=None) -> "Pictures":
        """Colour pictures (N,3,S,S) in [0,1]. Raises JGMError if there is none."""
        if not len(truth):
            raise JGMError("no pictures to measure on")
        y = gray(truth.double(), F.double()).to(truth)  # of a grey picture exactly its own values
        names = [str(i) for i in range(len(truth))] if names is None else list(names)
        return cls(truth, y, [picture_key(p) for p in eight_bit(truth)], names)

    def __len__(self) -> int:
        return len(self.truth)

    def some(self, own) -> "Pictures":
        """Those of the indices ``own``."""
        keys, names = ([a[i] for i in own] for a in (self.keys, self.names))
        return Pictures(self.truth[own], self.y[own], keys, names)

    def parts(self, batch: int) -> Iterator["Pictures"]:
        """``batch`` at a time."""
        for i in range(0, len(self), batch):
            yield self.some(range(i, min(i + batch, len(self))))

    def about(self) -> dict:
        """For files: names, keys, and one hash of all the 8-bit pixels."""
        digest = hashlib.sha256(eight_bit(self.truth).tobytes()).hexdigest()
        return {"pictures": self.names, "keys": self.keys, "pixels_sha256": digest}


def eight_bit(x: torch.Tensor) -> np.ndarray:
    """(N,3,H,W) in [0,1] -> (N,H,W,3) uint8."""
    return np.ascontiguousarray((x * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy())


def spread(n: int, limit: int | None) -> np.ndarray:
    """Indices of at most ``limit`` of n pictures, evenly spread: a folder is sorted by class."""
    return np.linspace(0, n - 1, n if limit is None else min(n, limit)).round().astype(int)


def named_pictures_of(source, size: int) -> tuple[np.ndarray, list[str]]:
    """Colour pictures (N,S,S,3) uint8 and their names: the path below a folder of photographs, or
    class/index for the held-out pictures of a packed set. Raises JGMError."""
    source = Path(source)
    if source.is_dir():
        return _of_folder(source, size)
    base = source.with_suffix("") if source.suffix in (".npy", ".json") else source
    if not any(Path(f"{base}{end}").is_file() for end in (".npy", ".json")):
        raise JGMError(f"{source}: neither a folder of photographs nor a packed set")
    data = PackedSet(source)
    if not len(data.holdout_indices):
        raise JGMError(f"{source}: no held-out pictures; pack it with a --holdout above 0")
    names = [f"{data.classes[data.labels[i]]}/{i}" for i in data.holdout_indices]
    return eight_bit(data.batch(data.holdout_indices, size, augment=False)), names


def _of_folder(source: Path, size: int) -> tuple[np.ndarray, list[str]]:
    root, names, last = source.resolve(), [], [""]

    def found():
        for name, file in find_pictures(root):
            last[0] = name
            yield name, file

    told = dict(progress=lambda _: names.append(last[0]))  # called for each picture that is taken
    with tempfile.TemporaryDirectory() as scratch:
        about = dict(name="evaluation", source=root.name, size=size, holdout=0.0)
        data = PackedSet(pack(found(), out=scratch, **about, **told))
        say_skipped(data.card.get("skipped") or {})
        return np.array(data.array), names


def say_skipped(reasons: dict) -> None:
    """One line on stderr about files that do not count."""
    if reasons:
        why = ", ".join(f"{n} {reason}" for reason, n in reasons.items())
        print(f"note: {sum(reasons.values())} files left out: {why}", file=sys.stderr)
