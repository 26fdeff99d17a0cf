"""Lesson 05: colouring a set of photographs, the contact sheet, Algorithm 1 on film, lambda_0."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image, ImageDraw

from jgm_lib.colorize import Result, trace_row
from jgm_lib.errors import JGMError
from jgm_lib.metrics import ciede2000, colourfulness, psnr
from jgm_lib.params import ColorizeCard
from jgm_lib.photo.enlarge import reduce
from jgm_lib.widgets import engine
from jgm_lib.widgets.album import open_picture
from jgm_lib.widgets.drawing import INK, PAPER, font
from jgm_lib.widgets.engine import compute

from ..plots import film_strip, line, panels

# -- the demonstration ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Coloured:
    """One photograph: its full-size result, the files written, and one row of numbers a picture.

    ``table``: name -> {"psnr", "delta_e", "colourfulness"} at full size, against the truth (the
    first two are missing when no truth is known).
    """

    name: str
    result: Result
    paths: list[Path]
    table: dict[str, dict]


def available(names) -> list[str]:
    """Those pictures that are installed here; JGMError if a name is unknown or none is there."""
    found, reasons = [], []
    for name in names:
        try:
            open_picture(name)
            found.append(name)
        except JGMError as error:
            if "unknown" in str(error) or "toy" in name:
                raise
            reasons.append(str(error))
    if not found:
        raise JGMError("none of the pictures is installed: " + "; ".join(reasons))
    return found


def colour_all(card: ColorizeCard, names, out) -> Iterator[Coloured]:
    """Colour the named photographs one after another and write STEM_1.png ... into ``out``."""
    for name in names:
        result = compute(card, open_picture(name))
        paths = result.save(Path(out), stem=name, force=True, mean=False)
        yield Coloured(name, result, paths, numbers(result, paths))


def numbers(result: Result, paths) -> dict[str, dict]:
    """PSNR, CIEDE2000 and colourfulness of truth, grey replica and each written version."""
    grey = result.y.expand(3, -1, -1)
    pictures = {"grey": grey}
    if not result.photo.is_grey:
        pictures["truth"] = torch.from_numpy(result.photo.rgb()).movedim(-1, 0)
    pictures |= {str(i + 1): read(path) for i, path in enumerate(paths)}
    truth = pictures.get("truth")
    return {
        name: _scores(x[None], None if name == "truth" else truth) for name, x in pictures.items()
    }


def read(path) -> torch.Tensor:
    """A written PNG as (3,H,W) in [0,1]."""
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image.convert("RGB"), np.float32) / 255).movedim(-1, 0)


def _scores(x, truth) -> dict:
    scores = {"colourfulness": float(colourfulness(x)[0])}
    if truth is not None:
        scores["psnr"] = float(psnr(x, truth[None])[0])
        scores["delta_e"] = float(ciede2000(x, truth[None])[0])
    return scores


def contact_sheet(rows: list[Coloured], width: int = 200) -> Image.Image:
    """A row a photograph: truth, grey, versions; under each its numbers. ``width`` of a tile."""
    columns = 2 + max(len(r.paths) for r in rows)
    strips = [_strip(row, columns, width) for row in rows]
    page = Image.new("RGB", (strips[0].width, sum(s.height for s in strips)), PAPER)
    top = 0
    for strip in strips:
        page.paste(strip, (0, top))
        top += strip.height
    return page


def _strip(row: Coloured, columns: int, width: int, gap: int = 6, text: int = 42) -> Image.Image:
    y = row.result.y
    height = round(width * y.shape[-2] / y.shape[-1])
    tiles = [
        ("truth", None if row.result.photo.is_grey else row.result.photo.rgb()),
        ("grey", y.expand(3, -1, -1).movedim(0, -1).numpy()),
    ]
    tiles += [(str(i + 1), read(p).movedim(0, -1).numpy()) for i, p in enumerate(row.paths)]
    page = Image.new("RGB", (columns * (width + gap) - gap, height + text), PAPER)
    pen = ImageDraw.Draw(page)
    for i, (name, pixels) in enumerate(tiles):
        left = i * (width + gap)
        if pixels is not None:
            image = Image.fromarray(np.rint(255 * np.asarray(pixels)).astype(np.uint8))
            page.paste(image.resize((width, height), Image.Resampling.LANCZOS), (left, 0))
        for k, caption in enumerate(_captions(row, name)):
            pen.text((left, height + 3 + 16 * k), caption, INK, font(11))
    return page


def _captions(row: Coloured, name: str) -> tuple[str, str]:
    title = {"truth": f"{row.name}: truth", "grey": "grey photograph", "1": "1 (consensus)"}
    scores = row.table.get(name, {})
    parts = [f"{scores[k]:.1f}{unit}" for k, unit in (("psnr", " dB"),) if k in scores]
    parts += [f"ΔE {scores['delta_e']:.1f}"] if "delta_e" in scores else []
    parts += [f"C {scores['colourfulness']:.0f}"] if scores else []
    return title.get(name, name), "  ".join(parts)


def psnr_columns(rows: list[Coloured]) -> dict[str, list[float]]:
    """What can be reported as "the PSNR", one value a photograph with known colours, full size."""
    columns = {"grey replica": [], "one version": [], "mean of n": [], "best of n (oracle)": []}
    for row in (r for r in rows if not r.result.photo.is_grey):
        one = [row.table[str(i + 1)]["psnr"] for i in range(len(row.paths))]
        values = (
            row.table["grey"]["psnr"],
            float(np.mean(one)),
            row.result.psnr(row.result.samples.mean(0)),
            max(one),
        )
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return columns


def error_and_spread(result: Result) -> tuple[float, float, float]:
    """Mean square error of a draw, of the mean of the draws, and the spread of the draws, at the
    prior's size (NaN for a grey photo). The first is the sum of the others."""
    x = result.samples.double()
    if result.photo.is_grey:
        return (float("nan"),) * 3
    truth = torch.from_numpy(result.photo.rgb()).movedim(-1, 0)
    truth = reduce(truth, *x.shape[-2:]).double()
    mean = x.mean(0)
    errors = (
        (x - truth).square().mean(),
        (mean - truth).square().mean(),
        (x - mean).square().mean(),
    )
    return tuple(float(e) for e in errors)


# -- Algorithm 1 ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Film:
    """A run of Algorithm 1: frames at the end of each level, and the trace of every step."""

    sigmas: list[float]
    pictures: list[torch.Tensor]  # (3,h,w), the state's picture
    gradients: list[torch.Tensor]  # (3,h,w), the vertical colour gradient, made visible
    trace: list[dict]


def film(card: ColorizeCard, photo, **changes) -> Film:
    """Run Algorithm 1 (one version) with the card's knobs and keep the last step of each level."""
    card = engine.plain(card.model_copy(update={"sampler": "langevin", "n": 1, **changes}))
    what, tool = engine.subject(card, photo), engine.colorizer(card.weights)
    reel = Film([], [], [], [])
    for state in tool.draw(what.inside, what.y_small, what.f, card):
        reel.trace.append(trace_row(state, what.truth))
        if state.step % card.T == 0:
            reel.sigmas.append(state.sigma)
            reel.pictures.append(state.x[0].clamp(0, 1).cpu())
            reel.gradients.append((0.5 + 2 * state.X[0, 3:6]).clamp(0, 1).cpu())
    return reel


def film_figure(reel: Film) -> Figure:
    """Fig 4 in our manner: the picture and one of its gradient channels, level by level."""
    titles = [f"σ = {s:.2g}" for s in reel.sigmas]
    rows = [[_square(p) for p in row] for row in (reel.pictures, reel.gradients)]
    return film_strip(rows, titles, ["x", "∇₁x"])


def _square(x: torch.Tensor) -> torch.Tensor:
    """The middle square of a picture (3,h,w)."""
    h, w = x.shape[-2:]
    side, top, left = min(h, w), max(0, h - w) // 2, max(0, w - h) // 2
    return x[:, top : top + side, left : left + side]


def trace_figure(traces: dict[str, list[dict]]) -> Figure:
    """sigma, RMS |Fx - y| and, if known, PSNR against the evaluations, a line a run."""
    keys = {"sigma": "σ", "residual": "RMS |Fx − y|", "psnr": "PSNR (dB)"}
    known = [k for k in keys if all(k in rows[0] for rows in traces.values())]
    fig, axes = panels(1, len(known), 3.1, 2.3)
    for axis, key in zip(np.atleast_1d(axes), known, strict=True):
        for k, (name, rows) in enumerate(traces.items()):
            values = [max(r[key], 1e-8) if key != "psnr" else r[key] for r in rows]
            axis.plot([r["nfe"] for r in rows], values, label=name, **line(k))
        axis.set(xlabel="network evaluations", title=keys[key])
        if key != "psnr":
            axis.set_yscale("log")
    np.atleast_1d(axes)[0].legend(fontsize=7)
    return fig


def pipeline_figure() -> Figure:
    """Fig 3: prior learning above, iterative colorization below, with the two loops of Algorithm 1."""
    fig = Figure(figsize=(9.2, 3.6), layout="constrained")
    axis = fig.add_subplot()
    axis.set(xlim=(0, 100), ylim=(-7, 40))
    axis.set_axis_off()
    axis.text(0, 38, "learning the prior (lesson 04)", fontsize=9, weight="bold", va="top")
    axis.text(0, 19.5, "colouring a photograph (Algorithm 1)", fontsize=9, weight="bold", va="top")
    top = ["colour picture x", "X = [x, ∇₁x, ∇₂x]", "X + σ z", "network\nat σ", "score\nof X + σ z"]
    _chain(axis, top, 27)
    low = [
        "noise X",
        "consistency\nF X against y\nEq 13",
        "Langevin step\nscore and Eq 13\nEq 12",
        "fusion\nEq 14",
        "colour x",
    ]
    _chain(axis, low, 7.5)
    _loop(axis, 55, 26, 6.5, "--", "T steps at σᵢ", 1.6)
    _loop(axis, 69.5, 24, 6.5, ":", "L times, with the next smaller σᵢ", -5.3)
    axis.annotate("", (51, 15.6), (82, 26.2), arrowprops={"arrowstyle": "->", "linestyle": "-."})
    return fig


def _loop(axis, start: float, end: float, y: float, style: str, text: str, low: float) -> None:
    """A way back below the boxes, from x = start to x = end, at height ``low``, with its label."""
    axis.plot([start, start, end], [y, low, low], color="0.2", linewidth=1, linestyle=style)
    arrow = {"arrowstyle": "->", "color": "0.2", "linestyle": style}
    axis.annotate("", (end, y), (end, low), arrowprops=arrow)
    axis.text((start + end) / 2, low + 0.4, text, fontsize=8, ha="center", va="bottom")


def _chain(axis, texts, y: float) -> None:
    """Boxes from left to right with arrows between them."""
    for i, text in enumerate(texts):
        x = 20.5 * i
        axis.add_patch(FancyBboxPatch((x + 1, y), 14, 7.5, "round,pad=0.5", fc="0.94", ec="0.25"))
        axis.text(x + 8, y + 3.7, text, ha="center", va="center", fontsize=8)
        if i:
            arrow = {"arrowstyle": "->", "color": "0.2"}
            axis.annotate("", (x + 0.4, y + 3.7), (x - 4.9, y + 3.7), arrowprops=arrow)


# -- lambda_0 ------------------------------------------------------------------------------------


def luma_balance(S: float, sigma: float, lam: float) -> tuple[float, float]:
    """Where Eq 12 settles along luma when the prior is N(0, S) and the photograph says y.

    The drift is -X/(S + sigma^2) - lam (X - y)/sigma^2, linear, so the chain settles at a Gaussian.
    Returns (mean / y, variance / sigma^2); right would be (1, 1): y under noise sigma.
    """
    pull, hold = 1 / (S + sigma**2), lam / sigma**2
    return hold / (pull + hold), 1 / (pull + hold) / sigma**2


def balance_figure(S: float, sigmas, lams) -> Figure:
    """Both numbers of ``luma_balance`` against lambda_0, a line a noise level."""
    fig, axes = panels(1, 2, 3.6, 2.4)
    for k, sigma in enumerate(sigmas):
        values = np.array([luma_balance(S, sigma, lam) for lam in lams])
        for axis, column in zip(axes, values.T, strict=True):
            axis.semilogx(lams, column, label=f"σ = {sigma:g}", **line(k))
    axes[0].set(title="mean, as a share of y", xlabel="λ₀")
    axes[1].set(title="variance / σ²", xlabel="λ₀", yscale="log")
    axes[1].legend(fontsize=8)
    return fig


def pull_back(number: float, steps: int) -> np.ndarray:
    """An error of 1 after 0 ... steps Langevin steps without noise, X <- X - number X."""
    return (1 - number) ** np.arange(steps + 1)
