"""What the panel computes, free of widgets: the same card and photo give the same picture.

``follow`` yields one Frame a sampler step (stop by not asking on), ``compute`` runs to the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import torch

from ..colorize import Colorizer, Result, reduced_truth, trace_row
from ..ladder import epsilon_of
from ..metrics import typicality_order
from ..params import ColorizeCard, validate
from ..photo import Photo, read_photo
from ..photo.borders import Border, crop
from ..photo.enlarge import reduce

COARSE_EVALUATIONS = 6


@lru_cache(maxsize=2)
def colorizer(weights: str) -> Colorizer:
    """The prior of a card, loaded once. Raises JGMError for a name or file that is none."""
    return Colorizer.from_pretrained(weights)


def plain(card: ColorizeCard) -> ColorizeCard:
    """The colorization's own fields of a card, or of a richer card derived from it, validated:
    sliders move one at a time, so that a panel's settings may not fit together. JGMError then."""
    return validate(ColorizeCard, {k: getattr(card, k) for k in ColorizeCard.model_fields})


@dataclass(frozen=True, eq=False)
class Subject:
    """A photo made ready once for many runs: full-size grey, the prior's size, the panel's size."""

    photo: Photo
    y: torch.Tensor  # (1,H,W)
    y_small: torch.Tensor  # (1,h,w)
    f: torch.Tensor  # (3,)
    border: Border  # of a scan: stays grey and is not shown
    weights: str  # of the prior that will colour it
    _shown: dict = field(default_factory=dict)

    @cached_property
    def truth(self) -> torch.Tensor | None:
        """The true colours at the prior's size, (3,h,w); None for a grey photo."""
        return reduced_truth(self.photo, *self.y_small.shape[-2:], self.border)

    @property
    def inside(self) -> torch.Tensor:
        """The grey photograph without its border, (1,H,W)."""
        return crop(self.y, self.border)

    @cached_property
    def notes(self) -> list[str]:
        """What one should know of the photo: a border, a look unlike those of the training pictures.
        JGMError for statistics that are damaged."""
        h, w = self.y_small.shape[-2:]
        return colorizer(self.weights).notes(self.inside, h, w, self.border)

    def shown(self, side: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Grey (1,H',W') and true colours (3,H',W') or None, no side longer than ``side``."""
        if side not in self._shown:
            H, W = self.inside.shape[-2:]
            k = min(1.0, side / max(H, W))
            H, W = max(1, round(H * k)), max(1, round(W * k))
            self._shown[side] = (
                reduce(self.inside, H, W).clamp(0, 1),
                reduced_truth(self.photo, H, W, self.border),
            )
        return self._shown[side]

    def coarse(self) -> "Subject":
        """The same photo at half the prior's size, a quarter of the work."""
        h, w = (max(8, n // 2) for n in self.y_small.shape[-2:])
        return Subject(
            self.photo,
            self.y,
            reduce(self.y_small, h, w).clamp(0, 1),
            self.f,
            self.border,
            self.weights,
            self._shown,
        )


def subject(card: ColorizeCard, photo: Photo) -> Subject:
    """Gray a photo with the card's F and bring it to the prior's size."""
    return Subject(*colorizer(card.weights).prepare(photo, plain(card)), card.weights)


@dataclass(frozen=True)
class Frame:
    """One step: the picture as it is now (n,3,h,w), its trace row, and how many steps there are."""

    x: torch.Tensor
    row: dict
    total: int


def job_key(job) -> tuple:
    """What decides a run (card, picture): all settings and the picture's key."""
    return job[0].model_dump_json(), *job[1]


def coarse(card: ColorizeCard) -> ColorizeCard:
    """A card for a sketch while a slider moves: one version, a handful of evaluations.

    Algorithm 1 gets fewer, longer steps, as long as they are stable.
    """
    few = COARSE_EVALUATIONS
    if card.sampler != "langevin":
        few = few // (1 + card.corrections) if card.sampler == "predictor_corrector" else few
        return card.model_copy(
            update={"n": 1, "solver": "ancestral", "steps": max(1, min(card.steps, few))}
        )
    L = min(card.L, few)
    longest = 1.2 * card.sigma_L**2 / (1 + card.lam)
    epsilon = min(card.epsilon * card.T * card.L / L, max(longest, card.epsilon))
    sketch = card.model_copy(update={"n": 1, "L": L, "T": 1, "epsilon": epsilon})
    return wide_steps(sketch) if card.consistent else sketch


def wide_steps(card: ColorizeCard) -> ColorizeCard:
    """A card whose consistent steps reach across its few levels: longer, and a weaker pull."""
    kept = (card.sigma_L / card.sigma_1) ** (1 / max(1, card.L * card.T - 1))  # sigma'/sigma
    share = 1 - kept**2 if card.L * card.T > 1 else 0.5
    lam = min(card.lam, (1 + kept) / share - 1) if card.L * card.T > 1 else min(card.lam, 1.0)
    return card.model_copy(update={"epsilon": epsilon_of(share, card.sigma_L), "lam": lam})


def follow(card: ColorizeCard, what: Subject) -> Iterator[Frame]:
    """The sampler at work on a subject, one Frame a step. JGMError for settings that diverge."""
    prior = colorizer(card.weights)
    for state in prior.draw(what.inside, what.y_small, what.f, card, what.border):
        yield Frame(state.x.float().cpu(), trace_row(state, what.truth), card.states)


def sketch(card: ColorizeCard, what: Subject) -> Iterator[Frame]:
    """A coarse answer, fast: fewer evaluations, and of a half-size picture. A prior that looks at
    the photograph would not recognize half of it, so it sketches at its own size."""
    prior = colorizer(card.weights)
    small = what.coarse() if prior.seen_side == prior.side else what
    return follow(coarse(card), small)


@dataclass(frozen=True, eq=False)
class Done:
    """A finished run: versions (n,3,h,w), the most typical first, and the trace."""

    card: ColorizeCard
    subject: Subject
    x: torch.Tensor
    order: list[int]
    trace: list

    @classmethod
    def from_last(cls, card: ColorizeCard, what: Subject, x: torch.Tensor, trace: list) -> "Done":
        """Sort the last frame's versions by typicality."""
        order = typicality_order(x).tolist()
        return cls(card, what, x[order], order, trace)

    @property
    def result(self) -> Result:
        """The same as ``Colorizer.colorize`` returns; full-size pictures are made when asked."""
        s, nfe = self.subject, self.trace[-1]["nfe"]
        about = dict(notes=s.notes, border=s.border)
        return Result(s.photo, s.y, s.f, self.x, self.order, nfe, self.trace, **about)


def run(card: ColorizeCard, what: Subject) -> Done:
    """``follow`` to the end."""
    trace, x = [], None
    with torch.no_grad():
        for frame in follow(card, what):
            trace.append(frame.row)
            x = frame.x
    return Done.from_last(card, what, x, trace)


def compute(card: ColorizeCard, photo) -> Result:
    """Colorize ``photo`` (whatever ``read_photo`` takes) by ``card``: pure, no widgets needed."""
    return run(plain(card), subject(card, read_photo(photo))).result
