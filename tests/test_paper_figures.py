"""The paper's figures that lessons draw by code: what stands where."""

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from jgm_course.nb00 import figures as nb00
from jgm_course.nb04 import diagrams
from jgm_course.nb05 import figures as nb05
from jgm_course.nb05 import tempering
from jgm_course.plots import film_strip


def texts(fig) -> list[Text]:
    """What is written: titles, labels, notes; not the ticks of axes without ticks."""
    found = list(fig.texts)
    for a in fig.axes:
        found += [*a.texts, a.title, a.xaxis.label, a.yaxis.label]
    return [t for t in found if t.get_text().strip()]


def words(fig) -> list[tuple[float, float, str]]:
    """All texts of a figure as (y, x, text), from the top row down, each row left to right."""
    FigureCanvasAgg(fig).draw()  # lays out; the bare canvas of a Figure draws nothing
    places = [(t.get_window_extent(), t.get_text().replace("\n", " ")) for t in texts(fig)]
    return [(round(b.y0 + b.y1), b.x0 + b.x1, text) for b, text in places]


def in_order(fig, *parts: str) -> bool:
    """Do these texts stand in the figure, from left to right?"""
    places = []
    for part in parts:
        places.append([x for _, x, text in words(fig) if part in text])
    x = -1.0
    for found in places:
        later = [value for value in found if value > x]
        if not later:
            return False
        x = min(later)
    return True


def picture() -> torch.Tensor:
    return torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(0))


FIGURES = {
    "Fig 1": lambda: nb00.channels_figure(picture()),
    "Fig 2": diagrams.three_generative_ways,
    "Fig 3": nb05.pipeline_figure,
    "well tempered": lambda: tempering.tempered_figure(
        {
            k: picture()
            for k in ("grey", "truth", "Algorithm 1 above, 80 NFE", "well tempered, 50 NFE")
        }
    ),
    "Fig 4": lambda: film_strip([[picture()] * 4] * 2, ["a", "b", "c", "d"], ["x", "y"]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_off(name):
    fig = FIGURES[name]()
    FigureCanvasAgg(fig).draw()  # lays out; the bare canvas of a Figure draws nothing
    inside = fig.bbox.padded(1)
    for text in texts(fig):
        box = text.get_window_extent()
        assert inside.contains(box.x0, box.y0) and inside.contains(box.x1, box.y1), text


def test_fig_1_shows_the_gradients_that_eq_8_defines():
    x = picture()
    shown = {a.get_title(): a.images[0].get_array() for a in FIGURES["Fig 1"]().axes if a.images}
    down = np.zeros((12, 16), np.float32)
    down[:-1] = (x[2, 1:] - x[2, :-1]).numpy()
    right = np.zeros((12, 16), np.float32)
    right[:, :-1] = (x[0, :, 1:] - x[0, :, :-1]).numpy()
    assert np.allclose(shown["∇₁x, blue"], np.clip(0.5 + 2.5 * down, 0, 1), atol=1e-6)
    assert np.allclose(shown["∇₂x, red"], np.clip(0.5 + 2.5 * right, 0, 1), atol=1e-6)
    assert np.allclose(shown["what we get: F x"], x.mean(0), atol=1e-6)


def test_fig_2_leads_three_ways_from_grey_to_colour():
    fig = diagrams.three_generative_ways()
    assert in_order(fig, "CVAE", "grey y", "code z", "decoder", "colour")
    assert in_order(fig, "iGM", "3 channels", "6 channels", "colour")
    assert in_order(fig, "JGM", "gradients", "9 channels", "consistency", "Eq 14", "colour")


def test_fig_3_is_learning_above_and_algorithm_1_below():
    fig = nb05.pipeline_figure()
    assert in_order(fig, "colour picture x", "∇₁x", "σ z", "network", "score")
    assert in_order(fig, "noise X", "consistency", "Langevin", "fusion", "colour x")
    heights = {text.split()[0]: y for y, _, text in words(fig)}
    assert heights["learning"] > heights["network"] > heights["colouring"] > heights["Langevin"]


def test_fig_3_fuses_once_a_level_outside_the_loop_of_steps():
    fig = nb05.pipeline_figure()
    at = {text.split()[0]: x for _, x, text in words(fig)}
    steps, levels = (sorted(line.get_xdata()) for line in fig.axes[0].lines)
    assert steps[0] < levels[-1] and at["T"] < at["fusion"] and at["L"] < at["fusion"]
    assert max(steps) < 62.5 < max(levels), "the fusion box begins at 62.5"
    labels = [text for _, _, text in words(fig)]
    for name, equation in (("consistency", "13"), ("Langevin", "12"), ("fusion", "14")):
        (box,) = (text for text in labels if text.startswith(name))
        assert box.endswith(f"Eq {equation}"), "a box carries its own equation"


def test_fig_4_is_a_strip_in_the_order_of_the_levels():
    levels = [np.full((4, 4), v) for v in (0.1, 0.5, 0.9)]
    fig = film_strip([levels], ["σ 1", "σ 0.1", "σ 0.01"])
    means = [float(a.images[0].get_array().mean()) for a in fig.axes]
    assert means == pytest.approx([0.1, 0.5, 0.9])
    assert in_order(fig, "σ 1", "σ 0.1", "σ 0.01")
    assert all(tuple(a.images[0].get_clim()) == (0, 1) for a in fig.axes), "one grey scale for all"
