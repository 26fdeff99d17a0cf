"""Colour as classification: its bins, soft targets, class weights, annealed mean and network."""

import math

import pytest
import system_proofs as proofs
import torch

from jgm_lib.lab import rgb_to_lab
from jgm_lib.networks import build
from jgm_lib.systems.base import seen_and_wanted
from jgm_lib.systems.bins import bin_of, class_weights, gamut_bins, smoothed, soft_code
from jgm_lib.systems.zhang import annealed_mean, quarter
from jgm_lib.training.runs import start

TINY = proofs.TINY["zhang"]["settings"]


def card(**changes):
    return proofs.card("zhang", **changes)


def test_it_learns(tmp_path):
    c = card(settings={"width": 8}, steps=60, batch=8, lr=3e-3, warmup=5, ema=0.9)
    model, progress = proofs.trained(c, tmp_path / "a")
    proofs.check_it_learns(model, start(c)[0].eval())
    assert progress[-1].loss < 0.7 * progress[0].loss


def test_every_colour_of_a_screen_has_a_bin_and_every_bin_a_colour():
    bins = gamut_bins(10)
    assert len(bins) == 261 and len(bins.unique(dim=0)) == 261
    x = torch.rand(1, 3, 200, 200, generator=torch.Generator().manual_seed(0))
    cells = (rgb_to_lab(x)[0, 1:].flatten(1).T / 10).round() * 10
    assert float(torch.cdist(cells, bins).amin(1).max()) == 0
    assert [0.0, 0.0] in bins.tolist() and [-90.0, 80.0] in bins.tolist()  # grey; pure green
    assert [-80.0, -50.0] not in bins.tolist()  # cyan is the utmost there, at -48 and -14


def test_a_soft_target_sums_to_one_and_decodes_to_its_colour():
    bins = gamut_bins(10)
    ab = seen_and_wanted(proofs.scenes(2))[1]
    code = soft_code(ab, bins)
    assert code.shape == (2, 261, 32, 32) and int((code > 0).sum(1).max()) == 5
    torch.testing.assert_close(code.sum(1), torch.ones(2, 32, 32))
    assert float((torch.einsum("bqhw,qc->bchw", code, bins) - ab).norm(dim=1).mean()) < 2
    own = soft_code(torch.zeros(1, 2, 1, 1), bins)[0, :, 0, 0]  # grey: itself and four at 10
    four = math.exp(-(10**2) / (2 * 5**2))
    torch.testing.assert_close(own.max(), torch.tensor(1 / (1 + 4 * four)))
    assert bins[own.argmax()].tolist() == [0, 0]


def test_a_colour_falls_into_the_nearest_bin():
    bins, ab = gamut_bins(10), seen_and_wanted(proofs.scenes(2))[1]
    nearest = torch.cdist(ab.movedim(1, -1).reshape(-1, 2), bins).argmin(1).view(2, 32, 32)
    torch.testing.assert_close(bin_of(ab, 10), nearest)
    far = torch.tensor([-500.0, 500.0]).view(1, 2, 1, 1)  # outside: the nearest there is
    assert bins[bin_of(far, 10)].flatten().tolist() == [-90, 80]


def test_smoothing_moves_shares_to_neighbours_and_loses_none():
    bins = gamut_bins(10)
    p = torch.zeros(len(bins))
    p[bins.abs().sum(1).argmin()] = 1
    spread = smoothed(p, bins)
    assert float(spread.sum()) == pytest.approx(1, abs=1e-5)
    ten, at = math.exp(-2), spread[(bins == torch.tensor([10.0, 0.0])).all(1)]
    torch.testing.assert_close(at / spread.max(), torch.tensor([ten]), rtol=1e-4, atol=0)


def test_class_weights_in_closed_form():
    p = torch.tensor([0.9, 0.1])
    w = class_weights(p, 0.5)
    mixed = torch.tensor([0.7, 0.3])  # half of p, half of 1/2
    torch.testing.assert_close(w[1] / w[0], mixed[0] / mixed[1])
    torch.testing.assert_close((p * w).sum(), torch.tensor(1.0))
    torch.testing.assert_close(class_weights(p, 1.0), torch.ones(2))


def test_a_rare_colour_weighs_more_in_the_loss():
    """Where the network knows nothing, a picture's loss is its class weight times ln Q."""
    model = build("zhang", **TINY).eval()
    torch.nn.init.zeros_(model.head.weight), torch.nn.init.zeros_(model.head.bias)
    grey, red = (torch.tensor(c).view(1, 3, 1, 1).expand(1, 3, 16, 16) for c in PAIR)
    model.measure(iter([torch.cat([grey] * 9 + [red])]))
    ab = quarter(seen_and_wanted(torch.cat([grey] * 9 + [red]))[1])
    p = soft_code(ab, model.bins).mean((0, 2, 3))
    torch.testing.assert_close(model.share, smoothed(p, model.bins))
    w, Q = class_weights(model.share, 0.5), len(model.bins)
    for x in (grey, red):
        bin_ = soft_code(quarter(seen_and_wanted(x)[1]), model.bins)[0, :, 0, 0].argmax()
        expected = w[bin_] * math.log(Q)
        torch.testing.assert_close(model.loss(model, x, None), expected, rtol=1e-4, atol=0)
    assert bool(model.loss(model, red, None) > 2 * model.loss(model, grey, None))


PAIR = (0.5, 0.5, 0.5), (0.9, 0.2, 0.2)


@pytest.mark.parametrize("T", [1.0, 0.38, 0.01])
def test_the_annealed_mean_lies_between_the_mean_and_the_likeliest(T):
    p, bins = torch.tensor([0.6, 0.4]), torch.tensor([[50.0, 20.0], [-10.0, 0.0]])
    share = 0.6 ** (1 / T) / (0.6 ** (1 / T) + 0.4 ** (1 / T))
    ab = annealed_mean(p.log().view(1, 2, 1, 1), bins, T)
    expected = share * bins[0] + (1 - share) * bins[1]
    torch.testing.assert_close(ab.flatten(), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_temperature_decides_what_is_painted():
    L = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 100
    model = build("zhang", **TINY).eval()
    torch.nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(1))
    likeliest = model.bins[model(L).argmax(1)].movedim(-1, 1)  # (1,2,4,4)
    model.temperature = 1e-4
    painted = quarter(model.paint(L, None))
    far = float((painted - likeliest).norm(dim=1).mean())
    model.temperature = 1.0
    assert far < 0.5 * float((quarter(model.paint(L, None)) - likeliest).norm(dim=1).mean())


def test_the_middle_sees_far():
    """The side of what one answer looks at: strides and dilation are in it."""
    model = build("zhang", **TINY).eval().double()
    for p in model.parameters():
        p.data.fill_(0.01)
    L = torch.full((1, 1, 256, 256), 60.0, dtype=torch.float64, requires_grad=True)
    model(L)[0, 0, 32, 32].backward()
    down = 2 * 2 * (1 + 2 + 4)  # two 3 x 3 convolutions at each of the sides 1, 1/2 and 1/4
    middle = 2 * 2 * 8 * (1 + 2 + 2 + 1)  # at 1/8, those in the midst with dilation 2
    assert int((L.grad[0, 0].abs().sum(0) > 0).sum()) == 1 + down + middle + 8 + 2 * 4  # and up
