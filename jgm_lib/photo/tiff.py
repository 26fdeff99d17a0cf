"""TIFF files that Pillow cannot read or would clip, by tifffile."""

import importlib.util
import io
import zlib
from collections.abc import Iterable

import numpy as np
import tifffile

from .raw import ALLOWED, Raw, check_size, fail

LZW = 5
COMPRESSIONS = (1, LZW, 8, 32773, 32946)  # none, LZW, deflate, PackBits, old deflate
WHITE_IS_ZERO, PLANAR = (262, 0), (284, 2)  # TIFF tags and their values
STRIPS, TILES = (273, 279), (324, 325)  # TIFF tags: where the data lie, how long they are


def decode_tiff(fp: io.BufferedIOBase, name: str, max_pixels: int) -> Raw:
    """First page of a TIFF file that Pillow can't open: float or 32-bit RGB, 16-bit planes."""
    fp.seek(0)
    with tifffile.TiffFile(fp) as tiff:
        page = tiff.pages[0]
        check_size(name, page.imagewidth, page.imagelength, max_pixels)
        check_size(name, page.tilewidth or 1, page.tilelength or 1, max_pixels)
        _check_page(page, name)
        _check_segments(fp, page, name)
        values = page.asarray(maxworkers=1)
        tags = {code: page.tags[code].value for code in (274, 34675) if code in page.tags}
        if page.axes == "SYX":
            values = np.moveaxis(values, 0, -1)
    values = values.reshape(page.imagelength, page.imagewidth, -1)  # (H,W,S)
    top = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
    if int(page.photometric) == WHITE_IS_ZERO[1]:
        values = values.dtype.type(top) - values
    colours = 3 if values.shape[-1] > 2 else 1
    extra = page.extrasamples or ((2,) if values.shape[-1] > colours else ())
    alpha = values[..., colours] if extra and int(extra[0]) in (1, 2) else None
    return Raw(
        values[..., :colours], top, alpha, tags.get(34675), int(tags.get(274, 1)),
        premultiplied=alpha is not None and int(extra[0]) == 1,
    )  # fmt: skip


def _check_page(page: tifffile.TiffPage, name: str) -> None:
    kind = page.dtype.name if page.dtype else "unknown"
    if not kind.startswith(("uint", "float")) or int(page.photometric) not in (0, 1, 2):
        text = f"TIFF of pixel type {kind}, photometric {int(page.photometric)}, is not supported"
        raise fail(name, f"{text}; allowed: grey or RGB, unsigned integers or floats")
    if page.samplesperpixel > 8 or page.imagedepth != 1:
        raise fail(name, f"TIFF of {page.samplesperpixel} channels; allowed: 1 to 4")
    if int(page.compression) not in COMPRESSIONS:
        text = f"TIFF compression {int(page.compression)} is not supported for this pixel type"
        raise fail(name, f"{text}; allowed: none or deflate")
    if page.predictor == 3 and not _with_imagecodecs():
        raise fail(name, "TIFF with the floating-point predictor needs `pip install imagecodecs`")
    if int(page.compression) == LZW and not _with_imagecodecs():
        raise fail(name, "TIFF with LZW of this pixel type needs `pip install imagecodecs`")


def _with_imagecodecs() -> bool:
    """Whether tifffile finds the package it takes for the rarer compressions."""
    return importlib.util.find_spec("imagecodecs") is not None


def check_length(fp: io.BufferedIOBase, data: Iterable[tuple[int, int]], name: str) -> None:
    """Refuse a file that ends before its (start, size) pieces of data do."""
    place, end = fp.tell(), fp.seek(0, io.SEEK_END)
    fp.seek(place)
    needed = max((start + size for start, size in data), default=0)
    if needed > end:
        raise fail(name, f"cut off: {end} bytes of at least {needed}; {ALLOWED}")


def _check_segments(fp: io.BufferedIOBase, page: tifffile.TiffPage, name: str) -> None:
    """Refuse a file that is too short, or whose deflate strips unpack to more than they should."""
    check_length(fp, zip(page.dataoffsets, page.databytecounts, strict=True), name)
    height = page.tilelength or min(page.rowsperstrip, page.imagelength)
    room = (page.tilewidth or page.imagewidth) * height
    room *= page.samplesperpixel * page.bitspersample // 8
    for start, size in zip(page.dataoffsets, page.databytecounts, strict=True):
        if int(page.compression) in (8, 32946):
            fp.seek(start)
            if len(zlib.decompressobj().decompress(fp.read(size), room + 1)) > room:
                raise fail(name, f"a strip unpacks to more than its {room} bytes; {ALLOWED}")
