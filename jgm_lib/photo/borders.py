"""The border around a scanned photograph: film edge, paper mount, scanner bed. Found, not coloured.

A border is a strip along a whole side, of one tone apart from grain, that ends with a step at a
straight line nearly parallel to the side. Skies, backdrops, snow and night are plain too, but most
end gradually or in a ragged outline. Some end straight (a flat roof under a white sky, a quay), so
one side alone is never believed: two must agree in tone, and then the others need to show less.
In doubt there is no border: a border with a little colour in it is a blemish, a photograph that
loses its colour is a failure.

Where a border is found it reaches slightly into the photograph (``MARGIN``, the deep end of a tilted
line): nobody sees a thin line without colour there, but everybody sees a coloured line of border.

Not found, on purpose or by construction: a border on one side only, one with writing or sprocket
holes along it, one that the photograph next to it matches in tone. The corners of a mount with
round corners count as photograph, as a border is a frame of four straight strips.
"""

from dataclasses import asdict, astuple, dataclass
from itertools import pairwise

import numpy as np
import torch

from .enlarge import reduce

WORK = 768  # pixels: longer side of the reduced picture that is searched
SMALLEST = 16  # pixels: no search in anything thinner
WIDEST = 0.3  # of a side: what is wider is a sky, a wall, a backdrop
LINES = 2  # fewest lines of the searched picture that make a border
LAYERS = 3  # a mount around a film edge: so often is looked again inside what was found
STRAY = 0.02  # of a line's pixels may be off the tone: dust, scratches
TOLERANCE = 0.04  # smallest difference from the tone that counts as off
GRAIN = 0.06  # standard deviation inside a strip: above it is texture, not grain
BLOCKS = 32  # places along a side where the end is looked for
CORNERS = 0.08  # of a side, at its ends: left out, because corners may be round
TILT = 0.011  # slope: half a degree and some rounding
SLACK = 1.0  # lines between the end at a place and the straight line
STEP = 0.08  # median change over the end, from two lines before to one line after it
FLAT = 0.05  # largest difference of a place in the strip from the tone, over its lines but the last
EARLY = 0.07  # of the places may end before the line
STRAIGHT = 0.75  # of the places must end on the line
LEAST = 0.4  # ... where two other sides have shown that there is a border of this tone
ALIKE = 0.06  # sides whose tones differ by less have the same border
MARGIN = 0.002  # of a side, at least a pixel: added to a border that was found


@dataclass(frozen=True)
class Border:
    """Pixels of border at each side of a picture; all 0 where there is none."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def __str__(self) -> str:
        sides = ", ".join(f"{k} {v}" for k, v in asdict(self).items() if v)
        return f"border of pixels ({sides})" if sides else "border of no pixels"

    @property
    def any(self) -> bool:
        return any(astuple(self))

    @property
    def inside(self) -> tuple[slice, slice]:
        """Rows and columns of the photograph, for arrays (H,W,...)."""
        rows = slice(self.top, -self.bottom or None)
        return rows, slice(self.left, -self.right or None)


@dataclass(frozen=True)
class Strip:
    """A plain strip along one side of a searched picture: its ``tone``, the ``lines`` that are
    wholly of this tone, and how far a pixel may be ``off`` it."""

    lines: int
    tone: float
    off: float


def find_border(y: np.ndarray) -> Border:
    """The border of a grey picture y (H,W), floats in [0,1]; none where in doubt."""
    shape = np.array(y.shape)
    h, w = np.maximum(1, np.round(shape * min(1, WORK / shape.max()))).astype(int)
    small = np.ascontiguousarray(y, np.float32)
    if (h, w) != y.shape:
        small = reduce(torch.from_numpy(small)[None], h, w)[0].numpy()
    depths = np.zeros(4, int)
    for _ in range(LAYERS):
        left = np.maximum(0, WIDEST * np.repeat((h, w), 2) - depths)
        more = layer(small[Border(*depths).inside], left)
        if not more.any():
            break
        depths += more
    full = np.repeat(shape, 2)
    margin = np.maximum(1, np.round(MARGIN * full))
    pixels = np.ceil(depths * full / np.repeat((h, w), 2)) + margin
    return Border(*(int(n) for n in np.where(depths > 0, pixels, 0)))


def crop(y, border: Border):
    """The photograph inside its border, a view: (...,H,W) -> (...,H-top-bottom,W-left-right)."""
    return y[(..., *border.inside)]


def framed(rgb: np.ndarray, y: np.ndarray, border: Border) -> np.ndarray:
    """The coloured inside rgb (h,w,3) within its border, which stays exactly the grey y (H,W)."""
    if not border.any:
        return rgb
    out = np.repeat(y[..., None], 3, axis=-1).astype(rgb.dtype, copy=False)
    out[border.inside] = rgb
    return out


def layer(y: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Lines of one border (4,) around y (h,w), at most ``most`` (4,); zeros where there is none.

    The order of the sides is that of ``Border``."""
    found = np.zeros(4, int)
    if min(y.shape) < SMALLEST:
        return found
    sides = [y, y[::-1], y.T, y.T[::-1]]
    strips = [plain_strip(side, n) for side, n in zip(sides, most, strict=True)]
    ends = []
    for k, (side, strip) in enumerate(zip(sides, strips, strict=True)):
        across = strips[2:] if k < 2 else strips[:2]  # the strips at both ends of this side
        ends.append(end_of(side, strip, *(s.lines if s else 0 for s in across)))
    pairs = list(zip(strips, ends, strict=True))
    tone = common_tone([strip.tone for strip, (_, share) in pairs if share >= STRAIGHT])
    for k, (strip, (depth, share)) in enumerate(pairs):
        if share >= LEAST and tone is not None and abs(strip.tone - tone) < ALIKE:
            found[k] = depth
    return found


def common_tone(tones: list[float]) -> float | None:
    """The tone that two sides or more agree on; None without such agreement."""
    for tone in tones:
        if sum(abs(tone - other) < ALIKE for other in tones) >= 2:
            return tone
    return None


def plain_strip(y: np.ndarray, most: float) -> Strip | None:
    """The strip of one tone along the top of y (h,w), if it ends within ``most`` lines."""
    zone = y[: int(most) + 1]
    tone = float(np.median(zone[:LINES]))
    grain = 1.4826 * float(np.median(np.abs(zone[:LINES] - tone)))
    off = max(TOLERANCE, 4 * grain / 5**0.5)  # five pixels together vary less than one
    ragged = (np.abs(along(zone) - tone) > off).mean(1) > STRAY
    lines = int(ragged.argmax())  # 0 too if the strip does not end
    if lines < LINES or np.std(zone[:lines]) > GRAIN:
        return None
    return Strip(lines, tone, off)


def along(y: np.ndarray) -> np.ndarray:
    """Mean over five neighbours along each line of y (h,w): grain goes, the end stays sharp."""
    sums = np.cumsum(np.pad(y, ((0, 0), (3, 2)), mode="edge"), axis=1, dtype=np.float64)
    return (sums[:, 5:] - sums[:, :-5]) / 5


def end_of(y: np.ndarray, strip: Strip | None, before: int, after: int) -> tuple[int, float]:
    """Where the strip at the top of y (h,w) ends, and the share of places where it ends there.

    ``before``, ``after``: columns at the ends of the lines that belong to the strips there.
    (0, 0.0) if it does not end the way a border does."""
    width = y.shape[1] - before - after
    if strip is None or width < SMALLEST:
        return 0, 0.0
    edges = np.linspace(before + CORNERS * width, before + (1 - CORNERS) * width, BLOCKS + 1)
    reach = strip.lines + int(TILT * width) + 6
    places = places_of(y[:reach], edges.astype(int))
    first = max(0, strip.lines - 3)
    off = np.abs(places[first:] - strip.tone) > strip.off
    ends = np.where(off.any(0), first + off.argmax(0), 10 * reach)  # far away: no end in reach
    on, early, slope, middle = on_line(ends, (edges[1:] + edges[:-1]) / 2)
    if early > EARLY or not is_step(places, ends, on, strip.tone):
        return 0, 0.0
    deep = middle + abs(slope) * width / 2  # where a tilted strip is widest
    return int(np.ceil(deep - 0.25)), float(on.mean())


def places_of(y: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Means (n,places) of the pieces of n lines between consecutive ``edges`` (places+1,)."""
    pieces = [y[:, a : max(b, a + 1)].mean(1) for a, b in pairwise(edges)]
    return np.stack(pieces, 1)


def on_line(ends: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, float, float, float]:
    """The straight line that most ends (places,) lie on, tilted by ``TILT`` at most.

    ``at`` (places,): where along the side. Returns which ends lie on it (places,), the share of ends
    before it, its slope and its level in the middle."""
    slopes = np.linspace(-TILT, TILT, 23)
    slopes = slopes[np.argsort(np.abs(slopes), kind="stable")]  # the least tilted of equals
    level = ends - slopes[:, None] * (at - at.mean())  # (slopes,places)
    away = level[:, None, :] - level[:, :, None]  # from the line through each end
    near = np.maximum(0, 1 - (away / (SLACK + 0.5)) ** 2)  # how well each end fits each line
    best = np.unravel_index(near.sum(2).argmax(), level.shape)
    on, early = np.abs(away[best]) <= SLACK, (away[best] < -SLACK).mean()
    return on, float(early), float(slopes[best[0]]), float(np.median(level[best[0], on]))


def is_step(places: np.ndarray, ends: np.ndarray, on: np.ndarray, tone: float) -> bool:
    """Is the strip even up to its end, and does the picture change there at once?

    ``places`` (n,places), ``ends`` (places,) the first line off the tone, ``on`` those that count."""
    at, last = ends[on], len(places) - 1
    if at.max() > last:
        return False
    before, after = places[np.maximum(at - 2, 0), on], places[np.minimum(at + 1, last), on]
    even = np.abs(places[: max(1, at.min() - 1)].mean(0) - tone).max() <= FLAT
    return bool(even and np.median(np.abs(after - before)) >= STEP)
