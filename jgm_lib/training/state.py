"""The state of a running training on disk: saved whole, read back whole, and its log.

What is kept: weights, their average, the optimizer, the step, the card. No pickle.
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


def save_state(path: Path, step: int, model, ema: dict, optimizer, card, data=None) -> None:
    """Everything needed to go on, in one safetensors file, by atomic rename."""
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"ema.{k}": v for k, v in ema.items()}
    for i, state in optimizer.state_dict()["state"].items():
        tensors |= {f"opt.{i}.{k}": torch.as_tensor(v) for k, v in state.items()}
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    about = {"step": step, "card": card.model_dump(), "data": data}
    with replacing(path) as part:
        save_file(tensors, part, {k: json.dumps(v) for k, v in about.items()})


def check_same_card(path: Path, saved: dict, card) -> None:
    """JGMError if a run would go on under another card: its result would belong to neither."""
    ours = card.model_dump()
    other = {k for k, v in saved.items() if k not in FREE_ON_RESUME and ours.get(k) != v}
    if other:
        what = ", ".join(f"{k}={ours.get(k)!r} (there {saved[k]!r})" for k in sorted(other))
        raise JGMError(f"{path}: of another card, {what}; a resumed run may change only its steps")


def load_state(path: Path, model, ema: dict, optimizer, card, data=None) -> int:
    """Restore model, average and optimizer from ``save_state``; returns the step. JGMError if
    the file does not fit the network, the card or the ``data``."""
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
    part = {
        p: {k[len(p) + 1 :]: v for k, v in tensors.items() if k.startswith(p + ".")}
        for p in ("model", "ema", "opt")
    }
    try:
        model.load_state_dict(part["model"])
    except RuntimeError as error:
        raise JGMError(f"{path}: does not fit this card's network ({error})") from None
    for k, v in part["ema"].items():
        ema[k].copy_(v)
    state: dict = {}
    for key, value in part["opt"].items():
        i, name = key.split(".", 1)
        state.setdefault(int(i), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    return step


def states_in(folder: Path) -> list[Path]:
    return sorted(Path(folder).glob("step-*.safetensors"))


def prune(folder: Path, keep: int) -> None:
    for old in states_in(folder)[:-keep]:
        old.unlink()


class Log:
    """log.csv: step, loss (mean since the last row), rate, images a second. Survives resume."""

    fields = ("step", "loss", "lr", "images_per_second")

    def __init__(self, folder: Path, step: int):
        self.path = folder / "log.csv"
        rows = []
        if step and self.path.exists():
            with open(self.path, newline="") as f:
                rows = [r for r in csv.DictReader(f) if int(r["step"]) <= step]
        with replacing(self.path) as part, open(part, "w", newline="") as f:
            writer = csv.DictWriter(f, self.fields)
            writer.writeheader()
            writer.writerows(rows)

    def add(self, *row) -> None:
        with open(self.path, "a", newline="") as f:
            csv.writer(f).writerow(row)
