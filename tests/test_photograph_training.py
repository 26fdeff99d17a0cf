"""Training on photographs, from the card to the weights: what cards say, and whole runs."""

import json
from types import SimpleNamespace

import pytest
import torch
from seen_maker import SETTINGS, seeing_network, wave
from test_training import contents, last_step, same, steps_logged

from jgm_lib.domain import Joint
from jgm_lib.errors import JGMError
from jgm_lib.losses import continuous_objective, halved, split_noise_loss
from jgm_lib.networks import NETWORKS
from jgm_lib.operators import to_basis
from jgm_lib.params import TrainCard, validate
from jgm_lib.training import fit
from jgm_lib.training.runs import packed_batches, start, toy_batches


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


# -- objectives and cards --------------------------------------------------------------------------


def card(**changes) -> TrainCard:
    values = dict(name="seen", settings={**SETTINGS, "widths": [8, 8, 8, 8]}, size=16, steps=8)
    values |= dict(batch=4, warmup=2, seed=5, any_gray=0.5, aged=0.5, draws=2)
    return validate(TrainCard, {**values, **changes})


def test_a_card_says_what_the_loss_is_told(monkeypatch):
    told = {}
    monkeypatch.setattr("jgm_lib.losses.photograph_loss", lambda m, x, g, **k: told.update(k))
    c = card(isotropic=0.2, p_mean=-0.6, p_std=1.9, sigma_min=0.01, sigma_max=80.0, sigma_y=0.005)
    continuous_objective(SimpleNamespace(domain=Joint()), c)(None, None)
    assert told == dict(any_gray=0.5, aged=0.5, draws=2, isotropic=0.2, p_mean=-0.6, p_std=1.9,
                        sigma_y=0.005, clip=(0.01, 80.0))  # fmt: skip


PLAIN = dict(settings={"widths": [8]}, any_gray=0.0, aged=0.0, draws=1)


@pytest.mark.parametrize(
    "changes, photographs",
    [
        ({}, False),
        ({"draws": 2}, True),
        ({"aged": 0.1}, True),
        ({"settings": {"any_gray": True}, "any_gray": 0.1}, True),
        ({"settings": SETTINGS}, True),
        ({"settings": {"any_gray": True}}, False),
    ],
)
def test_which_cards_look_at_whole_photographs(changes, photographs, monkeypatch):
    """They get pictures of twice the side; the others train as ever."""
    c = card(**{**PLAIN, **changes})
    assert c.photographs is photographs
    losses = []
    for name in ("photograph_loss", "split_noise_loss"):
        spy = lambda *a, n=name, **k: losses.append(n)  # noqa: E731
        monkeypatch.setattr(f"jgm_lib.losses.{name}", spy)
    continuous_objective(SimpleNamespace(domain=Joint()), c)(None, None)
    assert losses == ["photograph_loss" if photographs else "split_noise_loss"]
    asked = []
    real = toy_batches(8)
    toy = lambda size: asked.append(size) or (lambda n, g: real(4, g))  # noqa: E731
    monkeypatch.setattr("jgm_lib.training.runs.toy_batches", toy)
    start(c)
    assert asked == [32 if photographs else 16]


def test_without_photographs_the_loss_is_the_old_one():
    c, model = card(**PLAIN), seeing_network(context=False)
    x, density = wave(4, 3, 16, 16), dict(clip=(0.002, 20.0))
    assert torch.equal(
        model.objective(model, c)(x, rng()), split_noise_loss(model, x, rng(), **density)
    )
    assert model.memory_format == torch.channels_last
    assert NETWORKS["refinenet"].memory_format == torch.contiguous_format


def test_channels_are_measured_on_pictures_of_the_size_in_training(monkeypatch):
    def noise(size):
        return lambda n, g: torch.rand(4, 3, size, size, generator=g)

    monkeypatch.setattr("jgm_lib.training.runs.toy_batches", noise)
    model, _, _ = start(card())
    mean, spread = model.mean.clone(), model.spread.clone()
    model.measure(halved(noise(32)(4, rng(i))) for i in range(16))
    assert torch.equal(model.mean, mean) and torch.equal(model.spread, spread)
    other, _, _ = start(card(**PLAIN))
    assert float((other.spread / spread).mean()) == pytest.approx(2, rel=0.05)  # white noise


def test_the_crop_area_reaches_the_pictures(monkeypatch, tmp_path):
    class Set:
        train_indices = torch.arange(3).numpy()

        def batch(self, indices, size, generator, area):
            self.asked = size, area
            return torch.zeros(len(indices), 3, size, size)

    data = Set()
    monkeypatch.setattr("jgm_lib.training.runs.PackedSet", lambda path: data)
    data.card = {}
    start(card(crop_area=0.8), "any")
    assert data.asked == (32, (0.8, 1.0))
    packed_batches(data, 16)(2, rng())
    assert data.asked == (16, (0.5, 1.0))


@pytest.mark.parametrize("asked", [{"draws": 2}, {"aged": 0.5}])
def test_a_network_of_fixed_levels_refuses_photographs(asked):
    c = card(
        settings={"ngf": 4}, any_gray=0.0, network="refinenet", **{"draws": 1, "aged": 0.0, **asked}
    )
    with pytest.raises(JGMError, match="not for network refinenet"):
        start(c)


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"settings": {"widths": [8]}}, "any_gray=0.5: the network's settings need any_gray: true"),
        ({"draws": 0}, "draws=0"),
        ({"draws": 9}, "draws=9"),
        ({"aged": 1.5}, "aged=1.5"),
        ({"any_gray": -0.1}, "any_gray=-0.1"),
        ({"crop_area": 0.0}, "crop_area=0.0"),
        ({"crop_area": 1.1}, "crop_area=1.1"),
    ],
)
def test_cards_that_cannot_be(changes, says):
    with pytest.raises(JGMError, match=says) as error:
        card(**changes)
    assert "\n" not in str(error.value)


def test_the_bundled_card_builds_its_network():
    from jgm_lib.cards import read_train_card
    from jgm_lib.training.runs import network_of

    c = read_train_card("photos-64")
    model = network_of(c)
    assert c.photographs and model.any_gray and model.context is not None
    assert c.size % model.divisor == 0


# -- whole runs ------------------------------------------------------------------------------------


def short(out, c, **options):
    model, batches, _ = start(c)
    return list(fit(model, batches, c, out, save_every=2, **options)), model


@pytest.fixture
def quick_start(monkeypatch):
    """The channels' mean and spread from few pictures: no test here depends on them."""

    def measured(model, batches):
        U = to_basis(model.domain.tensor(next(iter(batches))[:8])).transpose(0, 1).flatten(1)
        model.mean.copy_(U.mean(1).view(1, -1, 1, 1))
        model.spread.copy_(U.std(1).view(1, -1, 1, 1))

    monkeypatch.setattr("jgm_lib.networks.precondition.Preconditioned.measure", measured)


def test_broken_off_and_resumed_equals_uninterrupted(tmp_path, quick_start):
    c = card(settings={**card().settings, "dropout": 0.1}, steps=6, batch=3)
    whole, _ = short(tmp_path / "whole", c)
    model, batches, _ = start(c)
    for progress in fit(model, batches, c, tmp_path / "broken", save_every=2):
        if progress.step == 3:
            break
    assert last_step(tmp_path / "broken") == 2
    again, _ = short(tmp_path / "broken", c, resume=True)
    assert [p.loss for p in again] == [p.loss for p in whole[2:]]
    (facts, a), (others, b) = (contents(tmp_path / n) for n in ("whole", "broken"))
    assert facts == others and same(a, b)
    assert steps_logged(tmp_path / "whole") == steps_logged(tmp_path / "broken")
    assert any(k.startswith("model.context.") for k in a)
    assert not any("stem" in k and "context" in k for k in a)  # nothing of the frozen network
    assert json.loads(facts["card"])["draws"] == 2


def given_away(n, g):
    """Pictures whose colour follows from their grey: red where bright, blue where dark."""
    light = torch.rand(n, 1, 4, 4, generator=g).repeat_interleave(8, 2).repeat_interleave(8, 3)
    return torch.cat([0.1 + 0.8 * light, 0.2 + 0.6 * light, 0.5 - 0.2 * light], 1)


def test_training_lowers_the_loss(tmp_path, quick_start):
    settings = {"widths": [16, 16, 16, 16], "context": True}
    c = card(settings=settings, steps=20, batch=8, any_gray=0.0, aged=0.0, lr=3e-3, isotropic=0.0)
    model, _, _ = start(c)
    model.spread.fill_(0.2)
    before = fixed_loss(model, given_away, c)
    list(fit(model, given_away, c, tmp_path / "a"))
    assert fixed_loss(model, given_away, c) < 0.87 * before


@torch.no_grad()
def fixed_loss(model, batches, c) -> float:
    g = rng(10**6)
    return sum(float(model.objective(model.eval(), c)(batches(16, g), g)) for _ in range(2)) / 2


def test_a_step_trains_the_context_too(tmp_path, quick_start):
    """After two steps: the head starts at zero and lets nothing through in the first."""
    before = start(card())[0].state_dict()
    _, model = short(tmp_path / "a", card(steps=3, batch=2))
    moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert {k for k in before if k.startswith("context.") and k.endswith("weight")} <= moved
