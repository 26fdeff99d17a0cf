"""Laboratory equipment for the samplers: exact priors as models, and noise under full control."""

from collections import deque

import numpy as np
import torch

from jgm_lib.constraint import Observation
from jgm_lib.score import GaussianDenoiser


def model_of(prior):
    """The library's exact denoiser of a dense prior."""
    lab = prior.lab
    mean = torch.tensor(prior.mean_X).view(lab.channels, lab.H, lab.W)
    return GaussianDenoiser(mean, torch.tensor(prior.cov_X), gradient_scale=lab.scale)


def grey_tensor(lab, y, rows):
    return torch.tensor(y).view(1, 1, lab.H, lab.W).expand(rows, -1, -1, -1)


class Told(Observation):
    """What is known of a state, given as it is: y (B,G,H,W) of no photograph."""

    Y = property(lambda self: self.y)


class Script:
    """Plays a table of numbers, one block a draw: row b of ``table`` is all the noise of row b."""

    def __init__(self, table):
        self.table, self.kinds, self.at = table, [], 0

    def _next(self, like, kind):
        n = like[0].numel()
        block = self.table[:, self.at : self.at + n]
        self.at += n
        self.kinds += [kind] * n
        return block.reshape(like.shape).to(like.dtype)

    def normal(self, like):
        return self._next(like, "normal")

    def uniform(self, like):
        return self._next(like, "uniform")


class Count:
    """Draws zeros and counts them: how much noise a run consumes."""

    def __init__(self):
        self.blocks = []

    def normal(self, like):
        self.blocks.append(like[0].numel())
        return torch.zeros_like(like)

    uniform = normal


class Batch:
    """Fast seeded noise for many rows at once, when a row alone is not the question."""

    def __init__(self, seed):
        self.g = torch.Generator().manual_seed(seed)

    def normal(self, like):
        return torch.randn(like.shape, generator=self.g, dtype=like.dtype)

    def uniform(self, like):
        return torch.rand(like.shape, generator=self.g, dtype=like.dtype)


def last(states):
    return deque(states, maxlen=1)[0]


def play(sampler, prior, y, f, table, **settings):
    """Run a sampler on scripted noise (B,N); the last state, as it left the sampler."""
    noise = Script(table)
    seen = Observation(grey_tensor(prior.lab, y, len(table)), f)
    state = last(sampler(model_of(prior), seen, noise, **settings))
    assert noise.at == table.shape[1], "the run consumed another amount of noise"
    return state, noise.kinds


def amount_of_noise(sampler, prior, y, f, **settings):
    """The sizes of all noise blocks a run draws, in order."""
    count = Count()
    seen = Observation(grey_tensor(prior.lab, y, 1), f)
    last(sampler(model_of(prior), seen, count, **settings))
    return count.blocks


def affine_map(sampler, prior, y, f, **settings):
    """(A, b, kinds): the last X of a run is A n + b for its noise n. Found by playing zero noise
    and every unit vector, all in one batch."""
    N = sum(amount_of_noise(sampler, prior, y, f, **settings))
    table = torch.cat([torch.zeros(1, N), torch.eye(N)]).double()
    state, kinds = play(sampler, prior, y, f, table, **settings)
    X = state.X.flatten(1).numpy()
    return (X[1:] - X[0]).T, X[0], np.array(kinds)


def map_moments(A, b, kinds):
    """Mean and covariance of A n + b: uniform numbers have mean 1/2 and variance 1/12."""
    uniform = kinds == "uniform"
    return b + A @ (uniform / 2), A @ (np.where(uniform, 1 / 12, 1.0)[:, None] * A.T)


def relative(a, b):
    """Frobenius distance of two arrays in units of the second."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


class Still:
    """Noise that is none."""

    def normal(self, like):
        return torch.zeros_like(like)

    uniform = normal
