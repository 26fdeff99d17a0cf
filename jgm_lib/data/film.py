"""A simulated film: turns a colour picture into a 'historic' grey one whose answer is known.

exposure = f . x (the emulsion's spectral response), tone curve with gamma, toe and shoulder,
then grain. With gamma 1 and no toe, shoulder and grain it is the graying F x of Eq 1.
"""

import math

import torch
from torch.nn.functional import conv2d

from ..errors import JGMError
from ..operators import gray, gray_weights

FILMS = {  # rough shares of the response to R, G, B; no claim about a certain product
    "blue-sensitive": (0.0, 0.08, 0.92),  # before about 1880: skies burn out, red turns black
    "orthochromatic": (0.02, 0.45, 0.53),  # to about 1930: sees green, blind to red
    "panchromatic": (0.35, 0.33, 0.32),  # the later standard
}


def film_weights(f="orthochromatic") -> torch.Tensor:
    """A name in FILMS or any spec of ``gray_weights`` -> (3,) float64. Raises JGMError."""
    if isinstance(f, str) and f not in FILMS and f not in ("mean", "bt601"):
        raise JGMError(f"f={f!r} is unknown; choose {', '.join(FILMS)}, mean, bt601 or 3 weights")
    return gray_weights(FILMS.get(f, f) if isinstance(f, str) else f)


def tone_curve(t: torch.Tensor, gamma=1.0, toe=0.0, shoulder=0.0) -> torch.Tensor:
    """Exposure in [0,1] -> tone in [0,1], increasing, 0 and 1 stay fixed.

    ``gamma``: contrast, t^gamma (0.2 to 5). ``toe`` and ``shoulder`` (0 to 0.95): the share of
    contrast lost in the deepest shadow and in the brightest light; the slope there is 1 - share.
    """
    _check_curve(gamma, toe, shoulder)
    t = t**gamma
    return t - toe * t * (1 - t) ** 3 + shoulder * (1 - t) * t**3


def tone_inverse(tone: torch.Tensor, gamma=1.0, toe=0.0, shoulder=0.0) -> torch.Tensor:
    """The exposure behind a tone: inverts ``tone_curve`` by bisection, to 1e-12 in float64."""
    _check_curve(gamma, toe, shoulder)
    low, high = torch.zeros_like(tone), torch.ones_like(tone)
    for _ in range(50):
        middle = (low + high) / 2
        dark = tone_curve(middle, 1.0, toe, shoulder) < tone
        low, high = torch.where(dark, middle, low), torch.where(dark, high, middle)
    return ((low + high) / 2) ** (1 / gamma)


def film_response(
    rgb: torch.Tensor,
    seed=0,
    gamma: float = 1.2,
    toe: float = 0.5,
    shoulder: float = 0.5,
    grain: float = 0.02,
    f="orthochromatic",
) -> torch.Tensor:
    """Colour pictures (B,3,H,W) in [0,1] -> grey film pictures (B,1,H,W) in [0,1].

    ``seed``: a whole number or a torch Generator, of the grain only. ``grain``: standard
    deviation in middle grey (0 to 0.3), falling to zero in black and white, a blot of 3 x 3
    pixels. ``f``: see ``film_weights``. Raises JGMError for values out of range.
    """
    if rgb.ndim != 4 or rgb.shape[1] != 3 or not rgb.is_floating_point():
        raise JGMError(f"rgb: {rgb.dtype} {tuple(rgb.shape)}, need floating point (B,3,H,W)")
    if not 0 <= grain <= 0.3:
        raise JGMError(f"grain={grain}: allowed are 0 to 0.3")
    exposure = gray(rgb.clamp(0, 1), film_weights(f)).clamp(0, 1)  # (B,1,H,W)
    tone = tone_curve(exposure, gamma, toe, shoulder).clamp(0, 1)
    if grain:
        tone = tone + grain * 2 * (tone * (1 - tone)).sqrt() * _blots(tone, seed)
    return tone.clamp(0, 1)


def _blots(like: torch.Tensor, seed) -> torch.Tensor:
    """Noise of unit variance with the correlation of a 3 x 3 binomial blot."""
    if not isinstance(seed, torch.Generator):
        seed = torch.Generator().manual_seed(int(seed))
    B, _, H, W = like.shape
    white = torch.randn(B, 1, H + 2, W + 2, generator=seed, device=seed.device).to(like)
    row = torch.tensor([1.0, 2.0, 1.0]).to(like) / math.sqrt(6)  # sum of squares 1
    return conv2d(white, (row[:, None] * row)[None, None])


def _check_curve(gamma: float, toe: float, shoulder: float) -> None:
    if not 0.2 <= gamma <= 5:
        raise JGMError(f"gamma={gamma}: allowed are 0.2 to 5")
    for name, value in (("toe", toe), ("shoulder", shoulder)):
        if not 0 <= value <= 0.95:
            raise JGMError(f"{name}={value}: allowed are 0 to 0.95")
