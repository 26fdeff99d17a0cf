"""Parameters of lesson 11."""

from pydantic import Field

from jgm_lib.params import Card, knob


class StudyCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of the plan, of the colours and of simulations")
    weights: str = Field("scenes-64", description="prior: bundled name or path")
    pictures: list[str] = Field(
        ["china", "rocket", "coffee", "flower"],
        min_length=1,
        max_length=40,
        description="photographs inside installed packages",
    )
    steps: int = knob(8, 1, 500, "evaluations of one draw")
    first: int = knob(0, 0, 100_000, "lowest observer number that this machine gives")
    votes: str = Field("out/votes", description="folder for the votes of people")
    people: int = knob(24, 4, 10_000, "observers of one simulated room")
    rooms: int = knob(120, 20, 10_000, "simulated rooms for the coverage of the intervals")


CARD = StudyCard
