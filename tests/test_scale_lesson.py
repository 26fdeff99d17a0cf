"""Training at scale: the GPU cards, two processes that train one model, the costs of lesson 12."""

import csv
import json
import os
import subprocess
import sys

import pytest
import torch
import yaml

import jgm_lib
from jgm_course import book
from jgm_course.nb12 import figures as nb12
from jgm_lib.cards import card_names, read_train_card
from jgm_lib.data.packed import PackedSet
from jgm_lib.errors import JGMError
from jgm_lib.networks import build
from jgm_lib.noise import mix_seed
from jgm_lib.params import TrainCard, validate
from jgm_lib.training import learning_rate, make_optimizer, runs, states_in, update_ema

GPU_CARDS = ["code-128", "paper-128", "paper-128-2gpu", "unet-128", "unet-128-8gpu"]
TINY = dict(
    name="tiny",
    settings={"widths": [8, 16]},
    size=16,
    steps=6,
    batch=3,
    schedule="constant",
    warmup=2,
    seed=5,
)


# -- the cards ---------------------------------------------------------------------------------


def test_the_gpu_cards_are_bundled_and_build_their_networks():
    assert set(GPU_CARDS) <= set(card_names())
    for name in GPU_CARDS:
        card = read_train_card(name)
        assert (card.name, card.device, card.size) == (name, "cuda", 128)
        with torch.device("meta"):  # shapes only
            assert build(card.network, **card.settings).channels == 9


def test_the_papers_card_is_the_papers_setting():
    """Section IV.A: Adam, 0.005 halved every 5,000 steps, 1e5 steps, batch 8; code: 0.001."""
    paper, two, code = (read_train_card(n) for n in ("paper-128", "paper-128-2gpu", "code-128"))
    assert (paper.optimizer, paper.batch, paper.steps) == ("adam", 8, 10**5)
    rates = [learning_rate(s, paper.steps, paper) for s in (0, 4999, 5000, 10_000)]
    assert rates == [0.005, 0.005, 0.0025, 0.00125]
    assert {learning_rate(s, code.steps, code) for s in (0, 50_000, 99_999)} == {0.001}
    same = {"name", "batch"}
    assert two.model_dump(exclude=same) == paper.model_dump(exclude=same) and 2 * two.batch == 8


@pytest.mark.parametrize("name", GPU_CARDS)
def test_a_gpu_card_without_a_gpu_is_one_clear_line(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(JGMError, match=f"'{name}' is for CUDA GPUs.*device: auto") as error:
        runs.start(read_train_card(name))
    assert "\n" not in str(error.value)


# -- several processes -------------------------------------------------------------------------

SCRIPT = """
import sys
import torch
from accelerate import PartialState
from jgm_lib.cli import main
from jgm_lib.errors import JGMError
from jgm_lib.training.runs import start
from jgm_lib.cards import read_train_card
from jgm_lib.training import fit

torch.set_num_threads(1)
card, run, poisoned = sys.argv[1:]
rank = PartialState(cpu=True).process_index
assert PartialState().num_processes == 2
train = ["train", card, "--out", run, "--save-every", "3"]
assert main([*train, "--steps", "3"]) == 0
PartialState().wait_for_everyone()  # as two commands one after the other
assert main([*train, "--resume"]) == 0

model, batches, _ = start(read_train_card(card))
calls = iter(range(100))

def bad(n, generator):
    x = batches(n, generator)
    return x * float("nan") if next(calls) == 3 and rank == 1 else x

try:
    list(fit(model, bad, read_train_card(card), poisoned, save_every=2))
except JGMError as error:
    finite = all(bool(torch.isfinite(v).all()) for v in model.state_dict().values())
    with open(f"{poisoned}/said-{rank}.txt", "w") as file:
        file.write(f"{error}; finite {finite}")
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two CPU processes (gloo) run the train command, stop, resume, then meet a bad batch."""
    folder = tmp_path_factory.mktemp("pair")
    (folder / "card.yaml").write_text(yaml.safe_dump(TINY))
    (folder / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    arguments = [folder / n for n in ("script.py", "card.yaml", "run", "poisoned")]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    root = os.path.dirname(os.path.dirname(jgm_lib.__file__))
    environment["PYTHONPATH"] = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*command, *map(str, arguments)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done.stdout


def mean_gradient_training(card, processes):
    """By hand in one process: each step takes the mean of the processes' losses."""
    model, batches, _ = runs.start(card)
    optimizer, loss_of = make_optimizer(model, card), model.objective(model, card)
    ema = {k: v.detach().clone() for k, v in model.state_dict().items()}
    history = []
    for step in range(card.steps):
        optimizer.param_groups[0]["lr"] = learning_rate(step, card.steps, card)
        loss = 0
        for process in range(processes):
            g = torch.Generator().manual_seed(mix_seed(card.seed, step, process))
            loss = loss + loss_of(batches(card.batch, g), g) / processes
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), card.clip)
        optimizer.step()
        optimizer.zero_grad()
        update_ema(ema, model, min(card.ema, (1 + step) / (10 + step)))
        history.append(float(loss.detach()))
    return ema, history


def rms_gap(a, b):
    """Adam blows up rounding where a gradient is nearly zero, so not the largest difference."""
    gaps = torch.cat([(a[k] - b[k]).flatten().double() for k in a])
    return float(gaps.square().mean().sqrt())


def test_two_processes_train_the_model_of_the_mean_gradient(pair):
    """Also across a stop: three steps, a new start with --resume, three more."""
    folder, _ = pair
    card = validate(TrainCard, TINY)
    ours, _, step = runs.averaged_model(folder / "run")
    by_hand, history = mean_gradient_training(card, 2)
    alone, _ = mean_gradient_training(card, 1)
    assert step == card.steps
    other = rms_gap(ours.state_dict(), alone)  # one process is another training
    assert other > 1e-4 and rms_gap(ours.state_dict(), by_hand) < 0.01 * other
    with open(folder / "run" / "log.csv", newline="") as f:
        logged = [(int(r["step"]), float(r["loss"])) for r in csv.DictReader(f)]
    assert [s for s, _ in logged] == [3, 6]
    assert logged[0][1] == pytest.approx(sum(history[:3]) / 3, rel=1e-4)


def test_only_the_first_process_writes_the_weights(pair):
    folder, said = pair
    assert said.count("weights: ") == 2  # once a command, not once a process
    facts = json.loads((folder / "run" / "tiny.json").read_text())
    assert facts["steps"] == 6 and facts["processes"] == 2
    assert facts["pictures_seen"] == 6 * 3 * 2


def test_a_bad_loss_in_one_process_stops_all_and_harms_none(pair):
    folder, _ = pair
    for process in (0, 1):
        said = (folder / "poisoned" / f"said-{process}.txt").read_text()
        assert "step 4: training stopped" in said and "finite True" in said
    assert states_in(folder / "poisoned")[-1].stem == "step-00000002"


# -- the lesson's arithmetic -------------------------------------------------------------------


def test_the_cost_on_paper_is_the_cost_of_a_real_step():
    """Shapes alone give the FLOP that a run with numbers gives, and autograd's bytes by hand."""
    from torch.utils.flop_counter import FlopCounterMode

    card = validate(TrainCard, {**TINY, "network": "refinenet", "settings": {"ngf": 4}})
    model = build(card.network, **card.settings)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 9, 16, 16), 0).sum().backward()
    cost = nb12.cost_of(card)
    assert cost.step == counter.get_total_flops()
    assert cost.parameters == sum(p.numel() for p in model.parameters())
    assert 2.9 * cost.forward < cost.step < 3 * cost.forward


def test_kept_bytes_of_two_layers_by_hand(monkeypatch):
    """tanh(conv(X)): autograd keeps the input of the convolution and the output of tanh."""

    class Two(torch.nn.Module):
        channels = 9

        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(9, 5, 3, padding=1, bias=False)

        def forward(self, X, sigma, sigma_y):
            return torch.tanh(self.conv(X))

    monkeypatch.setattr(nb12, "build", lambda *_, **__: Two())
    cost = nb12._cost.__wrapped__("two", "{}", 16)
    assert cost.parameters == 9 * 5 * 9
    assert cost.forward == 2 * 9 * 9 * 5 * 16 * 16
    assert cost.kept == 4 * (9 + 5) * 16 * 16


def test_the_papers_network_costs_what_the_design_says():
    cost = nb12.cost_of(read_train_card("paper-128"))
    assert cost.parameters == 30_131_465 and cost.forward == pytest.approx(317.03e9, rel=1e-4)
    implied = 3 * 317.03e9 * 8e5 / (20 * 3600) / 2 / 1e12
    assert nb12.hours(317.03e9, 8e5, 2, implied) == pytest.approx(20)
    assert nb12.hours(1e12, 1200, 1, 1.0, 0.5) == pytest.approx(1)  # scaling is for several
    assert nb12.hours(1e12, 1200, 2, 1.0, 0.5) == pytest.approx(1)


def test_memory_on_paper_is_twenty_bytes_a_weight_and_the_activations():
    card = read_train_card("unet-128")
    cost, parts = nb12.cost_of(card), nb12.memory_parts(card, 3)
    assert sum(parts.values()) == 20 * cost.parameters + 3 * cost.kept


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_a_batch_of_a_set_larger_than_memory_loads_its_own_pages_only(tmp_path):
    data = PackedSet(nb12.hollow_set(tmp_path, 150_000, 128))
    assert data.array.nbytes == 7_372_800_000 and nb12.resident_bytes(data.path) == 0
    data.batch(range(0, 150_000, 18_750), 128, augment=False)
    pages = nb12.resident_bytes(data.path)
    assert 8 * 128 * 128 * 3 <= pages < 8_000_000
    assert nb12.resident_bytes(tmp_path / "other.npy") == 0


def test_the_made_folder_holds_one_broken_picture(tmp_path):
    from data_scripts.folder import pack_folder

    npy = pack_folder(nb12.write_pictures(tmp_path / "album", 20, 16, 0), out=tmp_path, size=16)
    data = PackedSet(npy, verify=True)
    assert len(data) == 26 and data.card["skipped"] == {"unreadable": 1}
    assert data.classes == ["photos", "toy"]


@pytest.mark.parametrize("sigma", [0.05, 0.3, 3.0])
def test_the_curvatures_are_those_of_the_losses(sigma):
    """By autograd on numbers whose moments are exactly d2, sigma^2 and zero."""
    d2 = 0.06
    x = d2**0.5 * torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=torch.float64)
    noisy = x + sigma * torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
    v = d2 + sigma**2
    weight, c_in, c_out = v / (sigma**2 * d2), v**-0.5, sigma * (d2 / v) ** 0.5
    losses = {
        "D = w x, unweighted": lambda w: (w * noisy - x).square().mean(),
        "D = w x, weighted": lambda w: weight * (w * noisy - x).square().mean(),
        "scaled network, weighted": lambda w: (
            weight * (d2 / v * noisy + c_out * w * c_in * noisy - x).square().mean()
        ),
    }
    got = nb12.curvatures(d2, [sigma])
    assert list(got) == list(losses)
    for name, loss in losses.items():
        at = torch.tensor(0.3, dtype=torch.float64)
        second = torch.autograd.functional.hessian(loss, at)
        assert got[name][0] == pytest.approx(float(second), abs=6e-4), name


def test_the_lesson_of_the_sweep_is_a_lesson_for_the_sweep(tmp_path):
    """Valid for the machinery without a kernel; the lesson itself runs it."""
    folder = nb12.write_one_weight(tmp_path)
    (path,) = book.lessons(["90"], folder)
    nb = book.read_source(path)
    assert len(book.tagged(nb, "parameters")) == len(book.tagged(nb, "status")) == 1
