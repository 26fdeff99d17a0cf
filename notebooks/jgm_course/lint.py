"""make check-notebooks: is every lesson what docs/notebook_style.md asks for? Runs nothing."""

import argparse
import sys
from pathlib import Path

from nbformat.v4 import new_notebook

from jgm_lib.errors import JGMError

from . import book, exercises, lint_outputs, lint_source, lint_text, pairs


def lint(py: Path) -> list[str]:
    """All problems of one lesson, one line each."""
    try:
        lesson = lint_source.Lesson(py, book.read_source(py))
    except JGMError as error:
        return [str(error)]
    broken = list(lint_source.syntax(lesson))
    if broken:
        return broken
    found = [line for check in (*lint_source.CHECKS, *lint_text.CHECKS) for line in check(lesson)]
    pair = _pair_or_empty(py)
    found += [line for check in lint_outputs.CHECKS for line in check(lesson, pair)]
    return found + pairs.differences(py) + exercises.differences(py)


def _pair_or_empty(py: Path):
    """A missing pair is reported once, by pairs.differences."""
    try:
        return book.read_pair(py.with_suffix(".ipynb"))
    except JGMError:
        return new_notebook()


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m jgm_course.lint", description=__doc__)
    parser.add_argument("names", nargs="*", help="01 or 01_score_matching; none for all")
    parser.add_argument("--folder", type=Path, default=book.FOLDER)
    options = parser.parse_args(arguments)
    try:
        lessons = book.lessons(options.names, options.folder)
        lines = [line for py in lessons for line in lint(py)]
    except JGMError as error:
        print(error, file=sys.stderr)
        return 2
    lines += [] if options.names else pairs.orphans(options.folder)
    for line in lines:
        print(line, file=sys.stderr)
    print(f"{len(lessons)} lessons, {len(lines)} problems")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
