"""Colours by chance: the terms of the loss, the mixture, and a decoder that sees the grey."""

import math

import pytest
import system_proofs as proofs
import torch
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
    kl_divergence,
)

from jgm_lib.errors import JGMError
from jgm_lib.networks import build
from jgm_lib.noise import SeededNoise
from jgm_lib.systems import cvae
from jgm_lib.systems.base import seen_and_wanted
from jgm_lib.systems.bins import bin_of, class_weights
from jgm_lib.systems.cvae_parts import edges, principal_components
from jgm_lib.training.runs import start

TINY = proofs.TINY["cvae"]["settings"]


def card(**changes):
    return proofs.card("cvae", **changes)


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    c = card(settings={"size": 32, "width": 8}, steps=120, batch=8, lr=3e-3, warmup=5, ema=0.9)
    return proofs.trained(c, tmp_path_factory.mktemp("cvae"))[0], c


def test_it_learns(learned):
    model, c = learned
    proofs.check_it_learns(model, start(c)[0].eval(), mean_of=4)


def test_seeds_are_colourings_and_a_picture_does_not_know_its_neighbours(learned):
    model, _ = learned
    y = seen_grey(3)
    x = model.colorize(y, [7, 8, 9])
    assert torch.equal(x, model.colorize(y, [7, 8, 9]))
    torch.testing.assert_close(x[1:2], model.colorize(y[1:2], [8]), rtol=0, atol=1e-4)
    ab = seen_and_wanted(x)[1], seen_and_wanted(model.colorize(y, [17, 18, 19]))[1]
    assert float((ab[0] - ab[1]).norm(dim=1).mean()) > 3
    assert model.draws and model.nfe == 1


def seen_grey(n):
    return proofs.gray(proofs.scenes(n), proofs.F)


def test_a_card_of_another_size_is_refused():
    with pytest.raises(JGMError, match="card size=64: network cvae has settings size=32"):
        start(card(size=64))


# -- the terms of the loss -------------------------------------------------------------------------


def test_the_kl_is_that_of_normals():
    mean, log_variance = random(4, 6), random(4, 6, seed=1)
    ours = Independent(Normal(mean, (log_variance / 2).exp()), 1)
    standard = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    torch.testing.assert_close(cvae.kl_to_normal(mean, log_variance), kl_divergence(ours, standard))


def test_the_principal_term_counts_deviations_and_nothing_beside_the_components():
    fields = random(40, 2, 6, 6) * torch.linspace(0.2, 3, 6, dtype=torch.float64)
    P, variances = principal_components(fields, 4)
    torch.testing.assert_close(P @ P.T, torch.eye(4, dtype=torch.float64))
    flat = (fields - fields.mean(0)).flatten(1)
    torch.testing.assert_close((flat @ P.T).var(0), variances)
    assert bool((variances[:-1] > variances[1:]).all())
    top = torch.linalg.eigvalsh(flat.T @ flat / 39)[-4:].flip(0)
    torch.testing.assert_close(variances, top)
    one_deviation = (P * variances.sqrt()[:, None]).view(4, 2, 6, 6)
    torch.testing.assert_close(
        cvae.mahalanobis(one_deviation, P, variances), torch.ones(4, dtype=torch.float64)
    )
    e = random(1, 72, seed=5)
    beside = (e - e @ P.T @ P).view(1, 2, 6, 6)
    assert float(cvae.mahalanobis(beside, P, variances)) < 1e-20


def test_the_gradient_term_is_blind_to_a_constant_and_counts_every_edge():
    assert float(cvae.gradient_energy(torch.full((1, 2, 5, 4), 3.0))) == 0
    e = torch.zeros(1, 2, 5, 4)
    e[0, 0, 2:] = 3.0  # an edge of four pixels
    e[0, 1, :, 1:] = 1.0  # one of five
    assert float(cvae.gradient_energy(e)) == 4 * 9 + 5


def test_the_loss_is_the_sum_of_its_terms():
    """With the network's own answers put in by hand, each term in turn."""
    model, x = start(card())[0].eval(), proofs.scenes(3)
    L, ab = seen_and_wanted(x)
    answer = ab + 10 * random(*ab.shape, dtype=torch.float32)
    mean, log_variance = (random(3, 8, seed=s, dtype=torch.float32) for s in (1, 2))
    log_weights, means = torch.full((3, 3), -math.log(3)), random(3, 3, 8, dtype=torch.float32)

    def told(L, ab, eps):
        return answer, mean, log_variance, log_weights, means

    e = (answer - ab) / model.spread
    w = class_weights(model.share, 0.5)[bin_of(ab, 20)]
    expected = (
        torch.einsum("bhw,bchw->b", w, e**2)
        + 0.1 * cvae.mahalanobis(e, model.components, model.variances)
        + 1e-3 * cvae.gradient_energy(e)
        + cvae.kl_to_normal(mean, log_variance)
        - 0.01 * cvae.mixture_log_density(mean, log_weights, means, 0.1)
    ).mean()
    loss = cvae.Cvae.loss(proofs.Instead(model, told), x, torch.Generator().manual_seed(0))
    torch.testing.assert_close(loss, expected)
    assert float(w.max() / w.min()) > 2


def test_the_mixture_leaves_the_encoder_alone():
    """Another mixture, another loss, the same gradient for the encoder."""
    model, x = start(card())[0], proofs.scenes(2)

    def loss_and_gradient():
        loss = model.loss(model, x, torch.Generator().manual_seed(0))
        return loss, torch.autograd.grad(loss, list(model.encoder.parameters()))

    loss, before = loss_and_gradient()
    model.mixture.last.weight.data.mul_(5)
    other, after = loss_and_gradient()
    assert not torch.equal(loss, other)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


# -- the mixture -----------------------------------------------------------------------------------


def mixture(B=2, K=3, D=5):
    log_weights = random(B, K, seed=1).log_softmax(1)
    return log_weights, random(B, K, D, seed=2)


def test_the_density_is_that_of_the_mixture():
    log_weights, means = mixture()
    z = means[:, 0] + 0.1 * random(2, 5, seed=3)
    parts = Independent(Normal(means, torch.full_like(means, 0.1)), 1)
    expected = MixtureSameFamily(Categorical(logits=log_weights), parts).log_prob(z)
    torch.testing.assert_close(cvae.mixture_log_density(z, log_weights, means, 0.1), expected)


def test_draws_follow_the_weights_and_the_deviation():
    log_weights, means = mixture(B=1)
    n = 4000
    rows = log_weights.expand(n, -1), 10 * means.expand(n, -1, -1)
    z = cvae.draw_mixture(*rows, 0.1, SeededNoise(range(n)))
    d, nearest = torch.cdist(z[:, None], rows[1]).squeeze(1).min(1)
    share = nearest.bincount(minlength=3) / n
    torch.testing.assert_close(share.double(), log_weights.exp()[0], rtol=0, atol=0.03)
    assert float(d.square().mean() / 5) == pytest.approx(0.01, rel=0.05)


# -- the decoder -----------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", ["to_half", "to_whole"])
def test_the_decoder_sees_the_grey_at_half_and_at_a_quarter_of_the_side(closed):
    """The same z and another grey give other colours, by either way alone."""
    decoder = build("cvae", **TINY).decoder.eval()
    grey, of_z = {"to_half": (8, 16), "to_whole": (4, 8)}[closed]  # channels
    z, L = random(1, 8, dtype=torch.float32), random(1, 1, 32, 32, dtype=torch.float32)

    def without_grey(part, args):
        assert args[0].shape[1] == grey + of_z
        return torch.cat([args[0][:, :of_z], torch.zeros_like(args[0][:, of_z:])], dim=1)

    getattr(decoder, closed).register_forward_pre_hook(without_grey)
    with torch.no_grad():
        assert float((decoder(z, L) - decoder(z, L.flip(3))).abs().max()) > 1e-3


def test_edges_are_forward_differences():
    L = torch.arange(12.0).view(1, 1, 3, 4)
    down, right = edges(L)[0, 1:]
    assert down[:2].unique().tolist() == [4] and not down[2].any()
    assert right[:, :3].unique().tolist() == [1] and not right[:, 3].any()
