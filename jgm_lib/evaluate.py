"""Honest tables: grey replica, single draw, consensus, mean and oracle of K.

The oracle picks the draw nearest to the truth, which nobody has: it shows what is within reach,
not what a user gets. An exact draw from a posterior pays on average 10 log10 2 = 3 dB against its
mean, and 10 log10(2/(1 + 1/K)) against the mean of K, in averaged squared errors; a paler one less.
"""

import json
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from . import metrics
from .colorize import Colorizer
from .data.packed import PackedSet
from .errors import JGMError
from .noise import SeededNoise, mix_seed
from .operators import gray, gray_weights
from .params import ColorizeCard
from .photo.enlarge import reduce
from .result import full_size
from .samplers import SAMPLERS

INF = float("inf")


def pictures_of(source, size: int) -> np.ndarray:
    """Colour pictures (N,S,S,3) uint8 from a packed set or from a folder of photographs."""
    return named_pictures_of(source, size)[0]


def named_pictures_of(source, size: int) -> tuple[np.ndarray, list[str]]:
    """``pictures_of`` and their names: the path below the folder, or class/index for the held-out
    pictures of a packed set. Raises JGMError."""
    source = Path(source)
    if source.is_dir():
        return _of_folder(source, size)
    base = source.with_suffix("") if source.suffix in (".npy", ".json") else source
    if not any(Path(f"{base}{end}").is_file() for end in (".npy", ".json")):
        raise JGMError(f"{source}: neither a folder of photographs nor a packed set")
    data = PackedSet(source)
    if not len(data.holdout_indices):
        raise JGMError(f"{source}: no held-out pictures; pack it with a --holdout above 0")
    x = data.batch(data.holdout_indices, size, augment=False)
    names = [f"{data.classes[data.labels[i]]}/{i}" for i in data.holdout_indices]
    return (x * 255).round().byte().permute(0, 2, 3, 1).numpy(), names


def _of_folder(source: Path, size: int) -> tuple[np.ndarray, list[str]]:
    from .data.folders import find_pictures
    from .data.packing import pack

    root, names, last = source.resolve(), [], [""]

    def found():
        for name, file in find_pictures(root):
            last[0] = name
            yield name, file

    told = dict(progress=lambda _: names.append(last[0]))  # called for each picture that is taken
    with tempfile.TemporaryDirectory() as scratch:
        about = dict(name="evaluation", source=root.name, size=size, holdout=0.0)
        data = PackedSet(pack(found(), out=scratch, **about, **told))
        say_skipped(data.card.get("skipped") or {})
        return np.array(data.array), names


def say_skipped(reasons: dict) -> None:
    """One line on stderr about files that do not count."""
    if reasons:
        why = ", ".join(f"{n} {reason}" for reason, n in reasons.items())
        print(f"note: {sum(reasons.values())} files left out: {why}", file=sys.stderr)


def draw(colorizer, y, f, card: ColorizeCard, keys) -> tuple[torch.Tensor, int]:
    """card.n versions of each picture y (B,1,S,S): (B,n,3,S,S) and the evaluations of one.

    Drawn at the prior's size and brought to S as ``Result`` does it.
    """
    samples, nfe = draw_small(colorizer, y, f, card, keys)
    return (samples if y.shape[-1] == colorizer.side else enlarged(samples, y, f)), nfe


@torch.no_grad()
def draw_small(colorizer, y, f, card: ColorizeCard, keys) -> tuple[torch.Tensor, int]:
    """``draw`` as the prior draws, (B,n,3,s,s) with s its side. Seeds come from (card.seed, the
    picture's key, version), so batches do not matter."""
    seeds = [mix_seed(card.seed, v, 1 + k) for k in keys for v in range(card.n)]
    side = colorizer.side
    small = y if y.shape[-1] == side else reduce(y[:, 0], side, side)[:, None].clamp(0, 1)
    model = colorizer.seeing(y, side, side, card.n)
    rows = small.repeat_interleave(card.n, 0).to(colorizer.device)
    for state in SAMPLERS[card.sampler](model, rows, f, SeededNoise(seeds), **card.settings()):
        pass
    return state.x.float().cpu().unflatten(0, (len(y), card.n)), state.nfe


def enlarged(samples, y, f) -> torch.Tensor:
    """Draws (B,n,3,s,s) at the prior's size -> (B,n,3,S,S) for the photographs y (B,1,S,S)."""
    rows = [
        torch.from_numpy(full_size(x.float(), grey, f)).permute(2, 0, 1)
        for versions, grey in zip(samples, y, strict=True)
        for x in versions
    ]
    return torch.stack(rows).unflatten(0, samples.shape[:2])


def score(x, truth, y, f) -> dict:
    """Per-picture metrics (B,) of colourings x (B,3,S,S). ``chroma_psnr``: with the truth's own
    luma in place of x's, which is the PSNR where y is the mean of the truth's colours."""
    mean = gray_weights("mean")
    own_luma = x - gray(x, mean) + gray(truth, mean)
    return {
        "psnr": metrics.psnr(x, truth),
        "chroma_psnr": metrics.psnr(own_luma, truth),
        "ssim": metrics.ssim(x, truth),
        "delta_e": metrics.ciede2000(x, truth),
        "colourfulness": metrics.colourfulness(x),
        "residual": metrics.consistency_rms(x, y, f),
    }


def columns_of(samples, truth, y, f) -> dict:
    """The honest columns of K draws (B,K,3,S,S): single, consensus, mean, oracle -> metrics."""
    K = samples.shape[1]
    out = {"single": score(samples[:, 0], truth, y, f)}
    if K > 1:
        first = [int(metrics.typicality_order(s)[0]) for s in samples]
        out[f"consensus of {K}"] = score(samples[range(len(first)), first], truth, y, f)
        out[f"mean of {K}"] = score(samples.mean(1), truth, y, f)
        best = [
            int(np.argmax(metrics.psnr(s, t.expand_as(s))))
            for s, t in zip(samples, truth, strict=True)
        ]
        out[f"oracle of {K}"] = score(samples[range(len(best)), best], truth, y, f)
    return out


def _append(total: dict, part: dict) -> None:
    for column, scores in part.items():
        for name, values in scores.items():
            total.setdefault(column, {}).setdefault(name, []).extend(values.tolist())


def evaluate(
    colorizer: Colorizer,
    source,
    cards: dict[str, ColorizeCard],
    *,
    limit=None,
    limits=None,
    batch=8,
    size=None,
) -> Iterator[dict]:
    """Yield one row per (method, column) with means and bootstrap 95 % intervals.

    ``cards``: method name -> settings; ``limit`` pictures in all, ``limits`` fewer for single
    methods (name -> number), both evenly spread; ``size`` pixels a side, by default what the prior
    sees of a photograph. A first row is the grey replica, and one for the
    truth gives its colourfulness. Raises JGMError for an empty source.
    """
    pictures = pictures_of(source, size or colorizer.seen_side)
    if not len(pictures):
        raise JGMError(f"{source}: no pictures to evaluate")
    pictures = pictures[spread(len(pictures), limit)]
    keys = [zlib.crc32(p.tobytes()) for p in pictures]  # the same draws whatever else is there
    truth = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    f = gray_weights("mean")
    y = gray(truth.double(), f.double()).float()  # of a grey picture exactly its own values
    grey = score(y.expand_as(truth), truth, y, f)
    yield {"method": "grey replica", "column": "", "nfe": 0, "seconds": 0.0, **summary(grey)}
    same = score(truth, truth, y, f)
    yield {"method": "truth", "column": "", "nfe": 0, "seconds": 0.0, **summary(same)}
    for name, card in cards.items():
        own = spread(len(truth), (limits or {}).get(name))
        yield from _method_rows(
            colorizer, name, card, truth[own], y[own], f, [keys[i] for i in own], batch
        )


def spread(n: int, limit: int | None) -> np.ndarray:
    """Indices of at most ``limit`` of n pictures, evenly spread: a folder is sorted by class."""
    return np.linspace(0, n - 1, n if limit is None else min(n, limit)).round().astype(int)


def _method_rows(colorizer, name, card, truth, y, f, keys, batch):
    total: dict = {}
    start, nfe = time.monotonic(), 0
    for i in range(0, len(y), batch):
        part = slice(i, i + batch)
        samples, nfe = draw(colorizer, y[part], f, card, keys[part])
        _append(total, columns_of(samples, truth[part], y[part], f))
    seconds = (time.monotonic() - start) / (len(y) * card.n)  # of one draw
    base = score(y.expand_as(truth), truth, y, f)
    for column, scores in total.items():
        K = 1 if column == "single" else card.n  # what the column costs
        yield {
            "method": name,
            "column": column,
            "nfe": K * nfe,
            "seconds": round(K * seconds, 4),
            "grey_psnr": float(base["psnr"].mean()),
            **summary(scores),
        }


def summary(scores: dict) -> dict:
    """Means and intervals of every metric, as plain numbers."""
    return {
        k: (v if isinstance(v, int) else float(v))
        for k, v in metrics.summarize({k: np.asarray(v) for k, v in scores.items()}).items()
    }


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table."""
    head = (
        "| method | column | n | PSNR dB (95 %) | SSIM | ΔE00 (95 %) | colourfulness | "
        "RMS Fx-y | NFE | s a picture |\n|---|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(_row(r) for r in rows) + "\n"


def _row(r: dict) -> str:
    def span(k, digits):
        return f"{r[k]:.{digits}f} ({r[k + '_low']:.{digits}f}-{r[k + '_high']:.{digits}f})"

    return (
        f"| {r['method']} | {r['column']} | {r['n']} | {span('psnr', 2)} | {r['ssim']:.4f} | "
        f"{span('delta_e', 2)} | {r['colourfulness']:.1f} | {r['residual']:.1e} | "
        f"{r['nfe'] or ''} | {r['seconds'] or ''} |"
    )


def write_json(path, rows: list[dict], **about) -> None:
    """The rows and how they came about, by rename; an infinite PSNR is null there."""
    part = Path(f"{path}.part")
    plain = [{k: None if v in (INF, -INF) else v for k, v in row.items()} for row in rows]
    part.write_text(json.dumps({**about, "rows": plain}, indent=1, allow_nan=False) + "\n")
    os.replace(part, path)
