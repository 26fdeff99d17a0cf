"""The user study as a web page: thirty people in a room, one server, pictures from a folder.

    python -m jgm_lib.study_page pictures/ --ip 0.0.0.0        # the page for observers
    python -m jgm_lib.study_page pictures/ --desk --port 8867  # counts, and the votes as CSV

The folder holds METHOD/PICTURE.png, any methods by name. Votes lie in --votes.
"""

import argparse
from pathlib import Path

from .app import add_server_options, ended, launch, one_cell
from .study import Ballots, path_of, study_of

PAGE = """from jgm_lib.study import Ballots, path_of, study_of
from jgm_lib.widgets.study_desk import StudyDesk
from jgm_lib.widgets.study_panel import StudyPanel

plan, made = study_of({folder!r}, {seed})
ballots = Ballots(path_of({votes!r}, plan), plan)
{widget}
"""
MODULES = ("jgm_lib.study", "jgm_lib.widgets.study_desk", "jgm_lib.widgets.study_panel")
PANEL, DESK = "StudyPanel(plan, made, ballots)", "StudyDesk(ballots)"


def page(folder, votes, seed: int = 0, desk: bool = False) -> dict:
    """The notebook behind the page: one cell that makes the panel, or the desk."""
    places = {"folder": str(Path(folder).resolve()), "votes": str(Path(votes).resolve())}
    source = PAGE.format(**places, seed=seed, widget=DESK if desk else PANEL)
    return one_cell(source, "Study")


def parse(argv=None) -> argparse.Namespace:
    words = {"prog": "python -m jgm_lib.study_page", "description": __doc__}
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(**words, formatter_class=form)
    parser.add_argument("folder", help="METHOD/PICTURE.png")
    parser.add_argument("--votes", default="out/votes", help="folder of the votes (out/votes)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the plan (0)")
    parser.add_argument("--desk", action="store_true", help="the desk instead of the panel")
    add_server_options(parser)
    return parser.parse_args(argv)


def serve(args) -> None:
    """Check the pictures and the votes, then run the page until it is stopped. Raises JGMError."""
    plan, _ = study_of(args.folder, args.seed)
    ballots = Ballots(path_of(args.votes, plan), plan)
    print(f"votes: {ballots.path}", flush=True)
    launch(args, page(args.folder, args.votes, args.seed, args.desk), MODULES)


def main(argv=None) -> int:
    args = parse(argv)
    return ended(lambda: serve(args))


if __name__ == "__main__":
    raise SystemExit(main())
