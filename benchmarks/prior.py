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
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from jgm_lib import honesty, metrics
from jgm_lib.cli.options import at_least_one
from jgm_lib.colorize import Colorizer
from jgm_lib.data.film import film_response
from jgm_lib.errors import JGMError
from jgm_lib.experiments.bench import columns_of, gather, joined, score
from jgm_lib.experiments.methods import by_card, enlarged, reduced
from jgm_lib.experiments.sources import Pictures
from jgm_lib.noise import mix_seed
from jgm_lib.operators import to_basis
from jgm_lib.params import DEFAULT_WEIGHTS, ColorizeCard, validate

from . import prior_table
from .common import answers, parser_of, write_json

COARSE = 32  # side to which chroma is averaged for R2
PARTS = "parts"  # what R2 and speckle are made of, beside the columns


def measure(colorizer, pictures: Pictures, card, batch=4, progress=None) -> dict:
    """All that is measured of card.n draws for pictures, picture by picture.

    -> {"columns": {column: {metric: (N,)}}, "parts": {name: (N,)} (energies for R2 and speckle),
    "ranks": (n+1,) counts, "error", "variance": (all chroma values,), "nfe": of one draw}.
    """
    total, counts, pairs, method = {}, 0, [], by_card(colorizer, card)
    for part in pictures.parts(batch):
        small, truth = method.small(part.y, part.keys), reduced(part.truth, colorizer.side)
        gather(total, columns(small, part.truth, part.y))
        first = first_estimate(colorizer, part.y, card, part.keys)
        gather(total, {PARTS: energies(small, truth, first)})
        counts = counts + ranks_of(small, truth, part.keys)
        if card.n > 1:
            pairs.append([a.numpy().ravel() for a in chroma_errors(small, truth)])
        if progress:
            progress(len(part))
    found = {name: joined(scores) for name, scores in total.items()}
    out = {"parts": found.pop(PARTS), "columns": found, "ranks": counts, "nfe": method.nfe}
    error, variance = map(np.concatenate, zip(*pairs, strict=True)) if pairs else (None, None)
    return out | {"error": error, "variance": variance}


def columns(small, truth, y) -> dict:
    """The honest columns of draws (B,n,3,s,s) for photographs y (B,1,S,S), with grey and truth."""
    bars = {"grey replica": y.expand_as(truth), "truth": truth}
    return {name: score(x, truth, y) for name, x in bars.items()} | columns_of(
        enlarged(small, y), truth, y
    )


def filmed(pictures: Pictures, seed: int) -> Pictures:
    """The same pictures photographed on a simulated film, with grain by (seed, key)."""
    pairs = zip(pictures.truth, pictures.keys, strict=True)
    y = [film_response(x[None], seed=mix_seed(seed, 0, key)) for x, key in pairs]
    return replace(pictures, y=torch.cat(y))


def first_estimate(colorizer, y, card, keys) -> torch.Tensor:
    """What the network makes of pure noise and the photograph y (B,1,S,S): (B,3,s,s).

    One step of the split sampler: its input is sigma_max z, in which no colour of the truth is.
    """
    once = card.model_copy(update={"sampler": "split", "n": 1, "steps": 1, "solver": "ancestral"})
    return by_card(colorizer, once).small(y, keys)[:, 0]


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
    pictures = Pictures.of(options.source, size, options.limit)
    pictures = filmed(pictures, card.seed) if options.film else pictures
    bar = tqdm(total=len(pictures), unit="picture", disable=None)
    found = measure(colorizer, pictures, card, options.batch, bar.update)
    bar.close()
    about = prior_table.about("benchmarks.prior", argv, colorizer, card, film=options.film)
    about |= {"size": size, **pictures.about()}
    return about | prior_table.rows_of(found, pictures.names, card)


@answers
def main(argv=None) -> None:
    argv = sys.argv[1:] if argv is None else argv
    options = arguments(argv)
    if options.json and not Path(options.json).absolute().parent.is_dir():
        raise JGMError(f"--json {options.json}: its folder does not exist")
    found = run(options, argv)
    print(prior_table.text(found))
    if options.json:
        write_json(options.json, found)


if __name__ == "__main__":
    raise SystemExit(main())
