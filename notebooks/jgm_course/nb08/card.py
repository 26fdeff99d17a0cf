"""Parameters of lesson 08."""

from pydantic import Field

from jgm_lib.params import Card, knob


class ComparisonCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of everything random")
    weights: str = Field("toy-32", description="prior of the landscapes: bundled name or path")
    photo_weights: str = Field("scenes-64", description="prior of the photographs")
    pictures: list[str] = Field(
        ["china", "rocket", "coffee", "flower", "astronaut", "chelsea"],
        min_length=2,
        max_length=40,
        description="photographs inside installed packages",
    )
    scenes: int = knob(8, 2, 500, "landscapes that are coloured")
    draws: int = knob(12, 2, 64, "draws of each landscape (the authors: 12 runs)")
    photo_draws: int = knob(3, 2, 64, "draws of each photograph")
    slow_draws: int = knob(3, 2, 64, "draws of Algorithm 1")
    steps: int = knob(10, 2, 500, "evaluations of the fast samplers")
    T: int = knob(6, 1, 1000, "Langevin steps a level of Algorithm 1 (the code: 100)")
    epsilon: float = knob(9e-5, 0, 1e-2, "its step size; T epsilon is that of the code")
    lam: float = knob(3.0, 0, 50, "its lambda_0")


CARD = ComparisonCard
