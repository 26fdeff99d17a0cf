"""From a training card to a network with its data, and from a finished run to weights."""

import datetime
import json
from pathlib import Path

import torch
from safetensors import safe_open

from .. import checkpoints
from ..data.packed import PackedSet
from ..data.toy import ToyScenes
from ..errors import JGMError
from ..losses import halved
from ..networks import build
from ..params import TrainCard, validate
from .state import states_in
from .turns import seeded


def start(card: TrainCard, data=None):
    """What ``fit`` needs for a card: (network, batches, facts about the data for the card).

    ``data``: path of a packed set; None for ToyScenes, made on the fly. The network's weights come
    from the card's seed and what it must know of the set from 1,024 pictures (its ``measure``), or
    all of it from ``card.init``. Raises JGMError, also when a card for GPUs meets a machine without one.
    """
    if card.device == "cuda" and not torch.cuda.is_available():
        raise JGMError(
            f"card {card.name!r} is for CUDA GPUs and PyTorch sees none on this machine; take a card "
            "with device: auto (scenes-64, toy-32), or copy this one and set device: auto"
        )
    side = card.size * (2 if card.photographs else 1)  # photographs are seen at twice the side
    if data is None:
        batches, about = toy_batches(side), {"data": "ToyScenes (procedural, no photographs)"}
    else:
        packed = PackedSet(data)
        batches = packed_batches(packed, side, (card.crop_area, 1.0))
        about = {"data": {k: packed.card.get(k) for k in ("source", "count", "sha256", "licence")}}
    model = seeded(card.seed, lambda: network_of(card))
    model.objective(model, card)  # refuses what this network's loss cannot do, before the work
    if card.settings.get("context") and card.size % model.divisor:
        raise JGMError(
            f"card {card.name!r}: size={card.size}: context needs one that {model.divisor} divides"
        )
    if hasattr(model, "classes"):
        batches = labelled_batches(card, data, model.classes)
    if card.init:
        about["init"] = load_initial(card.init, model, card.fresh)
    elif hasattr(model, "measure"):
        first = (batches(64, torch.Generator().manual_seed(i)) for i in range(16))
        model.measure(map(halved, first) if card.photographs else first)
    return model, batches, about


def network_of(card: TrainCard):
    """The card's network with fresh weights; JGMError where its settings build none."""
    try:
        network = build(card.network, **card.settings)
    except JGMError as error:
        raise JGMError(f"card {card.name!r}: {error}") from None
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError, IndexError) as error:
        raise JGMError(
            f"card {card.name!r}: settings={card.settings} build no {card.network} ({error})"
        ) from None
    empty = [name for name, p in network.named_parameters() if not p.numel()]
    if empty:
        raise JGMError(
            f"card {card.name!r}: settings={card.settings}: no channels in {empty[0]}; need 1 or more"
        )
    return network


def load_initial(name_or_path, model, fresh=()) -> dict:
    """Copy finished weights into ``model``, all but the tensors whose names begin with one of
    ``fresh``; returns what they were, for the next card. JGMError if they are another network."""
    found, card = checkpoints.load(name_or_path)
    for part in fresh:
        if not any(k.startswith(part) for k in model.state_dict()):
            raise JGMError(f"fresh={part!r}: no part of this card's network begins so")
        if any(k.startswith(part) for k in ("mean", "spread")):
            raise JGMError(f"fresh={part!r}: mean and spread come with the weights of init")
    own = {k: v for k, v in model.state_dict().items() if k.startswith(tuple(fresh))}
    try:
        model.load_state_dict({**found.state_dict(), **own})
    except RuntimeError:
        raise JGMError(
            f"init={str(name_or_path)!r}: {card['network']} {card['settings']} does not "
            "fit this card's network and settings"
        ) from None
    kept = ("name", "sha256", "pictures_seen", "training", "init")  # and what those began with
    return {k: card[k] for k in kept if k in card}


def packed_batches(data, size: int, area=(0.5, 1.0), labelled: bool = False):
    """``batches`` for fit from a PackedSet: training pictures at random, cropped to a share
    ``area`` and flipped; ``labelled``: with the number of their class as a fourth channel."""

    def batch(n: int, generator: torch.Generator) -> torch.Tensor:
        pick = torch.randint(len(data.train_indices), (n,), generator=generator).numpy()
        rows = data.train_indices[pick]
        x = data.batch(rows, size, generator, area=area)  # (n,3,size,size)
        if not labelled:
            return x
        label = torch.from_numpy(data.labels[rows]).view(-1, 1, 1, 1).to(x)
        return torch.cat([x, label.expand(-1, 1, size, size)], 1)  # (n,4,size,size)

    return batch


def labelled_batches(card: TrainCard, data, classes: list[str]):
    """``batches`` of a classifier. JGMError unless the packed set has just its classes."""
    if data is None:
        raise JGMError(f"card {card.name!r}: a classifier needs --data, a packed set with classes")
    packed = PackedSet(data)
    if packed.classes != classes:
        there = ", ".join(packed.classes)
        raise JGMError(f"{data}: its classes are {there}; card {card.name!r}: {', '.join(classes)}")
    return packed_batches(packed, card.size, (card.crop_area, 1.0), labelled=True)


def toy_batches(size: int):
    """``batches`` for fit from ToyScenes: new pictures for ever."""
    scenes = ToyScenes(size)

    def batch(n: int, generator: torch.Generator) -> torch.Tensor:
        return scenes.sample(n, generator).images  # (n,3,size,size)

    return batch


def averaged_model(run):
    """The averaged (EMA) network of a run's newest checkpoint: (model, TrainCard, step)."""
    found = states_in(Path(run))
    if not found:
        raise JGMError(f"{run}: no checkpoint step-*.safetensors in this folder")
    with safe_open(found[-1], "pt") as f:
        meta = f.metadata()
        ema = {k[4:]: f.get_tensor(k) for k in f.keys() if k.startswith("ema.")}  # noqa: SIM118
    card = validate(TrainCard, json.loads(meta["card"]))
    model = network_of(card)
    model.load_state_dict(ema)
    return model.eval().requires_grad_(False), card, int(meta["step"])


def export_run(run, path, about: dict | None = None) -> Path:
    """Write the averaged weights of a run's newest checkpoint with their card; returns the path.

    ``about``: more facts for the card, such as data, licence and metrics.
    """
    model, card, step = averaged_model(run)
    facts = {
        "name": card.name,
        "network": card.network,
        "settings": card.settings,
        "size": card.size,
        "steps": step,
        "pictures_seen": step * card.batch,
        "training": card.model_dump(exclude={"name", "network", "settings", "size"}),
        "date": datetime.date.today().isoformat(),
    }
    return checkpoints.save(path, model, {**facts, **(about or {})})
