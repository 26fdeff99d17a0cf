"""iGM-6C: colours in two colour spaces at once, in two stages (Zhou et al. 2020, "Progressive Colorization
via Iterative Generative Models", IEEE Signal Processing Letters 27), which JGM grew out of.

Written from its description. Stage 1 colours by a prior of R, G, B; its picture tells stage 2, where
the prior of [R, G, B, Y, Cb, Cr] speaks, what the mean of the six channels should be: the photograph
alone tells nothing of Cb and Cr.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from . import baselines
from .constraint import Observation
from .domain import Intensity, RgbYcbcr
from .errors import JGMError
from .noise import SeededNoise, sigma_ladder, step_sizes
from .samplers import State, langevin
from .samplers.common import check_finite, state


@dataclass(frozen=True)
class IgmSettings:
    """Of both stages, as the authors' code has them for bedrooms; for churches ``step_2`` is 6e-6 and
    ``weight`` 1.5. Their step s is half of Algorithm 1's alpha."""

    T_1: int = 60  # steps a level of stage 1
    T_2: int = 100  # of stage 2
    step_1: float = 3e-6  # s at the last level, intensity^2
    step_2: float = 1.2e-5
    weight: float = 0.1  # w, of stage 1's picture in stage 2
    sigma_1: float = 1.0  # first noise level, intensity
    sigma_L: float = 0.01  # last noise level
    L: int = 10  # noise levels

    def __post_init__(self):
        if min(self.T_1, self.T_2) < 1 or min(self.step_1, self.step_2) <= 0 or self.weight < 0:
            raise JGMError(f"{self}: need T_1, T_2 >= 1, steps > 0, weight >= 0")
        pull = (1 + self.weight) * self.step_2 / self.sigma_L**2
        if not pull + self.step_2 / self.sigma_L**2 < 2:
            raise JGMError(
                f"step_2={self.step_2}, weight={self.weight}: diverges, take smaller ones"
            )

    def of_stage_1(self) -> dict:
        """The settings of ``langevin``; their consistency term has the weight 1."""
        levels = dict(sigma_1=self.sigma_1, sigma_L=self.sigma_L, L=self.L, T=self.T_1)
        return {**levels, "epsilon": 2 * self.step_1, "lam": 1.0, "feedback": "none"}


class Igm:
    """A method of ``baselines``: ``method(gray, seed) -> rgb``.

    ``intensity``: prior of R, G, B; ``colours``: prior of the domain "rgb-ycbcr". A version takes
    L (T_1 + 2 T_2) evaluations. Raises JGMError for priors in other domains or bad settings.
    """

    draws = True

    def __init__(self, intensity, colours, **settings):
        if (type(intensity.domain), type(colours.domain)) != (Intensity, RgbYcbcr):
            raise JGMError(
                f"priors of {intensity.domain.name} and {colours.domain.name}: iGM-6C needs "
                "intensity (3 channels) and rgb-ycbcr (6)"
            )
        self.intensity, self.colours = intensity, colours
        self.settings, self.nfe = IgmSettings(**settings), 0

    @torch.no_grad()
    def states(self, gray, seed=0) -> Iterator[State]:
        """The states of both stages one after another."""
        s, y = self.settings, baselines.check_gray(gray)
        seen = Observation(y, baselines.F)
        noise = SeededNoise(baselines.row_seeds(seed, len(y)))
        for first in langevin(self.intensity, seen, noise, **s.of_stage_1()):
            self.nfe = first.nfe
            yield first
        for last in second_stage(self.colours, seen, first.x, noise, s):
            self.nfe = first.nfe + last.nfe
            yield State(**{**vars(last), "step": first.step + last.step, "nfe": self.nfe})

    def __call__(self, gray, seed=0):
        for last in self.states(gray, seed):
            pass
        return last.x


def second_stage(model, seen: Observation, first, noise, settings: IgmSettings) -> Iterator[State]:
    """Stage 2: two chains in six channels about the picture ``first`` (B,3,H,W) of stage 1."""
    s, domain = settings, model.domain
    sigmas = [sigma for sigma in sigma_ladder(s.sigma_1, s.sigma_L, s.L) for _ in range(s.T_2)]
    steps = [alpha / 2 for alpha in step_sizes(sigmas, 2 * s.step_2)]
    wanted = domain.tensor(first).mean(1, keepdim=True)  # (B,1,H,W)
    start = 2 * noise.uniform(seen.within(domain).like) - 1
    chains = (start, start)
    for k, (sigma, step) in enumerate(zip(sigmas, steps, strict=True)):
        X = joint_step(model, chains, seen, wanted, sigma, step, s.weight)
        check_finite(X, X, stage=2, step=k + 1, sigma=f"{sigma:.4g}")
        x = seen.finish(domain.picture(X))
        yield state(X, x, seen, sigma, k + 1, 2 * (k + 1))
        chains = tuple(X + math.sqrt(2 * step) * noise.normal(X) for _ in range(2))


def joint_step(model, chains, seen: Observation, wanted, sigma, step, weight):
    """The mean of two chains (B,6,H,W) after a step: the score, the pull of the mean of all six
    channels to ``wanted`` (B,1,H,W), and that of R, G, B to the photograph."""
    moved = []
    for X in chains:
        X = X + step * (model.denoise(X, sigma) - X) / sigma**2
        X = X - weight * step / sigma**2 * (X.mean(1, keepdim=True) - wanted)
        rgb = X[:, :3] - step / sigma**2 * seen.pull(X[:, :3])
        moved.append(torch.cat([rgb, X[:, 3:]], dim=1))
    return sum(moved) / len(moved)
