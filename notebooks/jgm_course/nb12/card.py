"""Parameters of lesson 12."""

from typing import Literal

from pydantic import Field

from jgm_lib.params import Card, knob


class ScaleCard(Card):
    seed: int = knob(0, 0, 2**31 - 1, "seed of everything random")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where to train")
    pictures: int = knob(60, 20, 100_000, "toy scenes to make and pack")
    size: int = knob(64, 16, 256, "side of the packed pictures", "pixels")
    data: str = Field("", description="a packed set to train on; empty: the one made here")
    training: str = Field("", description="training card to measure; empty: a small UNet")
    steps: int = knob(20, 10, 10_000, "training steps to measure")
    tflops: float = knob(5.3, 0.01, 2000, "sustained speed of a GPU, assumed", "TFLOP/s")
    scaling: float = knob(1.0, 0.1, 1, "share of that speed left when several GPUs work together")
    sigma: list[float] = Field([0.3, 3.0], min_length=1, description="noise levels of the sweep")
    lr: list[float] = Field([0.05, 0.5], min_length=1, description="learning rates of the sweep")
    out: str = Field("", description="folder of the sweep; empty: a temporary one")


CARD = ScaleCard
