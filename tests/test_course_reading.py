"""Study time and links of the lessons: counted by rule, refused when stale or leading nowhere."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from jgm_course import book, exercises, lint, lint_text, pairs, reading

pytest_plugins = ["course_sample"]  # the fixtures made and course


def text_of(n_words: int, solutions: int = 0):
    cells = [new_markdown_cell("word " * n_words), new_code_cell("many words that do not count")]
    solution = {"tags": ["solution"]}
    cells += [new_code_cell("pass", metadata=solution) for _ in range(solutions)]
    return new_notebook(cells=cells)


@pytest.mark.parametrize(
    ("words", "solutions", "minutes"),
    [(750, 0, 5), (751, 0, 10), (0, 5, 15), (300, 1, 5), (301, 1, 10), (1500, 2, 20)],
)
def test_minutes_are_words_at_150_and_three_an_exercise_rounded_up_to_five(
    words, solutions, minutes
):
    assert reading.minutes(text_of(words, solutions)) == minutes


def test_a_formula_is_a_word_and_rules_and_the_own_lines_are_none():
    assert reading.words("two $a + b$ words") == 3
    assert reading.words("before\n$$ a = b \\tag{a} $$\nafter") == 3
    assert reading.words("| a | b |\n|---|---|\n- c") == 3
    assert reading.words("- Study time: about 5 min\n- Blank exercise sheet: `x`\none") == 1


def test_a_stale_study_time_is_named_and_written(course):
    assert lint.lint(course.py) == []
    assert not reading.write(course.py)
    before = course.py.read_text()
    course.edit("# The paper.", "# The paper.\n#\n# " + "word " * 1000)
    assert "run `python -m jgm_course.reading 90`" in "\n".join(lint.lint(course.py))
    assert reading.main(["--folder", str(course.folder)]) == 0
    assert "- Study time: about 15 min" in course.py.read_text()
    for path in (course.ipynb, exercises.target(course.py)):
        assert "- Study time: about 15 min" in book.read_pair(path).cells[0].source
    assert not any("study time" in line for line in lint.lint(course.py))
    course.edit("# The paper.\n#\n# " + "word " * 1000, "# The paper.")
    assert reading.write(course.py)
    assert course.py.read_text() == before
    assert pairs.differences(course.py) == exercises.differences(course.py) == []


def test_the_lines_stand_behind_a_gpu_time_of_two_lines():
    source = "# T\n- Time (CPU): a\n- Time (GPU): b\n  more b\n- Before this: c"
    new = "- Study time: d\n- Blank exercise sheet: e\n"
    once = reading.updated(source, new)
    assert once == source.replace("  more b\n", "  more b\n" + new)
    assert reading.updated(once, new) == once


LINKS = {
    "no file": ("[a](../nothing.md)", "link to ../nothing.md: no such file"),
    "no heading": ("[a](page.md#oracle)", "link to page.md#oracle: no such heading"),
    "heading": ("[a](page.md#grey-replica) and [b](page.md)", None),
    "elsewhere": ("[a](https://example.org/x#y)", None),
}


@pytest.mark.parametrize(("link", "message"), LINKS.values(), ids=LINKS)
def test_a_link_that_leads_nowhere_is_named(course, link, message):
    (course.folder / "page.md").write_text("# Page\n\n### Grey replica\n\nGrey.\n")
    course.edit("# The paper.", f"# The paper. {link}")
    found = [line for line in lint.lint(course.py) if "link to" in line]
    assert (len(found) == 1 and message in found[0]) if message else not found


def test_the_exercise_sheet_links_from_one_folder_further_down(course):
    course.edit("# The paper.", "# The paper. [a](../page.md#a) [b](https://example.org/../x)")
    text = exercises.student(course.py).cells[-2].source
    assert "[a](../../page.md#a)" in text and "[b](https://example.org/../x)" in text


def test_headings_have_the_names_of_a_code_host():
    assert lint_text.anchors("# Null space\n### F\n## Re-stacking (05)\ntext") == {
        "null-space",
        "f",
        "re-stacking-05",
    }


@pytest.mark.parametrize(
    ("lines", "tag", "found"), [(26, "method", 1), (25, "method", 0), (26, "x", 0)]
)
def test_a_method_fits_a_screen(course, lines, tag, found):
    course.cell(f'# %% tags=["{tag}"]\n' + "a = 1\n" * lines)
    named = [line for line in lint.lint(course.py) if "method of 26 lines, at most 25" in line]
    assert len(named) == found
