"""Checks of what a reader sees: alt text, sizes, paths, addresses, the status line.

They look at the executed pair (outputs) and at the markdown and code of the source.
"""

import json
import re
from html.parser import HTMLParser

from jgm_lib.figures import MIN_ALT

from . import book

MAX_BYTES = 1_000_000
# Two or more components, or a quoted one, or the home folder; not the path of a URL or a fraction.
ABSOLUTE = re.compile(
    r"""(?<![\w.:/<>~*)\]}$\\-])/(?:[\w.-]+/)+[\w.-]+"""
    r"""|(?<=["'])(?:/[A-Za-z][\w.-]+|~/[\w./-]+)|\b[A-Z]:\\\w+|file:///"""
)
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
IMAGES = ("image/png", "image/jpeg", "image/svg+xml", "image/gif")
REMOTE = re.compile(r"https?:")


class _Pictures(HTMLParser):
    """Collects what is wrong with the pictures of a page."""

    def __init__(self, page: str):
        super().__init__()
        self.problems = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "img":
            if len(values.get("alt") or "") < MIN_ALT:
                self.problems.append("picture without alt text")
            if REMOTE.match(values.get("src") or ""):
                self.problems.append("picture from the network; the course is offline")
        if tag == "svg" and len(values.get("aria-label") or "") < MIN_ALT:
            self.problems.append("svg without alt text (aria-label)")


def text_of(value) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def output_alt(output) -> list[str]:
    """Problems of the pictures of one output."""
    data, metadata = output.get("data", {}), output.get("metadata", {})
    problems = []
    if "text/html" in data:
        problems += _Pictures(text_of(data["text/html"])).problems
    elif any(kind in data for kind in IMAGES):
        alts = [metadata.get(kind, {}).get("alt", "") for kind in IMAGES if kind in data]
        if len(metadata.get("alt", "") or max(alts, key=len)) < MIN_ALT:
            problems.append("picture without alt text")
    return problems


def alt_text(lesson, pair):
    """Every picture of the pair, and every picture in markdown, has alt text."""
    hint = 'use jgm_lib.figures.show(fig, alt="...")'
    for number, cell in enumerate(pair.cells, start=1):
        for output in cell.get("outputs", []):
            for problem in output_alt(output):
                yield f"{lesson.path.stem}.ipynb cell {number}: {problem}; {hint}"
    for cell in lesson.nb.cells:
        if cell.cell_type == "markdown":
            problems = _Pictures(cell.source).problems
            problems += [
                "picture without alt text"
                for alt in re.findall(r"!\[([^\]]*)\]\(", cell.source)
                if len(alt) < MIN_ALT
            ]
            for problem in problems:
                yield f"{lesson.at(cell)}: {problem}"


def size(lesson, pair):
    """The outputs of a notebook weigh at most 1 MB."""
    weights = {
        n: sum(len(json.dumps(o)) for o in c.get("outputs", []))
        for n, c in enumerate(pair.cells, start=1)
    }
    total = sum(weights.values())
    if total > MAX_BYTES:
        heaviest = max(weights, key=weights.get)
        yield (
            f"{lesson.path.stem}.ipynb: outputs weigh {total / 1e6:.1f} MB, at most 1; "
            f"the heaviest is cell {heaviest} with {weights[heaviest] / 1e6:.1f} MB"
        )


def readable(output) -> str:
    """The text of an output, without pictures in base64."""
    parts = [text_of(output.get("text", ""))]
    parts += [text_of(v) for k, v in output.get("data", {}).items() if k.startswith("text/")]
    return re.sub(r"data:[\w/+.-]+;base64,[\w+/=]+", "", "\n".join(parts))


def paths(lesson, pair):
    """No absolute path in source or outputs, no object address in outputs."""
    for cell in lesson.nb.cells:
        for found in ABSOLUTE.findall(cell.source)[:1]:
            yield f"{lesson.at(cell)}: absolute path {found}"
    for number, cell in enumerate(pair.cells, start=1):
        text = "\n".join(readable(o) for o in cell.get("outputs", []))
        where = f"{lesson.path.stem}.ipynb cell {number}"
        for found in ABSOLUTE.findall(text)[:1]:
            yield f"{where}: absolute path {found} in the output"
        for found in ADDRESS.findall(text)[:1]:
            yield f"{where}: object address ({found}) in the output; it changes with every run"


def bare_figures(lesson, pair):
    """plt.show() bypasses the alt text."""
    for cell in book.code_cells(lesson.nb):
        if re.search(r"\bplt\.show\(|\.show\(\s*\)", cell.source):
            yield f'{lesson.at(cell)}: bare show(); use jgm_lib.figures.show(fig, alt="...")'


def status_line(nb) -> dict:
    """The numbers that the status cell of an executed notebook printed; {} when there are none."""
    for cell in reversed(book.tagged(nb, "status")):
        for output in cell.get("outputs", []):
            try:
                found = json.loads(text_of(output.get("text", "")))
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    return {}


def status(lesson, pair):
    """The last code cell is tagged `status` and prints JSON with nfe."""
    cells = book.code_cells(lesson.nb)
    if not cells or "status" not in book.tags(cells[-1]):
        yield f"{lesson.path.name}: the last code cell must be tagged `status`"
    elif pair.cells and not isinstance(status_line(pair).get("nfe"), int):
        yield f'{lesson.at(cells[-1])}: must print one line of JSON with a whole number "nfe"'


CHECKS = (alt_text, size, paths, bare_figures, status)
