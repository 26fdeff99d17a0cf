"""Parameters of lesson 05, which is also `make demo`."""

from pydantic import Field

from jgm_lib.params import ColorizeCard, knob


class DemoCard(ColorizeCard):
    """Lesson 05 and ``make demo``: which photographs, and where the coloured ones go."""

    pictures: list[str] = Field(
        ["china", "chelsea", "coffee", "astronaut"],
        min_length=1,
        max_length=20,
        description="names of package photographs, or toy-1, toy-2, ...",
    )
    out: str = Field("out", description="folder for the full-size pictures and the contact sheet")
    n: int = knob(3, 1, 64, "number of colour versions")
    T: int = knob(8, 1, 1000, "Langevin steps a level")
    epsilon: float = knob(6.75e-5, 0, 1e-2, "step size at the last level", "intensity^2")


CARD = DemoCard
