"""Every lesson: in shape, run with its quick values offline and with empty caches, and its stored
outputs compared (nbval).
"""

import os
import subprocess
import sys

import pytest

from jgm_course import book, lint, offline, pairs, worker

WRITTEN = {
    "00_start_here",
    "01_score_matching",
    "02_langevin_dynamics",
    "03_gradient_domain",
    "04_train_the_prior",
    "05_colorize",
    "06_fast_samplers",
    "07_ablations",
    "08_comparison",
    "09_diversity",
    "10_blind_historic",
    "11_user_study",
    "12_scale_up",
}
LESSONS = [pytest.param(p, id=p.stem) for p in book.lessons()]


def test_no_written_lesson_is_lost():
    assert {p.stem for p in book.lessons()} >= WRITTEN


@pytest.mark.parametrize("lesson", LESSONS)
def test_in_shape(lesson):
    assert lint.lint(lesson) == []


@pytest.fixture(scope="session")
def plots(tmp_path_factory):
    """matplotlib's list of fonts, built once, from nothing."""
    return tmp_path_factory.mktemp("plots")


@pytest.mark.parametrize("lesson", LESSONS)
def test_runs_with_quick_values_offline_with_empty_caches(lesson, plots, record_property):
    result = worker.measure(lesson, prefix=offline.namespace_prefix()[0], plots=plots)
    record_property("seconds", result["seconds"])
    assert result["ok"], result["error"]
    assert isinstance(result["numbers"].get("nfe"), int)


def test_a_network_namespace_reaches_nothing_outside():
    """Without the guard in Python: the second wall holds alone."""
    prefix, reason = offline.namespace_prefix()
    if reason:
        pytest.skip(f"no network namespace here: {reason}")
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    done = subprocess.run([*prefix, sys.executable, "-c", code], capture_output=True, text=True)
    assert "Network is unreachable" in done.stderr


@pytest.mark.parametrize("lesson", LESSONS)
def test_stored_outputs_hold(lesson):
    """nbval runs the pair again; cells marked NBVAL_CHECK_OUTPUT must print the same."""
    environment = {**os.environ, "PYTHONPATH": pairs.with_library(os.environ.get("PYTHONPATH", ""))}
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--nbval-cell-timeout=300", f"{lesson.stem}.ipynb"],
        cwd=lesson.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
