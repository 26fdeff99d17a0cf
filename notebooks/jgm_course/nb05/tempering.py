"""Lesson 05, "Well tempered": Algorithm 1 by presets beside the truth and the split sampler."""

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure

from jgm_lib.constraint import Observation
from jgm_lib.domain import Joint
from jgm_lib.figures import picture_row
from jgm_lib.ladder import share_of, variance_after
from jgm_lib.metrics import colourfulness, psnr
from jgm_lib.noise import SeededNoise
from jgm_lib.operators import gray_weights
from jgm_lib.params import ColorizeCard
from jgm_lib.samplers import presets
from jgm_lib.widgets import engine


def run_of(card: ColorizeCard, photo, **settings) -> tuple[torch.Tensor, int]:
    """One version of ``photo`` at the prior's size (3,h,w) and its evaluations; ``settings`` are
    fields of ColorizeCard over the card's."""
    plain = engine.plain(card.model_copy(update={"n": 1, **settings}))
    done = engine.run(plain, engine.subject(plain, photo))
    return done.x[0], done.trace[-1]["nfe"]


def tempered_pictures(card: ColorizeCard, photo, reel, nfe: int) -> dict[str, torch.Tensor]:
    """Title -> picture (3,h,w): grey, truth, the lesson's run of Algorithm 1, tempered, split."""
    what = engine.subject(card, photo)
    tempered, used = run_of(card, photo, **presets.tempered(nfe))
    split, few = run_of(card, photo, sampler="split")
    return {
        "grey": what.y_small.expand(3, -1, -1),
        "truth": what.truth,
        f"Algorithm 1 above, {len(reel.trace)} NFE": reel.pictures[-1],
        f"well tempered, {used} NFE": tempered,
        f"split, {few} NFE": split,
    }


def tempered_figure(pictures: dict[str, torch.Tensor]) -> Figure:
    """The pictures in a row; PSNR against the truth and colourfulness under their names."""
    truth, titles = pictures["truth"], []
    for name, x in pictures.items():
        title = f"{name}\nC {float(colourfulness(x[None].clamp(0, 1))[0]):.0f}"
        if name != "truth":
            title += f", {float(psnr(x[None], truth[None])[0]):.1f} dB"
        titles.append(title)
    shown = [np.asarray(x.clamp(0, 1).movedim(0, -1)) for x in pictures.values()]
    fig = picture_row(shown, titles, height=1.6)
    fig.set_size_inches(fig.get_figwidth(), fig.get_figheight() + 0.45)  # titles have two lines
    return fig


def level_ends(T: int, epsilon: float, sigma_L: float, ratio: float) -> float:
    """sigma_i at the end of a level, as a share of what it should be (Technique 4's square root)."""
    return variance_after(T, share_of(epsilon, sigma_L), ratio) ** 0.5


@dataclass(frozen=True)
class Case:
    """A small problem to compare two implementations of a step on."""

    X: torch.Tensor  # (1,9,4,5)
    seen: Observation  # of a photograph (1,1,4,5), told of X
    seed: int

    def denoise(self, X, sigma):
        """Some denoiser: half way to a flat grey."""
        return 0.5 * X + 0.25

    def estimate(self, X, sigma):
        """The same with the photograph put in, as the sampler hands it to its step."""
        return self.seen.project(self.denoise(X, sigma))

    def noise(self) -> SeededNoise:
        """The same numbers each time."""
        return SeededNoise([self.seed])


def small_case(seed: int) -> Case:
    """A random state and a random photograph under the mean graying."""
    g = torch.Generator().manual_seed(seed)
    X, y = (torch.randn(1, c, 4, 5, generator=g) for c in (9, 1))
    return Case(X, Observation(y, gray_weights("mean")).within(Joint()), seed)
