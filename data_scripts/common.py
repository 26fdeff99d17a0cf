"""The command line that every data script shares."""

import argparse
import sys

from jgm_lib.errors import JGMError


def common_parser(command: str, description: str) -> argparse.ArgumentParser:
    """The options that all data scripts share; ``command`` as in ``jgm data COMMAND``."""
    p = argparse.ArgumentParser(prog=f"jgm data {command}", description=description)
    p.add_argument("--size", type=int, default=128, help="side of the packed squares in pixels")
    p.add_argument("--count", type=int, default=None, help="stop after this many pictures")
    p.add_argument("--seed", type=int, default=0, help="seed of the choice and of the split")
    p.add_argument("--squash", action="store_true", help="squeeze to a square, do not crop")
    p.add_argument("--holdout", type=float, default=0.05, help="share kept for validation")
    p.add_argument("--out", default="data", help="folder of the packed set")
    p.add_argument("--name", help="name of the packed set")
    p.add_argument("--licence", default="not stated", help="licence text for the card")
    return p


def run(command, args: argparse.Namespace) -> int:
    """Call ``command(**args)``, print one summary; bad input is one line and exit code 2."""
    try:
        path = command(**vars(args))
        from jgm_lib.data.packed import PackedSet

        print(PackedSet(path).summary())
        return 0
    except JGMError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
