"""Boxes and arrows: the paper's diagrams, drawn by code."""

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

FILL = {"known": "#DDDDDD", "network": "#BBD5EE", "result": "#F5D5B8", "step": "white"}


def box(axis, x: float, y: float, text: str, kind: str = "step", width=1.7, height=0.8) -> None:
    """One rounded box centred at (x,y); ``kind``: known, network, result or step."""
    corner = (x - width / 2, y - height / 2)
    axis.add_patch(
        FancyBboxPatch(
            corner,
            width,
            height,
            boxstyle="round,pad=0.02,rounding_size=0.1",
            facecolor=FILL[kind],
            edgecolor="black",
            linewidth=2 if kind == "network" else 1,
        )
    )
    axis.text(x, y, text, ha="center", va="center", fontsize=8)


def arrow(axis, start, end, bend: float = 0.0) -> None:
    """An arrow from point to point, curved by ``bend``."""
    style = dict(arrowstyle="-|>", color="black", connectionstyle=f"arc3,rad={bend}")
    axis.annotate("", end, start, arrowprops=style)


def canvas(width: float, height: float, x_range, y_range):
    """An empty drawing without axes: (figure, axis)."""
    fig = Figure(figsize=(width, height), layout="constrained")
    axis = fig.subplots()
    axis.set(xlim=x_range, ylim=y_range)
    axis.set_axis_off()
    return fig, axis


def three_generative_ways() -> Figure:
    """Fig 2: how CVAE, iGM and JGM come from a grey picture to a colour picture."""
    fig, axis = canvas(9, 4.2, (-2.2, 8.1), (-0.7, 5.0))
    rows = {
        "CVAE": [
            ("grey y", "known"),
            ("mixture density\nnetwork p(z | y)", "network"),
            ("code z\nlow-dimensional", "step"),
            ("decoder", "network"),
            ("colour", "result"),
        ],
        "iGM": [
            ("grey y", "known"),
            ("prior on RGB\n3 channels", "network"),
            ("first colours\n+ YCbCr of them", "step"),
            ("prior on\n6 channels", "network"),
            ("colour", "result"),
        ],
        "JGM": [
            ("grey y\nand its gradients", "known"),
            ("prior on x, d1 x, d2 x\n9 channels", "network"),
            ("consistency of\nall 9 channels", "step"),
            ("fusion\n(Eq 14)", "step"),
            ("colour", "result"),
        ],
    }
    for y, (name, boxes) in zip((4.4, 2.5, 0.6), rows.items(), strict=True):
        axis.text(-2.1, y, name, fontsize=11, weight="bold", va="center")
        _row(axis, y, boxes)
    for x in (1.75, 5.25):
        axis.text(x, 3.05, "many steps", fontsize=7, ha="center")
    arrow(axis, (5.0, 1.05), (2.0, 1.05), 0.25)
    axis.text(3.5, 1.6, "repeat while the noise falls", fontsize=7, ha="center")
    return fig


def _row(axis, y, boxes, step: float = 1.75, width: float = 1.5):
    """(text, kind) boxes joined by arrows, from left to right."""
    for i, (text, kind) in enumerate(boxes):
        box(axis, i * step, y, text, kind, width=width)
        if i:
            arrow(axis, ((i - 1) * step + width / 2 + 0.02, y), (i * step - width / 2 - 0.02, y))
