"""The well-tempered Algorithm 1 beside split and nullspace, at equal numbers of evaluations.

    python -m benchmarks.temper FOLDER_OR_SET [--limit 64] [--json FILE]

One draw a picture, the same seeds for all; differences to the grey replica and to split are paired
(the same pictures), with bootstrap 95 % intervals. The file is written after every run, and runs
that it holds already are not repeated: an interrupted benchmark goes on where it was.
"""

import json
import zlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import jgm_lib
from jgm_lib.colorize import Colorizer
from jgm_lib.errors import JGMError
from jgm_lib.experiments import bench
from jgm_lib.experiments.methods import by_card
from jgm_lib.experiments.pairing import Scores, differences
from jgm_lib.experiments.sources import Pictures, spread
from jgm_lib.params import ColorizeCard
from jgm_lib.samplers import presets
from jgm_lib.settings import EVALUATED

from .common import machine, parser_of, write_json
from .prior import in_bf16

EVALUATIONS = (20, 50, 100, 300, 1000)
METRICS = ("psnr", "delta_e", "colourfulness")
OURS = {"lookahead": 0.6, "sigma_min": 0.01}  # what was chosen for scenes-64
METHODS = {
    "tempered": presets.tempered,
    "tempered, h 0.7": lambda nfe: presets.tempered(nfe, 0.7),
    "split": lambda nfe: {"sampler": "split", "steps": nfe, **OURS},
    "split, pale": lambda nfe: {"sampler": "split", "steps": nfe, **OURS, "lookahead": 0.0},
    "nullspace": lambda nfe: {**EVALUATED, "sampler": "nullspace", "steps": nfe, "sigma_min": 0.01},
    "authors": lambda nfe: presets.AUTHORS_LSUN if nfe == 1000 else None,
    "as printed": lambda nfe: presets.PAPER if nfe == 1000 else None,
}


def plain(scores: dict) -> dict:
    """Scores (n,) of the metrics shown, rounded for the file."""
    return {k: [round(float(v), 4) for v in scores[k]] for k in METRICS}


def measure(colorizer, pictures: Pictures, card: ColorizeCard, limit: int, batch: int = 16):
    """One draw of ``limit`` pictures, evenly spread: a run for the file."""
    own = spread(len(pictures), limit)
    found = bench.measure(by_card(colorizer, card), pictures.some(own), batch)
    scores = found.columns["single"].values
    return {
        "nfe": found.nfe,
        "pictures": own.tolist(),
        "seconds": round(found.seconds, 3),
        "residual": float(scores["residual"].max()),
        "scores": plain(scores),
    }


def against(run: dict, other: dict) -> dict:
    """Paired differences of the metrics, run minus other, where both saw a picture."""
    a, b = (Scores(r["pictures"], r["scores"]) for r in (run, other))
    mine = a.at(a.shared(b))
    found = differences(mine, b, METRICS)
    return {"n": len(mine.keys)} | {k: [round(v, 3) for v in three] for k, three in found.items()}


def rows_of(found: dict) -> list[dict]:
    """A row a run: means, and paired differences to grey and to split in as many evaluations; of a
    run in float32 also to the same in bfloat16."""
    grey, rows = found["grey"], []
    like = {(r["method"], r["evaluations"], r["precision"]): r for r in found["runs"]}
    for run in found["runs"]:
        means = {k: round(float(np.mean(run["scores"][k])), 3) for k in METRICS}
        row = {k: run[k] for k in ("method", "evaluations", "nfe", "precision")}
        row |= {"n": len(run["pictures"]), **means, "against_grey": against(run, grey)}
        split = like.get(("split", run["evaluations"], "bf16"))
        split = like.get(("split", run["evaluations"], run["precision"]), split)
        if run["method"] != "split" and split:
            row["against_split"] = against(run, split)
        lighter = like.get((run["method"], run["evaluations"], "bf16"))
        if run["precision"] == "float32" and lighter:
            row["against_bf16"] = against(run, lighter)
        rows.append(row)
    return rows


def table(rows: list[dict]) -> str:
    """The rows as Markdown; differences with their intervals, in dB and in Delta E."""

    def span(row, other, metric):
        if other not in row:
            return ""
        mean, low, high = row[other][metric]
        return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"

    head = (
        "| method | NFE | n | PSNR dB | - grey (95 %) | - split (95 %) | ΔE00 | - split (95 %) | "
        "colourfulness |\n|---|---|---|---|---|---|---|---|---|"
    )
    lines = [
        f"| {r['method']}{', float32' * (r['precision'] == 'float32')} | {r['nfe']} | {r['n']} | {r['psnr']:.2f} | "
        f"{span(r, 'against_grey', 'psnr')} | {span(r, 'against_split', 'psnr')} | "
        f"{r['delta_e']:.2f} | {span(r, 'against_split', 'delta_e')} | {r['colourfulness']:.1f} |"
        for r in rows
    ]
    return "\n".join([head, *lines])


def start_or_resume(path, about: dict, pictures: Pictures) -> dict:
    """The file's content so far, or a new one. JGMError if it was measured on something else."""
    everything = list(range(len(pictures)))
    own = plain(bench.truth_scores(pictures).values)
    fresh = {
        **about,
        "checksum": zlib.crc32(np.array(pictures.keys, np.uint64).tobytes()),
        "grey": {"pictures": everything, "scores": plain(bench.grey_scores(pictures).values)},
        "truth_colourfulness": round(float(np.mean(own["colourfulness"])), 3),
        "runs": [],
    }
    if not path or not Path(path).exists():
        return fresh
    old = json.loads(Path(path).read_text(encoding="utf-8"))
    for key in ("weights", "checksum", "seed"):
        if old.get(key) != fresh[key]:
            raise JGMError(f"{path}: measured with another {key}; choose another file")
    return {**fresh, "runs": old["runs"]}


def about_of(module: str, args, colorizer) -> dict:
    """Where the numbers come from: command, date, seed, weights, machine. Of the source only the
    last two parts of its path are told."""
    name = "/".join(Path(args.source).parts[-2:])
    words = [name, *options_of(args)]
    return {
        "command": " ".join(["python -m", module, *words, "--json FILE"]),
        "date": datetime.now(UTC).date().isoformat(),
        "source": name,
        "seed": 0,
        "weights": {"name": colorizer.card["name"], "sha256": colorizer.card["sha256"]},
        "machine": {**machine(), "numpy": np.__version__, "jgm_lib": jgm_lib.__version__},
    }


def options_of(args) -> list[str]:
    """The options of a command line as words, but the file."""
    words = []
    for name, value in vars(args).items():
        if name in ("source", "json") or value is False:
            continue
        many = value if isinstance(value, (list, tuple)) else [] if value is True else [value]
        words += [
            f"--{name.replace('_', '-')}",
            *(f'"{v}"' if " " in str(v) else str(v) for v in many),
        ]
    return words


def main(argv=None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("source", help="folder of photographs or packed set (its held-out part)")
    parser.add_argument("--limit", type=int, default=64, help="pictures, evenly spread")
    parser.add_argument("--long-limit", type=int, default=16, help="pictures above 300 evaluations")
    parser.add_argument("--evaluations", type=int, nargs="+", default=EVALUATIONS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--weights", default="scenes-64", help="bundled name or path")
    parser.add_argument("--bf16", action="store_true", help="the network in bfloat16")
    args = parser.parse_args(argv)
    colorizer = Colorizer.from_pretrained(args.weights, device="cpu")
    pictures = Pictures.of(args.source, colorizer.side, args.limit)
    about = about_of("benchmarks.temper", args, colorizer)
    found = start_or_resume(args.json, about, pictures)
    if args.bf16:
        in_bf16(colorizer)
    run_all(args, colorizer, pictures, found)
    print(table(rows_of(found)))
    if args.json:
        write_json(args.json, {**found, "rows": rows_of(found)})


def run_all(args, colorizer, pictures, found: dict) -> None:
    """Add the missing runs to ``found``, short ones first, and write the file after each."""
    precision = "bf16" if args.bf16 else "float32"
    for evaluations in args.evaluations:
        for method in args.methods:
            limit = args.long_limit if evaluations > 300 else args.limit
            settings = METHODS[method](evaluations)
            if settings is None:  # the authors' setting has one length
                continue
            card = ColorizeCard(**settings, n=1)
            key = {"method": method, "evaluations": evaluations, "precision": precision}
            key |= {"settings": settings}
            if any({k: r[k] for k in key} == key for r in found["runs"]):
                continue
            run = {**key, **measure(colorizer, pictures, card, min(limit, len(pictures)))}
            found["runs"].append(run)
            print(f"{method} {run['nfe']} evaluations: {np.mean(run['scores']['psnr']):.3f} dB")
            if args.json:
                write_json(args.json, {**found, "rows": rows_of(found)})


if __name__ == "__main__":
    main()
