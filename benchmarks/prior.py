"""How good, and how honest, is a prior? Everything about it on one set of photographs.

    python -m benchmarks.prior SOURCE [--n 8] [--limit N] [--size 128] [--weights NAME] [--film]
                                      [--bf16] [--set KNOB=VALUE ...] [--json FILE]

SOURCE: a folder (each sub-folder is a source of its own) or a packed set (its held-out pictures).
Every number has a bootstrap 95 % interval, and PSNR and CIEDE2000 also the paired difference to
the grey replica of the same pictures. With --film what is known is a simulated orthochromatic film
(``data.film``) instead of the grey: then the grey replica is the film picture itself, and "chroma
PSNR", in which the truth's own luma stands in for the film's, compares with a run without --film.
"""

import sys
import zlib
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from jgm_lib import honesty, metrics
from jgm_lib.cli_options import at_least_one
from jgm_lib.colorize import Colorizer
from jgm_lib.data.film import film_response
from jgm_lib.errors import JGMError
from jgm_lib.evaluate import columns_of, draw_small, enlarged, named_pictures_of, score, spread
from jgm_lib.noise import mix_seed
from jgm_lib.operators import gray, gray_weights, to_basis
from jgm_lib.params import DEFAULT_WEIGHTS, ColorizeCard, validate
from jgm_lib.photo.enlarge import reduce

from . import prior_table
from .common import parser_of, write_json

MEAN = gray_weights("mean")
COARSE = 32  # side to which chroma is averaged for R2


def measure(colorizer, pictures, card: ColorizeCard, film=False, batch=4, progress=None) -> dict:
    """All that is measured of card.n draws for pictures (N,S,S,3) uint8, picture by picture.

    -> {"columns": {column: {metric: (N,)}}, "parts": {name: (N,)} (energies for R2 and speckle),
    "ranks": (n+1,) counts, "error", "variance": (all chroma values,), "nfe": of one draw}.
    """
    columns, parts, counts, pairs, nfe = {}, {}, 0, [], 0
    for i in range(0, len(pictures), batch):
        truth = torch.from_numpy(pictures[i : i + batch]).permute(0, 3, 1, 2).float() / 255
        keys = [zlib.crc32(p.tobytes()) for p in pictures[i : i + batch]]
        y = known(truth, keys, card.seed, film)
        small, nfe = draw_small(colorizer, y, MEAN, card, keys)
        full = small if y.shape[-1] == colorizer.side else enlarged(small, y, MEAN)
        found = {"grey replica": score(y.expand_as(truth), truth, y, MEAN)}
        found |= {"truth": score(truth, truth, y, MEAN), **columns_of(full, truth, y, MEAN)}
        for column, scores in found.items():
            _append(columns.setdefault(column, {}), scores)
        small_truth = reduced(truth, colorizer.side)
        first = first_estimate(colorizer, y, card, keys)
        _append(parts, energies(small, small_truth, first))
        counts = counts + ranks_of(small, small_truth, keys)
        if card.n > 1:
            pairs.append([a.numpy().ravel() for a in chroma_errors(small, small_truth)])
        if progress:
            progress(len(truth))
    columns = {c: _joined(scores) for c, scores in columns.items()}
    out = {"columns": columns, "parts": _joined(parts), "ranks": counts, "nfe": nfe}
    error, variance = map(np.concatenate, zip(*pairs, strict=True)) if pairs else (None, None)
    return out | {"error": error, "variance": variance}


def known(truth, keys, seed: int, film: bool) -> torch.Tensor:
    """The photograph (B,1,S,S) of colour pictures (B,3,S,S): their grey, or a simulated film of
    them with grain by (seed, key)."""
    if not film:
        return gray(truth.double(), MEAN).float()  # of a grey picture exactly its own values
    pairs = zip(truth, keys, strict=True)
    return torch.cat([film_response(x[None], seed=mix_seed(seed, 0, k)) for x, k in pairs])


def reduced(x, side: int) -> torch.Tensor:
    """Pictures (B,3,S,S) at the prior's size (B,3,side,side)."""
    if x.shape[-1] == side:
        return x
    return reduce(x.flatten(0, 1), side, side).unflatten(0, x.shape[:2]).clamp(0, 1)


def first_estimate(colorizer, y, card, keys) -> torch.Tensor:
    """What the network makes of pure noise and the photograph y (B,1,S,S): (B,3,s,s).

    One step of the split sampler: its input is sigma_max z, in which no colour of the truth is.
    """
    once = card.model_copy(update={"sampler": "split", "n": 1, "steps": 1, "solver": "ancestral"})
    return draw_small(colorizer, y, MEAN, once, keys)[0][:, 0]


def R2(estimate, truth) -> tuple[np.ndarray, np.ndarray]:
    """Energies (B,), (B,) of which R2 = 1 - sum(left)/sum(all) over the pictures.

    With c = x - mean of R, G, B (the deviation from grey) averaged to 32 x 32 cells: left =
    |c(estimate) - c(truth)|^2, all = |c(truth)|^2. 0: as good as grey; 1: the truth. ``estimate``
    must come from noise without the truth in it (``first_estimate``): a network that is fed
    truth + noise explains much of it by denoising alone.
    """
    return tuple(c.square().mean((1, 2, 3)).numpy() for c in _coarse_left_and_all(estimate, truth))


def _coarse_left_and_all(estimate, truth):
    def coarse(x):
        cells = [min(COARSE, n) for n in x.shape[-2:]]
        return torch.nn.functional.adaptive_avg_pool2d(x - x.mean(1, keepdim=True), cells).double()

    c = coarse(truth)
    return coarse(estimate) - c, c


def energies(small, truth, first) -> dict:
    """Per picture: what R2 and the speckle ratios are made of; small (B,n,3,s,s)."""
    left, all_ = R2(first, truth)
    speckle = {"truth": truth, "single": small[:, 0], f"mean of {small.shape[1]}": small.mean(1)}
    out = {f"speckle {name}": metrics.chroma_speckle(x) for name, x in speckle.items()}
    return {"R2 left": left, "R2 all": all_, **out}


def ranks_of(small, truth, keys) -> np.ndarray:
    """Rank histogram (n+1,) of the true chroma values among the draws; ties by the picture's key."""
    rows = zip(chroma(small), chroma(truth[:, None])[:, 0], keys, strict=True)
    return sum(
        honesty.rank_histogram(x, t, torch.Generator().manual_seed(mix_seed(0, 1, k)))
        for x, t, k in rows
    )


def chroma_errors(small, truth):
    """Squared error of the mean and variance of all chroma values, (B,2,s,s) each."""
    return honesty.error_and_variance(
        chroma(small).transpose(0, 1), chroma(truth[:, None]).squeeze(1)
    )


def chroma(x) -> torch.Tensor:
    """The two chroma channels of the rotated basis: (B,n,3,s,s) -> (B,n,2,s,s)."""
    return to_basis(x.flatten(0, 1).double())[:, 1:].unflatten(0, x.shape[:2])


def in_bf16(colorizer) -> Colorizer:
    """Let the network run under autocast to bfloat16; the sampler around it stays float32, and so
    does its look at the photograph: that in bfloat16 cost 0.06 dB, the network's part does not
    count. JGMError for a network without that place."""
    model, device = colorizer.model, colorizer.device.type
    if not hasattr(model, "network"):
        raise JGMError("--bf16: this network has no part to run so")
    whole = model.network

    def lighter(*args):
        with torch.autocast(device, dtype=torch.bfloat16):
            return whole(*args).float()

    model.network = lighter
    return colorizer


def settings_of(pairs) -> dict:
    """KNOB=VALUE words -> fields of ColorizeCard with the type that each has. Raises JGMError."""
    out = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        field = ColorizeCard.model_fields.get(name)
        if not equals or field is None:
            raise JGMError(f"--set {pair}: need KNOB=VALUE with a knob of ColorizeCard")
        try:
            kind = field.annotation if field.annotation in (int, float) else str
            out[name] = kind(value)
        except ValueError:
            raise JGMError(f"--set {pair}: {value!r} is no {kind.__name__}") from None
    return out


def _append(total: dict, part: dict) -> None:
    for name, values in part.items():
        total.setdefault(name, []).append(np.asarray(values))


def _joined(total: dict) -> dict:
    return {name: np.concatenate(values) for name, values in total.items()}


def arguments(argv):
    p = parser_of(__doc__)
    p.add_argument("source", help="folder of photographs or packed set")
    p.add_argument("--n", type=int, default=8, help="draws a picture (default %(default)s)")
    p.add_argument("--limit", type=int, help="at most so many pictures, evenly spread")
    p.add_argument("--size", type=int, help="pixels a side (default: what the prior sees)")
    p.add_argument("--weights", default=DEFAULT_WEIGHTS, help="bundled name or file")
    p.add_argument("--film", action="store_true", help="known: a simulated film picture")
    p.add_argument("--bf16", action="store_true", help="the network in bfloat16")
    p.add_argument("--batch", type=int, default=4, help="pictures at a time")
    p.add_argument("--set", nargs="+", default=[], metavar="KNOB=VALUE", help="of the sampler")
    return p.parse_args(argv)


def run(options, argv) -> dict:
    """Measure as the command line says -> what the JSON file holds."""
    at_least_one(options, "limit", "batch")
    card = {"weights": options.weights, "n": options.n, **settings_of(options.set)}
    card = validate(ColorizeCard, card)
    colorizer = Colorizer.from_pretrained(options.weights)
    colorizer = in_bf16(colorizer) if options.bf16 else colorizer
    size = options.size or colorizer.seen_side
    pictures, names = named_pictures_of(options.source, size)
    own = spread(len(names), options.limit)
    bar = tqdm(total=len(own), unit="picture", disable=None)
    found = measure(colorizer, pictures[own], card, options.film, options.batch, bar.update)
    bar.close()
    about = prior_table.about("benchmarks.prior", argv, colorizer, card, film=options.film)
    return about | {"size": size} | prior_table.rows_of(found, [names[i] for i in own], card)


def main(argv=None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    options = arguments(argv)
    try:
        if options.json and not Path(options.json).absolute().parent.is_dir():
            raise JGMError(f"--json {options.json}: its folder does not exist")
        found = run(options, argv)
        print(prior_table.text(found))
        if options.json:
            write_json(options.json, found)
    except JGMError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
