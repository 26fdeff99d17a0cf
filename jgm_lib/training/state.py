"""The state of a running training on disk: saved whole, read back whole, and its log.

What is kept: weights, their average, the optimizer, opponents with theirs, the step, the card. No pickle.
"""

import csv
import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ..errors import JGMError
from ..files import replacing

FREE_ON_RESUME = ("steps", "device")  # a run may be extended, and go on elsewhere


def save_state(path: Path, step: int, players, ema: dict, card, data=None) -> None:
    """Everything needed to go on, in one safetensors file, by atomic rename. ``players``: of the
    training (``turns``), the network last; its tensors have no name before them."""
    tensors = {f"ema.{k}": v for k, v in ema.items()}
    for player in players:
        tensors |= {_of(player, "model", k): v for k, v in player.module.state_dict().items()}
        for i, state in player.optimizer.state_dict()["state"].items():
            moments = {_of(player, "opt", f"{i}.{k}"): v for k, v in state.items()}
            tensors |= {k: torch.as_tensor(v) for k, v in moments.items()}
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    about = {"step": step, "card": card.model_dump(), "data": data}
    with replacing(path) as part:
        save_file(tensors, part, {k: json.dumps(v) for k, v in about.items()})


def _of(player, part: str, key: str = "") -> str:
    """The name of a player's tensor on disk: model.KEY, or opponent.critic.model.KEY."""
    return (f"opponent.{player.name}." if player.name else "") + f"{part}.{key}"


def check_same_card(path: Path, saved: dict, card) -> None:
    """JGMError if a run would go on under another card: its result would belong to neither."""
    ours = card.model_dump()
    other = {k for k, v in saved.items() if k not in FREE_ON_RESUME and ours.get(k) != v}
    if other:
        what = ", ".join(f"{k}={ours.get(k)!r} (there {saved[k]!r})" for k in sorted(other))
        raise JGMError(f"{path}: of another card, {what}; a resumed run may change only its steps")


def load_state(path: Path, players, ema: dict, card, data=None) -> int:
    """Restore players and average from ``save_state``; returns the step. JGMError if the file does
    not fit the networks, the card or the ``data``."""
    try:
        with safe_open(path, "pt") as f:
            about = {k: json.loads(v) for k, v in f.metadata().items() if k != "format"}
            step, saved, before = about["step"], about["card"], about.get("data")
            tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118
    except Exception as error:
        raise JGMError(f"{path}: not a training checkpoint ({error})") from None
    check_same_card(path, saved, card)
    if before and data and before != data:
        raise JGMError(f"{path}: its run began with the pictures {before}, not {data}")
    for player in players:
        try:
            player.module.load_state_dict(_part(tensors, _of(player, "model")))
        except RuntimeError as error:
            raise JGMError(f"{path}: does not fit this card's network ({error})") from None
        _load_moments(player.optimizer, _part(tensors, _of(player, "opt")))
    for k, v in _part(tensors, "ema.").items():
        ema[k].copy_(v)
    return step


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


def states_in(folder: Path) -> list[Path]:
    return sorted(Path(folder).glob("step-*.safetensors"))


def prune(folder: Path, keep: int) -> None:
    for old in states_in(folder)[:-keep]:
        old.unlink()


class Log:
    """log.csv: step, the network's loss (mean since the last row), that of each opponent by its
    name, rate, images a second. Survives resume."""

    def __init__(self, folder: Path, step: int, opponents=()):
        self.path = folder / "log.csv"
        self.fields = ("step", "loss", *opponents, "lr", "images_per_second")
        rows = []
        if step and self.path.exists():
            with open(self.path, newline="") as f:
                rows = [r for r in csv.DictReader(f) if int(r["step"]) <= step]
        with replacing(self.path) as part, open(part, "w", newline="") as f:
            writer = csv.DictWriter(f, self.fields)
            writer.writeheader()
            writer.writerows(rows)

    def add(self, step: int, losses: dict, lr: float, speed: float) -> None:
        """A row; ``losses`` by player, "" the network."""
        row = {"step": step, "loss": losses[""], "lr": lr, "images_per_second": round(speed, 2)}
        with open(self.path, "a", newline="") as f:
            csv.DictWriter(f, self.fields).writerow(row | {k: v for k, v in losses.items() if k})
