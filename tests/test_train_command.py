"""jgm train and jgm export as people use them: stopped, gone on with, exported, on a full disk."""

import csv
import io
import json
import os
import re
import resource
import shlex
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from jgm_lib import checkpoints
from jgm_lib.cli import main
from jgm_lib.cli.watch import Watch, duration
from jgm_lib.params import TrainCard
from jgm_lib.training import fit, runs, states_in
from jgm_lib.training.books import Interval
from jgm_lib.training.runs import checkpoint_bytes, start
from jgm_lib.training.state import read_state

ROOT = Path(checkpoints.__file__).parents[1]
VALUES = dict(name="tiny", settings={"widths": [8, 8]}, size=8, steps=8, batch=2, warmup=3)


@pytest.fixture
def card(tmp_path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(json.dumps(VALUES))
    return str(path)


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory):
    """Once in this process: it loads what every forked one would load for itself."""
    c = TrainCard(**{**VALUES, "steps": 1})
    model, batches, _ = start(c)
    list(fit(model, batches, c, tmp_path_factory.mktemp("warm")))


def forked(words, errors: Path, before=lambda: None) -> int:
    """A process that runs the command, after ``before``; its standard error in a file."""
    errors.touch()
    child = os.fork()
    if not child:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
        sys.stderr = os.fdopen(2, "w", buffering=1)  # pytest has its own
        before()
        os._exit(main(words))
    return child


def status(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def until(true, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def names(run: Path) -> list[str]:
    return sorted(p.name for p in run.iterdir() if p.name not in ("lock", "log.csv"))


def rows(run: Path) -> list[dict]:
    with open(run / "log.csv", newline="") as f:
        return list(csv.DictReader(f))


# -- signals -----------------------------------------------------------------------------------


def test_ctrl_c_saves_at_once_and_the_told_command_goes_on(tmp_path, card):
    run, steps = tmp_path / "a run", ["--steps", "300"]
    command = [sys.executable, "-m", "jgm_lib.cli", "train", card, "--out", str(run), *steps]
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }  # as the tests' own process
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert re.match(
            r"jgm: checkpoints: 0\.\d+ MB each, every 500 steps, the last 3 are kept",
            process.stderr.readline(),
        )
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    step, told = re.search(
        r"stopped after step (\d+) of 300;.* go on with\n  (.*)\n", said
    ).groups()
    assert names(run) == [f"step-{int(step):08d}.safetensors"]
    assert shlex.split(told) == [*command, "--resume"]
    assert main(shlex.split(told)[3:]) == 0
    assert main(["train", card, "--out", str(tmp_path / "whole"), *steps]) == 0
    one, other = (runs.weights_path(r, "tiny").read_bytes() for r in (run, tmp_path / "whole"))
    assert one == other
    assert [r["loss"] for r in rows(run)] == [r["loss"] for r in rows(tmp_path / "whole")]


def test_sigterm_is_143_and_what_is_ignored_stays_ignored(tmp_path, card):
    run, errors = tmp_path / "run", tmp_path / "errors"
    words = ["train", card, "--out", str(run), "--steps", "100000"]
    child = forked(words, errors, lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    until(lambda: "checkpoints:" in errors.read_text())
    os.kill(child, signal.SIGINT)
    time.sleep(0.2)
    assert os.waitpid(child, os.WNOHANG) == (0, 0)
    os.kill(child, signal.SIGTERM)
    assert status(child) == 143
    assert len(names(run)) == 1 and "stopped after step" in errors.read_text()


@pytest.mark.parametrize("save_every, left", [(1, ["step-00000002.safetensors"]), (500, [])])
def test_a_second_ctrl_c_stops_at_once(tmp_path, card, monkeypatch, save_every, left):
    """In the middle of a step that takes a minute: what was saved before stays, nothing else."""
    run, errors, calls = tmp_path / "run", tmp_path / "errors", []

    def slow(size):
        def batch(n, generator):
            calls.append(n)
            if len(calls) == 16 + 3:  # after those that measure
                (tmp_path / "there").touch()
                time.sleep(60)
            return torch.rand(n, 3, size, size, generator=generator)

        return batch

    monkeypatch.setattr(runs, "toy_batches", slow)
    child = forked(["train", card, "--out", str(run), "--save-every", str(save_every)], errors)
    until((tmp_path / "there").exists)
    os.kill(child, signal.SIGINT)
    until(lambda: "once more stops at once" in errors.read_text())
    begun = time.monotonic()
    os.kill(child, signal.SIGINT)
    assert status(child) == 130 and time.monotonic() - begun < 30
    assert names(run)[-1:] == left and not [n for n in names(run) if n.startswith(".")]
    said = errors.read_text()
    assert "stopped at once" in said and ("--resume" in said) == bool(left)


def test_two_processes_stop_after_the_same_step_and_go_on(tmp_path):
    """Only the second is asked to stop. Both train on from there to the weights of a whole run."""
    code = (
        "import sys, torch; torch.set_num_threads(1); sys.path.insert(0, sys.argv[2])\n"
        "from test_train_command import fit, start, TrainCard, VALUES\n"
        "import os\n"
        "def train(name, **options):\n"
        "    c = TrainCard(**VALUES)\n"
        "    model, batches, about = start(c)\n"
        "    return [p.step for p in fit(model, batches, c, sys.argv[1] + name, **options)]\n"
        "asked = iter(range(9))\n"
        "stop = lambda: next(asked) == 4 and os.environ['RANK'] == '1'\n"
        "assert train('/broken', stop=stop) == [1, 2, 3, 4, 5]\n"
        "assert os.path.exists(sys.argv[1] + '/broken/step-00000005.safetensors')\n"
        "assert train('/broken', resume=True) == [6, 7, 8]\n"
        "train('/whole')\n"
    )
    (tmp_path / "script.py").write_text(code)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *sys.path])
    arguments = [tmp_path / "script.py", tmp_path, os.path.dirname(__file__)]
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    a, b = (read_state(states_in(tmp_path / n)[-1]) for n in ("whole", "broken"))
    assert a.pictures == b.pictures == 8 * 2 * 2
    assert all(v.equal(b.tensors[k]) for k, v in a.tensors.items())


# -- progress ----------------------------------------------------------------------------------


def progress(step: int):
    return SimpleNamespace(step=step, loss=step / 10, images_per_second=7.25, seconds_left=600)


def test_without_a_terminal_there_is_a_line_a_minute():
    now, out = [0.0], io.StringIO()
    watch = Watch(1000, stream=out, clock=lambda: now[0])
    for step in range(1, 14):  # a step takes ten seconds
        now[0] += 10
        watch(progress(step))
    watch.close()
    assert out.getvalue().splitlines() == [
        "step 6 of 1000: loss 0.350, 7.2 pictures/s, 10 min left",
        "step 12 of 1000: loss 0.950, 7.2 pictures/s, 10 min left",
    ]


def test_in_a_terminal_there_is_a_bar_from_where_the_run_was():
    out = io.StringIO()
    out.isatty = lambda: True
    watch = Watch(1000, stream=out)
    watch(progress(501))
    watch.close()
    assert "50%" in out.getvalue() and "501/1000" in out.getvalue()
    assert "7.2 pictures/s, 10 min left" in out.getvalue() and watch.bar.initial == 500


def test_durations_as_they_are_spoken_of():
    said = [duration(s) for s in (5.4, 89, 90, 5000, 5400, 12_000)]
    assert said == ["5 s", "89 s", "2 min", "83 min", "1 h 30 min", "3 h 20 min"]


@pytest.mark.parametrize("network", ["unet", "chromagan"])
def test_the_size_of_a_checkpoint_is_known_before_it_is_written(tmp_path, network):
    name = "chromagan-64" if network == "chromagan" else None
    values = {**VALUES, "steps": 1}
    if name:
        from jgm_lib.cards import read_train_card

        whole = read_train_card(name)
        values |= {"network": network, "settings": whole.settings, "size": 32}
    c = TrainCard(**values)
    model, batches, _ = start(c)
    expected = checkpoint_bytes(model, c)
    list(fit(model, batches, c, tmp_path / "a"))
    (path,) = states_in(tmp_path / "a")
    with open(path, "rb") as f:
        header = struct.unpack("<Q", f.read(8))[0]
    counters = path.stat().st_size - 8 - header - expected  # Adam's, a number a parameter
    assert 0 < counters < 5000


def session(run: Path, first: int, last: int, pause: float) -> None:
    """Ten steps, gone on with after ``first`` and stopped after ``last``, each with a pause."""
    c = TrainCard(**{**VALUES, "steps": 10})
    model, batches, _ = start(c)
    done = iter(range(first + 1, 99))

    def slow(n, generator):
        time.sleep(pause)
        return batches(n, generator)

    ends = {"stop": lambda: next(done) == last, "resume": True, "log_every": 9}
    list(fit(model, slow, c, run, **ends))


def test_an_interval_of_the_log_goes_over_a_stop(tmp_path):
    """Slow before the stops, fast after them: the row tells of all its steps."""
    session(tmp_path / "whole", 0, 10, 0.0)
    for first, last, pause in ((0, 3, 0.2), (3, 7, 0.2), (7, 10, 0.0)):
        session(tmp_path / "broken", first, last, pause)
    (a, _), (b, _) = rows(tmp_path / "whole"), rows(tmp_path / "broken")
    assert (a["step"], a["loss"]) == (b["step"], b["loss"]) and a["step"] == "9"
    assert float(b["images_per_second"]) < 9 * 2 / (7 * 0.2)


def test_the_means_of_an_interval():
    interval = Interval()
    interval.add({"critic": 1.0, "": 2.0}, 4, 0.5)
    interval.add({"critic": 3.0, "": 5.0}, 4, 1.5)
    assert interval.means() == {"critic": 2.0, "": 3.5}
    again = Interval(**json.loads(json.dumps(vars(interval))))
    assert again == interval and (again.pictures, again.seconds) == (8, 2.0)


# -- going on ----------------------------------------------------------------------------------


def test_resume_without_a_checkpoint_is_one_line(tmp_path, card, capsys):
    assert main(["train", card, "--out", str(tmp_path / "run"), "--resume"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "--resume: no checkpoint in" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_checkpoint_is_named_and_the_older_one_taken(
    tmp_path, card, capsys, caplog, damage
):
    run = tmp_path / "run"
    words = ["train", card, "--out", str(run), "--save-every", "2"]
    assert main(words) == 0
    whole, last = runs.weights_path(run, "tiny").read_bytes(), states_in(run)[-1]
    content = bytearray(last.read_bytes())
    content[-3] ^= 1
    last.write_bytes(content[:-3] if damage == "cut" else content)
    assert main([*words, "--resume", "--steps", "8"]) == 0
    (warning,) = caplog.messages
    assert "step-00000008.safetensors: not a training checkpoint" in warning
    assert warning.endswith("the last good one is " + str(run / "step-00000006.safetensors"))
    assert runs.weights_path(run, "tiny").read_bytes() == whole
    read_state(last)


def test_resume_of_a_finished_run_says_so(tmp_path, card, capsys):
    run = tmp_path / "run"
    words = ["train", card, "--out", str(run)]
    assert main(words) == 0
    path = runs.weights_path(run, "tiny")
    facts = {**json.loads(path.with_suffix(".json").read_text()), "note": "mine"}
    path.with_suffix(".json").write_text(json.dumps(facts))
    capsys.readouterr()
    assert main([*words, "--resume"]) == 0
    assert "is finished, step 8 of 8; a larger --steps goes on" in capsys.readouterr().err
    assert checkpoints.load(path)[1]["note"] == "mine"  # left as they are
    path.write_bytes(b"half")
    assert main([*words, "--resume"]) == 0  # killed before the weights were there
    assert checkpoints.load(path)[1]["steps"] == 8


def test_init_on_the_command_line_takes_the_place_of_the_cards(tmp_path, card, capsys):
    assert main(["train", card, "--out", str(tmp_path / "a")]) == 0
    first = runs.weights_path(tmp_path / "a", "tiny")
    other = tmp_path / "other.yaml"
    other.write_text(json.dumps({**VALUES, "init": "nowhere", "steps": 1, "lr": 0.0001, "seed": 4}))
    words = ["train", str(other), "--out", str(tmp_path / "b")]
    assert main(words) == 2 and "no weights 'nowhere'" in capsys.readouterr().err
    assert main([*words, "--init", str(first)]) == 0
    model, facts = checkpoints.load(runs.weights_path(tmp_path / "b", "tiny"))
    before, old = checkpoints.load(first)
    assert facts["training"]["init"] == str(first) and facts["init"]["sha256"] == old["sha256"]
    for k, v in model.state_dict().items():
        torch.testing.assert_close(v, before.state_dict()[k], rtol=0, atol=1e-3)
    assert main(["train", str(other), "--out", str(tmp_path / "c"), "--init", "toy-32"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("jgm: init='toy-32'") and "does not fit this card's network" in line


# -- export ------------------------------------------------------------------------------------


def test_export_writes_what_the_run_itself_would(tmp_path, card, capsys):
    (tmp_path / "facts.yaml").write_text("place: at home")
    run, out = tmp_path / "run", tmp_path / "out"
    words = ["train", card, "--out", str(run), "--licence", "mine"]
    assert main([*words, "--about", str(tmp_path / "facts.yaml")]) == 0
    assert main(["export", str(run), "-o", str(out / "it")]) == 0
    for end in (".safetensors", ".json"):
        assert (out / f"it{end}").read_bytes() == (run / f"tiny{end}").read_bytes()
    facts = json.loads((run / "tiny.json").read_text())
    assert (facts["licence"], facts["place"], facts["processes"]) == ("mine", "at home", 1)
    capsys.readouterr()
    for place in ([], ["-o", str(out / "it.safetensors")]):
        assert main(["export", str(run), *place]) == 2
        said = capsys.readouterr().err
        assert "exists" in said and "--force" in said and said.count("\n") == 1
    assert main(["export", str(run), "--force"]) == 0


def test_a_stopped_run_is_exported_with_what_it_has_seen(tmp_path, capsys):
    c, asked = TrainCard(**VALUES), iter(range(9))
    model, batches, about = start(c)
    for p in fit(model, batches, c, tmp_path / "r", about=about, stop=lambda: next(asked) == 4):
        average = {k: v.clone() for k, v in p.ema.items()}
    before = os.umask(0o027)
    try:
        assert main(["export", str(tmp_path / "r")]) == 0
    finally:
        os.umask(before)
    path = runs.weights_path(tmp_path / "r", "tiny")
    assert capsys.readouterr().out == f"weights: {path}\n"
    model, facts = checkpoints.load(path)
    assert (facts["steps"], facts["pictures_seen"]) == (5, 10) and "ToyScenes" in facts["data"]
    assert torch.equal(model.state_dict()["head.weight"], average["head.weight"].half().float())
    modes = {oct(stat.S_IMODE(p.stat().st_mode)) for p in (path, path.with_suffix(".json"))}
    assert modes == {"0o640"}
    assert main(["export", str(tmp_path)]) == 2
    assert "no checkpoint" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "r"), "-o", str(tmp_path / "step-9")]) == 2
    assert "choose another name" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_completes_the_new_options(shell, capsys):
    with pytest.raises(SystemExit):
        main(["--print-completion", shell])
    text = capsys.readouterr().out
    assert all(word in text for word in ("export", "--init", "--keep", "--force"))


# -- a disk that takes no more -----------------------------------------------------------------


def test_a_full_disk_is_one_line_and_the_last_checkpoint_stays(tmp_path, card):
    """The system refuses files beyond a size, as a full disk does in the middle of one."""
    run, errors = tmp_path / "run", tmp_path / "errors"
    words = ["train", card, "--out", str(run), "--save-every", "4"]
    assert status(forked([*words, "--steps", "4"], errors)) == 0
    before = {p.name: p.read_bytes() for p in run.iterdir() if p.name != "log.csv"}

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    assert status(forked([*words, "--resume"], errors, full)) == 2
    line = errors.read_text().splitlines()[-1]
    assert re.search(
        r"step-00000008.safetensors: cannot be written \(File too large\); training", line
    )
    assert line.endswith("the last good checkpoint is " + str(run / "step-00000004.safetensors"))
    assert {p.name: p.read_bytes() for p in run.iterdir() if p.name != "log.csv"} == before
    assert main([*words, "--resume"]) == 0


def test_a_disk_too_full_for_the_log_stops_too(tmp_path, card, capsys, monkeypatch):
    run, synced, real = tmp_path / "run", [], os.fsync

    def sync(fd):
        synced.append(fd)
        if len(synced) > 2:  # the empty log, and its folder
            raise OSError(28, "No space left on device")
        real(fd)

    monkeypatch.setattr(os, "fsync", sync)
    assert main(["train", card, "--out", str(run)]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "log.csv: cannot be written (No space left on device); training stopped" in line
    assert names(run) == [] and rows(run) == []


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="no users")
def test_a_folder_that_may_not_be_written_is_one_line(card, tmp_path):
    def nobody():
        if not os.geteuid():
            os.setuid(65534)

    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o555)
        words = ["train", "toy-32", "--out", str(Path(place) / "run")]
        assert status(forked(words, tmp_path / "errors", nobody)) == 2
        assert os.listdir(place) == []
    said = (tmp_path / "errors").read_text()
    assert said.count("\n") == 1 and "may not write in" in said
