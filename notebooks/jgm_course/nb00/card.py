"""Parameters of lesson 00."""

from pydantic import Field

from jgm_lib.params import DEFAULT_WEIGHTS, Card, knob


class StartCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of the colours")
    n: int = knob(3, 2, 16, "number of colour versions")
    steps: int = knob(20, 1, 200, "noise levels from pure noise to the picture")
    weights: str = Field(DEFAULT_WEIGHTS, description="bundled name or path of the prior's weights")
    photo: str = Field("china", description="a package photograph, toy-1, or a file of yours")


CARD = StartCard
