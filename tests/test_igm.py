"""iGM-6C: its step by hand, the temperature of two averaged chains in closed form, and its two stages."""

import math

import pytest
import torch

from jgm_lib.baselines import F
from jgm_lib.constraint import Observation
from jgm_lib.domain import DOMAINS, RgbYcbcr
from jgm_lib.errors import JGMError
from jgm_lib.igm import Igm, IgmSettings, joint_step, second_stage
from jgm_lib.networks import build
from jgm_lib.noise import SeededNoise

SHORT = {"T_1": 2, "T_2": 2, "L": 3}


class Shrinks:
    """The exact denoiser of independent channels N(0, S): a share S/(S + sigma^2) of what it sees."""

    def __init__(self, name, S=0.04):
        self.domain, self.S = DOMAINS[name](), S

    def denoise(self, X, sigma, sigma_y=None):
        return X * self.S / (self.S + sigma**2)


def photo(seed=0, n=1, side=6):
    g = torch.Generator().manual_seed(seed)
    return 0.3 + 0.4 * torch.rand(n, 1, side, side, generator=g, dtype=torch.float64)


def test_a_step_by_hand():
    """One pixel, all numbers worked out: score, pull of the six to their mean, of three to y."""
    X = torch.tensor([0.2, 0.4, 0.9, 0.5, 0.1, -0.1], dtype=torch.float64).view(1, 6, 1, 1)
    seen = Observation(torch.full((1, 1, 1, 1), 0.6, dtype=torch.float64), F.double())
    wanted = torch.full((1, 1, 1, 1), 0.25, dtype=torch.float64)
    sigma, step, weight = 0.5, 0.01, 1.5
    out = joint_step(Shrinks("rgb-ycbcr"), (X, X), seen, wanted, sigma, step, weight).flatten()
    v = X.flatten() * (1 - step / (0.04 + 0.25))
    v = v - 1.5 * 0.01 / 0.25 * (float(v.mean()) - 0.25)
    v[:3] = v[:3] - 0.01 / 0.25 * (float(v[:3].mean()) - 0.6)
    torch.testing.assert_close(out, v, atol=1e-12, rtol=0)


def test_two_averaged_chains_are_half_as_warm():
    """M' = (1 - a)(M + sqrt(2 s) (z + z')/2), a = s/(S + sigma^2), without pulls: variance
    (1-a)^2 s/(1 - (1-a)^2), near half of S + sigma^2. One chain would have twice that."""
    model, sigma, step, steps = Shrinks("rgb-ycbcr"), 0.1, 0.01, 200
    a, noise = step / (model.S + sigma**2), SeededNoise([0])
    seen = Observation(torch.zeros(1, 1, 64, 64, dtype=torch.float64), F.double())
    X = torch.zeros(1, 6, 64, 64, dtype=torch.float64)
    chains, free = (X, X), torch.zeros(1, 1, 64, 64, dtype=torch.float64)
    for _ in range(steps):
        X = joint_step(model, chains, seen, free, sigma, step, 0.0)
        chains = tuple(X + math.sqrt(2 * step) * noise.normal(X) for _ in range(2))
    variance = (1 - a) ** 2 * step / (1 - (1 - a) ** 2)
    chroma = X[:, :3] - X[:, :3].mean(1, keepdim=True)  # the photograph does not pull there
    assert float(chroma.square().mean()) == pytest.approx(2 / 3 * variance, rel=0.05)
    assert float(X[:, 3:].square().mean()) == pytest.approx(variance, rel=0.05)
    assert variance < 0.55 * (model.S + sigma**2)


def test_the_weight_brings_the_six_channels_to_those_of_stage_one():
    y, colour = photo(), torch.tensor([0.08, -0.02, -0.06], dtype=torch.float64).view(1, 3, 1, 1)
    first, seen = y + colour, Observation(photo(), F.double())
    wanted = RgbYcbcr().tensor(first).mean(1)
    gaps = []
    for weight in (0.0, 1.5):
        s = IgmSettings(weight=weight, T_2=60, L=6)
        for last in second_stage(Shrinks("rgb-ycbcr", 100.0), seen, first, SeededNoise([3]), s):
            pass
        gaps.append(float((last.X.mean(1) - wanted).abs().mean()))
    assert gaps[1] < 0.2 * gaps[0]


def test_both_stages_by_hand():
    """With the same noise: x + s [score - F^+(F x - y)/sigma^2] + sqrt(2 s) z, then two chains; s is
    the last level's step times sigma^2/sigma_L^2, and both stages begin uniform in [-1,1]."""
    levels = dict(T_1=1, T_2=2, L=2, sigma_1=0.5, sigma_L=0.1)
    steps, y, noise = dict(step_1=4e-4, step_2=8e-4, weight=0.7), photo(), SeededNoise([3])
    model, seen = Shrinks("rgb-ycbcr"), Observation(y, F)
    states = list(Igm(Shrinks("intensity"), model, **levels, **steps).states(y, [3]))
    X = 2 * noise.uniform(y.expand(1, 3, 6, 6)) - 1
    for found, sigma in zip(states[:2], (0.5, 0.1), strict=True):
        s = 4e-4 * (sigma / 0.1) ** 2
        move = -X / (0.04 + sigma**2) - (X.mean(1, keepdim=True) - y) / sigma**2
        X = X + s * move + math.sqrt(2 * s) * noise.normal(X)
        torch.testing.assert_close(found.X, X, atol=1e-9, rtol=0)
    wanted = RgbYcbcr().tensor(states[1].x).mean(1, keepdim=True)
    start = 2 * noise.uniform(y.expand(1, 6, 6, 6)) - 1
    chains = (start, start)
    for found, sigma in zip(states[2:], (0.5, 0.5, 0.1, 0.1), strict=True):
        s = 8e-4 * (sigma / 0.1) ** 2
        X = joint_step(model, chains, seen, wanted, sigma, s, 0.7)
        torch.testing.assert_close(found.X, X, atol=1e-9, rtol=0)
        z, other = noise.normal(X), noise.normal(X)
        chains = (X + math.sqrt(2 * s) * z, X + math.sqrt(2 * s) * other)


def test_evaluations_states_and_the_photograph():
    method = Igm(Shrinks("intensity"), Shrinks("rgb-ycbcr"), **SHORT)
    y = photo(n=2)
    states = list(method.states(y, [1, 2]))
    assert [s.step for s in states] == list(range(1, 13))
    assert states[-1].nfe == method.nfe == 3 * (2 + 2 * 2)
    x = method(y, [1, 2])
    assert x.shape == (2, 3, 6, 6) and float(x.min()) >= 0 and float(x.max()) <= 1
    torch.testing.assert_close(x.mean(1, keepdim=True), y, atol=1e-6, rtol=0)


def test_a_seed_is_a_picture_whatever_stands_beside_it():
    method, y = Igm(Shrinks("intensity"), Shrinks("rgb-ycbcr"), **SHORT), photo(n=3)
    three = method(y, [5, 6, 7])
    torch.testing.assert_close(method(y[1:2], [6]), three[1:2], atol=1e-12, rtol=0)
    assert float((method(y, [8, 6, 7])[0] - three[0]).abs().max()) > 1e-3


def test_it_runs_on_trained_networks_of_the_project():
    nets = [
        build("unet", domain=name, widths=(8, 8), patch=2).eval()
        for name in ("intensity", "rgb-ycbcr")
    ]
    x = Igm(*nets, **SHORT)(photo(side=8).float(), 0)
    assert x.shape == (1, 3, 8, 8) and bool(x.isfinite().all())


@pytest.mark.parametrize(
    "bad, says",
    [
        ({"T_2": 0}, "T_1, T_2 >= 1"),
        ({"step_1": 0.0}, "steps > 0"),
        ({"weight": -1.0}, "weight >= 0"),
        ({"step_2": 1e-4, "weight": 1.0}, "diverges"),
        ({"step_2": 1.01e-4, "weight": 0.0}, "diverges"),
    ],
)
def test_bad_settings_are_one_line(bad, says):
    with pytest.raises(JGMError, match=says):
        Igm(Shrinks("intensity"), Shrinks("rgb-ycbcr"), **bad)


def test_other_priors_are_refused():
    with pytest.raises(JGMError, match="priors of intensity and gradients: iGM-6C needs"):
        Igm(Shrinks("intensity"), Shrinks("gradients"))
