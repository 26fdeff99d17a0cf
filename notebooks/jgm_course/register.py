"""The register docs/paper_map.md: every equation, table, figure and algorithm of the paper
has code, a lesson that shows it and a test that proves it. `--ran report.xml` adds: and it passed.
"""

import argparse
import importlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from jgm_lib.errors import JGMError

from . import book

MAP = book.ROOT / "docs" / "paper_map.md"
COLUMNS = ("item", "what", "code", "lesson", "test", "pending")
ROMAN = ("I", "II", "III")
ITEMS = (
    *(f"Eq {n}" for n in range(1, 20)),
    "Algorithm 1",
    *(f"Table {n}" for n in ROMAN),
    *(f"Fig {n}" for n in range(1, 11)),
)
LATER = ("07", "08", "11")  # their full experiments come later: only these may wait


@dataclass(frozen=True)
class Row:
    """One line of the map; ``pending`` is the reason why a column may say `pending`."""

    item: str
    what: str
    code: str
    lesson: str
    test: str
    pending: str

    def waits(self, column: str) -> bool:
        return getattr(self, column) == "pending"


def read_rows(path: Path = MAP) -> list[Row]:
    """The rows of the table; raises JGMError on a line with the wrong number of columns."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.startswith("|") or set(line) <= set("|-: "):
            continue
        cells = [c.strip().strip("`") for c in line.strip().strip("|").split("|")]
        if len(cells) != len(COLUMNS):
            raise JGMError(f"{path.name} line {number}: {len(cells)} columns, must be: {COLUMNS}")
        rows.append(Row(*cells))
    return rows[1:]  # without the head


def completeness(rows) -> list[str]:
    """Every item of the paper once, nothing else."""
    names = [r.item for r in rows]
    lines = [f"{i}: no row" for i in ITEMS if i not in names]
    lines += [f"{n}: not an item of the paper" for n in names if n not in ITEMS]
    return lines + [
        f"{n}: {names.count(n)} rows" for n in dict.fromkeys(names) if names.count(n) > 1
    ]


def pending_problem(row: Row) -> str:
    """Only lessons whose experiments come later may wait, and they say why."""
    waits = any(row.waits(c) for c in ("code", "lesson", "test"))
    if waits and not row.pending:
        return f"{row.item}: pending without a reason"
    if waits and row.lesson[:2] not in LATER:
        return f"{row.item}: pending, but lesson {row.lesson} is not one of {', '.join(LATER)}"
    if row.lesson[:2] in LATER:  # the lesson itself may be what is missing
        waits = waits or not (book.FOLDER / f"{row.lesson}.py").exists()
    return "" if waits or not row.pending else f"{row.item}: gives a reason but nothing is pending"


def code_problem(row: Row) -> str:
    """`jgm_lib.fusion:fuse` must be importable."""
    if row.waits("code"):
        return ""
    module, _, name = row.code.partition(":")
    try:
        thing = importlib.import_module(module)
        for part in name.split("."):
            thing = getattr(thing, part)
    except (ImportError, AttributeError, ValueError) as error:
        return f"{row.item}: code {row.code}: {error}"
    return ""


def label(item: str) -> re.Pattern:
    r"""What a lesson must contain: \tag{14} for Eq 14, the words themselves for the rest."""
    if item.startswith("Eq "):
        return re.compile(re.escape(rf"\tag{{{item[3:]}}}"))
    return re.compile(re.escape(item) + r"(?!\w)")


def lesson_problem(row: Row, folder: Path = book.FOLDER) -> str:
    """The lesson's markdown must show the label; a pending row needs no lesson yet."""
    if row.pending:
        return ""
    try:
        (path,) = book.lessons([row.lesson], folder)
        nb = book.read_source(path)
    except JGMError as error:
        return f"{row.item}: {error}"
    text = "\n".join(c.source for c in nb.cells if c.cell_type == "markdown")
    shown = label(row.item)
    return "" if shown.search(text) else f"{row.item}: {path.name} does not show its label"


def collected(rows, root: Path = book.ROOT) -> set[str]:
    """Ids of the tests that pytest collects in the files the map names, parameters removed."""
    files = sorted({r.test.split("::")[0] for r in rows if not r.waits("test")})
    files = [f for f in files if (root / f).is_file()]
    if not files:
        return set()
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", *files]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return {line.split("[")[0] for line in done.stdout.splitlines() if "::" in line}


def proof_problem(row: Row, known: set[str]) -> str:
    if row.waits("test") or row.test in known:
        return ""
    return f"{row.item}: test {row.test} is not collected"


def outcomes(report: Path) -> dict[str, set[str]]:
    """From a junit file: test id without parameters -> outcomes of its cases."""
    found = {}
    for case in ET.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name').split('[')[0]}"
        bad = {child.tag for child in case} & {"failure", "error", "skipped"}
        found.setdefault(name, set()).update(bad or {"passed"})
    return found


def ran_problem(row: Row, results: dict[str, set[str]]) -> str:
    """All cases of the named test passed, and there was at least one."""
    got = results.get(row.test, {"not run"})
    if row.waits("test") or got == {"passed"}:
        return ""
    return f"{row.item}: test {row.test}: {', '.join(sorted(got))}"


def problems(rows, folder: Path = book.FOLDER, root: Path = book.ROOT, report=None) -> list[str]:
    """Everything that is missing, one line each."""
    known = collected(rows, root)
    lines = completeness(rows)
    for row in rows:
        lines += [pending_problem(row), code_problem(row), lesson_problem(row, folder)]
        lines.append(proof_problem(row, known))
    if report is not None:
        results = outcomes(report)
        lines += [ran_problem(row, results) for row in rows]
    return [line for line in lines if line]


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m jgm_course.register", description=__doc__)
    parser.add_argument("--map", type=Path, default=MAP)
    parser.add_argument("--folder", type=Path, default=book.FOLDER, help="the lessons")
    parser.add_argument("--ran", type=Path, metavar="REPORT", help="junit file of a test run")
    options = parser.parse_args(arguments)
    try:
        rows = read_rows(options.map)
        lines = problems(rows, options.folder, report=options.ran)
    except (JGMError, OSError, ET.ParseError) as error:
        print(error, file=sys.stderr)
        return 2
    for line in lines:
        print(line, file=sys.stderr)
    waiting = [r.item for r in rows if r.pending]
    print(
        f"{len(rows)} items, {len(waiting)} pending ({', '.join(waiting)}), {len(lines)} problems"
    )
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
