"""From a training card to a network with its data, and from a finished run to weights."""

import datetime
from pathlib import Path

import torch

from .. import checkpoints
from ..data.packed import PackedSet
from ..data.toy import ToyScenes
from ..errors import JGMError
from ..files import file_sha256, refuse_existing
from ..losses import halved
from ..networks import build
from ..params import TrainCard, validate
from .state import newest_state
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


def checkpoint_bytes(model, card: TrainCard) -> int:
    """How large a checkpoint of ``fit`` gets: every player's weights and Adam's two moments of
    them, and the network's average. Without the few kilobytes of the names."""
    game = model.objective(model, card)
    opponents = [o.module for o in getattr(game, "opponents", {}).values()]
    weights = [list(m.state_dict().values()) for m in (model, model, *opponents)]
    moments = [2 * list(m.parameters()) for m in (model, *opponents)]
    return sum(v.numel() * v.element_size() for part in weights + moments for v in part)


def averaged_model(run):
    """The averaged (EMA) network of a run's newest whole checkpoint: (model, TrainCard, step)."""
    model, card, state = _averaged(run)
    return model, card, state.step


def _averaged(run):
    state = newest_state(run)
    card = validate(TrainCard, state.card)
    model = network_of(card)
    ema = {k[4:]: v for k, v in state.tensors.items() if k.startswith("ema.")}
    model.load_state_dict(ema)
    return model.eval().requires_grad_(False), card, state


def weights_path(run, name: str) -> Path:
    """Where a run's weights lie when it has ended: NAME.safetensors in its folder."""
    return Path(run) / f"{name}.safetensors"


def export_run(run, path=None, about: dict | None = None, force: bool = True) -> Path:
    """Write the averaged weights of a run's newest whole checkpoint with their card, as the run
    itself does at its end; returns the path.

    ``path``: of the weights, or the folder for them; None for the run's own. ``about``: more facts
    for the card, such as metrics. Raises JGMError if ``run`` has no checkpoint, if there is
    something already unless ``force``, or where nothing can be written.
    """
    model, card, state = _averaged(run)
    path = _target(Path(run if path is None else path), card.name)
    refuse_existing([path, path.with_suffix(".json")], force)
    facts = {
        "name": card.name,
        "network": card.network,
        "settings": card.settings,
        "size": card.size,
        "steps": state.step,
        "pictures_seen": state.pictures,
        "training": card.model_dump(exclude={"name", "network", "settings", "size"}),
        "date": datetime.date.today().isoformat(),
    }
    return checkpoints.save(path, model, {**facts, **state.facts, **(about or {})})


def _target(path: Path, name: str) -> Path:
    """The file of weights for a path of ``export_run``. JGMError for the name of a checkpoint."""
    path = checkpoints.with_suffix(weights_path(path, name) if path.is_dir() else path)
    if path.name.startswith("step-"):
        raise JGMError(f"{path}: step-... are the checkpoints of a run; choose another name")
    return path


def is_exported(run, card: TrainCard) -> bool:
    """Whether the weights of a run's end lie there, whole."""
    path = weights_path(run, card.name)
    try:
        found = checkpoints.read_card(path)
        return found.get("steps") == card.steps and found.get("sha256") == file_sha256(path)
    except (JGMError, OSError):
        return False
