"""The line-up of the comparison: every system of Table I and every control, by the bundled weights that
it takes and the ways in which it colours. Without torch: refusals come at once.
"""

from dataclasses import dataclass

TEMPERED = "tempered"
AUTHORS = "authors, LSUN"
WITHOUT_DC2 = "tempered without DC2"
STRUCTURED = "tempered, structured"
PROGRESSIVE = "two stages"  # iGM-6C's own, which no other prior has
LONG = (
    "as printed",
    AUTHORS,
    "authors, COCO",
    "langevin",
    PROGRESSIVE,
)  # 1,000 evaluations or more
USUAL = ("split", "nullspace", TEMPERED)  # of priors that are not in the line-up


@dataclass(frozen=True)
class Seat:
    """``weights``: bundled names, two for a system of two priors; ``ways``: of ``entrants``."""

    weights: tuple[str, ...]
    ways: tuple[str, ...] = ()


LINEUP = {  # the first is the one that the others are compared with
    "JGM split noise": Seat(("jgm-split-64",), ("split",)),
    "3C split noise": Seat(("rgb-split-64",), ("split",)),
    "JGM": Seat(("jgm-isotropic-64",), (TEMPERED, AUTHORS, "nullspace", WITHOUT_DC2)),
    "JGM on RefineNet": Seat(("refinenet-64",), (AUTHORS,)),
    "JGM-divide": Seat(("rgb-isotropic-64", "gradients-64"), (TEMPERED,)),
    "3C": Seat(("rgb-isotropic-64",), (TEMPERED, "nullspace")),
    "iGM-6C": Seat(("rgb-isotropic-64", "igm-64"), (PROGRESSIVE,)),
    "WACM": Seat(("haar-64",), (STRUCTURED,)),
    "regression U-Net": Seat(("regression-64",)),
    "Zhang": Seat(("zhang-64",)),
    "ChromaGAN": Seat(("chromagan-64",)),
    "MemoPainter": Seat(("memopainter-64",)),
    "CVAE": Seat(("cvae-64",)),
}


def bundled_lineup(bundled: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """(name -> weights of all whose weights are there, a note for every one whose are not)."""
    found, notes = {}, []
    for name, seat in LINEUP.items():
        missing = [w for w in seat.weights if w not in bundled]
        if missing:
            notes.append(f"{name}: left out, no bundled weights {', '.join(missing)}")
        else:
            found[name] = list(seat.weights)
    return found, notes


def ways_of_seat(name: str, given: list[str]) -> list[str]:
    """The ways given, or else those of the line-up, or the usual ones."""
    return given or list((LINEUP[name].ways if name in LINEUP else ()) or USUAL)
