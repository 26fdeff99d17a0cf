"""Lesson 11: Table II with intervals (Fig 6), the versions to be judged, simulated rooms."""

from statistics import NormalDist

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from jgm_lib.baselines import MeanOf, RegressionMean, Sampled, grey_replica
from jgm_lib.data import samples
from jgm_lib.experiments.methods import Direct
from jgm_lib.experiments.sources import Pictures
from jgm_lib.figures import to_array
from jgm_lib.settings import compared
from jgm_lib.study import (
    COLUMNS,
    LABELS,
    Components,
    Room,
    share_interval,
)

from ..plots import LINES, line, panels

# per cent, as printed in Table II of Hong et al. 2020
TABLE_II = {
    "Zhang": (88.48, 89.02, 89.02, 88.84),
    "MemoPainter": (90.02, 90.12, 89.68, 89.94),
    "ChromaGAN": (90.30, 90.95, 90.06, 90.44),
    "iGM-6C": (87.38, 88.47, 90.04, 88.96),
    "JGM": (93.97, 92.89, 92.66, 93.17),
}
METHODS = ("truth", "one draw", "mean of 4", "regression mean", "grey replica")


def table_two_figure(votes: int) -> Figure:
    """Fig 6 from Table II: dots with 95 % intervals as if ``votes`` independent people said yes."""
    fig, axes = panels(1, 4, 2.5, 2.9, sharey=True)
    for c, (axis, column) in enumerate(zip(axes, COLUMNS, strict=True)):
        for k, (name, row) in enumerate(TABLE_II.items()):
            share = (sum(row[:3]) / 3 if c == 3 else row[c]) / 100
            low, high = share_interval(share, votes)
            bar = [[100 * (share - low)], [100 * (high - share)]]
            style = dict(color=line(k)["color"], marker="osD^v"[k], capsize=3, linestyle="none")
            axis.errorbar([k], [100 * share], yerr=bar, **style)
        axis.set_title(column, fontsize=9)
        axis.set_xticks(range(len(TABLE_II)), list(TABLE_II), rotation=60, fontsize=8)
        axis.grid(axis="y", color="0.9")
    axes[0].set(ylabel="per cent", ylim=(80, 98))
    return fig


def versions(model, name: str, side: int, steps: int, seed: int) -> dict:
    """method -> (3,side,side): the truth and four ways to colour its grey picture."""
    photo = samples.load(name).convert("RGB")
    image = ImageOps.fit(photo, (side, side), Image.Resampling.LANCZOS)  # the middle square
    picture = Pictures.of_pixels(np.array(image)[None])
    draw = Sampled(model, "split", compared("split", steps=steps))
    methods = {
        "one draw": draw,
        "mean of 4": MeanOf(draw, 4),
        "regression mean": RegressionMean(model),
        "grey replica": grey_replica,
    }
    made = {k: Direct(m, seed=seed).versions(picture.y, picture.keys) for k, m in methods.items()}
    return {"truth": picture.truth[0], **{k: x[0, 0] for k, x in made.items()}}


def screen_figure(pictures: dict, trial) -> Figure:
    """What an observer sees: the versions behind letters."""
    fig, axes = panels(1, len(trial.methods), 1.6, 1.9)
    for axis, label, method in zip(axes, LABELS, trial.methods, strict=False):
        axis.imshow(to_array(pictures[trial.picture][method]), interpolation="nearest")
        axis.set_title(label, fontsize=10)
        axis.set_axis_off()
    return fig


# -- SIMULATED rooms: tests of the machinery -----------------------------------------------------

STAND_INS = tuple(f"method {k}" for k in range(1, 6))  # no colorizer's name beside made-up votes
POINTS = np.array(  # (methods, indicators): what the average simulated observer gives
    [[82.0, 84, 86], [74, 70, 78], [62, 71, 75], [59, 68, 72], [14, 52, 79]]
)
BANNER = "SIMULATED observers: a test of the machinery, no result"


def room(pictures: int, seed: int) -> Room:
    """A simulated room for the five stand-ins; methods 3 and 4 are three points apart."""
    return Room(POINTS, pictures, seed=seed)


def result_figure(result: dict, simulated: bool, truth=None) -> Figure:
    """Means with 95 % bars, a panel a column; black dashes: the known truth of a simulation."""
    fig, axes = panels(1, 4, 2.5, 2.9, sharey=True)
    for c, (axis, column) in enumerate(zip(axes, COLUMNS, strict=True)):
        for m, (name, row) in enumerate(result.items()):
            mean, low, high = row[column]
            style = dict(color=LINES[0]["color"], marker="o", capsize=3, linestyle="none")
            axis.errorbar([m], [mean], yerr=[[max(0, mean - low)], [max(0, high - mean)]], **style)
            if truth is not None:
                axis.plot([m - 0.3, m + 0.3], [truth[m, c]] * 2, "k--", linewidth=1.5)
        axis.set_title(column, fontsize=9)
        axis.set_xticks(range(len(result)), list(result), rotation=60, fontsize=8)
        axis.grid(axis="y", color="0.9")
    axes[0].set(ylabel="points", ylim=(0, 102))
    fig.suptitle(BANNER if simulated else "votes of people", fontsize=10)
    return fig


def power_figure(crowds, power: dict, parts: Components) -> Figure:
    """Power to see three points against the number of people: dots simulated, lines by (d).

    ``power``: pictures a person -> one share for each of ``crowds``.
    """
    fig, axis = panels(1, 1, 5.6, 3.2)
    many, z = np.geomspace(min(crowds), max(crowds), 60), NormalDist()
    for k, (pictures, shares) in enumerate(power.items()):
        error = (parts.observer + parts.rest / pictures) ** 0.5
        people = np.maximum(many - z.inv_cdf(0.975) ** 2 / 2, 0)  # Guenther's term, turned round
        formula = [z.cdf(3 * n**0.5 / error - z.inv_cdf(0.975)) for n in people]
        axis.plot(many, formula, **line(k), label=f"pictures a person: {pictures}")
        axis.plot(crowds, shares, "os^"[k], color=line(k)["color"], markersize=5)
    axis.axhline(0.8, color="0.6", linewidth=0.8)
    axis.set(xscale="log", xlabel="people", ylabel="rooms that see 3 points", ylim=(0, 1.02))
    axis.set_xticks(crowds, [str(n) for n in crowds])
    axis.minorticks_off()
    axis.legend(fontsize=8)
    axis.set_title("SIMULATED observers; lines: formula, dots: simulation", fontsize=9)
    return fig


def text_table(result: dict, simulated: bool) -> str:
    """Table II of a study of ours: method by indicator, points with their 95 % interval."""
    lines = [BANNER if simulated else "votes of people"]
    lines.append(f"{'':16s}" + "".join(f"{c:>22s}" for c in COLUMNS))
    for name, row in result.items():
        cells = (f"{m:.1f} ({a:.1f} to {b:.1f})" for m, a, b in (row[c] for c in COLUMNS))
        lines.append(f"{name:16s}" + "".join(f"{c:>22s}" for c in cells))
    return "\n".join(lines)
