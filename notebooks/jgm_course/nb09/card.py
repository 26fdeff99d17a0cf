"""Parameters of lesson 09."""

from typing import Literal

from pydantic import Field

from jgm_lib.params import Card, knob


class DiversityCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of everything random")
    weights: str = Field("toy-32", description="prior of the landscapes: bundled name or path")
    photo_weights: str = Field("scenes-64", description="prior of the photograph")
    photo: str = Field("china", description="a photograph inside an installed package")
    n: int = knob(8, 2, 64, "versions of each picture")
    scenes: int = knob(12, 2, 500, "landscapes that are counted and measured")
    steps: int = knob(12, 2, 500, "evaluations of one draw")
    solver: Literal["ancestral", "multistep"] = Field("multistep", description="step rule of split")


CARD = DiversityCard
