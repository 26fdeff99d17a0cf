"""Validated parameter cards: type, range, unit and effect of every knob, in one place.

They feed papermill, the command line and the sliders alike.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import JGMError


class Card(BaseModel):
    """Base of all cards: unknown names are refused, values are never silently converted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


Positive = Annotated[float, Field(gt=0)]


class TrainCard(Card):
    """Everything that decides a training run."""

    name: str = Field("model", description="file name of the weights")
    network: Literal["unet", "refinenet"] = Field("unet", description="architecture")
    settings: dict = Field(default_factory=dict, description="arguments of the architecture")
    size: int = Field(64, ge=8, le=1024, description="side of the square training pictures, pixels")
    steps: int = Field(10_000, ge=1, description="optimizer steps")
    batch: int = Field(16, ge=1, description="pictures a step and process")
    optimizer: Literal["adamw", "adam"] = Field("adamw", description="optimizer")
    lr: float = Field(6e-4, gt=0, le=1, description="learning rate after warm-up")
    schedule: Literal["decay", "constant", "halve"] = Field(
        "decay", description="constant then a final decay; constant; halved every halve_every")
    warmup: int = Field(200, ge=0, description="steps of linear warm-up")
    decay_share: float = Field(0.2, gt=0, le=1, description="share of the steps with falling rate")
    halve_every: int = Field(5000, ge=1, description="steps between halvings (schedule halve)")
    clip: float = Field(1.0, ge=0, description="gradient norm limit, 0 for none")
    ema: float = Field(0.999, ge=0, lt=1, description="decay limit of the weight average")
    isotropic: float = Field(0.35, ge=0, le=1, description="share of pictures with sigma_y=sigma_c")
    p_mean: float = Field(-1.8, description="mean of ln sigma")
    p_std: float = Field(1.6, gt=0, description="standard deviation of ln sigma")
    sigma_min: Positive = Field(0.002, description="smallest sigma in training")
    sigma_max: Positive = Field(20.0, description="largest sigma in training")
    sigma_y: Positive = Field(0.002, description="luma noise of the split pictures")
    seed: int = Field(0, ge=0, description="seed of everything random")


def one_line(error: ValidationError) -> str:
    """A pydantic error as one clear line: what, where, what is allowed."""
    parts = []
    for e in error.errors():
        where = ".".join(map(str, e["loc"])) or "card"
        if e["type"] == "extra_forbidden":
            parts.append(f"{where}: unknown name")
        else:
            parts.append(f"{where}={e.get('input')!r}: {e['msg'][0].lower() + e['msg'][1:]}")
    return "; ".join(parts)


def validate(card: type[Card], values: dict) -> Card:
    """Build a card from a dict; every fault in one JGMError line."""
    try:
        return card(**values)
    except ValidationError as error:
        raise JGMError(f"{card.__name__}: {one_line(error)}") from None
