"""The paper map: every item of the paper has code, a lesson and a test, or a reason why not yet."""

import functools
from pathlib import Path

import pytest

from jgm_course import register
from jgm_lib.errors import JGMError

ROWS = register.read_rows()
EACH = [pytest.param(r, id=r.item) for r in ROWS]


@functools.cache
def known() -> frozenset[str]:
    return frozenset(register.collected(ROWS))


def test_every_item_of_the_paper_has_one_row():
    assert register.completeness(ROWS) == []
    assert len(ROWS) == 19 + 1 + 3 + 10


@pytest.mark.parametrize("row", EACH)
def test_the_code_can_be_imported(row):
    assert register.code_problem(row) == ""


@pytest.mark.parametrize("row", EACH)
def test_the_lesson_shows_the_label(row):
    assert register.lesson_problem(row) == ""


@pytest.mark.parametrize("row", EACH)
def test_the_named_test_is_collected(row):
    assert register.proof_problem(row, known()) == ""


def test_only_the_lessons_of_later_experiments_wait(record_property):
    waiting = [r for r in ROWS if r.pending]
    record_property("pending", len(waiting))
    assert [p for r in ROWS if (p := register.pending_problem(r))] == []
    assert {r.lesson[:2] for r in waiting} <= set(register.LATER)
    assert len(waiting) <= 10, f"pending: {[r.item for r in waiting]}"


GOOD = register.Row(
    "Eq 14",
    "fusion",
    "jgm_lib.errors:JGMError",
    "90_sample",
    "tests/test_register.py::test_the_named_test_is_collected",
    "",
)
SAMPLE = Path(__file__).parent / "sample_course"


def change(**columns):
    return register.Row(**{**GOOD.__dict__, **columns})


def test_a_missing_a_double_and_a_foreign_row_are_named():
    rows = [r for r in ROWS if r.item != "Eq 7"] + [ROWS[0], change(item="Eq 20")]
    lines = register.completeness(rows)
    assert lines == ["Eq 7: no row", "Eq 20: not an item of the paper", "Eq 1: 2 rows"]


@pytest.mark.parametrize("code", ["jgm_lib.fusion:fuze", "jgm_lib.fusions:fuse", "fuse", ""])
def test_a_missing_symbol_is_named(code):
    assert register.code_problem(change(code=code)).startswith(f"Eq 14: code {code}")


def test_the_label_of_an_equation_is_its_tag_and_no_other_number():
    assert register.lesson_problem(change(item="Eq 11"), SAMPLE) == ""
    for item in ("Eq 14", "Eq 1", "Fig 40", "Table I", "Algorithm 1"):
        assert "does not show" in register.lesson_problem(change(item=item), SAMPLE)
    assert register.lesson_problem(change(item="Fig 4"), SAMPLE) == ""
    assert register.label("Table I").search("Table II") is None
    assert register.label("Fig 1").search("see Fig 10") is None
    assert "not found" in register.lesson_problem(change(lesson="55_none"), SAMPLE)


def test_a_test_that_does_not_exist_is_named():
    assert register.proof_problem(GOOD, known() | {GOOD.test}) == ""
    assert "is not collected" in register.proof_problem(change(test="tests/a.py::b"), known())


def test_a_missing_test_file_is_no_crash():
    assert register.collected([change(test="tests/none.py::b")]) == set()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"test": "pending"}, "without a reason"),
        ({"test": "pending", "pending": "later"}, "lesson 90_sample is not one of 07, 08"),
        ({"pending": "later"}, "nothing is pending"),
        ({"test": "pending", "pending": "later", "lesson": "07_ablations"}, ""),
    ],
)
def test_who_may_wait(columns, message):
    problem = register.pending_problem(change(**columns))
    assert (message in problem) if message else problem == ""


CASE = '<testcase classname="tests.test_fusion" name="{name}">{child}</testcase>'


def report(tmp_path, *cases):
    path = tmp_path / "report.xml"
    text = "".join(CASE.format(name=n, child=c) for n, c in cases)
    path.write_text(f"<testsuites><testsuite>{text}</testsuite></testsuites>")
    return register.outcomes(path)


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([("test_a[1]", ""), ("test_a[2]", "")], ""),
        ([("test_a[1]", ""), ("test_a[2]", "<failure/>")], "failure, passed"),
        ([("test_a", "<skipped/>")], "skipped"),
        ([("test_a", "<error/>")], "error"),
        ([("test_b", "")], "not run"),
    ],
)
def test_passed_means_all_cases_ran_and_passed(tmp_path, cases, message):
    row = change(test="tests/test_fusion.py::test_a")
    problem = register.ran_problem(row, report(tmp_path, *cases))
    assert problem == (f"Eq 14: test {row.test}: {message}" if message else "")


def test_a_line_with_a_column_too_few_is_refused(tmp_path):
    path = tmp_path / "map.md"
    path.write_text("| item | what |\n|---|---|\n| Eq 1 | y |\n")
    with pytest.raises(JGMError, match="map.md line 1: 2 columns"):
        register.read_rows(path)


def test_the_command_fails_on_a_missing_item(tmp_path, capsys):
    lines = register.MAP.read_text().splitlines()
    path = tmp_path / "map.md"
    path.write_text("\n".join(line for line in lines if not line.startswith("| Eq 7 ")))
    assert register.main(["--map", str(path)]) == 1
    assert "Eq 7: no row" in capsys.readouterr().err
