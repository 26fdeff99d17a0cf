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
    """Build a network or a compared system by its card name; an unknown name or setting raises
    JGMError."""
    kind = _kind(name)
    known = list(inspect.signature(kind.__init__).parameters)[1:]
    for key in settings:
        if key not in known:
            raise JGMError(f"network {name!r} has no setting {key!r}; it takes {', '.join(known)}")
    return kind(**settings)


def _kind(name: str) -> type[nn.Module]:
    if name in NETWORKS:
        return NETWORKS[name]
    from ..systems import SYSTEMS  # here, for they are made of this room's blocks

    if name not in SYSTEMS:
        raise JGMError(f"network {name!r} is unknown; choose {', '.join([*NETWORKS, *SYSTEMS])}")
    return SYSTEMS[name]
