"""Who takes part in a comparison: priors by sampler or preset, and systems that colour by themselves."""

from .. import checkpoints
from ..colorize import Colorizer
from ..errors import JGMError
from ..params import KNOBS, ColorizeCard
from ..samplers import presets
from ..settings import compared
from ..systems import Conditional
from .cards import ComparisonCard
from .methods import Direct, by_card

TEMPERED = "tempered"
PROJECTED = "projected"


def entrants_of(card: ComparisonCard) -> tuple[dict, dict]:
    """(name -> method of ``experiments.methods``, name -> SHA-256 of its weights). Raises JGMError
    for weights that are missing or colour nothing, and for unknown ways."""
    settings = {way: settings_of(way, card) for way in card.ways}
    methods: dict = {}
    sha: dict = {}
    for name, paths in card.weights.items():
        if len(paths) != 1:
            raise JGMError(
                f"weights {name!r}: given {len(paths)} times; a comparison takes one each"
            )
        network, about = checkpoints.load(paths[0])
        sha[name] = about["sha256"]
        if hasattr(network, "denoise"):
            colorizer = Colorizer(network, about)
            methods |= ways_of(name, colorizer, settings, card)
        elif hasattr(network, "colorize"):
            methods[name] = Direct(Conditional(network), card.K, card.seed)
            own = Conditional(network, finished=True)
            methods[f"{name}, {PROJECTED}"] = Direct(own, card.K, card.seed)
        else:
            raise JGMError(f"weights {name!r}: a {about['network']}, which draws no colours")
    return methods, sha


def ways_of(name: str, colorizer: Colorizer, settings: dict, card: ComparisonCard) -> dict:
    """A prior by each of the ways; split only if it was trained with split noise."""
    split = colorizer.card.get("training", {}).get("isotropic", 0.0) < 1
    return {
        f"{name}, {way}": by_card(colorizer, ColorizeCard(**own, n=card.K, seed=card.seed))
        for way, own in settings.items()
        if split or own["sampler"] != "split"
    }


def settings_of(way: str, card: ComparisonCard) -> dict:
    """The fields of ColorizeCard that a way means. Raises JGMError for an unknown one."""
    if way == TEMPERED:
        return presets.tempered(card.nfe)
    if way in presets.NAMED:
        return presets.NAMED[way]
    if way not in KNOBS:
        known = ", ".join(dict.fromkeys([*KNOBS, *presets.NAMED]))
        raise JGMError(f"ways: {way!r} is unknown; choose {known}")
    return {"sampler": way, **compared(way, **({} if way == "langevin" else {"steps": card.steps}))}
