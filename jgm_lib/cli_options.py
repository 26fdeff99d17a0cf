"""The options of the commands, those of a card from the card, and checks before the work starts."""

import argparse
import os
from pathlib import Path

from .errors import JGMError
from .settings import EVALUATED

EXAMPLES = """examples:
  jgm colorize old_photo.jpg -o out/
  jgm colorize album/*.jpg -o out/ --n 8 --sampler nullspace --gray bt601 --seed 3
  jgm train scenes-64 --data data/scenes-100 --out runs/scenes-64
  jgm evaluate my_photos/ --methods split --n 8
  jgm evaluate my_photos/ --methods split,nullspace,regression-mean --against split
  jgm data folder --source my_photos/ --size 100 --out data
  jgm data coco-stuff --source train2017.zip --count 20000 --out data
"""
DATA_SETS = ("folder", "lsun", "coco-stuff", "imagenet", "flower-photos", "historic")
DATA_HELP = f"Pack a set of pictures: {', '.join(DATA_SETS)}. jgm data SET --help tells more."


class Version(argparse.Action):
    """--version; it looks the number up when it is asked for."""

    def __call__(self, parser, *_):
        from . import __version__

        print(f"jgm {__version__}")
        parser.exit()


def knobs(p, names, defaults=None) -> None:
    """Options from the fields of ColorizeCard: type, default, range and effect in one place.

    ``defaults``: name -> words, where a command has other defaults than the card.
    """
    from .params import ColorizeCard, limits

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


def colorize_options(p) -> None:
    from .params import UPSAMPLE, ColorizeCard

    p.description = "Colour photographs; a colour input is grayed first."
    p.epilog, p.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    p.add_argument("inputs", nargs="+", metavar="IN", help="photographs")
    p.add_argument("-o", "--out", required=True, help="folder for NAME_1.png ... NAME_mean.png")
    p.add_argument("--force", action="store_true", help="overwrite existing files")
    p.add_argument("--upsample", choices=UPSAMPLE, default="detail", help="chroma to full size")
    knobs(p, ColorizeCard.model_fields)


def train_options(p) -> None:
    from .cards import card_names

    p.description = "Train from a YAML card (or the name of a bundled one)."
    p.add_argument("card", help="CARD.yaml or one of: " + ", ".join(card_names()))
    p.add_argument("--data", help="packed set (default: ToyScenes, made on the fly)")
    p.add_argument("--out", required=True, help="folder of the run")
    p.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    p.add_argument("--steps", type=int, help="another number of steps (extends a finished run)")
    p.add_argument("--save-every", type=int, default=500, help="steps between checkpoints")
    p.add_argument("--licence", default="", help="licence of the data, for the card")
    p.add_argument("--about", help="YAML file of more facts for the card, such as the sources")


def evaluate_options(p) -> None:
    from .experiments.names import VERSIONS, method_names
    from .params import ColorizeCard

    p.add_argument("source", help="folder of photographs, or a packed set (its holdout)")
    p.add_argument(
        "--methods",
        default="split,nullspace,langevin",
        help=f"comma-separated (default %(default)s), of: {', '.join(method_names())}",
    )
    p.add_argument("--against", metavar="METHOD", help="also the differences to this one of them")
    p.add_argument("--limit", type=int, help="at most so many pictures")
    p.add_argument("--langevin-limit", type=int, default=64, help="pictures for langevin")
    p.add_argument("--batch", type=int, default=2, help="pictures at a time")
    p.add_argument("--size", type=int, help="pixels a side (default: what the prior sees)")
    p.add_argument("--json", help="also write the rows to this file")
    names = [n for n in ColorizeCard.model_fields if n not in ("sampler", "gray")]
    defaults = {"n": f"{VERSIONS} for split and means; the others draw one"}
    for name, value in EVALUATED.items():
        defaults[name] = f"{ColorizeCard.model_fields[name].default}; nullspace {value}"
    knobs(p, names, defaults)


def data_options(p) -> None:
    p.description = DATA_HELP
    p.add_argument("rest", nargs=argparse.REMAINDER, metavar="SET [options]")


def chosen(args) -> dict:
    from .params import ColorizeCard

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
