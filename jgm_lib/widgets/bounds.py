"""Which values of a knob fit the others: what a slider offers, the panel can run."""

from functools import lru_cache

from ..errors import JGMError
from ..params import KNOBS, ColorizeCard
from ..samplers import presets
from ..settings import SETTINGS

PRESETS = {  # name -> values of ColorizeCard, whatever they were before
    "fast": {"sampler": "split", "steps": 12},  # 0.3 dB of the mean of 4: docs/tune-steps.json
    "vivid": {"sampler": "split", "strength": 1.25},  # the truth's: docs/tune-strength.json
    "as in the paper's code": presets.AUTHORS_LSUN,
    "the same, for COCO": presets.AUTHORS_COCO,
    "as the paper prints it": presets.PAPER,
    "tempered Algorithm 1": presets.TEMPERED,
}
OWN = "your own"  # settings that are no preset
RELATED = {"lam", "epsilon", "sigma_1", "sigma_L", "L", "T", "consistent", "sigma_max", "sigma_min"}


def related(sampler: str) -> list[str]:
    """The knobs of a sampler whose values must fit together."""
    return [name for name in KNOBS[sampler] if name in RELATED]


def defaults(sampler: str) -> dict:
    """The sampler and its own knobs as the library sets them."""
    settings = SETTINGS[sampler]()
    return {"sampler": sampler, **{k: getattr(settings, k) for k in KNOBS[sampler]}}


def preset(name: str) -> dict:
    """All values that a preset sets: its own, the rest of its sampler's, and the strength."""
    own = PRESETS[name]
    values = {"strength": 1.0, **defaults(own["sampler"]), **own}
    values.pop("boundary", None)  # the edges are anybody's choice
    return values


def preset_of(card: ColorizeCard) -> str:
    """The name of the preset that the card's settings are, or OWN."""
    for name in PRESETS:
        if all(getattr(card, k) == v for k, v in preset(name).items()):
            return name
    return OWN


def fits(sampler: str, settings: dict) -> bool:
    """Would the sampler take these settings?"""
    try:
        SETTINGS[sampler](**settings)
    except JGMError:
        return False
    return True


def fitting(card: ColorizeCard, name: str, values) -> list:
    """Those of ``values`` that the knob may have while the others stay; all if none fits, or
    if it is bound to no other."""
    if name not in related(card.sampler):
        return list(values)
    others = tuple((k, getattr(card, k)) for k in related(card.sampler) if k != name)
    return list(_fitting(card.sampler, others, name, tuple(values)))


@lru_cache(maxsize=256)  # asked at every move of a slider, and seldom anew
def _fitting(sampler: str, others: tuple, name: str, values: tuple) -> tuple:
    return tuple(v for v in values if fits(sampler, {**dict(others), name: v})) or values


def remark_on(card: ColorizeCard, cut) -> str:
    """What one should know before moving a slider: why some end early (``cut``: their names), why
    Algorithm 1 as printed paints rainbows."""
    if card.sampler != "langevin":
        return ""
    said = []
    if cut:
        rule = "a consistent step must reach the next level" if card.consistent else (
            "(1 + λ₀) ε/(2 σ_L²) < 2: beyond, the chain diverges (lesson 05)"
        )  # fmt: skip
        said.append(f"Not the whole range of {', '.join(cut)}: {rule}.")
    if card.feedback == "level" and not card.consistent:
        said.append(
            "Expect rainbows: with feedback <i>level</i> the gradients are taken from the noisy "
            "picture, and their noise, louder and dependent, is none that the network saw in "
            "training (lesson 06). <i>none</i> and <i>renoise</i> paint none, nor does the preset "
            "<i>tempered Algorithm 1</i>."
        )
    return "<br>".join(said)
