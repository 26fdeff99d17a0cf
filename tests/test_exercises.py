"""Every registered exercise is proven: solution accepted, stub and named wrong answers refused."""

import functools
import re

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jgm_course import book
from jgm_course.checking import REGISTRY, Hint, exercise, load_all
from jgm_course.exercises import solution_namespace, stub, stub_namespace
from jgm_course.lint_source import function_names
from jgm_lib.errors import JGMError

EXERCISES = load_all()
EACH = [pytest.param(e, id=f"nb{e.notebook}-{e.name}") for e in EXERCISES.values()]
WRONG = [
    pytest.param(e, wrong, id=f"nb{e.notebook}-{e.name}-{wrong}")
    for e in EXERCISES.values()
    for wrong in e.wrong
]


@functools.cache
def lesson(number: str):
    (path,) = book.lessons([number])
    return book.read_source(path)


@pytest.mark.parametrize("found", EACH)
def test_the_solution_is_accepted(found, capsys):
    solution = solution_namespace(lesson(found.notebook), found.name)[found.name]
    found.check(solution)
    assert f"{found.name}: correct" in capsys.readouterr().out


@pytest.mark.parametrize("found", EACH)
def test_the_stub_is_refused(found):
    answer = stub_namespace(lesson(found.notebook), found.name)[found.name]
    with pytest.raises(Hint, match="not written yet"):
        found.check(answer)


@pytest.mark.parametrize(("found", "wrong"), WRONG)
def test_a_wrong_answer_gets_the_hint_that_names_it(found, wrong):
    answer, word = found.wrong[wrong]
    with pytest.raises(Hint, match=re.escape(word)) as caught:
        found.check(answer)
    assert "your answer stopped" not in str(caught.value), "a wrong answer must run, not crash"


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in book.lessons()])
def test_every_solution_cell_has_an_exercise_and_the_other_way_round(path):
    nb = book.read_source(path)
    cells = [c for c in book.tagged(nb, "solution") if c.cell_type == "code"]
    names = {n for c in cells for n in function_names(c)}
    assert names == {e.name for e in EXERCISES.values() if e.notebook == path.stem[:2]}


def test_a_checker_needs_two_wrong_answers():
    with pytest.raises(ValueError, match="two wrong answers"):
        exercise("99", "f", wrong={"one": (abs, "x")})


def checker():
    @exercise("99", "double", wrong={"a": (abs, "x"), "b": (abs, "x")})
    def check_double(answer):
        if answer(2) != 4:
            raise Hint("twice the number")

    return check_double


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: x, "double: twice the number"),
        (lambda: 4, "double: your answer stopped with TypeError"),
        (stub, "double: your answer stopped with"),
    ],
)
def test_every_failure_of_an_answer_is_a_hint(answer, hint):
    with pytest.raises(Hint, match=hint):
        checker()(answer)


def test_the_worked_example_of_the_guide_is_right():
    """docs/notebook_style.md shows a checker and its solution; both must do what it says."""
    guide = (book.ROOT / "docs" / "notebook_style.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (checks,) = (b for b in blocks if b.startswith('"""Checkers of lesson 02."""'))
    (cells,) = (b for b in blocks if "**Exercise 1.**" in b)
    namespace = {"__name__": "guide"}
    assert "from ..checking import" in checks  # as the lessons' own checkers have it
    exec(checks.replace("from ..checking", "from jgm_course.checking"), namespace)
    found = REGISTRY["02", "langevin_step"]
    exec(cells.split("# %%")[2].partition("\n")[2], namespace)
    found.check(namespace["langevin_step"])
    for answer, word in found.wrong.values():
        with pytest.raises(Hint, match=re.escape(word)):
            found.check(answer)


def test_the_stub_keeps_signature_and_docstring_and_nothing_of_the_answer():
    source = 'import math\n\n\ndef f(x,\n      y=2):\n    """Add."""\n    return math.fsum([x, y])'
    text = stub(source)
    assert text.startswith('import math\n\n\ndef f(x,\n      y=2):\n    """Add."""')
    assert "fsum" not in text
    namespace = {}
    exec(text, namespace)
    with pytest.raises(NotImplementedError, match="write f"):
        namespace["f"](1)


def test_an_import_of_the_same_name_is_not_taken_for_the_solution():
    nb = new_notebook(cells=[new_code_cell("from math import fsum")])
    with pytest.raises(JGMError, match="no cell tagged `solution` defines fsum"):
        solution_namespace(nb, "fsum")
    tagged = {"tags": ["solution"]}
    nb.cells.append(new_code_cell("def fsum(x):\n    return np.sum(x)", metadata=tagged))
    nb.cells.append(new_code_cell("import numpy as np"))
    assert solution_namespace(nb, "fsum")["fsum"]([1, 2]) == 3
    with pytest.raises(NotImplementedError):
        stub_namespace(nb, "fsum")["fsum"]([1, 2])


@pytest.mark.parametrize("source", ["x = 1", "def f(x): return x", "def f():\n    1\nf()"])
def test_a_solution_cell_that_cannot_be_stubbed_is_refused(source):
    with pytest.raises(JGMError):
        stub(source)
