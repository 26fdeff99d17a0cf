"""make lab: JupyterLab on copies of the lessons, so that running one changes no file of the project.

The copies lie in lessons/, the blank sheets in lessons/exercises/. A copy that is there stays as it is:
it is somebody's work. Delete one to get it anew.
"""

import os
import shutil
import sys
from pathlib import Path

from jgm_lib.errors import JGMError

from . import book

COPIES = book.ROOT / "lessons"
CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))
OUTSIDE = "--ip 0.0.0.0 --no-browser"
OPTIONS = [
    "--LabApp.news_url=None",  # no pop-up that asks about news, no look for updates
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    # bytes; the usual 10 MB are less than an upload of 20 MB as base64
    '--ServerApp.tornado_settings={"websocket_max_message_size": 41000000}',
]


def copy_missing(source: Path = book.FOLDER, target: Path = COPIES) -> list[Path]:
    """Copy the notebooks that are not there yet, each lesson once; the paths of the new ones."""
    new = []
    for folder in ("", "exercises"):
        (target / folder).mkdir(parents=True, exist_ok=True)
        for path in sorted((source / folder).glob("[0-9][0-9]_*.ipynb")):
            copy = target / folder / path.name
            if not copy.exists():
                shutil.copyfile(path, copy)
                new.append(copy)
    return new


def in_container() -> bool:
    return any(path.exists() for path in CONTAINER)


def check_root(arguments: list[str], root: bool, container: bool) -> None:
    """JupyterLab refuses to run as root. Raises JGMError that says what to do."""
    if not root or "--allow-root" in arguments:
        return
    if container:
        raise JGMError(
            f'root in a container: make lab ARGS="--allow-root {OUTSIDE}", with port 8888 published '
            "(docker run -p 8888:8888 ...); open the address with the token that is printed"
        )
    raise JGMError(
        "root: better make lab as another user, since whoever opens the page can do whatever you can; "
        'if it has to be: make lab ARGS="--allow-root"'
    )


def command(arguments: list[str]) -> list[str]:
    """JupyterLab on the copies; ``arguments`` are its own and come last."""
    place = [f"--notebook-dir={book.ROOT}", f"--LabApp.default_url=/lab/tree/{COPIES.name}"]
    return [sys.executable, "-m", "jupyterlab", *place, *OPTIONS, *arguments]


def main(arguments=None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments

    def work():
        container = in_container()
        check_root(arguments, hasattr(os, "getuid") and os.getuid() == 0, container)
        print(f"{len(copy_missing())} new copies in {COPIES.name}/", flush=True)
        if container and not any(a.startswith("--ip") for a in arguments):
            print(f'a container: to reach it from outside, make lab ARGS="{OUTSIDE}"', flush=True)
        os.execv(sys.executable, command(arguments))

    return book.ended(work)


if __name__ == "__main__":
    sys.exit(main())
