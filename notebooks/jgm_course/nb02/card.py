"""Parameters of lesson 02."""

from jgm_lib.params import Card, knob


class LangevinCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of everything random")
    chains: int = knob(2000, 50, 100_000, "chains run side by side on the plane")
    sigma_1: float = knob(4.0, 0.5, 100, "largest noise level of the annealed chains")
    sigma_L: float = knob(0.05, 0.01, 0.4, "smallest noise level")
    L: int = knob(20, 2, 100, "number of noise levels")
    T: int = knob(100, 1, 2000, "steps a level")
    ratio: float = knob(0.2, 0.001, 1.9, "step alpha/sigma^2 of Eq 11; stable below 4")
    size: int = knob(32, 8, 128, "side of the pictures of the film strip, pixels")


CARD = LangevinCard
