"""Lesson 03: photographs, the seam of a wrap-around, noise shaped by fusion, gradient statistics."""

import itertools

import numpy as np
import torch
from matplotlib.patches import Rectangle
from PIL import Image
from scipy.ndimage import uniform_filter

from jgm_lib.data import samples
from jgm_lib.errors import JGMError
from jgm_lib.figures import to_array
from jgm_lib.fusion import fusion_noise_gain, laplacian_eigenvalues
from jgm_lib.operators import grad, grad_adjoint, to_basis

from .. import plots, stats


def photo(name: str, longest: int | None = None, shrink: int = 1) -> torch.Tensor:
    """A package photograph (1,3,H,W), float64 in [0,1].

    ``longest``: scale down to that longest side in pixels; ``shrink``: average squares of that
    side. Averages are not rounded again. Raises JGMError for an unknown name.
    """
    image = samples.load(name).convert("RGB")
    if longest and longest < max(image.size):
        ratio = longest / max(image.size)
        size = [max(1, round(n * ratio)) for n in image.size]
        image = image.resize(size, Image.Resampling.BOX)
    x = torch.from_numpy(np.asarray(image, np.float64) / 255).permute(2, 0, 1)[None]
    return torch.nn.functional.avg_pool2d(x, shrink) if shrink > 1 else x


# -- Eq 14 ---------------------------------------------------------------------------------------


def fields(H: int, W: int, boundary: str) -> tuple[torch.Tensor, torch.Tensor]:
    """All gradients and all curls of H x W fields, as rows of two matrices (H W, 2 H W): row k is
    that of a picture, or of a psi, which is 1 in pixel k and 0 elsewhere."""
    pixel = torch.eye(H * W, dtype=torch.float64).view(H * W, 1, H, W)
    zero = torch.zeros_like(pixel)
    curl = grad_adjoint(zero, pixel, boundary), -grad_adjoint(pixel, zero, boundary)
    both = grad(pixel, boundary), curl
    return tuple(torch.cat([g1.flatten(1), g2.flatten(1)], 1) for g1, g2 in both)


def field_ranks(H: int, W: int, boundary: str) -> dict[str, int]:
    """How many directions the gradients, the curls and both together span, of 2 H W."""
    gradients, curls = fields(H, W, boundary)
    sets = {"gradients": gradients, "curls": curls, "together": torch.cat([gradients, curls])}
    return {name: int(torch.linalg.matrix_rank(rows)) for name, rows in sets.items()}


def seam_decay(beta: float) -> float:
    """The root r in (0,1) of beta (r + 1/r) = 1 + 2 beta: by what factor the reach of Eq 14
    falls from one row to the next. beta > 0."""
    half = 1 + 1 / (2 * beta)
    return half - (half**2 - 1) ** 0.5


def seam_error(beta: float, jump: float, rows: int) -> np.ndarray:
    """What wrap-around adds to the first ``rows`` row means below the top edge, (rows,).

    ``jump``: first row mean minus last. The difference across the seam is taken as 0 and the
    picture is tall against the reach; the last rows get the same with the other sign.
    """
    r = seam_decay(beta)
    return -jump * r ** np.arange(1, rows + 1) / (1 + r)


def seam_panel(axis, errors: dict, jump: float) -> None:
    """Errors of the row means below the top edge, beta -> (rows,), and the formula as dots."""
    for k, (beta, error) in enumerate(errors.items()):
        at = np.arange(0, len(error), 3)
        axis.plot(error, label=f"beta = {beta:g}", **plots.line(k))
        axis.plot(at, seam_error(beta, jump, len(error))[at], "ko", markersize=3)
    axis.set(xlabel="rows below the top edge", ylabel="error of the row mean")
    axis.legend(fontsize=8)


def poisson_noise_gain(scale: float, H: int, W: int, boundary: str = "neumann") -> float:
    """The limit beta -> infinity of ``fusion_noise_gain``: 1 for the mean, kappa^2/K elsewhere."""
    K = laplacian_eigenvalues(H, W, boundary, torch.zeros(1, dtype=torch.float64)).flatten()[1:]
    return float((1 + (1 / (scale**2 * K)).sum()) / (H * W))


def spectrum_panel(axis, betas, scale: float) -> None:
    """By what fusion multiplies the noise variance of one frequency, against its eigenvalue K."""
    K = np.linspace(0, 8, 300)
    for k, beta in enumerate(betas):
        gain = (1 + (beta / scale) ** 2 * K) / (1 + beta * K) ** 2
        axis.plot(K, gain, label=f"beta = {beta:g}", **plots.line(k))
    axis.axhline(1, color="0.7", linewidth=0.8)
    axis.set(xlabel="K: 0 even, 8 chequerboard", ylabel="variance times")
    axis.legend(fontsize=8)


def noise_panel(axis, betas, simulated: dict, size: int) -> None:
    """Noise factor against beta, scale -> simulated factors at ``betas``; a triangle at the best
    beta, a thin line at Poisson integration."""
    fine = np.geomspace(min(betas), max(betas), 100)
    for k, (s, found) in enumerate(simulated.items()):
        law = [fusion_noise_gain(b, s, size, size) ** 0.5 for b in fine]
        best = fusion_noise_gain(s**2, s, size, size) ** 0.5
        axis.semilogx(fine, law, label=f"scale {s:g}", **plots.line(k))
        axis.plot(betas, found, "os"[k % 2], color="black", markersize=3)
        axis.plot(s**2, best, "v", color="black", markersize=9)
        axis.axhline(poisson_noise_gain(s, size, size) ** 0.5, color="0.7", linewidth=0.8)
    axis.axhline(1, color="0.7", linewidth=0.8)
    axis.set(xlabel="beta", ylabel="noise times", ylim=(0, None))
    axis.legend(fontsize=8, loc="lower right")


def wipe(before: torch.Tensor, after: torch.Tensor, share: float, title: str = ""):
    """A Figure of one picture (1,3,H,W): ``before`` left of ``share`` of its width, ``after``
    right of it, a line between."""
    a, b = to_array(before), to_array(after)
    column = round(share * a.shape[1])
    fig, axis = plots.panels(1, 1, 3.6, 3.6 * a.shape[0] / a.shape[1] + 0.3)
    axis.imshow(np.concatenate([a[:, :column], b[:, column:]], 1), interpolation="nearest")
    if 0 < share < 1:
        axis.axvline(column - 0.5, color="white", linewidth=2)
        axis.axvline(column - 0.5, color="black", linewidth=1, linestyle="--")
    axis.set_title(title, fontsize=9)
    axis.set_axis_off()
    return fig


# -- statistics of gradients ---------------------------------------------------------------------


def chroma_gradients(x: torch.Tensor) -> torch.Tensor:
    """All differences of the two chroma channels of the orthonormal colour basis, flat, unscaled.

    Noise of sigma on R, G and B is noise of sigma on each of these channels.
    """
    return torch.cat([to_basis(d)[:, 1:].flatten() for d in grad(x)])


def luma_gradients(x: torch.Tensor) -> np.ndarray:
    """Vertical and horizontal differences of the mean of R, G, B: (2,H-1,W-1), no edge row."""
    d1, d2 = grad(x.mean(1))  # (1,H,W) each
    return torch.cat([d1, d2])[:, :-1, :-1].numpy()


def by_local_scale(g: np.ndarray, window: int = 9, floor: float = 2 / 255) -> np.ndarray:
    """g (2,h,w) over the root mean square of both directions in the square around each pixel.

    ``floor`` joins in quadrature: where nothing but rounding is left, rounding is not blown up.
    """
    power = uniform_filter((g**2).mean(0), window, mode="nearest")
    return g / np.sqrt(power + floor**2)


def half_distances(fields, gap: int = 8, step: int = 3) -> np.ndarray:
    """Kolmogorov-Smirnov distances (n,n) from the left half of field i to the right half of j.

    ``fields``: arrays (2,h,w). ``gap`` columns on either side of the cut are left out, and of the
    rest every ``step``-th value is taken.
    """
    left = [f[..., : f.shape[-1] // 2 - gap].ravel()[::step] for f in fields]
    right = [f[..., f.shape[-1] // 2 + gap :].ravel()[::step] for f in fields]
    return np.array([[stats.ks_distance(a, b) for b in right] for a in left])


def exact_matching_p(distances: np.ndarray) -> float:
    """Share of all ways to match rows with columns whose mean distance is as small as that of the
    diagonal, itself counted: exact, valid whatever depends on what inside a half. n <= 8."""
    n = len(distances)
    if n > 8:
        raise JGMError(f"{n} pictures: {n}! matchings are too many to list; at most 8")
    order = np.array(list(itertools.permutations(range(n))))
    means = distances[np.arange(n), order].mean(1)
    return float((means <= np.trace(distances) / n + 1e-12).mean())


def content_test(fields, side: int, rounds: int, seed: int) -> dict:
    """Do gradients know which picture they come from? Two tests on fields (2,h,w).

    Halves: mean distance of the two halves of one picture (``own``) and of different pictures
    (``other``), ``p_halves`` exact. Patches of ``side`` pixels: mean distance within a picture,
    ``excess`` of different pictures over it, ``p_patches`` by ``rounds`` permutations.
    """
    D, n = half_distances(fields), len(fields)
    cut = [stats.patches(f, side)[:, ::3] for f in fields]
    labels = np.repeat(np.arange(n), [len(c) for c in cut])
    d = stats.pairwise([p for c in cut for p in c])
    same = (labels[:, None] == labels) & ~np.eye(len(labels), dtype=bool)
    return {
        "D": D,
        "own": float(np.trace(D) / n),
        "other": float((D.sum() - np.trace(D)) / (n * n - n)),
        "p_halves": exact_matching_p(D),
        "patches": len(labels),
        "within": float(d[same].mean()),
        "excess": stats.between_minus_within(d, labels),
        "p_patches": stats.permutation_p(d, labels, rounds, seed),
    }


def sides_p(field: np.ndarray, side: int, rounds: int, seed: int) -> float:
    """The patch test inside one picture: do patches left of the middle differ from those right of
    it? A small p says that patches of one picture are not exchangeable."""
    columns = field.shape[-1] // side
    cut = stats.patches(field, side)[:, ::3]
    right = np.arange(len(cut)) % columns >= columns / 2
    return stats.permutation_p(stats.pairwise(list(cut)), right, rounds, seed)


def log_histogram(axis, fields: dict, reach: float = 12.0, bins: int = 97) -> None:
    """Densities of each field over its own standard deviation, on a log scale, with a Gaussian.

    ``fields``: name -> array. The least and the most heavy-tailed are named, the rest thin grey.
    """
    weight = {name: stats.kurtosis(f) for name, f in fields.items()}
    ends = [min(weight, key=weight.get), max(weight, key=weight.get)]
    edges = np.linspace(-reach, reach, bins)
    middle = (edges[1:] + edges[:-1]) / 2
    for name, field in fields.items():
        z = (field - field.mean()).ravel() / field.std()
        density = np.histogram(z, edges)[0] / len(z) / np.diff(edges)
        density[density == 0] = np.nan  # an empty bin has no logarithm
        if name in ends:
            axis.plot(middle, density, label=name, zorder=3, **plots.line(ends.index(name)))
        else:
            axis.plot(middle, density, color="0.6", linewidth=0.8)
    bell = np.exp(-(middle**2) / 2) / np.sqrt(2 * np.pi)
    axis.plot(middle, bell, label="Gaussian", **plots.line(2))
    axis.set(yscale="log", ylim=(1e-5, 5), xlabel="gradient / its standard deviation")
    axis.legend(fontsize=8)


def distance_map(axis, D: np.ndarray, names, most: float) -> None:
    """The matrix of half distances as shades with numbers; dark is far, the diagonal is framed."""
    axis.imshow(D, cmap="Greys", vmin=0, vmax=1.3 * most)
    for i, j in itertools.product(range(len(D)), repeat=2):
        colour = "white" if D[i, j] > 0.7 * most else "black"
        axis.text(j, i, f"{100 * D[i, j]:.0f}", ha="center", va="center", fontsize=8, color=colour)
    for i in range(len(D)):
        box = Rectangle((i - 0.46, i - 0.46), 0.92, 0.92, fill=False, ec="#D55E00", lw=1.5)
        axis.add_patch(box)
    at = range(len(D))
    axis.set_xticks(at, names, rotation=40, ha="right", fontsize=8)
    axis.set_yticks(at, names, fontsize=8)
    axis.set(xlabel="right half", ylabel="left half")
