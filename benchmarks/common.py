"""What the measurements share: the machine, rows with a spread, files."""

import argparse
import functools
import json
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch

from jgm_course.book import write_text
from jgm_lib.errors import JGMError


def machine() -> dict:
    """What the numbers were measured on."""
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def cpu_name(info: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name as Linux gives it, elsewhere what Python knows."""
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def take_turns(functions: dict, budget: float, least: int = 3) -> dict[str, np.ndarray]:
    """Seconds of every call (rounds,) of each function, one call each a round.

    Taking turns lets a slow moment of the machine hit all alike, so ratios within a round are
    steadier than the times. A first round warms up and does not count; ``budget`` seconds a
    function, but at least ``least`` rounds.
    """
    times: dict[str, list] = {name: [] for name in functions}
    for function in functions.values():
        function()
    end = time.perf_counter() + budget * len(functions)
    while len(times[next(iter(times))]) < least or time.perf_counter() < end:
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in times.items()}


def row(name: str, values, unit: str) -> dict:
    """A number with its spread: median and quartiles of ``values`` (runs,), four digits."""
    low, value, high = (
        float(f"{v:.4g}") for v in np.quantile(np.atleast_1d(values), (0.25, 0.5, 0.75))
    )
    runs = int(np.size(values))
    return {"name": name, "unit": unit, "value": value, "low": low, "high": high, "runs": runs}


def report(rows: list[dict], path=None) -> None:
    """Rows on the screen and, with a path, in a file."""
    for r in rows:
        spread = f" ({r['low']:.4g} to {r['high']:.4g})" if r["runs"] > 1 else ""
        print(f"{r['name']:60s} {r['value']:9.4g} {r['unit']}{spread}")
    if path:
        write_json(path, rows)


def write_json(path, found) -> None:
    """Write as JSON, whole or not at all; a number that is not finite is refused."""
    write_text(Path(path), json.dumps(found, indent=1, allow_nan=False) + "\n")


def parser_of(doc: str) -> argparse.ArgumentParser:
    """A command line that shows the module's text and knows --json."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", metavar="FILE", help="write the numbers there")
    return parser


def answers(command):
    """Decorate a ``main(argv)``: what a user can mend is one line on stderr and exit code 2."""

    @functools.wraps(command)
    def run(argv=None) -> int:
        try:
            command(argv)
        except JGMError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        return 0

    return run
