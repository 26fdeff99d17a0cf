"""The paper's network, narrow (ngf 16), trained for some minutes on ToyScenes: is it a prior?

    python -m benchmarks.refinenet [--minutes 5] [--json FILE]

Trains with Eq 9 over ten discrete levels, samples by Algorithm 1, and compares Delta E 2000 with the
grey replica on 16 unseen scenes (medians and quartiles over the scenes).
"""

import tempfile
import time

import torch

from jgm_lib.data.toy import ToyScenes
from jgm_lib.evaluate import score
from jgm_lib.noise import SeededNoise, mix_seed
from jgm_lib.operators import gray, gray_weights
from jgm_lib.params import TrainCard
from jgm_lib.runs import start
from jgm_lib.samplers import langevin
from jgm_lib.training import fit

from .common import parser_of, report, row

CARD = TrainCard(
    name="refinenet-toy",
    network="refinenet",
    settings={"ngf": 16},
    size=32,
    steps=10**6,
    batch=8,
    optimizer="adam",
    lr=1e-3,
    schedule="constant",
    warmup=20,
)
SAMPLING = dict(epsilon=3.1e-5, feedback="none", beta=0.25, lam=1.0)
UNITS = {"delta_e": "CIEDE2000", "psnr": "dB"}


def train(minutes: float):
    """The averaged network after ``minutes`` and the number of steps."""
    model, batches, _ = start(CARD)
    end = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as run:
        for progress in fit(model, batches, CARD, run, save_every=10**6):
            if time.monotonic() > end:
                break
    model.load_state_dict(progress.ema)
    return model.eval(), progress.step


@torch.no_grad()
def compare(model, n: int = 16, **settings) -> list[dict]:
    """Colourings of n unseen scenes by Algorithm 1 beside their grey replicas."""
    truth = ToyScenes(32).sample(n, seed=10**6).images
    f = gray_weights()
    y = gray(truth, f)
    noise = SeededNoise([mix_seed(0, i) for i in range(n)])
    for state in langevin(model, y, f, noise, **settings):
        pass
    ours, grey = score(state.x, truth, y, f), score(y.expand_as(truth), truth, y, f)
    rows = [row("network evaluations a scene", state.nfe, "NFE")]
    for metric, unit in UNITS.items():
        rows.append(row(f"narrow RefineNet, {metric}", ours[metric], unit))
        rows.append(row(f"grey replica, {metric}", grey[metric], unit))
    return rows


def measure(minutes: float = 5, **settings) -> list[dict]:
    """Train, then compare; ``settings`` of Algorithm 1 beside SAMPLING."""
    model, steps = train(minutes)
    trained = [row("training", minutes, "minutes"), row("training", steps, "steps")]
    return trained + compare(model, **{**SAMPLING, **settings})


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    args = parser.parse_args()
    report(measure(args.minutes), args.json)


if __name__ == "__main__":
    main()
