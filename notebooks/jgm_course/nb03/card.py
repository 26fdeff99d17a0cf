"""Parameters of lesson 03."""

from jgm_lib.params import Card, knob


class GradientCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of everything random")
    longest: int = knob(128, 32, 640, "longest side of the photographs of Eq 14", "pixels")
    sigma: float = knob(0.1, 0.001, 0.5, "noise on the nine channels before fusion", "intensity")
    gradient_scale: float = knob(0.5, 0.1, 2, "gradients are stored times this; the authors: 0.5")
    beta: float = knob(5.9, 0.01, 1000, "weight of the gradients in Eq 14; the authors: 5.9")
    sigma_L: float = knob(0.01, 0.001, 0.1, "last noise level", "intensity")
    shrink: int = knob(2, 1, 4, "statistics: average squares of this side first", "pixels")
    side: int = knob(148, 64, 148, "statistics: side of a patch in the photograph", "pixels")
    rounds: int = knob(499, 19, 10_000, "permutations of the patch test")


CARD = GradientCard
