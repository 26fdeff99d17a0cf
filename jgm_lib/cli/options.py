"""What the commands share: options made from the fields of a card, checks before the work starts."""

import argparse
import os
from pathlib import Path

from ..errors import JGMError

EXAMPLES = """examples:
  jgm colorize old_photo.jpg -o out/
  jgm colorize album/*.jpg -o out/ --n 8 --sampler nullspace --gray bt601 --seed 3
  jgm train scenes-64 --data data/scenes-100 --out runs/scenes-64
  jgm evaluate my_photos/ --methods split --n 8
  jgm evaluate my_photos/ --methods split,nullspace,regression-mean --against split
  jgm experiment calibration -o out/
  jgm data folder --source my_photos/ --size 100 --out data
  jgm data coco-stuff --source train2017.zip --count 20000 --out data
"""


def knobs(p, names, defaults=None) -> None:
    """Options from the fields of ColorizeCard: type, default, range and effect in one place.

    ``defaults``: name -> words, where a command has other defaults than the card.
    """
    from ..params import ColorizeCard, limits

    for name in names:
        field = ColorizeCard.model_fields[name]
        if field.annotation is bool:
            switch(p, name, field)
            continue
        choices = getattr(field.annotation, "__args__", None)
        kind = str if choices else field.annotation
        text = f"{field.description} (default {(defaults or {}).get(name, field.default)}"
        try:
            low, high = limits(ColorizeCard, name)
            text += f", allowed {low} to {high})"
        except KeyError:  # no number
            text += ")"
        p.add_argument(
            f"--{name.replace('_', '-')}",
            dest=name,
            type=kind,
            choices=choices,
            default=None,
            help=text.replace("%", "%%"),
        )


def switch(p, name: str, field) -> None:
    """An option that is on or off: --name and --no-name."""
    text = f"{field.description} (default {'on' if field.default else 'off'})"
    option = f"--{name.replace('_', '-')}"
    p.add_argument(
        option, dest=name, action=argparse.BooleanOptionalAction, default=None, help=text
    )


def chosen(args) -> dict:
    from ..params import ColorizeCard

    fields = ColorizeCard.model_fields
    return {k: v for k, v in vars(args).items() if k in fields and v is not None}


def at_least_one(args, *names) -> None:
    for name in names:
        value = getattr(args, name)
        if value is not None and value < 1:
            raise JGMError(f"{name}={value}: need at least 1")


def want_folder(path) -> None:
    """A place for results may be missing, but must be no file: told before the work, not after."""
    there = Path(path).absolute()
    while not os.path.lexists(there):
        there = there.parent
    if not there.is_dir():
        what = "" if there == Path(path).absolute() else f": {there}"
        raise JGMError(f"--out {path}{what} is not a folder")
    if not os.access(there, os.W_OK):
        raise JGMError(f"--out {path}: may not write in {there}")
