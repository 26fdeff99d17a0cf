"""A picture some rows at a time, so that a large photograph needs little memory besides itself."""

from collections.abc import Iterator

BLOCK = 1 << 20  # pixels: temporaries stay below 100 MB


def row_blocks(H: int, W: int, pixels: int | None = None) -> Iterator[slice]:
    """Slices of rows, from top to bottom, with about ``pixels`` pixels each (BLOCK unless told)."""
    step = max(1, (pixels or BLOCK) // max(W, 1))
    for top in range(0, H, step):
        yield slice(top, min(top + step, H))
