"""Checks of a lesson's source: headings, cell lengths, parameters, equations, exercises.

Each check takes a Lesson and yields one line a problem; docs/notebook_style.md explains the rules.
"""

import ast
import importlib
import re
import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from jgm_lib.errors import JGMError
from jgm_lib.params import Card, validate

from . import book
from .checking import REGISTRY

OPENING = ("What you will do", "What you will learn", "What you need")
CLOSING = ("What to expect", "Exercises", "On your own", "Further reading")
MEDIAN_LINES, LONG_LINES, EQUATIONS = 6, 17, 19
METHOD_LESSONS = tuple(f"{n:02}" for n in range(4, 13))
METHOD_LINES = 25


@dataclass(frozen=True)
class Lesson:
    """A lesson and its source as a notebook."""

    path: Path
    nb: object

    @property
    def number(self) -> str:
        return self.path.stem[:2]

    def at(self, cell) -> str:
        """`02_x.py cell 7`, to begin a message with."""
        index = next(i for i, c in enumerate(self.nb.cells) if c is cell)
        return f"{self.path.name} cell {index + 1}"


def parse(cell) -> ast.Module:
    """The cell as a syntax tree; IPython magics count as empty lines."""
    plain = re.sub(r"^\s*[%!].*$", "pass", cell.source, flags=re.MULTILINE)
    return ast.parse(plain)


def headings(lesson: Lesson):
    """Fixed headings: all there, once, in order, the opening three in the first cell."""
    first = lesson.nb.cells[0] if lesson.nb.cells else None
    if first is None or first.cell_type != "markdown":
        yield f"{lesson.path.name}: the first cell must be markdown with the title"
        return
    if not re.match(rf"# {lesson.number} \S", first.source):
        yield f"{lesson.at(first)}: must start with `# {lesson.number} Title`"
    text = "\n".join(c.source for c in lesson.nb.cells if c.cell_type == "markdown")
    found = [h.strip() for h in re.findall(r"^## +(.+)$", text, re.MULTILINE)]
    fixed = [h for h in found if h in OPENING + CLOSING]
    for heading in OPENING + CLOSING:
        times = fixed.count(heading)
        if times != 1:
            yield f"{lesson.path.name}: `## {heading}` found {times} times, must be 1"
        elif heading in OPENING and f"## {heading}" not in first.source:
            yield f"{lesson.path.name}: `## {heading}` belongs into the first cell"
    if sorted(fixed) == sorted(OPENING + CLOSING) and tuple(fixed) != OPENING + CLOSING:
        yield f"{lesson.path.name}: fixed headings out of order: {', '.join(fixed)}"
    for device in ("CPU", "GPU"):
        if not re.search(rf"^- Time \({device}\): \S", first.source, re.MULTILINE):
            yield f"{lesson.at(first)}: `What you need` lacks a line `- Time ({device}): ...`"


def length(cell) -> int:
    """Lines of code; blank lines and comments are free."""
    return sum(bool(s.strip()) and not s.strip().startswith("#") for s in cell.source.splitlines())


def cell_lengths(lesson: Lesson):
    """Median at most 6 lines, 90th percentile at most 17."""
    cells = [
        c
        for c in book.code_cells(lesson.nb)
        if not {"parameters", "solution", "method"} & set(book.tags(c))
    ]
    lengths = [length(c) for c in cells]
    if not lengths:
        yield f"{lesson.path.name}: no code cells"
        return
    median = statistics.median(lengths)
    tail = np.percentile(lengths, 90, method="inverted_cdf")
    if median > MEDIAN_LINES:
        yield f"{lesson.path.name}: median code cell {median:g} lines, at most {MEDIAN_LINES}"
    if tail > LONG_LINES:
        longest = ", ".join(lesson.at(c).split(".py ")[1] for c in cells if length(c) > LONG_LINES)
        yield (
            f"{lesson.path.name}: 90th percentile of the code cells {tail:g} lines, at most "
            f"{LONG_LINES} (too long: {longest}); longer code belongs into the library"
        )


def literals(cell) -> dict:
    """The names and values of a parameters cell; raises JGMError on anything but plain literals."""
    values = {}
    for node in parse(cell).body:
        try:
            (target,) = node.targets
            values[target.id] = ast.literal_eval(node.value)
        except (AttributeError, ValueError):
            raise JGMError(f"line {node.lineno}: only `name = literal` is allowed") from None
    return values


def card_of(cell) -> type[Card]:
    """The card class that the validation cell passes to begin(); raises JGMError."""
    tree = parse(cell)
    calls = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "begin" and len(n.args) == 2
    ]
    modules = {
        a.asname or a.name: (n.module, a.name)
        for n in ast.walk(tree)
        if isinstance(n, ast.ImportFrom)
        for a in n.names
    }
    name = getattr(calls[0].args[0], "id", None) if calls else None
    if name not in modules:
        raise JGMError("must import the card and call `begin(CARD, globals())`")
    module, attribute = modules[name]
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise JGMError(f"the card cannot be imported: {error}") from None


def parameters(lesson: Lesson):
    """First code cell: tagged, literal, valid for the card; second: begin(CARD, globals())."""
    cells = book.code_cells(lesson.nb)
    if len(book.tagged(lesson.nb, "parameters")) != 1 or "parameters" not in book.tags(cells[0]):
        yield f"{lesson.path.name}: exactly one cell tagged `parameters`, the first code cell"
        return
    if len(cells) < 2:
        yield f"{lesson.path.name}: no cell after the parameters that calls begin(CARD, globals())"
        return
    where = lesson.at(cells[0])
    try:
        values = literals(cells[0])
        where = lesson.at(cells[1])
        card = card_of(cells[1])
        where = lesson.at(cells[0])
        filled = validate(card, values)
    except JGMError as error:
        yield f"{where}: {error}"
        return
    changed = [k for k, v in values.items() if card.model_fields[k].get_default() != v]
    if changed:
        yield (
            f"{where}: {', '.join(changed)}: the value here and the default of "
            f"{type(filled).__name__} differ; make them the same"
        )
    yield from settings_files(lesson, card)


def settings_files(lesson: Lesson, card: type[Card]):
    """notebooks/params/NAME.*.yaml must be valid settings of the card."""
    for path in sorted((lesson.path.parent / "params").glob(f"{lesson.path.stem}.*.yaml")):
        try:
            validate(card, yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except (JGMError, yaml.YAMLError, TypeError) as error:
            yield f"params/{path.name}: {error}"


def equations(lesson: Lesson):
    r"""\tag{n}: a number of the paper's, or a letter for an equation of our own."""
    for cell in lesson.nb.cells:
        if cell.cell_type != "markdown":
            continue
        for tag in re.findall(r"\\tag\{([^}]*)\}", cell.source):
            number = tag.isdigit() and 1 <= int(tag) <= EQUATIONS
            if not number and not re.fullmatch("[a-z]", tag):
                yield (
                    f"{lesson.at(cell)}: \\tag{{{tag}}}: allowed are the paper's 1 to "
                    f"{EQUATIONS}, or a letter a to z for an equation of our own"
                )
        for block in cell.source.split("$$")[1::2]:
            if "\\tag" not in block and re.search(r"\((?:Eq\.? ?)?\d+\)\s*$", block):
                yield f"{lesson.at(cell)}: number the equation with \\tag{{n}}, not by hand"


def function_names(cell) -> list[str]:
    """The functions that a cell defines."""
    return [n.name for n in parse(cell).body if isinstance(n, ast.FunctionDef)]


def exercises(lesson: Lesson):
    """Two to four exercises after `## Exercises`, each one function with a registered checker."""
    cells = [c for c in book.tagged(lesson.nb, "solution") if c.cell_type == "code"]
    if not 2 <= len(cells) <= 4:
        yield f"{lesson.path.name}: {len(cells)} cells tagged `solution`, must be two to four"
    for cell in cells:
        names = function_names(cell)
        if len(names) != 1:
            yield f"{lesson.at(cell)}: a solution cell defines one function, found {len(names)}"
        else:
            yield from _checker(lesson, cell, names[0])


def _checker(lesson, cell, name):
    """The next code cell must call check_NAME, imported from a module that registers it."""
    cells = book.code_cells(lesson.nb)
    position = next(i for i, c in enumerate(cells) if c is cell)
    after = cells[position + 1] if position + 1 < len(cells) else None
    if after is None or f"check_{name}({name})" not in after.source:
        yield f"{lesson.at(cell)}: the next code cell must call check_{name}({name})"
        return
    imports = [n for n in ast.walk(parse(after)) if isinstance(n, ast.ImportFrom)]
    for node in imports:
        try:
            importlib.import_module(node.module)
        except ImportError as error:
            yield f"{lesson.at(after)}: {error}"
            return
    if (lesson.number, name) not in REGISTRY:
        yield (
            f"{lesson.at(cell)}: no checker registered; write "
            f'@exercise("{lesson.number}", "{name}", wrong=...)'
        )


def methods(lesson: Lesson):
    """A cell tagged `method` writes the algorithm out, in 25 lines, and is asserted on the spot."""
    cells, found = book.code_cells(lesson.nb), book.tagged(lesson.nb, "method")
    if lesson.number in METHOD_LESSONS and not found:
        yield f"{lesson.path.name}: no cell tagged `method` that writes the algorithm out"
    for cell in found:
        lines = len(cell.source.splitlines())
        if lines > METHOD_LINES:
            yield f"{lesson.at(cell)}: a method of {lines} lines, at most {METHOD_LINES}"
        position = next(i for i, c in enumerate(cells) if c is cell)
        names = set(function_names(cell))
        if not any(_asserts(c, names) for c in cells[position : position + 2]):
            yield (
                f"{lesson.at(cell)}: this cell or the next code cell must assert that the method "
                "equals the library's function"
            )


def _asserts(cell, names: set) -> bool:
    """Does the cell use one of the functions ``names`` and assert something?"""
    nodes = list(ast.walk(parse(cell)))
    used = {n.id for n in nodes if isinstance(n, ast.Name)}
    close = any(isinstance(n, ast.Attribute) and n.attr == "assert_close" for n in nodes)
    return bool(used & names) and (close or any(isinstance(n, ast.Assert) for n in nodes))


def syntax(lesson: Lesson):
    """Cells that do not parse would crash the other checks."""
    for cell in book.code_cells(lesson.nb):
        try:
            parse(cell)
        except SyntaxError as error:
            yield f"{lesson.at(cell)}: {error.msg}"


CHECKS = (headings, cell_lengths, parameters, equations, exercises, methods)
