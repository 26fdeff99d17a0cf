"""The paper's network, narrow (ngf 16), trained for some minutes on ToyScenes: is it a prior?

    python -m benchmarks.refinenet [--minutes 5] [--json FILE]

Trains with Eq 9 over ten discrete levels, 1,500 steps or as many as the minutes allow, samples by
Algorithm 1, and compares Delta E 2000 with the grey replica on 16 unseen scenes (medians and
quartiles over the scenes).

The chain starts at the fourth level (sigma 0.22): above it this small network knows too little of
the scene. The start of the last gammas is not the authors', see RefineNet.
"""

import tempfile
import time

from jgm_lib.baselines import Sampled
from jgm_lib.data.toy import ToyScenes
from jgm_lib.experiments import bench
from jgm_lib.experiments.methods import Direct
from jgm_lib.experiments.sources import Pictures
from jgm_lib.networks.refinenet import SIGMAS
from jgm_lib.params import TrainCard
from jgm_lib.training import fit
from jgm_lib.training.runs import start

from .common import parser_of, report, row

CARD = TrainCard(
    name="refinenet-toy",
    network="refinenet",
    settings={"ngf": 16, "scaled_start": True},
    size=32,
    steps=1500,
    batch=8,
    optimizer="adam",
    lr=2e-3,
    decay_share=0.4,
    ema=0.995,
    precision="bf16",
)
SAMPLING = dict(sigma_1=SIGMAS[3], L=7, T=100, epsilon=3.1e-5, lam=4.0, beta=0.25, feedback="none")
UNITS = {"delta_e": "CIEDE2000", "psnr": "dB"}


def train(card: TrainCard = CARD, minutes: float = 5):
    """The averaged network after the card's steps or ``minutes``; steps and minutes taken."""
    model, batches, _ = start(card)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as run:
        for progress in fit(model, batches, card, run, save_every=10**6):
            if time.monotonic() > begin + 60 * minutes:
                break
    model.load_state_dict(progress.ema)
    return model.eval(), progress.step, (time.monotonic() - begin) / 60


def compare(model, n: int = 16, size: int = 32, **settings) -> list[dict]:
    """Colourings of n unseen scenes by Algorithm 1 beside their grey replicas."""
    pictures = Pictures.of_truth(ToyScenes(size).sample(n, seed=10**6).images)
    found = bench.measure(Direct(Sampled(model, "langevin", settings)), pictures, batch=n)
    ours, grey = found.columns["single"].values, bench.grey_scores(pictures).values
    rows = [row("network evaluations a scene", found.nfe, "NFE")]
    for metric, unit in UNITS.items():
        rows.append(row(f"narrow RefineNet, {metric}", ours[metric], unit))
        rows.append(row(f"grey replica, {metric}", grey[metric], unit))
    return rows


def measure(minutes: float = 5, **settings) -> list[dict]:
    """Train, then compare; ``settings`` of Algorithm 1 beside SAMPLING."""
    model, steps, taken = train(minutes=minutes)
    trained = [row("training", taken, "minutes"), row("training", steps, "steps")]
    return trained + compare(model, **{**SAMPLING, **settings})


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    args = parser.parse_args()
    report(measure(args.minutes), args.json)


if __name__ == "__main__":
    main()
