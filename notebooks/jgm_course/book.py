"""The lessons on disk: find, read, write. A lesson is notebooks/NN_name.py."""

import argparse
import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from jgm_lib import files
from jgm_lib.errors import JGMError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
NAME = re.compile(r"\d\d_[a-z0-9_]+")


def lessons(names=(), folder: Path = FOLDER) -> list[Path]:
    """The .py files of the lessons, sorted. ``names``: "01" or "01_score_matching", empty for all.

    Raises JGMError when a name matches nothing.
    """
    found = sorted(p for p in Path(folder).glob("*.py") if NAME.fullmatch(p.stem))
    if not names:
        return found
    chosen = [p for n in names for p in found if p.stem == Path(n).stem or p.stem[:2] == n]
    for n in names:
        if not any(p.stem == Path(n).stem or p.stem[:2] == n for p in found):
            raise JGMError(
                f"lesson {n!r}: not found in {folder}; "
                f"allowed: {', '.join(p.stem for p in found) or 'none yet'}"
            )
    return sorted(set(chosen))


def read_source(path: Path) -> NotebookNode:
    """The .py as a notebook without outputs. Raises JGMError when the kernelspec is missing."""
    try:
        nb = jupytext.read(path, fmt="py:percent")
    except (OSError, UnicodeDecodeError, SyntaxError) as error:
        raise JGMError(f"{path}: not a readable lesson: {error}") from None
    spec = nb.metadata.get("kernelspec", {})
    if spec.get("name") != "python3" or spec.get("language") != "python":
        raise JGMError(
            f"{path.name}: the header needs a kernelspec with name: python3 and "
            "language: python (papermill refuses parameters otherwise)"
        )
    return nb


def read_pair(path: Path) -> NotebookNode:
    """An .ipynb, format 4. Raises JGMError when it is missing or broken."""
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise JGMError(f"{path.name}: missing; run `make notebooks`") from None
    except Exception as error:  # nbformat has many ways to say that JSON is not a notebook
        raise JGMError(f"{path.name}: not a notebook: {error}") from None


def write_text(path: Path, text: str) -> None:
    """Write whole or not at all, in a new folder if need be. JGMError where it cannot be done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, text)


def around(path: Path, start: str, end: str) -> tuple[str, str]:
    """A text file up to the line ``start`` and from ``end`` on, both markers kept.

    Raises JGMError when a marker is missing.
    """
    before, first, rest = path.read_text(encoding="utf-8").partition(start)
    _, last, after = rest.partition(end)
    if not first or not last:
        raise JGMError(f"{path.name}: needs the two lines {start} and {end}")
    return before + first, last + after


def put_between(path: Path, start: str, end: str, text: str) -> None:
    """Replace what stands between two marker lines of a text file. Raises JGMError without them."""
    before, after = around(path, start, end)
    write_text(path, f"{before}\n{text}\n{after}")


def write_notebook(path: Path, nb: NotebookNode) -> None:
    """Validate and write an .ipynb atomically."""
    nbformat.validate(nb)
    write_text(path, nbformat.writes(nb, version=4).rstrip("\n") + "\n")


def tags(cell) -> list[str]:
    return list(cell.metadata.get("tags", []))


def tagged(nb: NotebookNode, tag: str) -> list[NotebookNode]:
    return [c for c in nb.cells if tag in tags(c)]


def code_cells(nb: NotebookNode) -> list[NotebookNode]:
    return [c for c in nb.cells if c.cell_type == "code"]


def first_line(source: str, width: int = 50) -> str:
    """The start of a cell, to name it in a message."""
    line = next((s.strip() for s in source.splitlines() if s.strip()), "(empty)")
    return line if len(line) <= width else line[: width - 3] + "..."


# -- the commands over lessons -------------------------------------------------------------------


def parser_of(module: str, about: str, check: str = "") -> argparse.ArgumentParser:
    """The options they share; ``check``: what --check does, where there is one."""
    parser = argparse.ArgumentParser(prog=f"python -m jgm_course.{module}", description=about)
    parser.add_argument("names", nargs="*", help="01 or 01_score_matching; none for all")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    if check:
        parser.add_argument("--check", action="store_true", help=check)
    return parser


def ended(work) -> int:
    """Run ``work()`` and print the complaints it returns. The exit code: 0 for none, 1 for some, 2
    for a JGMError, which is one line."""
    try:
        lines = work() or []
    except JGMError as error:
        print(error, file=sys.stderr)
        return 2
    for line in lines:
        print(line, file=sys.stderr)
    return 1 if lines else 0
