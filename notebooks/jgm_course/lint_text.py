"""Checks of what a reader reads: study time, and links that lead somewhere."""

import re

from . import reading

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def study_time(lesson):
    """The lines of study time and exercise sheet are those that the text gives."""
    first = lesson.nb.cells[0].source
    wanted = reading.lines(lesson.path, lesson.nb)
    if wanted not in first + "\n":
        yield (
            f"{lesson.at(lesson.nb.cells[0])}: study time missing or stale, should be "
            f"`{wanted.splitlines()[0]}`; run `python -m jgm_course.reading {lesson.number}`"
        )


def anchors(markdown: str) -> set[str]:
    """The names under which a code host links the headings of a page."""
    names = (re.sub(r"[^\w\- ]", "", h.strip().lower()) for h in HEADING.findall(markdown))
    return {name.replace(" ", "-") for name in names}


def links(lesson):
    """A relative link names a file that exists, and a heading that is in it."""
    for cell in lesson.nb.cells:
        for target in LINK.findall(cell.source) if cell.cell_type == "markdown" else ():
            name, _, anchor = target.partition("#")
            path = lesson.path.parent / name
            if re.match(r"\w+:", target):
                continue
            if not path.is_file():
                yield f"{lesson.at(cell)}: link to {name}: no such file"
            elif anchor and anchor not in anchors(path.read_text(encoding="utf-8")):
                yield f"{lesson.at(cell)}: link to {target}: no such heading"


CHECKS = (study_time, links)
