"""The answer key of ToyScenes: how colourings of landscapes are painted, draw by draw."""

from dataclasses import dataclass

import numpy as np
import torch

from ..data.toy import PALETTE, admissible_share, mode_of, visible

OPEN = tuple(name for name, modes in PALETTE.items() if len(modes) > 1)  # the grey leaves a choice
MIXED = "mixed"  # in no mode by more than half


@dataclass(frozen=True)
class Answers:
    """Of N landscapes, K draws each. ``admissible`` (N,): share of the judged pixels in a colour
    that their object can have; ``in_between`` (N,): share of the open objects that are mixed, NaN
    where a landscape shows none; ``modes``: object -> mode -> share of the draws."""

    admissible: np.ndarray
    in_between: np.ndarray
    modes: dict[str, dict[str, float]]

    @property
    def mode_gap(self) -> float:
        """Total variation between drawn and true shares of the modes, mean over objects: 0 to 1."""
        gaps = [
            sum(abs(drawn[m.name] - m.probability) for m in PALETTE[name]) + drawn[MIXED]
            for name, drawn in self.modes.items()
        ]
        return float(np.mean(gaps) / 2)


def answers(samples: torch.Tensor, labels: torch.Tensor) -> Answers:
    """What draws (N,K,3,S,S) of landscapes with labels (N,S,S) are painted like."""
    n, k = samples.shape[:2]
    flat, each = samples.flatten(0, 1), labels.repeat_interleave(k, 0)
    share = admissible_share(flat, each, per="pixel").view(n, k).mean(1)
    mixed, modes = np.full((len(OPEN), n), np.nan), {}
    for row, name in zip(mixed, OPEN, strict=True):
        seen = visible(labels, name).cpu().numpy()
        found = mode_of(flat, each, name).view(n, k).numpy()[seen]  # (seen,K)
        row[seen] = (found < 0).mean(1)
        if len(found):
            own = {m.name: float((found == i).mean()) for i, m in enumerate(PALETTE[name])}
            modes[name] = {**own, MIXED: float((found < 0).mean())}
    return Answers(share.numpy(), _mean_of_known(mixed), modes)


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """(m,n) -> (n,): the mean of the numbers of each column, NaN where there is none."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(0)
    return np.where(known.any(0), total / known.sum(0).clip(1), np.nan)
