"""How many of an object's modes K draws show, and how often each: landscapes, where both are known."""

import numpy as np
import torch

from ..data.toy import PALETTE, ToyScenes, mode_of, visible
from ..metrics import bootstrap_interval
from ..study import share_interval
from .answers import MIXED, OPEN


def landscapes(size: int, n: int, first: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Landscapes of the seeds first, first + 1, ...: pictures (n,3,S,S) and labels (n,S,S)."""
    scenes = [ToyScenes(size).sample(1, first + i) for i in range(n)]
    return torch.cat([s.images for s in scenes]), torch.cat([s.labels for s in scenes])


def exact_draws(size: int, n: int, K: int, first: int, seed: int) -> torch.Tensor:
    """The same landscapes with their modes drawn anew, K times each (n,K,3,S,S): the exact
    p(colour | grey), for the modes do not show in the grey."""
    rng, scenes = np.random.default_rng(seed), ToyScenes(size)
    return torch.stack(
        [
            torch.cat([scenes.sample(1, first + i, modes=any_modes(rng)).images for _ in range(K)])
            for i in range(n)
        ]
    )


def any_modes(rng) -> dict[str, int]:
    """A mode for each open object as the palette has it; the lake mirrors the sky."""
    return {
        name: int(rng.choice(len(PALETTE[name]), p=[m.probability for m in PALETTE[name]]))
        for name in OPEN
        if name != "lake"
    }


def painted(samples: torch.Tensor, labels: torch.Tensor, name: str) -> np.ndarray:
    """The modes (N,K) in which an object is painted in draws (N,K,3,S,S); -1 where mixed, -2 in
    landscapes that do not show it."""
    n, K = samples.shape[:2]
    found = mode_of(samples.flatten(0, 1), labels.repeat_interleave(K, 0), name).view(n, K)
    found[~visible(labels, name).cpu()] = -2
    return found.numpy()


def seen_share(found: np.ndarray, modes: int) -> np.ndarray:
    """Modes (N,K) of ``painted`` -> the share of an object's modes among the K draws (N,), NaN for
    landscapes that do not show it."""
    share = np.mean([(found == k).any(1) for k in range(modes)], axis=0)
    return np.where(found[:, 0] == -2, np.nan, share)


def expected_share(probabilities, K: int) -> float:
    """The share of modes that K exact draws show on average: the mean of 1 - (1 - p)^K."""
    return float(np.mean([1 - (1 - p) ** K for p in probabilities]))


def coverage(samples: torch.Tensor, labels: torch.Tensor, seed: int = 0) -> tuple[dict, np.ndarray]:
    """Object -> its row of ``object_row``, and the share of modes seen (N,), the mean over the open
    objects that a landscape shows (NaN without one)."""
    rows, shares = {}, []
    for name in OPEN:
        found = painted(samples, labels, name)
        share = seen_share(found, len(PALETTE[name]))
        shares.append(share)
        if not np.isnan(share).all():
            rows[name] = object_row(name, found[found[:, 0] != -2], share, seed)
    known = ~np.isnan(shares)
    total = np.where(known, shares, 0).sum(0) / np.maximum(known.sum(0), 1)
    return rows, np.where(known.any(0), total, np.nan)


def object_row(name: str, found: np.ndarray, share: np.ndarray, seed: int) -> dict:
    """Of one object in the landscapes that show it: "seen" [mean, low, high] and what exact draws
    would show ("expected"); "modes": name -> [share of the draws, low, high], mixed ones last."""
    modes, K = PALETTE[name], found.shape[1]
    known = share[~np.isnan(share)]
    weights = {}
    for k, label in [*enumerate(m.name for m in modes), (-1, MIXED)]:
        each = (found == k).mean(1)
        weights[label] = [float(each.mean()), *scene_interval(each, found.size, seed)]
    seen = [float(known.mean()), *bootstrap_interval(known, seed=seed)]
    expected = expected_share([m.probability for m in modes], K)
    return {"n": len(found), "seen": seen, "expected": expected, "modes": weights}


def scene_interval(each, draws: int, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean of shares a landscape, ``draws`` in all: the wider of two.

    Draws of one landscape are no independent witnesses, so it is a bootstrap over landscapes. Where
    all landscapes agree, as at 0, that has no width, and Wilson's interval of the draws holds.
    """
    boot = bootstrap_interval(each, seed=seed)
    low, high = share_interval(float(np.mean(each)), draws)
    return min(boot[0], float(low)), max(boot[1], float(high))
