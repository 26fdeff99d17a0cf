"""Helpers of lessons 01 to 03: a mixture whose score is known, statistics, and drawing.

Figures use one palette that survives colour blindness and black-and-white print: Okabe-Ito colours,
each bound to its own line style and marker, and the maps viridis and cividis.
"""

import math

import numpy as np
import torch
from matplotlib.figure import Figure

from .errors import JGMError
from .figures import png_bytes, to_array

LINES = (
    dict(color="#0072B2", linestyle="-", marker="o"),
    dict(color="#D55E00", linestyle="--", marker="s"),
    dict(color="#000000", linestyle=":", marker="^"),
    dict(color="#009E73", linestyle="-.", marker="D"),
)


def line(k: int, markers: bool = False) -> dict:
    """Keyword arguments of the k-th curve of a plot: colour and line style, on request a marker."""
    style = dict(LINES[k % len(LINES)])
    if not markers:
        style.pop("marker")
    return style


# -- a density whose score is known --------------------------------------------------------------


class Mixture:
    """p(x) = sum_k w_k N(x; m_k, spread^2 I) in D dimensions; spread 0 is a finite set of points.

    ``means`` (K,D), ``weights`` (K,) positive, ``spread`` >= 0. Noise of level ``sigma`` only
    widens the parts to spread^2 + sigma^2, so every noisy density, denoiser and score is exact.
    Raises JGMError for shapes or weights that do not fit.
    """

    def __init__(self, means, weights, spread: float = 0.0):
        self.means = torch.as_tensor(means, dtype=torch.float64)
        self.weights = torch.as_tensor(weights, dtype=torch.float64)
        if self.means.ndim != 2 or self.weights.shape != self.means.shape[:1]:
            raise JGMError(
                f"means {tuple(self.means.shape)}, weights {tuple(self.weights.shape)}: "
                "need (K,D) and (K,)"
            )
        if not bool((self.weights > 0).all()) or not spread >= 0:
            raise JGMError("a mixture needs weights > 0 and spread >= 0")
        self.weights, self.spread = self.weights / self.weights.sum(), float(spread)

    def sample(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """n clean points (n,D)."""
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        z = torch.randn(n, self.means.shape[1], generator=generator, dtype=torch.float64)
        return self.means[k] + self.spread * z

    def _logs(self, x, sigma):
        """log of w_k N(x; m_k, (spread^2 + sigma^2) I): (n,K)."""
        v = self.spread**2 + sigma**2
        d2 = torch.cdist(x.double(), self.means, compute_mode="donot_use_mm_for_euclid_dist") ** 2
        return self.weights.log() - d2 / (2 * v) - x.shape[1] / 2 * math.log(2 * math.pi * v)

    def log_density(self, x, sigma: float = 0.0) -> torch.Tensor:
        """log p_sigma(x) for x (n,D): (n,)."""
        return self._logs(x, sigma).logsumexp(1)

    def score(self, x, sigma: float = 0.0) -> torch.Tensor:
        """grad log p_sigma(x), (n,D): the pull of every part by its posterior probability."""
        r = self._logs(x, sigma).softmax(1)  # (n,K)
        return (r @ self.means - x) / (self.spread**2 + sigma**2)

    def denoise(self, x, sigma: float) -> torch.Tensor:
        """E[clean | x], (n,D), by Tweedie's formula."""
        return x + sigma**2 * self.score(x, sigma)

    def nearest(self, x) -> torch.Tensor:
        """The index of the nearest mean, (n,)."""
        return torch.cdist(x.double(), self.means).argmin(1)


# -- statistics ----------------------------------------------------------------------------------


def shares(index, K: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each of K modes was hit and the binomial standard error, both (K,)."""
    p = np.bincount(np.asarray(index), minlength=K) / len(index)
    return p, np.sqrt(p * (1 - p) / len(index))


def total_variation(p, q) -> float:
    """Half the sum of |p - q|: the share of samples that sit in the wrong mode."""
    return float(0.5 * np.abs(np.asarray(p) - np.asarray(q)).sum())


def ks_distance(a, b) -> float:
    """Kolmogorov-Smirnov distance of two samples: the largest gap of their distributions."""
    a, b = np.sort(np.ravel(a)), np.sort(np.ravel(b))
    at = np.concatenate([a, b])
    gap = np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)
    return float(np.abs(gap).max())


def kurtosis(a) -> float:
    """E (a - mean)^4 / var^2: 3 for a Gaussian, more for heavy tails."""
    d = np.asarray(a, np.float64).ravel()
    d = d - d.mean()
    return float((d**4).mean() / (d**2).mean() ** 2)


def patches(values, side: int) -> np.ndarray:
    """Cut (...,H,W) into squares that do not overlap: (patches, everything in one patch)."""
    a = np.asarray(values, np.float64)
    rows, cols = a.shape[-2] // side, a.shape[-1] // side
    a = a[..., : rows * side, : cols * side].reshape(-1, rows, side, cols, side)
    return a.transpose(1, 3, 0, 2, 4).reshape(rows * cols, -1)


def pairwise(samples, distance=ks_distance) -> np.ndarray:
    """The symmetric matrix of distances between samples, zero on the diagonal."""
    n = len(samples)
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            out[i, j] = out[j, i] = distance(samples[i], samples[j])
    return out


def between_minus_within(distances, labels) -> float:
    """Mean distance of pairs with different labels minus that of pairs with the same label."""
    labels = np.asarray(labels)
    same = labels[:, None] == labels[None, :]
    off = ~np.eye(len(labels), dtype=bool)
    return float(distances[~same].mean() - distances[same & off].mean())


def permutation_p(distances, labels, rounds: int, seed: int) -> float:
    """Chance of a ``between_minus_within`` as large if the labels meant nothing."""
    rng, truth = np.random.default_rng(seed), between_minus_within(distances, labels)
    drawn = [between_minus_within(distances, rng.permutation(labels)) for _ in range(rounds)]
    return (1 + sum(d >= truth for d in drawn)) / (1 + rounds)


# -- drawing -------------------------------------------------------------------------------------


def panels(rows: int = 1, cols: int = 1, width: float = 3.0, height: float = 2.6, **settings):
    """A Figure and its axes: one axis, or an array of shape (cols,) or (rows, cols)."""
    fig = Figure(figsize=(width * cols, height * rows), layout="constrained")
    axes = fig.subplots(rows, cols, squeeze=False, **settings)
    for axis in axes.flat:
        axis.tick_params(labelsize=8)
        axis.title.set_fontsize(9)
    if rows == cols == 1:
        return fig, axes[0, 0]
    return fig, axes[0] if rows == 1 else axes


def plane(extent: float, n: int) -> torch.Tensor:
    """The n x n points of a square around zero, row by row: (n*n, 2)."""
    t = torch.linspace(-extent, extent, n, dtype=torch.float64)
    return torch.cartesian_prod(t, t).flip(1)


def draw_density(axis, log_density, extent: float, n: int = 80) -> None:
    """A two-dimensional density as shades of grey, dark where it is high."""
    p = log_density(plane(extent, n)).exp().reshape(n, n).numpy()
    box = (-extent, extent, -extent, extent)
    axis.imshow(p, origin="lower", extent=box, cmap="Greys", vmax=1.6 * p.max())
    axis.contour(
        p,
        origin="lower",
        extent=box,
        levels=np.array([0.02, 0.2, 0.6]) * p.max(),
        colors="0.35",
        linewidths=0.5,
    )
    axis.set(xticks=[], yticks=[], aspect="equal")


def draw_field(axis, field, extent: float, n: int = 17, unit: float = 1.0, color=LINES[0]["color"]):
    """A vector field as arrows; an arrow of length ``unit`` fills one cell of the grid."""
    at = plane(0.95 * extent, n)
    v = field(at).numpy()
    cells = unit * n / (1.9 * extent)
    axis.quiver(
        *at.T.numpy(),
        *v.T,
        angles="xy",
        scale_units="xy",
        scale=cells,
        color=color,
        width=0.005,
        headwidth=4.5,
    )
    axis.set(xlim=(-extent, extent), ylim=(-extent, extent))


def draw_cloud(axis, points, extent: float, **settings) -> None:
    """Samples (n,2) as dots."""
    style = dict(s=3, color=LINES[1]["color"], linewidths=0, alpha=0.7) | settings
    axis.scatter(*points.T.numpy(), **style)
    axis.set(xlim=(-extent, extent), ylim=(-extent, extent), xticks=[], yticks=[], aspect="equal")


def cloud_strip(clouds, log_densities, titles, extent: float) -> Figure:
    """A film strip of samples, each frame over the density that its noise level aims at."""
    fig, axes = panels(1, len(clouds), 1.5, 1.75)
    frames = zip(np.atleast_1d(axes), clouds, log_densities, titles, strict=True)
    for axis, cloud, density, title in frames:
        draw_density(axis, density, extent, 50)
        draw_cloud(axis, cloud, extent, s=1.5, alpha=0.4)
        axis.set_title(title, fontsize=8)
    return fig


def film_strip(rows, titles, names=None, height: float = 1.05) -> Figure:
    """Rows of pictures on a dark strip (the manner of the paper's Fig 4).

    ``rows``: lists of equally many pictures; ``titles``: one a column, or a list of such lists,
    one a row, written under the pictures; ``names``: one a row, at its left end.
    """
    per_row = titles if isinstance(titles[0], (list, tuple)) else None
    fig, axes = panels(len(rows), len(rows[0]), height, height + (0.22 if per_row else 0.12))
    for r, (axis_row, row) in enumerate(zip(np.atleast_2d(axes), rows, strict=True)):
        for c, (axis, picture) in enumerate(zip(axis_row, row, strict=True)):
            axis.imshow(to_array(picture), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set(color="black", linewidth=2)
            if per_row:
                axis.set_xlabel(per_row[r][c], fontsize=7, labelpad=2)
            elif r == 0:
                axis.set_title(titles[c], fontsize=8)
            if names and c == 0:
                axis.set_ylabel(names[r], fontsize=8)
    return fig


def share_bars(axis, truth, results: dict, labels) -> None:
    """Mode shares as points with 95 % bars beside the true shares: name -> (share, error)."""
    at = np.arange(len(truth))
    axis.bar(at, truth, width=0.8, color="0.85", edgecolor="0.4", label="truth")
    for k, (name, (share, error)) in enumerate(results.items()):
        style = line(k, markers=True) | {"linestyle": "none"}
        shift = 0.3 * (k - (len(results) - 1) / 2)
        axis.errorbar(
            at + shift,
            share,
            yerr=1.96 * np.asarray(error),
            capsize=3,
            markersize=5,
            label=name,
            **style,
        )
    axis.set(xticks=at, xticklabels=labels, ylabel="share of samples", ylim=(0, None))
    axis.legend(fontsize=8)


def flipbook(figures, labels, description: str, dpi: int = 70):
    """A slider through figures drawn beforehand: works while other cells compute, needs no worker.

    Beside it the notebook shows a static figure, which stays when there is no live kernel.
    """
    import ipywidgets

    frames = [png_bytes(f, dpi) for f in figures]
    picture = ipywidgets.Image(value=frames[0], format="png")
    slider = ipywidgets.SelectionSlider(
        options=list(zip(labels, range(len(frames)), strict=True)), description=description
    )
    slider.observe(lambda change: setattr(picture, "value", frames[change["new"]]), "value")
    return ipywidgets.VBox([slider, picture])
