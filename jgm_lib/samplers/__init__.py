"""Samplers: one function an algorithm, each a generator of states.

All take ``model`` (anything with ``denoise(X, sigma, sigma_y=None)`` and a ``domain``), the photograph
``seen`` (an ``Observation`` of grey y (B,1,H,W) in [0,1] and graying weights f (3,)) and ``noise``
(``SeededNoise`` with one seed a batch row); then, by name, the fields of their own class in
``jgm_lib.settings``, which has the defaults and the limits. They yield a ``State`` after each step; the
last one's picture is projected onto F x = y and fitted into [0,1]. Stop by not asking for the next
state. Call them inside ``torch.no_grad()``. Bad settings raise JGMError before the first step.
"""

from ..constraint import Observation
from ..settings import FEEDBACK, SOLVERS
from .algorithm1 import consistent_step, langevin, langevin_step
from .common import State, step_to
from .constrained import nullspace, predictor_corrector
from .split_noise import split

SAMPLERS = {
    "split": split,
    "nullspace": nullspace,
    "langevin": langevin,
    "predictor_corrector": predictor_corrector,
}

__all__ = [
    "FEEDBACK",
    "Observation",
    "SAMPLERS",
    "SOLVERS",
    "State",
    "consistent_step",
    "langevin",
    "langevin_step",
    "nullspace",
    "predictor_corrector",
    "split",
    "step_to",
]
