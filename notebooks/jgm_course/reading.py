"""How long a lesson takes a reader, and where its blank exercise sheet lies: the two lines at the end
of its time lines. ``python -m jgm_course.reading`` writes them, the linter finds stale ones.
"""

import math
import re
import sys
from pathlib import Path

from jgm_lib.errors import JGMError

from . import book, exercises

WORDS, EXERCISE, STEP = 150, 3, 5  # words a minute, minutes an exercise, minutes of rounding
LINES = re.compile(r"^- (?:Study time|Blank exercise sheet): .*\n?", re.MULTILINE)
GPU = re.compile(r"^- Time \(GPU\): .*\n(?:  .*\n)*", re.MULTILINE)


def words(text: str) -> int:
    """Words of markdown; a formula, in the line or displayed, counts as one, table rules as none."""
    plain = re.sub(r"\$\$.*?\$\$|\$[^$]+\$", " formula ", LINES.sub("", text), flags=re.DOTALL)
    return sum(any(c.isalnum() for c in word) for word in plain.split())


def minutes(nb) -> int:
    """Minutes to study a lesson, rounded up to five: its words at 150 a minute, which leaves time to
    look at code and figures, and three minutes for each exercise."""
    read = sum(words(c.source) for c in nb.cells if c.cell_type == "markdown") / WORDS
    solutions = [c for c in book.tagged(nb, "solution") if c.cell_type == "code"]
    return STEP * math.ceil((read + EXERCISE * len(solutions)) / STEP)


def lines(py: Path, nb) -> str:
    """The two lines of a lesson."""
    return (
        f"- Study time: about {minutes(nb)} min with the exercises\n"
        f"- Blank exercise sheet: `notebooks/exercises/{py.stem}.ipynb`\n"
    )


def updated(source: str, new: str) -> str:
    """The first cell with the two lines ``new`` behind its GPU time. Raises JGMError without one."""
    text = LINES.sub("", source + "\n")
    if not GPU.search(text):
        raise JGMError("`What you need` lacks a line `- Time (GPU): ...`")
    return GPU.sub(lambda found: found[0] + new, text, count=1).rstrip("\n")


def commented(markdown: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in markdown.split("\n"))


def write(py: Path) -> bool:
    """Bring the lines of a lesson, its pair and its exercise sheet up to date; was anything changed?"""
    nb = book.read_source(py)
    old = nb.cells[0].source
    new = updated(old, lines(py, nb))
    if new == old:
        return False
    text = py.read_text(encoding="utf-8")
    book.write_text(py, text.replace(commented(old), commented(new), 1))
    for path in (py.with_suffix(".ipynb"), exercises.target(py)):
        if path.exists():
            pair = book.read_pair(path)
            pair.cells[0].source = updated(pair.cells[0].source, lines(py, nb))
            book.write_notebook(path, pair)
    return True


def main(arguments=None) -> int:
    options = book.parser_of("reading", __doc__).parse_args(arguments)

    def work():
        for py in book.lessons(options.names, options.folder):
            print(f"{py.stem}: {'written' if write(py) else 'up to date'}")

    return book.ended(work)


if __name__ == "__main__":
    sys.exit(main())
