"""The state of a running training on disk: saved whole, read back whole, and its log.

What is kept: weights, their average, the optimizer, opponents with theirs, the step, the card, what
the log has not told yet. No pickle.
"""

import csv
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open

from ..errors import JGMError
from ..files import replacing
from ..tensors import tensors_sha256, write_tensors

FREE_ON_RESUME = ("steps", "device")  # a run may be extended, and go on elsewhere


@dataclass
class State:
    """A checkpoint: what lies behind a run at ``step``."""

    step: int
    card: dict  # of the training
    facts: dict  # for the card of the weights
    pictures: int  # seen so far, by all processes
    pending: dict = field(default_factory=dict)  # of the log's open interval, see ``Books``
    tensors: dict = field(default_factory=dict)
    path: Path = Path()


def save_state(state: State, players, ema: dict) -> None:
    """Everything needed to go on, in one safetensors file, by atomic rename. ``players``: of the
    training (``turns``), the network last; its tensors have no name before them. Raises JGMError
    where the file cannot be written."""
    tensors = {f"ema.{k}": v for k, v in ema.items()}
    for player in players:
        tensors |= {_of(player, "model", k): v for k, v in player.module.state_dict().items()}
        for i, moments in player.optimizer.state_dict()["state"].items():
            named = {_of(player, "opt", f"{i}.{k}"): v for k, v in moments.items()}
            tensors |= {k: torch.as_tensor(v) for k, v in named.items()}
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    about = {k: getattr(state, k) for k in ("step", "card", "facts", "pictures", "pending")}
    about["sha256"] = tensors_sha256(tensors)
    write_tensors(state.path, tensors, {k: json.dumps(v) for k, v in about.items()})


def _of(player, part: str, key: str = "") -> str:
    """The name of a player's tensor on disk: model.KEY, or opponent.critic.model.KEY."""
    return (f"opponent.{player.name}." if player.name else "") + f"{part}.{key}"


# -- reading -----------------------------------------------------------------------------------


def states_in(folder) -> list[Path]:
    return sorted(Path(folder).glob("step-*.safetensors"))


def newest_state(folder) -> State:
    """The newest whole checkpoint of a run; damaged ones after it are named in a warning of the
    log. JGMError if the run has none."""
    damage = []
    for path in reversed(states_in(folder)):
        try:
            state = read_state(path)
        except JGMError as error:
            damage.append(error)
            continue
        for error in damage:
            logging.getLogger(__name__).warning("%s; the last good one is %s", error, path)
        return state
    raise (
        damage[0]
        if damage
        else JGMError(f"{folder}: no checkpoint step-*.safetensors in this folder")
    )


def read_state(path: Path) -> State:
    """A checkpoint of ``save_state``. JGMError if it is damaged."""
    try:
        with safe_open(path, "pt") as f:
            about = {k: json.loads(v) for k, v in f.metadata().items() if k != "format"}
            tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118
        earlier = {"data": about["data"]} if about.get("data") else {}  # of the first versions
        facts = about.get("facts", earlier)
        pictures = about.get("pictures", about["step"] * about["card"]["batch"])
        pending, card, step = about.get("pending", {}), about["card"], about["step"]
    except Exception as error:
        raise JGMError(f"{path}: not a training checkpoint ({error})") from None
    if "sha256" in about and about["sha256"] != tensors_sha256(tensors):
        raise JGMError(f"{path}: not a training checkpoint (its content was changed)")
    return State(step, card, facts, pictures, pending, tensors, Path(path))


def check_same_card(path: Path, saved: dict, card) -> None:
    """JGMError if a run would go on under another card: its result would belong to neither."""
    ours = card.model_dump()
    other = {k for k, v in saved.items() if k not in FREE_ON_RESUME and ours.get(k) != v}
    if other:
        what = ", ".join(f"{k}={ours.get(k)!r} (there {saved[k]!r})" for k in sorted(other))
        raise JGMError(f"{path}: of another card, {what}; a resumed run may change only its steps")


def restore(state: State, players, ema: dict, card, data=None) -> None:
    """Players and average as they were. JGMError if the checkpoint does not fit the networks, the
    card or the ``data``."""
    check_same_card(state.path, state.card, card)
    before = state.facts.get("data")
    if before and data and before != data:
        raise JGMError(f"{state.path}: its run began with the pictures {before}, not {data}")
    for player in players:
        try:
            player.module.load_state_dict(_part(state.tensors, _of(player, "model")))
        except RuntimeError as error:
            what = f"does not fit this card's network ({error})"
            raise JGMError(f"{state.path}: {what}") from None
        _load_moments(player.optimizer, _part(state.tensors, _of(player, "opt")))
    for k, v in _part(state.tensors, "ema.").items():
        ema[k].copy_(v)


def _part(tensors: dict, prefix: str) -> dict:
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}


def _load_moments(optimizer, tensors: dict) -> None:
    """The optimizer's state from tensors named NUMBER.KEY."""
    state: dict = {}
    for key, value in tensors.items():
        i, name = key.split(".", 1)
        state.setdefault(int(i), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


# -- the log -----------------------------------------------------------------------------------


class Log:
    """log.csv: step, the network's loss (mean since the last row), that of each opponent by its
    name, rate, pictures a second (since the last row). Survives resume; whole at any moment."""

    def __init__(self, folder: Path, step: int, opponents=()):
        self.path, self.rows = folder / "log.csv", []
        self.fields = ("step", "loss", *opponents, "lr", "images_per_second")
        if step and self.path.exists():
            with open(self.path, newline="") as f:
                self.rows = [r for r in csv.DictReader(f) if int(r["step"]) <= step]
        self._write()

    def add(self, step: int, losses: dict, lr: float, speed: float) -> None:
        """A row; ``losses`` by player, "" the network. Raises JGMError where it cannot be written."""
        row = {"step": step, "loss": losses[""], "lr": lr, "images_per_second": round(speed, 2)}
        self.rows.append(row | {k: v for k, v in losses.items() if k})
        self._write()

    def _write(self) -> None:
        with replacing(self.path) as part, open(part, "w", newline="") as f:
            writer = csv.DictWriter(f, self.fields)
            writer.writeheader()
            writer.writerows(self.rows)
