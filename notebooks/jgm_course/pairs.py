"""make notebooks: run each lesson .py and write the executed .ipynb beside it; --check compares.

The .py is the source. Cell ids are kept from the old pair, so a diff shows only what changed. A pair
remembers the hash of the cells it was made with: one that somebody edited is not overwritten.
"""

import hashlib
import os
import sys
from itertools import zip_longest
from pathlib import Path

import papermill
from jupytext.combine import combine_inputs_with_outputs
from papermill.exceptions import PapermillExecutionError

from jgm_lib.errors import JGMError

from . import book

WIDGET = "application/vnd.jupyter.widget-view+json"
PASSING = ("papermill", "execution", "lines_to_next_cell")
MADE_OF = "jgm_course"  # in a pair's metadata: the hash of the cells that it was made with
KEEP_LANGUAGE = ("name", "file_extension", "mimetype", "pygments_lexer")


def stable_ids(nb, old_ids=frozenset()) -> None:
    """Cells that came from the old pair keep their id; a new one gets the hash of its text."""
    used = {c.id for c in nb.cells if c.get("id") in old_ids}
    for cell in nb.cells:
        if cell.get("id") in old_ids:
            continue
        stem = hashlib.sha1(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        names = [stem, *(f"{stem}-{n}" for n in range(2, len(nb.cells) + 2))]
        cell.id = next(n for n in names if n not in used)
        used.add(cell.id)


def combined(py: Path, ipynb: Path):
    """The source with ids and outputs of the old pair, as `jupytext --update` does it."""
    nb = book.read_source(py)
    nb.nbformat_minor = 5
    if not ipynb.exists():
        stable_ids(nb)
        return nb
    old = book.read_pair(ipynb)
    merged = combine_inputs_with_outputs(nb, old, fmt="py:percent")
    merged.nbformat_minor = 5
    stable_ids(merged, {c.get("id") for c in old.cells} - {None})
    return merged


def strip_outputs(cell) -> None:
    """Drop what differs from run to run: stderr, live widgets."""
    cell.outputs = [
        o for o in cell.outputs if o.get("name") != "stderr" and WIDGET not in o.get("data", {})
    ]


def strip(nb):
    """Drop times, paths and widget state; keep outputs; fold answers up."""
    language = nb.metadata.get("language_info", {"name": "python"})
    nb.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {k: language[k] for k in KEEP_LANGUAGE if k in language},
    }
    for cell in nb.cells:
        cell.metadata = {
            k: v for k, v in cell.metadata.items() if k not in PASSING and (k != "tags" or v)
        }
        if cell.cell_type == "code":
            strip_outputs(cell)
        if "solution" in book.tags(cell):
            cell.metadata["jupyter"] = {"source_hidden": True}  # Lab folds the answer up
    return nb


def with_library(path: str) -> str:
    """PYTHONPATH with this checkout on it: the kernel must import the library and the course that
    it is shown with."""
    parts = [p for p in path.split(os.pathsep) if p]
    ours = [str(p) for p in (book.ROOT, book.ROOT / "notebooks") if str(p) not in parts]
    return os.pathsep.join([*parts, *ours])


def execute(nb, folder: Path, parameters=None, output: Path | None = None):
    """Run through papermill in ``folder``; raises PapermillExecutionError naming the cell."""
    os.environ["PYTHONPATH"] = with_library(os.environ.get("PYTHONPATH", ""))
    return papermill.execute_notebook(
        nb,
        output,
        parameters=parameters or {},
        cwd=folder,
        kernel_name="python3",
        progress_bar=False,
        start_timeout=300,
    )  # a loaded machine is slow


def cells_sha256(nb) -> str:
    """The hash of what the cells say and of their kinds; outputs and white space around do not count."""
    said = "\n".join(f"{c.cell_type}\n{c.source.strip()}" for c in nb.cells)
    return hashlib.sha256(said.encode()).hexdigest()


def refuse_edited(py: Path) -> None:
    """Raise JGMError if somebody edited the pair of a lesson: it is not what was made, and says
    what the .py does not."""
    ipynb = py.with_suffix(".ipynb")
    if not ipynb.exists():
        return
    pair = book.read_pair(ipynb)
    made = pair.metadata.get(MADE_OF, {}).get("cells")  # none in pairs of earlier versions
    where = first_difference(book.read_source(py), pair)
    if not where or made in (None, cells_sha256(pair)):
        return
    raise JGMError(
        f"{ipynb.name} was edited and differs from {py.name} ({where}), not "
        f"overwritten; bring the edit into the .py: jupytext --to py:percent {ipynb.name} (in "
        f"{ipynb.parent.name}/, then look at git diff), or drop it: make notebooks ARGS='--force "
        f"{py.stem[:2]}'"
    )


def make_pair(py: Path, force: bool = False) -> Path:
    """Execute a lesson with its own literals and write its pair; a failure writes nothing. JGMError,
    before that, for a pair that was edited, unless ``force``."""
    ipynb = py.with_suffix(".ipynb")
    if not force:
        refuse_edited(py)
    try:
        nb = execute(combined(py, ipynb), py.parent)
    except PapermillExecutionError as error:
        raise JGMError(f"{py.name} failed, pair not written.{error}") from None
    nb = strip(nb)
    nb.metadata[MADE_OF] = {"cells": cells_sha256(nb)}
    book.write_notebook(ipynb, nb)
    return ipynb


def differences(py: Path) -> list[str]:
    """What differs between a lesson and its pair, one line each; empty when they are in step."""
    ipynb = py.with_suffix(".ipynb")
    try:
        source, pair = book.read_source(py), book.read_pair(ipynb)
    except JGMError as error:
        return [str(error)]
    where = first_difference(source, pair)
    return ([f"{ipynb.name} {where}"] if where else []) + unrun(pair, ipynb.name)


def first_difference(source, pair) -> str:
    """Where the cells of a lesson and its pair begin to differ; one insertion shifts all that
    follow."""
    for number, (a, b) in enumerate(zip_longest(source.cells, pair.cells), start=1):
        problem = difference(a, b)
        if problem:
            return f"cell {number}: {problem}"
    return ""


def difference(a, b) -> str:
    """Why a source cell and a pair cell are not the same, or nothing."""
    if a is None:
        return f"not in the .py: {book.first_line(b.source)}"
    if b is None:
        return f"missing in the .ipynb: {book.first_line(a.source)}"
    if a.cell_type != b.cell_type or a.source.strip() != b.source.strip():
        lines = zip_longest(a.source.strip().splitlines(), b.source.strip().splitlines())
        unequal = ((x or "", y or "") for x, y in lines if x != y)
        ours, theirs = next(unequal, (a.cell_type, b.cell_type))
        return f"differs: .py has '{book.first_line(ours)}', .ipynb '{book.first_line(theirs)}'"
    return "" if book.tags(a) == book.tags(b) else f"tags differ: {book.first_line(a.source)}"


def unrun(pair, name: str) -> list[str]:
    """Cells of a pair that were never run or that failed (nbval would compare nothing there)."""
    lines = []
    for number, cell in enumerate(pair.cells, start=1):
        if cell.cell_type == "code" and cell.source.strip():
            if cell.execution_count is None:
                lines.append(f"{name} cell {number}: never run: {book.first_line(cell.source)}")
            if any(o.output_type == "error" for o in cell.outputs):
                lines.append(f"{name} cell {number}: stores an error")
    return lines


def orphans(folder: Path) -> list[str]:
    """Notebooks without a source."""
    return [
        f"{p.name}: no {p.stem}.py beside it"
        for p in sorted(Path(folder).glob("*.ipynb"))
        if not p.with_suffix(".py").exists()
    ]


def check(names, folder: Path) -> list[str]:
    lines = [line for py in book.lessons(names, folder) for line in differences(py)]
    return lines if names else lines + orphans(folder)


def make(names, folder: Path, force: bool = False) -> list[str]:
    """Make the pairs, ``force``: of edited ones too; returns the failures, one a lesson."""
    failures = []
    for py in book.lessons(names, folder):
        try:
            pair = make_pair(py, force)
            print(f"{pair.name}: {pair.stat().st_size / 1e3:.0f} kB")
        except JGMError as error:
            failures.append(str(error))
    return failures


def main(arguments=None) -> int:
    parser = book.parser_of("pairs", __doc__, "compare only, run nothing")
    parser.add_argument("--force", action="store_true", help="overwrite pairs that were edited")
    options = parser.parse_args(arguments)
    if options.check:
        return book.ended(lambda: check(options.names, options.folder))
    return book.ended(lambda: make(options.names, options.folder, options.force))


if __name__ == "__main__":
    sys.exit(main())
