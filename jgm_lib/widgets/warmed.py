"""Imported by the warm process of the page: everything that a visitor's panel will need, once.

One small colorization runs through, so that what loads late (the prior, the networks that look at the
photograph) is there before the first fork. What stands then is left alone by the garbage collector,
which would otherwise write to every page of memory and so copy it into each fork.
"""

import gc
import os

import torch

torch.set_num_threads(1)  # a fork must not inherit a pool of threads

from ..params import ColorizeCard  # noqa: E402
from . import album, engine, panel  # noqa: E402, F401

WEIGHTS = "JGM_WARM_WEIGHTS"

card = ColorizeCard(weights=os.environ[WEIGHTS], n=1, steps=2)
engine.compute(card, album.open_picture(album.picture_names()[0]))
gc.collect()
gc.freeze()
