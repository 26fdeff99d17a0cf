"""What the panel says and shows of a run: pictures at its size, captions, the verdict."""

import html
import io

import numpy as np

from ..honesty import spread_of
from ..metrics import psnr
from ..operators import gray
from ..photo.enlarge import reduce
from ..result import full_size
from . import controls, drawing
from .engine import Done, Subject
from .scene import Scene

VERSIONS, CURTAIN, SPREAD, BESIDE = MODES = "versions", "before | after", "spread", "A | B"
BOARD, TRACES = (760, 430), (760, 150)
LARGE, SMALL = 560, 280  # longest side, pixels, of the pictures on the board


def page_of(scene: Scene, mode: str, cut: float, pinned: Scene | None = None):
    """The board as a Pillow picture; pictures on their way say so in their captions."""
    x, what, note = scene.x, scene.subject, scene.caption
    if mode == SPREAD:
        return spread_page(x, what, note)
    if mode == BESIDE and pinned:
        return drawing.pair(*(_first(s, name) for s, name in ((pinned, "A"), (scene, "B"))))
    y, truth = what.shown(LARGE if note is None and len(x) < 3 else SMALL)
    grey = drawing.to_image(y)
    if mode == CURTAIN:
        first = drawing.to_image(sharpened(x[0], y, what.f))
        return drawing.curtain(grey, first, cut, f"after: {note or 'colour'}")
    known = [] if truth is None else [drawing.to_image(truth)]
    pictures = [drawing.to_image(sharpened(v, y, what.f)) for v in x]
    captions = version_captions(x, what) if note is None else [note] * len(pictures)
    beside = ["grey photo", "truth"][: 1 + len(known)]
    return drawing.board([grey, *known], beside, pictures, captions)


def _first(scene: Scene, name: str):
    """The first version of a run as a picture, and what it is."""
    x, what = scene.x[:1], scene.subject
    picture = drawing.to_image(sharpened(x[0], what.shown(SMALL)[0], what.f))
    said = scene.caption or f"run {scene.number}{version_captions(x, what)[0].removeprefix('1')}"
    return picture, f"{name}: {scene.card.sampler}, {said}"


def sharpened(v, y, f):
    """A version (3,h,w) at the panel's size (3,H,W): its chroma on the sharp grey.

    A state that still carries luma noise (F x far from y) is shown as it is, noise and all.
    """
    y_small = gray(v[None], f)[0]
    if not grey_matches(v, y, y_small):
        return np.asarray(v)
    return np.moveaxis(full_size(v, y, f), -1, 0)  # as Result shows it, F x = y exactly


def grey_matches(v, y, y_small, tolerance: float = 0.02) -> bool:
    """Is the state's grey the photo's, up to what reducing does?"""
    small = reduce(y, *v.shape[-2:])
    return float((small - y_small).square().mean().sqrt()) < tolerance


def still(*parts: bytes):
    """JPEG pictures below each other as one Pillow picture."""
    images = [drawing.Image.open(io.BytesIO(p)) for p in parts]
    page = drawing.Image.new("RGB", (BOARD[0], sum(i.height for i in images)), drawing.PAPER)
    top = 0
    for image in images:
        page.paste(image, (0, top))
        top += image.height
    return page


def spread_page(x, what: Subject, note: str | None):
    """The grey photo beside a map of how much versions x (n,3,h,w) differ, with its scale."""
    levels = 255 * spread_of(x).numpy()
    said = f"versions differ by {np.sqrt(np.square(levels).mean()):.1f} levels of 255"
    said = said if len(x) > 1 else "one version differs from nothing: take more versions"
    grey = drawing.to_image(what.shown(SMALL)[0])
    return drawing.heat_page(grey, levels, f"{note}: {said}" if note else said)


def version_captions(x, what: Subject) -> list[str]:
    """Consensus first; with the truth known, each one's PSNR at the prior's size."""
    names = [str(i + 1) for i in range(len(x))]
    if len(x) > 1:
        names[0] += " consensus"
    if what.truth is None or x.shape[-2:] != what.truth.shape[-2:]:
        return names
    return [f"{n} · {p:.1f} dB" for n, p in zip(names, _psnr(x, what), strict=True)]


def _psnr(x, what: Subject):
    return psnr(x.clamp(0, 1), what.truth.expand_as(x))


def verdict(done: Done) -> str:
    """One sentence of numbers, the honest one first, the oracle last, the grey replica beside; then
    what one should know of the photo, in the words of the command line."""
    what, card = done.subject, done.card
    notes = [html.escape(note) for note in (*what.photo.notes, *what.notes)]
    notes = f'<br><span class="jgm-known">Note: {"; ".join(notes)}.</span>' if notes else ""
    return f"{_numbers(done, what)}{notes}<br>{_settings(card)}"


def words_of_pinned(pinned: Scene) -> str:
    """The verdict on run A, which stands under that on the run that is shown."""
    picture = html.escape(pinned.picture.name)
    return f"<b>A: run {pinned.number}, {picture}.</b> {verdict(pinned.done)}"


def unfinished(scene: Scene) -> str:
    """In place of the verdict, while there is none: what the picture is, and by which settings."""
    if scene.stopped:
        return f"<b>Unfinished</b>, so without numbers.<br>{_settings(scene.card)}"
    return "The numbers come with the last step."


def _settings(card) -> str:
    knobs = {controls.NAMES[k]: controls.text(v) for k, v in card.settings().items()}
    said = ", ".join(f"{k} = {v}" for k, v in knobs.items())
    return f'<span class="jgm-note">{card.sampler}: {said}</span>'


def _numbers(done: Done, what: Subject) -> str:
    residual = f"RMS |Fx - y| {done.trace[-1]['residual']:.1e}"
    if what.truth is None:
        return f"No true colours are known for this photo. {residual}."
    one = _psnr(done.x, what)
    mean = _psnr(done.x.mean(0, keepdim=True), what)[0]
    replica = _psnr(what.y_small.expand(1, 3, -1, -1), what)[0]
    text = f"<b>PSNR</b> of one version, on average: <b>{one.mean():.2f} dB</b>"
    if len(one) > 1:
        text += (
            f"; of the mean of {len(one)}: {mean:.2f} dB; of the best, chosen with the truth "
            f"(oracle): {one.max():.2f} dB"
        )
    return f"{text}; of the grey photo itself: {replica:.2f} dB. {residual}."
