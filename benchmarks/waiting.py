"""What it costs that threads sleep while they wait, and what it gains beside other programs.

    python -m benchmarks.waiting [--rounds 7] [--json FILE]

Times the bundled prior in fresh processes with OMP_WAIT_POLICY passive (the project's) and active
(spinning), in turn; alone, and beside as many busy processes as there are cores. Only the ratios
within a round count. Run it on a quiet machine: about half a minute a round.
"""

import argparse
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import torch

from jgm_course.book import ROOT
from jgm_lib import Colorizer
from jgm_lib.threads import visible

from .common import answers, parser_of, report, row

POLICIES = ("PASSIVE", "ACTIVE")
BUSY = "while True: sum(range(10000))"


def one(evaluations: int = 20) -> float:
    """Seconds of an evaluation of 4 pictures of 64 x 64, here."""
    model = Colorizer.from_pretrained("scenes-64", device="cpu").model
    X = torch.rand(4, 9, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.denoise(X, 0.5)
        start = time.perf_counter()
        for _ in range(evaluations):
            model.denoise(X, 0.5)
    return (time.perf_counter() - start) / evaluations


def apart(policy: str) -> float:
    """``one`` in a fresh process under this policy."""
    env = {**os.environ, "OMP_WAIT_POLICY": policy}
    command = [sys.executable, "-m", "benchmarks.waiting", "--one"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


@contextmanager
def load(processes: int):
    """So many busy processes beside us."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def measure(rounds: int) -> list[dict]:
    """Seconds under each policy, and the ratios of a round: passive to active."""
    rows = []
    for where, processes in (("alone", 0), ("beside a busy process a core", visible())):
        with load(processes):
            times = np.array([[apart(policy) for policy in POLICIES] for _ in range(rounds)])
        rows += [
            row(f"{where}, {policy.lower()}", 1000 * times[:, k], "ms")
            for k, policy in enumerate(POLICIES)
        ]
        rows.append(row(f"{where}, passive / active", times[:, 0] / times[:, 1], "times"))
    return rows


@answers
def main(argv=None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.one:
        print(one())
    else:
        report(measure(args.rounds), args.json)


if __name__ == "__main__":
    sys.exit(main())
