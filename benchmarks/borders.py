"""Are borders of scans found, and only those?

    python -m benchmarks.borders FOLDER [--limit N] [--json FILE]

Counts the photographs of FOLDER in which a border is found as they are (false alarms, unless the
picture does have one: the names are printed, look at them). Then each photograph without one gets
borders of known width, and the table says, kind by kind: in how many all sides are found, how many
of the sides are, in how many places there is one that is not, and the errors of those found: found
minus true, % of the picture's side, mean, lowest (below 0: a border left over) and highest (a part
of the photograph lost). "one side" is not believed, by design, and stands there to show it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from data_scripts.folder import find_pictures
from jgm_lib.errors import JGMError
from jgm_lib.photo import read_photo
from jgm_lib.photo.borders import Border, find_border

from .common import parser_of, write_json

BLACK, WHITE, PAPER = 0.03, 0.97, 0.8
ALL = (0.06, 0.06, 0.06, 0.06)
KINDS = {  # tone, widths (top, bottom, left, right) as shares of the photograph, and options
    "black": (BLACK, ALL, {}),
    "white": (WHITE, ALL, {}),
    "paper, grain": (PAPER, ALL, {"grain": 0.03}),
    "black, grain": (BLACK + 0.05, ALL, {"grain": 0.03}),
    "round corners": (PAPER, ALL, {"round": 0.06, "grain": 0.01}),
    "tilted 0.25": (PAPER, ALL, {"tilt": 0.25, "grain": 0.01}),
    "tilted 0.5": (BLACK, ALL, {"tilt": -0.5, "grain": 0.01}),
    "four widths": (BLACK, (0.03, 0.15, 0.05, 0.1), {"grain": 0.01}),
    "thin": (BLACK, (0.02, 0.02, 0.02, 0.02), {"grain": 0.01}),
    "wide mount": (PAPER, (0.3, 0.4, 0.3, 0.3), {"grain": 0.02}),
    "top and bottom": (WHITE, (0.06, 0.06, 0, 0), {"grain": 0.01}),
    "left and top": (BLACK, (0.04, 0, 0.06, 0), {"grain": 0.01}),
    "one side": (BLACK, (0, 0, 0.06, 0), {"grain": 0.01}),
}


def framed(y: np.ndarray, tone: float, widths: tuple, grain=0.0, tilt=0.0, round=0.0, seed=0):
    """A grey photograph y (h,w) in a border: picture (H,W) in [0,1] and its Border.

    ``widths`` (top, bottom, left, right) and the corner radius ``round`` are shares of the
    photograph's sides, ``tilt`` is in degrees, ``grain`` a standard deviation over the border."""
    h, w = y.shape
    border = Border(*(int(np.round(a * n)) for a, n in zip(widths, (h, h, w, w), strict=True)))
    space = ((border.top, border.bottom), (border.left, border.right))
    photo = turned(np.pad(y, space, mode="edge"), tilt)
    mask = turned(np.pad(round_mask(h, w, round * min(h, w)), space), tilt)
    noise = np.random.default_rng(seed).normal(0, grain, mask.shape)
    return np.clip(mask * photo + (1 - mask) * (tone + noise), 0, 1).astype(np.float32), border


def turned(y: np.ndarray, degrees: float) -> np.ndarray:
    """y (H,W) turned about its middle; what comes in from outside is 0."""
    image = Image.fromarray(y.astype(np.float32))
    return np.asarray(image.rotate(degrees, Image.Resampling.BILINEAR) if degrees else image)


def round_mask(h: int, w: int, radius: float) -> np.ndarray:
    """1 inside a rectangle (h,w) with round corners, 0 in its corners."""
    down, right = (np.maximum(0, radius - np.minimum(a, a[::-1])) for a in (grid(h), grid(w)))
    return (np.hypot(down[:, None], right) <= max(radius, 0.5)).astype(np.float32)


def grid(n: int) -> np.ndarray:
    """Middles of n pixels (n,)."""
    return np.arange(n) + 0.5


def greys(folder: Path, limit: int | None = None) -> Iterator[tuple[str, np.ndarray]]:
    """Name and grey picture (H,W) of every photograph in a folder that can be read."""
    found = [pair for pair in find_pictures(folder.resolve()) if isinstance(pair[1], Path)]
    step = max(1, len(found) // (limit or len(found) or 1))  # spread over the folder
    for name, path in found[::step][:limit]:
        try:
            yield name, read_photo(path).to_gray()
        except JGMError as error:
            print(f"skipped: {error}", file=sys.stderr)


def sides_of(
    found: Border, true: Border, shape: tuple[int, int]
) -> Iterator[tuple[bool, bool, float]]:
    """Of each side: is there a border, was one found, found minus true in % of the side."""
    for name, n in zip(("top", "bottom", "left", "right"), np.repeat(shape, 2), strict=True):
        a, b = getattr(found, name), getattr(true, name)
        yield b > 0, a > 0, 100 * (a - b) / n


def row_of(kind: str, pictures) -> dict:
    """One kind of border around all pictures (h,w): the row of the table."""
    tone, widths, options = KINDS[kind]
    rows = []
    for seed, y in enumerate(pictures):
        picture, true = framed(y, tone, widths, seed=seed, **options)
        rows.append(list(sides_of(find_border(picture), true, picture.shape)))
    a = np.array(rows, float)  # (pictures,4,3)
    there, found, error = a[..., 0] == 1, a[..., 1] == 1, a[..., 2]
    hits = error[there & found]
    row = {
        "kind": kind,
        "all_sides": float(np.mean((there == found).all(1))),
        "sides": float(found[there].mean()),
        "wrong_sides": int((found & ~there).sum()),
    }
    if len(hits):
        row |= {"error": float(hits.mean()), "absolute_error": float(np.abs(hits).mean())}
        row |= {"lowest": float(hits.min()), "highest": float(hits.max())}
    return row


def run(folder, limit: int | None = None) -> dict:
    """Measure a folder of photographs and print the table."""
    plain, alarms = [], {}
    for name, y in greys(Path(folder), limit):
        found = find_border(y)
        if found.any:
            alarms[name] = found
            print(f"border found as it is: {name} {found}")
        else:
            plain.append(y)
    print(f"{len(alarms)} of {len(plain) + len(alarms)} photographs have a border as they are\n")
    if not plain:
        raise JGMError(f"{folder}: no photographs")
    print(HEAD)
    rows = []
    for kind in KINDS:
        rows.append(row_of(kind, plain))
        print(line(rows[-1]), flush=True)
    return {"photographs": len(plain) + len(alarms), "alarms": len(alarms), "rows": rows}


HEAD = f"{'border':16s}{'all sides':>10s}{'sides':>8s}{'wrong':>7s}{'error %':>9s}{'|error|':>9s}{'lowest':>9s}{'highest':>9s}"


def line(row: dict) -> str:
    """A row for the screen."""
    text = f"{row['kind']:16s}{row['all_sides']:10.1%}{row['sides']:8.1%}{row['wrong_sides']:7d}"
    if "error" not in row:
        return text
    errors = (row[name] for name in ("error", "absolute_error", "lowest", "highest"))
    return text + "".join(f"{e:9.2f}" for e in errors)


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("folder")
    parser.add_argument("--limit", type=int)
    args = parser.parse_args()
    found = run(args.folder, args.limit)
    if args.json:
        write_json(args.json, found)


if __name__ == "__main__":
    main()
