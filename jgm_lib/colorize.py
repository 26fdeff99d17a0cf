"""Any photo in, colour photos out."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from . import checkpoints, familiar
from .constraint import Observation, strengthened
from .errors import JGMError
from .metrics import psnr, typicality_order
from .networks.context import Seeing
from .noise import SeededNoise, version_seeds
from .operators import gray_weights
from .params import DEFAULT_WEIGHTS, ColorizeCard, validate
from .photo import Photo, read_photo
from .photo.borders import Border, crop, find_border
from .photo.enlarge import check_method, reduce, seen_at, working_size
from .pointed import Informed, Pointed
from .points import on_grid
from .result import Result
from .samplers import SAMPLERS, State

NO_BORDER = Border()


class Colorizer:
    """A prior, ready to colorize.

    ``model`` has ``denoise``; ``card`` is the weights' card; ``side`` the prior's picture size.
    """

    def __init__(self, model, card: dict, device: str | torch.device | None = None):
        from accelerate import PartialState

        if not hasattr(model, "denoise"):
            raise JGMError(
                f"weights {card.get('name')!r}: a {card.get('network')} is no denoiser, so it draws no "
                "colours here; jgm_lib.systems.method uses weights of compared systems"
            )
        self.card, self.names = card, {card.get("name", DEFAULT_WEIGHTS)}
        self.side = checked_side(card.get("size", 64))
        try:
            self.device = torch.device(device) if device else PartialState().device
            self.model = model.to(self.device, memory_format=torch.channels_last)  # quicker on CPUs
        except (RuntimeError, AssertionError, TypeError) as error:  # all of torch's ways to say no
            raise JGMError(f"device={device!r}: {str(error).splitlines()[0]}") from None

    @classmethod
    def from_pretrained(cls, name_or_path=DEFAULT_WEIGHTS, device=None) -> "Colorizer":
        """Bundled weights by name, or a .safetensors file with its card. Raises JGMError."""
        colorizer = cls(*checkpoints.load(name_or_path), device=device)
        colorizer.names.add(str(name_or_path))
        return colorizer

    def prepare(self, photo, card: ColorizeCard):
        """Read and gray a photo: (Photo, y (1,H,W), what lies inside its border at the prior's size
        (1,h,w), f, border)."""
        photo = photo if isinstance(photo, Photo) else read_photo(photo)
        f = gray_weights(card.gray)
        y = torch.from_numpy(np.ascontiguousarray(photo.to_gray(f.numpy()), np.float32))[None]
        border = find_border(y[0].numpy()) if card.border == "auto" else NO_BORDER
        inside = crop(y, border)
        small = reduce(inside, *working_size(*inside.shape[-2:], self.side)).clamp(0, 1)
        return photo, y, small, f, border

    @property
    def seen_side(self) -> int:
        """Shorter side at which photographs reach the prior: twice its own if it looks at them."""
        return self.side * (2 if getattr(self.model, "context", None) else 1)

    def seeing(self, y: torch.Tensor, h: int, w: int, draws: int = 1):
        """The prior with photographs y (B,1,H,W) in sight, ``draws`` versions of each in a batch,
        for small pictures of (h,w); the bare prior if it does not look."""
        if not getattr(self.model, "context", None):
            return self.model
        seen = seen_at(y, 2 * h, 2 * w)
        return Seeing(self.model, mirrored(seen, 2 * self.model.divisor).to(self.device), draws)

    def notes(self, inside: torch.Tensor, h: int, w: int, border: Border) -> list[str]:
        """What one should know of a photograph (1,H,W) without its border, small (1,h,w)."""
        k = self.seen_side // self.side
        seen = seen_at(inside[None], k * h, k * w)
        left = [f"its {border} is left grey"] if border.any else []
        return left + familiar.notes(self.card, seen)

    @torch.no_grad()
    def draw(self, y, y_small, f, card: ColorizeCard, border=NO_BORDER) -> Iterator[State]:
        """The sampler's states for n versions of one photograph y (1,H,W) without its ``border``,
        small (1,h,w).

        The photograph is mirrored below and on the right up to sizes the network divides, and the
        states are cut back: were the network to pad, it would see noise that repeats. The colours
        at the card's points are what was asked, whatever the strength.
        """
        h, w = y_small.shape[-2:]
        model, size = self.seeing(y[None], h, w), y.shape[-2:]
        y = mirrored(y_small, getattr(model, "divisor", 1) * model.domain.shrink)
        seen = Observation(y[None].expand(card.n, -1, -1, -1).to(self.device), f)
        noise = SeededNoise(version_seeds(card.seed, card.n))
        if card.points:
            places = on_grid(card.points, border, size, (h, w))
            asked, seen = (Pointed.of(seen, places, k) for k in (1, card.strength or 1))
            model = Informed(model, seen)
        for state in SAMPLERS[card.sampler](model, seen, noise, **card.settings()):
            state = replace(state, x=strengthened(state.x, seen.y, card.strength))
            if card.points:
                x, nfe = asked.put(state.x, asked.colours), state.nfe + model.nudges
                state = replace(state, x=x, nfe=nfe)
            yield state if y.shape[-2:] == (h, w) else cut(state, seen, h, w, model.domain.shrink)

    def stream(self, photo, **settings) -> Iterator[State]:
        """The sampler at work: a State a step, at the prior's size. Stop when you like.

        ``settings``: fields of ColorizeCard. Raises JGMError for bad photos or settings.
        """
        card = self.settings(settings)
        _, y, y_small, f, border = self.prepare(photo, card)
        yield from self.draw(crop(y, border), y_small, f, card, border)

    def settings(self, settings: dict) -> ColorizeCard:
        asked = str(settings.get("weights", self.card.get("name", DEFAULT_WEIGHTS)))
        if asked not in self.names:
            raise JGMError(
                f"weights={asked!r}: this Colorizer has {', '.join(sorted(self.names))}; "
                "use Colorizer.from_pretrained(weights)"
            )
        return validate(
            ColorizeCard, {"weights": self.card.get("name", DEFAULT_WEIGHTS), **settings}
        )

    def colorize(self, photo, *, upsample: str = "detail", on_step=None, **settings) -> Result:
        """Colorize one photo (path, bytes, PIL image, array or Photo) -> Result.

        ``settings``: fields of ColorizeCard such as n, seed, sampler, gray, steps.
        ``on_step(state)`` is called after every step. Raises JGMError.
        """
        card = self.settings(settings)
        check_method(upsample)
        photo, y, y_small, f, border = self.prepare(photo, card)
        truth = reduced_truth(photo, *y_small.shape[-2:], border)
        trace, state = [], None
        for state in self.draw(crop(y, border), y_small, f, card, border):
            trace.append(trace_row(state, truth))
            if on_step:
                on_step(state)
        samples = state.x.float().cpu()
        order = typicality_order(samples).tolist()
        notes = self.notes(crop(y, border), *y_small.shape[-2:], border)
        about = (state.nfe, trace, upsample, notes, border)
        return Result(photo, y, f, samples[order], order, *about)


def checked_side(size) -> int:
    """The prior's picture size from its card. JGMError for anything but a whole number from 8."""
    if isinstance(size, bool) or not isinstance(size, int) or not 8 <= size <= 1024:
        raise JGMError(f"size={size!r} in the weights' card: need a whole number from 8 to 1024")
    return size


def mirrored(y: torch.Tensor, m: int) -> torch.Tensor:
    """(...,H,W) with mirrored rows and columns appended until m divides both sides."""
    H, W = y.shape[-2:]
    rows = np.pad(np.arange(H), (0, -H % m), mode="symmetric")
    columns = np.pad(np.arange(W), (0, -W % m), mode="symmetric")
    return y[..., torch.from_numpy(rows)[:, None], torch.from_numpy(columns)]


def cut(state: State, seen: Observation, h: int, w: int, shrink: int = 1) -> State:
    """The upper left (h,w) of a sampler's state that was given ``seen``, and of X, whose sides are
    ``shrink`` times smaller, as much as holds it."""
    X = state.X[..., : -(-h // shrink), : -(-w // shrink)]
    x, y = state.x[..., :h, :w], seen.y[..., :h, :w]
    return replace(state, X=X, x=x, residual=Observation(y, seen.f).residual(x))


def reduced_truth(photo: Photo, h: int, w: int, border: Border) -> torch.Tensor | None:
    """The photograph's own colours inside its border, at a small size (3,h,w); None if grey."""
    if photo.is_grey:
        return None
    return reduce(crop(torch.from_numpy(photo.rgb()).movedim(-1, 0), border), h, w).clamp(0, 1)


def trace_row(state: State, truth) -> dict:
    """step, sigma, nfe, residual and, where the truth is known, PSNR of the versions' mean."""
    row = {"step": state.step, "sigma": state.sigma, "nfe": state.nfe, "residual": state.residual}
    if truth is not None:
        mean = state.x.mean(0, keepdim=True).clamp(0, 1).cpu()
        row["psnr"] = float(psnr(mean, truth[None])[0])
    return row
