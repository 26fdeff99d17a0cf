"""make exercises: write the student version of every lesson to notebooks/exercises/.

The solution in the lesson is the source. A student gets its signature, docstring and a stub.
"""

import ast
import sys
from copy import deepcopy
from itertools import zip_longest
from pathlib import Path

from jgm_lib.errors import JGMError

from . import book, pairs
from .lint_source import parse


def stub(source: str) -> str:
    """A solution cell without the body of its function; imports, signature, docstring stay."""
    tree = ast.parse(source)
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    allowed = (ast.FunctionDef, ast.Import, ast.ImportFrom)
    if len(functions) != 1 or not all(isinstance(n, allowed) for n in tree.body):
        raise JGMError(
            "a solution cell holds imports and one function, nothing else: "
            f"{book.first_line(source)}"
        )
    (function,) = functions
    lines = source.splitlines()
    start = function.body[0]
    if start.lineno == function.lineno:
        raise JGMError(f"{function.name}: write the body on a line of its own")
    documented = ast.get_docstring(function) is not None
    last = start.end_lineno if documented else start.lineno - 1
    return "\n".join(
        [
            *lines[:last],
            "    # your code here",
            f'    raise NotImplementedError("write {function.name}")',
        ]
    )


def student(py: Path):
    """The student version of a lesson: no outputs, no solutions, the same checks."""
    nb = book.read_source(py)
    nb.nbformat_minor = 5
    nb.cells = [c for c in nb.cells if c.cell_type == "code" or "solution" not in book.tags(c)]
    for cell in book.tagged(nb, "solution"):
        cell.source = stub(cell.source)
        cell.metadata["tags"] = ["exercise"]
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("](../", "](../../")  # one folder further down
    pairs.stable_ids(nb)
    return pairs.strip(nb)


def target(py: Path) -> Path:
    return py.parent / "exercises" / f"{py.stem}.ipynb"


def differences(py: Path) -> list[str]:
    """Is the student version in step with the lesson? One line when it is not."""
    if not target(py).exists():
        return [f"exercises/{py.stem}.ipynb: missing; run `make exercises`"]
    try:
        expected, found = student(py), book.read_pair(target(py))
    except JGMError as error:
        return [f"exercises/{py.stem}.ipynb: {error}"]
    for number, (a, b) in enumerate(zip_longest(expected.cells, found.cells), start=1):
        problem = pairs.difference(a, b)
        if problem:
            return [f"exercises/{py.stem}.ipynb cell {number}: {problem}; run `make exercises`"]
    return []


def run_part(tree: ast.Module, keep, namespace: dict) -> None:
    """Run the top-level statements of a cell that ``keep`` chooses."""
    chosen = ast.Module([n for n in tree.body if keep(n)], [])
    exec(compile(chosen, "<lesson>", "exec"), namespace)


def is_import(node) -> bool:
    return isinstance(node, (ast.Import, ast.ImportFrom))


def solution_namespace(nb, name: str) -> dict:
    """Run imports, `given` cells and the solution ``name`` of a lesson; returns what they define.

    The imports are those of all cells up to the one after the solution, which calls the checker.
    Raises JGMError when the lesson has no solution of that name.
    """
    namespace, found = {}, False
    for cell in book.code_cells(nb):
        tree = parse(cell)
        defines = any(isinstance(n, ast.FunctionDef) and n.name == name for n in tree.body)
        solution = "solution" in book.tags(cell) and defines
        whole = solution or ("given" in book.tags(cell) and not found)
        run_part(tree, (lambda n: True) if whole else is_import, namespace)
        if found:
            break
        found = solution
    if not found:
        raise JGMError(f"no cell tagged `solution` defines {name}")
    return namespace


def stub_namespace(nb, name: str) -> dict:
    """The same with the stub in place of the solution."""
    nb = deepcopy(nb)
    for cell in book.tagged(nb, "solution"):
        if cell.cell_type == "code":
            cell.source = stub(cell.source)
    return solution_namespace(nb, name)


def write(lessons) -> None:
    for py in lessons:
        book.write_notebook(target(py), student(py))


def main(arguments=None) -> int:
    options = book.parser_of("exercises", __doc__, "compare only, write nothing").parse_args(
        arguments
    )

    def work():
        lessons = book.lessons(options.names, options.folder)
        return (
            [line for py in lessons for line in differences(py)]
            if options.check
            else write(lessons)
        )

    return book.ended(work)


if __name__ == "__main__":
    sys.exit(main())
