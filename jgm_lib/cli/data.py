"""jgm data: pack a data set by the script of its name."""

import argparse
import sys

from ..errors import JGMError

DATA_SETS = ("folder", "lsun", "coco-stuff", "imagenet", "flower-photos", "historic")
DATA_HELP = f"Pack a set of pictures: {', '.join(DATA_SETS)}. jgm data SET --help tells more."


def options(p) -> None:
    p.description = DATA_HELP
    p.add_argument("rest", nargs=argparse.REMAINDER, metavar="SET [options]")


def run(args) -> int:
    import importlib

    if not args.rest:
        print(DATA_HELP, file=sys.stderr)
        return 2
    name, *rest = args.rest
    if name not in DATA_SETS:
        raise JGMError(f"data set {name!r} is unknown; choose {', '.join(DATA_SETS)}")
    return importlib.import_module(f"data_scripts.{name.replace('-', '_')}").main(rest)
