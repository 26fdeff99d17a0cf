"""The paper's protocol: what PSNR gains where the truth chooses the step and the run."""

import numpy as np
import torch

from ..metrics import bootstrap_interval, paired_difference, psnr
from ..noise import version_seed
from .methods import Through, reduced
from .sources import Pictures


def protocol(method: Through, pictures: Pictures, runs: int, seed: int = 0) -> list[dict]:
    """Rows of PSNR at the prior's size: one run's last step (mean over the runs), the best of the
    runs, of the steps, and of both, each with what it is above the first: [mean, low, high]."""
    last, best = zip(*(run_of(method, pictures, seed, k) for k in range(runs)), strict=True)
    last, best = np.array(last), np.array(best)  # (runs,N) each
    columns = {
        "last step, one run": last.mean(0),
        f"last step, best of {runs} runs": last.max(0),
        "best step, one run": best.mean(0),
        f"best of all steps and {runs} runs": best.max(0),
    }
    honest = last.mean(0)
    return [
        {
            "column": name,
            "psnr": [float(v.mean()), *bootstrap_interval(v, seed=seed)],
            "above": [*paired_difference(v, honest, seed)],
        }
        for name, v in columns.items()
    ]


@torch.no_grad()
def run_of(method: Through, pictures: Pictures, seed: int, version: int):
    """One run on all pictures: PSNR of its last step and of its best, (N,) each."""
    side = method.colorizer.side
    sampled = method.make(method.colorizer.seeing(pictures.y, side, side))
    y, truth = (reduced(p, side) for p in (pictures.y, pictures.truth))
    seeds = [version_seed(seed, version, key) for key in pictures.keys]
    best = np.full(len(truth), -np.inf)
    for state in sampled.states(y.to(method.colorizer.device), seeds):
        last = psnr(state.x.float().cpu().clamp(0, 1), truth)
        best = np.maximum(best, last)
    return last, best
