"""Lessons run in real kernels: parameters, errors, stored outputs, offline proof, status table."""

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from papermill.exceptions import PapermillExecutionError

from jgm_course import book, exercises, offline, pairs, run, worker

pytest_plugins = ["course_sample"]  # the fixtures made and course


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sigm": 1.0}, "SampleCard: sigm: unknown name (allowed: seed, sigma)"),
        (
            {"sigma": 5.0},
            "SampleCard: sigma=5.0: input should be less than or equal to 2 (allowed: 0.1 to 2.0)",
        ),
        ({"seed": "one"}, "SampleCard: seed='one': input should be a valid integer (allowed: 0"),
    ],
    ids=["unknown", "out of range", "mistyped"],
)
def test_a_bad_parameter_stops_with_one_clear_line(course, parameters, message):
    with pytest.raises(PapermillExecutionError) as caught:
        pairs.execute(course.nb(), course.folder, parameters)
    assert caught.value.exec_count == 3, "the cell right after the injected parameters"
    first, hint = caught.value.traceback
    assert first.startswith(f"JGMError: {message}")
    assert hint == "(run %tb in a new cell for the whole trace)"


def test_errors_in_a_lesson_are_short_and_the_whole_trace_is_one_command_away(course):
    """Also: a reader who comes back to the first cells, after the lesson made names of its own."""
    nb = course.nb()
    begin = [c.source for c in book.code_cells(nb)[:2]]
    cells = [
        *begin,
        "own = 3\nanother = 'text'",
        "sigma = 1.5",
        f"{begin[1]}\nprint(card.sigma)",
        "sigma = 9.0",
        begin[1],
        "%tb",
        "from jgm_course.checking import Hint\nraise Hint('wrong sign')",
        "1 / 0",
    ]
    nb.cells = [new_code_cell(source) for source in cells]
    NotebookClient(nb, allow_errors=True, resources={"metadata": {"path": course.folder}}).execute()
    outputs = [c.outputs for c in nb.cells]
    assert outputs[4][0].text == "1.5\n"
    (short,) = outputs[6]
    assert short.ename == "JGMError"
    assert len(short.traceback) == 2
    assert "Traceback" in str(outputs[7]) and "check_parameters" not in str(short)
    assert "jgm_lib" in str(outputs[7]), "the frames of the library are there"
    assert outputs[8][0].traceback[0] == "Hint: wrong sign"
    assert len(outputs[9][0].traceback) > 2, "other errors keep their trace"


def test_a_lesson_that_fails_leaves_the_old_pair(course, capsys):
    before = course.ipynb.read_text()
    course.edit("x = np.arange(3.0)", "x = np.arange(3.0)\nassert x.sum() == 4, 'sum'")
    assert pairs.main(["--folder", str(course.folder)]) == 1
    said = capsys.readouterr().err
    assert "90_sample.py failed, pair not written" in said
    assert "AssertionError" in said
    assert course.ipynb.read_text() == before


def nbval(path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", "-q"]
    environment = {**os.environ, "PYTHONPATH": pairs.with_library("")}
    return subprocess.run(
        [*command, path.name], cwd=path.parent, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_nbval_accepts_the_pair(course):
    done = nbval(course.ipynb)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b9 passed", done.stdout)


def test_nbval_refuses_a_changed_stored_output(course):
    text = course.ipynb.read_text()
    course.ipynb.write_text(text.replace("score at 1: -4.0", "score at 1: -3.9"))
    done = nbval(course.ipynb)
    assert done.returncode == 1
    assert "score at 1: -3.9" in done.stdout
    assert re.search(r"1 failed, 8 passed", done.stdout)


HOSTS = ["192.0.2.1", "8.8.8.8", "example.org"]


@pytest.mark.parametrize("host", HOSTS)
def test_the_guard_blocks_what_leaves_the_machine(host, tmp_path):
    code = f"import socket; socket.create_connection(({host!r}, 80), timeout=5)"
    done = guarded(code, tmp_path)
    assert f"network blocked: lessons run offline, but this one asked for {host}" in done.stderr


def test_the_guard_holds_for_datagrams_and_children_and_lets_loopback_pass(tmp_path):
    send = "import socket as s; s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))"
    assert "network blocked" in guarded(send, tmp_path).stderr
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {send!r}])"
    assert "network blocked" in guarded(child, tmp_path).stderr
    talk = (
        "import socket as s; a = s.create_server(('127.0.0.1', 0)); "
        "s.create_connection(('localhost', a.getsockname()[1])); print('talked')"
    )
    assert guarded(talk, tmp_path).stdout == "talked\n"


def guarded(code, home):
    environment = offline.environment(home, home)
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


def test_a_lesson_that_wants_the_network_fails_and_says_so(course):
    """The home folder is empty, too."""
    course.cell(
        "# %%\nimport socket\nfrom pathlib import Path\n\n"
        "assert not list(Path.home().glob('.cache/*')), 'caches'\n"
        "socket.create_connection(('192.0.2.1', 80))"
    )
    result = worker.measure(course.py)
    assert not result["ok"]
    assert result["error"].startswith("OSError: network blocked")
    assert result["peak_mb"] > 20


def test_a_run_that_hangs_or_dies_is_a_failed_run(course, monkeypatch):
    assert worker.measure(course.py, timeout=0.2)["error"] == "stopped after 0.2 s"
    result = worker.start(course.py, {}, course.folder / "o.ipynb", 60, prefix=["false"])
    assert not result["ok"]
    assert result["error"].startswith("the run died")


def test_the_status_table_and_the_time_lines_are_generated(course, capsys):
    readme, status = course.folder / "README.md", course.folder / "status.json"
    readme.write_text(f"# Top\n{run.START}\nold\n{run.END}\nbottom\n")
    status.write_text(json.dumps({"lessons": {"80_kept": worker.failed("no", 1.0)}}))
    where = ["--folder", str(course.folder), "--status", str(status)]
    assert run.main([*where, "--readme", str(readme), "--times"]) == 0
    text = readme.read_text()
    assert "old" not in text and text.startswith("# Top\n") and text.endswith("\nbottom\n")
    assert "| 80_kept | failed" in text
    assert re.search(r"\| 90_sample \| [\d.]+ \| [\d.]+ \| \d+ \| 0 \|", text)
    assert "sockets blocked" in text and "torch" in text
    saved = json.loads(status.read_text())["lessons"]["90_sample"]
    assert saved["ok"] and saved["numbers"] == {"nfe": 0, "score_at_1": -4.0}
    assert saved["peak_mb"] > 20 and saved["seconds"] > 0
    assert re.search(r"# - Time \(CPU\): about \d+ s, measured", course.py.read_text())
    assert pairs.differences(course.py) == exercises.differences(course.py) == []


def test_a_stated_time_that_still_holds_is_kept(course):
    assert run.write_time(course.py, 12.0)
    assert "about 15 s" in course.py.read_text()
    assert not run.write_time(course.py, 8.0)
    assert run.write_time(course.py, 15.1)
    assert "about 20 s" in course.py.read_text()
    assert run.write_time(course.py, 3.0)
    assert "about 5 s" in course.py.read_text()


def test_a_readme_without_markers_is_refused(course, capsys):
    readme = course.folder / "README.md"
    readme.write_text("# Top\n")
    status = {**run.machine("none"), "lessons": {}}
    with pytest.raises(ValueError, match="needs the two lines <!-- status:start -->"):
        run.write_readme(status, readme)
    assert readme.read_text() == "# Top\n"


def test_executed_notebooks_are_valid_and_have_ids(course):
    nb = nbformat.read(course.ipynb, as_version=4)
    nbformat.validate(nb)
    assert nb.nbformat_minor >= 5 and all(c.id for c in nb.cells)
