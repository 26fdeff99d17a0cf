"""The entrants of a comparison, each also with its temperature turned: lookahead, share, strength."""

from dataclasses import dataclass, replace

import torch

from ..baselines import Sampled
from ..constraint import strengthened
from ..params import ColorizeCard
from ..samplers import presets
from .cards import ComparisonCard, DiversityCard
from .entrants import TEMPERED, entrants_of
from .methods import Through

LONG = 500  # evaluations of one draw from which on only few pictures are drawn
SIDE = 64  # of the pictures where only systems take part, which colour any size


@dataclass(frozen=True)
class Variant:
    """A method under a name; ``long``: so slow that it draws ``card.few`` pictures only;
    ``strong``: its draws are measured at other strengths too."""

    name: str
    method: object
    long: bool = False
    strong: bool = False

    def stronger(self, x: torch.Tensor, y: torch.Tensor, strength: float) -> torch.Tensor:
        """Draws x (n,K,3,S,S) of photographs y (n,1,S,S), their chroma times ``strength``."""
        return strengthened(x.flatten(0, 1), y.repeat_interleave(x.shape[1], 0), strength).view_as(
            x
        )


def variants_of(card: DiversityCard) -> tuple[list[Variant], dict]:
    """Every entrant with its variants, and name -> SHA-256 of its weights. Raises JGMError."""
    asked = {k: getattr(card, k) for k in ("weights", "ways", "K", "steps", "nfe", "seed")}
    found = entrants_of(ComparisonCard(**asked, long_K=card.K))
    turns = (turned(name, m, card, name in found.long) for name, m in found.methods.items())
    return [v for own in turns for v in own], found.sha


def side_of(variants: list[Variant]) -> int:
    """The side at which photographs reach the first prior."""
    sides = [v.method.colorizer.seen_side for v in variants if isinstance(v.method, Through)]
    return sides[0] if sides else SIDE


def turned(name: str, method, card: DiversityCard, long: bool = False):
    """The method itself, then with each other value of its sampler's knob of temperature."""
    through = isinstance(method, Through)
    sampled = method.make(method.colorizer.model) if through else None
    if type(sampled) is not Sampled:
        yield Variant(name, method, long)
        return
    yield Variant(name, method, evaluations(sampled) >= LONG, sampled.sampler != "langevin")
    for label, settings in other_settings(name, sampled, card):
        own = Sampled(None, sampled.sampler, {**sampled.settings, **settings})
        make = maker(own)
        yield Variant(f"{name}, {label}", replace(method, make=make), evaluations(own) >= LONG)


def maker(sampled: Sampled):
    """A prior's model -> the method with the settings of ``sampled``."""
    return lambda model: replace(sampled, model=model)


def evaluations(sampled: Sampled) -> int:
    """Network evaluations of one draw of Algorithm 1; 0 for the fast samplers."""
    s = sampled.settings
    return s["L"] * s["T"] if sampled.sampler == "langevin" else 0


def other_settings(name: str, sampled: Sampled, card: DiversityCard):
    """(label, settings) of lookahead for split and of the share for ``presets.tempered``."""
    if sampled.sampler == "split":
        yield from ((f"lookahead {v:g}", {"lookahead": v}) for v in card.lookaheads)
    elif name.endswith(TEMPERED):
        for v in card.shares:
            yield f"share {v:g}", ColorizeCard(**presets.tempered(card.nfe, v)).settings()
