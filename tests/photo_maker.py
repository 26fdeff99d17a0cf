"""Picture files and colour profiles made by hand for the tests."""

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

ADOBE_XYZ = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
D50 = (0.9642, 1.0, 0.8249)


def gamma(g: float) -> bytes:
    return b"curv" + struct.pack(">IIH", 0, 1, round(g * 256)) + b"\0\0"


def table(values) -> bytes:
    levels = [round(v * 65535) for v in values]
    return b"curv" + struct.pack(f">II{len(levels)}H", 0, len(levels), *levels)


def para(kind: int, *p: float) -> bytes:
    return b"para" + struct.pack(f">IHH{len(p)}i", 0, kind, 0, *(round(v * 65536) for v in p))


def xyz(values) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))


def lut(channels: int, function) -> bytes:
    """A 'mft2' table with two grid points an axis; ``function``: corner (0/1,...) -> L,a,b."""
    nodes = []
    for n in range(2**channels):
        L, a, b = function([n >> (channels - 1 - c) & 1 for c in range(channels)])
        nodes += [round(L * 652.8), round((a + 128) * 256), round((b + 128) * 256)]
    head = struct.pack(">4sI4B", b"mft2", 0, channels, 3, 2, 0)
    head += struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9))) + struct.pack(">HH", 2, 2)
    straight = struct.pack(">2H", 0, 65535)
    curves = straight * channels, straight * 3
    return head + curves[0] + struct.pack(f">{len(nodes)}H", *np.clip(nodes, 0, 65535)) + curves[1]


def profile(space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"wtpt": xyz(D50), **tags}
    kind = b"prtr" if b"A2B0" in tags else b"mntr"
    start, table_, body = 132 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table_ += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"lcms", 0x02400000, kind, space, pcs)
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">3i", *(round(v * 65536) for v in D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table_ + body


def rgb_profile(curve: bytes) -> bytes:
    """Adobe RGB (1998) primaries with any tone curve."""
    columns = {bytes([c]) + b"XYZ": xyz(v) for c, v in zip(b"rgb", ADOBE_XYZ, strict=True)}
    return profile(b"RGB ", b"XYZ ", columns | {bytes([c]) + b"TRC": curve for c in b"rgb"})


def grey_profile(curve: bytes) -> bytes:
    return profile(b"GRAY", b"XYZ ", {b"kTRC": curve})


def cmyk_profile() -> bytes:
    """Four inks that only differ in how much light they take, and yellow that is yellow."""

    def colour(inks):
        c, m, y, k = inks
        L = 100 * (1 - 0.4 * c) * (1 - 0.5 * m) * (1 - 0.1 * y) * (1 - 0.9 * k)
        return L, (60 * m - 40 * c) * (1 - k), (80 * y - 40 * c) * (1 - k)

    return profile(b"CMYK", b"Lab ", {b"A2B0": lut(4, colour)})


def rgb_table_profile() -> bytes:
    return profile(b"RGB ", b"Lab ", {b"A2B0": lut(3, lambda c: (100 * sum(c) / 3, 0, 0))})


def rgb_both_profile() -> bytes:
    """Adobe RGB as matrix and curves, beside a table that knows only greys: the table counts."""
    columns = {bytes([c]) + b"XYZ": xyz(v) for c, v in zip(b"rgb", ADOBE_XYZ, strict=True)}
    curves = {bytes([c]) + b"TRC": gamma(2.2) for c in b"rgb"}

    def grey(corner):  # XYZ, in the units that ``lut`` expects of L, a and b
        x, y, z = (sum(corner) / 3 * white for white in D50)
        return x * 32768 / 652.8, y * 128 - 128, z * 128 - 128

    return profile(b"RGB ", b"XYZ ", columns | curves | {b"A2B0": lut(3, grey)})


# --- files ------------------------------------------------------------------------------------


def saved(im, kind, **options) -> bytes:
    im = im if isinstance(im, Image.Image) else Image.fromarray(im)
    buffer = io.BytesIO()
    im.save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(values, **options) -> bytes:
    buffer = io.BytesIO()
    options.setdefault("photometric", "rgb" if values.ndim == 3 else "minisblack")
    tifffile.imwrite(buffer, values, metadata=None, **options)
    return buffer.getvalue()


def lzw(data: bytes) -> bytes:
    """Valid LZW without compression: 9-bit literals, the table cleared before it grows."""
    codes = []
    for i in range(0, len(data), 200):
        codes += [256, *data[i : i + 200]]
    bits = "".join(f"{c:09b}" for c in [*codes, 257])
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    crc = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + crc


def png_grey(values, depth: int, extra=b"") -> bytes:
    """A grey PNG of 1, 2 or 4 bits a pixel; values (H,W) of 0..2^depth - 1."""
    bits = values[..., None] >> np.arange(depth)[::-1] & 1  # (H,W,depth)
    rows = np.packbits(bits.reshape(len(values), -1).astype(np.uint8), axis=1)
    head = struct.pack(">2I5B", values.shape[1], values.shape[0], depth, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    body = extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body


def png16(values, extra=b"", interlaced=False) -> bytes:
    """A 16-bit PNG written by the book (not by the library): filter 0, any colour type."""
    height, width = values.shape[:2]
    planes = values.reshape(height, width, -1).astype(">u2")
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[planes.shape[-1]]
    steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
             (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]  # fmt: skip
    parts = [planes[a::c, b::d] for a, b, c, d in steps]
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)

    head = chunk(b"IHDR", struct.pack(">2I5B", width, height, 16, colour, 0, 0, interlaced))
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + extra + body


def levels(a, top=255):
    return np.rint(np.asarray(a, np.float64) * top).astype(int)
