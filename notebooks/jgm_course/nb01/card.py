"""Parameters of lesson 01."""

from jgm_lib.params import Card, knob


class ScoreMatchingCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of everything random")
    sigma: float = knob(0.5, 0.1, 2, "noise level of the one-dimensional experiments")
    sigma_1: float = knob(1.0, 0.2, 10, "largest noise level of the trained network")
    sigma_L: float = knob(0.05, 0.01, 0.1, "smallest noise level of the trained network")
    L: int = knob(6, 2, 30, "number of noise levels")
    steps: int = knob(1000, 10, 100_000, "training steps")
    batch: int = knob(256, 8, 65_536, "points a training step")
    width: int = knob(64, 4, 1024, "hidden units of the network")


CARD = ScoreMatchingCard
