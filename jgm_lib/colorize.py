"""Any photo in, colour photos out."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from . import checkpoints, familiar
from .borders import Border, crop, find_border, framed
from .constraint import residual
from .errors import JGMError
from .files import refuse_existing
from .fullres import check_method, enlarge_chroma, reduce, seen_at, working_size
from .honesty import spread_of
from .metrics import psnr, typicality_order
from .networks.context import Seeing
from .noise import SeededNoise, mix_seed
from .operators import gray as gray_of
from .operators import gray_weights
from .params import DEFAULT_WEIGHTS, ColorizeCard, validate
from .photo import Photo, read_photo
from .photo_write import fit_gamut, quantize_keep_gray, write_photo
from .samplers import SAMPLERS, State


def version_seeds(seed: int, n: int) -> list[int]:
    """One seed a version; the same for every picture, so that a picture alone and among others
    comes out the same."""
    return [mix_seed(seed, version) for version in range(n)]


@dataclass
class Result:
    """Colour versions of one photo, the most typical first.

    ``samples`` (n,3,h,w) at the prior's size, ``order`` the versions' numbers in the order of
    drawing, ``trace`` one dict a step: step, sigma, nfe, residual (RMS |F x - y|) and, if the
    photo was in colour, psnr of the mean at the prior's size. ``notes``: what one should know of
    this photo before believing the colours, a sentence each.
    """

    photo: Photo
    y: torch.Tensor  # (1,H,W) full-size grey
    f: torch.Tensor  # (3,) graying weights
    samples: torch.Tensor
    order: list[int]
    nfe: int
    trace: list = field(default_factory=list)
    upsample: str = "detail"
    notes: list[str] = field(default_factory=list)
    border: Border = Border()  # stays grey; ``samples`` are of what lies inside

    def full(self, x: torch.Tensor) -> np.ndarray:
        """A picture (3,h,w) of the prior's size as full-size RGB, float32 (H,W,3) in [0,1]."""
        inside = full_size(x, crop(self.y, self.border), self.f, self.upsample)
        return framed(inside, self.y[0].numpy(), self.border)

    @cached_property
    def spread(self) -> torch.Tensor:
        """How much the versions disagree: ``spread_of`` the samples, (h,w), in intensity."""
        return spread_of(self.samples)

    @property
    def spread_levels(self) -> float:
        """RMS of ``spread`` over the picture, in levels of 255."""
        return 255 * float(self.spread.square().mean().sqrt())

    def _picture(self, x) -> Image.Image:
        grey = self.y[0].numpy()
        levels = quantize_keep_gray(self.full(x), grey, self.f.numpy(), 255)
        image = Image.fromarray(levels, "RGB")
        if self.photo.alpha is not None:
            alpha = np.round(self.photo.alpha * 255).astype(np.uint8)
            image.putalpha(Image.fromarray(alpha, "L"))
        return image

    @cached_property
    def images(self) -> list[Image.Image]:
        """All versions at full size, 8 bit; [0] is the consensus (the draw nearest to the others
        on average), the last the most adventurous."""
        return [self._picture(x) for x in self.samples]

    @cached_property
    def mean(self) -> Image.Image:
        """The posterior mean (of the n draws): safest, and paler than any draw."""
        return self._picture(self.samples.mean(0))

    def psnr(self, x: torch.Tensor) -> float | None:
        """Full-size PSNR of a small picture (3,h,w) against the colour input, dB; None if grey."""
        if self.photo.is_grey:
            return None
        diff = self.full(x) - self.photo.rgb()
        mse = float(np.mean(np.square(diff, out=diff), dtype=np.float64))
        return float("inf") if mse == 0 else -10 * float(np.log10(mse))

    def save(self, folder, stem: str | None = None, force: bool = False, mean: bool = True):
        """Write STEM_1.png (consensus) to STEM_n.png and STEM_mean.png; returns the paths.

        16-bit photos give 16-bit files. Existing files raise JGMError unless ``force``; nothing
        is written then.
        """
        folder, stem = Path(folder), stem or Path(self.photo.name).stem
        pictures = {f"{stem}_{i + 1}.png": x for i, x in enumerate(self.samples)}
        if mean:
            pictures[f"{stem}_mean.png"] = self.samples.mean(0)
        refuse_existing([folder / name for name in pictures], force)
        folder.mkdir(parents=True, exist_ok=True)
        for name, x in pictures.items():  # one version at a time in memory
            write_photo(
                folder / name,
                self.full(x),
                alpha=self.photo.alpha,
                bits=8 if self.photo.bits == 8 else 16,
                force=force,
                gray=self.y[0].numpy(),
                weights=self.f.numpy(),
            )
        return [folder / name for name in pictures]


def full_size(x, y, f, upsample: str = "detail") -> np.ndarray:
    """A colour picture x (3,h,w) of the prior's size and the photograph y (1,H,W) -> RGB of the
    photograph's size with F of it = y, float32 (H,W,3) in [0,1]."""
    H, W = y.shape[-2:]
    y_small = reduce(y, *x.shape[-2:])
    chroma = x - gray_of(x[None], f)[0]
    w = f.to(x).view(3, 1, 1)
    out = np.empty((H, W, 3), np.float32)
    for rows, c in enlarge_chroma(chroma, y_small, y, method=upsample):
        c = c - (w * c).sum(0, keepdim=True)  # exactly no grey in it
        part = y[:, rows]
        out[rows] = fit_gamut((part + c).permute(1, 2, 0).numpy(), part[0].numpy())
    return out


class Colorizer:
    """A prior, ready to colorize.

    ``model`` has ``denoise``; ``card`` is the weights' card; ``side`` the prior's picture size.
    """

    def __init__(self, model, card: dict, device: str | torch.device | None = None):
        from accelerate import PartialState

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
        border = find_border(y[0].numpy()) if card.border == "auto" else Border()
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

    @torch.no_grad()
    def draw(self, y, y_small, f, card: ColorizeCard) -> Iterator[State]:
        """The sampler's states for n versions of one photograph y (1,H,W) without its border,
        small (1,h,w).

        The photograph is mirrored below and on the right up to sizes the network divides, and the
        states are cut back: were the network to pad, it would see noise that repeats.
        """
        h, w = y_small.shape[-2:]
        model = self.seeing(y[None], h, w)
        y = mirrored(y_small, getattr(self.model, "divisor", 1))
        y = y[None].expand(card.n, -1, -1, -1).to(self.device)
        noise = SeededNoise(version_seeds(card.seed, card.n))
        for state in SAMPLERS[card.sampler](model, y, f, noise, **card.settings()):
            yield state if y.shape[-2:] == (h, w) else cut(state, y, f, h, w)

    def stream(self, photo, **settings) -> Iterator[State]:
        """The sampler at work: a State a step, at the prior's size. Stop when you like.

        ``settings``: fields of ColorizeCard. Raises JGMError for bad photos or settings.
        """
        card = self.settings(settings)
        _, y, y_small, f, border = self.prepare(photo, card)
        yield from self.draw(crop(y, border), y_small, f, card)

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
        for state in self.draw(crop(y, border), y_small, f, card):
            trace.append(trace_row(state, truth))
            if on_step:
                on_step(state)
        samples = state.x.float().cpu()
        order = typicality_order(samples).tolist()
        notes = [f"its {border} is left grey"] if border.any else []
        k = self.seen_side // self.side
        seen = seen_at(crop(y, border)[None], *(k * side for side in y_small.shape[-2:]))
        notes += familiar.notes(self.card, seen)
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


def cut(state: State, y, f, h: int, w: int) -> State:
    """The upper left (h,w) of a sampler's state; ``y`` (B,1,H,W) is what the sampler was given."""
    X, x, y = (a[..., :h, :w] for a in (state.X, state.x, y))
    return replace(state, X=X, x=x, residual=residual(x, y, f))


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
