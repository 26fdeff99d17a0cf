"""Parameters of the sample lesson."""

from jgm_lib.params import Card, knob


class SampleCard(Card):
    seed: int = knob(0, 0, 100, "seed of everything random")
    sigma: float = knob(0.5, 0.1, 2.0, "noise level", "intensity")


CARD = SampleCard
