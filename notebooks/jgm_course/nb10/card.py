"""Parameters of lesson 10."""

from pydantic import Field

from jgm_lib.params import DEFAULT_WEIGHTS, Card, knob


class BlindHistoricCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of everything random")
    weights: str = Field(DEFAULT_WEIGHTS, description="prior: bundled name or path")
    photo: str = Field("china", description="a colour photograph inside an installed package")
    film: str = Field("orthochromatic", description="blue-sensitive, orthochromatic, panchromatic")
    gamma: float = knob(1.2, 0.2, 5, "contrast of the simulated film")
    toe: float = knob(0.5, 0, 0.95, "contrast that the film loses in the shadows")
    shoulder: float = knob(0.5, 0, 0.95, "contrast that the film loses in the lights")
    grain: float = knob(0.02, 0, 0.3, "grain of the film in middle grey", "intensity")
    n: int = knob(2, 1, 16, "versions of each picture")
    steps: int = knob(12, 2, 500, "evaluations of one version")
    folder: str = Field("", description="folder of your own black-and-white photographs")
    limit: int = knob(6, 1, 500, "at most so many pictures of the folder")
    out: str = Field("", description="folder for the coloured pictures; empty: show only")


CARD = BlindHistoricCard
