"""make check-notebooks: is every lesson what docs/notebook_style.md asks for? Runs nothing."""

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
    options = book.parser_of("lint", __doc__).parse_args(arguments)

    def work():
        lessons = book.lessons(options.names, options.folder)
        found = [line for py in lessons for line in lint(py)]
        found += [] if options.names else pairs.orphans(options.folder)
        print(f"{len(lessons)} lessons, {len(found)} problems")
        return found

    return book.ended(work)


if __name__ == "__main__":
    sys.exit(main())
