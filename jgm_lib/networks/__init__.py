"""Score networks: one convention, ``denoise(X, sigma, sigma_y=None) -> E[X_clean | X]``.

Beside them a classifier of pictures, which has ``classes`` and no ``denoise``.
"""

import inspect

from torch import nn

from ..errors import JGMError
from .classifier import Classifier
from .refinenet import RefineNet
from .unet import UNet

NETWORKS = {"unet": UNet, "refinenet": RefineNet, "classifier": Classifier}


def build(name: str, **settings) -> nn.Module:
    """Build a network by its card name; an unknown name or setting raises JGMError."""
    if name not in NETWORKS:
        raise JGMError(f"network {name!r} is unknown; choose {', '.join(NETWORKS)}")
    known = list(inspect.signature(NETWORKS[name].__init__).parameters)[1:]
    for key in settings:
        if key not in known:
            raise JGMError(f"network {name!r} has no setting {key!r}; it takes {', '.join(known)}")
    return NETWORKS[name](**settings)
