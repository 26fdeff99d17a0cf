"""Edge overflow in tables: always beside the truth's own, on the same pictures."""

import numpy as np

from ..metrics import bootstrap_interval
from ..overflow import edge_overflow
from .sources import Pictures


def excess(x, pictures: Pictures) -> np.ndarray:
    """Edge overflow of colourings x (N,3,S,S) minus that of the truth, (N,); NaN where one of the
    two has no colour edge."""
    return edge_overflow(x, pictures.y) - edge_overflow(pictures.truth, pictures.y)


def mean_excess(values, seed: int = 0) -> dict:
    """Values (N,) of ``excess`` -> {"overflow": [mean, low, high], "overflow_n": pictures that have
    one}; None for three numbers where none has."""
    known = np.asarray(values)[~np.isnan(values)]
    if not len(known):
        return {"overflow": None, "overflow_n": 0}
    three = [float(known.mean()), *bootstrap_interval(known, seed=seed)]
    return {"overflow": three, "overflow_n": len(known)}
