"""Metrics: closed forms, scikit-image where it is an independent witness, and strange pictures."""

import math

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from jgm_lib import metrics
from jgm_lib.errors import JGMError
from jgm_lib.metrics import (
    bootstrap_interval,
    chroma_speckle,
    ciede2000,
    colourfulness,
    consistency_rms,
    diversity,
    paired_difference,
    psnr,
    ratio_of_sums,
    ssim,
    summarize,
    typicality_order,
)
from jgm_lib.operators import gray, gray_weights


def pictures(B=3, H=16, W=12, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.rand(B, 3, H, W, generator=g, dtype=torch.float64)


def flat(*colours, H=8, W=8):
    """One constant picture a colour: (B,3,H,W)."""
    c = torch.tensor(colours, dtype=torch.float64)
    return c[:, :, None, None].expand(-1, -1, H, W)


def sky_image(x):
    return x.permute(1, 2, 0).numpy()  # (3,H,W) -> (H,W,3)


# PSNR and SSIM


def test_psnr_of_a_known_error():
    x = pictures(2) * 0.5
    offset = torch.tensor([0.1, 0.01], dtype=torch.float64).view(2, 1, 1, 1)
    assert psnr(x + offset, x) == pytest.approx([20.0, 40.0], abs=1e-9)


def test_psnr_agrees_with_skimage():
    x, truth = pictures(seed=1), pictures(seed=2)
    expected = [
        peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=1)
        for a, b in zip(x, truth, strict=True)
    ]
    assert psnr(x, truth) == pytest.approx(expected, rel=1e-12)


def test_psnr_of_equals_is_infinite():
    truth = pictures(2)
    x = truth.clone()
    x[1, 0, 0, 0] += 0.5
    values = psnr(x, truth)
    assert values[0] == math.inf
    assert values[1] == pytest.approx(10 * math.log10(3 * 16 * 12 / 0.25), abs=1e-9)


def test_ssim_is_the_seven_pixel_one():
    x, truth = pictures(seed=1), pictures(seed=2)
    expected = [
        structural_similarity(sky_image(a), sky_image(b), win_size=7, data_range=1, channel_axis=2)
        for a, b in zip(x, truth, strict=True)
    ]
    assert ssim(x, truth) == pytest.approx(expected, rel=1e-12)


def luminance_term(a, b):
    return (2 * a * b + 1e-4) / (a * a + b * b + 1e-4)


@pytest.mark.parametrize("H, W", [(1, 1), (1, 9), (2, 2), (3, 8), (6, 6), (7, 7)])
def test_ssim_of_constants_is_the_luminance_term_at_any_size(H, W):
    x, truth = flat((0.2, 0.5, 0.9), H=H, W=W), flat((0.4, 0.5, 0.1), H=H, W=W)
    expected = np.mean([luminance_term(*p) for p in ((0.2, 0.4), (0.5, 0.5), (0.9, 0.1))])
    assert ssim(x, truth) == pytest.approx([expected], rel=1e-9)
    assert ssim(truth, truth) == pytest.approx([1.0], abs=1e-12)


@pytest.mark.parametrize("side, window", [(3, 3), (4, 3), (5, 5), (6, 5)])
def test_ssim_takes_the_largest_odd_window(side, window):
    x, truth = pictures(1, side, 20, seed=1), pictures(1, side, 20, seed=2)
    expected = structural_similarity(
        sky_image(x[0]), sky_image(truth[0]), win_size=window, data_range=1, channel_axis=2
    )
    assert ssim(x, truth) == pytest.approx([expected], rel=1e-12)


def test_ssim_of_single_pixels():
    x, truth = pictures(1, 1, 2, seed=1), pictures(1, 1, 2, seed=2)
    expected = luminance_term(x, truth).mean()
    assert ssim(x, truth) == pytest.approx([float(expected)], rel=1e-9)


# Colour


def test_ciede2000_of_greys_by_hand():
    """Between greys only lightness differs: Delta E = dL / S_L, L = 116 Y^(1/3) - 16."""

    def lightness(v):
        return 116 * (((v + 0.055) / 1.055) ** 2.4) ** (1 / 3) - 16

    L1, L2 = lightness(0.5), lightness(0.6)
    offset = ((L1 + L2) / 2 - 50) ** 2
    expected = (L2 - L1) / (1 + 0.015 * offset / math.sqrt(20 + offset))
    assert ciede2000(flat((0.5,) * 3), flat((0.6,) * 3)) == pytest.approx([expected], abs=1e-3)


def test_ciede2000_agrees_with_skimage_and_averages_pixels():
    x, truth = pictures(seed=1), pictures(seed=2)
    expected = [
        deltaE_ciede2000(rgb2lab(sky_image(a)), rgb2lab(sky_image(b))).mean()
        for a, b in zip(x, truth, strict=True)
    ]
    assert ciede2000(x, truth) == pytest.approx(expected, rel=1e-12)
    assert (ciede2000(truth, truth) == 0).all()


def test_ciede2000_sees_what_a_screen_shows():
    truth = flat((0.2, 0.4, 0.6))
    assert ciede2000(flat((1.5, -0.2, 0.6)), truth) == ciede2000(flat((1.0, 0.0, 0.6)), truth)


def test_colourfulness_by_hand():
    """Left half red, right half blue: rg = 255, 0 and yb = 127.5, -255."""
    x = torch.zeros(1, 3, 4, 6, dtype=torch.float64)
    x[0, 0, :, :3], x[0, 2, :, 3:] = 1, 1
    spread = math.hypot(127.5, (127.5 + 255) / 2)
    mean = math.hypot(127.5, (127.5 - 255) / 2)
    assert colourfulness(x) == pytest.approx([spread + 0.3 * mean], rel=1e-12)
    one_colour = flat((0.0, 1.0, 0.0))  # no spread; rg = -255, yb = 127.5
    assert colourfulness(one_colour) == pytest.approx([0.3 * math.hypot(255, 127.5)], rel=1e-12)


def test_colourfulness_of_grey_is_zero():
    grey = pictures(4).float()[:, :1].expand(-1, 3, -1, -1)
    assert (colourfulness(grey) == 0).all()


# Consistency and diversity


def test_consistency_of_a_known_error():
    x, f = pictures(3), gray_weights("bt601")
    y = gray(x, f)
    assert consistency_rms(x, y, "bt601").max() < 1e-15
    offset = torch.tensor([0.0, 0.1, -0.3], dtype=torch.float64).view(3, 1, 1, 1)
    assert consistency_rms(x, y + offset, f) == pytest.approx([0, 0.1, 0.3], abs=1e-12)
    half = y.clone()
    half[:, :, :8] += 0.2  # half of the rows: RMS, not mean
    assert consistency_rms(x, half, f) == pytest.approx([0.2 / math.sqrt(2)] * 3, rel=1e-12)


def test_consistency_of_versions_with_one_photograph():
    x = pictures(3)
    y = gray(x[:1], gray_weights())
    alone = [consistency_rms(x[i : i + 1], y)[0] for i in range(3)]
    assert consistency_rms(x, y) == pytest.approx(alone, rel=1e-12)
    assert alone[0] < 1e-15 < alone[1]


def test_diversity_is_the_mean_of_pairs():
    x = pictures(3)
    pairs = [ciede2000(x[i : i + 1], x[j : j + 1])[0] for i, j in ((0, 1), (0, 2), (1, 2))]
    lab = np.stack([rgb2lab(sky_image(v)) for v in x])
    variance = np.square(lab - lab.mean(0)).sum(0) / 2
    found = diversity(x)
    assert found.delta_e == pytest.approx(np.mean(pairs), rel=1e-12)
    assert found.ab_std == pytest.approx(np.sqrt(variance[..., 1] + variance[..., 2]).mean())


def test_diversity_of_brightness_alone_has_no_colour_spread():
    found = diversity(flat((0.2,) * 3, (0.8,) * 3))
    assert found.delta_e > 20
    assert found.ab_std < 0.02  # grey is a, b = 0 but for the rounding of the sRGB matrix


def test_no_diversity():
    assert diversity(pictures(1)) == (0, 0)
    assert diversity(pictures(1).expand(3, -1, -1, -1)) == pytest.approx((0, 0), abs=1e-10)


def test_typicality_on_a_line():
    """Distances on a line: the median is nearest to the rest, the outlier is last."""
    x = flat((0.9,) * 3, (0.3,) * 3, (0.1,) * 3, (0.35,) * 3, (0.2,) * 3)
    # sums of distances: 2.65, 0.95, 1.35, 1.00, 1.05
    order = typicality_order(x)
    assert list(order) == [1, 3, 4, 2, 0]
    assert torch.equal(x[order][0], x[1])  # usable as an index


def test_typicality_uses_rms_not_mean_square():
    """With one version far off, mean squares would follow the outlier, distances the crowd."""
    x = flat((0.0,) * 3, (0.1,) * 3, (0.1,) * 3, (0.4,) * 3, (1.0,) * 3)
    # distances: 1.6, 1.3, 1.3, 1.6, 3.4; squares: 1.18, 0.91, 0.91, 0.70, 2.98
    assert typicality_order(x)[0] == 1


def test_typicality_of_few_or_equal():
    assert list(typicality_order(pictures(1))) == [0]
    assert list(typicality_order(pictures(2))) == [0, 1]
    assert list(typicality_order(pictures(1).expand(4, -1, -1, -1))) == [0, 1, 2, 3]


# Bootstrap and table rows


def test_bootstrap_covers_the_mean():
    """95 % intervals of 40 normal numbers: about 94 in 100 hold the true mean."""
    rng, hits = np.random.default_rng(0), 0
    for i in range(400):
        low, high = bootstrap_interval(rng.normal(3.0, 2.0, 40), resamples=400, seed=i)
        hits += low <= 3.0 <= high
    assert 0.91 <= hits / 400 <= 0.97


def test_bootstrap_width_is_that_of_the_standard_error():
    values = np.random.default_rng(1).normal(0, 1, 400)
    error = values.std() / 20
    for level, z in ((0.95, 1.960), (0.5, 0.674)):
        low, high = bootstrap_interval(values, level)
        assert (high - low) / 2 == pytest.approx(z * error, rel=0.08)
        assert (high + low) / 2 == pytest.approx(values.mean(), abs=0.2 * error)


def test_bootstrap_is_seeded():
    values = np.arange(30.0)
    assert bootstrap_interval(values, seed=4) == bootstrap_interval(values, seed=4)
    assert bootstrap_interval(values, seed=4) != bootstrap_interval(values, seed=5)


def test_bootstrap_of_little():
    assert bootstrap_interval([2.5]) == (2.5, 2.5)
    assert bootstrap_interval(torch.full((9,), 2.0)) == (2.0, 2.0)
    low, high = bootstrap_interval([20.0, 30.0, math.inf, 25.0, 24.0])
    assert 20 <= low < 30 and high == math.inf


def test_summarize():
    scores = {"psnr": [20.0, 22.0, 27.0], "delta_e": torch.tensor([5.0, 5.0, 5.0])}
    row = summarize(scores, resamples=200, seed=3)
    low, high = bootstrap_interval(scores["psnr"], resamples=200, seed=3)
    assert row == {
        "n": 3,
        "psnr": 23.0,
        "psnr_low": low,
        "psnr_high": high,
        "delta_e": 5.0,
        "delta_e_low": 5.0,
        "delta_e_high": 5.0,
    }
    half = summarize(scores | {"again": scores["psnr"]}, level=0.5, resamples=200, seed=3)
    low, high = bootstrap_interval(scores["psnr"], 0.5, resamples=200, seed=3)
    for name in ("psnr", "again"):  # the same pictures are drawn for every metric
        assert (half[f"{name}_low"], half[f"{name}_high"]) == (low, high)


# Strange pictures and faults


@pytest.mark.parametrize("H, W", [(1, 1), (1, 30), (2, 3)])
def test_small_grey_and_constant_pictures_are_pictures(H, W):
    x = flat((0.0,) * 3, (0.5,) * 3, (1.0,) * 3, H=H, W=W).float()
    y = x[:, :1]
    assert (psnr(x, x) == math.inf).all()
    assert ssim(x, x) == pytest.approx([1.0] * 3, abs=1e-9)
    assert (ciede2000(x, x) == 0).all() and (colourfulness(x) == 0).all()
    assert consistency_rms(x, y).max() < 1e-6
    assert all(np.isfinite(diversity(x)))
    assert list(typicality_order(x)) == [1, 0, 2]


def test_arrays_and_float32_serve_as_well():
    x, truth = pictures(2, seed=1), pictures(2, seed=2)
    for metric in (psnr, ssim, ciede2000):
        assert metric(x.numpy(), truth.numpy()) == pytest.approx(metric(x, truth), rel=1e-12)
        assert metric(x.float(), truth.float()) == pytest.approx(metric(x, truth), rel=1e-4)


def test_values_need_no_graph_and_leave_pictures_alone():
    x, truth = pictures(1, seed=1).requires_grad_(), pictures(1, seed=2)
    before = truth.clone()
    assert np.isfinite(psnr(x, truth)).all()
    assert torch.equal(truth, before)


@pytest.mark.parametrize("metric", [psnr, ssim, ciede2000])
def test_bad_pairs(metric):
    x = pictures(2)
    for bad, message in (
        (x[0], "need .B,3,H,W"),
        (x[:, :1], "need .B,3,H,W"),
        (x[:0], "need .B,3,H,W"),
        (x[:1], "need the same"),
        (x[:, :, :9], "need the same"),
        (x * math.nan, "not finite"),
        ((x * 255).byte(), "holds torch.uint8"),
    ):
        with pytest.raises(JGMError, match=message):
            metric(bad, x)
    with pytest.raises(JGMError, match=r"truth runs from .* need \[0,1\]"):
        metric(x, 255 * x)


@pytest.mark.parametrize("metric", [colourfulness, diversity])
def test_bad_pictures(metric):
    for bad in (255 * pictures(), pictures() - 0.5):
        with pytest.raises(JGMError, match=r"need \[0,1\]"):
            metric(bad)
    metric(pictures() * 1.0001)  # rounding


def test_bad_grey():
    x = pictures(2)
    for y in (x, x[:, :1, :5], x[0, :1], torch.zeros(3, 1, 16, 12)):
        with pytest.raises(JGMError, match="does not fit x"):
            consistency_rms(x, y)
    with pytest.raises(JGMError, match="y holds values that are not finite"):
        consistency_rms(x, x[:, :1] / 0)
    with pytest.raises(JGMError, match="sum to 1"):
        consistency_rms(x, x[:, :1], (1, 1, 1))


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [[1.0, 2.0]]])
def test_bad_values(values):
    with pytest.raises(JGMError, match="values: need"):
        bootstrap_interval(values)


def test_bad_bootstrap_settings():
    for settings in (dict(level=0), dict(level=1), dict(level=95), dict(resamples=0)):
        with pytest.raises(JGMError, match="need 0 < level < 1, resamples >= 1"):
            bootstrap_interval([1.0, 2.0], **settings)


def test_bad_summaries():
    for scores in ({}, {"psnr": [1.0, 2.0], "ssim": [1.0]}):
        with pytest.raises(JGMError, match="scores of different or no pictures"):
            summarize(scores)
    with pytest.raises(JGMError, match="psnr: need"):
        summarize({"psnr": [math.nan]})


# Paired differences, ratios of sums


def test_paired_difference_is_narrow_where_pictures_are_hard_for_both():
    rng = np.random.default_rng(0)
    hard, small = rng.normal(25, 5, 400), rng.normal(0.5, 0.2, 400)
    mean, low, high = paired_difference(hard + small, hard)
    assert mean == pytest.approx(small.mean()) and low < mean < high
    assert high - low == pytest.approx(2 * 1.96 * small.std() / 20, rel=0.15)  # normal theory
    apart = [bootstrap_interval(v) for v in (hard + small, hard)]
    assert apart[0][0] < apart[1][1]  # these two overlap
    assert paired_difference(hard, hard) == (0, 0, 0)
    assert paired_difference(hard + small, hard, seed=1) != (mean, low, high)


def test_paired_difference_of_infinite_values_and_bad_ones():
    assert paired_difference([math.inf, 2], [math.inf, 1])[0] == 0.5
    assert paired_difference([math.inf, 2], [3, 1])[0] == math.inf
    assert paired_difference([1, 2], [math.inf, 1])[0] == -math.inf
    with pytest.raises(JGMError, match="same pictures"):
        paired_difference([1, 2], [1])
    with pytest.raises(JGMError, match="none of them NaN"):
        paired_difference([math.nan], [1])


def test_ratio_of_sums():
    rng = np.random.default_rng(0)
    b = rng.uniform(0, 2, 500)
    assert ratio_of_sums(3 * b, b) == pytest.approx((3, 3, 3))
    ratio, low, high = ratio_of_sums(rng.uniform(0, 2, 500), b)
    spread = math.sqrt(2 / 3 / 500)  # delta method: sqrt(var a + var b)/(mean sqrt n)
    assert low < ratio < high and high - low == pytest.approx(2 * 1.96 * spread, rel=0.2)
    assert all(math.isnan(v) for v in ratio_of_sums([1, 2], [0, 0]))
    assert ratio_of_sums([1, 1], [0, 1])[0] == 2
    with pytest.raises(JGMError, match="finite values of the same pictures"):
        ratio_of_sums([1, math.inf], [1, 1])


def test_the_interval_of_a_ratio_ends_at_resampled_ratios():
    """Of two resamples the ends are the two ratios, not something between them."""
    a, b = np.arange(1.0, 6.0), np.array([2.0, 1.0, 4.0, 3.0, 1.0])
    picks = np.random.default_rng(3).integers(5, size=(2, 5))
    both = sorted(a[pick].sum() / b[pick].sum() for pick in picks)
    assert both[0] < both[1]
    assert ratio_of_sums(a, b, seed=3, n=2)[1:] == pytest.approx(both, rel=1e-12)


# Speckle


@pytest.mark.parametrize("j, k", [(0, 0), (0, 5), (3, 0), (7, 11), (15, 15)])
def test_speckle_of_a_cosine_of_known_frequency(j, k):
    """Half-sample cosines continue over repeated edges, so the closed form is exact."""
    S, A = 16, 0.1
    at = (torch.arange(S, dtype=torch.float64) + 0.5) * math.pi / S
    wave = torch.cos(j * at)[:, None] * torch.cos(k * at)
    tint = torch.tensor([1.0, 0.0, -1.0], dtype=torch.float64).view(1, 3, 1, 1)
    x = 0.5 + A * tint * wave
    u, v = j * math.pi / S, k * math.pi / S
    share = (1 - (1 + 2 * math.cos(u)) * (1 + 2 * math.cos(v)) / 9) ** 2
    energy = 2 / 3 * A**2 * float(wave.square().mean())
    assert chroma_speckle(x) == pytest.approx([share * energy], abs=1e-15)


def test_speckle_sees_no_luma_and_all_of_white_noise():
    grey = pictures(1)[:, :1].expand(-1, 3, -1, -1)
    assert chroma_speckle(grey) == pytest.approx([0], abs=1e-20)
    g = torch.Generator().manual_seed(0)
    x = 0.5 + 0.01 * torch.randn(1, 3, 256, 256, generator=g, dtype=torch.float64)
    share = (8 / 9) ** 2 + 8 / 81  # of white noise that is left without its 3x3 mean
    assert chroma_speckle(x) == pytest.approx([2 / 3 * 1e-4 * share], rel=0.02)
    assert chroma_speckle(x.flip(3)) == pytest.approx(chroma_speckle(x))


@pytest.mark.parametrize("at_once", [1, 40, 10**6])
def test_the_bootstrap_is_that_of_one_resample_after_another(at_once, monkeypatch):
    monkeypatch.setattr(metrics, "RESAMPLED", at_once)
    values, rng = np.random.default_rng(3).normal(size=9), np.random.default_rng(5)
    means = sorted(values[rng.integers(9, size=9)].mean() for _ in range(101))
    assert metrics.bootstrap_interval(values, resamples=101, seed=5) == (means[2], means[98])
