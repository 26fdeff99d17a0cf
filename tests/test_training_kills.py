"""Training survives SIGKILL at any moment: whole files only, and the same weights at the end."""

import csv
import os
import random
import signal
import time
from pathlib import Path

import pytest

from jgm_lib.cli import main
from jgm_lib.training import runs, states_in
from jgm_lib.training.state import read_state

CARD = "{name: tiny, settings: {widths: [8, 8]}, size: 8, steps: %d, batch: 2, warmup: 3}"
STEPS, KILLS = 60, 20  # the latter at least


def life(words) -> int:
    """A process that runs the command; forked, for importing torch takes longer than the training."""
    child = os.fork()
    if not child:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os._exit(main(words))
    return child


def ended(child: int) -> bool:
    """Whether the process has ended, and well; reaped then."""
    done, status = os.waitpid(child, os.WNOHANG)
    assert not done or status == 0
    return bool(done)


def last_step(run: Path) -> int:
    found = states_in(run)
    return int(found[-1].stem.split("-")[1]) if found else 0


def check_whole(run: Path) -> None:
    """Every file that has its final name is whole; the others are known to be parts."""
    for path in run.iterdir():
        if path.name.startswith("step-"):
            read_state(path)  # with its SHA-256
        elif path.name == "log.csv":
            text = path.read_text()
            assert text.endswith("\n") and len({line.count(",") for line in text.split()}) == 1
        else:
            assert path.name == "lock" or path.name.startswith("."), path


def losses(run: Path) -> list:
    with open(run / "log.csv", newline="") as f:
        return [(row["step"], row["loss"], row["lr"]) for row in csv.DictReader(f)]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_killed_at_random_points_equals_uninterrupted(tmp_path):
    card, chance, kills = tmp_path / "tiny.yaml", random.Random(0), 0
    card.write_text(CARD % STEPS)
    words = ["train", str(card), "--save-every", "1"]
    main([*words, "--out", str(tmp_path / "warm"), "--steps", "1"])  # loads what is forked then
    begun = time.monotonic()
    assert main([*words, "--out", str(tmp_path / "whole")]) == 0
    step = (time.monotonic() - begun) / STEPS  # seconds

    run = tmp_path / "broken"
    words += ["--out", str(run)]
    while True:
        before = last_step(run)
        child = life(words + (["--resume"] if before else []))
        early = chance.random() < 0.2  # while the run is read back, or before that
        while not early and last_step(run) == before and not (over := ended(child)):
            time.sleep(0.001)
        if not early and over:
            break
        time.sleep(chance.uniform(0, 3 * step))
        if ended(child):
            break
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        kills += 1
        check_whole(run)
    print(f"{kills} kills")
    assert kills >= KILLS
    a, b = (read_state(states_in(tmp_path / n)[-1]) for n in ("whole", "broken"))
    assert a.tensors.keys() == b.tensors.keys() and a.pictures == b.pictures == 2 * STEPS
    assert all(v.equal(b.tensors[k]) for k, v in a.tensors.items())
    assert losses(tmp_path / "whole") == losses(run)
    weights = [runs.weights_path(tmp_path / n, "tiny").read_bytes() for n in ("whole", "broken")]
    assert weights[0] == weights[1]
    assert not [p for p in run.iterdir() if p.name.startswith(".")]
