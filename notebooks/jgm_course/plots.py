"""Drawing for the lessons: curves, densities, samples, film strips, a flipbook.

Figures use one palette that survives colour blindness and black-and-white print: Okabe-Ito colours,
each bound to its own line style and marker, and the maps viridis and cividis.
"""

import numpy as np
import torch
from matplotlib.figure import Figure

from jgm_lib.figures import LINES, line, panels, png_bytes, to_array


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
