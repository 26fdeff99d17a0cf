"""How chroma comes back to full size: the photo's own, reduced, and the prior's.

    python -m benchmarks.fullres [FOLDER of colour photographs] [--limit 48] [--sides 64 128]
                                 [--grid] [--no-prior] [--json FILE]

Each photo (longer edge at most 512 pixels) goes to the working size, its chroma comes back by each
method, is fitted into the gamut and compared with the photo. ``true chroma`` is the photo's own,
what no prior can beat; ``single`` and ``mean of 4`` are drawn by the split sampler, seed 0 for the
first photo, 1 for the next. A second working size shows what running the prior larger would give.
Means over the photos with bootstrap 95 % intervals; the gain is against the default method from
the first working size, photo by photo.
"""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from jgm_lib import Colorizer
from jgm_lib.constraint import fit_gamut
from jgm_lib.data import samples
from jgm_lib.errors import JGMError
from jgm_lib.metrics import ciede2000, psnr, summarize
from jgm_lib.operators import gray, gray_weights
from jgm_lib.photo import read_photo
from jgm_lib.photo.enlarge import METHODS, enlarge_chroma, reduce, working_size

from .common import parser_of, write_json

LONGEST = 512
UNITS = {
    "psnr": "dB",
    "gain": "dB",
    "delta_e": "CIEDE2000",
    "gain_delta_e": "CIEDE2000",
    "side": "pixels, shorter edge",
}
DEFAULTS = {method: {"method": method} for method in METHODS}
GRID = {
    f"{method} r={r} eps={e:g}": dict(method=method, radius=r, eps=e)
    for method in ("detail", "guided")
    for r in (1, 2, 4)
    for e in (1e-4, 1e-3, 1e-2)
} | {
    f"fusion r={r} eps={e:g} beta={b:g}": dict(method="fusion", radius=r, eps=e, beta=b)
    for r, e in ((1, 1e-3), (2, 1e-3), (2, 1e-2))
    for b in (0.1, 0.5, 5.9)
}


def photos(folder=None, limit: int | None = None) -> list[torch.Tensor]:
    """Colour photos (3,H,W) in [0,1]: the packages' own, or a seeded choice of a folder's."""
    if folder is None:
        pictures = [samples.load(n) for n in samples.names(grey=False)]
        return [small_enough(torch.tensor(np.array(p)) / 255) for p in pictures]
    from data_scripts.folder import choose, find_pictures

    chosen = choose(find_pictures(Path(folder).resolve()), limit, seed=0)
    found = readable(path for _, path in chosen if isinstance(path, Path))
    colour = (small_enough(torch.tensor(p.rgb())) for p in found if not p.is_grey)
    colour = list(islice(colour, limit))  # grey ones and skipped files are made up for
    if not colour:
        raise JGMError(f"{folder}: no colour photographs")
    return colour


def readable(paths):
    """The photos of those files that can be read; a line for each that cannot."""
    for path in paths:
        try:
            yield read_photo(path)
        except JGMError as error:
            print(f"skipped: {error}", file=sys.stderr)


def small_enough(x: torch.Tensor) -> torch.Tensor:
    """(H,W,3) -> (3,H,W), reduced if its longer edge is above LONGEST."""
    x = x.permute(2, 0, 1)
    scale = LONGEST / max(x.shape[1:])
    return x if scale >= 1 else reduce(x, *(round(n * scale) for n in x.shape[1:]))


def enlarge(small: torch.Tensor, y: torch.Tensor, options: dict) -> torch.Tensor:
    """Small colourings (K,3,h,w) at the size of the grey y (1,H,W): (K,3,H,W), F x = y."""
    y_small = reduce(y, *small.shape[-2:])
    chroma = small - gray(small, gray_weights())
    full = torch.stack(
        [
            torch.cat([c for _, c in enlarge_chroma(one, y_small, y, **options)], dim=1)
            for one in chroma
        ]
    )
    return fit_gamut(y + full - full.mean(1, keepdim=True), y[None])


def colourings(x, y, side: int, colorizer=None, n: int = 4, seed: int = 0) -> dict:
    """Small colourings (K,3,h,w) of a photo x (3,H,W) with grey y (1,H,W), by where they are from."""
    h, w = working_size(*y.shape[-2:], side)
    found = {"true chroma": reduce(x, h, w)[None]}
    if colorizer:
        card = colorizer.settings({"n": n, "seed": seed})
        for state in colorizer.draw(y, reduce(y, h, w), gray_weights(), card):
            pass
        draws = state.x.float().cpu()
        found |= {"single": draws, f"mean of {n}": draws.mean(0, keepdim=True)}
    return found


def score(versions: torch.Tensor, x: torch.Tensor) -> dict[str, float]:
    """Means over the versions (K,3,H,W) of one photo x (3,H,W)."""
    truth = x.expand_as(versions)
    found = psnr(versions, truth), ciede2000(versions, truth)
    return dict(zip(("psnr", "delta_e"), (float(v.mean()) for v in found), strict=True))


def scores_of(x, sides, methods, colorizer=None, seed: int = 0) -> Iterator[tuple]:
    """Yield ((side, chroma, method), scores) of one photo, the grey replica first."""
    y = gray(x[None], gray_weights())[0]
    yield (0, "none", "grey replica"), score(y.expand_as(x)[None], x)
    for side in sides:
        for source, small in colourings(x, y, side, colorizer, seed=seed).items():
            for method, options in methods.items():
                yield (side, source, method), score(enlarge(small, y, options), x)


def measure(pictures, sides=(64,), methods=DEFAULTS, colorizer=None) -> list[dict]:
    """One row a (side, chroma, method): means, intervals, gains against the default method."""
    columns: dict[tuple, dict[str, list]] = {}
    for seed, x in enumerate(pictures):
        for key, values in scores_of(x, sides, methods, colorizer, seed):
            for metric, value in values.items():
                columns.setdefault(key, {}).setdefault(metric, []).append(value)
    return [table_row(key, columns, sides[0]) for key in columns]


def table_row(key: tuple, columns: dict, side: int) -> dict:
    """Summary of one key; ``gain`` in dB and ``gain_delta_e`` (below 0 is better), photo by photo."""
    mine = {metric: np.array(values) for metric, values in columns[key].items()}
    base = columns.get((side, key[1], METHODS[0]))
    if base:
        mine |= {
            "gain": mine["psnr"] - base["psnr"],
            "gain_delta_e": mine["delta_e"] - base["delta_e"],
        }
    return dict(zip(("side", "chroma", "method"), key, strict=True)) | summarize(mine)


def line(row: dict) -> str:
    """A row for the screen."""
    text = f"{row['side']:4d}  {row['chroma']:12s} {row['method']:28s}"
    text += f"{row['psnr']:6.2f} dB  dE00 {row['delta_e']:5.2f}"
    for name, digits in (("gain", 2), ("gain_delta_e", 3)):
        if name in row:
            low, high = row[f"{name}_low"], row[f"{name}_high"]
            text += f"  {row[name]:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"
    return text


@torch.no_grad()
def run(folder=None, limit=48, sides=(64, 128), methods=DEFAULTS, weights="scenes-64") -> dict:
    """Measure the package photos and, if given, a folder; ``weights`` None for true chroma only."""
    colorizer = Colorizer.from_pretrained(weights) if weights else None
    sets = {"package photographs": photos()}
    if folder:
        sets["folder"] = photos(folder, limit)
    rows = []
    for name, pictures in sets.items():
        print(f"{name} ({len(pictures)})", flush=True)
        for row in measure(pictures, sides, methods, colorizer):
            rows.append({"photos": name, **row})
            print(line(row), flush=True)
    card = colorizer.card if colorizer else {}
    return {"weights": {k: card.get(k) for k in ("name", "sha256")}, "units": UNITS, "rows": rows}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--limit", type=int, default=48)
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--grid", action="store_true", help="more radii, eps and beta")
    parser.add_argument("--no-prior", action="store_true", help="the true chroma only")
    parser.add_argument("--weights", default="scenes-64")
    args = parser.parse_args()
    methods = DEFAULTS | (GRID if args.grid else {})
    weights = None if args.no_prior else args.weights
    found = run(args.folder, args.limit, args.sides, methods, weights)
    if args.json:
        write_json(args.json, found)


if __name__ == "__main__":
    main()
