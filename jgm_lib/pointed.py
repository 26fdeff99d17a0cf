"""Colours known at some pixels: one more row of what is observed, M x = h beside F x = y.

Put in exactly, a point turns its own pixel and nothing else: at the noise where an object's colour
is decided, one pixel under that noise tells next to nothing, and the denoiser is never told that
the pixel beneath is known. It is told here. For a prior with the denoiser D and noise of sigma, the
covariance of what the noise hides is sigma^2 J with J = dD/dX~ (Tweedie's second formula), and the
mean that also knows M X = h is, exactly for a Gaussian prior,

    D + J M^T (M J M^T)^-1 (h - M D).

J is symmetric, so no gradient of the network is needed: J M^T e is how the answer changes when the
noisy picture is nudged by M^T e. One look more, and the answer says what goes with the point. This
is pseudo-inverse guidance (Song et al. 2023, PiGDM; Boys et al. 2023, arXiv 2310.06721) without
its backward pass, and without a strength to choose: the length follows from M D = h.
"""

from dataclasses import dataclass

import torch

from .constraint import Observation, fit_gamut
from .errors import JGMError
from .operators import gray

FAINT = 1.0  # intensity: in more noise a nudge of one pixel meets the network's errors, no object
LEAST = 1 / 255  # intensity: of a colour surer than this nothing else is concluded


@dataclass(frozen=True, eq=False, kw_only=True)
class Pointed(Observation):
    """A photograph of which some pixels' colours are known: F X = Y, and M X = h.

    ``at`` (1,1,H,W) True where they are; ``colours`` (B,3,H,W) are read there alone, and F of them
    is y. M takes a pixel's chroma, for its grey is known already: F and M together are the pixel.
    """

    at: torch.Tensor
    colours: torch.Tensor

    @classmethod
    def of(cls, seen: Observation, cells: dict, strength: float = 1.0) -> "Pointed":
        """``seen``, and at the cells (row, column) the chroma of their colours (R, G, B), divided by
        the ``strength`` that the result will be multiplied with, as far as the gamut allows."""
        at = torch.zeros(1, 1, *seen.y.shape[-2:], dtype=torch.bool, device=seen.y.device)
        asked = seen.y.new_zeros(1, 3, *seen.y.shape[-2:])
        for (row, column), rgb in cells.items():
            at[..., row, column], asked[0, :, row, column] = True, asked.new_tensor(rgb)
        chroma = (asked - gray(asked, seen.f)) / strength
        colours = fit_gamut(seen.y + chroma, seen.y)
        return cls(seen.y, seen.f, seen.domain, at=at, colours=colours)

    def within(self, domain):
        if domain.shrink != 1 or domain.intensities < 3:
            raise JGMError(
                f"points: domain {domain.name!r} does not hold the pixels; choose other weights"
            )
        return super().within(domain)

    def put(self, X, known):
        """X (B,C,H,W), its picture at the points replaced by ``known`` (B,3,H,W)."""
        return torch.cat([torch.where(self.at, known, X[:, :3]), X[:, 3:]], dim=1)

    def told(self, X):
        """M^T M X, (B,C,H,W): the chroma of X at the points."""
        c = X[:, :3]
        return self.put(torch.zeros_like(X), c - c.mean(1, keepdim=True))

    def missing(self, X):
        """M^T (h - M X), (B,C,H,W)."""
        c = self.colours - X[:, :3]
        return self.put(torch.zeros_like(X), c - c.mean(1, keepdim=True))

    def pull(self, X):
        """What takes X to the nearest state with F X = Y and M X = h, as a third row of Eq 13."""
        return self.put(super().pull(X), X[:, :3] - self.colours)

    def seen_part(self, Z):
        return self.put(super().seen_part(Z), Z[:, :3])

    def start(self, sigma, noise):
        return self.project(torch.zeros_like(self.like)) + sigma * noise.normal(self.like)

    def finish(self, x):
        return self.put(super().finish(x), self.colours)


class Informed:
    """A prior that has been told the colours of some pixels: a model for any sampler.

    ``seen``: the points; ``nudges`` counts the evaluations beyond one a call. ``rounds``: of
    conjugate gradients for (M J M^T)^-1, each one evaluation; as many as numbers are known are
    exact, one is enough for pictures (measured). Nothing is told above the noise ``faint``.
    """

    def __init__(self, model, seen: Pointed, rounds: int = 1, faint: float = FAINT):
        self.model, self.seen = model, seen.within(model.domain)
        self.rounds, self.faint, self.nudges = rounds, faint, 0

    def __getattr__(self, name):
        return getattr(self.model, name)

    def denoise(self, X, sigma, sigma_y=None):
        """E[X_clean | X, M X_clean = h], (B,C,H,W); sigma a float."""
        clean = self.model.denoise(X, sigma, sigma_y)
        if sigma > self.faint:
            return clean
        first, missing = clean, self.seen.missing(clean)
        way, least = missing, (LEAST / sigma) ** 2
        for _ in range(self.rounds):
            answer = self._answer(X, way, first, sigma, sigma_y)
            shown = self.seen.told(answer)
            share = _ratio(_dot(missing, missing), _dot(way, shown), least * _dot(way, way))
            clean, rest = clean + share * answer, missing - share * shown
            way = rest + _ratio(_dot(rest, rest), _dot(missing, missing)) * way
            missing = rest
        return clean + self.seen.missing(clean)

    def _answer(self, X, way, first, sigma, sigma_y):
        """J way: how the denoised picture changes along a nudge of length sigma, for its length."""
        length = _ratio(torch.full_like(X[:, :1, :1, :1], sigma), _dot(way, way).sqrt())
        self.nudges += 1
        return _ratio(self.model.denoise(X + length * way, sigma, sigma_y) - first, length)


def _dot(a, b):
    """Of every row: (B,...), (B,...) -> (B,1,1,1)."""
    return (a * b).sum((1, 2, 3), keepdim=True)


def _ratio(a, b, least=0.0):
    """a/b, and 0 where b is not above ``least``."""
    return torch.where(b > least, a / b, torch.zeros_like(a))
