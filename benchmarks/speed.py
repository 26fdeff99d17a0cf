"""What costs time: medians with quartiles, every ratio from calls that took turns.

python -m benchmarks.speed [--seconds 3] [--json FILE]
"""

from copy import deepcopy

import torch

from jgm_lib import Colorizer, fusion
from jgm_lib.data import samples
from jgm_lib.networks import build
from jgm_lib.noise import SeededNoise
from jgm_lib.operators import grad, gray_weights
from jgm_lib.samplers import SAMPLERS, Observation

from .common import parser_of, report, row, take_turns

STEPS = {
    "split": dict(steps=6),
    "nullspace": dict(steps=6),
    "predictor_corrector": dict(steps=3),
    "langevin": dict(L=2, T=3),
}


def rand(*shape) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def network(colorizer, budget: float) -> list[dict]:
    """One evaluation of the bundled UNet on 8 pictures of 64 x 64, in three ways."""
    X, last = rand(8, 9, 64, 64), colorizer.model
    plain = deepcopy(last).to(memory_format=torch.contiguous_format)

    def half():
        with torch.autocast("cpu", torch.bfloat16):
            last.denoise(X, 0.5)

    t = take_turns(
        {
            "plain": lambda: plain.denoise(X, 0.5),
            "last": lambda: last.denoise(X, 0.5),
            "half": half,
        },
        budget,
    )
    return [
        row(
            "UNet, one evaluation of a 64 x 64 picture, in batches of 8", 1000 * t["last"] / 8, "ms"
        ),
        row("UNet, contiguous / channels_last memory", t["plain"] / t["last"], "times"),
        row("UNet, bfloat16 / float32", t["half"] / t["last"], "times"),
    ]


def paper_network(colorizer, budget: float) -> list[dict]:
    """The paper's RefineNet against the compact UNet, one picture of 64 x 64."""
    X, level = rand(1, 9, 64, 64), torch.zeros(1, dtype=torch.long)
    refinenet = build("refinenet", ngf=128).eval()
    t = take_turns(
        {"paper": lambda: refinenet(X, level), "unet": lambda: colorizer.model.denoise(X, 0.5)},
        budget,
    )
    return [row("the paper's RefineNet / UNet, a 64 x 64 picture", t["paper"] / t["unet"], "times")]


def samplers(colorizer, budget: float) -> list[dict]:
    """What a sampler adds to its network evaluations, on 4 pictures of 64 x 64."""
    y, nfe = rand(4, 1, 64, 64), {}
    seen = Observation(y, gray_weights())
    X = y.expand(-1, 9, -1, -1).contiguous()

    def run(name: str) -> None:
        noise = SeededNoise(range(4))
        for state in SAMPLERS[name](colorizer.model, seen, noise, **STEPS[name]):
            nfe[name] = state.nfe

    functions = {name: lambda name=name: run(name) for name in STEPS}
    t = take_turns({"alone": lambda: colorizer.model.denoise(X, 0.5), **functions}, budget)
    return [
        row(
            f"{name}, an evaluation in the sampler / alone",
            t[name] / nfe[name] / t["alone"],
            "times",
        )
        for name in STEPS
    ]


def fusing(colorizer, budget: float) -> list[dict]:
    """Eq 14 on 4 pictures of 256 x 256: cosine against Fourier transform."""
    x = rand(4, 3, 256, 256)
    g = {b: grad(x, b) for b in ("neumann", "periodic")}
    t = take_turns({b: lambda b=b: fusion.fuse(x, *g[b], 5.9, b) for b in g}, budget)
    return [
        row("fusion (Eq 14) of a 256 x 256 picture", 1000 * t["neumann"] / 4, "ms"),
        row("fusion, Neumann / periodic boundary", t["neumann"] / t["periodic"], "times"),
    ]


def photograph(colorizer, budget: float) -> list[dict]:
    """A photograph from grey to four full-size colour versions, as ``jgm colorize`` does it."""
    photo = samples.load("china")
    t = take_turns({"all": lambda: colorizer.colorize(photo, n=4).images}, budget)
    size = f"{photo.width} x {photo.height}"
    return [row(f"a {size} photograph, 4 versions, split in 20 steps", t["all"], "s")]


@torch.no_grad()
def measure(budget: float = 3.0) -> list[dict]:
    """All rows; ``budget`` seconds for each timed function, at least three calls."""
    colorizer = Colorizer.from_pretrained("scenes-64", device="cpu")
    rows = []
    for part in (network, paper_network, samplers, fusing, photograph):
        rows += part(colorizer, budget)
    return rows


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each timed function")
    args = parser.parse_args()
    report(measure(args.seconds), args.json)


if __name__ == "__main__":
    main()
