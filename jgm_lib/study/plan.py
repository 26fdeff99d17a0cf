"""The plan of a blinded study: who sees which version of what, under which letter."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from ..errors import JGMError

INDICATORS = ("saturability", "semantic correctness", "edges")
QUESTIONS = {
    "saturability": "How vivid are the colours? (0 grey, 100 as vivid as can be)",
    "semantic correctness": "Can these things have these colours? (0 none of them, 100 all)",
    "edges": "Do the colours keep to the edges? (0 nowhere, 100 everywhere)",
}
LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWEST, HIGHEST = 0, 100  # of a score, whole numbers


@dataclass(frozen=True)
class Trial:
    """One screen: a picture and its versions from left to right; ``methods[0]`` is shown as A."""

    picture: str
    methods: tuple[str, ...]

    def method(self, label: str) -> str:
        return self.methods[LABELS.index(label)]


@dataclass(frozen=True)
class Study:
    """The plan: ``trials(observer)`` is the same for a seed on any machine.

    The key from labels to methods is this plan; the votes on disk carry labels and ``code``, so that
    they are never read with another plan. Raises JGMError for fewer than two methods, no picture,
    doubled names, or a name that cannot be a file's.
    """

    name: str
    pictures: tuple[str, ...]
    methods: tuple[str, ...]
    seed: int = 0

    def __post_init__(self):
        if not self.name or set(self.name) & set('/\\:*?"<>|\0\n'):
            raise JGMError(f"study name {self.name!r}: need a name that a file can have")
        for what, names, least in (("pictures", self.pictures, 1), ("methods", self.methods, 2)):
            if len(names) < least or len(set(names)) != len(names):
                raise JGMError(f"{what}={names}: need at least {least} different names")
        if len(self.methods) > len(LABELS):
            raise JGMError(f"{len(self.methods)} methods: at most {len(LABELS)} have a letter")

    @property
    def code(self) -> str:
        """The name and a fingerprint of everything that decides who sees what where."""
        text = json.dumps([self.name, self.pictures, self.methods, self.seed])
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def labels(self) -> str:
        """The letters of a screen, from left to right."""
        return LABELS[: len(self.methods)]

    def trials(self, observer: int) -> list[Trial]:
        """The screens of one observer, in order.

        Pictures start at another place for each observer, methods follow a Latin square: over as
        many observers as there are methods each stands equally often at each place of each picture.
        """
        check_observer(observer)
        rng = np.random.default_rng(self.seed)
        pictures = rng.permutation(len(self.pictures))
        square = latin_square(len(self.methods))[rng.permutation(len(self.methods))]
        start = rng.permutation(len(self.pictures))  # each picture enters the square elsewhere
        names = rng.permutation(len(self.methods))  # which method is number 0 of the square
        out = []
        for k in range(len(pictures)):
            p = pictures[(k + observer) % len(pictures)]
            row = square[(observer + start[p]) % len(square)]
            out.append(Trial(self.pictures[p], tuple(self.methods[names[m]] for m in row)))
        return out


def latin_square(n: int) -> np.ndarray:
    """(n,n): each number once a row and once a column; for even n each number also follows each
    other one equally often (Williams 1949)."""
    first = [0]
    for k in range(1, n):
        first.append((k + 1) // 2 if k % 2 else n - k // 2)
    return (np.array(first)[None] + np.arange(n)[:, None]) % n


def check_observer(observer) -> int:
    """A whole number from 0; JGMError else, so that nobody's name gets into the file."""
    if isinstance(observer, bool) or not isinstance(observer, (int, np.integer)) or observer < 0:
        raise JGMError(f"observer={observer!r}: need a whole number from 0, no name")
    return int(observer)
