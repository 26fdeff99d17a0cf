"""Colour points: places of a photograph and the colours wanted there, as a user says them."""

import operator
import re
from itertools import product

from .errors import JGMError

FORM = (
    'x,y,#rrggbb such as 120,80,#c08040, or (120, 80, "#c08040"): column and row from 0, a colour'
)


def point_of(given) -> tuple[int, int, str]:
    """(x, y, "#rrggbb") from these three or from text such as "120,80,#c08040".

    x and y are the column and the row of a pixel of the whole upright photograph, from 0. Raises
    JGMError for anything else.
    """
    try:
        x, y, colour = given.split(",") if isinstance(given, str) else given
        x, y = (int(n) if isinstance(n, str) else operator.index(n) for n in (x, y))
        colour = colour.strip().lower()
    except (AttributeError, TypeError, ValueError):
        raise JGMError(f"point {given!r}: need {FORM}") from None
    if min(x, y) < 0 or not re.fullmatch("#[0-9a-f]{6}", colour):
        raise JGMError(f"point {given!r}: need {FORM}")
    return x, y, colour


def rgb_of(colour: str) -> tuple[float, ...]:
    """ "#rrggbb" -> R, G, B in [0,1]."""
    return tuple(byte / 255 for byte in bytes.fromhex(colour[1:]))


def on_grid(points, border, size, grid) -> dict[tuple[int, int], tuple[float, ...]]:
    """(row, column) of every cell that a point covers -> R, G, B.

    ``size`` (H,W): of the photograph inside its ``border``; ``grid`` (h,w): of the small picture
    drawn of that. Raises JGMError for a point outside, in the border, or in the cell of another
    colour.
    """
    found: dict = {}
    for point in points:
        x, y, colour = point
        _check_inside(x, y, border, size)
        at = (y - border.top, x - border.left)
        for cell in product(*map(cells, at, size, grid)):
            if found.setdefault(cell, colour) != colour:
                raise JGMError(
                    f"points {found[cell]} and {colour} at {x},{y}: two colours in one pixel of the "
                    f"{grid[1]} x {grid[0]} pixels that are coloured; take places farther apart"
                )
    return {cell: rgb_of(colour) for cell, colour in found.items()}


def _check_inside(x, y, border, size) -> None:
    H, W = size
    width, height = border.left + W + border.right, border.top + H + border.bottom
    if not (x < width and y < height):
        raise JGMError(f"point {x},{y}: outside the photograph of {width} x {height} pixels")
    if not (0 <= x - border.left < W and 0 <= y - border.top < H):
        raise JGMError(
            f"point {x},{y}: in the {border}, which is left grey; border none colours it"
        )


def cells(k: int, n: int, m: int) -> range:
    """Which of m cells along a line pixel k of n covers: those whose middles lie in it, or, where
    a cell is larger than a pixel, the one that its own middle lies in."""
    first, stop = (-((n - 2 * i * m) // (2 * n)) for i in (k, k + 1))
    middle = (2 * k + 1) * m // (2 * n)
    return range(first, stop) if first < stop else range(middle, middle + 1)
