"""Sweeps: the grid, the registry, resuming, failures, the pages."""

import csv
import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jgm_course import sweep, sweep_pages, worker
from jgm_lib.errors import JGMError

pytest_plugins = ["course_sample"]  # the fixtures made and course


def card(**changes):
    return sweep.validate(sweep.SweepCard, {"lesson": "90", "grid": {"sigma": [0.5]}, **changes})


class Fake:
    """Stands in for the kernel: remembers what was run, fails above sigma 2."""

    def __init__(self):
        self.ran = []

    def __call__(self, lesson, parameters, output, timeout, environment):
        self.ran.append(parameters)
        ok = parameters["sigma"] <= 2
        error = "" if ok else "JGMError: sigma | <b>too large</b>"
        numbers = {"nfe": 3, "psnr": 20 + parameters["sigma"]} if ok else {}
        return {"ok": ok, "error": error, "seconds": 1.5, "cpu_seconds": 1.0, "peak_mb": 90,
                "numbers": numbers}  # fmt: skip


@pytest.fixture
def fake(monkeypatch):
    stand_in = Fake()
    monkeypatch.setattr(sweep, "start", stand_in)
    monkeypatch.setattr(sweep, "code_version", lambda: "v1")
    return stand_in


def lines(out):
    return [json.loads(s) for s in (out / "registry.jsonl").read_text().splitlines()]


def test_the_grid_is_all_combinations_with_the_fixed_values():
    found = sweep.points(card(grid={"a": [1, 2], "b": ["x", "1e-3"]}, fixed={"c": "2E3"}))
    assert found == [
        {"c": 2000.0, "a": 1, "b": "x"},
        {"c": 2000.0, "a": 1, "b": 0.001},
        {"c": 2000.0, "a": 2, "b": "x"},
        {"c": 2000.0, "a": 2, "b": 0.001},
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fixed": {"sigma": 1}}, "sigma; each name must stand once"),
        ({"grid": {"sigma": []}}, "a name without values"),
        ({"grids": {}}, "grids: unknown name"),
        ({"timeout": 0.0}, "timeout=0.0"),
    ],
)
def test_a_bad_grid_is_refused_in_one_line(changes, message):
    with pytest.raises(JGMError, match=message):
        sweep.points(card(**changes))


def test_one_line_a_run_and_a_second_sweep_runs_only_what_is_new(fake, course, tmp_path, capsys):
    out = tmp_path / "out"
    sweep.sweep(card(grid={"sigma": [0.5, 1.0]}), out, course.folder)
    assert fake.ran == [{"sigma": 0.5}, {"sigma": 1.0}]
    first = lines(out)[0]
    assert first["parameters"] == {"sigma": 0.5}
    assert (first["code"], first["data"], first["lesson"]) == ("v1", "none", "90_sample")
    assert first["metrics"] == {"nfe": 3, "psnr": 20.5} and first["seconds"] == 1.5
    sweep.sweep(card(grid={"sigma": [0.5, 1.0, 1.5]}), out, course.folder)
    assert fake.ran[2:] == [{"sigma": 1.5}]
    assert len(lines(out)) == 3


def test_other_code_or_other_lesson_text_is_another_run(fake, course, tmp_path, monkeypatch):
    sweep.sweep(card(), tmp_path, course.folder)
    monkeypatch.setattr(sweep, "code_version", lambda: "v2")
    sweep.sweep(card(), tmp_path, course.folder)
    course.edit("The score of a Gaussian.", "The score.")
    sweep.sweep(card(), tmp_path, course.folder)
    assert len(fake.ran) == len(lines(tmp_path)) == 3


def test_a_failed_run_is_recorded_the_rest_go_on_and_retry_repeats_it(fake, course, tmp_path):
    grid = card(grid={"sigma": [9.0, 0.5]})
    runs = sweep.sweep(grid, tmp_path, course.folder)
    assert [r["ok"] for r in runs.values()] == [False, True]
    assert "too large" in lines(tmp_path)[0]["error"]
    sweep.sweep(grid, tmp_path, course.folder)
    assert len(fake.ran) == 2
    sweep.sweep(grid, tmp_path, course.folder, retry=True)
    assert fake.ran[2:] == [{"sigma": 9.0}]


def test_the_pages_hold_every_run_and_escape_what_they_show(fake, course, tmp_path):
    sweep.sweep(card(grid={"sigma": [9.0, 0.5]}), tmp_path, course.folder)
    page = (tmp_path / "gallery.html").read_text()
    assert "<h1>Sweep: 2 runs, 1 failed</h1>" in page
    assert "&lt;b&gt;too large&lt;/b&gt;" in page and "<b>too large" not in page
    table = (tmp_path / "table.md").read_text().splitlines()
    assert len(table) == 4
    assert r"sigma \| <b>too large" in table[2]
    rows = list(csv.DictReader((tmp_path / "table.csv").open()))
    assert [r["sigma"] for r in rows] == ["9.0", "0.5"]
    assert [r["psnr"] for r in rows] == ["", "20.5"]


def test_a_line_cut_off_by_a_crash_is_run_again(fake, course, tmp_path):
    grid = card(grid={"sigma": [0.5, 1.0]})
    sweep.sweep(grid, tmp_path, course.folder)
    registry = tmp_path / "registry.jsonl"
    registry.write_bytes(registry.read_bytes()[:-20])
    sweep.sweep(grid, tmp_path, course.folder)
    assert fake.ran[2:] == [{"sigma": 1.0}]
    assert [r["parameters"]["sigma"] for r in lines(tmp_path)] == [0.5, 1.0]


def test_a_damaged_line_in_the_middle_is_refused(fake, course, tmp_path):
    grid = card(grid={"sigma": [0.5, 1.0]})
    sweep.sweep(grid, tmp_path, course.folder)
    registry = tmp_path / "registry.jsonl"
    registry.write_text("{broken\n" + registry.read_text())
    with pytest.raises(JGMError, match="registry.jsonl line 1"):
        sweep.sweep(grid, tmp_path, course.folder)


def test_two_sweeps_at_once_share_the_runs(fake, course, tmp_path, monkeypatch):
    """Each sweep is inside a run while the other is too, and yet every point is run once."""
    both, first = threading.Barrier(2, timeout=60), threading.local()

    def meet(*arguments):
        if not hasattr(first, "done"):
            first.done = both.wait()
        return fake(*arguments)

    monkeypatch.setattr(sweep, "start", meet)
    grid = card(grid={"sigma": [0.5, 1.0, 1.5, 9.0, 2.0]})
    with ThreadPoolExecutor(2) as pool:
        a, b = pool.map(lambda _: sweep.sweep(grid, tmp_path, course.folder), range(2))
    assert sorted(p["sigma"] for p in fake.ran) == [0.5, 1.0, 1.5, 2.0, 9.0]
    assert len(lines(tmp_path)) == 5 and a == b
    assert [r["parameters"]["sigma"] for r in a.values()] == [0.5, 1.0, 1.5, 9.0, 2.0]
    assert "5 runs, 1 failed" in (tmp_path / "gallery.html").read_text()


def test_a_failed_run_that_another_sweep_repeated_is_not_repeated_again(fake, course, tmp_path):
    sweep.sweep(card(grid={"sigma": [9.0]}), tmp_path, course.folder)
    (old,) = lines(tmp_path)
    newer = {**old, "error": "another", "seconds": 2.5}
    sweep.append(tmp_path / "registry.jsonl", newer)  # while we waited for the lock
    task = ({"sigma": 9.0}, tmp_path, old["key"], {}, card(), old)
    assert sweep.run_once(course.py, *task) == newer
    assert len(fake.ran) == 1


def test_a_killed_sweep_leaves_no_lock(fake, course, tmp_path):
    sweep.sweep(card(), tmp_path, course.folder)
    (lock,) = (p for p in (tmp_path / "locks").iterdir() if p.name != "registry")
    code = (
        "import pathlib, sys, time\n"
        "from jgm_lib.locks import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with sweep.locked(lock, wait=False) as ours:
        assert not ours
    holder.kill()
    holder.wait()
    with sweep.locked(lock, wait=False) as ours:
        assert ours


def test_an_interrupted_sweep_leaves_no_run_behind(monkeypatch):
    """Its lock is free again, so a run that went on would be done twice at once."""
    started = []

    class Interrupted(subprocess.Popen):
        def communicate(self, *arguments, **options):
            started.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(worker.subprocess, "Popen", Interrupted)
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    try:
        with pytest.raises(KeyboardInterrupt):
            worker._answer(command, None, "{}", timeout=60)
        assert started[0].poll() == -signal.SIGKILL
    finally:
        started[0].kill()


def test_the_data_hash_sees_names_and_contents(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a.npy").write_bytes(b"1")
    first = sweep.data_hash([folder])
    assert first == sweep.data_hash([folder]) != sweep.data_hash([folder / "a.npy"])
    (folder / "a.npy").write_bytes(b"2")
    second = sweep.data_hash([folder])
    (folder / "a.npy").rename(folder / "b.npy")
    assert len({first, second, sweep.data_hash([folder]), sweep.data_hash([])}) == 4
    with pytest.raises(JGMError, match="not found"):
        sweep.data_hash([tmp_path / "none"])


def test_the_code_version_is_the_commit_or_the_package(tmp_path):
    assert sweep.code_version(tmp_path) == sweep.__version__
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"], ["tag", "v7"]):
        subprocess.run([*git, *command], check=True)
    assert sweep.code_version(tmp_path) == "v7"


def test_the_command_with_real_kernels(course, tmp_path, capsys):
    """Two runs, one out of range: a thumbnail for the good one, the clear line for the other."""
    grid = tmp_path / "grid.yaml"
    grid.write_text("lesson: '90'\ngrid:\n  sigma: [0.25, 9.0]\nfixed:\n  seed: 3\n")
    out = tmp_path / "out"
    assert sweep.main([str(grid), "--out", str(out), "--folder", str(course.folder)]) == 1
    good, bad = lines(out)
    assert good["metrics"]["nfe"] == 0
    assert (out / good["notebook"]).exists()
    with sweep_pages.Image.open(out / good["picture"]) as picture:
        assert max(picture.size) <= sweep_pages.SIDE
    assert bad["error"].startswith("JGMError: SampleCard: sigma=9.0")
    assert (
        f'<img src="{good["picture"]}" alt="Last picture with seed = 3, sigma = 0.25">'
        in (out / "gallery.html").read_text()
    )


@pytest.mark.parametrize("text", ["sigma", "=1", "a b=1", "a=[1"])
def test_bad_settings_of_the_command(text, tmp_path, capsys):
    assert sweep.main(["--lesson", "90", "--set", text, "--out", str(tmp_path)]) == 2
    assert "NAME=VALUE" in capsys.readouterr().err


def test_settings_of_the_command():
    found = sweep.parse_sets(["lam=0.5,1", "feedback=none,level"])
    assert found == {"lam": [0.5, 1], "feedback": ["none", "level"]}
