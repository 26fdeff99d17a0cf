"""Packed sets: one memory-mapped uint8 array of square photographs and a JSON card beside it.

The array is never loaded whole: 150,000 pictures at 128 x 128 are 7.4 GB.
"""

import math
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import interpolate

from ..errors import JGMError
from ..files import DAMAGED, file_sha256, read_json_card

FORMAT = "jgm-packed-1"
ASPECT = 1.1  # random crops are at most this much wider than high, or higher than wide


def _read_card(path: Path) -> dict:
    card = read_json_card(path, "packed set")
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise JGMError(f"{path}: not a card of format {FORMAT}")
    for key in ("size", "count"):
        if type(card.get(key)) is not int or card[key] < 1:
            raise JGMError(f"{path}: {key}={card.get(key)!r}, need a whole number >= 1")
    return card


def _map_array(path: Path, card: dict) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise JGMError(f"{path}: the array of the packed set is missing") from None
    except DAMAGED as error:
        raise JGMError(f"{path}: not a whole npy file ({error})") from None
    if not isinstance(array, np.memmap) or array.dtype != np.uint8:
        kind = getattr(array, "dtype", "an archive")
        raise JGMError(f"{path}: holds {kind}, need one uint8 array")
    wanted = (card["count"], card["size"], card["size"], 3)
    if array.shape != wanted or not array.flags.c_contiguous:
        raise JGMError(f"{path}: shape {array.shape}, but its card says {wanted}")
    if array.offset + array.nbytes != path.stat().st_size:
        raise JGMError(f"{path}: bytes after the array; pack the set again")
    return array


def _holdout(card: dict, path: Path) -> np.ndarray:
    held, n = card.get("holdout"), card["count"]
    good = isinstance(held, list) and all(type(i) is int and 0 <= i < n for i in held)
    if not good or len(set(held)) != len(held):
        raise JGMError(f"{path}: holdout must be a list of different indices from 0 to {n - 1}")
    return np.array(sorted(held), dtype=np.int64)


def _groups(card: dict, path: Path) -> list:
    groups, n = card.get("groups", [["", card["count"]]]), card["count"]
    try:
        good = all(isinstance(g, str) and type(k) is int and k > 0 for g, k in groups)
        good = good and sum(k for _, k in groups) == n
    except (TypeError, ValueError):
        good = False
    if not good:
        raise JGMError(f"{path}: groups must be [name, count] pairs that sum to {n}")
    return groups


class PackedSet:
    """Photographs of a packed set, memory-mapped.

    ``path``: the npy file, its card, or their common name without suffix. ``verify=True`` also
    compares the SHA-256 (reads the whole file). Raises JGMError when array and card disagree.

    Attributes: ``array`` uint8 (N,S,S,3), ``card`` dict, ``size`` S, ``train_indices`` and
    ``holdout_indices`` int64, ``classes`` folder names, ``labels`` int64 (N,) into ``classes``.
    """

    def __init__(self, path, verify: bool = False):
        path = Path(path)
        base = path.with_suffix("") if path.suffix in (".npy", ".json") else path
        self.path, card_path = Path(f"{base}.npy"), Path(f"{base}.json")
        self.card = _read_card(card_path)
        self.array = _map_array(self.path, self.card)
        if verify and file_sha256(self.path) != self.card.get("sha256"):
            raise JGMError(f"{self.path}: SHA-256 differs from its card; the file was changed")
        self.size = self.card["size"]
        self.holdout_indices = _holdout(self.card, card_path)
        self.train_indices = np.setdiff1d(np.arange(len(self)), self.holdout_indices)
        groups = _groups(self.card, card_path)
        self.classes = sorted({g for g, _ in groups})
        lookup = [self.classes.index(g) for g, _ in groups]
        self.labels = np.repeat(np.array(lookup, dtype=np.int64), [k for _, k in groups])

    def __len__(self) -> int:
        return self.card["count"]

    def __reduce__(self):  # a worker process maps the file again instead of copying it
        return PackedSet, (str(self.path),)

    def __getitem__(self, index: int) -> np.ndarray:
        """One picture, uint8 (S,S,3), a copy."""
        return np.array(self.array[index])

    def summary(self) -> str:
        """One line for people: name, count, split and what was skipped."""
        skipped = self.card.get("skipped") or {}
        lost = ", ".join(f"{n} {reason}" for reason, n in skipped.items()) or "none"
        parts = f"{len(self.train_indices)} train + {len(self.holdout_indices)} holdout"
        return (
            f"{self.path}: {len(self)} pictures {self.size}x{self.size} ({parts}); skipped: {lost}"
        )

    def batch(
        self,
        indices,
        size: int,
        generator: torch.Generator | None = None,
        augment: bool = True,
        area: tuple[float, float] = (0.5, 1.0),
    ) -> torch.Tensor:
        """Pictures ``indices`` as float32 (B,3,size,size) in [0,1].

        With ``augment`` each is a random crop (``area`` share of the picture, aspect within
        1:1.1), flipped left to right half the time and resized with antialiasing; all chance
        comes from ``generator``, which is then required. Without, the whole picture is resized.
        Raises JGMError for indices out of range, size < 1 or a missing generator.
        """
        rows = _check_rows(indices, len(self), size)
        if not augment:
            return self._resize([self.array[i] for i in rows], size)
        if generator is None:
            raise JGMError("augment=True needs an explicit torch.Generator")
        if not 0 < area[0] <= area[1] <= 1:
            raise JGMError(f"area={area}: need 0 < low <= high <= 1")
        chance = torch.rand(len(rows), 5, generator=generator, device=generator.device).cpu()
        crops = [_crop(self.array[i], u, area) for i, u in zip(rows, chance.tolist(), strict=True)]
        return self._resize(crops, size)

    @staticmethod
    def _resize(pictures: list, size: int) -> torch.Tensor:
        out = torch.empty(len(pictures), 3, size, size)
        for row, picture in zip(out, pictures, strict=True):
            x = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]  # (1,3,h,w) uint8
            x = x.float()
            if x.shape[-2:] != (size, size):
                x = interpolate(x, (size, size), mode="bilinear", antialias=True)
            row.copy_(x[0])
        return out.div_(255).clamp_(0, 1)


def _check_rows(indices, n: int, size: int) -> list[int]:
    rows = np.asarray(indices).reshape(-1)
    if rows.size == 0 or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n:
        raise JGMError(f"indices: need one or more whole numbers from 0 to {n - 1}")
    if size < 1:
        raise JGMError(f"size={size}: need at least 1 pixel")
    return rows.tolist()


def _crop(picture: np.ndarray, chance: list[float], area: tuple[float, float]) -> np.ndarray:
    """Five uniform numbers choose area, aspect, place and flip of a crop of (S,S,3)."""
    S = picture.shape[0]
    side = S * math.sqrt(area[0] + chance[0] * (area[1] - area[0]))
    stretch = math.sqrt(ASPECT) ** (2 * chance[1] - 1)
    h, w = (max(1, min(S, round(s))) for s in (side * stretch, side / stretch))
    top, left = int(chance[2] * (S - h + 1)), int(chance[3] * (S - w + 1))
    crop = picture[top : top + h, left : left + w]  # (h,w,3)
    return crop[:, ::-1] if chance[4] < 0.5 else crop
