"""Parameters of lesson 06."""

from pydantic import Field

from jgm_lib.params import Card, knob


class FastSamplersCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of everything random")
    weights: str = Field("toy-32", description="prior of the landscapes: bundled name or path")
    photo_weights: str = Field("scenes-64", description="prior of the photograph")
    photo: str = Field("china", description="a photograph inside an installed package")
    scenes: int = knob(8, 1, 256, "landscapes a row of the table")
    T: int = knob(6, 1, 1000, "Langevin steps on each of the ten levels of Algorithm 1")
    nfe: list[int] = Field([3, 5, 10, 20], description="evaluations of the quality curve")


CARD = FastSamplersCard
