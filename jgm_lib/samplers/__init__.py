"""Samplers: one function an algorithm, each a generator of states.

All take ``model`` (anything with ``denoise(X, sigma, sigma_y=None)``, ``channels`` 9 or 3 and
``gradient_scale``), the grey picture ``y`` (B,1,H,W) in [0,1], the graying weights ``f`` (3,) and
``noise`` (``SeededNoise`` with one seed a batch row); then, by name, the fields of their own class in
``jgm_lib.settings``, which has the defaults and the limits. They yield a ``State`` after each step; the
last one's picture is projected onto F x = y and fitted into [0,1]. Stop by not asking for the next
state. Call them inside ``torch.no_grad()``. Bad settings raise JGMError before the first step.
"""

from ..constraint import (
    finish,
    fit_gamut,
    gray_groups,
    known_luma,
    lift_groups,
    project,
    to_picture,
)
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
    "SAMPLERS",
    "SOLVERS",
    "State",
    "consistent_step",
    "finish",
    "fit_gamut",
    "gray_groups",
    "known_luma",
    "langevin",
    "langevin_step",
    "lift_groups",
    "nullspace",
    "predictor_corrector",
    "project",
    "split",
    "step_to",
    "to_picture",
]
