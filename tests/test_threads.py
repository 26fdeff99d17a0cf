"""One thread policy: set before torch loads wherever the project begins, and the user's own stays."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jgm_lib import threads

STARTS = ("import jgm_lib", "import jgm_course", "import benchmarks", "import conftest")
LIBRARY = (Path(importlib.util.find_spec("torch").origin).parent / "lib").glob("libgomp*")
OPENMP = str(
    next(LIBRARY, "")
)  # torch's own; it says its settings when it is loaded, which happens once
SAY = f"; import ctypes; ctypes.CDLL({OPENMP!r})"


def said(start: str, tmp_path, **own) -> str:
    """OpenMP's own account of its settings in a fresh process that begins with ``start``."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.pathsep.join(os.path.join(root, p) for p in ("", "notebooks", "tests"))
    plain = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
    env = {**plain, "PYTHONPATH": path, "OMP_DISPLAY_ENV": "TRUE", **own}
    done = subprocess.run(
        [sys.executable, "-c", start + SAY], env=env, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.skipif(not OPENMP, reason="torch comes without GNU OpenMP here")
@pytest.mark.parametrize("start", STARTS)
def test_threads_wait_without_spinning_wherever_the_project_begins(start, tmp_path):
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in said(start, tmp_path)


@pytest.mark.skipif(not OPENMP, reason="torch comes without GNU OpenMP here")
def test_the_users_own_environment_wins(tmp_path):
    text = said("import jgm_lib", tmp_path, OMP_WAIT_POLICY="ACTIVE", OMP_NUM_THREADS="3")
    assert "OMP_WAIT_POLICY = 'ACTIVE'" in text and "OMP_NUM_THREADS = '3'" in text


@pytest.mark.parametrize("quota, cores", [("200000 100000", 2), ("50000 100000", 1), ("max 100000", 8),
                                          ("6400000 100000", 8), ("nonsense", 8), (None, 8)])  # fmt: skip
def test_a_containers_quota_counts(quota, cores, tmp_path, monkeypatch):
    monkeypatch.setattr(threads, "visible", lambda: 8)
    path = tmp_path / "cpu.max"
    if quota:
        path.write_text(quota)
    assert threads.allowed(path) == cores


def test_a_quota_limits_the_threads_and_no_quota_leaves_them_to_torch(monkeypatch):
    monkeypatch.setattr(threads, "visible", lambda: 8)
    for cores, expected in ((2, {"OMP_NUM_THREADS": "2"}), (8, {})):
        monkeypatch.setattr(threads, "allowed", lambda cores=cores: cores)
        environ: dict = {}
        threads.settle(environ)
        assert environ == {"OMP_WAIT_POLICY": "PASSIVE", **expected}


@pytest.mark.parametrize("cores, expected", [(1, "1"), (2, "1"), (4, "2"), (64, "4")])
def test_a_visitors_share(cores, expected, monkeypatch):
    monkeypatch.setattr(threads, "allowed", lambda: cores)
    environ: dict = {}
    threads.share(environ)
    assert environ == {"OMP_NUM_THREADS": expected}
    own = {"OMP_NUM_THREADS": "7"}
    threads.share(own)
    assert own == {"OMP_NUM_THREADS": "7"}
