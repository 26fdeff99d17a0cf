"""ChromaGAN: the critic and its penalty, the class branch, the clusters, and that it learns."""

import math

import pytest
import system_proofs as proofs
import torch
from safetensors.torch import load_file
from torch import nn
from torch.distributions import Categorical, kl_divergence

from jgm_lib.cards import read_train_card
from jgm_lib.networks import build
from jgm_lib.systems import chromagan
from jgm_lib.systems.adversarial import Patches, look
from jgm_lib.systems.base import seen_and_wanted
from jgm_lib.systems.chromagan import ChromaGan, class_divergence, gradient_penalty
from jgm_lib.systems.clusters import Clusters, k_means
from jgm_lib.training import states_in
from jgm_lib.training.runs import export_run, start

TINY = proofs.TINY["chromagan"]["settings"]


def card(**changes):
    return proofs.card("chromagan", **changes)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """(averaged network, the untrained one)."""
    c = card(steps=60, batch=8, lr=2e-3, warmup=5, ema=0.9)
    folder = tmp_path_factory.mktemp("chromagan")
    return proofs.trained(c, folder)[0], start(c)[0].eval()


def test_it_learns(learned):
    proofs.check_it_learns(*learned)


def test_the_critic_is_in_checkpoints_and_not_in_the_weights(tmp_path):
    proofs.trained(card(), tmp_path / "run")
    state = load_file(states_in(tmp_path / "run")[-1])
    assert any(k.startswith("opponent.critic.model.first") for k in state)
    weights = load_file(export_run(tmp_path / "run", tmp_path / "tiny"))
    assert weights.keys() == build("chromagan", **TINY).state_dict().keys()
    assert not any("critic" in k for k in weights)


@pytest.mark.parametrize("name", ["chromagan-64", "memopainter-64"])
def test_the_cards_weights_are_small(name):
    c = read_train_card(name)
    model = build(c.network, **c.settings)
    assert sum(v.numel() for v in model.state_dict().values()) < 2_000_000


# -- the critic ------------------------------------------------------------------------------------


@pytest.mark.parametrize("steep", [0.5, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_in_closed_form(steep):
    """Everywhere the slope is w, so the penalty is (|w| - 1)^2 and its gradient 2 (|w| - 1) w/|w|."""
    w = torch.randn(3, 4, 4, generator=rng())
    w = (steep * w / w.norm()).requires_grad_()
    real, fake = torch.rand(2, 5, 3, 4, 4, generator=rng(1))
    penalty = gradient_penalty(lambda x: (w * x).sum((1, 2, 3)), real, fake, rng())
    torch.testing.assert_close(penalty, torch.tensor((steep - 1) ** 2))
    (slope,) = torch.autograd.grad(penalty, w)
    torch.testing.assert_close(slope, 2 * (steep - 1) * w.detach() / steep, rtol=1e-4, atol=1e-5)


def test_the_penalty_is_taken_between_real_and_fake():
    """Of |x|^2/2 the slope is x itself, which lies a random share of the way."""
    real, fake = torch.zeros(6, 1, 2, 2), torch.full((6, 1, 2, 2), 2.0)
    share = torch.rand(6, 1, 1, 1, generator=rng()).flatten()
    penalty = gradient_penalty(lambda x: x.square() / 2, real, fake, rng())
    torch.testing.assert_close(penalty, (4 * (1 - share) - 1).square().mean())


def test_a_patch_sees_a_part_and_no_other_picture():
    critic = Patches(3, 4)
    x = torch.randn(2, 3, 64, 64, generator=rng(), requires_grad=True)
    critic(x)[0, 0, 4, 4].backward()
    seen = x.grad.abs().sum(1) > 0
    assert int(seen[0].any(0).sum()) == int(seen[0].any(1).sum()) == 38
    assert not bool(seen[1].any()) and critic(x).shape == (2, 1, 8, 8)


class Linear(nn.Module):
    """A critic that adds up what it sees of b*."""

    def forward(self, x):
        return 0.3 * x[:, 2:].sum((1, 2, 3)).view(-1, 1, 1, 1)


def put_in(model, x):
    """The network with answers by hand: wrong by a field e, and the same class for all."""
    L, ab = seen_and_wanted(x)
    e = 20 * torch.randn(ab.shape, generator=rng(3))
    log_p = torch.tensor([0.7, 0.1, 0.1, 0.1]).log().expand(len(x), -1)
    return proofs.Instead(model, lambda L: (ab + e, log_p)), ab, e, log_p


def test_both_losses_are_the_sums_of_their_terms():
    model, x = start(card())[0].eval(), proofs.scenes(3)
    instead, ab, e, log_p = put_in(model, x)
    y = model.clusters(look(seen_and_wanted(x)[0])).exp()
    kl = (y * (y.log() - log_p)).sum(1).mean()
    scores = 0.3 * torch.stack([(ab + e)[:, 1].sum((1, 2)), ab[:, 1].sum((1, 2))]) / 128
    expected = (e / 128).square().mean() + 0.003 * kl - 0.1 * scores[0].mean()
    torch.testing.assert_close(ChromaGan.loss(instead, Linear(), x, rng()), expected)
    steep = 0.3 * math.sqrt(32 * 32)
    expected = scores[0].mean() - scores[1].mean() + 10 * (steep - 1) ** 2
    torch.testing.assert_close(ChromaGan.critic_loss(instead, Linear(), x, rng()), expected)


def test_the_critic_learns_to_tell_and_the_system_feels_it():
    """A critic against colours that stay as they are: true pictures score higher; and through it,
    the system's own parameters get another gradient."""
    model, x = start(card())[0], proofs.scenes(8)
    game = model.objective(model, card())
    critic = game.opponents["critic"].module
    optimizer = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.5, 0.999))
    for i in range(40):
        game.opponents["critic"].loss(x, rng(i)).backward()
        optimizer.step(), optimizer.zero_grad()
    L, ab = seen_and_wanted(x)
    fake, real = (critic(chromagan.judged(L, c)).mean() for c in (model(L)[0], ab))
    assert (real - fake).item() > 0.1
    (g,) = torch.autograd.grad(-0.1 * fake, model.head.weight)
    (whole,) = torch.autograd.grad(game(x, rng()), model.head.weight)
    assert float(g.norm()) > 0.1 * float(whole.norm())


# -- what is in the picture ------------------------------------------------------------------------


def test_the_divergence_is_that_of_classes():
    a, b = (torch.randn(5, 4, generator=rng(s)).log_softmax(1) for s in (0, 1))
    expected = kl_divergence(Categorical(logits=a), Categorical(logits=b)).mean()
    torch.testing.assert_close(class_divergence(a, b), expected)


def test_the_class_branch_learns_the_classes():
    """The loss as a whole teaches it, on pictures seen again and again."""
    model, x = start(card())[0], proofs.scenes(16)
    L = seen_and_wanted(x)[0]
    optimizer = torch.optim.Adam(model.classify.parameters(), lr=0.01)
    game = model.objective(model, card())

    def wrong():
        return float(class_divergence(model.clusters(look(L)), model(L)[1]).detach())

    before = wrong()
    for _ in range(40):
        game(x, rng()).backward()
        optimizer.step(), optimizer.zero_grad()
    assert wrong() < 0.6 * before


@torch.no_grad()
def test_what_is_in_the_picture_reaches_the_colours(learned):
    model, L = learned[0], seen_and_wanted(proofs.scenes(2))[0]
    before = model(L)[0]
    hook = model.tell.register_forward_hook(lambda module, args, told: told.flip(0))
    after = model(L)[0]
    hook.remove()
    assert float((after - before).abs().mean()) > 5e-3
    torch.testing.assert_close(model(L)[0], before)


def test_k_means_finds_what_lies_apart():
    centres = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    points = (centres[:, None] + 0.5 * torch.randn(3, 40, 2, generator=rng())).flatten(0, 1)
    for seed in range(5):
        found = k_means(points, 3, rng(seed))
        means = points.view(3, 40, 2).mean(1)
        assert float(torch.cdist(means, found).amin(1).max()) < 1e-5


def test_clusters_are_normals_along_principal_components():
    seen = torch.randn(400, 320, generator=rng()) * torch.linspace(0.1, 3, 320)
    seen[:200, 300:] += 6  # two kinds
    clusters = Clusters(2, 4)
    clusters.measure(seen)
    points = clusters.place(seen)
    top = torch.linalg.eigvalsh(seen.T.cov())[-4:].flip(0)
    torch.testing.assert_close(points.T.cov(), top.diag(), rtol=1e-3, atol=1e-2)
    assert float(points.mean(0).abs().max()) < 1e-3
    log_p = clusters(seen)
    d = torch.cdist(points, clusters.centres).square()
    torch.testing.assert_close(
        log_p[:, 0] - log_p[:, 1], (d[:, 1] - d[:, 0]) / (2 * clusters.variance)
    )
    torch.testing.assert_close(clusters.variance, d.amin(1).mean() / 4)
    kind = log_p.argmax(1)
    assert kind[:200].unique().numel() == kind[200:].unique().numel() == 1 and kind[0] != kind[-1]


def test_the_eyes_see_the_grey_of_a_picture_alone():
    L = seen_and_wanted(proofs.scenes(3))[0]
    seen = look(L)
    assert seen.shape == (3, 320) and not seen.requires_grad
    torch.testing.assert_close(look(L[1:2]), seen[1:2], rtol=1e-3, atol=1e-3)
    assert float((seen[0] - seen[1]).norm() / seen[0].norm()) > 0.05
