"""Settings of the well-tempered Algorithm 1, compared on held-out pictures of the training set.

    python -m benchmarks.temper_settings SET_OR_FOLDER [--limit 48] [--evaluations 50]
        [--share 0.5 0.7 0.9] [--sigma-1 20] [--feedback none] [--lam renew] [--bf16] [--json FILE]

SET is a packed set with a held-out part; of a FOLDER a twentieth is held out. The pictures of a
validation set are not for this. Chosen is the lowest Delta E 2000 among the settings that keep half
of the truth's colourfulness: a larger share h is a lower temperature (the chain keeps 1 - h/2 of the
variance), so the error alone would choose grey.
"""

import itertools
import tempfile
from pathlib import Path

import numpy as np

from data_scripts.folder import pack_folder
from jgm_lib.colorize import Colorizer
from jgm_lib.data.packed import PackedSet
from jgm_lib.errors import JGMError
from jgm_lib.experiments.bench import grey_scores, truth_scores
from jgm_lib.experiments.sources import Pictures, eight_bit, spread
from jgm_lib.ladder import chroma_distance, epsilon_of, levels_needed, overlapping_ratio
from jgm_lib.metrics import paired_difference
from jgm_lib.params import ColorizeCard, validate
from jgm_lib.samplers import presets

from .common import parser_of, write_json
from .prior import in_bf16
from .temper import about_of, measure, plain

KEPT = 0.5  # of the truth's colourfulness, at least


def held_out(source, side: int) -> np.ndarray:
    """The held-out pictures (N,side,side,3) uint8 of a packed set, or of a folder packed here."""
    source = Path(source)
    if not source.is_dir():
        return pixels_of(PackedSet(source), side)
    with tempfile.TemporaryDirectory() as scratch:
        size = round(1.5 * side)
        path = pack_folder(source, out=scratch, name="search", size=size, holdout=0.05)
        return pixels_of(PackedSet(path), side)


def pixels_of(data: PackedSet, side: int) -> np.ndarray:
    """The held-out part of a set; JGMError if it has none."""
    if not len(data.holdout_indices):
        raise JGMError("no held-out pictures; pack the set with a --holdout above 0")
    x = data.batch(data.holdout_indices, side, augment=False)  # (N,3,S,S)
    return eight_bit(x)


def cards_of(args) -> dict[str, ColorizeCard]:
    """A card for every combination; the name tells what is varied. Raises JGMError."""
    found = {}
    grid = (args.evaluations, args.share, args.sigma_1, args.lam, args.feedback)
    for nfe, share, sigma_1, lam, feedback in itertools.product(*grid):
        weight = 1 / share - 1 if lam == "renew" else float(lam)
        own = dict(sigma_1=sigma_1, epsilon=epsilon_of(share, 0.01), lam=weight, feedback=feedback)
        name = f"{nfe} evaluations, h {share:g}, sigma_1 {sigma_1:g}, lambda {lam}, {feedback}"
        found[name] = validate(ColorizeCard, {**presets.tempered(nfe), **own, "n": 1})
    return found


def row_of(name: str, run: dict, grey: dict, truth: float) -> dict:
    """Means of a run, its paired PSNR difference to grey, and how much colour it keeps."""
    means = {k: round(float(np.mean(v)), 3) for k, v in run["scores"].items()}
    to_grey = paired_difference(run["scores"]["psnr"], grey["psnr"])
    row = {"settings": name, "nfe": run["nfe"], "n": len(run["pictures"]), **means}
    kept = round(means["colourfulness"] / truth, 3)
    return {**row, "psnr_against_grey": [round(v, 3) for v in to_grey], "colour_kept": kept}


def best_of(rows: list[dict]) -> str | None:
    """The setting of the lowest Delta E among those colourful enough; None if none is."""
    fair = [r for r in rows if r["colour_kept"] >= KEPT]
    return min(fair, key=lambda r: r["delta_e"])["settings"] if fair else None


def ladder_of(pictures: Pictures) -> dict:
    """What Techniques 1 and 2 ask for: sigma_1, the ratio of levels and their number."""
    side = pictures.truth.shape[-1]
    distance, ratio = chroma_distance(pictures.truth), overlapping_ratio(9 * side**2)
    return {
        "largest_chroma_distance": round(distance, 2),
        "ratio_at_half_overlap": round(ratio, 5),
        "levels_from_there_to_0.01": levels_needed(distance, 0.01, ratio),
    }


def main(argv=None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("source", help="packed set, or folder of training photographs")
    parser.add_argument("--limit", type=int, default=48, help="pictures, evenly spread")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[50])
    parser.add_argument("--share", type=float, nargs="+", default=[0.5, 0.7, 0.9])
    parser.add_argument("--sigma-1", type=float, nargs="+", default=[presets.SIGMA_1])
    parser.add_argument("--lam", nargs="+", default=["renew"], help="numbers, or renew: 1/h - 1")
    parser.add_argument("--feedback", nargs="+", default=["none"])
    parser.add_argument("--weights", default="scenes-64")
    parser.add_argument("--bf16", action="store_true", help="the network in bfloat16")
    args = parser.parse_args(argv)
    cards = cards_of(args)
    colorizer = Colorizer.from_pretrained(args.weights, device="cpu")
    pixels = held_out(args.source, colorizer.side)
    pictures = Pictures.of_pixels(pixels[spread(len(pixels), args.limit)])
    about = about_of("benchmarks.temper_settings", args, colorizer)
    search(args, in_bf16(colorizer) if args.bf16 else colorizer, pictures, cards, about)


def search(args, colorizer, pictures: Pictures, cards: dict, about: dict) -> None:
    """Measure every card, print its row, and write the file after each."""
    grey, own = (plain(of(pictures).values) for of in (grey_scores, truth_scores))
    truth, rows = float(np.mean(own["colourfulness"])), []
    about |= {"ladder": ladder_of(pictures), "truth_colourfulness": round(truth, 3)}
    about |= {k: round(float(np.mean(v)), 3) for k, v in grey.items() if k != "colourfulness"}
    print(about["ladder"])
    for name, card in cards.items():
        rows.append(row_of(name, measure(colorizer, pictures, card, len(pictures)), grey, truth))
        print(rows[-1], flush=True)
        if args.json:
            write_json(args.json, {**about, "rows": rows, "best": best_of(rows)})
    print("best:", best_of(rows))


if __name__ == "__main__":
    main()
