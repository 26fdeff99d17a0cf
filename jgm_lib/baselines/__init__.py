"""Compared methods behind one interface: ``method(gray (B,1,H,W), seed) -> rgb (B,3,H,W)``.

``gray`` is F x with F the mean of R, G, B (Eq 18), in [0,1]. ``seed``: a list of one seed a row, or
a number, for which row b is version b of it (``noise.version_seed``); a deterministic method ignores
it. ``nfe`` are the network evaluations of the last call, ``draws`` tells whether the seed matters.
What the project's samplers return obeys F x = y; a method that works in CIELAB does not, see
``in_lab``. ``experiments`` draws and scores any of them.
"""

from dataclasses import dataclass, field

import torch

from ..errors import JGMError
from ..lab import lab_to_rgb, lightness, rgb_to_lab
from ..noise import SeededNoise, mix_seed, picture_key, version_seed, version_seeds
from ..operators import gray_weights
from ..samplers import SAMPLERS, Observation
from ..settings import SplitSettings, compared

F = gray_weights("mean")


def check_gray(y) -> torch.Tensor:
    """(B,1,H,W) floats in [0,1], else JGMError."""
    if not torch.is_tensor(y) or y.ndim != 4 or y.shape[1] != 1 or not y.is_floating_point():
        raise JGMError("gray: need a float tensor (B,1,H,W)")
    if not bool(((y >= 0) & (y <= 1)).all()):
        raise JGMError("gray: need values in [0,1]")
    return y


def row_seeds(seed: int | list[int], rows: int) -> list[int]:
    """One seed a row: those given, or the versions 0, 1, ... of one number."""
    return version_seeds(seed, rows) if isinstance(seed, int) else list(seed)


def grey_replica(gray, seed: int = 0):
    """The grey picture in all three channels: the bar that every method must clear."""
    return check_gray(gray).expand(-1, 3, -1, -1).clone()


grey_replica.nfe, grey_replica.draws = 0, False


@dataclass
class Sampled:
    """One draw by a sampler of the project; ``settings`` are the sampler's keyword arguments."""

    model: object
    sampler: str = "split"
    settings: dict = field(default_factory=dict)
    nfe: int = 0
    draws: bool = True

    def __post_init__(self):
        if self.sampler not in SAMPLERS:
            raise JGMError(f"sampler={self.sampler!r} is unknown; choose {', '.join(SAMPLERS)}")

    @torch.no_grad()
    def states(self, gray, seed: int = 0):
        """The sampler's states one after another, for those who want to look on."""
        seen = Observation(check_gray(gray), F)
        noise = SeededNoise(row_seeds(seed, len(gray)))
        for state in SAMPLERS[self.sampler](self.model, seen, noise, **self.settings):
            self.nfe = state.nfe * getattr(self.model, "networks", 1)  # JGM-divide asks two
            yield state

    def __call__(self, gray, seed: int = 0):
        for state in self.states(gray, seed):
            pass
        return state.x


class RegressionMean:
    """E[colour | grey], what a network trained with squared error answers; one evaluation.

    At the largest noise the chroma tells the denoiser nothing, so its answer is the mean over all
    colours the photograph can have: the first estimate of ``split``. What a network still makes of
    that noise is an error; so that pictures do not share it, the photograph itself decides the noise.
    """

    nfe, draws = 1, False

    def __init__(self, model, sigma_max: float = 20.0):
        self.one = Sampled(model, "split", {"steps": 1, "sigma_max": sigma_max})

    def __call__(self, gray, seed: int = 0):
        return self.one(gray, [version_seed(0, 0, grey_key(y)) for y in check_gray(gray)])


def grey_key(gray) -> int:
    """``picture_key`` of a grey picture (1,H,W) in [0,1], of its 8-bit pixels."""
    return picture_key((gray * 255).round().byte().cpu().numpy())


class MeanOf:
    """The mean of ``k`` calls with different seeds: safe and pale."""

    draws = True

    def __init__(self, method, k: int):
        self.method, self.k = method, k

    @property
    def nfe(self) -> int:
        return self.k * self.method.nfe

    def __call__(self, gray, seed: int = 0):
        seeds = row_seeds(seed, len(gray))
        calls = (self.method(gray, [mix_seed(s, v, 1) for s in seeds]) for v in range(self.k))
        return sum(calls) / self.k


def finish(x, gray):
    """The nearest colours with F x = y, then fitted into [0,1]: (B,3,H,W)."""
    return Observation(check_gray(gray), F.to(x)).finish(x)


def in_lab(x, gray):
    """The same a and b with the lightness L* of the grey picture, as methods in CIELAB return it.

    x (B,3,H,W) and gray (B,1,H,W) in [0,1] -> (B,3,H,W), clipped to what a screen shows. The mean
    of R, G and B is not what L* keeps, so F x = y is lost: ``finish`` gives it back.
    """
    lab = rgb_to_lab(x.double().clamp(0, 1))
    return lab_to_rgb(torch.cat([lightness(gray.double()), lab[:, 1:]], dim=1)).to(x)


def residual(x, gray) -> float:
    """RMS |F x - y|."""
    return Observation(gray, F).residual(x)


def methods(model, steps: int = SplitSettings.steps, langevin: dict | None = None) -> dict:
    """What is there so far: the grey replica, the regression mean and the project's samplers.

    ``steps`` noise levels of the fast samplers (predictor_corrector takes half, with one
    correction each); ``langevin`` settings of Algorithm 1.
    """
    samplers = {
        "split": {"steps": steps},
        "nullspace": {"steps": steps},
        "predictor_corrector": {"steps": (steps + 1) // 2, "corrections": 1},
        "langevin": langevin or {},
    }
    return {
        "grey replica": grey_replica,
        "regression mean": RegressionMean(model),
        **{name: Sampled(model, name, compared(name, **own)) for name, own in samplers.items()},
    }
