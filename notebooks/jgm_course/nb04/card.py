"""Parameters of lesson 04."""

from typing import Literal

from pydantic import Field

from jgm_lib.params import Card, knob


class TrainPriorCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of everything random")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where to train")
    processes: int = knob(1, 1, 64, "GPUs that train together, one process each")
    precision: Literal["no", "bf16", "fp16"] = Field("no", description="mixed precision, for GPUs")
    data: str = Field("toy", description="toy, or the path of a packed set (lesson 12)")
    network: Literal["unet", "refinenet"] = Field("unet", description="architecture")
    settings: dict = Field({"widths": [24, 48, 72]}, description="arguments of the architecture")
    size: int = knob(32, 8, 512, "side of the training pictures", "pixels")
    steps: int = knob(500, 20, 1_000_000, "optimizer steps")
    batch: int = knob(16, 1, 4096, "pictures a step and process")
    optimizer: Literal["adamw", "adam"] = Field("adamw", description="optimizer")
    lr: float = knob(2e-3, 1e-6, 0.1, "learning rate after warm-up")
    schedule: Literal["decay", "constant", "halve"] = Field(
        "decay", description="constant then a final decay; constant; halved every 5,000 steps"
    )
    warmup: int = knob(50, 0, 10_000, "steps of linear warm-up")
    save_every: int = knob(250, 10, 100_000, "steps between checkpoints")
    run: str = Field("", description="folder of the run; empty: a temporary one")
    resume: bool = Field(False, description="go on from the newest checkpoint in the folder")
    weights: str = Field("runs/first-prior", description="where the finished weights go")


CARD = TrainPriorCard
