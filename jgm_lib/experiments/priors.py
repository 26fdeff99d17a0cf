"""Trained priors under names, several trainings of each, and the ways in which each can colour."""

from dataclasses import dataclass

from .. import checkpoints
from ..divide import Divided
from ..errors import JGMError
from ..params import ColorizeCard
from ..samplers import presets
from ..settings import compared
from .cards import AblationCard, GradientsCard

DIVIDED = "divide"
WITHOUT = "langevin without DC2"


@dataclass(frozen=True)
class Prior:
    """``models``: one a training; ``side`` of its pictures; ``split``: trained with split noise."""

    models: list
    channels: int
    side: int
    split: bool
    sha256: list[str]


def priors_of(card: GradientsCard | AblationCard) -> dict[str, Prior]:
    """The card's weights, loaded, and the divided prior if there is one of gradients. Raises
    JGMError for weights that are missing, no prior, or unlike each other."""
    if not card.weights:
        raise JGMError("weights: none given; name at least one prior (--weights NAME=WEIGHTS)")
    priors = {name: prior_of(name, paths) for name, paths in card.weights.items()}
    sides = {name: p.side for name, p in priors.items()}
    if len(set(sides.values())) > 1:
        raise JGMError(
            f"weights: trained on pictures of different sides {sides}; take one at a time"
        )
    gradients = {name: p for name, p in priors.items() if p.models[0].domain.name == "gradients"}
    for name in gradients:
        del priors[name]
    if len(gradients) > 1:
        raise JGMError(f"weights: one prior of gradients is enough, not {', '.join(gradients)}")
    if gradients:
        priors[DIVIDED] = divided(priors.get(card.intensity), *gradients.values(), card.intensity)
    return priors


def prior_of(name: str, paths: list[str]) -> Prior:
    """The trainings of one prior. Raises JGMError."""
    models, cards = zip(*(checkpoints.load(path) for path in paths), strict=True)
    if not all(hasattr(m, "denoise") for m in models):
        raise JGMError(f"weights {name!r}: {cards[0]['network']} is no prior")
    kinds = {(m.channels, c.get("size"), _split(c)) for m, c in zip(models, cards, strict=True)}
    if len(kinds) > 1:
        raise JGMError(f"weights {name!r}: trainings of different priors (channels, size, split)")
    return Prior(list(models), *kinds.pop(), [c["sha256"] for c in cards])


def _split(card: dict) -> bool:
    return card.get("training", {}).get("isotropic", 0.0) < 1


def divided(intensity: Prior | None, gradients: Prior, name: str) -> Prior:
    """JGM-divide (Eq 17), training by training. Raises JGMError without its half of pictures."""
    if intensity is None or intensity.channels != 3:
        raise JGMError(
            f"intensity={name!r}: the prior of gradients needs one of 3 channels beside it"
        )
    if len(intensity.models) != len(gradients.models):
        raise JGMError(f"weights: {name!r} and the gradients need as many trainings as each other")
    both = zip(intensity.models, gradients.models, strict=True)
    sha = [*intensity.sha256, *gradients.sha256]
    return Prior([Divided(*pair) for pair in both], 9, intensity.side, False, sha)


def ways_of(name: str, prior: Prior, card: GradientsCard) -> dict[str, tuple[str, dict]]:
    """How a prior can colour: label -> (sampler, its settings). ``split`` only if trained for it;
    without DC2, the pull on the gradients (Eq 13), where there are gradients."""
    steps = {"steps": card.steps}
    chain = ColorizeCard(**presets.tempered(card.nfe, card.share)).settings()
    ways = {"split": ("split", compared("split", **steps))} if prior.split else {}
    if name != DIVIDED:
        ways["nullspace"] = ("nullspace", compared("nullspace", **steps))
    ways["langevin"] = ("langevin", chain)
    if prior.channels == 9:
        ways[WITHOUT] = ("langevin", {**chain, "lam_grad": 0.0})
    return ways
