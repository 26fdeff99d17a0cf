"""The checks of the lessons, tested on lessons broken on purpose; no kernel is started here
beyond the one that makes the sample's pair. Kernels: test_course_kernels.py.
"""

import json
import os
import re

import pytest
from jupytext.cli import jupytext as jupytext_main

from jgm_course import book, exercises, lint, lint_source, pairs
from jgm_lib.errors import JGMError

pytest_plugins = ["course_sample"]  # the fixtures made and course


def problems(course) -> str:
    return "\n".join(lint.lint(course.py))


def test_a_good_lesson_has_no_problems(course, capsys):
    os.utime(course.py)  # a newer date alone makes no pair stale
    assert problems(course) == ""
    assert lint.main(["--folder", str(course.folder)]) == 0
    assert pairs.main(["--check", "--folder", str(course.folder)]) == 0
    assert exercises.main(["--check", "--folder", str(course.folder)]) == 0
    assert "1 lessons, 0 problems" in capsys.readouterr().out


BROKEN = {
    "heading": ("# ## On your own", "# ## Alone", "`## On your own` found 0 times"),
    "heading place": ("# ## What you need", "# %% [markdown]\n# ## What you need", "first cell"),
    "heading order": ("# ## Exercises", "# ## Further reading\n# ## Exercises", "found 2 times"),
    "title": ("# # 90 Sample", "# # 91 Sample", "must start with `# 90 Title`"),
    "time": ("# - Time (GPU): no GPU needed", "# - no GPU needed", "- Time (GPU): ..."),
    "undeclared parameter": ("seed = 0", "sead = 0", "sead: unknown name (allowed: seed, sigma)"),
    "parameter out of range": ("sigma = 0.5", "sigma = 5.0", "(allowed: 0.1 to 2.0)"),
    "parameter not literal": ("seed = 0", "seed = int(0)", "only `name = literal`"),
    "two defaults": ("seed = 0", "seed = 1", "seed: the value here and the default"),
    "parameters untagged": ('# %% tags=["parameters"]', "# %%", "exactly one cell tagged"),
    "no validation": ("card = begin(CARD, globals())", "card = CARD()", "begin(CARD, globals())"),
    "absolute path": ("import numpy as np", 'f = "/data/photos/a.png"', "path /data/photos/a.png"),
    "home path": ("import numpy as np", 'f = "~/photos"', "absolute path ~/photos"),
    "bare show": ("show(\n", "plt.show(\n", "bare show()"),
    "equation number": (r"\tag{11}", r"\tag{20}", r"\tag{20}: allowed are"),
    "equation name": (r"\tag{11}", r"\tag{11a}", r"\tag{11a}: allowed are"),
    "equation by hand": (r"\tag{11}", "(11)", "not by hand"),
    "one exercise": ('# %% tags=["solution"]\ndef mean', "# %%\ndef mean", "1 cells tagged"),
    "no check": ("check_mean(mean)", "pass", "must call check_mean(mean)"),
    "no checker": ("def mean(", "def median(", "must call check_median(median)"),
    "syntax": ("check_mean(mean)", "check_mean(mean)\n\n\nx = (", "was never closed"),
    "status": ('# %% tags=["status"]', "# %%", "the last code cell must be tagged `status`"),
    "alt in markdown": ("# The number -4.", "# ![](a.png)", "picture without alt text"),
    "kernelspec": ("#     language: python\n", "", "language: python (papermill"),
}


@pytest.mark.parametrize(("old", "new", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_source_is_named(course, old, new, message):
    course.edit(old, new)
    assert message in problems(course)
    assert lint.main(["--folder", str(course.folder)]) == 1


METHOD = '# %% tags=["method"]\ndef twice(x):\n    return x + x\n'
ASSERTED = "# %%\nassert twice(2) == 4\n"
METHODS = {
    "asserted": (METHOD + "\n\n" + ASSERTED, None),
    "asserted in the cell itself": (METHOD + "\n\nassert twice(2) == 4\n", None),
    "not there": ("", "no cell tagged `method`"),
    "not asserted": (METHOD, "must assert"),
    "asserted too late": (METHOD + "\n\n# %%\na = 1\n\n" + ASSERTED, "must assert"),
    "called without assertion": (METHOD + "\n\n# %%\ntwice(2)\n", "must assert"),
    "something else asserted": (METHOD + "\n\n# %%\nassert 2 + 2 == 4\n", "must assert"),
    "too long": (METHOD + "    # a line\n" * 24 + "\n" + ASSERTED, "of 26 lines, at most 25"),
}


@pytest.mark.parametrize(("cells", "message"), METHODS.values(), ids=METHODS)
def test_a_lesson_shows_its_method(course, monkeypatch, cells, message):
    monkeypatch.setattr(lint_source, "METHOD_LESSONS", ("90",))
    if cells:
        course.cell(cells)
    found = [p for p in problems(course).splitlines() if "method" in p]
    assert (message in found[0] and len(found) == 1) if message else not found


@pytest.mark.parametrize(
    ("short", "long", "lines", "message"),
    [
        (0, 3, 18, "90th percentile of the code cells 18 lines"),
        (0, 9, 7, "median code cell 7 lines"),
        (4, 1, 18, None),
        (0, 3, 17, None),
    ],
)
def test_long_cells(course, short, long, lines, message):
    """One long cell in eleven is allowed, more are not; comments and blank lines are free."""
    for number in range(short + long):
        course.cell("# %%\n" + "a = 1\n# note\n\n" * (lines if number < long else 1))
    found = [p for p in problems(course).splitlines() if "lines, at most" in p]
    assert (message in found[0]) if message else not found


def cell_with(nb, text):
    return next(c for c in nb["cells"] if text in "".join(c["source"]))


def no_alt(nb):
    (output,) = cell_with(nb, "picture_row")["outputs"]
    html = "".join(output["data"]["text/html"])
    output["data"]["text/html"] = html.replace(' alt="Three', ' title="Three')


def plain_png(nb):
    data = {"image/png": "aGVsbG8=", "text/plain": "<Figure>"}
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    cell_with(nb, "import numpy")["outputs"].append(output)


def printed(text):
    def change(nb):
        cell_with(nb, "import numpy")["outputs"][0]["text"] = text

    return change


def unrun(nb):
    cell_with(nb, "import numpy")["execution_count"] = None


def failed(nb):
    error = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
    cell_with(nb, "import numpy")["outputs"].append(error)


def not_json(nb):
    cell_with(nb, "nfe")["outputs"][0]["text"] = "nfe 0"


def untagged(nb):
    cell_with(nb, "def mean")["metadata"].clear()


OUTPUTS = {
    "no alt": (no_alt, "90_sample.ipynb cell 6: picture without alt text; use jgm_lib.figures"),
    "plain png": (plain_png, "90_sample.ipynb cell 5: picture without alt text"),
    "heavy": (printed("x" * 1_000_001), "outputs weigh 1.0 MB, at most 1; the heaviest is cell 5"),
    "path": (printed("saved to /home/me/out.png"), "absolute path /home/me/out.png in the output"),
    "address": (printed("<Axes at 0x7f2a30b1c0d0>"), "object address (at 0x7f2a30b1c0d0)"),
    "never run": (unrun, "90_sample.ipynb cell 5: never run"),
    "error": (failed, "90_sample.ipynb cell 5: stores an error"),
    "status": (not_json, 'one line of JSON with a whole number "nfe"'),
    "tags": (untagged, "tags differ: def mean"),
}


@pytest.mark.parametrize(("change", "message"), OUTPUTS.values(), ids=OUTPUTS)
def test_a_broken_output_is_named(course, change, message):
    course.change_pair(change)
    assert message in problems(course)


@pytest.mark.parametrize("text", ["https://example.org/a/b", "a 1/2 mix and/or such", "</b>/x"])
def test_what_is_no_path(course, text):
    course.change_pair(printed(text))
    assert problems(course) == ""


def test_a_stale_pair_is_named_with_notebook_and_cell(course, capsys):
    course.edit("x = np.arange(3.0)", "x = np.arange(4.0)")
    assert pairs.main(["--check", "--folder", str(course.folder)]) == 1
    assert (
        "cell 5: differs: .py has 'x = np.arange(4.0)', .ipynb 'x = np.arange(3.0)'"
        in capsys.readouterr().err
    )


def test_an_edited_pair_is_not_overwritten(course, capsys, monkeypatch):
    """Edited in the notebook: refused, with the way into the .py. Edited in the .py: made anew."""
    monkeypatch.setattr(pairs, "execute", lambda nb, folder: nb)
    course.edit("x = np.arange(3.0)", "x = np.arange(4.0)")  # the pair is what was made
    assert pairs.main(["--folder", str(course.folder)]) == 0
    assert "arange(4.0)" in course.ipynb.read_text()

    def edited(nb):
        cell = cell_with(nb, "np.arange(4.0)")
        cell["source"] = "".join(cell["source"]).replace("4.0", "5.0")

    course.change_pair(edited)
    before = course.ipynb.read_bytes()
    assert pairs.main(["--folder", str(course.folder)]) == 1
    said = capsys.readouterr().err
    assert "90_sample.ipynb was edited" in said and "cell 5: differs" in said
    command = re.search(r"jupytext (.*?) \(in", said)[1]
    assert course.ipynb.read_bytes() == before
    monkeypatch.chdir(course.folder)
    assert jupytext_main(command.split()) in (0, None)
    assert "arange(5.0)" in course.py.read_text()
    assert pairs.differences(course.py)[:1] == unrun_only(course)[:1]
    assert pairs.main(["--folder", str(course.folder)]) == 0  # in step, so nothing is lost
    course.change_pair(lambda nb: cell_with(nb, "np.arange(5.0)").update(source="y = 1"))
    assert pairs.main(["--folder", str(course.folder)]) == 1
    assert pairs.main(["--force", "--folder", str(course.folder)]) == 0
    assert "y = 1" not in course.ipynb.read_text()


def unrun_only(course) -> list[str]:
    return pairs.unrun(book.read_pair(course.ipynb), course.ipynb.name)


def test_added_and_removed_cells_are_named(course):
    course.cell("# %%\nextra = 1")
    assert "cell 7: differs: .py has 'extra = 1'" in pairs.differences(course.py)[0]
    course.edit("# %%\nextra = 1\n\n", "")
    course.edit('# %% tags=["status"]\nprint(\'{"nfe": 0, "score_at_1": -4.0}\')\n', "")
    assert "not in the .py: print" in pairs.differences(course.py)[0]


def test_missing_and_broken_and_orphaned_pairs(course):
    (course.folder / "91_alone.ipynb").write_text("{}")
    assert "91_alone.ipynb: no 91_alone.py beside it" in pairs.check([], course.folder)
    course.ipynb.write_text('{"cells": [')
    assert "not a notebook" in problems(course)
    course.ipynb.unlink()
    assert "90_sample.ipynb: missing; run `make notebooks`" in problems(course)


def test_a_stale_student_version_is_named(course):
    course.edit('"""The score at x."""', '"""The score of a Gaussian at x."""')
    assert "exercises/90_sample.ipynb cell 9: differs" in "\n".join(
        exercises.differences(course.py)
    )


def test_the_student_gets_stubs_and_checks_but_no_answers(course):
    text = exercises.target(course.py).read_text()
    nb = json.loads(text)
    assert text.count("raise NotImplementedError") == 2
    assert "check_score(score)" in text
    assert "sigma**2\\n" not in json.dumps(cell_with(nb, "def score")["source"])
    assert "points downhill" not in text
    assert not any(c.get("outputs") for c in nb["cells"])


def test_settings_files_are_checked(course):
    (course.folder / "params").mkdir()
    path = course.folder / "params" / "90_sample.paper.yaml"
    path.write_text("sigma: 1.5\n")
    assert problems(course) == ""
    path.write_text("sigmas: 1.5\n")
    assert "params/90_sample.paper.yaml: SampleCard: sigmas: unknown name" in problems(course)


def test_cell_ids_are_kept_and_new_ones_do_not_depend_on_chance(course):
    before = [c.id for c in book.read_pair(course.ipynb).cells]
    course.edit("x = np.arange(3.0)", "x = np.arange(4.0)")
    course.cell("# %%\nextra = 1")
    course.cell("# %%\nextra = 1")
    first, second = (pairs.combined(course.py, course.ipynb) for _ in range(2))
    ids = [c.id for c in first.cells]
    assert ids == [c.id for c in second.cells]
    assert len(set(ids)) == len(ids)
    assert [i for i in ids if i in before] == before


def test_the_pair_holds_no_times_and_no_paths(course):
    text = course.ipynb.read_text()
    for word in ("papermill", "duration", "start_time", "lines_to_next_cell", str(course.folder)):
        assert word not in text


def test_stderr_and_live_widgets_are_dropped(course):
    nb = book.read_pair(course.ipynb)
    stderr = {"output_type": "stream", "name": "stderr", "text": "warning"}
    widget = {"output_type": "display_data", "metadata": {}, "data": {pairs.WIDGET: {}}}
    cell = book.code_cells(nb)[2]
    kept = list(cell.outputs)
    cell.outputs = [*kept, *map(type(nb), (stderr, widget))]
    pairs.strip(nb)
    assert cell.outputs == kept


def test_an_unknown_lesson_is_refused_in_one_line(course, capsys):
    assert lint.main(["55", "--folder", str(course.folder)]) == 2
    assert "lesson '55': not found" in capsys.readouterr().err
    with pytest.raises(JGMError, match="allowed: 90_sample"):
        book.lessons(["55"], course.folder)


def test_a_failed_write_leaves_the_old_file(course, monkeypatch):
    before = course.ipynb.read_text()
    monkeypatch.setattr(os, "replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(JGMError, match="cannot be written .disk full"):
        book.write_text(course.ipynb, "half")
    assert course.ipynb.read_text() == before
    assert not list(course.folder.glob(".*"))


def test_answers_are_folded_up_in_the_pair_and_open_in_the_sheet(course):
    def folded(path):
        cells = book.read_pair(path).cells
        return [bool(c.metadata.get("jupyter", {}).get("source_hidden")) for c in cells]

    answers = ["solution" in book.tags(c) for c in book.read_pair(course.ipynb).cells]
    assert any(answers) and folded(course.ipynb) == answers
    assert not any(folded(course.folder / "exercises" / course.ipynb.name))
