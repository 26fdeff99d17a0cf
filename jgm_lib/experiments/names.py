"""The methods by name and the settings each gets. Without torch: refusals come at once."""

from ..errors import JGMError
from ..settings import EVALUATED

GREY = "grey replica"
VERSIONS = 8  # of split and of means, if nothing is said; the other methods draw one
_MEAN = "mean of "


def method_names() -> list[str]:
    """Everything that ``jgm evaluate --methods`` takes."""
    from ..params import KNOBS

    return [GREY, "regression mean", *KNOBS, *(_MEAN + sampler for sampler in KNOBS)]


def method_name(word: str) -> str:
    """The method meant by a word of the command line, in which - and _ stand for spaces too.

    Raises JGMError naming those there are.
    """
    known = {_plain(name): name for name in method_names()}
    if _plain(word) not in known:
        raise JGMError(f"method {word.strip()!r} is unknown; choose {', '.join(known.values())}")
    return known[_plain(word)]


def _plain(word: str) -> str:
    return " ".join(word.replace("-", " ").replace("_", " ").split())


def averaged(name: str) -> bool:
    """Whether a method is the mean of several draws."""
    return name.startswith(_MEAN)


def sampler_of(name: str) -> str:
    """The sampler whose knobs a method reads: the regression mean is the first step of split."""
    from ..params import KNOBS

    name = name.removeprefix(_MEAN)
    return name if name in KNOBS else "split"


def cards_of(names, given: dict) -> dict:
    """method name -> ColorizeCard from the settings ``given`` for all. Raises JGMError.

    The grey replica needs none: it is the first row of every table.
    """
    from ..params import ColorizeCard, validate

    cards = {}
    for name in (n for n in names if n != GREY):
        own = {} if name == "split" or averaged(name) else {"n": 1}
        own |= {k: v for k, v in EVALUATED.items() if k not in given and "nullspace" in name}
        values = {"n": VERSIONS, **given, **own, "sampler": sampler_of(name)}
        cards[name] = validate(ColorizeCard, values)
    return cards


def check_against(against: str | None, names) -> str | None:
    """The method that the others are compared with. JGMError unless it is measured too."""
    against = against and method_name(against)
    if against and against not in {GREY, *names}:
        raise JGMError(f"against {against!r}: not among the methods ({', '.join(names)})")
    return against
