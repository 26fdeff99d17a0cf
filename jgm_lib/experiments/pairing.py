"""Scores picture by picture, and their differences on the same pictures."""

from dataclasses import dataclass

import numpy as np

from ..errors import JGMError
from ..metrics import paired_difference

PAIRED = ("psnr", "delta_e")  # of which every table shows the differences


@dataclass(frozen=True)
class Scores:
    """Metrics (n,) each of one column, and the keys of the n pictures (``noise.picture_key``)."""

    keys: list[int]
    values: dict[str, np.ndarray]

    def at(self, keys: list[int]) -> "Scores":
        """Those of the pictures ``keys``, in that order. Raises JGMError if one was not measured."""
        place = {k: i for i, k in enumerate(self.keys)}
        missing = [k for k in keys if k not in place]
        if missing:
            raise JGMError(
                f"results of different pictures: {len(missing)} of {len(keys)} were not measured "
                f"in the other; only the same pictures can be compared"
            )
        own = [place[k] for k in keys]
        return Scores(list(keys), {name: np.asarray(v)[own] for name, v in self.values.items()})

    def shared(self, other: "Scores") -> list[int]:
        """Keys of the pictures that both measured, in this one's order."""
        theirs = set(other.keys)
        return [k for k in self.keys if k in theirs]


def differences(a: Scores, b: Scores, metrics=PAIRED, seed: int = 0) -> dict:
    """Of each metric the mean of a - b over the pictures of a with its bootstrap 95 % interval:
    {metric: [mean, low, high]}. Raises JGMError unless b measured all of a's pictures."""
    b = b.at(a.keys)
    return {m: [*paired_difference(a.values[m], b.values[m], seed)] for m in metrics}


def against(columns: dict[str, Scores], reference: dict[str, Scores], column: str) -> dict:
    """A column minus that of the reference of the same name, or else the reference's first (its
    single draw), where both measured a picture: {"column", "n", metric: [mean, low, high]}.

    Raises JGMError if they have no picture in common.
    """
    theirs = column if column in reference else next(iter(reference))
    mine, other = columns[column], reference[theirs]
    keys = mine.shared(other) or mine.keys  # none in common: refused by differences
    return {"column": theirs, "n": len(keys), **differences(mine.at(keys), other)}
