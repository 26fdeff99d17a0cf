"""Lesson 00: the nine channels as pictures (Fig 1) and the map of the course."""

from pathlib import Path

import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from jgm_lib.errors import JGMError
from jgm_lib.figures import to_array
from jgm_lib.joint import join
from jgm_lib.photo import Photo, read_photo
from jgm_lib.widgets.album import open_picture, picture_names

STOPS = {  # box: (x, y, text)
    "denoise": (0, 2, "01 score matching\nto denoise is to know\nthe slope of log p"),
    "move": (1, 2, "02 Langevin dynamics\nwalk uphill with noise,\nthen less noise"),
    "joint": (2, 2, "03 gradient domain\nedges as channels,\nfusion (Eq 14)"),
    "train": (3, 2, "04 train the prior\nnine channels,\nall noise levels"),
    "colour": (3, 1, "05 colorize\nAlgorithm 1\nwith live sliders"),
    "fast": (2, 1, "06 fast samplers\n1,000 evaluations\nbecome 20"),
    "many": (1, 1, "09 diversity\nmany colours of\none photograph"),
    "old": (0, 1, "10 blind, historic\nwho knows how\nit was grayed?"),
    "ablate": (0, 0, "07 ablations\nwhat each part\nbrings"),
    "compare": (1, 0, "08 comparison\nhonest numbers"),
    "people": (2, 0, "11 user study\nask people"),
    "scale": (3, 0, "12 scale up\nGPUs, sweeps,\ncost on paper"),
}
ARROWS = (
    ("denoise", "move"),
    ("move", "joint"),
    ("joint", "train"),
    ("train", "colour"),
    ("colour", "fast"),
    ("fast", "many"),
    ("many", "old"),
)


def open_photo(name: str) -> Photo:
    """A picture of the panel's chooser, or a file of the reader's own; else JGMError."""
    if name in picture_names() or name.startswith("toy-"):
        return open_picture(name)
    if not Path(name).is_file():
        raise JGMError(
            f"photo {name!r}: give the path of a picture file or one of "
            f"{', '.join(picture_names())}"
        )
    return read_photo(name)


def channels_figure(x: torch.Tensor) -> Figure:
    """Fig 1: the intensity domain (three channels) inside the joint domain (nine); x (3,h,w)."""
    X = join(x[None])[0]  # (9,h,w)
    fig = Figure(figsize=(9, 3.3), layout="constrained")
    axes = fig.subplots(2, 6, width_ratios=[1.6, 1.6, 1, 1, 1, 1])
    grid = axes[0, 0].get_gridspec()
    for axis in axes[:, :2].flat:
        axis.remove()
    big = fig.add_subplot(grid[:, :2])
    _picture(big, x, "intensity domain: x, three channels")
    shown = [
        (X[0], "x, red"),
        (X[1], "x, green"),
        (X[2], "x, blue"),
        (x.mean(0), "what we get: F x"),
    ]
    shown += [(0.5 + 2.5 * X[3 + k], f"∇₁x, {c}") for k, c in ((0, "red"), (2, "blue"))]
    shown += [(0.5 + 2.5 * X[6 + k], f"∇₂x, {c}") for k, c in ((0, "red"), (2, "blue"))]
    for axis, (channel, title) in zip(axes[:, 2:].flat, shown, strict=True):
        _picture(axis, channel, title)
    fig.suptitle(
        "joint domain: x and its colour gradients, nine channels (seven of them here)", fontsize=9
    )
    return fig


def _picture(axis, pixels, title: str) -> None:
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    axis.imshow(to_array(pixels), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(title, fontsize=8)
    axis.set_axis_off()


def map_figure() -> Figure:
    """The lessons and the way through them; solid boxes are the main road."""
    fig = Figure(figsize=(9, 3.6), layout="constrained")
    axis = fig.add_subplot()
    axis.set(xlim=(-0.5, 3.5), ylim=(-0.5, 2.5))
    axis.set_axis_off()
    road = {name for pair in ARROWS for name in pair}
    for name, (x, y, text) in STOPS.items():
        box = FancyBboxPatch(
            (x - 0.36, y - 0.3),
            0.72,
            0.6,
            "round,pad=0.04",
            ec="0.25",
            fc="#dce9f5" if name in road else "0.97",
            ls="-" if name in road else "--",
        )
        axis.add_patch(box)
        axis.text(x, y, text, ha="center", va="center", fontsize=8)
    for a, b in ARROWS:
        (x0, y0, _), (x1, y1, _) = STOPS[a], STOPS[b]
        dx, dy = 0.42 * (x1 - x0), 0.36 * (y1 - y0)
        axis.annotate(
            "",
            (x1 - dx, y1 - dy),
            (x0 + dx, y0 + dy),
            arrowprops={"arrowstyle": "-|>", "color": "0.2"},
        )
    return fig
