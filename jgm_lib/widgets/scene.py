"""What the panel shows at a time, all of one and the same run."""

from dataclasses import dataclass

import torch

from ..params import ColorizeCard
from .album import Key
from .engine import Done, Subject

SKETCH, RUN, DONE = "sketch", "run", "done"


@dataclass(frozen=True, eq=False)
class Scene:
    """Versions, trace and progress of one run, finished or not: nothing of another is beside them.

    ``kind``: SKETCH, RUN (under way, or ``stopped``) or DONE. ``seconds`` it has taken so far, None
    if it came from memory; ``number`` counts the full runs.
    """

    kind: str
    picture: Key
    card: ColorizeCard
    subject: Subject
    x: torch.Tensor  # (n,3,h,w)
    rows: list  # the trace up to x, a dict a step
    total: int  # steps of the whole run
    seconds: float | None = None
    number: int = 0
    stopped: bool = False
    done: Done | None = None

    @classmethod
    def finished(cls, done: Done, picture: Key, seconds: float | None, number: int) -> "Scene":
        """A run at its end, the most typical version first."""
        about = picture, done.card, done.subject, done.x, done.trace, len(done.trace)
        return cls(DONE, *about, seconds, number, done=done)

    @property
    def step(self) -> int:
        return self.rows[-1]["step"]

    @property
    def caption(self) -> str | None:
        """What stands under a picture that is not yet one: None for a finished run."""
        if self.kind == DONE:
            return None
        at = (
            "sketch"
            if self.kind == SKETCH
            else f"step {self.step}, σ = {self.rows[-1]['sigma']:.3g}"
        )
        return f"stopped: {at}" if self.stopped else at

    @property
    def label(self) -> str:
        """The line beside the progress bar."""
        if self.kind == DONE:
            took = "from memory" if self.seconds is None else f"{self.seconds:.1f} s"
            n = f"{len(self.x)} version{'s' if len(self.x) > 1 else ''}"
            return f"Run {self.number} done: {n}, {self.rows[-1]['nfe']} evaluations, {took}."
        if self.stopped:
            at = "sketch" if self.kind == SKETCH else f"step {self.step} of {self.total}"
            return f"Stopped at {at}: unfinished."
        if self.kind == SKETCH:
            return "Sketch; the full picture follows when the slider rests."
        left = self.seconds / self.step * (self.total - self.step)
        at = f"step {self.step} of {self.total}"
        return f"{at}, {left:.0f} s left" if left >= 0.5 else at
