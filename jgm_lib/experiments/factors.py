"""What ``ablation`` varies: two settings of Algorithm 1, and from each of them one factor at a time.

The authors' setting takes the steps of their LSUN code, bundled into fewer and larger ones of the
same time T epsilon; the other is ``presets.tempered``, the best that is known here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..params import ColorizeCard
from ..samplers import presets
from ..settings import FEEDBACK
from .cards import AblationCard
from .priors import DIVIDED, Prior

AUTHORS, TEMPERED = "authors'", "tempered"
PARTS, SCALE, SAME_TIME = "parts", "gradient scale", "T, same T epsilon"
IN_LOOP = "beta in the loop"  # fused and re-stacked in every step
BETAS = (0.0, 0.25, 1.0, 5.9, 50.0)
SWEEPS = {  # factor -> knob, values
    "lambda_0": ("lam", (0.0, 0.3, 1.0, 3.0, 10.0)),
    "beta": ("beta", BETAS),
    "sigma_1": ("sigma_1", (0.3, 1.0, 3.0, 10.0, 20.0)),
}
COUNTS = {"L": (0.3, 0.5, 1, 2), "T": (0.1, 0.3, 1, 3)}  # in multiples of the setting's own


@dataclass(frozen=True)
class Variation:
    """One run: a factor of a setting at a value, all else as in the setting. ``base``: it is the
    setting itself; ``prior``: whose network; ``settings``: of ``langevin``."""

    setting: str
    factor: str
    value: float | str
    settings: dict
    prior: str
    base: bool = False

    @property
    def chain(self) -> tuple:
        """What decides the chain: with nine free chains beta only enters after their end (Eq 14)."""
        free = self.settings["feedback"] == "none"
        own = {k: v for k, v in self.settings.items() if not (free and k == "beta")}
        return (self.prior, *sorted(own.items(), key=str))


def bases(card: AblationCard) -> dict[str, dict]:
    """The two settings, of ``langevin``."""
    code = ColorizeCard(**presets.AUTHORS_LSUN).settings()
    code = {**code, "T": card.T, "epsilon": code["epsilon"] * code["T"] / card.T}
    best = ColorizeCard(**presets.tempered(card.nfe, card.share)).settings()
    return {AUTHORS: code, TEMPERED: best}


def variations(card: AblationCard, priors: dict[str, Prior]) -> Iterator[Variation]:
    """All runs, setting by setting and factor by factor; the setting itself is in every factor.
    ``priors``: that of nine channels, which is varied, comes first."""
    first = next(iter(priors))
    for setting, base in bases(card).items():
        for factor, prior, value, change in changes(setting, base, priors):
            own = base | change
            yield Variation(setting, factor, value, own, prior, (prior, own) == (first, base))


def changes(setting: str, base: dict, priors: dict[str, Prior]) -> Iterator[tuple]:
    """(factor, name of the prior, value, what changes in ``base``) one after another."""
    first = next(iter(priors))
    yield from other_priors(priors)
    for mode in FEEDBACK:
        yield "feedback", first, mode, {"feedback": mode}
    for edges in ("neumann", "periodic"):
        yield "boundary", first, edges, {"boundary": edges}
    for factor, (knob, values) in SWEEPS.items():
        for v in with_own(values, base[knob]):
            yield factor, first, v, {knob: v}
    for v in with_own(BETAS, base["beta"]):
        yield IN_LOOP, first, v, {"beta": v, "feedback": "step"}
    for knob, multiples in COUNTS.items():
        for v in with_own((max(1, round(m * base[knob])) for m in multiples), base[knob]):
            yield knob, first, v, {knob: v}
    if setting == AUTHORS:
        finer = min(10 * base["T"], presets.PAPER["T"])
        for v in with_own((base["T"] // 2, finer), base["T"]):
            yield SAME_TIME, first, v, {"T": v, "epsilon": base["epsilon"] * base["T"] / v}


def other_priors(priors: dict[str, Prior]) -> Iterator[tuple]:
    """Table III: the joint prior with and without the gradients' consistency, JGM-divide, and the
    pictures' prior alone; then joint priors of other gradient scales."""
    first, *others = priors
    yield PARTS, first, first, {}
    yield PARTS, first, "without DC2", {"lam_grad": 0.0}
    scaled = [n for n in others if n != DIVIDED and priors[n].channels == 9]
    for name in others:
        if name not in scaled:
            yield PARTS, name, name, {}
    for name in [first, *scaled] if scaled else []:
        yield SCALE, name, priors[name].models[0].domain.scale, {}


def with_own(values, own) -> list:
    """The values of a sweep and the setting's own among them, smallest first."""
    return sorted({*values, own})
