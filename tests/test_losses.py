"""Losses: identities between the paper's equations, and what the training loss counts."""

import math

import pytest
import torch

from jgm_lib.domain import Joint
from jgm_lib.joint import join
from jgm_lib.losses import (
    dae_loss,
    draw_sigmas,
    dsm_levels_loss,
    dsm_loss,
    lambda_c,
    log_uniform_levels,
    preconditioned_loss,
    random_level_loss,
    split_noise_loss,
)
from jgm_lib.networks import build
from jgm_lib.operators import from_basis, to_basis
from jgm_lib.score import score_from_denoiser

SPREAD = [0.42, 0.12, 0.05, 0.13, 0.02, 0.01, 0.12, 0.018, 0.01]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def draw(seed, *shape):
    return torch.randn(shape, generator=rng(seed), dtype=torch.float64)


def network():
    torch.manual_seed(0)
    model = build("unet", widths=(8, 16), spread=SPREAD, mean=[0.1] * 9).double().eval()
    generator = rng(1)
    for p in model.parameters():
        p.data += 0.1 * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    return model


def test_eq_2_and_eq_6_by_hand():
    x, sigma = draw(0, 4, 9, 2, 3), 0.3
    z = draw(7, 4, 9, 2, 3)
    dae = dae_loss(lambda n, s: 0.5 * n, x, sigma, rng(7))
    expected = (0.5 * (x + sigma * z) - x).square().flatten(1).sum(1).mean()
    torch.testing.assert_close(dae, expected, rtol=1e-12, atol=0)
    dsm = dsm_loss(lambda n, s: -2 * n, x, sigma, rng(7))
    expected = 0.5 * (-2 * (x + sigma * z) + z / sigma).square().flatten(1).sum(1).mean()
    torch.testing.assert_close(dsm, expected, rtol=1e-12, atol=0)


def test_eq_2_is_eq_6_times_2_sigma_to_the_fourth():
    """With s = (A - x~)/sigma^2 the two losses have one minimum."""
    x, sigma = draw(1, 5, 9, 2, 2), 0.3

    def denoise(noisy, sigma):
        return torch.tanh(noisy) / (1 + sigma)

    def score(noisy, sigma):
        return score_from_denoiser(denoise(noisy, sigma), noisy, sigma)

    left, right = dae_loss(denoise, x, sigma, rng()), dsm_loss(score, x, sigma, rng())
    torch.testing.assert_close(left, 2 * sigma**4 * right, rtol=1e-12, atol=0)


def test_eq_6_is_explicit_score_matching_up_to_a_constant():
    """Two wrong scores of a Gaussian: the difference of their losses is the difference of their
    distances to the true score of p_sigma."""
    S, sigma = 0.5, 0.4
    x = math.sqrt(S) * draw(2, 400_000, 1)
    noisy = x + sigma * draw(3, 400_000, 1)

    def explicit(k):
        return 0.5 * (k * noisy + noisy / (S + sigma**2)).square().mean()

    def denoising(k):
        return dsm_loss(lambda n, s: k * n, x, sigma, rng(3))

    a, b = -2.5, -0.7
    difference = float(denoising(a) - denoising(b))
    assert float(explicit(a) - explicit(b)) == pytest.approx(difference, abs=0.01)
    assert abs(float(explicit(a) - denoising(a))) > 1  # the constant itself is not small


def test_eq_7_weights_its_levels():
    x, sigmas = draw(4, 3, 9, 2, 2), [1.0, 0.3, 0.1]
    total = dsm_levels_loss(lambda n, s: -n / (1 + s), x, sigmas, rng())
    generator = rng()
    terms = [s**2 * dsm_loss(lambda n, s: -n / (1 + s), x, s, generator) for s in sigmas]
    torch.testing.assert_close(total, sum(terms) / 3, rtol=1e-12, atol=0)
    plain = dsm_levels_loss(lambda n, s: -n / (1 + s), x, sigmas, rng(), weight=lambda s: 1)
    generator = rng()
    terms = [dsm_loss(lambda n, s: -n / (1 + s), x, s, generator) for s in sigmas]
    torch.testing.assert_close(plain, sum(terms) / 3, rtol=1e-12, atol=0)


# -- the loss the bundled network is trained with ------------------------------------------------


def eq_9(model, X, sigma, z):
    """lambda_c(sigma)/2 |s_c + z_c/sigma|^2 of every number, sigma the same on all channels."""
    noisy = to_basis(X) + sigma * z
    denoised = model.denoise_basis(noisy, sigma.expand(len(X)), sigma.expand(len(X)))
    score = score_from_denoiser(denoised, noisy, sigma)
    weight = [lambda_c(float(sigma), d) for d in model.spread.flatten().tolist()]
    weight = torch.tensor(weight, dtype=torch.float64).view(1, -1, 1, 1)
    return 0.5 * weight * (score + z / sigma).square()


@pytest.mark.parametrize("sigma", [0.005, 0.2, 5.0])
def test_preconditioned_loss_is_eq_9_with_its_lambda(sigma):
    model, X = network(), draw(5, 3, 9, 6, 6)
    level = torch.tensor(sigma, dtype=torch.float64)
    loss = preconditioned_loss(model, X, level.expand(3), level.expand(3), rng(9))
    expected = eq_9(model, X, level, draw(9, 3, 9, 6, 6)).mean()
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)
    assert lambda_c(sigma, 0.12) == 2 * sigma**2 * (sigma**2 + 0.12**2) / 0.12**2


class Recorder:
    """A network that answers the truth plus a given error, and remembers what it was shown."""

    channels, domain = 9, Joint()
    spread = torch.tensor(SPREAD, dtype=torch.float64).view(1, 9, 1, 1)

    def __init__(self, truth, error):
        self.truth, self.error = truth, error

    def __call__(self, U, sigma, sigma_y):
        self.seen, self.levels = U, (sigma, sigma_y)
        return self.truth + self.error


def test_the_weight_of_every_channel_by_hand():
    X, sigma, sigma_y = draw(6, 2, 9, 2, 2), [0.5, 0.1], [0.5, 0.002]
    error = draw(7, 2, 9, 2, 2)
    model = Recorder(to_basis(X), error)
    loss = preconditioned_loss(
        model, X, torch.tensor(sigma).double(), torch.tensor(sigma_y).double(), rng(8)
    )
    total, counted = 0.0, 0
    for b in range(2):
        for c in range(9):
            if c % 3 == 0 and b == 1:
                continue  # a clean condition is not learned
            s, d = float(torch.tensor(sigma[b]).double()), SPREAD[c]
            total += (s**2 + d**2) / (s * d) ** 2 * float(error[b, c].square().mean())
            counted += 1
    assert counted == 15
    assert float(loss) == pytest.approx(total / counted, rel=1e-6)
    z = draw(8, 2, 9, 2, 2)  # and what the network saw: sigma_y on luma, sigma on chroma
    noise = model.seen - to_basis(X)
    levels = torch.tensor(sigma).double().view(2, 1, 1, 1).repeat(1, 9, 1, 1)
    levels[:, ::3] = torch.tensor(sigma_y).double().view(2, 1, 1, 1)
    torch.testing.assert_close(noise, levels * z, rtol=0, atol=1e-12)


def test_luma_of_a_clean_condition_carries_no_gradient():
    X, error = draw(6, 2, 9, 2, 2), torch.zeros(2, 9, 2, 2, dtype=torch.float64)
    error += 0.1
    error.requires_grad_()
    levels = torch.tensor([0.5, 0.5]).double(), torch.tensor([0.002, 0.5]).double()
    loss = preconditioned_loss(Recorder(to_basis(X), error), X, *levels, rng())
    (g,) = torch.autograd.grad(loss, error)
    assert float(g[0, ::3].abs().max()) == 0
    assert float(g[1].abs().min()) > 0
    assert float(g[0, 1::3].abs().min()) > 0 and float(g[0, 2::3].abs().min()) > 0


def test_an_untrained_network_scores_one_on_data_of_its_own_spread():
    """The scale of the loss: the best linear answer costs 1 at every level, in every channel."""
    model = build("unet", widths=(8, 16), spread=SPREAD, mean=[0.0] * 9).double()
    U = model.spread * draw(0, 400, 9, 4, 4)
    for sigma in (0.01, 0.3, 10.0):
        level = torch.full((400,), sigma, dtype=torch.float64)
        loss = preconditioned_loss(model, from_basis(U), level, level, rng(3))
        assert loss.item() == pytest.approx(1, abs=0.02)


def test_drawn_noise_levels():
    sigma, sigma_y = draw_sigmas(20_000, rng())
    same = sigma == sigma_y
    assert float(same.double().mean()) == pytest.approx(0.35, abs=0.015)
    assert set(sigma_y[~same].tolist()) == {float(torch.tensor(0.002))}
    assert float(sigma.log().median()) == pytest.approx(-1.8, abs=0.05)
    inner = sigma[(sigma > 0.0021) & (sigma < 19)].log()
    assert float(inner.std()) == pytest.approx(1.57, abs=0.06)  # 1.6, less the clipped tails
    assert float(sigma.min()) >= 0.002 * (1 - 1e-6) and float(sigma.max()) <= 20
    narrow = draw_sigmas(20_000, rng(), p_mean=-1.0, p_std=0.5)[0].log()
    assert float(narrow.mean()) == pytest.approx(-1, abs=0.015)
    assert float(narrow.std()) == pytest.approx(0.5, abs=0.01)
    assert torch.equal(*draw_sigmas(50, rng(), isotropic=1.0))
    assert set(draw_sigmas(50, rng(), isotropic=0.0, sigma_y=0.5)[1].tolist()) == {0.5}


def test_split_noise_loss_is_the_preconditioned_loss_of_drawn_levels():
    model = network()
    x = torch.rand(4, 3, 6, 6, generator=rng(2), dtype=torch.float64)
    generator = rng(5)
    sigma, sigma_y = draw_sigmas(4, generator, isotropic=0.5)
    expected = preconditioned_loss(model, join(x), sigma.double(), sigma_y.double(), generator)
    got = split_noise_loss(model, x, rng(5), isotropic=0.5)
    torch.testing.assert_close(got, expected, rtol=0, atol=0)


# -- the loss of the paper's network ---------------------------------------------------------------


def test_random_level_loss_is_eq_9_with_sigma_squared():
    sigmas, shown = [1.0, 0.1, 0.01], {}

    class Levels:
        domain = Joint(0.5)

        def __call__(self, X, index):
            shown.update(X=X, index=index)
            return -X * (1 + index.view(-1, 1, 1, 1))

    model = Levels()
    model.sigmas = sigmas
    x = torch.rand(6, 3, 3, 4, generator=rng(2), dtype=torch.float64)
    loss = random_level_loss(model, x, rng(11))
    X = join(x, 0.5)
    terms = []
    for b in range(6):
        sigma = sigmas[int(shown["index"][b])]
        z = (shown["X"][b] - X[b]) / sigma
        score = -shown["X"][b] * (1 + int(shown["index"][b]))
        terms.append(0.5 * sigma**2 * (score + z / sigma).square().mean())
    torch.testing.assert_close(loss, torch.stack(terms).mean(), rtol=1e-10, atol=0)
    assert len(set(shown["index"].tolist())) > 1


def test_random_levels_are_drawn_alike():
    counts = []

    class Levels:
        domain, sigmas = Joint(), (1.0, 0.3, 0.1, 0.01)

        def __call__(self, X, index):
            counts.extend(torch.bincount(index, minlength=4).tolist())
            return X

    random_level_loss(Levels(), torch.zeros(4000, 3, 1, 1), rng(3))
    assert counts == pytest.approx([1000] * 4, abs=110)  # four standard errors


def test_log_uniform_levels():
    assert log_uniform_levels(3, 1.0, 0.01) == pytest.approx([1, 0.1, 0.01], rel=1e-6)
