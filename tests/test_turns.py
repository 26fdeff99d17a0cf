"""Training by turns: a network and its opponents, each with its own loss, parameters and optimizer."""

import copy
import csv
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from jgm_lib.errors import JGMError
from jgm_lib.noise import mix_seed
from jgm_lib.params import TrainCard
from jgm_lib.training import Game, Opponent, fit, make_accelerator, seeded, states_in
from jgm_lib.training.turns import players_of, train_step

MEAN = 0.7


class Guess(nn.Module):
    """One number that shall be the pictures' mean, told only by a linear critic w (x - guess).

    The critic minimizes -w (m - guess) + w^2/2, so its best w is m - guess; the guess minimizes
    -w guess and rests where w = 0: at the mean.
    """

    memory_format, unaveraged = torch.contiguous_format, ("seen",)

    def __init__(self):
        super().__init__()
        self.guess = nn.Parameter(torch.zeros(()))
        self.register_buffer("seen", torch.zeros(()))

    def forward(self):
        return self.guess * 1.0

    @staticmethod
    def objective(model, card):
        critic = seeded(card.seed, lambda: nn.Linear(1, 1, bias=False))

        def critic_loss(x, generator):
            w = critic.weight.squeeze()
            return -w * (x.mean() - model().detach()) + w**2 / 2

        def loss(x, generator):
            model.seen.copy_(x.mean())
            return -critic.weight.squeeze() * model()

        return Game(loss, {"critic": Opponent(critic, critic_loss)})


def card(**changes):
    values = dict(size=8, steps=30, batch=4, lr=0.02, warmup=0, schedule="constant", clip=0.0)
    return TrainCard(**{**values, "optimizer": "adam", "beta1": 0.5, **changes})


def batches(n, generator):
    return MEAN + 0.05 * torch.randn(n, 3, 8, 8, generator=generator)


def test_a_linear_game_ends_at_its_fixed_point(tmp_path):
    model = Guess()
    list(fit(model, batches, card(steps=400), tmp_path / "a", log_every=50))
    assert float(model.guess.detach()) == pytest.approx(MEAN, abs=0.02)
    with open(tmp_path / "a" / "log.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    assert list(rows[0]) == ["step", "loss", "critic", "lr", "images_per_second"]
    assert float(rows[0]["critic"]) < -0.005 and abs(float(rows[-1]["critic"])) < 0.01
    assert abs(float(rows[-1]["loss"])) < 0.02


def players(model, **changes):
    return players_of(model, card(**changes), make_accelerator())


def test_a_turn_moves_its_own_parameters_only():
    critic, guess = players(Guess())
    (w,), (g,) = critic.module.parameters(), guess.module.parameters()
    x = batches(4, torch.Generator().manual_seed(0))
    before = float(w.detach()), float(g.detach())
    critic.move(x, None, 0.1, 0.0, make_accelerator())
    assert (float(w.detach()) != before[0], float(g.detach())) == (True, before[1])
    between = float(w.detach())
    guess.move(x, None, 0.1, 0.0, make_accelerator())
    assert float(w.detach()) == between and float(g.detach()) != before[1]
    assert w.grad is None and g.grad is None


def test_the_network_meets_what_its_opponent_has_become():
    """One step by hand: the critic first, then the guess along the new w, at the card's beta1."""
    ours = players(Guess())
    theirs = copy.deepcopy([p.module for p in ours])
    losses = train_step(ours, batches, card(), make_accelerator(), 0, 0.02)
    w, g = theirs[0].weight, theirs[1].guess
    x = batches(4, torch.Generator().manual_seed(0))
    assert ours[0].optimizer.param_groups[0]["betas"] == (0.5, 0.999)
    w = w - 0.02 * torch.sign(w - (MEAN - g))  # Adam's first step is the sign of the gradient
    torch.testing.assert_close(ours[0].module.weight, w, rtol=0, atol=1e-5)
    assert losses[""] == pytest.approx(float((-w * g).detach()), abs=1e-6)
    torch.testing.assert_close(ours[1].module.guess, g + 0.02 * torch.sign(w.squeeze()))
    assert list(losses) == ["critic", ""] and x.shape == (4, 3, 8, 8)


def test_resumed_equals_uninterrupted(tmp_path):
    c, whole = card(), Guess()
    losses = [p.loss for p in fit(whole, batches, c, tmp_path / "whole", save_every=5)]
    for p in fit(Guess(), batches, c, tmp_path / "broken", save_every=5):
        if p.step == 17:
            break
    rest = list(fit(Guess(), batches, c, tmp_path / "broken", save_every=5, resume=True))
    assert [p.loss for p in rest] == losses[15:]
    a, b = (load_file(states_in(tmp_path / n)[-1]) for n in ("whole", "broken"))
    assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
    assert {"opponent.critic.opt.0.exp_avg", "opponent.critic.model.weight"} < a.keys()


def test_what_is_not_to_be_averaged_is_copied(tmp_path):
    model = Guess()
    for p in fit(model, batches, card(steps=5), tmp_path / "a"):
        assert torch.equal(p.ema["seen"], model.seen) and float(model.seen) > 0.6
    assert float((p.ema["guess"] - model.guess).abs()) > 0


@pytest.mark.parametrize("poisoned, says", [("critic", "critic loss is nan"), ("", "loss is nan")])
def test_a_bad_turn_stops_and_moves_nobody_after_it(tmp_path, monkeypatch, poisoned, says):
    model, objective = Guess(), Guess.objective

    @staticmethod
    def bad(model, card):
        game = objective(model, card)
        player, calls = game.opponents["critic"] if poisoned else game, iter(range(99))
        good = player.loss
        player.loss = lambda x, g: good(x, g) * (float("nan") if next(calls) == 6 else 1.0)
        return game

    monkeypatch.setattr(Guess, "objective", bad)
    seen = []
    with pytest.raises(JGMError, match=f"^{says}.*at step 7: training stopped.*step-00000005"):
        for _ in fit(model, batches, card(), tmp_path / "a", save_every=5):
            seen.append(float(model.guess.detach()))
    assert float(model.guess.detach()) == seen[-1]


def test_clipping_is_by_player():
    """Two gradients of norm 1 each stay as they are under a limit of 1."""
    ours = players(Guess(), clip=1.0, optimizer="adam")
    for player in ours:
        own = next(player.module.parameters())
        player.loss = lambda x, g, own=own: own.sum()
        player.optimizer = torch.optim.SGD([own], lr=1.0)
    before = [next(p.module.parameters()).detach().clone() for p in ours]
    train_step(ours, batches, card(), make_accelerator(), 0, 0.5)
    for player, old in zip(ours, before, strict=True):
        now = next(player.module.parameters()).detach()
        torch.testing.assert_close(old - now, torch.full_like(old, 0.5), rtol=1e-4, atol=0)


# -- several processes -----------------------------------------------------------------------------


def test_two_processes_play_the_game_of_the_mean_gradient(tmp_path):
    """Both losses are linear in the pictures' mean: one process with both batches plays the same."""
    code = (
        "import sys, torch; torch.set_num_threads(1); sys.path.insert(0, sys.argv[2])\n"
        "from test_turns import Guess, batches, card, fit\n"
        "list(fit(Guess(), batches, card(), sys.argv[1]))\n"
    )
    (tmp_path / "script.py").write_text(code)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    here = os.path.dirname(__file__)
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    arguments = [tmp_path / "script.py", tmp_path / "pair", here]
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    pair = load_file(states_in(tmp_path / "pair")[-1])

    steps = iter(range(30))

    def both(n, generator):
        step = next(steps)
        seeds = (mix_seed(0, step, process) for process in (0, 1))
        return torch.cat([batches(n, torch.Generator().manual_seed(s)) for s in seeds])

    list(fit(Guess(), both, card(), tmp_path / "one"))
    list(fit(Guess(), batches, card(), tmp_path / "alone"))
    one, alone = (load_file(states_in(tmp_path / n)[-1]) for n in ("one", "alone"))
    for k in ("model.guess", "opponent.critic.model.weight"):
        torch.testing.assert_close(pair[k], one[k], rtol=0, atol=2e-6)
        assert float((pair[k] - alone[k]).abs()) > 1e-5
