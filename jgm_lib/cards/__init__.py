"""Training cards on disk: YAML files, the bundled ones by name."""

import json
from pathlib import Path

import yaml

from ..errors import JGMError
from ..files import DAMAGED
from ..params import TrainCard, validate

CARDS = Path(__file__).parent
OWN_FACTS = ("format", "sha256", "name", "network", "settings", "size", "steps")  # of the weights
OWN_FACTS += ("training", "pictures_seen", "processes")


def card_names() -> list[str]:
    return sorted(p.stem for p in CARDS.glob("*.yaml"))


def read_train_card(name_or_path, **changes) -> TrainCard:
    """A TrainCard from YAML, validated; ``changes``: other values of fields, None for the card's.
    Raises JGMError."""
    path = Path(name_or_path)
    if str(name_or_path) in card_names():
        path = CARDS / f"{name_or_path}.yaml"
    values = read_yaml(path, f"card (bundled: {', '.join(card_names())})")
    return validate(TrainCard, {**values, **{k: v for k, v in changes.items() if v is not None}})


def read_yaml(path, what: str) -> dict:
    """The names and values of a YAML file. JGMError where it holds anything else."""
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (*DAMAGED, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise JGMError(f"{what} {str(path)!r}: not a readable YAML file ({reason})") from None
    if not isinstance(values, dict) or not all(isinstance(k, str) for k in values):
        raise JGMError(f"{what} {str(path)!r}: need 'name: value' lines")
    return values


def read_facts(path) -> dict:
    """More facts for the card of finished weights, from YAML; dates become text. JGMError for what
    the card says itself and for what JSON cannot hold: hours of training would end in it."""
    what, facts = f"facts {str(path)!r}", read_yaml(path, "facts")
    own = [k for k in facts if k in OWN_FACTS]
    if own:
        raise JGMError(f"{what}: {', '.join(own)}: this the card says itself")
    try:
        return json.loads(json.dumps(facts, default=str, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise JGMError(f"{what}: not plain names and values ({error})") from None
