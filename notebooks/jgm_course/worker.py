"""Run one lesson in this process's environment and print what it took as one line of JSON.

Started by `measure` as its own process: environment, peak memory and a time limit are then its own.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from papermill.exceptions import PapermillExecutionError

from jgm_lib.errors import JGMError

from . import book, lint_outputs, offline, pairs

UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, kB on Linux


def one_line(error) -> str:
    """`JGMError: message` from a papermill error."""
    text = f"{error.ename}: {error.evalue}" if hasattr(error, "ename") else f"{error}"
    return " ".join(text.split())[:500]


def run(lesson: Path, output: Path, parameters: dict) -> dict:
    """Execute; returns ok, error, seconds, cpu_seconds, peak_mb and the lesson's status numbers."""
    started, error, nb = time.perf_counter(), "", None
    try:
        source = book.read_source(lesson)
        source.nbformat_minor = 5
        pairs.stable_ids(source)
        nb = pairs.execute(source, lesson.parent, parameters, output)
    except (PapermillExecutionError, JGMError) as failure:
        error = one_line(failure)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # the kernel, waited for by now
    return {
        "ok": not error,
        "error": error,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss * UNIT / 1e6),
        "numbers": lint_outputs.status_line(nb) if nb is not None else {},
    }


def measure(lesson: Path, parameters=None, output=None, timeout=600, prefix=(), plots=None) -> dict:
    """Run a lesson in a fresh process, offline, with empty caches; the dict of `run`.

    ``prefix`` starts the process in a network namespace; ``output`` keeps the executed notebook.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        home.mkdir()
        path = os.environ.get("PYTHONPATH", "")
        environment = offline.environment(home, Path(plots or home), path)
        output = output or Path(folder, "out.ipynb")
        return start(lesson, parameters, output, timeout, environment, prefix)


def start(lesson, parameters, output, timeout, environment=None, prefix=()) -> dict:
    """Run a lesson in a fresh process; ``environment`` None is this process's own."""
    task = {
        "lesson": str(Path(lesson).resolve()),
        "output": str(Path(output).resolve()),
        "parameters": parameters or {},
        "up": bool(prefix),
    }
    command = [*prefix, sys.executable, "-m", __name__]
    return _answer(command, environment, json.dumps(task), timeout)


def _answer(command, environment, text: str, timeout: float) -> dict:
    """The worker's last line; a worker that hangs or dies is a failed run, not an exception."""
    process = subprocess.Popen(
        command, env=environment, cwd=book.ROOT, text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = process.communicate(text, timeout=timeout)
        return json.loads(out.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return failed(f"stopped after {timeout:g} s", timeout)
    except (ValueError, IndexError):
        return failed(f"the run died: {' '.join(err.split())[-300:]}", 0.0)
    finally:
        if process.poll() is None:  # too slow, or Ctrl-C, which a session of its own does not hear
            os.killpg(process.pid, signal.SIGKILL)  # the kernel ends when its parent is gone
            process.wait()


def failed(error: str, seconds: float) -> dict:
    return {"ok": False, "error": error, "seconds": seconds, "cpu_seconds": 0.0, "peak_mb": 0,
            "numbers": {}}  # fmt: skip


def main() -> int:
    task = json.load(sys.stdin)
    if task["up"]:
        offline.loopback_up()
    result = run(Path(task["lesson"]), Path(task["output"]), task["parameters"])
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
