"""The Frechet distance of two sets of pictures, on the features of a small classifier.

Two Gaussians are fitted to the features (Heusel et al. 2017, there of a network this project does
not have; so the numbers compare with each other only). With n pictures and m features it is too
large by about m/n of the spread: only rows of equal n may stand in one table.
"""

import numpy as np
import torch

from . import checkpoints
from .errors import JGMError

CLASSIFIER = "classifier-64"


def frechet(a, b) -> float:
    """Frechet distance |m_a - m_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2) of features (n,m), float64.

    m and A, B are means and covariances (divisor n - 1). At least 0, and 0 for equal sets. Raises
    JGMError unless both are (n,m) with n >= 2, finite, and of the same m and n.
    """
    return _of_moments(*_moments(*_checked(a, b)))


def frechet_interval(a, b, seed: int = 0, resamples: int = 200) -> tuple[float, float, float]:
    """``frechet`` of features (n,m) of the same n pictures, and its bootstrap 95 % interval.

    Pictures are resampled, a and b alike. A resample repeats pictures and so lies farther off: the
    interval is moved by what the mean of the resamples is above the value. Raises JGMError.
    """
    a, b = _checked(a, b)
    rng, value = np.random.default_rng(seed), frechet(a, b)
    picks = (rng.integers(len(a), size=len(a)) for _ in range(resamples))
    found = np.array([_of_moments(*_moments(a[p], b[p])) for p in picks])
    low, high = np.quantile(found, (0.025, 0.975)) - (found.mean() - value)
    return value, max(0.0, float(low)), float(high)


def _checked(a, b) -> tuple[np.ndarray, np.ndarray]:
    a, b = (np.asarray(v, dtype=np.float64) for v in (a, b))
    if a.ndim != 2 or a.shape != b.shape or len(a) < 2:
        raise JGMError(
            f"features of shapes {a.shape} and {b.shape}: need two (n,m) alike, n at least 2"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise JGMError("features hold values that are not finite")
    return a, b


def _moments(a, b):
    cov_a, cov_b = (np.atleast_2d(np.cov(v, rowvar=False)) for v in (a, b))
    return a.mean(0), cov_a, b.mean(0), cov_b


def _of_moments(mean_a, cov_a, mean_b, cov_b) -> float:
    values, vectors = np.linalg.eigh(cov_a)
    half = (vectors * np.sqrt(values.clip(0))) @ vectors.T  # symmetric: A^1/2
    cross = np.sqrt(np.linalg.eigvalsh(half @ cov_b @ half).clip(0)).sum()
    gap = np.square(mean_a - mean_b).sum()
    return float(max(0.0, gap + np.trace(cov_a) + np.trace(cov_b) - 2 * cross))


# -- the features ------------------------------------------------------------------------------


def load_classifier(name_or_path=CLASSIFIER):
    """The classifier by bundled name or path. Raises JGMError, also for weights of another kind."""
    model, card = checkpoints.load(name_or_path)
    if not hasattr(model, "classes"):
        raise JGMError(f"{name_or_path}: a {card['network']}, no classifier")
    return model, card


@torch.no_grad()
def features_of(model, x: torch.Tensor, batch: int = 64) -> np.ndarray:
    """Features (n,m) of pictures (n,3,H,W) in [0,1], float64."""
    parts = [model.features(p) for p in x.float().split(batch)]
    return torch.cat(parts).double().numpy()


@torch.no_grad()
def accuracy(model, x: torch.Tensor, labels, batch: int = 64) -> float:
    """Share of the pictures (n,3,H,W) that are put in their class, ``labels`` (n,) into classes."""
    found = torch.cat([model(p).argmax(1) for p in x.float().split(batch)])
    return float((found == torch.as_tensor(labels)).double().mean())
