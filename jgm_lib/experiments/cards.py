"""The knobs of the experiments. Without torch: refusals come at once."""

from typing import ClassVar

from pydantic import Field

from ..params import Card, knob


class ExperimentCard(Card):
    """What every experiment can be told. ``quick``: values that show in a minute that it runs."""

    quick: ClassVar[dict] = {"pictures": 4}

    seed: int = knob(0, 0, 2**31 - 1, "seed of everything random")
    pictures: int = knob(64, 2, 100_000, "at most so many pictures, evenly spread over a folder")


class CalibrationCard(ExperimentCard):
    """Of ``calibration``: the truth with its chroma spoiled by known amounts."""

    size: int = knob(64, 8, 1024, "side of a folder's pictures", "pixels")
    amounts: list[int] = Field(
        [1, 2, 4], min_length=1, description="of blur (standard deviation) and shift, pixels"
    )


EXPERIMENTS = {
    "calibration": ("edge overflow of the truth, its chroma blurred or shifted", CalibrationCard),
}
