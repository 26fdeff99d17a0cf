"""Noise levels, the stability limit against true spectral radii, and random numbers by seed."""

import math
from statistics import NormalDist

import numpy as np
import pytest
import torch
from rats import Still

from jgm_lib.errors import JGMError
from jgm_lib.fusion import laplacian_eigenvalues
from jgm_lib.joint import join
from jgm_lib.noise import (
    SeededNoise,
    check_stability,
    karras_sigmas,
    level_overlap,
    mix_seed,
    sigma_ladder,
    stability_number,
    step_sizes,
)
from jgm_lib.operators import from_basis, gray_weights
from jgm_lib.samplers import Observation, langevin_step
from jgm_lib.score import GaussianDenoiser


def test_the_ladder_of_the_paper():
    sigmas = sigma_ladder()
    assert len(sigmas) == 10 and sigmas[0] == 1 and sigmas[-1] == pytest.approx(0.01, rel=1e-14)
    ratios = [b / a for a, b in zip(sigmas, sigmas[1:], strict=False)]
    assert ratios == pytest.approx([0.01 ** (1 / 9)] * 9, rel=1e-12)
    assert sigma_ladder(2.0, 0.5, 2) == pytest.approx([2.0, 0.5])
    assert sigma_ladder(2.0, 0.5, 1) == [0.5]


@pytest.mark.parametrize(
    "arguments, match",
    [
        ((0.01, 0.01, 10), "sigma_1 > sigma_L > 0"),
        ((0.01, 1.0, 10), "sigma_1 > sigma_L > 0"),
        ((1.0, 0.0, 10), "sigma_1 > sigma_L > 0"),
        ((1.0, -0.1, 10), "sigma_1 > sigma_L > 0"),
        ((float("inf"), 0.1, 10), "sigma_1 > sigma_L > 0"),
        ((float("nan"), 0.1, 10), "sigma_1 > sigma_L > 0"),
        ((1.0, 0.1, 0), "at least 1"),
    ],
)
def test_bad_ladders_are_refused(arguments, match):
    with pytest.raises(JGMError, match=match) as error:
        sigma_ladder(*arguments)
    assert "\n" not in str(error.value)


def test_karras_levels():
    sigmas = karras_sigmas(5, 10.0, 0.01, 7)
    assert len(sigmas) == 6 and sigmas[-1] == 0
    assert sigmas[0] == pytest.approx(10, rel=1e-12) and sigmas[4] == pytest.approx(0.01, rel=1e-12)
    roots = np.array(sigmas[:5]) ** (1 / 7)
    np.testing.assert_allclose(np.diff(roots), (0.01 ** (1 / 7) - 10 ** (1 / 7)) / 4, rtol=1e-10)
    np.testing.assert_allclose(np.diff(karras_sigmas(4, 4.0, 1.0, 1)[:4]), -1, rtol=1e-12)
    assert karras_sigmas(1, 3.0, 0.1) == pytest.approx([3.0, 0])


@pytest.mark.parametrize(
    "arguments, match",
    [
        ((10, 0.01, 10.0), "max > min > 0"),
        ((10, 1.0, 1.0), "max > min > 0"),
        ((10, 1.0, 0.0), "max > min > 0"),
        ((10, float("inf"), 0.1), "max > min > 0"),
        ((0, 10.0, 0.01), "at least 1"),
    ],
)
def test_bad_karras_levels_are_refused(arguments, match):
    with pytest.raises(JGMError, match=match):
        karras_sigmas(*arguments)


def test_step_sizes_of_algorithm_1():
    alphas = step_sizes([1.0, 0.1, 0.01], 5.4e-6)
    assert alphas == pytest.approx([5.4e-2, 5.4e-4, 5.4e-6], rel=1e-12)


# -- stability: the number the library checks, against the linear map it really applies ---------


def step_eigenvalues(prior, n, sigma, lam, restack):
    """Of one step of Eq 12, n = epsilon/(2 sigma_L^2), re-stacked or not, as a matrix found column
    by column: the step of a unit vector minus the step of zero."""
    C, H, W = prior.mean.shape
    f, y = gray_weights(), torch.full((1, 1, H, W), 0.5, dtype=torch.float64)
    seen, joined = Observation(y, f, prior.domain.at("periodic")), restack and C == 9
    free = 3 * H * W if joined else C * H * W

    def step(rows):
        X = rows.view(-1, free // H // W, H, W)
        X = join(X, prior.gradient_scale, "periodic") if joined else X
        out = langevin_step(prior, X, seen, sigma, 2 * n * sigma**2, lam, Still())
        return out[:, : free // H // W].flatten(1)

    M = step(torch.eye(free, dtype=torch.float64)) - step(torch.zeros(1, free, dtype=torch.float64))
    return torch.linalg.eigvals(M)


def spectral_radius(*about):
    return float(step_eigenvalues(*about).abs().max())


def prior_with(luma_variance, chroma_variance, channels=9, scale=1.0, H=2, W=2):
    """Pictures whose pixels are independent, as a Gaussian of three channels or, with their
    gradients, of nine."""
    U = torch.eye(3 * H * W, dtype=torch.float64).view(-1, 3, H, W)
    U[:, 0] *= math.sqrt(luma_variance)
    U[:, 1:] *= math.sqrt(chroma_variance)
    x = from_basis(U)  # one row an independent number
    factor = (join(x, scale, "periodic") if channels == 9 else x).flatten(1)
    mean = torch.zeros(channels, H, W, dtype=torch.float64)
    return GaussianDenoiser(mean, factor.T @ factor, gradient_scale=scale)


@pytest.mark.parametrize("channels, scale", [(3, 1.0), (9, 1.0), (9, 0.5)])
@pytest.mark.parametrize("sigma, lam", [(1.0, 1.0), (0.3, 0.25), (0.01, 4.0)])
def test_what_a_step_makes_of_an_error(channels, scale, sigma, lam):
    """1 - n (sigma^2/(S + sigma^2) + lam) in luma and without lam in chroma. Joined gradients are
    further looks at the same picture: S becomes S (1 + s^2 K), K an eigenvalue of the Laplacian."""
    luma, chroma, n = 0.06, 0.01, 0.4
    got = step_eigenvalues(prior_with(luma, chroma, channels, scale), n, sigma, lam, True)
    K = laplacian_eigenvalues(2, 2, "periodic", torch.zeros(1, dtype=torch.float64)).flatten()
    looks = 1 + scale**2 * K if channels == 9 else torch.ones(4, dtype=torch.float64)
    held = {S: sigma**2 / (S * looks + sigma**2) for S in (luma, chroma)}
    expected = torch.cat([1 - n * (held[luma] + lam), 1 - n * held[chroma], 1 - n * held[chroma]])
    assert float(got.imag.abs().max()) < 1e-12
    torch.testing.assert_close(got.real.sort()[0], expected.sort()[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("lam", [0.0, 0.25, 1.0, 4.0])
@pytest.mark.parametrize("channels, restack", [(3, True), (9, True), (9, False)])
@pytest.mark.parametrize("sigma", [1.0, 0.01])
def test_the_stability_limit_is_the_true_one(channels, restack, lam, sigma):
    """Just below the limit the chain contracts, just above it grows: detail that hardly varies
    feels the whole score, with three channels, joined gradients and free ones alike."""
    limit = 2 / stability_number(2e-4, 0.01, lam)  # the number is linear in epsilon; here n = 1
    prior = prior_with(1e-9, 1e-9, channels)
    assert spectral_radius(prior, 0.99 * limit, sigma, lam, restack) < 1
    assert spectral_radius(prior, 1.01 * limit, sigma, lam, restack) > 1
    check_stability(0.99 * limit * 2e-4, 0.01, lam)
    with pytest.raises(JGMError, match=r"must be < 2.*epsilon <"):
        check_stability(1.01 * limit * 2e-4, 0.01, lam)


@pytest.mark.parametrize("channels", [3, 9])
def test_the_first_level_decides_and_leaves_little_more_room(channels):
    """At sigma 1 the luma of photographs (S = 0.06) is held almost as if it did not vary; at the
    last level it hardly is, so a chain that diverged above would come back there unseen."""
    prior, n = prior_with(0.06, 0.01, channels), 1.5
    assert spectral_radius(prior, n, 1.0, 1.0, True) > 1.4
    assert spectral_radius(prior, n, 0.01, 1.0, True) < 1
    exact = 2 / (1 / 1.06 + 1)  # of one pixel's luma, three channels
    assert 1 < exact < 1.03  # where the bound says 1
    if channels == 3:
        assert spectral_radius(prior, 0.999 * exact, 1.0, 1.0, True) < 1
        assert spectral_radius(prior, 1.001 * exact, 1.0, 1.0, True) > 1


def test_the_message_names_the_largest_step():
    with pytest.raises(JGMError) as error:
        check_stability(1e-3, 0.01, 1.0)
    limit = float(str(error.value).rsplit("<", 1)[1])
    assert limit == pytest.approx(2e-4) and "\n" not in str(error.value)
    check_stability(0.999 * limit, 0.01, 1.0)
    for bad in (float("nan"), float("inf")):
        with pytest.raises(JGMError):
            check_stability(bad, 0.01, 1.0)


# -- overlap of neighbouring levels --------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1.0, 1.1, 1.25, 1.6])
def test_level_overlap_by_monte_carlo(ratio):
    D, sigma_next = 108, 0.3
    z = torch.randn(20_000, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    radius = (sigma_next * z).norm(dim=1)
    sigma = ratio * sigma_next
    inside = ((radius - sigma * math.sqrt(D)).abs() < 3 * sigma / math.sqrt(2)).double().mean()
    assert level_overlap(sigma, sigma_next, D) == pytest.approx(float(inside), abs=0.02)


@pytest.mark.parametrize("sigma, sigma_next, D", [(1.0, 1.0, 2), (1.3, 1.0, 3), (0.2, 0.3, 9)])
def test_level_overlap_is_the_probability_of_the_band(sigma, sigma_next, D):
    """Radii of the next level are N(s' sqrt(D), s'^2/2); the band is s sqrt(D) +- 3 s/sqrt(2)."""
    middle, reach = sigma * math.sqrt(D), 3 * sigma / math.sqrt(2)
    radii = NormalDist(sigma_next * math.sqrt(D), sigma_next / math.sqrt(2))
    share = radii.cdf(middle + reach) - radii.cdf(middle - reach)
    assert level_overlap(sigma, sigma_next, D) == pytest.approx(share, abs=1e-12)


def test_level_overlap_falls_with_ratio_and_dimension():
    assert level_overlap(1, 1, 100) == pytest.approx(math.erf(3 / math.sqrt(2)))
    assert level_overlap(1.3, 1, 100) > level_overlap(1.5, 1, 100) > level_overlap(3, 1, 100)
    assert level_overlap(1.3, 1, 100) > level_overlap(1.3, 1, 300)
    paper = sigma_ladder()  # its levels lie too far apart at nine channels of 64 x 64
    assert level_overlap(paper[0], paper[1], 9 * 64 * 64) < 1e-12


# -- random numbers --------------------------------------------------------------------------------


def test_a_row_alone_is_the_row_in_a_batch():
    like = torch.zeros(3, 9, 2, 4)
    together, alone = SeededNoise([5, 6, 7]), SeededNoise([6])
    for draw in ("normal", "uniform", "normal"):
        a, b = getattr(together, draw)(like), getattr(alone, draw)(like[:1])
        assert torch.equal(a[1:2], b)
        assert not torch.equal(a[0], a[1])
    plain = torch.randn(9, 2, 4, generator=torch.Generator().manual_seed(6))  # and torch's own
    assert torch.equal(SeededNoise([6]).normal(like[:1])[0], plain)
    fine = SeededNoise([6]).normal(like.double()[:1])
    assert not torch.equal(fine.float().double(), fine)  # double numbers, not widened single ones


def test_seeded_noise_is_standard_normal_and_uniform():
    noise, like = SeededNoise([0, 1]), torch.zeros(2, 9, 50, 50, dtype=torch.float64)
    z, u = noise.normal(like), noise.uniform(like)
    assert z.dtype == u.dtype == torch.float64 and z.shape == like.shape
    assert abs(float(z.mean())) < 0.02 and float(z.var()) == pytest.approx(1, abs=0.03)
    assert float(u.min()) >= 0 and float(u.max()) < 1
    assert float(u.mean()) == pytest.approx(0.5, abs=0.01)
    rows = torch.corrcoef(z.flatten(1))
    assert abs(float(rows[0, 1])) < 0.03
    assert not torch.equal(noise.normal(like), z)  # the stream goes on


def test_mixed_seeds_are_distinct_and_valid():
    seeds = {mix_seed(s, a, b) for s in range(25) for a in range(25) for b in range(25)}
    assert len(seeds) == 25**3
    assert all(0 <= s < 2**63 for s in seeds)
    assert len({mix_seed(2**40 + k, 2**33) for k in range(1000)}) == 1000
    mean_bits = np.mean([bin(s).count("1") for s in seeds])
    assert mean_bits == pytest.approx(31.5, abs=0.2)  # half of 63 bits: well mixed


def test_mixed_seeds_never_change():
    """A changed formula would change every picture that was ever drawn by seed."""
    assert mix_seed(1, 2, 3) == 6707583596531037377


@pytest.mark.parametrize("seeds", [[1], [1, 2], [1, 2, 3, 4]])
def test_another_number_of_seeds_than_pictures_is_refused(seeds):
    """One seed for three pictures would silently give all three the same noise."""
    noise, like = SeededNoise(seeds), torch.zeros(3, 1, 2, 2)
    for draw in (noise.normal, noise.uniform):
        with pytest.raises(JGMError, match=f"{len(seeds)} seeds for 3 pictures"):
            draw(like)
