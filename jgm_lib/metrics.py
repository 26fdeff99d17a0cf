"""How good is a coloured picture? One number a picture, and how sure their mean is.

PSNR alone cannot tell a good colorizer from none (the grey picture itself scores well), so every
table also shows CIEDE2000, colourfulness, consistency with the grey input and diversity.
Pictures are (B,3,H,W) RGB in [0,1], tensors or arrays; results are float64 arrays (B,).
A grey or constant picture is a picture: PSNR of equals is infinite, colourfulness of grey is 0.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from .errors import JGMError
from .operators import gray, gray_weights

RESAMPLED = 10**6  # numbers of a bootstrap in memory at once
WINDOW = 7  # pixels a side, of the SSIM in the paper's tables


def psnr(x, truth) -> np.ndarray:
    """Peak signal-to-noise ratio in dB, data range 1 (Eq 15 with the square root of N put in).

    x, truth (B,3,H,W), truth in [0,1] -> (B,); infinite for equal pictures.
    """
    x, truth = _pair(x, truth)
    mse = np.square(x - truth).mean((1, 2, 3))
    with np.errstate(divide="ignore"):  # equal pictures: infinite is the right answer
        return -10 * np.log10(mse)


def ssim(x, truth) -> np.ndarray:
    """Structural similarity (Wang et al. 2004; scikit-image, uniform 7x7 window), mean over RGB.

    x, truth (B,3,H,W), truth in [0,1] -> (B,), at most 1. Pictures under seven pixels a side take
    the largest odd window that fits; with a window of one pixel only the luminance term is left.
    """
    x, truth = _pair(x, truth)
    side = min(WINDOW, *x.shape[1:3])
    window = side - 1 + side % 2  # odd
    return np.array(
        [
            structural_similarity(
                a,
                b,
                win_size=window,
                data_range=1.0,
                channel_axis=-1,
                use_sample_covariance=window > 1,
            )  # else a division by 1 - 1
            for a, b in zip(x, truth, strict=True)
        ]
    )


def ciede2000(x, truth) -> np.ndarray:
    """Mean colour difference Delta E 2000 (CIE 142-2001), 1 being about the least one can see.

    x, truth (B,3,H,W), sRGB, truth in [0,1] -> (B,). x is first clipped to what a screen can show.
    """
    x, truth = _pair(x, truth)
    return _delta_e(rgb2lab(np.clip(x, 0, 1)), rgb2lab(truth))


def colourfulness(x) -> np.ndarray:
    """Hasler and Suesstrunk 2003: sqrt(var rg + var yb) + 0.3 |mean (rg, yb)|, on a 0..255 scale.

    x (B,3,H,W) in [0,1] -> (B,); 0 for grey; their observers called 33 moderately, 59 quite,
    109 extremely colourful. A colorizer that plays safe shows here: it is duller than the truth.
    """
    r, g, b = np.moveaxis(255 * _pictures(x, "x"), -1, 0)  # (B,H,W) each
    opponent = np.stack([r - g, (r + g) / 2 - b])  # (2,B,H,W)
    spread = np.sqrt(opponent.var((2, 3)).sum(0))
    return spread + 0.3 * np.sqrt(np.square(opponent.mean((2, 3))).sum(0))


def consistency_rms(x, y, f="mean") -> np.ndarray:
    """RMS |F x - y|: how far a colouring is from its own grey photograph, 0 to 1.

    x (B,3,H,W); y (B,1,H,W), or (1,1,H,W) for B versions of one photograph; ``f`` as in
    ``gray_weights`` -> (B,).
    """
    x = torch.from_numpy(_pictures(x, "x", bounded=False)).movedim(-1, 1)  # (B,3,H,W)
    y = torch.as_tensor(y).detach().cpu().double()
    if y.shape not in {(n, 1, *x.shape[2:]) for n in (1, len(x))}:
        raise JGMError(
            f"y of shape {tuple(y.shape)} does not fit x of shape {tuple(x.shape)}: "
            "need (B,1,H,W) or (1,1,H,W)"
        )
    if not bool(y.isfinite().all()):
        raise JGMError("y holds values that are not finite")
    return (gray(x, gray_weights(f)) - y).square().mean((1, 2, 3)).sqrt().numpy()


class Diversity(NamedTuple):
    """``delta_e``: mean Delta E 2000 between two versions; ``ab_std``: their spread in CIELAB."""

    delta_e: float
    ab_std: float


def diversity(samples) -> Diversity:
    """How much K colourings of one photograph differ: (K,3,H,W) in [0,1] -> Diversity.

    ``delta_e`` averages over all pairs and pixels; ``ab_std`` is sqrt(var a + var b) over the
    versions (unbiased, divisor K - 1), averaged over pixels. Both are 0 for a single version.
    """
    lab = rgb2lab(_pictures(samples, "samples"))  # (K,H,W,3)
    if len(lab) == 1:
        return Diversity(0.0, 0.0)
    pairs = [_delta_e(a[None], b[None])[0] for a, b in combinations(lab, 2)]
    spread = np.sqrt(lab[..., 1:].var(0, ddof=1).sum(-1))  # (H,W)
    return Diversity(float(np.mean(pairs)), float(spread.mean()))


def typicality_order(samples) -> np.ndarray:
    """Indices of K versions (K,3,H,W) by average RMS distance to the others, nearest first.

    Index 0 is the consensus draw, the last the most adventurous; no truth is needed. Equally
    typical versions keep their order.
    """
    x = _pictures(samples, "samples", bounded=False)
    distance = np.zeros((len(x), len(x)))
    for i, j in combinations(range(len(x)), 2):
        distance[i, j] = distance[j, i] = np.sqrt(np.square(x[i] - x[j]).mean())
    return np.argsort(distance.sum(1), kind="stable")


def bootstrap_interval(values, level=0.95, resamples=2000, seed=0) -> tuple[float, float]:
    """Percentile bootstrap interval (low, high) of the mean of ``values`` (n,) (Efron 1979).

    Ends are taken outward to resampled means, never interpolated, so infinite values (PSNR of
    equal pictures) are no trouble. Raises JGMError if there is no value or one is not a number.
    """
    values = _numbers(values, "values")
    if not 0 < level < 1 or resamples < 1:
        raise JGMError(f"level={level}, resamples={resamples}: need 0 < level < 1, resamples >= 1")
    rng, n = np.random.default_rng(seed), len(values)
    at_once = max(1, RESAMPLED // n)
    parts = [min(at_once, resamples - i) for i in range(0, resamples, at_once)]
    means = np.sort(np.concatenate([values[rng.integers(n, size=(k, n))].mean(1) for k in parts]))
    tail = (1 - level) / 2 * (resamples - 1)
    return float(means[int(tail)]), float(means[resamples - 1 - int(tail)])


def summarize(scores: dict, level=0.95, resamples=2000, seed=0) -> dict:
    """One table row from per-picture scores {"psnr": (n,), ...}: n, and a metric's three numbers.

    -> {"n": n, "psnr": mean, "psnr_low": low, "psnr_high": high, ...}. All metrics are resampled
    with the same pictures. Raises JGMError if the scores are not of one length.
    """
    columns = {name: _numbers(values, name) for name, values in scores.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise JGMError(f"scores of different or no pictures: {lengths}")
    row = {"n": next(iter(lengths.values()))}
    for name, values in columns.items():
        low, high = bootstrap_interval(values, level, resamples, seed)
        row |= {name: float(values.mean()), f"{name}_low": low, f"{name}_high": high}
    return row


def paired_difference(a, b, seed=0, n=2000) -> tuple[float, float, float]:
    """The mean of a - b over the same pictures, a and b (N,), and its bootstrap 95 % interval.

    Far narrower than the two intervals apart where a picture that is hard for one is hard for the
    other. Two equal values differ by 0, also if both are infinite. JGMError for other lengths.
    """
    a, b = _numbers(a, "a"), _numbers(b, "b")
    if a.shape != b.shape:
        raise JGMError(f"{len(a)} and {len(b)} values: a paired difference needs the same pictures")
    same = a == b  # inf - inf would be no number
    d = np.where(same, 0.0, a - np.where(same, 0.0, b))
    return float(d.mean()), *bootstrap_interval(d, resamples=n, seed=seed)


def ratio_of_sums(a, b, seed=0, n=2000) -> tuple[float, float, float]:
    """sum a / sum b over the same pictures, a and b (N,) >= 0, and its bootstrap 95 % interval.

    Pictures are resampled, not their ratios: a picture of little colour would rule the mean of
    ratios. NaN where b sums to 0 (grey pictures only). JGMError for values that are not finite.
    """
    a, b = _numbers(a, "a"), _numbers(b, "b")
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise JGMError("a ratio of sums needs finite values of the same pictures")
    if not b.sum():
        return float("nan"), float("nan"), float("nan")
    picks = np.random.default_rng(seed).integers(len(a), size=(n, len(a)))
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample of grey pictures only
        ratios = a[picks].sum(1) / b[picks].sum(1)
    low, high = np.nanquantile(ratios, (0.025, 0.975), method="nearest")
    return float(a.sum() / b.sum()), float(low), float(high)


def chroma_speckle(x) -> np.ndarray:
    """Energy of the fine chroma of pictures (B,3,H,W): mean square of the chroma (x minus the mean
    of R, G and B) less its 3x3 mean, edges repeated -> (B,), in intensity squared.

    A cosine of frequencies (u,v), radians a pixel, of amplitude A in each of the three colours
    counts with (1 - (1 + 2 cos u)(1 + 2 cos v)/9)^2 A^2/2. Against the truth's, above 1 is speckle that
    no photograph has, below 1 is blur: ``ratio_of_sums(chroma_speckle(x), chroma_speckle(truth))``.
    """
    x = torch.from_numpy(_pictures(x, "x", bounded=False)).movedim(-1, 1)  # (B,3,H,W)
    chroma = x - x.mean(1, keepdim=True)
    wide = torch.nn.functional.pad(chroma, (1, 1, 1, 1), mode="replicate")
    fine = chroma - torch.nn.functional.avg_pool2d(wide, 3, stride=1)
    return fine.square().mean((1, 2, 3)).numpy()


def _delta_e(lab1: np.ndarray, lab2: np.ndarray) -> np.ndarray:
    return deltaE_ciede2000(lab1, lab2).mean((1, 2))  # (B,H,W,3) -> (B,)


def _pictures(x, name: str, bounded: bool = True) -> np.ndarray:
    """(B,3,H,W) -> (B,H,W,3) float64, as scikit-image wants it; JGMError if it is no such thing."""
    x = torch.as_tensor(x).detach().cpu()
    if x.ndim != 4 or x.shape[1] != 3 or 0 in x.shape:
        raise JGMError(f"{name} of shape {tuple(x.shape)}: need (B,3,H,W)")
    if not x.is_floating_point():
        raise JGMError(f"{name} holds {x.dtype}: need floats in [0,1]")
    x = x.double()
    if not bool(x.isfinite().all()):
        raise JGMError(f"{name} holds values that are not finite")
    if bounded and (x.min() < -1e-3 or x.max() > 1 + 1e-3):  # rounding is no fault
        raise JGMError(f"{name} runs from {x.min():.4g} to {x.max():.4g}: need [0,1]")
    return x.clamp(0, 1).movedim(1, -1).numpy() if bounded else x.movedim(1, -1).numpy()


def _pair(x, truth) -> tuple[np.ndarray, np.ndarray]:
    x, truth = _pictures(x, "x", bounded=False), _pictures(truth, "truth")
    if x.shape != truth.shape:
        raise JGMError(
            f"x is {x.shape[0]} pictures of {x.shape[1:3]} pixels, "
            f"truth {truth.shape[0]} of {truth.shape[1:3]}: need the same"
        )
    return x, truth


def _numbers(values, name: str) -> np.ndarray:
    values = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if values.ndim != 1 or values.size == 0 or np.isnan(values).any():
        raise JGMError(f"{name}: need a list of at least one number, none of them NaN")
    return values
