"""Training: resumable bit for bit, extendable, safe when it goes wrong."""

import csv
import os
import signal
import subprocess
import sys
import weakref

import pytest
import torch
from safetensors import safe_open

from jgm_lib.errors import JGMError
from jgm_lib.joint import join
from jgm_lib.networks import build
from jgm_lib.operators import to_basis
from jgm_lib.params import TrainCard, validate
from jgm_lib.training import (
    ema_decay,
    fit,
    learning_rate,
    make_accelerator,
    runs,
    states_in,
)
from jgm_lib.training.runs import averaged_model, export_run, start
from jgm_lib.training.state import read_state, restore
from jgm_lib.training.turns import players_of

SETTINGS = {"widths": [8, 16], "dropout": 0.1}


def card(**changes) -> TrainCard:
    values = dict(name="tiny", settings=SETTINGS, size=16, steps=12, batch=4, warmup=3, seed=5)
    return TrainCard(**{**values, **changes})


def run(out, c, **options):
    model, batches, _ = start(c)
    return list(fit(model, batches, c, out, save_every=4, **options)), model


def weights_of(run_folder) -> dict:
    return averaged_model(run_folder)[0].state_dict()


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_same_seed_same_weights_and_another_seed_others(tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        run(tmp_path / name, card(seed=seed))
    a, b, c = (weights_of(tmp_path / n) for n in "abc")
    assert same(a, b) and not same(a, c)


def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    """SIGKILL in the middle of a step, resume: every byte of weights, average and optimizer."""
    code = (
        "import sys, torch; torch.set_num_threads(1); sys.path.insert(0, sys.argv[2])\n"
        "from test_training import card, start, fit\n"
        "c = card(steps=40)\n"
        "model, batches, _ = start(c)\n"
        "for p in fit(model, batches, c, sys.argv[1], save_every=4, resume=True):\n"
        "    print(p.step, flush=True)\n"
    )
    here = os.path.dirname(__file__)
    env = {**os.environ, "OMP_NUM_THREADS": "1"}

    def process(folder):
        return subprocess.Popen(
            [sys.executable, "-c", code, str(folder), here],
            text=True,
            stdout=subprocess.PIPE,
            env=env,
        )

    whole = process(tmp_path / "whole")
    assert whole.wait(timeout=300) == 0
    broken = process(tmp_path / "broken")
    for line in broken.stdout:
        if int(line) >= 18:
            break
    broken.send_signal(signal.SIGKILL)
    broken.wait()
    assert 16 <= last_step(tmp_path / "broken") < 40
    assert process(tmp_path / "broken").wait(timeout=300) == 0
    (facts, a), (others, b) = (contents(tmp_path / n) for n in ("whole", "broken"))
    assert facts == others and same(a, b)
    assert steps_logged(tmp_path / "whole") == steps_logged(tmp_path / "broken")


def contents(folder) -> tuple[dict, dict]:
    """Metadata and every tensor of the newest checkpoint."""
    with safe_open(states_in(folder)[-1], "pt") as f:
        return f.metadata(), {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118


def last_step(folder) -> int:
    return int(states_in(folder)[-1].stem.split("-")[1])


def steps_logged(folder):
    with open(folder / "log.csv", newline="") as f:
        return [row["step"] for row in csv.DictReader(f)]


def test_a_finished_run_can_be_extended(tmp_path):
    constant = dict(schedule="constant", warmup=0)
    run(tmp_path / "a", card(steps=8, **constant))
    run(tmp_path / "a", card(steps=16, **constant), resume=True)
    run(tmp_path / "b", card(steps=16, **constant))
    assert same(weights_of(tmp_path / "a"), weights_of(tmp_path / "b"))


def test_only_the_last_checkpoints_stay_and_no_part_files(tmp_path):
    run(tmp_path / "a", card(steps=20), keep=2)
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert names == ["lock", "log.csv", "step-00000016.safetensors", "step-00000020.safetensors"]


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_file(tmp_path):
    c = card(steps=12)
    model, batches, _ = start(c)
    calls = iter(range(100))

    def poisoned(n, generator):
        x = batches(n, generator)
        return x * float("nan") if next(calls) == 9 else x

    with pytest.raises(JGMError, match=r"step 10: training stopped.*step-00000008"):
        list(fit(model, poisoned, c, tmp_path / "a", save_every=4))
    good = weights_of(tmp_path / "a")
    assert last_step(tmp_path / "a") == 8
    assert all(bool(torch.isfinite(v).all()) for v in good.values())
    assert all(bool(torch.isfinite(v).all()) for v in model.state_dict().values())


class Steep(torch.autograd.Function):
    """Hands numbers on unchanged, and back a gradient that is not finite."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return g * float("inf")


@pytest.mark.parametrize("clip", [1.0, 0.0])
def test_a_finite_loss_with_another_gradient_harms_nothing(tmp_path, monkeypatch, clip):
    """Step 8 is also a checkpoint: the spoilt weights must not become the newest one."""
    c = card(steps=12, clip=clip)
    model, batches, _ = start(c)
    calls, forward = iter(range(100)), type(model).forward

    def steep(self, *args):
        out = forward(self, *args)
        return Steep.apply(out) if next(calls) == 7 else out

    monkeypatch.setattr(type(model), "forward", steep)
    with pytest.raises(JGMError, match=r"gradient, at step 8: training stopped.*step-00000004"):
        list(fit(model, batches, c, tmp_path / "a", save_every=4))
    assert last_step(tmp_path / "a") == 4
    assert all(bool(torch.isfinite(v).all()) for v in model.state_dict().values())


def test_a_step_leaves_other_gpus_alone(tmp_path, monkeypatch):
    """Without a list of devices fork_rng starts every GPU of the machine, in every process."""
    forked, fork_rng = [], torch.random.fork_rng

    def watched(devices=None, **options):
        forked.append(devices)
        return fork_rng(devices, **options)

    monkeypatch.setattr(torch.random, "fork_rng", watched)
    run(tmp_path / "a", card(steps=2))
    assert forked == [[], [], []]  # the network's weights, two steps


def test_the_channels_are_measured_batch_by_batch():
    """The same mean and spread as of all pictures at once, also for batches of unequal length."""
    pictures = torch.rand(5, 6, 3, 8, 8, generator=torch.Generator().manual_seed(3)) ** 2
    model = build("unet", widths=[8])
    model.measure(iter([*pictures[:4], pictures[4][:2], pictures[4][2:]]))
    U = to_basis(join(pictures.flatten(0, 1).double())).transpose(0, 1).flatten(1)
    torch.testing.assert_close(model.mean.flatten(), U.mean(1).float(), rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(model.spread.flatten(), U.std(1).float(), rtol=1e-6, atol=1e-8)


def test_start_keeps_one_batch_of_pictures(monkeypatch):
    kept, most = [], []

    def toy(size):
        def batch(n, generator):
            x = torch.rand(n, 3, size, size, generator=generator)
            kept.append(weakref.ref(x))
            most.append(sum(r() is not None for r in kept))
            return x

        return batch

    monkeypatch.setattr(runs, "toy_batches", toy)
    start(card())
    assert len(most) == 16 and max(most) <= 2


@pytest.mark.parametrize("option", ["save_every", "keep", "log_every"])
def test_a_count_of_zero_is_one_clear_line(tmp_path, option):
    with pytest.raises(JGMError, match=f"{option}=0.*need >= 1"):
        model, batches, _ = start(card())
        next(fit(model, batches, card(), tmp_path / "a", **{option: 0}))


def test_fewer_steps_than_the_run_has_are_refused(tmp_path):
    run(tmp_path / "a", card(steps=8))
    with pytest.raises(JGMError, match="at step 8 already, beyond steps=4"):
        run(tmp_path / "a", card(steps=4), resume=True)


def test_a_folder_with_a_run_is_not_overwritten(tmp_path):
    run(tmp_path / "a", card(steps=4))
    with pytest.raises(JGMError, match="already holds a run"):
        run(tmp_path / "a", card(steps=4))


def test_a_damaged_checkpoint_is_refused_in_one_line(tmp_path):
    run(tmp_path / "a", card(steps=4))
    path = states_in(tmp_path / "a")[-1]
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(JGMError, match="not a training checkpoint") as error:
        run(tmp_path / "a", card(steps=8), resume=True)
    assert "\n" not in str(error.value)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    run(tmp_path / "a", card(steps=4))
    other = card(steps=8, settings={"widths": [8, 24]})
    with pytest.raises(JGMError, match="of another card, settings="):
        run(tmp_path / "a", other, resume=True)
    path = states_in(tmp_path / "a")[-1]  # the same card, but code whose network differs
    players = players_of(build("unet", widths=[8, 24]), card(), make_accelerator())
    with pytest.raises(JGMError, match="does not fit this card's network"):
        restore(read_state(path), players, {}, card())


@pytest.mark.parametrize(
    "change, says",
    [
        ({"seed": 6}, r"seed=6 \(there 5\)"),
        ({"batch": 8, "lr": 1e-3}, r"batch=8 \(there 4\), lr=0.001 \(there 0.0006\)"),
        ({"p_mean": 0.0}, "p_mean=0.0"),
    ],
)
def test_a_run_does_not_go_on_under_another_card(tmp_path, change, says):
    run(tmp_path / "a", card(steps=4))
    before = states_in(tmp_path / "a")
    with pytest.raises(JGMError, match=f"of another card, {says}.*only its steps"):
        run(tmp_path / "a", card(steps=8, **change), resume=True)
    assert states_in(tmp_path / "a") == before
    run(tmp_path / "a", card(steps=8), resume=True)


def test_two_trainings_in_one_folder(tmp_path):
    """The second is refused before it writes anything; afterwards the folder is free again."""
    model, batches, _ = start(card())
    first = fit(model, batches, card(), tmp_path / "a", save_every=4)
    next(first)
    log = (tmp_path / "a" / "log.csv").read_bytes()
    with pytest.raises(JGMError, match="another training is running"):
        run(tmp_path / "a", card())
    assert (tmp_path / "a" / "log.csv").read_bytes() == log
    assert [p.step for p in first] == list(range(2, 13))
    run(tmp_path / "a", card(steps=16), resume=True)


def test_one_process_trains_in_one_precision_after_another(tmp_path):
    """accelerate keeps the first settings of a process; a notebook trains more than once."""
    states = {}
    for name, precision in (("a", "no"), ("b", "bf16"), ("c", "no")):
        states[name] = run(tmp_path / name, card(precision=precision))[1].state_dict()
    assert same(states["a"], states["c"]) and not same(states["a"], states["b"])
    assert all(v.dtype == torch.float32 for v in states["b"].values() if v.is_floating_point())


def test_a_precision_that_is_not_there_is_one_line():
    with pytest.raises(JGMError, match="precision='half'") as error:
        make_accelerator("half")
    assert "\n" not in str(error.value)


def test_schedules_by_step_count():
    c = card(steps=100, warmup=10, lr=1.0)
    rates = [learning_rate(s, 100, c) for s in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9:80] == [1.0] * 71
    assert rates[90] == pytest.approx(0.5) and rates[99] == pytest.approx(0.05)
    paper = card(schedule="halve", lr=0.005, halve_every=5000, warmup=0)
    assert learning_rate(4999, 10**5, paper) == 0.005
    assert learning_rate(5000, 10**5, paper) == 0.0025


def test_ema_warms_up():
    assert ema_decay(0) == pytest.approx(0.1) and ema_decay(10**6) == 0.999


def test_the_loss_falls_and_the_log_says_so(tmp_path):
    c = card(steps=150, batch=16, lr=2e-3, settings={"widths": [16, 32]})
    model, batches, _ = start(c)
    before = fixed_loss(model, batches, c)
    losses = [p.loss for p in fit(model, batches, c, tmp_path / "a", log_every=50)]
    assert before == pytest.approx(1, abs=0.1)  # the target has unit variance, the output is zero
    assert fixed_loss(model, batches, c) < 0.85 * before
    with open(tmp_path / "a" / "log.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    assert [int(r["step"]) for r in rows] == [50, 100, 150]
    assert float(rows[0]["loss"]) == pytest.approx(sum(losses[:50]) / 50)


@torch.no_grad()
def fixed_loss(model, batches, c) -> float:
    """The mean loss on pictures and noise that no training step sees."""
    g = torch.Generator().manual_seed(10**6)
    return sum(float(model.objective(model, c)(batches(32, g), g)) for _ in range(4)) / 4


def test_export_gives_weights_with_a_full_card(tmp_path):
    from jgm_lib import checkpoints

    run(tmp_path / "a", card())
    path = export_run(tmp_path / "a", tmp_path / "w" / "tiny", {"licence": "none"})
    model, facts = checkpoints.load(path)
    assert facts["steps"] == 12 and facts["pictures_seen"] == 48 and facts["licence"] == "none"
    assert model.channels == 9 and not model.training


def test_levels_network_trains_too(tmp_path):
    c = card(network="refinenet", settings={"ngf": 8}, steps=3, size=16, optimizer="adam")
    states, model = run(tmp_path / "a", c)
    assert len(states) == 3
    before = start(c)[0].state_dict()
    assert not same(before, model.state_dict())


def test_resumed_optimizer_state_is_exact(tmp_path):
    c = card(steps=4)
    states, model = run(tmp_path / "a", c)
    other = start(c)[0]
    players = players_of(other, c, make_accelerator())
    ema = {k: torch.zeros_like(v) for k, v in other.state_dict().items()}
    state = read_state(states_in(tmp_path / "a")[-1])
    restore(state, players, ema, c)
    assert (state.step, state.pictures) == (4, 16)
    assert same(other.state_dict(), model.state_dict())
    assert same(ema, states[-1].ema)
    assert {float(s["step"]) for s in players[0].optimizer.state_dict()["state"].values()} == {4.0}


def test_fresh_parts_start_anew_and_the_rest_goes_on(tmp_path):
    from jgm_lib import checkpoints

    first = card(steps=2, seed=1)
    model, batches, about = start(first)
    list(fit(model, batches, first, tmp_path / "a"))
    weights = str(export_run(tmp_path / "a", tmp_path / "a.safetensors", about))
    old, new = checkpoints.load(weights)[0].state_dict(), start(card(seed=2))[0].state_dict()
    mixed = start(card(seed=2, init=weights, fresh=["stem", "head."]))[0].state_dict()
    for k, v in mixed.items():
        assert torch.equal(v, (new if k.startswith(("stem", "head.")) else old)[k]), k
    assert not torch.equal(old["stem.weight"], new["stem.weight"])
    with pytest.raises(JGMError, match="fresh='tail': no part"):
        start(card(init=weights, fresh=["tail"]))
    with pytest.raises(JGMError, match="fresh='sp': mean and spread"):
        start(card(init=weights, fresh=["sp"]))
    with pytest.raises(JGMError, match="only with init"):
        validate(TrainCard, {"fresh": ["stem"]})


def test_weights_remember_all_that_they_began_with(tmp_path):
    """Three stages: each starts from the last one's averaged weights and its card holds their chain."""
    from jgm_lib import checkpoints

    before = ""
    for name in "abc":
        c = card(steps=2, seed=ord(name), init=before)
        model, batches, about = start(c)
        if before:
            assert same(model.state_dict(), checkpoints.load(before)[0].state_dict())
        list(fit(model, batches, c, tmp_path / name))
        before = str(export_run(tmp_path / name, tmp_path / f"{name}.safetensors", about))
    facts = checkpoints.load(before)[1]
    assert facts["init"]["training"]["seed"] == ord("b")
    assert facts["init"]["init"]["training"]["seed"] == ord("a")
    assert "init" not in facts["init"]["init"] and facts["init"]["init"]["pictures_seen"] == 8
    with pytest.raises(JGMError, match="does not fit this card's network"):
        start(card(settings={"widths": [8, 24]}, init=before))
