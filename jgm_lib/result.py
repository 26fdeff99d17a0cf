"""What a colorization gives: versions, their mean and spread, at full size, as files."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .files import replacing_set
from .honesty import spread_of
from .operators import gray as gray_of
from .photo import Photo
from .photo.borders import Border, crop, framed
from .photo.enlarge import enlarge_chroma, reduce
from .photo.write import fit_gamut_rows, quantize_keep_gray, write_photo


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

        They appear together or not at all; 16-bit photos give 16-bit files. Existing files raise
        JGMError unless ``force``; nothing is written then.
        """
        folder, stem = Path(folder), stem or Path(self.photo.name).stem
        pictures = {f"{stem}_{i + 1}.png": x for i, x in enumerate(self.samples)}
        if mean:
            pictures[f"{stem}_mean.png"] = self.samples.mean(0)
        about = dict(alpha=self.photo.alpha, bits=8 if self.photo.bits == 8 else 16)
        about |= dict(gray=self.y[0].numpy(), weights=self.f.numpy())
        with replacing_set(folder, pictures, force) as part:
            for name, x in pictures.items():  # one version at a time in memory
                write_photo(part / name, self.full(x), **about)
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
        out[rows] = fit_gamut_rows((part + c).permute(1, 2, 0).numpy(), part[0].numpy())
    return out
