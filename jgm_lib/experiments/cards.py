"""The knobs of the experiments. Without torch: refusals come at once."""

from typing import Annotated, ClassVar

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
    amounts: list[Annotated[int, Field(ge=1, le=64)]] = Field(
        [1, 2, 4], min_length=1, description="of blur (standard deviation) and shift, pixels"
    )


class AblationCard(ExperimentCard):
    """Of ``ablation``: Algorithm 1 with one factor changed at a time, at two settings."""

    quick: ClassVar[dict] = {"pictures": 4, "T": 3, "nfe": 12}

    pictures: int = knob(32, 2, 100_000, "at most so many pictures, evenly spread over a folder")
    weights: dict[str, list[str]] = Field(
        default_factory=lambda: {"JGM": ["toy-32"]},
        description="priors by name: first the one of nine channels that is varied; one of another "
        "gradient scale, one of pictures and one of gradients (JGM-divide) may follow",
    )
    intensity: str = Field(
        "rgb-isotropic", description="which of them JGM-divide joins with the prior of gradients"
    )
    T: int = knob(10, 3, 100, "steps a level of the authors' setting; T epsilon stays theirs")
    nfe: int = knob(145, 2, 1000, "evaluations of presets.tempered")
    share: float = knob(0.9, 0.01, 1, "h of presets.tempered")
    batch: int = knob(8, 1, 1024, "pictures at a time")


class GradientsCard(ExperimentCard):
    """Of ``gradients``: priors with and without gradients, on the same pictures."""

    quick: ClassVar[dict] = {"pictures": 4, "draws": 2, "steps": 6, "nfe": 12}

    weights: dict[str, list[str]] = Field(
        default_factory=dict, description="priors by name, each with the weights of its trainings"
    )
    intensity: str = Field(
        "rgb-isotropic", description="which of them JGM-divide joins with the prior of gradients"
    )
    draws: int = knob(4, 1, 64, "versions of each picture")
    steps: int = knob(20, 2, 2000, "noise levels of split and nullspace")
    nfe: int = knob(145, 2, 1000, "evaluations of Algorithm 1 (presets.tempered)")
    share: float = knob(
        0.9,
        0.01,
        1,
        "h of presets.tempered, and lambda = 1/h - 1: the smaller, the harder the pull",
    )
    batch: int = knob(8, 1, 1024, "pictures at a time")


class ComparisonCard(ExperimentCard):
    """Of ``comparison``: systems and priors on the same photographs."""

    quick: ClassVar[dict] = {
        **{"pictures": 4, "K": 2, "steps": 6, "nfe": 12},
        **{"protocol_pictures": 2, "runs": 2, "long_pictures": 2},
    }

    weights: dict[str, list[str]] = Field(
        default_factory=dict,
        description="systems and priors by name, two weights for JGM-divide and iGM-6C; the others are "
        "compared with the first one; empty: the line-up, as far as its weights are bundled",
    )
    ways: list[str] = Field(
        default_factory=list,
        description="how priors colour: samplers, or presets of Algorithm 1; empty: as the line-up says",
    )
    K: int = knob(4, 2, 64, "versions of each picture, for consensus, mean, oracle and diversity")
    size: int = knob(64, 8, 1024, "side of the pictures", "pixels")
    steps: int = knob(20, 2, 2000, "noise levels of split, nullspace and predictor_corrector")
    nfe: int = knob(145, 2, 1000, "evaluations of tempered")
    long_pictures: int = knob(8, 2, 100_000, "pictures of chains of 1,000 evaluations or more")
    long_K: int = knob(2, 2, 64, "versions of each picture by such chains")
    protocol_pictures: int = knob(4, 0, 100_000, "pictures for the paper's protocol, 0 for none")
    protocol_entrants: int = knob(2, 1, 100, "of how many that draw by Algorithm 1, the first ones")
    runs: int = knob(12, 2, 64, "runs of the paper's protocol")
    classifier: str = Field(
        "classifier-64", description="whose features the Frechet distance takes"
    )
    batch: int = knob(8, 1, 1024, "pictures at a time")


class CurvesCard(ExperimentCard):
    """Of ``curves``: priors trained anew, all with one budget."""

    quick: ClassVar[dict] = {"pictures": 4, "steps": 20, "every": 10}

    cards: list[str] = Field(
        ["toy-jgm-isotropic", "toy-rgb-isotropic", "toy-gradients"],
        min_length=1,
        description="training cards; the others are compared with the first one",
    )
    steps: int = knob(600, 1, 10_000_000, "training steps of each")
    every: int = knob(100, 1, 10_000_000, "steps between two looks")
    batch: int = knob(16, 1, 4096, "pictures a step")
    levels: list[Annotated[float, Field(gt=0, le=50)]] = Field(
        [0.03, 0.1, 0.3, 1.0], min_length=1, description="noise levels of the looks, intensity"
    )


class DiversityCard(ExperimentCard):
    """Of ``diversity``: K draws of each picture by every method, at several temperatures."""

    quick: ClassVar[dict] = {
        **{"pictures": 3, "K": 2, "steps": 6, "nfe": 12, "few": 2},
        **{"ways": ["split", "nullspace", "tempered"]},
    }

    pictures: int = knob(32, 2, 100_000, "at most so many pictures, evenly spread over a folder")
    weights: dict[str, list[str]] = Field(
        default_factory=lambda: {"JGM": ["toy-32"]}, description="systems and priors by name"
    )
    ways: list[str] = Field(
        ["split", "nullspace", "tempered", "authors, LSUN"],
        min_length=1,
        description="how priors colour: samplers, or presets of Algorithm 1",
    )
    K: int = knob(8, 2, 64, "draws of each picture; the spread of one draw is nothing")
    steps: int = knob(20, 2, 2000, "noise levels of split and nullspace")
    nfe: int = knob(145, 2, 1000, "evaluations of tempered")
    few: int = knob(6, 2, 100_000, "pictures for what takes 500 evaluations and more")
    lookaheads: list[Annotated[float, Field(ge=0, le=1)]] = Field(
        [0.6, 0.0], description="of split beside its own 1: the smaller, the paler"
    )
    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        [0.5], description="h of presets.tempered beside its own: the smaller, the more colourful"
    )
    strengths: list[Annotated[float, Field(ge=0, le=3)]] = Field(
        [0.7, 1.4], description="factors of the chroma, of the draws of the fast samplers"
    )
    batch: int = knob(8, 1, 1024, "pictures at a time")


class BlindCard(ExperimentCard):
    """Of ``blind``: photographs grayed by one F and coloured as if it had been another."""

    quick: ClassVar[dict] = {
        **{"pictures": 3, "steps": 4, "levels": [0.3], "roll": 2},
        **{"grays": ["mean", "orthochromatic"], "ways": ["split"]},
    }

    pictures: int = knob(32, 2, 100_000, "at most so many pictures, evenly spread over a folder")
    weights: dict[str, list[str]] = Field(
        default_factory=lambda: {"JGM": ["toy-32"]}, description="priors by name"
    )
    ways: list[str] = Field(
        ["split", "nullspace"], min_length=1, description="samplers that draw the colours"
    )
    grays: list[str] = Field(
        ["mean", "bt601", "orthochromatic", "blue-sensitive"],
        min_length=2,
        description="F that made the grey, and F that is assumed: each with each",
    )
    films: list[str] = Field(["orthochromatic"], description="emulsions of the simulated films")
    n: int = knob(1, 1, 64, "versions of each picture")
    steps: int = knob(20, 2, 2000, "noise levels of the samplers")
    levels: list[Annotated[float, Field(ge=0.002, le=20)]] = Field(
        [0.1, 0.3, 1.0], min_length=1, description="noise levels of the denoising loss, intensity"
    )
    roll: int = knob(8, 2, 100_000, "pictures of one film that are guessed together")
    batch: int = knob(16, 1, 1024, "pictures at a time")


EXPERIMENTS = {
    "calibration": ("edge overflow of the truth, its chroma blurred or shifted", CalibrationCard),
    "ablation": ("Table III and the sweeps: Algorithm 1, one factor at a time", AblationCard),
    "blind": ("Fig 10: what a wrong F and a film cost, and whether F can be found", BlindCard),
    "comparison": (
        "Table I: systems and priors on photographs, beside the grey ones",
        ComparisonCard,
    ),
    "curves": ("training curves at equal budget: 9, 3 and 6 channels", CurvesCard),
    "diversity": ("Fig 8: spread, overflow, saturation, and the modes K draws show", DiversityCard),
    "gradients": (
        "do gradients help? 3, 9 and 3 + 6 channels, with and without DC2",
        GradientsCard,
    ),
}
