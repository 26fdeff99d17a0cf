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
    w, h = size
    rows = math.ceil(len(versions) / 4)
    h = max(h, rows * 120) if len(versions) > 12 else h  # many versions make a longer page
    page = Image.new("RGB", (w, h), PAPER)
    side = round(0.24 * w)
    paste_grid(page, (0, 0, side, size[1]), references, reference_captions, 1)
    aspect = versions[0].width / versions[0].height
    columns = best_columns(len(versions), w - side - 2 * GAP, h, aspect)
    paste_grid(page, (side + 2 * GAP, 0, w, h), versions, captions, columns)
    return page


def empty(words: str, size=(760, 430)) -> Image.Image:
    """A board without pictures, and why."""
    page = Image.new("RGB", size, PAPER)
    ImageDraw.Draw(page).text((size[0] / 2, size[1] / 2), words, INK, font(13), anchor="mm")
    return page


def pair(first, second, size=(760, 430)) -> Image.Image:
    """Two (picture, caption) side by side."""
    page = Image.new("RGB", size, PAPER)
    paste_grid(page, (0, 0, *size), *zip(first, second, strict=True), columns=2)
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
