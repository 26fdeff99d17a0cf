"""ToyScenes: small procedural landscapes whose admissible colours are known exactly.

Every object has a luma field and one tint; a pixel is the sum over objects of coverage x luma x
tint. Each tint is scaled so that its grey value f . tint is 1, therefore the grey picture is the
sum of coverage x luma: it does not depend on the tints, and the probability of a mode given the
grey picture is exactly its probability in PALETTE. A roof cannot be told red from its grey.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from skimage.color import rgb2lab

from ..errors import JGMError
from ..operators import gray_weights
from .toy_shapes import draw_layers


class Mode(NamedTuple):
    """One admissible colour of an object: a tint (RGB ratios) and how often it is drawn."""

    name: str
    tint: tuple[float, float, float]
    probability: float


NOON, DUSK = (0.74, 1.00, 1.26), (1.30, 0.93, 0.77)
PALETTE = {  # the order gives the label numbers
    "sky": (Mode("noon", NOON, 0.6), Mode("dusk", DUSK, 0.4)),
    "sun": (Mode("yellow", (1.20, 1.10, 0.68), 1.0),),
    "hills": (Mode("pine", (0.70, 1.21, 1.09), 0.6), Mode("heather", (1.12, 0.78, 1.10), 0.4)),
    "grass": (Mode("green", (0.90, 1.40, 0.60), 1.0),),
    "lake": (Mode("noon", NOON, 0.6), Mode("dusk", DUSK, 0.4)),  # mirrors the sky
    "tree": (Mode("summer", (0.62, 1.73, 0.60), 0.65), Mode("autumn", (1.80, 0.95, 0.22), 0.35)),
    "conifer": (Mode("green", (0.50, 1.50, 1.00), 1.0),),
    "trunk": (Mode("brown", (1.50, 0.95, 0.53), 1.0),),
    "wall": (Mode("cream", (1.17, 1.06, 0.76), 1.0),),
    "roof": (
        Mode("red", (1.85, 0.62, 0.55), 0.5),
        Mode("slate", (0.70, 0.92, 1.45), 0.3),
        Mode("brown", (1.38, 1.00, 0.58), 0.2),
    ),
}
OBJECTS = tuple(PALETTE)
BRIGHTEST = {  # largest luma of each object
    "sky": 0.76,
    "sun": 0.82,
    "hills": 0.62,
    "grass": 0.62,
    "lake": 0.70,
    "tree": 0.50,
    "conifer": 0.40,
    "trunk": 0.34,
    "wall": 0.84,
    "roof": 0.52,
}
TOLERANCE = 14.0  # CIELAB ab units; under half the distance of two modes, under that of grey
PURE = 0.9  # a pixel is judged when one object covers this share of it, else its label is -1
SMALLEST = 0.003  # objects with a smaller share of the picture are not judged


@dataclass
class ToyBatch:
    """``images`` float32 (n,3,S,S) in [0,1]; ``labels`` int8 (n,S,S), index into OBJECTS or -1
    where objects mix; ``meta``: mode index of each object, name -> int64 (n,)."""

    images: torch.Tensor
    labels: torch.Tensor
    meta: dict[str, torch.Tensor]


def palette(gray="mean") -> dict[str, np.ndarray]:
    """Tints of the modes of each object, name -> (modes,3) float64, with f . tint = 1."""
    f = gray_weights(gray).numpy()
    tints = {name: np.array([m.tint for m in modes]) for name, modes in PALETTE.items()}
    return {name: t / (t @ f)[:, None] for name, t in tints.items()}


class ToyScenes:
    """Endless seeded landscapes of ``size`` x ``size`` pixels.

    The same seed gives the same scenes at every size (8 to 512), and scene i of a seed does not
    depend on how many are drawn. ``gray`` is the graying (see ``gray_weights``) under which
    modes cannot be told apart. Raises JGMError for a size out of range.
    """

    def __init__(self, size: int = 32, gray="mean"):
        if not 8 <= size <= 512:
            raise JGMError(f"size={size}: allowed are 8 to 512 pixels")
        self.size, self.tints = size, palette(gray)
        # a tint brighter than white at full luma darkens the object in all its modes alike
        self.dim = np.array(
            [min(1.0, 1 / (BRIGHTEST[o] * self.tints[o].max())) for o in OBJECTS], np.float32
        )

    def sample(self, n: int, seed=0, modes: dict[str, int] | None = None) -> ToyBatch:
        """Draw ``n`` scenes. ``seed``: a whole number, a numpy or a torch Generator.

        ``modes`` fixes modes by hand, object name -> index, everything else staying as it was.
        """
        if n < 1:
            raise JGMError(f"n={n}: need at least 1 scene")
        rng = _numpy_generator(seed)
        chance = rng.random((n, 160), dtype=np.float32)  # one row a scene, so rows are independent
        meta = self._modes(chance[:, :10], modes or {})
        cover, light = self._paint(chance[:, 10:])  # both (n,objects,S,S)
        tint = np.stack([self.tints[o][meta[o]] for o in OBJECTS], 1).astype(np.float32)
        tint *= self.dim[:, None]  # (n,objects,3)
        pixels = np.matmul(tint.transpose(0, 2, 1), light.reshape(n, len(OBJECTS), -1))
        images = torch.from_numpy(pixels.reshape(n, 3, self.size, self.size)).clamp_(0, 1)
        labels = np.where(cover.max(1) >= PURE, cover.argmax(1), -1).astype(np.int8)
        meta = {o: torch.from_numpy(m) for o, m in meta.items()}
        return ToyBatch(images, torch.from_numpy(labels), meta)

    def _modes(self, chance: np.ndarray, fixed: dict[str, int]) -> dict[str, np.ndarray]:
        meta = {}
        for u, (name, modes) in zip(chance.T, PALETTE.items(), strict=True):
            steps = np.cumsum([m.probability for m in modes])[:-1]
            meta[name] = np.searchsorted(steps, u, side="right")
        for name, k in fixed.items():
            if k not in range(len(PALETTE[_known(name)])):
                raise JGMError(f"modes[{name!r}]={k}: choose 0 to {len(PALETTE[name]) - 1}")
            meta[name] = np.full(len(chance), k)
        if "lake" not in fixed:
            meta["lake"] = meta["sky"].copy()
        return meta

    def _paint(self, chance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Composite the layers, front to back: coverage and coverage x luma of each object."""
        n, S = len(chance), self.size
        cover = np.zeros((n, len(OBJECTS), S, S), np.float32)
        light = np.zeros_like(cover)
        clear = np.ones((n, S, S), np.float32)  # what is still open to the layers behind
        for name, alpha, luma in draw_layers(chance, S):
            k = OBJECTS.index(name)
            part = clear * alpha
            cover[:, k] += part
            light[:, k] += part * np.clip(luma, 0.05, BRIGHTEST[name])
            clear -= part
        return cover, light


def _numpy_generator(seed) -> np.random.Generator:
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, torch.Generator):
        seed = int(torch.randint(2**62, (1,), generator=seed, device=seed.device))
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise JGMError(f"seed={seed!r}: need a whole number >= 0 or a Generator")
    return np.random.default_rng(int(seed))


def _known(name: str) -> str:
    if name not in PALETTE:
        raise JGMError(f"object {name!r} is unknown; choose {', '.join(OBJECTS)}")
    return name


def _ab(rgb: np.ndarray) -> np.ndarray:
    return rgb2lab(rgb.clip(0, 1))[..., 1:]


def mode_shares(images, labels, name: str, gray="mean") -> tuple[np.ndarray, np.ndarray]:
    """How the judged pixels of one object are painted.

    ``images`` (n,3,S,S) in [0,1], ``labels`` (n,S,S) of ToyBatch. Returns the share of pixels in
    each mode (n,modes) and their number (n,). A pixel is in a mode when its CIELAB ab is within
    TOLERANCE of the mode's tint at the pixel's own luma f . x.
    """
    x, where = _check(images, labels, OBJECTS.index(_known(name)))
    f, tints = gray_weights(gray).numpy(), palette(gray)[name]
    row = np.nonzero(where)[0]
    pixels = np.moveaxis(x, 1, -1)[where]  # (m,3)
    total = np.bincount(row, minlength=len(x))
    if not len(row):
        return np.zeros((len(x), len(tints))), total
    wanted = _ab((pixels @ f)[:, None, None] * tints)  # (m,modes,2)
    distance = np.linalg.norm(_ab(pixels)[:, None] - wanted, axis=-1)  # (m,modes)
    hit = (distance <= TOLERANCE) & (distance == distance.min(1, keepdims=True))
    counts = np.stack([np.bincount(row, h, minlength=len(x)) for h in hit.T], 1)
    return counts / np.maximum(total, 1)[:, None], total


def _check(images, labels, k: int) -> tuple[np.ndarray, np.ndarray]:
    x, m = torch.as_tensor(images).detach().cpu().double(), torch.as_tensor(labels).cpu()
    if x.ndim != 4 or x.shape[1] != 3 or m.shape != x.shape[:1] + x.shape[2:]:
        raise JGMError(
            f"images {tuple(x.shape)}, labels {tuple(m.shape)}: need (n,3,S,S) and (n,S,S)"
        )
    return x.numpy(), (m == k).numpy()


def visible(labels, name: str) -> torch.Tensor:
    """Which scenes show an object in at least SMALLEST of their pixels, bool (n,).

    It hangs on the scene alone, never on how somebody painted it.
    """
    k, pixels = OBJECTS.index(_known(name)), labels.shape[-1] * labels.shape[-2]
    return (torch.as_tensor(labels) == k).sum((-2, -1)) >= SMALLEST * pixels


def mode_of(images, labels, name: str, gray="mean") -> torch.Tensor:
    """The mode in which most of an object is painted, int64 (n,); -1: in no mode by more than half,
    so mixed, or not ``visible``."""
    shares, _ = mode_shares(images, labels, name, gray)
    seen = visible(labels, name).cpu().numpy()
    best = np.where(seen & (shares.max(1) > 0.5), shares.argmax(1), -1)
    return torch.from_numpy(best)


def admissible_share(images, labels, gray="mean", per: str = "object") -> torch.Tensor:
    """Share of a picture painted in an admissible colour, float64 (n,) in [0,1].

    ``per="object"``: share of the visible objects of which more than half is in one mode;
    ``per="pixel"``: share of all judged pixels that are in any mode of their object.
    """
    if per not in ("object", "pixel"):
        raise JGMError(f"per={per!r} is unknown; choose object or pixel")
    good, all_ = 0.0, 0.0
    for name in OBJECTS:
        shares, total = mode_shares(images, labels, name, gray)
        if per == "pixel":
            good, all_ = good + shares.sum(1) * total, all_ + total
        else:
            seen = visible(labels, name).cpu().numpy()
            good, all_ = good + (seen & (shares.max(1) > 0.5)), all_ + seen
    return torch.from_numpy(good / np.maximum(all_, 1))
