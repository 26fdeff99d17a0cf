"""Parameters of lesson 07."""

from pydantic import Field

from jgm_lib.params import Card, knob


class AblationCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of everything random")
    weights: str = Field("toy-32", description="prior of the landscapes: bundled name or path")
    photo: str = Field("china", description="a photograph inside an installed package")
    scenes: int = knob(6, 2, 500, "landscapes that are coloured and measured")
    T: int = knob(6, 1, 1000, "Langevin steps a level (the paper's code: 100)")
    epsilon: float = knob(9e-5, 0, 1e-2, "step size; T epsilon is that of the code", "intensity^2")
    steps: int = knob(12, 2, 500, "evaluations of the fused null-space sampler")
    lams: list[float] = Field([0.0, 0.3, 1.0, 3.0], min_length=2, description="values of lambda_0")
    betas: list[float] = Field(
        [0.0, 0.25, 1.0, 5.9, 50.0], min_length=2, description="values of beta (Eq 14)"
    )
    side: int = knob(4, 2, 8, "side of the exact Gaussian pictures", "pixels")


CARD = AblationCard
