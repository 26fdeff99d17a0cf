"""Validated parameter cards: type, range, unit and effect of every knob, in one place.

They feed papermill, the command line and the sliders alike.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from .points import point_of
from .settings import (
    FEEDBACK,
    SETTINGS,
    SOLVERS,
    CorrectorSettings,
)
from .validation import Card, check_larger, check_parameters, knob, limits, one_line, validate

__all__ = [
    "Card",
    "ColorizeCard",
    "TrainCard",
    "check_parameters",
    "limits",
    "one_line",
    "validate",
]


DEFAULT_WEIGHTS = "photos-64"
UPSAMPLE = ("detail", "guided", "fusion", "bilinear")  # chroma to full size, see photo/enlarge.py
Positive = Annotated[float, Field(gt=0)]
Place = Annotated[tuple[int, int, str], BeforeValidator(point_of)]
FAST, CHAIN = SETTINGS["split"], SETTINGS["langevin"]  # their defaults are the card's
KNOBS = {name: settings.knobs for name, settings in SETTINGS.items()}


class ColorizeCard(Card):
    """Everything that decides a colorization; each sampler reads the knobs that are its own."""

    weights: str = Field(DEFAULT_WEIGHTS, description="bundled name or path of a .safetensors file")
    sampler: Literal[tuple(SETTINGS)] = Field(
        "split", description="which algorithm draws the colours"
    )
    gray: Literal["mean", "bt601"] = Field(
        "mean",
        description="F: Eq 18 mean, or Eq 19: 0.3 R + 0.59 G + 0.11 B, BT.601 as the paper rounds it",
    )
    border: Literal["auto", "none"] = Field(
        "auto", description="a scan's border: auto finds it and leaves it grey, none looks for none"
    )
    n: int = knob(4, 1, 64, "number of colour versions")
    seed: int = knob(0, 0, 2**31 - 1, "seed; the same seed gives the same picture")
    strength: float = knob(
        1.0, 0, 3, "colour strength: multiplies the final chroma as far as the gamut allows"
    )
    points: list[Place] = Field(
        [], description="x,y,#rrggbb: the chroma of this colour at this pixel of the photograph"
    )
    steps: int = knob(FAST.steps, 1, 2000, "noise levels of split, nullspace, predictor_corrector")
    solver: Literal[SOLVERS] = Field(FAST.solver, description="step rule of split")
    lookahead: float = knob(
        FAST.lookahead,
        0,
        1,
        "second-order share of multistep: 0 pale and safe, 1 the full variance",
    )
    eta: float = knob(FAST.eta, 0, 1, "fresh noise a step: 0 ODE, 1 ancestral (heun: always 0)")
    corrections: int = knob(
        CorrectorSettings.corrections, 0, 20, "Langevin steps a level of predictor_corrector"
    )
    sigma_max: float = knob(
        FAST.sigma_max,
        0.1,
        100,
        "first level of the fast samplers (nullspace: better 20)",
        "intensity",
    )
    sigma_min: float = knob(
        FAST.sigma_min, 0.0005, 0.1, "last noise level of the fast samplers", "intensity"
    )
    lam: float = knob(CHAIN.lam, 0, 50, "lambda_0, weight of the grey photograph (Eq 12)")
    beta: float = knob(CHAIN.beta, 0, 1000, "weight of the gradients in the fusion (Eq 14)")
    sigma_1: float = knob(CHAIN.sigma_1, 0.02, 50, "first noise level of Algorithm 1", "intensity")
    sigma_L: float = knob(CHAIN.sigma_L, 0.001, 1, "last noise level of Algorithm 1", "intensity")
    L: int = knob(CHAIN.L, 1, 1000, "number of noise levels of Algorithm 1")
    T: int = knob(CHAIN.T, 1, 1000, "Langevin steps a level")
    epsilon: float = knob(CHAIN.epsilon, 0, 1e-2, "step size at the last level", "intensity^2")
    feedback: Literal[FEEDBACK] = Field(
        CHAIN.feedback, description="when the fused picture goes back into the chain"
    )
    boundary: Literal["neumann", "periodic"] = Field(
        CHAIN.boundary, description="edge rule of Eq 14"
    )
    consistent: bool = Field(
        CHAIN.consistent,
        description="Algorithm 1 with a new level each step and just the noise it needs",
    )
    final_denoise: bool = Field(
        CHAIN.final_denoise,
        description="the last step of Algorithm 1 returns the denoised picture",
    )

    @model_validator(mode="after")
    def _fits_together(self):
        check_larger(self, "sigma_1", "sigma_L")
        check_larger(self, "sigma_max", "sigma_min")
        SETTINGS[self.sampler](**self.settings())  # as the sampler itself will check them
        return self

    def settings(self) -> dict:
        """The keyword arguments of the chosen sampler."""
        return {k: getattr(self, k) for k in KNOBS[self.sampler]}

    @property
    def states(self) -> int:
        """How many states the chosen sampler yields."""
        return self.L * self.T if self.sampler == "langevin" else self.steps


class TrainCard(Card):
    """Everything that decides a training run."""

    name: str = Field(
        "model",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="file name of the weights: letters, digits, . _ -, and not step-...",
    )
    network: str = Field(
        "unet", description="architecture, of ``networks.NETWORKS`` or ``systems.SYSTEMS``"
    )
    settings: dict = Field(default_factory=dict, description="arguments of the architecture")
    size: int = Field(64, ge=8, le=1024, description="side of the square training pictures, pixels")
    steps: int = Field(10_000, ge=1, description="optimizer steps")
    batch: int = Field(16, ge=1, description="pictures a step and process")
    optimizer: Literal["adamw", "adam"] = Field("adamw", description="optimizer")
    beta1: float = Field(0.9, ge=0, lt=1, description="how long Adam remembers gradients' means")
    lr: float = Field(6e-4, gt=0, le=1, description="learning rate after warm-up")
    schedule: Literal["decay", "constant", "halve"] = Field(
        "decay", description="constant then a final decay; constant; halved every halve_every"
    )
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
    draws: int = Field(1, ge=1, le=8, description="noisy versions of a picture in a step")
    any_gray: float = Field(0, ge=0, le=1, description="share of photographs grayed at random")
    aged: float = Field(0, ge=0, le=1, description="share of photographs worn by age")
    crop_area: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="smallest share of a picture that a random crop keeps"
    )
    seed: int = Field(0, ge=0, description="seed of everything random")
    precision: Literal["no", "bf16"] = Field(
        "no", description="bf16: bfloat16 where accelerate finds it safe; the weights stay float32"
    )
    device: Literal["auto", "cuda"] = Field(
        "auto", description="cuda: a card for GPUs, refused where there is none"
    )
    init: str = Field("", description="weights to start from, a bundled name or a path")
    fresh: list[str] = Field(
        [], description="parts that start anew all the same, by the beginnings of their names"
    )

    @model_validator(mode="after")
    def _fits_together(self):
        if self.name.startswith("step-"):
            raise ValueError(f"name={self.name!r}: step-... are the checkpoints of a run")
        if self.any_gray and not self.settings.get("any_gray"):
            raise ValueError(
                f"any_gray={self.any_gray}: the network's settings need any_gray: true"
            )
        if self.fresh and not self.init:
            raise ValueError(f"fresh={self.fresh}: only with init, else all starts anew")
        check_larger(self, "sigma_max", "sigma_min")
        return self

    @property
    def photographs(self) -> bool:
        """Whether the training loss looks at whole photographs (``losses.photograph_loss``)."""
        seeing = bool(self.settings.get("context"))
        return seeing or self.draws > 1 or self.any_gray > 0 or self.aged > 0
