"""Training as a generator: ``for progress in fit(...)``. Resumable bit for bit on one CPU.

All randomness of a step comes from (seed, step, process), so a resumed run needs no random
state; all schedules go by step count, so a finished run can be extended.
"""

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from ..errors import JGMError
from ..locks import locked
from .state import Log, load_state, prune, save_state, states_in
from .turns import players_of, train_step


@dataclass
class Progress:
    """What ``fit`` yields: after which step, the loss there, speed, and what is still to do."""

    step: int
    loss: float  # the network's own, if it has opponents
    lr: float
    images_per_second: float
    seconds_left: float
    ema: dict  # the averaged weights, for a sample strip


def learning_rate(step: int, steps: int, card) -> float:
    """The rate before step ``step`` (0-based): warm-up, then the card's schedule by step count."""
    warm = min(1.0, (step + 1) / card.warmup) if card.warmup else 1.0
    if card.schedule == "halve":
        return card.lr * warm * 0.5 ** (step // card.halve_every)
    if card.schedule == "decay":
        return card.lr * warm * min(1.0, (steps - step) / (card.decay_share * steps))
    return card.lr * warm


def ema_decay(n: int, limit: float = 0.999) -> float:
    """Decay at the n-th update: short memory first, so that early weights are forgotten."""
    return min(limit, (1 + n) / (10 + n))


def make_accelerator(precision: str = "no", cpu: bool = False) -> Accelerator:
    """An Accelerator of this precision, also where another training of the process had another:
    accelerate keeps the first one's settings for all. JGMError if the device cannot do it."""
    try:
        return Accelerator(mixed_precision=precision, cpu=cpu)
    except ValueError:
        AcceleratorState._reset_state(reset_partial_state=cpu)
    try:
        return Accelerator(mixed_precision=precision, cpu=cpu)
    except ValueError as error:
        raise JGMError(f"precision={precision!r}: {error}") from None


def fit(
    model,
    batches,
    card,
    out,
    *,
    resume=False,
    save_every=500,
    keep=3,
    log_every=50,
    accelerator=None,
    data=None,
) -> Iterator[Progress]:
    """Train ``model`` in place and yield a Progress every step.

    ``batches(n, generator) -> (n,3,H,W)`` pictures in [0,1]; ``card`` a TrainCard; ``out`` the
    run's folder for checkpoints and log.csv. ``resume`` goes on from the newest checkpoint there;
    ``data`` (text or dict, kept in checkpoints) says of which pictures, and must then be the same.
    The last yield follows the last checkpoint. Raises JGMError if the loss or its gradient stops
    being finite (the newest checkpoint is kept), if ``out`` holds a run and ``resume`` is off, one
    of another card or already beyond ``card.steps``, or if another process trains there.
    """
    if min(save_every, keep, log_every) < 1:
        raise JGMError(f"save_every={save_every}, keep={keep}, log_every={log_every}: need >= 1")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    accelerator = accelerator or make_accelerator(card.precision)
    with ExitStack() as held:
        if accelerator.is_main_process and not held.enter_context(locked(out / "lock", wait=False)):
            raise JGMError(f"{out}: another training is running in this folder")
        players, ema, first = _begin(model, card, out, resume, accelerator, data)
        books = _Books(out, players, ema, first, card, data, save_every, keep, log_every)
        yield from _steps(books, batches, accelerator)


def _begin(model, card, out, resume, accelerator, data):
    """Players, average and the number of steps behind them: none, or those of the run in ``out``."""
    found = states_in(out)
    if found and not resume:
        raise JGMError(f"{out} already holds a run; resume it or choose another folder")
    players = players_of(model, card, accelerator)
    ema = {k: v.detach().clone() for k, v in model.state_dict().items()}
    first = load_state(found[-1], players, ema, card, data) if found else 0
    if first > card.steps:
        raise JGMError(f"{out}: its run is at step {first} already, beyond steps={card.steps}")
    return players, ema, first


@dataclass
class _Books:
    """A run and what its main process writes of it: log.csv and the last ``keep`` checkpoints."""

    out: Path
    players: list
    ema: dict
    first: int
    card: object
    data: object
    save_every: int
    keep: int
    log_every: int

    def open(self) -> None:
        self.names, self.history = [p.name for p in self.players], []
        self.log = Log(self.out, self.first, self.names[:-1])

    def add(self, done: int, losses: dict, lr: float, speed: float) -> None:
        """What is due after step ``done`` of these losses by player."""
        self.history.append(losses)
        last, h = done == self.card.steps, self.history
        if last or done % self.log_every == 0:
            means = {name: sum(row[name] for row in h) / len(h) for name in self.names}
            self.log.add(done, means, lr, speed)
            self.history = []
        if last or done % self.save_every == 0:
            path = self.out / f"step-{done:08d}.safetensors"
            save_state(path, done, self.players, self.ema, self.card, self.data)
            prune(self.out, self.keep)


def _steps(run: _Books, batches, accelerator) -> Iterator[Progress]:
    card, pictures = run.card, run.card.batch * accelerator.num_processes
    if accelerator.is_main_process:
        run.open()
    start = time.monotonic()
    for step in range(run.first, card.steps):
        lr = learning_rate(step, card.steps, card)
        losses = train_step(run.players, batches, card, accelerator, step, lr)
        _stop_unless_finite(losses, step, run.out)
        update_ema(run.ema, run.players[-1].module, ema_decay(step, card.ema))
        done = step + 1
        speed = (done - run.first) * pictures / (time.monotonic() - start)
        if accelerator.is_main_process:
            run.add(done, losses, lr, speed)
        yield Progress(done, losses[""], lr, speed, (card.steps - done) * pictures / speed, run.ema)


def _stop_unless_finite(losses: dict, step: int, out: Path) -> None:
    bad = {name: loss for name, loss in losses.items() if not math.isfinite(loss)}
    if bad:
        (name, loss), last = *bad.items(), states_in(out)
        kept = f"the last good checkpoint is {last[-1]}" if last else "no checkpoint was written"
        what = f"{name} loss".strip() + f" is {loss}, or its gradient,"
        raise JGMError(f"{what} at step {step + 1}: training stopped; {kept}")


@torch.no_grad()
def update_ema(ema: dict, model, decay: float) -> None:
    """Move the average towards the network; what cannot be averaged is copied: whole numbers, and
    what begins with one of the network's ``unaveraged`` names."""
    whole = getattr(model, "unaveraged", ())
    for k, v in model.state_dict().items():
        mean = v.is_floating_point() and not k.startswith(whole)
        ema[k].lerp_(v, 1 - decay) if mean else ema[k].copy_(v)
