"""What the commands share: options made from the fields of a card, checks before the work starts."""

import argparse
import os
from pathlib import Path

from ..errors import JGMError
from ..points import point_of

EXAMPLES = """examples:
  jgm colorize old_photo.jpg -o out/
  jgm colorize album/ -o out/ --skip-existing
  jgm colorize old_photo.jpg -o out/ --point 410,250,#a03030 --point 90,60,#7090c0
  jgm colorize album/*.jpg -o out/ --n 8 --sampler nullspace --gray bt601 --seed 3
  jgm train scenes-64 --data data/scenes-100 --out runs/scenes-64
  jgm train photos-64 --init photos-64 --data data/mine-144 --out runs/mine --resume
  jgm export runs/mine -o mine.safetensors
  jgm evaluate my_photos/ --methods split --n 8
  jgm evaluate my_photos/ --methods split,nullspace,regression-mean --against split
  jgm experiment calibration -o out/
  jgm data folder --source my_photos/ --size 100 --out data
  jgm data coco-stuff --source train2017.zip --count 20000 --out data
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help tells more)\n")


class Once(argparse.Action):
    """Keeps an option's value, and refuses a second one, of which the first would be lost: it may
    be a file name, for -old.jpg reads as -o ld.jpg."""

    def __call__(self, parser, namespace, values, option_string=None):
        given = vars(namespace).setdefault("_given", set())
        if self.dest in given:
            raise argparse.ArgumentError(
                self, "given twice; a file name that begins with a dash is written ./-name"
            )
        given.add(self.dest)
        setattr(namespace, self.dest, values)


def knobs(p, names, defaults=None) -> None:
    """Options from the fields of ColorizeCard: type, default, range and effect in one place, in a
    group for each set of samplers that read them.

    ``defaults``: name -> words, where a command has other defaults than the card.
    """
    groups: dict = {}
    for name in names:
        title = f"read by {', '.join(readers(name))}" if readers(name) else "for every sampler"
        groups.setdefault(title, []).append(name)
    for title, own in groups.items():
        group = p.add_argument_group(title)
        for name in own:
            knob(group, name, (defaults or {}).get(name))


def knob(p, name: str, default: str | None) -> None:
    """One option; ``default``: words for one that is not the card's."""
    from ..params import ColorizeCard, limits

    field = ColorizeCard.model_fields[name]
    option = as_option(name)
    if name == "points":
        text = f"{field.description}; may be given again"
        p.add_argument(
            option, dest=name, action="append", type=point, metavar="X,Y,#RRGGBB", help=text
        )
        return
    if field.annotation is bool:  # --name and --no-name
        text = f"{field.description} (default {'on' if field.default else 'off'})"
        kind = argparse.BooleanOptionalAction
        p.add_argument(option, dest=name, action=kind, default=None, help=text)
        return
    choices = getattr(field.annotation, "__args__", None)
    text = f"{field.description} (default {field.default if default is None else default}"
    try:
        low, high = limits(ColorizeCard, name)
        text += f", allowed {low} to {high})"
    except KeyError:  # no number
        text += ")"
    about = {"type": str if choices else field.annotation, "choices": choices, "default": None}
    p.add_argument(option, dest=name, action=Once, help=text.replace("%", "%%"), **about)


def point(text: str) -> tuple[int, int, str]:
    """A point as it is typed."""
    try:
        return point_of(text)
    except JGMError as error:
        raise argparse.ArgumentTypeError(error) from None


def as_option(name: str) -> str:
    """A field of a card as it is typed; a list's items are typed one by one."""
    return "--point" if name == "points" else f"--{name.replace('_', '-')}"


def readers(name: str) -> list[str]:
    """The samplers that read a knob; none for what is read whatever the sampler."""
    from ..params import KNOBS

    return [sampler for sampler, own in KNOBS.items() if name in own]


def chosen(args) -> dict:
    from ..params import ColorizeCard

    fields = ColorizeCard.model_fields
    return {k: v for k, v in vars(args).items() if k in fields and v is not None}


def check_read(given: dict, samplers) -> None:
    """JGMError for a knob that none of the samplers reads: it would change nothing."""
    for name, value in given.items():
        if readers(name) and not set(readers(name)) & set(samplers):
            raise JGMError(
                f"{as_option(name)} {value}: not read by {', '.join(sorted(samplers))}, but by "
                f"{', '.join(readers(name))}"
            )


def card_of(given: dict):
    """The ColorizeCard of options. JGMError with the options as they are typed."""
    from pydantic import ValidationError

    from ..params import ColorizeCard, one_line

    try:
        return ColorizeCard(**given)
    except ValidationError as error:
        typed = "{name} {value}"
        raise JGMError(one_line(error, ColorizeCard, typed, as_option)) from None


def at_least_one(args, *names) -> None:
    for name in names:
        value = getattr(args, name)
        if value is not None and value < 1:
            raise JGMError(f"{as_option(name)} {value}: need at least 1")


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


def printable(text) -> str:
    """A name for one line of output: line ends and other control characters escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
