"""MemoPainter: the memory and its rules, AdaIN, the losses, and that it learns."""

import copy
import math

import pytest
import system_proofs as proofs
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from jgm_lib import checkpoints
from jgm_lib.networks import build
from jgm_lib.systems.base import seen_and_wanted
from jgm_lib.systems.bins import bin_of, gamut_bins, smoothed
from jgm_lib.systems.memopainter import AdaIn, MemoPainter
from jgm_lib.systems.memory import Memory, divergence, histogram, threshold_triplet
from jgm_lib.training import fit, states_in
from jgm_lib.training.runs import export_run, start

TINY = proofs.TINY["memopainter"]["settings"]


def card(**changes):
    return proofs.card("memopainter", **changes)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*shape, seed=0):
    return torch.randn(shape, generator=rng(seed))


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """(averaged network, the untrained one)."""
    settings = {"width": 8, "emb": 16, "slots": 256, "key": 32, "grid": 20, "critic": 8}
    c = card(settings=settings, steps=120, batch=8, lr=2e-3, warmup=5, ema=0.9)
    folder = tmp_path_factory.mktemp("memopainter")
    return proofs.trained(c, folder)[0], start(c)[0].eval()


def test_it_learns(learned):
    proofs.check_it_learns(*learned)


@torch.no_grad()
def test_it_paints_in_the_colours_it_is_told(learned):
    L, ab = seen_and_wanted(proofs.scenes(32))
    v = histogram(ab, 20)
    own, other = ((learned[0].painted(L, w) - ab).norm(dim=1).mean() for w in (v, v.roll(1, 0)))
    assert float(own) < 0.75 * float(other)


def test_the_memory_is_kept_whole_and_never_averaged(tmp_path):
    """In the average, in checkpoints and in the weights: the newest entries, ages as numbers."""
    model, batches, _ = start(card())
    for p in fit(model, batches, card(), tmp_path / "run"):
        for k in ("memory.keys", "memory.values", "memory.ages", "query.weight"):
            assert torch.equal(p.ema[k], model.state_dict()[k])
        assert not torch.equal(p.ema["painter.head.weight"], model.painter.head.weight)
    now = model.state_dict()
    assert int(now["memory.filled"].sum()) > 4 and int(now["memory.ages"].max()) > 0
    state = load_file(states_in(tmp_path / "run")[-1])
    weights = checkpoints.load(export_run(tmp_path / "run", tmp_path / "tiny"))[0].state_dict()
    for k in ("keys", "values", "ages", "filled"):
        whole = now[f"memory.{k}"]
        assert torch.equal(state[f"model.memory.{k}"], whole)
        torch.testing.assert_close(weights[f"memory.{k}"], whole, rtol=1e-3, atol=1e-4)
    assert weights["memory.ages"].dtype == torch.long


# -- the memory ------------------------------------------------------------------------------------

RED, BLUE, GREEN = 0.01 + 0.97 * torch.eye(3)  # histograms of three bins
KEYS = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])


def memory(slots=3) -> Memory:
    m = Memory(slots, 2, 3)
    m.keys[:3], m.values[:3], m.filled[:3] = KEYS, torch.stack([RED, BLUE, GREEN]), True
    m.ages[:3] = torch.tensor([5, 2, 7])
    return m


def test_close_colours_move_the_nearest_key_and_nothing_else():
    m = memory()
    q = F.normalize(torch.tensor([[0.9, 0.3]]), dim=1)
    m.write(q, RED[None])
    torch.testing.assert_close(m.keys[0], F.normalize(KEYS[0] + q[0], dim=0))
    assert torch.equal(m.keys[1:], KEYS[1:])
    assert torch.equal(m.values, torch.stack([RED, BLUE, GREEN]))
    assert m.ages.tolist() == [0, 3, 8]


def test_other_colours_overwrite_the_oldest():
    m = memory()
    q = F.normalize(torch.tensor([[0.9, 0.3]]), dim=1)
    m.write(q, BLUE[None])  # the nearest is red
    torch.testing.assert_close(m.keys, torch.cat([KEYS[:2], q]))
    assert torch.equal(m.values, torch.stack([RED, BLUE, BLUE]))
    assert m.ages.tolist() == [6, 3, 0]


def test_pictures_are_remembered_one_after_another():
    """The second of a batch meets what the first one left."""
    m, q = Memory(4, 2, 3), F.normalize(torch.tensor([[1.0, 0.1], [1.0, 0.3]]), dim=1)
    m.write(q, torch.stack([RED, RED]))
    torch.testing.assert_close(m.keys[0], F.normalize(q.sum(0), dim=0))
    assert m.filled.tolist() == [True, False, False, False]


def test_empty_entries_are_filled_first_and_never_read():
    m = memory(slots=5)
    assert torch.equal(Memory(2, 2, 3).read(KEYS), torch.full((3, 3), 1 / 3))
    away = torch.tensor([[-0.8, -0.6]])  # an empty key's cosine is larger than all of the filled
    assert torch.equal(m.read(away), GREEN[None])
    blank = Memory(3, 2, 3)
    for i, v in enumerate((RED, BLUE, GREEN)):
        blank.write(KEYS[i][None], v[None])
    assert torch.equal(blank.values, torch.stack([RED, BLUE, GREEN]))
    assert blank.ages.tolist() == [2, 1, 0]
    blank.write(KEYS[1][None], RED[None])
    assert torch.equal(blank.keys[0], KEYS[1]) and blank.ages.tolist() == [0, 2, 1]


def test_it_reads_the_nearest_key():
    q = F.normalize(torch.tensor([[1.0, 0.1], [0.7, 0.7], [-0.2, 1.0]]), dim=1)
    assert torch.equal(memory().read(q), torch.stack([RED, BLUE, GREEN]))


def test_the_triplet_loss_in_closed_form():
    cosines = torch.tensor([[0.9, 0.5, 0.7, 0.99], [0.2, 0.8, 0.1, 0.99], [0.9, 0.3, 0.2, 0.9]])
    close = torch.tensor([[0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 1, 0]], dtype=torch.bool)
    filled = torch.tensor([True, True, True, False])
    rows = [0.9 - 0.5 + 0.1, 0.0, 0.0]  # 0.2 - 0.8 + 0.1 < 0; the third knows no other colours
    loss = threshold_triplet(cosines.requires_grad_(), close, filled, 0.1)
    torch.testing.assert_close(loss, torch.tensor(sum(rows) / 3))
    (g,) = torch.autograd.grad(loss, cosines)
    assert (3 * g).round(decimals=4).tolist() == [[1, -1, 0, 0], [0] * 4, [0] * 4]
    lonely = threshold_triplet(cosines, ~torch.zeros_like(close), filled, 0.1)
    assert lonely.item() == 0 and bool(torch.isfinite(lonely))
    positive = threshold_triplet(cosines, close, filled, 0.7)  # the margin counts: 0.2 - 0.8 + 0.7
    torch.testing.assert_close(positive, torch.tensor((1.1 + 0.1) / 3))


def test_a_histogram_tells_the_shares_of_colours():
    ab = seen_and_wanted(proofs.scenes(2))[1]
    bins = gamut_bins(20)
    v = histogram(ab, 20)
    torch.testing.assert_close(v.sum(1), torch.ones(2))
    counts = bin_of(ab[1:], 20).flatten().bincount(minlength=len(bins)) / 32**2
    torch.testing.assert_close(v[1], 0.99 * smoothed(counts, bins) + 0.01 / len(bins))


def test_the_divergence_is_that_of_histograms():
    v, others = random(3, 5).softmax(1), random(4, 5, seed=1).softmax(1)
    expected = torch.stack([(v * (v / o).log()).sum(1) for o in others], dim=1)
    torch.testing.assert_close(divergence(v, others), expected)


def test_close_are_the_nearest_of_a_hundred_pairs_in_twenty():
    model, x = build("memopainter", **TINY), proofs.scenes(20)
    model.measure(iter([x[:12], x[12:]]))
    v = histogram(seen_and_wanted(x)[1], 20)
    pairs = [divergence(v[i : i + 1], v[j : j + 1]) for i in range(20) for j in range(20) if i != j]
    share = (torch.cat(pairs).flatten() < model.memory.close).float().mean()
    assert float(share) == pytest.approx(0.05, abs=0.005)
    spread = seen_and_wanted(x)[1].square().mean().sqrt()
    torch.testing.assert_close(model.spread, spread)


# -- the painter and the losses --------------------------------------------------------------------


def test_adain_gives_each_channel_the_mean_and_deviation_it_is_told():
    layer, h, colours = AdaIn(4, 5), 3 + 2 * random(2, 4, 8, 8), random(2, 5, seed=1)
    out = layer(h, colours)
    scale, mean = layer.told(colours).chunk(2, dim=1)
    torch.testing.assert_close(out.mean((2, 3)), mean, rtol=1e-4, atol=1e-5)
    spread = out.std((2, 3), correction=0)
    torch.testing.assert_close(spread, (1 + scale).abs(), rtol=1e-3, atol=1e-4)


def filled_model():
    """A network that remembers some pictures; and others."""
    model, x = start(card())[0].eval(), proofs.scenes(11)
    L, ab = seen_and_wanted(x[:8])
    model.memory.write(model.ask(L).detach(), histogram(ab, 20))
    model.memory.close.fill_(divergence(*[histogram(ab, 20)] * 2).quantile(0.4))
    return model, x[8:]


def critic(x, v):
    """It looks at a*, b* and at what it is told."""
    return x[:, 1:].mean((1, 2, 3)) + 3 * v[:, 0]


def test_both_losses_are_the_sums_of_their_terms():
    model, x = filled_model()
    L, ab = seen_and_wanted(x)
    answer, q, v = ab + 25 * random(*ab.shape), F.normalize(random(3, 8), dim=1), histogram(ab, 20)
    instead = proofs.Instead(model, lambda L, v: (answer, q))
    instead.painted = lambda L, v: answer
    e, m = ((answer - ab) / model.spread).abs(), model.memory
    near = torch.where(e < 1, e.square() / 2, e - 0.5).mean()
    fake, true = (critic(torch.cat([L, c / model.spread], 1), v) for c in (answer, ab))
    close = divergence(v, m.values) < m.close
    told = threshold_triplet(q @ m.keys.T, close, m.filled, 0.1)
    assert float(told) > 0.02
    expected = near - fake.sigmoid().log().mean() + told
    torch.testing.assert_close(MemoPainter.loss(instead, critic, x, None), expected)
    expected = -((1 - fake.sigmoid()).log() + true.sigmoid().log()).mean()
    model.painted = instead.painted
    torch.testing.assert_close(MemoPainter.critic_loss(model, critic, x, None), expected)


def test_it_remembers_in_training_only():
    model, x = filled_model()
    before = copy.deepcopy(model.memory.state_dict())
    game = model.objective(model, card())
    game(x, None)
    game.opponents["critic"].loss(x, None)
    assert all(torch.equal(v, before[k]) for k, v in model.memory.state_dict().items())
    model.train()
    game(x, None).backward()  # what is written must not spoil the gradient
    assert int((model.memory.ages < 3).sum()) == 3
    assert float(model.query.weight.grad.norm()) > 0


def test_the_critic_learns_to_tell_true_from_painted():
    """Against a painter that stays as it is, far below the 2 ln 2 of a critic that guesses."""
    model, x = filled_model()
    critic = model.objective(model, card()).opponents["critic"]
    optimizer = torch.optim.Adam(critic.module.parameters(), lr=2e-3, betas=(0.5, 0.999))
    for _ in range(60):
        loss = critic.loss(x, None)
        loss.backward()
        optimizer.step(), optimizer.zero_grad()
    assert float(loss.detach()) < math.log(2)


def test_the_critic_is_told_the_grey_and_the_colours():
    model, x = filled_model()
    judge = model.objective(model, card()).opponents["critic"].module
    L, ab = seen_and_wanted(x)
    v = histogram(ab, 20)
    score = judge(model.judged(L, ab), v)
    for other in (judge(model.judged(L.flip(3), ab), v), judge(model.judged(L, ab), v.roll(1, 0))):
        assert float((other - score).abs().max()) > 1e-4


def test_in_use_the_colours_are_those_of_the_memory():
    model, x = filled_model()
    L = seen_and_wanted(x)[0]
    i = model.memory.cosines(model.ask(L)).argmax(1)
    painted = model.painted(L, model.memory.values[i])
    torch.testing.assert_close(model.paint(L, None), painted)
    assert math.isclose(float(model.ask(L).norm(dim=1).mean()), 1, abs_tol=1e-5)
