"""The switch of the gradient constraint, Eq 17 in code, and the exact laboratory of lesson 07."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from dense import Lab, langevin_steps, moments, photographic
from rats import Batch, Script, affine_map, last, map_moments

from jgm_course.nb07 import figures as nb07
from jgm_course.nb07 import results
from jgm_lib.constraint import Observation, gray_groups, lift_groups
from jgm_lib.divide import Divided
from jgm_lib.errors import JGMError
from jgm_lib.metrics import psnr
from jgm_lib.noise import sigma_ladder, step_sizes
from jgm_lib.operators import gray_weights
from jgm_lib.samplers import langevin

F = gray_weights("mean")
SHORT = dict(sigma_1=1.0, sigma_L=0.1, L=3, T=4, epsilon=2e-3)


class Weights:
    """lambda a group in the dense recursion: multiplies matrices row by row, vectors by number."""

    def __init__(self, pull, groups):
        each = np.full(groups, pull[1])
        each[0] = pull[0]
        self.each = each

    def __mul__(self, A):
        rows = np.repeat(self.each, len(A) // len(self.each))
        return rows[:, None] * A if A.ndim == 2 else rows * A


@pytest.mark.parametrize("feedback", ["none", "level", "step", "renoise"])
@pytest.mark.parametrize("weights", ["mean", "bt601"])
@pytest.mark.parametrize("pull", [(0.7, 0.0), (0.7, 1.9), (0.0, 1.0)])
def test_each_group_has_its_own_lambda(feedback, weights, pull):
    """Same mean and covariance as the recursion written from Eq 12 and 13, to 1e-10."""
    f = gray_weights(weights)
    prior = photographic(Lab(2, 2, f.numpy(), scale=0.5))
    y = prior.lab.F @ prior.mean + 0.1
    mean, cov = moments(
        langevin_steps(
            prior,
            y,
            sigmas=sigma_ladder(1.0, 0.1, 3),
            T=4,
            epsilon=2e-3,
            lam=Weights(pull, 3),
            feedback=feedback,
        )
    )
    settings = dict(lam=pull[0], lam_grad=pull[1], feedback=feedback, **SHORT)
    got_mean, got_cov = map_moments(*affine_map(langevin, prior, y, f, **settings))
    np.testing.assert_allclose(got_mean, mean, rtol=0, atol=1e-10)
    np.testing.assert_allclose(got_cov, cov, rtol=0, atol=1e-10)


def test_without_the_switch_all_groups_share_lambda():
    prior = photographic(Lab(2, 2, F.numpy()))
    y = prior.lab.F @ prior.mean
    one = affine_map(langevin, prior, y, F, lam=0.8, **SHORT)
    two = affine_map(langevin, prior, y, F, lam=0.8, lam_grad=0.8, **SHORT)
    off = affine_map(langevin, prior, y, F, lam=0.8, lam_grad=0.0, feedback="none", **SHORT)
    np.testing.assert_array_equal(one[0], two[0])
    assert np.abs(off[0] - one[0]).max() > 1e-3


@pytest.mark.parametrize(
    ("pull", "message"),
    [((1.0, -1.0), "need >= 0"), ((0.0, 300.0), "unstable step"), ((1.0, float("nan")), ">= 0")],
)
def test_a_bad_lambda_of_the_gradients_is_refused(pull, message):
    rat = nb07.Rat(2)
    with pytest.raises(JGMError, match=message):
        y = rat.truth()[1]
        settings = dict(lam=pull[0], lam_grad=pull[1], feedback="none")
        next(langevin(rat.joint, Observation(y, F), Batch(0), **settings))


# -- Eq 17 ---------------------------------------------------------------------------------------


def two_chains(rat, y, table, *, lam1, lam2):
    """Eq 17 line by line: a chain of pictures and a chain of gradients, each with its own score."""
    noise, Y = Script(table), rat.joint.domain.known(y)
    start = 2 * noise.uniform(y.expand(-1, 9, -1, -1)) - 1
    x, g = start[:, :3], start[:, 3:]
    sigmas = sigma_ladder(SHORT["sigma_1"], SHORT["sigma_L"], SHORT["L"])
    for sigma, alpha in zip(sigmas, step_sizes(sigmas, SHORT["epsilon"]), strict=True):
        for _ in range(SHORT["T"]):
            s1 = (rat.divided.intensity.denoise(x, sigma) - x) / sigma**2
            s2 = (rat.divided.gradients.denoise(g, sigma) - g) / sigma**2
            dc1 = lift_groups(gray_groups(x, rat.f) - Y[:, :1], rat.f) / sigma**2
            dc2 = lift_groups(gray_groups(g, rat.f) - Y[:, 1:], rat.f) / sigma**2
            z = noise.normal(start)
            x = x + alpha / 2 * (s1 - lam1 * dc1) + alpha**0.5 * z[:, :3]
            g = g + alpha / 2 * (s2 - lam2 * dc2) + alpha**0.5 * z[:, 3:]
    return x, g


def test_divided_langevin_is_eq_17():
    rat = nb07.Rat(3, scale=0.5)
    y = rat.truth()[1].expand(2, -1, -1, -1)
    steps = 1 + SHORT["L"] * SHORT["T"]
    g = torch.Generator().manual_seed(0)
    table = torch.rand(2, steps * 81, generator=g, dtype=torch.float64)
    x, grads = two_chains(rat, y, table, lam1=0.7, lam2=1.3)
    settings = dict(lam=0.7, lam_grad=1.3, feedback="none", **SHORT)
    state = last(langevin(rat.divided, Observation(y, F), Script(table), **settings))
    torch.testing.assert_close(state.X, torch.cat([x, grads], 1), rtol=0, atol=1e-11)


def test_a_divided_prior_does_not_look_across():
    """Changing the gradients moves nothing of the picture's estimate; in the joint prior it does."""
    rat = nb07.Rat(3)
    X = torch.zeros(1, 9, 3, 3).double()
    moved = X.clone()
    moved[:, 3:] += 0.3
    apart = rat.divided.denoise(moved, 0.2) - rat.divided.denoise(X, 0.2)
    joint = rat.joint.denoise(moved, 0.2) - rat.joint.denoise(X, 0.2)
    assert apart[:, :3].abs().max() == 0 and apart[:, 3:].abs().max() > 0.01
    assert joint[:, :3].abs().max() > 0.01


def test_only_priors_of_pictures_and_of_gradients_are_divided():
    rat = nb07.Rat(2)
    with pytest.raises(JGMError, match="needs intensity"):
        Divided(rat.joint, rat.divided.gradients)


# -- the exact laboratory ------------------------------------------------------------------------


@pytest.mark.parametrize("T", [1, 4, 7])
@pytest.mark.parametrize("lam_grad", [None, 0.0])
def test_the_law_of_the_chain_is_that_of_the_dense_recursion(T, lam_grad):
    rat = nb07.Rat(2)
    lab = Lab(2, 2, F.numpy())
    prior = photographic(lab)
    prior.mean[:], prior.cov[:] = rat.law.mean.numpy(), rat.law.cov.numpy()
    prior.__post_init__()
    y = rat.truth()[1]
    settings = dict(T=T, epsilon=2e-3, lam=0.7)
    pull = Weights((0.7, 0.7 if lam_grad is None else lam_grad), 3)
    steps = langevin_steps(
        prior, y.flatten().numpy(), sigmas=sigma_ladder(1.0, 0.1, 3), **settings | {"lam": pull}
    )
    mean, cov = moments(steps)
    law = nb07.chain_law(
        rat.joint, y, F, sigma_1=1.0, sigma_L=0.1, L=3, lam_grad=lam_grad, **settings
    )
    np.testing.assert_allclose(law.mean, mean, rtol=0, atol=1e-10)
    np.testing.assert_allclose(law.cov, cov, rtol=0, atol=1e-10)
    fused = nb07.picture_law(law, rat.joint, 2, 5.9)
    M = lab.fusion(5.9)
    np.testing.assert_allclose(fused.cov, M @ cov @ M.T, rtol=0, atol=1e-10)


def test_the_law_is_that_of_the_sampler_itself():
    """Moments of 4,000 runs of the divided sampler, within five standard errors."""
    rat, n = nb07.Rat(2), 4000
    y = rat.truth()[1]
    settings = dict(sigma_1=1.0, sigma_L=0.1, L=4, T=5, epsilon=5e-3)
    law = nb07.chain_law(rat.divided, y, F, **settings)
    seen = Observation(y.expand(n, -1, -1, -1), F)
    X = last(langevin(rat.divided, seen, Batch(1), feedback="none", **settings)).X.flatten(1)
    deviation = law.cov.diagonal().sqrt()
    assert ((X.mean(0) - law.mean).abs() / deviation * n**0.5).max() < 5
    assert (X.var(0) / law.cov.diagonal() - 1).abs().max() < 5 * (2 / n) ** 0.5


def test_the_posterior_is_the_dense_one():
    rat = nb07.Rat(3)
    prior = photographic(Lab(3, 3, F.numpy()))
    prior.mean[:], prior.cov[:] = rat.law.mean.numpy(), rat.law.cov.numpy()
    y = rat.truth()[1]
    mean, cov = prior.posterior(y.flatten().numpy())
    got = rat.posterior(y)
    np.testing.assert_allclose(got.mean, mean, atol=1e-10)
    np.testing.assert_allclose(got.cov, cov, atol=1e-10)


def test_wasserstein_of_commuting_gaussians():
    a = nb07.Law(torch.tensor([0.0, 1.0]).double(), torch.diag(torch.tensor([4.0, 1.0]).double()))
    b = nb07.Law(torch.tensor([3.0, 1.0]).double(), torch.diag(torch.tensor([1.0, 1.0]).double()))
    assert nb07.wasserstein(a, b) == pytest.approx(((9 + 1) / 2) ** 0.5)
    assert nb07.wasserstein(a, a) == pytest.approx(0, abs=1e-7)


def test_two_colourings_averaged_lose_what_a_predicts():
    """Independent draws of x and of its gradients, on one Laplacian mode: (1+b^2)/(1+b)^2 is left."""
    side, beta = 8, 1.7
    i = torch.arange(side).double()
    wave = torch.cos(torch.pi * (i + 0.5) * 2 / side)  # a DCT mode, eigenvalue K
    K = 2 - 2 * np.cos(np.pi * 2 / side)
    mode = wave.view(1, 1, 1, side).expand(1, 3, side, side).contiguous()
    X = torch.cat([mode, torch.zeros(1, 6, side, side).double()], 1)
    G = nb07.join(mode, 1.0)
    G[:, :3] = 0
    parts = [nb07.Rat(2).joint.domain.picture(v, beta) for v in (X, G)]  # shares of the two draws
    gain = sum(float((p * mode).sum() / mode.square().sum()) ** 2 for p in parts)
    b = beta * K
    assert gain == pytest.approx((1 + b**2) / (1 + b) ** 2, rel=1e-10)


def test_the_divided_chain_is_farther_from_the_posterior_once_it_has_arrived():
    rat = nb07.Rat(3)
    y = rat.truth(1)[1]
    target = nb07.chroma_part(rat.posterior(y), 3)
    gap, left = {}, {}
    for name, model in (("joint", rat.joint), ("apart", rat.divided)):
        law = nb07.chain_law(model, y, F, epsilon=5.4e-5)
        got = nb07.chroma_part(nb07.picture_law(law, model, 3, 1.0), 3)
        gap[name] = nb07.wasserstein(got, target)
        left[name] = float(torch.trace(got.cov) / torch.trace(target.cov))
    assert gap["apart"] > 5 * gap["joint"]
    assert left["apart"] < 0.85 and abs(left["joint"] - 1) < 0.05


# -- the bench and Table III ---------------------------------------------------------------------


def test_the_bench_measures_what_it_says():
    bench = nb07.Bench(None, 3, seed=0)
    truth = bench.measure(bench.batch.images)
    assert truth["delta_e"] == 0 and truth["admissible"] == 1 and truth["colour"] == 1
    grey = bench.measure(bench.y.expand(-1, 3, -1, -1))
    assert grey["admissible"] == 0 and grey["colour"] == 0
    wanted = psnr(bench.y.expand(-1, 3, -1, -1), bench.batch.images).mean()
    assert grey["psnr"] == pytest.approx(wanted)


def test_table_iii_is_drawn_as_printed():
    fig = nb07.table_iii_figure()
    for column, axis in enumerate(fig.axes):
        divide, joint = ([r.get_height() for r in c] for c in axis.containers)
        assert divide == [row["divide"][column] for row in nb07.TABLE_III.values()]
        assert joint == [row["JGM"][column] for row in nb07.TABLE_III.values()]


# -- what is stored, and the columns of Fig 9 ----------------------------------------------------


def test_optima_name_the_best_its_ties_and_what_is_unstable():
    def run(value, delta, tied=True, **more):
        own = {"setting": "s", "factor": "L", "value": value, "diverged": 0.0}
        return {**own, "optimum": delta == 3, "tied": tied, **more}

    rows = [{"setting": "", "factor": "", "value": "truth"}, run(2, 9, tied=False), run(10, 3)]
    rows += [run(20, 4), {"setting": "s", "factor": "L", "value": 50, "diverged": 1.0}]
    text = results.optima({"rows": rows})
    assert " ".join(text.split()) == "L s least at 10; not told from it: 20; unstable: 50"
    assert results.row({"rows": rows}, "s", "L", 20) is rows[3]


def test_the_columns_of_fig_9_differ_in_dc2_alone():
    class Recorder:
        batch, y = nb07.Bench(None, 2, seed=0).batch, nb07.Bench(None, 2, seed=0).y

        def __init__(self):
            self.runs = []

        def run(self, name, **settings):
            self.runs.append(settings)
            return SimpleNamespace(x=self.batch.images)

    bench = Recorder()
    shown = results.fig_nine(bench, 5, 20)
    names = ["no DC2, code", "JGM, code", "no DC2, temper", "JGM, temper"]
    assert list(shown) == ["grey", *names, "truth"]
    without, code, *best = bench.runs
    assert without == {**code, "lam_grad": 0.0} and best[0] == {**best[1], "lam_grad": 0.0}
    assert code["beta"] == 5.9 and code["feedback"] == "none" and best[1]["consistent"]
    assert code["T"] == 5 and {k: best[1][k] for k in ("L", "T")} == {"L": 20, "T": 1}
