"""Pictures of pictures, drawn with Pillow: a frame has to be ready in a few milliseconds."""

import io
import math
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK, FAINT, PAPER = "#1b1b1b", "#9a9a9a", "#ffffff"
BLUE, ORANGE, GREEN = "#0f4c81", "#c2570c", "#3b7a3e"
CAPTION, GAP = 18, 8  # pixels


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which has Greek and comes with matplotlib."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", size)


def to_image(x) -> Image.Image:
    """A tensor or array (3,h,w) or (1,h,w) as an 8-bit RGB picture, clipped to [0,1]."""
    a = np.clip(np.asarray(x, dtype=np.float32), 0, 1)
    a = np.rint(255 * a).astype(np.uint8)
    return Image.fromarray(np.moveaxis(np.broadcast_to(a, (3, *a.shape[1:])), 0, -1).copy())


def encode(image: Image.Image, quality: int = 88) -> bytes:
    """JPEG bytes without chroma subsampling: colour is what we look at."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """The largest size inside width x height that keeps the aspect."""
    k = min(width / image.width, height / image.height)
    size = max(1, round(image.width * k)), max(1, round(image.height * k))
    return image if size == image.size else image.resize(size, Image.Resampling.BICUBIC)


def best_columns(n: int, width: float, height: float, aspect: float) -> int:
    """How many columns make n equal pictures of ``aspect`` (w/h) largest in a box."""

    def tile_width(columns: int) -> float:
        rows = math.ceil(n / columns)
        tall = (height - rows * (CAPTION + GAP)) / rows
        return min((width - (columns - 1) * GAP) / columns, tall * aspect)

    return max(range(1, n + 1), key=tile_width)


def paste_grid(page: Image.Image, box, images, captions, columns: int) -> None:
    """Equal cells of a grid in ``box`` (left, top, right, bottom), each with its caption below."""
    left, top, right, bottom = box
    rows = math.ceil(len(images) / columns)
    w = (right - left - (columns - 1) * GAP) / columns
    h = (bottom - top) / rows - CAPTION - GAP
    pen = ImageDraw.Draw(page)
    for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
        x, y = left + (i % columns) * (w + GAP), top + (i // columns) * (h + CAPTION + GAP)
        small = fit(image, max(1, int(w)), max(1, int(h)))
        at = round(x + (w - small.width) / 2), round(y + (h - small.height) / 2)
        page.paste(small, at)
        pen.text((x + w / 2, at[1] + small.height + 3), caption, INK, font(12), anchor="ma")


def board(references, reference_captions, versions, captions, size=(760, 430)) -> Image.Image:
    """Grey photo (and truth) in a narrow column, the colour versions as large as they fit."""
    page = Image.new("RGB", size, PAPER)
    w, h = size
    side = round(0.24 * w)
    paste_grid(page, (0, 0, side, h), references, reference_captions, 1)
    aspect = versions[0].width / versions[0].height
    columns = best_columns(len(versions), w - side - 2 * GAP, h, aspect)
    paste_grid(page, (side + 2 * GAP, 0, w, h), versions, captions, columns)
    return page


def empty(words: str, size=(760, 430)) -> Image.Image:
    """A board without pictures, and why."""
    page = Image.new("RGB", size, PAPER)
    ImageDraw.Draw(page).text((size[0] / 2, size[1] / 2), words, INK, font(13), anchor="mm")
    return page


def curtain(before: Image.Image, after: Image.Image, share: float, words: str, size=(760, 430)):
    """Before on the left, after on the right, divided at ``share`` of the width."""
    page = Image.new("RGB", size, PAPER)
    after = fit(after, size[0], size[1] - CAPTION - GAP)
    before = before.resize(after.size, Image.Resampling.BICUBIC)
    cut = round(share * after.width)
    both = after.copy()
    both.paste(before.crop((0, 0, cut, after.height)), (0, 0))
    pen = ImageDraw.Draw(both)
    pen.line([(cut, 0), (cut, after.height)], PAPER, 3)
    pen.line([(cut, 0), (cut, after.height)], INK, 1)
    left = (size[0] - after.width) // 2
    page.paste(both, (left, 0))
    pen = ImageDraw.Draw(page)
    pen.text((left, after.height + 3), "before: grey", INK, font(12))
    pen.text((left + after.width, after.height + 3), words, INK, font(12), anchor="ra")
    return page


# -- maps --------------------------------------------------------------------------------------


def scale_top(levels, least: float = 5.0) -> float:
    """The end of a map's scale: the first of 5, 10, 20, 40, ... that 99 % of the values are under,
    so that maps of much the same spread can be compared."""
    high = float(np.quantile(levels, 0.99))
    return least * 2.0 ** max(0, math.ceil(math.log2(max(high, 1e-9) / least)))


def heat(values, top: float, size: tuple[int, int]) -> Image.Image:
    """An array (h,w) from 0 (dark) to ``top`` (light) as a picture of ``size`` (width, height);
    values are enlarged first and coloured then, so that no colour outside the scale arises."""
    large = Image.fromarray(np.asarray(values, np.float32)).resize(size, Image.Resampling.BILINEAR)
    shares = np.clip(np.asarray(large) / top, 0, 1)
    colours = matplotlib.colormaps["inferno"](shares)[..., :3]
    return to_image(np.moveaxis(colours, -1, 0))


def heat_page(reference: Image.Image, levels, caption: str, size=(760, 430)) -> Image.Image:
    """The photo in a narrow column, the map ``levels`` (h,w) as large as it fits, and its scale."""
    page, (w, h) = Image.new("RGB", size, PAPER), size
    side, bar = round(0.24 * w), 70
    paste_grid(page, (0, 0, side, h), [reference], ["grey photo"], 1)
    left, room, tall = side + 2 * GAP, w - side - 2 * GAP - bar, h - CAPTION - GAP
    k = min(room / levels.shape[1], tall / levels.shape[0])
    top, wide = scale_top(levels), tuple(max(1, round(n * k)) for n in levels.shape[::-1])
    at = left + (room - wide[0]) // 2, (tall - wide[1]) // 2
    page.paste(heat(levels, top, wide), at)
    pen = ImageDraw.Draw(page)
    pen.text((at[0] + wide[0] / 2, at[1] + wide[1] + 3), caption, INK, font(12), anchor="ma")
    _scale(page, (w - bar + 2 * GAP, 3 * GAP, 14, tall - 5 * GAP), top)
    return page


def _scale(page: Image.Image, box, top: float) -> None:
    """A colour bar (left, top, width, height) from ``top`` levels above down to 0."""
    left, upper, width, height = box
    page.paste(heat(np.linspace(top, 0, height)[:, None], top, (width, height)), (left, upper))
    pen = ImageDraw.Draw(page)
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = upper + (1 - share) * (height - 1)
        pen.text((left + width + 4, y), f"{share * top:g}", INK, font(10), anchor="lm")
    pen.text((left, upper - 6), "levels", INK, font(10), anchor="ls")


# -- traces ------------------------------------------------------------------------------------


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
