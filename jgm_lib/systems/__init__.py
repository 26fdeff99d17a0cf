"""Systems that the prior is compared with, trained on the same pictures: grey in, colours out.

Each is the published method in small, by ``networks.build`` and ``jgm train`` like the priors.
They learn p(colour | grey) or a summary of it, for one graying; a prior learns p(picture).
"""

from .. import checkpoints
from ..errors import JGMError
from .base import Conditional, System
from .chromagan import ChromaGan
from .cvae import Cvae
from .memopainter import MemoPainter
from .regression import Regression
from .zhang import Zhang

SYSTEMS = {
    "regression": Regression,
    "zhang": Zhang,
    "cvae": Cvae,
    "chromagan": ChromaGan,
    "memopainter": MemoPainter,
}


def method(name_or_path) -> Conditional:
    """Weights of a system -> ``method(gray, seed) -> rgb`` as ``baselines`` has them. JGMError
    for weights of a prior."""
    model, card = checkpoints.load(name_or_path)
    if not isinstance(model, System):
        raise JGMError(
            f"{str(name_or_path)!r}: weights of {card['network']!r}, a prior; a Colorizer draws "
            f"with it. Systems are {', '.join(SYSTEMS)}"
        )
    return Conditional(model)
