"""Lesson 12: what a packed set, a training step and a sweep cost; the small sweep itself."""

import functools
import io
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from jgm_lib.cards import read_train_card
from jgm_lib.data import samples
from jgm_lib.data.packed import FORMAT
from jgm_lib.data.toy import ToyScenes
from jgm_lib.networks import build
from jgm_lib.params import TrainCard, validate

from ..plots import line, panels
from ..sweep import sweep
from .one_weight import ONE_WEIGHT

HATCHES = ("", "///", "...", "xx", "\\\\")
GREYS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
SMALL = {
    "name": "small",
    "settings": {"widths": [16, 32]},
    "size": 32,
    "batch": 8,
    "schedule": "constant",
    "warmup": 5,
}


# -- packing -----------------------------------------------------------------------------------


def write_pictures(folder, n: int, size: int, seed: int) -> Path:
    """n toy scenes and the package photographs as files; one photograph cut off, as it happens."""
    folder = Path(folder)
    for name in ("toy", "photos"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    pixels = (ToyScenes(size).sample(n, seed).images * 255).round().byte()  # (n,3,S,S)
    for i, x in enumerate(pixels.permute(0, 2, 3, 1).numpy()):
        Image.fromarray(x).save(folder / "toy" / f"{i:05d}.png")
    for name in samples.names(grey=False):
        samples.load(name).save(folder / "photos" / f"{name}.jpg", quality=90)
    whole = (folder / "photos" / "coffee.jpg").read_bytes()
    (folder / "photos" / "broken.jpg").write_bytes(whole[: len(whole) // 3])
    return folder


def hollow_set(folder, count: int, size: int) -> Path:
    """A packed set whose pictures were never written: the file system keeps only its length."""
    path = Path(folder) / f"hollow-{size}.npy"
    shape = (count, size, size, 3)
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    card = {"format": FORMAT, "name": "hollow", "size": size, "count": count, "holdout": []}
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def resident_bytes(path) -> int | None:
    """How much of a mapped file this process holds in memory (Linux); elsewhere None."""
    try:
        lines = Path("/proc/self/smaps").read_text().splitlines()
    except OSError:
        return None
    total, ours = 0, False
    for text in lines:
        if "-" in text.split(" ")[0]:  # the head of a mapping: address range ... path
            ours = text.endswith(str(Path(path).resolve()))
        elif ours and text.startswith("Rss:"):
            total += 1024 * int(text.split()[1])
    return total


# -- one training step -------------------------------------------------------------------------


def training_card(card) -> TrainCard:
    """The training that the lesson measures: a bundled card or the small UNet."""
    if card.training:
        return read_train_card(card.training, steps=card.steps)
    return validate(TrainCard, {**SMALL, "steps": card.steps, "seed": card.seed})


def device_wish(card, precision: str = "no") -> SimpleNamespace:
    """What lesson 04's ``check_device`` and ``accelerator_of`` look at."""
    return SimpleNamespace(device=card.device, processes=1, precision=precision)


class Cost(NamedTuple):
    """What one picture costs in training, in float32."""

    parameters: int
    forward: int  # additions and multiplications
    step: int  # forward and backward
    kept: int  # bytes that autograd keeps of the forward pass


def cost_of(card: TrainCard) -> Cost:
    """The cost of a card's network on paper: it is built and run without numbers, shapes only."""
    return _cost(card.network, json.dumps(card.settings), card.size)


@functools.cache
def _cost(network: str, settings: str, size: int) -> Cost:
    with torch.device("meta"):
        model = build(network, **json.loads(settings))
        X, sigma = torch.empty(1, model.channels, size, size), torch.empty(1)
    level = torch.zeros(1, dtype=torch.long)  # RefineNet looks at its value
    kept, own = {}, {p.untyped_storage()._cdata for p in model.parameters()}

    def keep(t):
        store = t.untyped_storage()
        if store._cdata not in own:
            kept[store._cdata] = store  # held, so that no address is used twice
        return t

    with FlopCounterMode(display=False) as counter:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
            out = model(X, level) if network == "refinenet" else model(X, sigma, sigma)
        forward = counter.get_total_flops()
        out.sum().backward()
        step = counter.get_total_flops()
    numbers = sum(p.numel() for p in model.parameters())
    return Cost(numbers, forward, step, sum(s.nbytes() for s in kept.values()))


def memory_parts(card: TrainCard, batch: int) -> dict[str, float]:
    """Bytes on one GPU in float32, without what the convolutions need for themselves."""
    cost = cost_of(card)
    weights = 4 * cost.parameters
    return {
        "weights": weights,
        "gradients": weights,
        "Adam's two averages": 2 * weights,
        "averaged weights (EMA)": weights,
        "activations": batch * cost.kept,
    }


# -- money and time ----------------------------------------------------------------------------


def hours(flop: float, pictures: float, gpus: int, tflops: float, scaling: float = 1.0) -> float:
    """Hours to train on that many pictures seen; ``flop`` of a forward pass, a step three times."""
    speed = tflops * 1e12 * gpus * (scaling if gpus > 1 else 1.0)
    return 3 * flop * pictures / speed / 3600


# -- figures -----------------------------------------------------------------------------------


def storage_figure(sets: dict[str, int], size: int) -> Figure:
    """Packed bytes and bytes as float32 of every set, on a logarithmic axis."""
    fig, axis = panels(1, 1, 7.0, 2.9)
    at = np.arange(len(sets))[::-1]
    gb = np.array(list(sets.values())) * 3 * size**2 / 1e9
    for shift, factor, name, k in ((0.2, 1, "packed, uint8", 0), (-0.2, 4, "as float32", 1)):
        style = dict(color=GREYS[k], hatch=HATCHES[k], edgecolor="white")
        bars = axis.barh(at + shift, gb * factor, 0.36, label=name, **style)
        axis.bar_label(bars, [f"{v * factor:,.1f}" for v in gb], padding=3, fontsize=8)
    axis.axvline(16, color="black", linestyle=":", label="a laptop's memory, 16 GB")
    axis.set(xscale="log", xlabel="GB", yticks=at, yticklabels=sets, xlim=(2, 4000))
    axis.legend(fontsize=8, loc="upper right")
    return fig


def memory_figure(bars: dict[str, dict[str, float]], limit_gb: float) -> Figure:
    """Stacked bars of ``memory_parts``, one a name, and the memory of the card."""
    fig, axis = panels(1, 1, 7.5, 2.7)
    left = np.zeros(len(bars))
    at = np.arange(len(bars))[::-1]
    for k, part in enumerate(next(iter(bars.values()))):
        width = np.array([b[part] / 1e9 for b in bars.values()])
        axis.barh(
            at, width, 0.6, left, label=part, color=GREYS[k], hatch=HATCHES[k], edgecolor="white"
        )
        left += width
    for y, total in zip(at, left, strict=True):
        axis.text(total + 0.15, y, f"{total:.1f}", va="center", fontsize=8)
    axis.axvline(limit_gb, color="black", linestyle="--", label=f"{limit_gb:g} GB")
    axis.set(xlabel="GB", yticks=at, yticklabels=bars, xlim=(0, 1.1 * max(left.max(), limit_gb)))
    axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig


def cost_figure(flops: dict[str, float], gpus, tflops: float, scaling: float, paper) -> Figure:
    """Hours against pictures seen, log-log: a colour and marker a network, a line a GPU count."""
    fig, axis = panels(1, 1, 8.0, 3.4)
    seen = np.geomspace(1e5, 1e8, 7)
    for k, (name, flop) in enumerate(flops.items()):
        for n, style in zip(gpus, ("-", "--", ":"), strict=True):
            look = line(k, markers=True) | {"linestyle": style, "markersize": 4}
            label = f"{name}, {n} GPU{'s' if n > 1 else ''}"
            axis.loglog(seen, hours(flop, seen, n, tflops, scaling), label=label, **look)
    axis.plot(*paper, "*", color="black", markersize=12, label="the paper: 20 h on two")
    for value, name in ((1, "an hour"), (24, "a day"), (24 * 30, "a month")):
        axis.axhline(value, color="0.75", linewidth=0.8)
        axis.text(1.05e8, value, name, fontsize=8, va="center")
    axis.set(xlabel="pictures seen", ylabel="hours", xlim=(1e5, 1e8))
    axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.14, 0.5))
    return fig


def rates_figure(rates: dict[str, np.ndarray]) -> Figure:
    """Learning rate by step and the share of the whole way walked so far."""
    fig, (left, right) = panels(1, 2, 3.6, 2.5)
    for k, (name, rate) in enumerate(rates.items()):
        left.semilogy(rate, label=name, **line(k))
        right.plot(rate.cumsum() / rate.sum(), **line(k))
    ticks = np.linspace(0, len(rate), 3)
    left.set(xlabel="step", ylabel="learning rate", xticks=ticks), left.legend(fontsize=8)
    right.set(xlabel="step", ylabel="share of the sum so far", xticks=ticks)
    return fig


# -- the sweep ---------------------------------------------------------------------------------


def curvatures(d2: float, sigmas) -> dict[str, list[float]]:
    """Second derivative in w of the denoising loss on pixels of variance d2, at each sigma.

    Unweighted and with lesson 04's weight for D = w x, and for its network's scaling around w,
    D = c_skip x + c_out w c_in x.
    """
    plain = [2 * (d2 + s**2) for s in sigmas]
    weighted = [c * (d2 + s**2) / (s**2 * d2) for c, s in zip(plain, sigmas, strict=True)]
    rows = {"D = w x, unweighted": plain, "D = w x, weighted": weighted}
    rows["scaled network, weighted"] = [2.0 for _ in sigmas]
    return {name: [round(c, 3) for c in row] for name, row in rows.items()}


def write_one_weight(folder) -> Path:
    """The little lesson of the sweep, in a folder of its own."""
    path = Path(folder) / "90_one_weight.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ONE_WEIGHT, encoding="utf-8")
    return path.parent


def sweep_by_two(card, out, folder, **options) -> tuple[list[dict], str]:
    """Two sweeps at once on one registry: the runs in the order of the grid, and what was said."""
    said = io.StringIO()
    with redirect_stdout(said), ThreadPoolExecutor(2) as pool:
        ours, _ = pool.map(lambda _: sweep(card, Path(out), Path(folder), **options), range(2))
    return list(ours.values()), said.getvalue()


def thumbnails(records, out) -> tuple[list, list[str]]:
    """Pictures of the runs that have one, and their titles."""
    good = [r for r in records if r["picture"]]
    pictures = []
    for r in good:
        with Image.open(Path(out) / r["picture"]) as image:
            pictures.append(image.convert("RGB"))
    titles = [f"sigma {r['parameters']['sigma']:g}, lr {r['parameters']['lr']:g}" for r in good]
    return pictures, titles
