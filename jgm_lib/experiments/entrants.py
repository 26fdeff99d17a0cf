"""Who takes part in a comparison: priors by sampler or preset, systems of two priors, and systems that
colour by themselves."""

from dataclasses import dataclass, field
from functools import partial

from .. import checkpoints
from ..baselines import Sampled
from ..colorize import Colorizer
from ..divide import Divided
from ..errors import JGMError
from ..igm import Igm
from ..params import KNOBS, ColorizeCard
from ..samplers import presets
from ..settings import compared
from ..systems import Conditional
from ..wacm import Wacm
from .cards import ComparisonCard
from .lineup import (
    LONG,
    PROGRESSIVE,
    STRUCTURED,
    TEMPERED,
    WITHOUT_DC2,
    bundled_lineup,
    ways_of_seat,
)
from .methods import Direct, Through, by_card

PROJECTED = "projected"
OUTDOORS = {"step_2": 6e-6, "weight": 1.5}  # iGM-6C as its authors set it for churches


@dataclass
class Entrants:
    """``methods``: name -> method of ``experiments.methods``; ``sha``: name -> SHA-256 of its
    weights; ``long``: those whose chains are too long for all pictures; ``notes``: who is absent."""

    methods: dict = field(default_factory=dict)
    sha: dict = field(default_factory=dict)
    long: set = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def entrants_of(card: ComparisonCard) -> Entrants:
    """All of the card's weights, or of the line-up's as far as bundled. Raises JGMError for weights
    that are missing, colour nothing or do not belong together, and for unknown ways."""
    weights, notes = card.weights, []
    if not weights:
        weights, notes = bundled_lineup(checkpoints.bundled())
    for way in card.ways:
        settings_of(way, card)  # raises for an unknown one, before anything is loaded
    found = Entrants(notes=notes)
    for name, paths in weights.items():
        loaded = [checkpoints.load(path) for path in paths]
        sha = [about["sha256"] for _, about in loaded]
        found.sha[name] = sha[0] if len(sha) == 1 else sha
        if len(loaded) == 1 and not hasattr(loaded[0][0], "denoise"):
            found.methods |= own_ways(name, *loaded[0], card)
            continue
        for way in ways_of_seat(name, card.ways):
            method = seated(name, loaded, way, card)
            if method is not None:
                found.methods[f"{name}, {way}"] = method
                found.long |= {f"{name}, {way}"} if way in LONG else set()
    return found


def own_ways(name: str, network, about: dict, card: ComparisonCard) -> dict:
    """A system that colours by itself: as it is, and projected onto F x = y."""
    if not hasattr(network, "colorize"):
        raise JGMError(f"weights {name!r}: a {about['network']}, which draws no colours")
    return {
        name: Direct(Conditional(network), card.K, card.seed),
        f"{name}, {PROJECTED}": Direct(Conditional(network, finished=True), card.K, card.seed),
    }


def seated(name: str, loaded: list, way: str, card: ComparisonCard) -> Through | None:
    """A prior, or two, by a way; None for a way that is not for its training (split)."""
    K = card.long_K if way in LONG else card.K
    model, about = joined(name, loaded) if way != PROGRESSIVE else first_of(name, loaded)
    colorizer = Colorizer(model, about)
    if way == PROGRESSIVE:
        colours = loaded[1][0].to(colorizer.device)
        return Through(colorizer, partial(Igm, colours=colours, **OUTDOORS), K, card.seed)
    own = settings_of(way, card)
    lam_grad, make = own.pop("lam_grad", None), Wacm if way == STRUCTURED else Sampled
    settings = ColorizeCard(**own, n=K, seed=card.seed)
    if own["sampler"] == "split" and about.get("training", {}).get("isotropic", 0.0) >= 1:
        return None
    if make is Sampled and lam_grad is None:
        return by_card(colorizer, settings)
    more = {} if lam_grad is None else {"lam_grad": lam_grad}
    kept = dict(sampler=settings.sampler, settings=settings.settings() | more)
    return Through(colorizer, partial(make, **kept), K, card.seed)


def first_of(name: str, loaded: list):
    """The first of two priors: iGM-6C's stage 1 draws at its size."""
    if len(loaded) != 2:
        raise JGMError(f"weights {name!r}: given {len(loaded)} times; iGM-6C takes two priors")
    return loaded[0]


def joined(name: str, loaded: list):
    """The prior of one, or JGM-divide of two (Eq 17), with the card of the first."""
    if len(loaded) == 1:
        return loaded[0]
    if len(loaded) != 2:
        raise JGMError(
            f"weights {name!r}: given {len(loaded)} times; need one prior, or two to join"
        )
    if any(not hasattr(model, "denoise") for model, _ in loaded):
        raise JGMError(f"weights {name!r}: given 2 times, and not both are priors")
    return Divided(*(model for model, _ in loaded)), loaded[0][1]


def settings_of(way: str, card: ComparisonCard) -> dict:
    """The fields of ColorizeCard that a way means, and ``lam_grad``. Raises JGMError for an unknown
    one."""
    if way in (TEMPERED, STRUCTURED):
        return presets.tempered(card.nfe)
    if way == WITHOUT_DC2:
        return presets.tempered(card.nfe) | {"lam_grad": 0.0}
    if way in presets.NAMED:
        return dict(presets.NAMED[way])
    if way == PROGRESSIVE:
        return {}
    if way not in KNOBS:
        own = (WITHOUT_DC2, STRUCTURED, PROGRESSIVE)
        known = ", ".join(dict.fromkeys([*KNOBS, *presets.NAMED, *own]))
        raise JGMError(f"ways: {way!r} is unknown; choose {known}")
    return {"sampler": way, **compared(way, **({} if way == "langevin" else {"steps": card.steps}))}
