"""Settings of the split sampler, compared on the held-out part of the training set.

    python -m benchmarks.tune PACKED [--limit 96] [--n 4] [--weights NAME] [--bf16] [--json FILE]
                                     [--lookahead ...] [--sigma-max ...] [--steps ...]
                                     [--strength ...]

Every setting of the grid draws for the same pictures with the same seeds. The pictures are an
equal number of each class as far as there are so many. A validation set is never tuned on: only a
packed set's held-out pictures are taken.
"""

import itertools
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from jgm_lib import honesty, metrics
from jgm_lib.cli.options import at_least_one
from jgm_lib.colorize import Colorizer
from jgm_lib.errors import JGMError
from jgm_lib.experiments.bench import gather, joined
from jgm_lib.experiments.methods import by_card, enlarged, reduced
from jgm_lib.experiments.sources import Pictures, spread
from jgm_lib.params import DEFAULT_WEIGHTS, ColorizeCard, validate

from .common import answers, parser_of, write_json
from .prior import chroma_errors, in_bf16
from .prior_table import about, plain, span

GRID = {
    "lookahead": (0.3, 0.6, 0.8, 1.0),
    "sigma_max": (40.0, 60.0, 80.0),
    "steps": (12, 20, 30),
    "strength": (1.0,),
}
ONE_TRUTH = {"psnr": metrics.psnr, "delta_e": metrics.ciede2000}
HEAD = (
    "| lookahead | sigma_max | steps | strength | single to grey, dB | mean of {n} to grey, dB | ΔE00 single | "
    "ΔE00 mean | colourfulness single / truth | speckle single / truth | error / promised |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)


def balanced(classes: list[str], limit: int | None) -> np.ndarray:
    """Indices of at most ``limit`` of the pictures, sorted: rounds over the classes, one each,
    until the limit; evenly spread within a class."""
    own = {c: np.flatnonzero(np.array(classes) == c) for c in sorted(set(classes))}
    left = len(classes) if limit is None else min(limit, len(classes))
    take = dict.fromkeys(own, 0)
    while left:
        for c in [c for c in own if take[c] < len(own[c])][:left]:
            take[c] += 1
            left -= 1
    return np.sort(np.concatenate([own[c][spread(len(own[c]), k)] for c, k in take.items()]))


def grid(base: dict, choices: dict) -> list[ColorizeCard]:
    """A card for every combination of ``choices`` (knob -> values). Raises JGMError."""
    every = itertools.product(*choices.values())
    return [
        validate(ColorizeCard, base | dict(zip(choices, values, strict=True))) for values in every
    ]


def measure(colorizer, pictures: Pictures, card: ColorizeCard, batch=4) -> dict:
    """Picture by picture: scores of the single draw, the mean of the draws, grey and truth,
    {"single psnr": (N,), ...}; speckle energies; sums of squared errors and of variances of the
    chroma."""
    total, method = {}, by_card(colorizer, card)
    for part in pictures.parts(batch):
        small = method.small(part.y, part.keys)
        found = scores_of(small, part.truth, part.y)
        gather(total, {"": found | energies_of(small, reduced(part.truth, colorizer.side))})
    return joined(total[""])


def scores_of(small, truth, y) -> dict:
    """{"single psnr": (B,), ...} of draws (B,n,3,s,s) for photographs y (B,1,S,S)."""
    full = enlarged(small, y)
    shown = {"single": full[:, 0], "mean": full.mean(1), "grey": y.expand_as(truth)}
    out = {f"{c} {k}": m(x, truth) for c, x in shown.items() for k, m in ONE_TRUTH.items()}
    shown["truth"] = truth
    return out | {f"{c} colourfulness": metrics.colourfulness(x) for c, x in shown.items()}


def energies_of(small, truth) -> dict:
    """Speckle, and mean squared error and variance of the chroma, (B,) each, at the prior's size."""
    shown = {"single": small[:, 0], "truth": truth}
    out = {f"{c} speckle": metrics.chroma_speckle(x) for c, x in shown.items()}
    pair = zip(("error", "variance"), chroma_errors(small, truth), strict=True)
    return out | {name: values.mean((1, 2, 3)).numpy() for name, values in pair}


def row_of(card: ColorizeCard, found: dict) -> dict:
    """The numbers of one setting, each [mean, low, high], and the values they are made of."""
    row: dict = {k: getattr(card, k) for k in GRID}
    for column in ("single", "mean"):
        for k in ONE_TRUTH:
            pair = found[f"{column} {k}"], found[f"grey {k}"]
            row[f"{column} {k} to grey"] = metrics.paired_difference(*pair)
    for k in ("colourfulness", "speckle"):
        row[f"{k} share"] = metrics.ratio_of_sums(found[f"single {k}"], found[f"truth {k}"])
    row["error ratio"] = honesty.overall_ratio(found["error"], found["variance"], card.n)
    return {**plain(row), "values": plain({k: v.tolist() for k, v in found.items()})}


def line_of(row: dict) -> str:
    """One row of the table, its columns as in HEAD."""
    cells = [f"{row[k]:g}" for k in GRID]
    for k in ("psnr to grey", "delta_e to grey"):
        cells += [span(row[f"{column} {k}"], 2, "+") for column in ("single", "mean")]
    cells += [span(row[f"{k} share"], 3) for k in ("colourfulness", "speckle")]
    cells.append("" if row["error ratio"] is None else f"{row['error ratio']:.3f}")
    return "| " + " | ".join(cells) + " |"


def arguments(argv):
    p = parser_of(__doc__)
    p.add_argument("packed", help="packed set; its held-out pictures are taken")
    p.add_argument("--limit", type=int, default=96, help="pictures in all (default %(default)s)")
    p.add_argument("--n", type=int, default=4, help="draws a picture (default %(default)s)")
    p.add_argument("--weights", default=DEFAULT_WEIGHTS, help="bundled name or file")
    p.add_argument("--bf16", action="store_true", help="the network in bfloat16")
    p.add_argument("--batch", type=int, default=4, help="pictures at a time")
    for name, values in GRID.items():
        kind = type(values[0])
        p.add_argument(f"--{name.replace('_', '-')}", type=kind, nargs="+", default=values)
    return p.parse_args(argv)


def run(options, argv) -> dict:
    """Measure the grid, a printed row each -> what the JSON file holds."""
    at_least_one(options, "limit", "batch")
    if options.n < 2:
        raise JGMError(f"--n {options.n}: need at least 2 draws to compare error and spread")
    if Path(options.packed).is_dir():
        raise JGMError(f"{options.packed}: a folder; settings are tuned on a packed set's holdout")
    cards = grid(
        {"weights": options.weights, "n": options.n}, {k: getattr(options, k) for k in GRID}
    )
    colorizer = Colorizer.from_pretrained(options.weights)
    colorizer = in_bf16(colorizer) if options.bf16 else colorizer
    pictures = Pictures.of(options.packed, colorizer.seen_side)
    pictures = pictures.some(balanced([n.split("/")[0] for n in pictures.names], options.limit))
    out = about("benchmarks.tune", argv, colorizer, cards[0]) | {"rows": []}
    out |= pictures.about()
    print(HEAD.format(n=options.n), flush=True)
    for card in tqdm(cards, unit="setting", disable=None):
        out["rows"].append(row_of(card, measure(colorizer, pictures, card, options.batch)))
        tqdm.write(line_of(out["rows"][-1]), file=sys.stdout)
        sys.stdout.flush()
        if options.json:  # after every setting: a long run that stops leaves what it has
            write_json(options.json, out)
    return out


@answers
def main(argv=None) -> None:
    argv = sys.argv[1:] if argv is None else argv
    options = arguments(argv)
    if options.json and not Path(options.json).absolute().parent.is_dir():
        raise JGMError(f"--json {options.json}: its folder does not exist")
    run(options, argv)


if __name__ == "__main__":
    raise SystemExit(main())
