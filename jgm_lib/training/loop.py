"""Training as a generator: ``for progress in fit(...)``. Resumable bit for bit on one CPU.

All randomness of a step comes from (seed, step, process), so a resumed run needs no random
state; all schedules go by step count, so a finished run can be extended.
"""

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from ..errors import JGMError
from ..locks import locked
from .books import Books, kept
from .state import State, newest_state, restore, states_in
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
    about=None,
    stop=None,
) -> Iterator[Progress]:
    """Train ``model`` in place and yield a Progress every step.

    ``batches(n, generator) -> (n,3,H,W)`` pictures in [0,1]; ``card`` a TrainCard; ``out`` the
    run's folder for log.csv and the last ``keep`` checkpoints. ``resume`` goes on from the newest
    whole checkpoint there; ``about`` (a dict, kept in checkpoints) are facts for the card of the
    weights, whose "data" must then be the same. ``stop()`` is asked after every step: what is true
    in any process ends the run there, with a checkpoint. The last yield follows the last
    checkpoint. Raises JGMError if the loss or its gradient stops being finite or nothing can be
    written (the newest checkpoint is kept), if ``out`` holds a run and ``resume`` is off, one of
    another card or already beyond ``card.steps``, or if another process trains there.
    """
    if min(save_every, keep, log_every) < 1:
        raise JGMError(f"save_every={save_every}, keep={keep}, log_every={log_every}: need >= 1")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    accelerator = accelerator or make_accelerator(card.precision)
    with ExitStack() as held:
        if accelerator.is_main_process and not held.enter_context(locked(out / "lock", wait=False)):
            raise JGMError(f"{out}: another training is running in this folder")
        players, ema, state = _begin(model, card, out, resume, accelerator, about or {})
        books = Books(out, players, ema, card, state, save_every, keep, log_every)
        yield from _steps(books, batches, accelerator, stop)


def _begin(model, card, out, resume, accelerator, about: dict):
    """Players, average and what lies behind them: nothing, or the run in ``out``."""
    found = states_in(out)
    if found and not resume:
        raise JGMError(f"{out} already holds a run; resume it or choose another folder")
    players = players_of(model, card, accelerator)
    ema = {k: v.detach().clone() for k, v in model.state_dict().items()}
    if not found:
        return players, ema, State(0, card.model_dump(), about, 0)
    state = newest_state(out)
    restore(state, players, ema, card, about.get("data"))
    if state.step > card.steps:
        raise JGMError(f"{out}: its run is at step {state.step} already, beyond steps={card.steps}")
    facts = state.facts | about
    return players, ema, replace(state, card=card.model_dump(), facts=facts, tensors={})


def _steps(run: Books, batches, accelerator, stop) -> Iterator[Progress]:
    card, pictures = run.card, run.card.batch * accelerator.num_processes
    first, start = run.state.step, time.monotonic()
    if accelerator.is_main_process:
        run.open()
    for step in range(first, card.steps):
        lr = learning_rate(step, card.steps, card)
        losses = train_step(run.players, batches, card, accelerator, step, lr)
        _stop_unless_finite(losses, step, run.out)
        update_ema(run.ema, run.players[-1].module, ema_decay(step, card.ema))
        done, ending = step + 1, stop is not None and _asked(stop, accelerator)
        speed = (done - first) * pictures / (time.monotonic() - start)
        if accelerator.is_main_process:
            run.add(losses, lr, pictures, ending)
        if ending:
            accelerator.wait_for_everyone()  # nobody's end may end the one that writes
        yield Progress(done, losses[""], lr, speed, (card.steps - done) * pictures / speed, run.ema)
        if ending:
            return


def _asked(stop, accelerator) -> bool:
    """Whether any process is asked to stop: they all do so after the same step."""
    asked = torch.tensor(float(bool(stop())), device=accelerator.device)
    return bool(accelerator.reduce(asked, "sum"))


def _stop_unless_finite(losses: dict, step: int, out: Path) -> None:
    bad = {name: loss for name, loss in losses.items() if not math.isfinite(loss)}
    if bad:
        name, loss = next(iter(bad.items()))
        what = f"{name} loss".strip() + f" is {loss}, or its gradient,"
        raise JGMError(f"{what} at step {step + 1}: training stopped; {kept(out)}")


@torch.no_grad()
def update_ema(ema: dict, model, decay: float) -> None:
    """Move the average towards the network; what cannot be averaged is copied: whole numbers, and
    what begins with one of the network's ``unaveraged`` names."""
    whole = getattr(model, "unaveraged", ())
    for k, v in model.state_dict().items():
        mean = v.is_floating_point() and not k.startswith(whole)
        ema[k].lerp_(v, 1 - decay) if mean else ema[k].copy_(v)
