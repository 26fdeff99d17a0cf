"""What a run's main process writes as it goes: log.csv and the last checkpoints."""

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import JGMError
from ..files import sweep
from .state import Log, State, save_state, states_in


@dataclass
class Interval:
    """What the log has not told yet: steps since its last row, their summed losses by player, the
    pictures seen in them and the seconds they took, in however many sessions."""

    steps: int = 0
    losses: dict = field(default_factory=dict)
    pictures: int = 0
    seconds: float = 0.0

    def add(self, losses: dict, pictures: int, seconds: float) -> None:
        self.steps += 1
        self.pictures += pictures
        self.seconds += seconds
        self.losses = {name: self.losses.get(name, 0.0) + loss for name, loss in losses.items()}

    def means(self) -> dict:
        return {name: loss / self.steps for name, loss in self.losses.items()}


@dataclass
class Books:
    """The account of a run in the folder ``out``: the last ``keep`` checkpoints, one every
    ``save_every`` steps, and a row of the log every ``log_every``. ``state``: what lies behind it."""

    out: Path
    players: list
    ema: dict
    card: object
    state: State
    save_every: int
    keep: int
    log_every: int

    def open(self) -> None:
        """Begin to write; the folder is locked for us."""
        sweep(self.out)
        self.log = Log(self.out, self.state.step, [p.name for p in self.players[:-1]])
        self.interval = Interval(**self.state.pending)
        self.clock = time.monotonic()

    def add(self, losses: dict, lr: float, pictures: int, ending: bool = False) -> None:
        """A step with these losses by player is done: write what is due, and if the run is
        ``ending`` here a checkpoint. Raises JGMError where it cannot be written."""
        before, self.clock = self.clock, time.monotonic()
        self.interval.add(losses, pictures, self.clock - before)
        self.state.step += 1
        self.state.pictures += pictures
        step, last = self.state.step, self.state.step == self.card.steps
        with keeping_the_last(self.out):
            if last or step % self.log_every == 0:
                speed = self.interval.pictures / self.interval.seconds
                self.log.add(step, self.interval.means(), lr, speed)
                self.interval = Interval()
            if last or ending or step % self.save_every == 0:
                self._save()

    def _save(self) -> None:
        self.state.path = self.out / f"step-{self.state.step:08d}.safetensors"
        self.state.pending = vars(self.interval) if self.interval.steps else {}
        save_state(self.state, self.players, self.ema)
        for old in states_in(self.out)[: -self.keep]:
            old.unlink()


@contextmanager
def keeping_the_last(out: Path):
    """Says of an error what it leaves."""
    try:
        yield
    except JGMError as error:
        raise JGMError(f"{error}; training stopped; {kept(out)}") from None


def kept(out: Path) -> str:
    """Which checkpoint a run that ended early can go on from, in words."""
    last = states_in(out)
    return f"the last good checkpoint is {last[-1]}" if last else "no checkpoint was written"
