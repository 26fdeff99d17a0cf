"""Training cards on disk: YAML files, the bundled ones by name."""

from pathlib import Path

import yaml

from .errors import JGMError
from .files import DAMAGED
from .params import TrainCard, validate

CARDS = Path(__file__).parent / "cards"


def card_names() -> list[str]:
    return sorted(p.stem for p in CARDS.glob("*.yaml"))


def read_train_card(name_or_path, steps: int | None = None) -> TrainCard:
    """A TrainCard from YAML, validated. Raises JGMError."""
    path = Path(name_or_path)
    if str(name_or_path) in card_names():
        path = CARDS / f"{name_or_path}.yaml"
    values = read_yaml(path, f"card (bundled: {', '.join(card_names())})")
    return validate(TrainCard, {**values, **({} if steps is None else {"steps": steps})})


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
