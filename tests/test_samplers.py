"""Samplers as generators: shapes, counts, seeds, cancelling, gamut and every fault by name."""

import itertools

import pytest
import torch
from rats import Told

from jgm_lib.constraint import Observation, fit_gamut, gray_groups, lift_groups
from jgm_lib.domain import Joint
from jgm_lib.errors import JGMError
from jgm_lib.fusion import fuse
from jgm_lib.joint import join, unstack
from jgm_lib.networks import build
from jgm_lib.noise import SeededNoise
from jgm_lib.operators import gray, gray_pinv, gray_weights
from jgm_lib.samplers import FEEDBACK, SAMPLERS, langevin, nullspace, split, step_to
from jgm_lib.samplers import predictor_corrector as corrector

MEAN, BT601 = gray_weights("mean"), gray_weights("bt601")
SHORT = dict(T=3, L=2, epsilon=1e-4)  # of langevin
# name: (sampler, settings, expected steps, expected network evaluations)
RUNS = {
    f"langevin {fb}": (langevin, dict(feedback=fb, **SHORT), 6, 7 if fb == "renoise" else 6)
    for fb in FEEDBACK
}
RUNS |= {
    "nullspace": (nullspace, dict(steps=5), 5, 5),
    "nullspace fused": (nullspace, dict(steps=5, beta=5.9, boundary="periodic"), 5, 5),
    "nullspace ode": (nullspace, dict(steps=5, eta=0.0), 5, 5),
    "predictor_corrector": (corrector, dict(steps=3, corrections=2), 3, 9),
    "split": (split, dict(steps=5), 5, 5),
    "split fused": (split, dict(steps=5, beta=5.9), 5, 5),
    "split multistep": (split, dict(steps=5, solver="multistep"), 5, 5),
    "split heun": (split, dict(steps=5, solver="heun"), 5, 9),
}


class Counting:
    """An untrained network with a random head, that counts its evaluations."""

    def __init__(self, channels=9):
        torch.manual_seed(0)
        self.net = build("unet", channels=channels, widths=(8, 16), gradient_scale=0.5).eval()
        generator = torch.Generator().manual_seed(1)
        for p in self.net.parameters():
            p.data += 0.05 * torch.randn(p.shape, generator=generator)
        self.domain, self.calls = self.net.domain, 0

    def denoise(self, X, sigma, sigma_y=None):
        self.calls += 1
        return self.net.denoise(X, sigma, sigma_y)


@pytest.fixture(scope="module", params=[9, 3], ids=["joint", "three channels"])
def model(request):
    return Counting(request.param)


def greys(n=3, H=6, W=5):
    y = torch.rand(n, 1, H, W, generator=torch.Generator().manual_seed(3))
    y[0, 0, 0, 0], y[0, 0, 0, 1] = 0.0, 1.0  # pure black and white leave no room for colour
    return y


def play(sampler, model, y, seeds, f=MEAN, **settings):
    with torch.no_grad():
        return list(sampler(model, Observation(y, f), SeededNoise(seeds), **settings))


def test_all_samplers_are_listed():
    assert set(SAMPLERS) == {"split", "nullspace", "langevin", "predictor_corrector"}
    assert all(SAMPLERS[s.__name__] is s for s, *_ in RUNS.values())


@pytest.mark.parametrize("f", [MEAN, BT601], ids=["mean", "bt601"])
@pytest.mark.parametrize("name", RUNS)
def test_shapes_counts_and_the_end(model, name, f):
    sampler, settings, steps, nfe = RUNS[name]
    y, before = greys(), model.calls
    states = play(sampler, model, y, [1, 2, 3], f, **settings)
    assert [s.step for s in states] == list(range(1, steps + 1))
    assert states[-1].nfe == model.calls - before == nfe
    for s in states:
        assert s.X.shape == (3, model.domain.channels, 6, 5) and s.x.shape == (3, 3, 6, 5)
        assert s.X.dtype == s.x.dtype == torch.float32
        assert s.sigma > 0
        error = float((gray(s.x, f) - y).square().mean().sqrt())
        assert s.residual == pytest.approx(error, abs=1e-7)
    end = states[-1]
    assert end.residual < 1e-6
    assert float((gray(end.x, f) - y).abs().max()) < 1e-6
    assert float(end.x.min()) >= 0 and float(end.x.max()) <= 1
    assert end.x[0, :, 0, 0].tolist() == pytest.approx([0] * 3, abs=1e-6)  # black stays black
    assert end.x[0, :, 0, 1].tolist() == pytest.approx([1] * 3, abs=1e-6)
    assert float((end.x - y).abs().max()) > 0.01  # and it is not just the grey picture
    assert not torch.equal(end.x[0], end.x[1])


@pytest.mark.parametrize("name", RUNS)
def test_a_picture_alone_is_the_picture_in_a_batch(model, name):
    sampler, settings, *_ = RUNS[name]
    y = greys()
    together = play(sampler, model, y, [11, 12, 13], **settings)[-1].x
    for i in range(3):
        alone = play(sampler, model, y[i : i + 1], [11 + i], **settings)[-1].x
        torch.testing.assert_close(together[i : i + 1], alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", RUNS)
def test_the_same_seed_gives_the_same_picture(model, name):
    sampler, settings, *_ = RUNS[name]
    y = greys(1).expand(2, -1, -1, -1)
    a, b = (play(sampler, model, y, [5, 6], **settings)[-1].x for _ in range(2))
    assert torch.equal(a, b)
    assert float((a[0] - a[1]).abs().max()) > 1e-3  # versions of one picture differ
    again = play(sampler, model, y, [6, 6], **settings)[-1].x
    torch.testing.assert_close(again[0], a[1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", RUNS)
def test_a_sampler_works_only_as_far_as_it_is_asked(model, name):
    """Stop asking, and nothing more is computed: a generator, one step at a time."""
    sampler, settings, *_ = RUNS[name]
    before = model.calls
    states = sampler(model, Observation(greys(), MEAN), SeededNoise([1, 2, 3]), **settings)
    assert model.calls == before
    with torch.no_grad():
        first, second = itertools.islice(states, 2)
    assert model.calls - before == second.nfe > first.nfe
    states.close()
    assert list(states) == [] and model.calls - before == second.nfe
    whole = play(sampler, model, greys(), [1, 2, 3], **settings)
    assert torch.equal(whole[1].X, second.X)  # earlier states are not overwritten by later ones


def test_states_go_from_the_first_noise_level_to_the_last(model):
    y = greys(1)
    sigmas = [s.sigma for s in play(langevin, model, y, [1], sigma_1=0.5, sigma_L=0.05, **SHORT)]
    assert sigmas == pytest.approx([0.5] * 3 + [0.05] * 3)
    for sampler in (nullspace, split, corrector):
        states = play(sampler, model, y, [1], steps=4, sigma_max=8.0, sigma_min=0.02)
        sigmas = [s.sigma for s in states]
        assert sigmas[0] == pytest.approx(8) and sigmas[-1] == pytest.approx(0.02)
        assert sigmas == sorted(sigmas, reverse=True)
        even = play(sampler, model, y, [1], steps=4, sigma_max=8.0, sigma_min=0.5, rho=1.0)
        assert [s.sigma for s in even] == pytest.approx([8.0, 5.5, 3.0, 0.5])


def test_restacked_states_are_what_algorithm_1_says():
    """ "step" keeps the picture fused every step, "level" only at the end of a level."""
    model, y = Counting(), greys(1)
    free = play(langevin, model, y, [4], feedback="level", beta=0.0, **SHORT)
    fused = play(langevin, model, y, [4], feedback="level", beta=5.9, **SHORT)
    for t in (0, 1):
        assert torch.equal(free[t].X, fused[t].X)
    assert not torch.allclose(free[2].X, fused[2].X, atol=1e-3)
    step = play(langevin, model, y, [4], feedback="step", beta=5.9, **SHORT)
    assert not torch.allclose(step[0].X, fused[0].X, atol=1e-3)


@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_split_shows_its_estimate_fused(boundary):
    """The untrained network's gradients belong to no picture, so Eq 14 has something to do."""
    model, y = Counting(), greys(1)
    settings = dict(steps=3, boundary=boundary)
    plain = play(split, model, y, [4], beta=0.0, **settings)[-1]
    fused = play(split, model, y, [4], beta=5.9, **settings)[-1]
    assert torch.equal(plain.X, fused.X)  # at the end the state is the estimate
    x = fuse(*unstack(fused.X, 0.5), 5.9, boundary)
    torch.testing.assert_close(fused.x, Observation(y, MEAN).finish(x), rtol=0, atol=1e-6)
    torch.testing.assert_close(
        plain.x, Observation(y, MEAN).finish(plain.X[:, :3]), rtol=0, atol=1e-6
    )
    assert float((fused.x - plain.x).abs().max()) > 1e-3


# -- the parts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [MEAN, BT601, gray_weights((0, 1, 0))])
def test_projection_and_gamut(f):
    g = torch.Generator().manual_seed(0)
    y = torch.rand(4, 1, 5, 5, generator=g, dtype=torch.float64)
    x = y + 2 * torch.randn(4, 3, 5, 5, generator=g, dtype=torch.float64)
    x = Observation(y, f).project(x)
    torch.testing.assert_close(gray(x, f), y, rtol=0, atol=1e-12)
    out = fit_gamut(x, y)
    torch.testing.assert_close(gray(out, f), y, rtol=0, atol=1e-12)
    assert float(out.min()) >= 0 and float(out.max()) <= 1
    chroma, kept = x - y, out - y
    k = (kept * chroma).sum(1) / chroma.square().sum(1)
    torch.testing.assert_close(kept, k[:, None] * chroma, rtol=0, atol=1e-9)  # one k a pixel
    touches = torch.minimum(out.amin(1), 1 - out.amax(1)) < 1e-9
    assert bool(((k > 1 - 1e-9) | touches).all())  # and the largest one
    assert bool((k < 0.9).any()) and bool((k <= 1 + 1e-12).all())
    inside = y + 0.01 * chroma.clamp(-1, 1) * torch.minimum(y, 1 - y)
    torch.testing.assert_close(fit_gamut(inside, y), inside, rtol=0, atol=1e-12)


def test_projection_is_the_nearest_state_and_leaves_good_ones_alone():
    g = torch.Generator().manual_seed(0)
    X = torch.randn(2, 9, 3, 4, generator=g, dtype=torch.float64)
    Y = torch.randn(2, 3, 3, 4, generator=g, dtype=torch.float64)
    seen = Told(Y, BT601, Joint())
    P = seen.project(X)
    torch.testing.assert_close(gray_groups(P, BT601), Y, rtol=0, atol=1e-12)
    torch.testing.assert_close(seen.project(P), P, rtol=0, atol=1e-12)
    for seed in range(3):  # any other state with that grey is farther away
        other = torch.randn(X.shape, generator=g, dtype=torch.float64)
        other = P + 0.1 * (other - lift_groups(gray_groups(other, BT601), BT601))
        assert float((other - X).norm()) > float((P - X).norm()), seed
    torch.testing.assert_close(lift_groups(Y[:, :1], BT601), gray_pinv(Y[:, :1], BT601))


def test_the_known_part():
    y = greys(2)
    seen = Observation(y, MEAN)
    assert seen.Y is y  # of the picture itself
    for boundary in ("neumann", "periodic"):
        joint = seen.within(Joint(0.5).at(boundary))
        assert torch.equal(joint.Y, join(y, 0.5, boundary)) and joint.like.shape == (2, 9, 6, 5)


def test_step_to_keeps_the_noise_level():
    """X = clean + sigma z goes to clean + sigma' z' with z' standard normal, for every eta."""
    g = torch.Generator().manual_seed(0)
    clean = torch.zeros(1, 9, 100, 100, dtype=torch.float64)
    X = clean + 2.0 * torch.randn(clean.shape, generator=g, dtype=torch.float64)
    for eta in (0.0, 0.5, 1.0):
        out = step_to(clean, clean, X, 2.0, 0.5, eta, SeededNoise([1]))
        assert float(out.std()) == pytest.approx(0.5, rel=0.01)
        correlation = float((out * X).mean() / out.std() / X.std())
        kept = (1 - eta**2 * (1 - 0.5**2 / 2.0**2)) ** 0.5
        assert correlation == pytest.approx(kept, abs=0.01)
    assert torch.equal(step_to(clean, clean + 1, X, 2.0, 0.0, 1.0, SeededNoise([1])), clean + 1)


# -- faults ------------------------------------------------------------------------------------

FAULTS = [
    (langevin, dict(sigma_1=0.01, sigma_L=0.01), "sigma_1 > sigma_L > 0"),
    (langevin, dict(sigma_1=0.01, sigma_L=0.1), "sigma_1 > sigma_L > 0"),
    (langevin, dict(sigma_L=0.0), "sigma_1 > sigma_L > 0"),
    (langevin, dict(sigma_L=-0.1), "sigma_1 > sigma_L > 0"),
    (langevin, dict(L=0), "L=0: need at least 1"),
    (langevin, dict(T=0), "T=0: need at least 1"),
    (langevin, dict(epsilon=-1e-6), ">= 0"),
    (langevin, dict(epsilon=float("nan")), ">= 0"),
    (langevin, dict(lam=-1.0), ">= 0"),
    (langevin, dict(lam=float("inf")), "must be < 2"),
    (langevin, dict(beta=-1.0), r"beta=-1.0: need a finite number >= 0"),
    (langevin, dict(beta=float("inf"), feedback="level"), "need a finite number >= 0"),
    (langevin, dict(feedback="always"), "choose none, level, step, renoise"),
    (langevin, dict(boundary="mirror"), "choose neumann or periodic"),
    (langevin, dict(feedback="level", epsilon=2.1e-4), r"unstable step.*epsilon < 0.0002"),
    (langevin, dict(feedback="none", epsilon=2.1e-4), r"unstable step.*epsilon < 0.0002"),
    (langevin, dict(feedback="level", lam=4.0, epsilon=9e-5), r"unstable step.*epsilon < 8e-05"),
    (nullspace, dict(steps=0), "steps=0: need at least 1"),
    (nullspace, dict(sigma_max=0.01), "max > min > 0"),
    (nullspace, dict(eta=1.5), "eta=1.5: need a number from 0 to 1"),
    (nullspace, dict(beta=-0.1), ">= 0"),
    (corrector, dict(delta=4.0), "delta=4.0: need a number from 0 to 3.99"),
    (corrector, dict(corrections=-1), "need at least 0"),
    (split, dict(solver="euler"), "choose ancestral, multistep, heun"),
    (split, dict(steps=0), "steps=0: need at least 1"),
    (split, dict(eta=-0.1), "eta=-0.1: need a number from 0 to 1"),
    (split, dict(lookahead=1.1), "lookahead=1.1: need a number from 0 to 1"),
    (split, dict(sigma_min=0.0), "max > min > 0"),
    (split, dict(sigma_y=0.0), "sigma_y=0.0: need a finite number > 0"),
    (split, dict(beta=float("nan")), ">= 0"),
]


@pytest.mark.parametrize("sampler, settings, match", FAULTS)
def test_bad_settings_are_one_clear_line_before_any_work(sampler, settings, match):
    model = Counting()
    with pytest.raises(JGMError, match=match) as error:
        next(sampler(model, Observation(greys(1), MEAN), SeededNoise([1]), **settings))
    assert "\n" not in str(error.value) and model.calls == 0


class Broken:
    """A network whose answers stop being numbers, or run away, at its third evaluation."""

    domain = Joint()

    def __init__(self, factor):
        self.factor, self.calls = factor, 0

    def denoise(self, X, sigma, sigma_y=None):
        self.calls += 1
        return X * self.factor if self.calls > 2 else X


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("factor", [float("nan"), float("inf"), 1e38])
@pytest.mark.parametrize("name", RUNS)
def test_a_state_that_is_not_finite_is_never_returned(name, factor, seed):
    """At 1e38 it depends on the seed which number overflows first, the state's or the picture's."""
    sampler, settings, *_ = RUNS[name]
    seen = []
    with pytest.raises(JGMError, match="diverged.*step=") as error:
        grey = Observation(greys(1), MEAN)
        for state in sampler(Broken(factor), grey, SeededNoise([seed]), **settings):
            seen.append(state)
    assert "\n" not in str(error.value)
    assert all(bool(torch.isfinite(s.X).all() and torch.isfinite(s.x).all()) for s in seen)
    if sampler is langevin:
        assert "level=" in str(error.value) and "epsilon=" in str(error.value)
