"""The loss on photographs: noise levels, what is known of a picture, and what is counted."""

import math
from statistics import NormalDist

import pytest
import torch
from seen_maker import SPREAD, seeing_network, wave

from jgm_lib.domain import Joint, domain_of
from jgm_lib.joint import join
from jgm_lib.losses import (
    basis_loss,
    halved,
    photograph_loss,
    stratified_sigmas,
    with_luma,
)
from jgm_lib.operators import from_basis, gray, gray_weights, to_basis

F = gray_weights()


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


# -- noise levels ----------------------------------------------------------------------------------


@pytest.mark.parametrize("draws", [1, 4])
def test_one_noise_level_from_each_equally_likely_interval(draws):
    n, mean, std = 60, -0.6, 1.9
    sigma, _ = stratified_sigmas(n, draws, rng(), p_mean=mean, p_std=std, clip=(1e-9, 1e9))
    assert sigma.shape == (n * draws,)
    place = [NormalDist(mean, std).cdf(v) * n * draws for v in sigma.log().tolist()]
    assert sorted(int(p) for p in place) == list(range(n * draws))
    assert [int(p) for p in place] != list(range(n * draws))  # a picture is not tied to a level
    inside = torch.tensor(place) % 1
    assert 0.3 < float(inside.mean()) < 0.7 and float(inside.std()) > 0.2


def test_noise_levels_are_clipped_and_split_pictures_have_clean_luma():
    sigma, sigma_y = stratified_sigmas(500, 1, rng(), p_std=5.0, sigma_y=0.003, clip=(0.01, 4.0))
    assert float(sigma.min()) == pytest.approx(0.01) and float(sigma.max()) == 4
    split = sigma_y != sigma
    assert set(sigma_y[split].tolist()) == {float(torch.tensor(0.003))}


@pytest.mark.parametrize("isotropic", [0.0, 0.25, 0.35, 1.0])
def test_the_isotropic_share_is_exact_to_one_picture(isotropic):
    n, draws, found = 10, 3, []
    for seed in range(400):
        sigma, sigma_y = stratified_sigmas(n, draws, rng(seed), isotropic=isotropic)
        same = (sigma == sigma_y).view(n, draws)
        assert torch.equal(same.all(1), same.any(1)) or float(sigma.min()) < 0.0021
        found.append(int(same.all(1).sum()))
    assert set(found) <= {math.floor(n * isotropic), math.ceil(n * isotropic)}
    assert sum(found) / 400 == pytest.approx(n * isotropic, abs=0.12)


def test_which_pictures_are_isotropic_is_chance():
    rows = torch.stack(
        [torch.eq(*stratified_sigmas(8, 1, rng(s), isotropic=0.5)) for s in range(300)]
    )
    assert rows.float().mean(0).tolist() == pytest.approx([0.5] * 8, abs=0.12)


def test_the_same_generator_gives_the_same_levels():
    a, b, c = (stratified_sigmas(9, 2, rng(s)) for s in (1, 1, 2))
    assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) and not torch.equal(a[0], c[0])


# -- the known part --------------------------------------------------------------------------------


def test_halved_is_the_mean_of_four():
    x = wave(2, 3, 6, 8)
    by_hand = (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4
    torch.testing.assert_close(halved(x), by_hand, rtol=0, atol=1e-6)


@pytest.mark.parametrize("channels", [9, 6, 3])
def test_with_luma_puts_in_the_photograph_and_its_gradients(channels):
    y, s = wave(2, 1, 5, 7), 0.7
    groups = {9: join(y, s), 6: join(y, s)[:, 1:], 3: y}[channels]
    U = to_basis(wave(2, channels, 5, 7) - 0.5)
    before = U.clone()
    out = with_luma(U, y, domain_of(None, channels, s))
    assert torch.equal(U, before)
    chroma = [c for c in range(channels) if c % 3]
    assert torch.equal(out[:, chroma], U[:, chroma])
    greys = from_basis(out).unflatten(1, (-1, 3)).mean(2)  # the grey of each group of three
    torch.testing.assert_close(greys, groups, rtol=0, atol=1e-6)


def test_with_the_pictures_own_grey_nothing_changes():
    x = wave(2, 3, 6, 6)
    U = to_basis(join(x, 0.7))
    torch.testing.assert_close(with_luma(U, gray(x, F), Joint(0.7)), U, rtol=0, atol=1e-6)


# -- the loss --------------------------------------------------------------------------------------


class Oracle:
    """Knows the clean U of its pictures and adds an error; remembers what it was shown."""

    spread = torch.tensor(SPREAD).view(1, 9, 1, 1)

    def __init__(self, truth=None, error=0.0, channels=9):
        self.truth, self.error, self.channels = truth, error, channels
        self.domain = domain_of(None, channels)
        self.spread = self.spread[:, :channels]

    def __call__(self, U, sigma, sigma_y, grey):
        self.U, self.sigma, self.sigma_y, self.grey = U, sigma, sigma_y, grey
        return (U if self.truth is None else self.truth) + self.error


def clean_of(x, grey, split, draws):
    """The answers wanted: the pictures at half the side, split ones with the photograph's luma."""
    rows = []
    for picture, y, known in zip(x, grey, split, strict=True):
        U = to_basis(join(halved(picture[None])))
        rows += [with_luma(U, halved(y[None]), Joint()) if known else U] * draws
    return torch.cat(rows)


@pytest.mark.parametrize(
    "told", [{}, {"any_gray": 1.0}, {"aged": 1.0}, {"any_gray": 0.6, "aged": 0.6}]
)
def test_the_clean_answer_costs_nothing_and_noise_is_as_told(told):
    """Photographs come from the same generator after the noise levels: look what was drawn."""
    from jgm_lib.data.aging import photographed

    x, draws = wave(6, 3, 16, 16), 3
    spy = Oracle()
    photograph_loss(spy, x, rng(4), draws=draws, isotropic=0.5, **told)
    g = rng(4)
    sigma, sigma_y = stratified_sigmas(6, draws, g, isotropic=0.5)
    toned, grey = photographed(x, g, **{"any_gray": 0.0, "aged": 0.0, **told})
    assert torch.equal(spy.grey, grey) and torch.equal(spy.sigma, sigma)
    split = (sigma_y < sigma).view(6, draws).any(1)
    assert 0 < int(split.sum()) < 6
    clean = clean_of(toned, grey, split.tolist(), draws)
    loss = photograph_loss(Oracle(clean), x, rng(4), draws=draws, isotropic=0.5, **told)
    assert float(loss) == pytest.approx(0, abs=1e-6)
    noise = (spy.U - clean).view(6, draws, 9, -1)
    levels = sigma.view(6, draws, 1).repeat(1, 1, 9)
    levels[:, :, ::3] = sigma_y.view(6, draws, 1)
    assert float((noise.std(3) / levels).mean()) == pytest.approx(1, abs=0.02)
    assert float((noise.std(3) / levels).min()) > 0.7
    assert float((noise[:, 0] - noise[:, 1]).abs().amax((1, 2)).min()) > 1e-3  # fresh each draw


def test_the_known_luma_is_not_counted_and_each_error_has_its_weight():
    x, error = wave(4, 3, 8, 8), 0.01 * (1 + torch.arange(9.0)).view(1, 9, 1, 1)
    g = rng(7)
    sigma, sigma_y = stratified_sigmas(4, 2, g, isotropic=0.5)
    split = (sigma_y < sigma).view(4, 2).any(1).tolist()
    clean = clean_of(x, gray(x, F), split, 2)
    loss = photograph_loss(Oracle(clean, error), x, rng(7), draws=2, isotropic=0.5)
    total, counted = 0.0, 0
    for b in range(8):
        for c in range(9):
            if c % 3 == 0 and split[b // 2]:
                continue
            s, d = float(sigma[b]), SPREAD[c]
            total += (s**2 + d**2) / (s * d) ** 2 * float(error[0, c, 0, 0]) ** 2
            counted += 1
    assert counted == 2 * 2 * 9 + 2 * 2 * 6
    assert float(loss) == pytest.approx(total / counted, rel=1e-3)


@pytest.mark.parametrize("clipped", [0, 1])
def test_a_clipped_draw_leaves_the_photograph_known_to_all_draws(clipped, monkeypatch):
    sigma, sigma_y = torch.tensor([0.5, 0.5]), torch.tensor([0.002, 0.002])
    sigma[clipped] = 0.002
    monkeypatch.setattr("jgm_lib.losses.stratified_sigmas", lambda *a, **k: (sigma, sigma_y))
    spy, x = Oracle(), wave(1, 3, 16, 16)
    photograph_loss(spy, x, rng(3), any_gray=1.0, draws=2)
    assert float((spy.grey - gray(x, F)).abs().max()) > 0.05  # the graying is another
    known = math.sqrt(3) * halved(spy.grey)[0, 0]
    assert float((spy.U[:, 0] - known).abs().max()) < 0.02  # but for noise of 0.002


def test_basis_loss_hands_the_photograph_on_only_where_there_is_one():
    seen = []

    class Spy(Oracle):
        def __call__(self, U, sigma, sigma_y, *grey):
            seen.append(grey)
            return U

    s, U = torch.tensor([0.5, 0.5]), wave(2, 9, 4, 4)
    basis_loss(Spy(), U, s, s, rng())
    basis_loss(Spy(), U, s, s, rng(), "photograph")
    assert seen == [(), ("photograph",)]


@pytest.mark.parametrize("channels", [9, 6, 3])
def test_every_kind_of_network_trains_on_photographs(channels):
    settings = {"channels": channels, "mean": [0.1] * channels, "spread": SPREAD[:channels]}
    model = seeing_network(**settings)
    loss = photograph_loss(model, wave(4, 3, 32, 32), rng(), any_gray=0.5, aged=0.5, draws=2)
    assert math.isfinite(float(loss)) and float(loss) > 0
