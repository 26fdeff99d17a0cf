"""Is a photograph like those the prior learned from?

The prior colours whatever it is given. Of a page of text, a plot or an X-ray it knows nothing, and
its draws need not differ there: their spread alone does not tell. So the frozen backbone's features
of the photograph are compared with those of the training pictures: the Mahalanobis distance to one
Gaussian (Lee et al. 2018, arXiv 1807.03888, without classes). The features are the mean and the
spread over the photograph of the first two levels that the prior sees. Its last level, trained to
tell things apart, has next to nothing to say about what is none: by it noise, line drawings and
flat grey lie as near to the centre as photographs do (measured).
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch.nn import functional as F

from .errors import JGMError
from .networks.context import ZOOM
from .networks.lite import FOLDER, eyes, taps

LEVELS = 2  # of the backbone's taps, 40 and 112 channels
WIDTH = 2 * sum(list(taps("lite0").values())[:LEVELS])  # 304 numbers a photograph
LEAST = 0.01  # added to a spread before the logarithm: flat grey has none
DEFAULT = "photos-64-familiar"


@dataclass(frozen=True)
class Familiar:
    """What the training pictures' features are like. ``mean``, ``scale`` (304,): their mean and
    standard deviation; ``directions`` (304,k): the k orthonormal directions of most variance of
    the standardized, ``variance`` (k,) along them, ``rest`` on average along all others; ``limit``:
    the distance that 99 % of held-out pictures are under."""

    mean: torch.Tensor
    scale: torch.Tensor
    directions: torch.Tensor
    variance: torch.Tensor
    rest: torch.Tensor
    limit: torch.Tensor

    def distance(self, features: torch.Tensor) -> torch.Tensor:
        """Mahalanobis distances (B,) of features (B,304), not yet divided by the limit."""
        z = (features.float() - self.mean) / self.scale
        along = (z @ self.directions).square()
        others = (z.square().sum(1) - along.sum(1)).clamp(min=0)
        return ((along / self.variance).sum(1) + others / self.rest).sqrt()


@torch.no_grad()
def features(grey: torch.Tensor) -> torch.Tensor:
    """Grey photographs (B,1,H,W) in [0,1], shorter side as the prior sees it -> (B,304): of each
    channel its mean over the photograph, and the logarithm of its standard deviation."""
    if grey.ndim != 4 or grey.shape[1] != 1 or 0 in grey.shape:
        raise JGMError(f"grey {tuple(grey.shape)}: need photographs (B,1,H,W)")
    large = F.interpolate(grey.float().cpu(), scale_factor=ZOOM, mode="bilinear")
    backbone = eyes().to("cpu")  # one photograph: not worth the way to a GPU
    taps = backbone((2 * large - 1).expand(-1, 3, -1, -1))[:LEVELS]
    means = [x.mean((2, 3)) for x in taps]
    spreads = [(x.std((2, 3), correction=0) + LEAST).log() for x in taps]
    return torch.cat([*means, *spreads], dim=1)


def unfamiliarity(grey_seen: torch.Tensor, name: str = DEFAULT) -> float:
    """How far a grey photograph (1,1,H,W) in [0,1], as the prior sees it, lies from the training
    pictures: 1 is the limit, which 1 % of held-out pictures pass. Raises JGMError."""
    if len(grey_seen) != 1:
        raise JGMError(f"grey {tuple(grey_seen.shape)}: need one photograph (1,1,H,W)")
    stats = load(name)
    return float(stats.distance(features(grey_seen)) / stats.limit)


def notes(card: dict, grey_seen: torch.Tensor) -> list[str]:
    """A sentence for a photograph (1,1,H,W) beyond the limit, as a list; an empty list for the
    others, and where the weights' card names no statistics ("familiar": NAME). JGMError."""
    name = card.get("familiar")
    times = unfamiliarity(grey_seen, str(name)) if name else 0.0
    if times <= 1:
        return []
    return [
        "this photograph is unlike those the prior learned from "
        f"({times:.1f} times the usual limit): expect guesses"
    ]


@lru_cache(4)
def load(name: str = DEFAULT, folder: Path = FOLDER) -> Familiar:
    """The bundled statistics of that name. Raises JGMError if there are none or they are damaged."""
    if Path(name).name != name:
        raise JGMError(f"familiar={name!r}: need a bundled name, no path")
    path = Path(folder) / f"{name}.safetensors"
    names = [field.name for field in fields(Familiar)]
    try:
        with safe_open(path, "pt") as file:
            found = Familiar(**{k: file.get_tensor(k).float() for k in names})
    except (OSError, SafetensorError) as error:
        raise JGMError(f"familiar={name!r}: no readable statistics ({error})") from None
    k = found.variance.numel()
    wanted = ((WIDTH,), (WIDTH,), (WIDTH, k), (k,), (), ())
    values = [getattr(found, name) for name in names]
    fits = all(
        v.shape == s and bool(v.isfinite().all()) for v, s in zip(values, wanted, strict=True)
    )
    positive = (found.scale, found.variance, found.rest, found.limit)
    if not fits or not all(bool((v > 0).all()) for v in positive):
        raise JGMError(f"familiar={name!r}: {path.name} does not hold such statistics")
    return found
