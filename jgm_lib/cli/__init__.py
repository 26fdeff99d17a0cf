"""The ``jgm`` command: colorize, train, export, evaluate, experiment, data, doctor.

Exit code 0 all done, 1 some files failed (the rest are done), 2 bad input, with one clear line,
130 and 143 stopped by Ctrl-C and SIGTERM.
Torch is imported where the work begins: help and usage errors answer without it.
"""

import argparse
import sys

from ..errors import JGMError
from . import colorize, data, doctor, evaluate, experiment, export, train
from .options import EXAMPLES, Parser, printable

COMMANDS = {
    "colorize": ("colour photographs", colorize),
    "train": ("train a prior from a card", train),
    "export": ("the weights of a run that is going on or was stopped", export),
    "evaluate": ("honest numbers on a folder of colour photographs", evaluate),
    "experiment": ("one of the project's experiments: numbers and a figure", experiment),
    "data": ("pack a data set", data),
    "doctor": ("check this installation", doctor),
}
SHELLS = ("bash", "zsh", "tcsh")
PATHS = ("inputs", "out", "card", "data", "about", "source", "json", "weights")  # are files
PATHS += ("init", "folder")


def main(argv=None) -> int:
    for stream in (sys.stdout, sys.stderr):  # names of old files need not fit the terminal's code
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if argv is None else list(argv)
    if not words:
        parser(words).print_help(sys.stderr)
        return 2
    args = parser(words).parse_args(words)
    args.words = words
    try:
        return args.run(args)
    except (JGMError, OSError) as error:  # a full disk, a folder that may not be written
        print(f"jgm: {printable(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("jgm: stopped", file=sys.stderr)
        return 130


def parser(words=None) -> argparse.ArgumentParser:
    """The parser of the command line; given its words, only the commands among them get their
    options: those of a card take a while to build."""
    top = Parser(
        prog="jgm",
        description="Score-based colorization.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=Version, nargs=0, help="show the version and end")
    about = "show what a shell needs to complete this command, and end"
    top.add_argument("--print-completion", action=Completion, choices=SHELLS, help=about)
    sub = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (about, command) in COMMANDS.items():
        p = sub.add_parser(name, help=about)
        p.set_defaults(run=command.run)
        if words is None or name in words:
            command.options(p)
    return top


class Completion(argparse.Action):
    """--print-completion SHELL, by shtab."""

    def __call__(self, parser_, namespace, shell, option_string=None):
        import shtab

        whole = parser()
        sub = next(a for a in whole._actions if isinstance(a.choices, dict))
        for command in sub.choices.values():
            for action in command._actions:
                if action.dest in PATHS:
                    action.complete = shtab.FILE
        print(shtab.complete(whole, shell))
        parser_.exit()


class Version(argparse.Action):
    """--version; it looks the number up when it is asked for."""

    def __call__(self, parser, *_):
        from .. import __version__

        print(f"jgm {__version__}")
        parser.exit()
