"""The traces of a run under its pictures: noise level, consistency and PSNR, step by step."""

import math

from PIL import Image, ImageDraw

from .drawing import BLUE, GREEN, INK, ORANGE, PAPER, font


def traces(rows, total: int, size=(760, 150)) -> Image.Image:
    """sigma (solid) and RMS |Fx - y| (dashed) on a log scale; PSNR beside them if it is known."""
    k = 2  # drawn twice as large and reduced: smooth lines
    page = Image.new("RGB", (k * size[0], k * size[1]), PAPER)
    known = bool(rows) and "psnr" in rows[0]
    w, h = page.size
    split = round(w * (0.62 if known else 1.0))
    at = [r["step"] / max(total, 1) for r in rows]
    lines = [
        ([_log(r["sigma"]) for r in rows], BLUE, None),
        ([_log(r["residual"]) for r in rows], ORANGE, (10 * k, 6 * k)),
    ]
    _plot(page, (0, 0, split, h), at, lines, k, lambda v: f"1e{v:+.0f}", total, whole=True)
    _legend(page, (split - 8 * k, 4 * k), k)
    if known:
        lines = [([r["psnr"] for r in rows], GREEN, None)]
        _plot(page, (split, 0, w, h), at, lines, k, lambda v: f"{v:.3g}", total)
        pen = ImageDraw.Draw(page)
        pen.text(
            (w - 8 * k, 4 * k), f"PSNR {rows[-1]['psnr']:.2f} dB", GREEN, font(11 * k), anchor="ra"
        )
    return page.resize(size, Image.Resampling.LANCZOS)


def _log(value: float) -> float:
    return math.log10(max(value, 1e-6))


def _legend(page, right_top, k: int) -> None:
    pen, (x, y) = ImageDraw.Draw(page), right_top
    pen.text((x, y), "- -  RMS |Fx - y|", ORANGE, font(11 * k), anchor="ra")
    pen.text((x - 130 * k, y), "—  σ", BLUE, font(11 * k), anchor="ra")


def _plot(page, box, at, lines, k: int, name, total: int, whole: bool = False) -> None:
    """Axes and lines: ``at`` in [0,1], values in their own unit, labels by ``name``."""
    left, top, right, bottom = box[0] + 44 * k, 22 * k, box[2] - 8 * k, box[3] - 20 * k
    pen = ImageDraw.Draw(page)
    values = [v for ys, _, _ in lines for v in ys if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(values), max(values)
    low, high = (math.floor(low), math.ceil(high)) if whole else (low - 0.2, high + 0.2)
    high = max(high, low + 1e-9)
    for v in (low, (low + high) // 2 if whole else (low + high) / 2, high):
        y = bottom - (v - low) / (high - low) * (bottom - top)
        pen.line([(left, y), (right, y)], "#e4e4e4", k)
        pen.text((left - 5 * k, y), name(v), INK, font(10 * k), anchor="rm")
    pen.text((left, bottom + 4 * k), "step 0", INK, font(10 * k))
    pen.text((right, bottom + 4 * k), str(total), INK, font(10 * k), anchor="ra")
    for ys, colour, dash in lines:
        points = [
            (
                left + a * (right - left),
                bottom - (min(v, high) - low) / (high - low) * (bottom - top),
            )
            for a, v in zip(at, ys, strict=True)
            if math.isfinite(v)
        ]
        _line(pen, points, colour, 2 * k, dash)


def _line(pen, points, colour, width: int, dash) -> None:
    if len(points) == 1:
        (x, y), r = points[0], width
        pen.ellipse([x - r, y - r, x + r, y + r], fill=colour)
    elif dash is None:
        pen.line(points, colour, width, joint="curve")
    else:
        for part in dashes(points, *dash):
            pen.line(part, colour, width)


def dashes(points, on: float, off: float):
    """The drawn pieces of a dashed polyline, each [(x,y), (x,y)]."""
    travelled = 0.0
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        length = math.hypot(x1 - x0, y1 - y0)
        s = 0.0
        while s < length:
            phase = (travelled + s) % (on + off)
            piece = (on - phase) if phase < on else (on + off - phase)
            end = min(s + max(piece, 1e-6), length)
            if phase < on:
                a, b = s / length, end / length
                yield [
                    (x0 + a * (x1 - x0), y0 + a * (y1 - y0)),
                    (x0 + b * (x1 - x0), y0 + b * (y1 - y0)),
                ]
            s = end
        travelled += length
