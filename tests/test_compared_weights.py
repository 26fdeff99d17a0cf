"""Bundled weights of the compared systems and priors: of their cards, as long as promised, and what they give.

`python tests/test_compared_weights.py` prints the outputs of all, to be pinned below.
"""

import json
import math

import pytest
import torch

from jgm_lib import checkpoints
from jgm_lib.cards import read_train_card
from jgm_lib.systems import SYSTEMS

OTHERS = {"scenes-64", "toy-32", "photos-64", "classifier-64"}
NAMES = sorted(set(checkpoints.bundled()) - OTHERS)
OUTPUTS = {
    "chromagan-64": [0.467, 0.7439, 0.421, 0.3936],
    "cvae-64": [0.5239, 0.8826, 0.3705, 0.2988],
    "jgm-isotropic-64": [0.5107, 0.3802, 0.054, 0.001],
    "jgm-split-64": [0.5428, 0.4408, 0.0424, 0.0382],
    "regression-64": [0.4712, 0.7358, 0.427, 0.4518],
    "rgb-split-64": [0.6773, 0.5843, 0.4348, 0.4452],
    "toy-jgm-split-0": [0.7335, 0.4662, 0.022, -0.0096],
    "toy-jgm-split-1": [0.7569, 0.4547, 0.0716, -0.0337],
    "toy-jgm-split-2": [0.6321, 0.5734, 0.0928, 0.0249],
    "toy-rgb-split-0": [0.7354, 0.6754, 0.4783, 0.3622],
    "toy-rgb-split-1": [0.7336, 0.8247, 0.4742, 0.354],
    "toy-rgb-split-2": [0.6784, 0.8111, 0.4541, 0.2636],
    "zhang-64": [0.4688, 0.7729, 0.4256, 0.3079],
}  # fmt: skip
AT = (0, 5, 13, 20)  # of the flattened output, in units of its length / 21


def card_name(name: str) -> str:
    """The training card's: toy weights are numbered by the seed."""
    return name.rsplit("-", 1)[0] if name.startswith("toy-") else name


def output(name: str) -> list[float]:
    """The system's colours of a picture in closed form, or the prior's estimate of it at sigma 0.5."""
    model, card = checkpoints.load(name)
    side, channels = card["size"], 1 if card["network"] in SYSTEMS else model.domain.channels
    row, column = torch.meshgrid(*[torch.arange(side) / side] * 2, indexing="ij")
    c = torch.arange(channels).view(1, -1, 1, 1)
    x = 0.5 + 0.4 * torch.sin(2 * math.pi * ((1 + c % 3) * row + 2 * column) + c)
    with torch.no_grad():
        out = model.colorize(x, 0) if channels == 1 else model.denoise(x, 0.5)
    return [round(float(out.flatten()[k * out.numel() // 21]), 4) for k in AT]


@pytest.mark.parametrize("name", NAMES)
def test_output(name):
    assert output(name) == pytest.approx(OUTPUTS[name], abs=2e-3)


def test_no_output_is_of_weights_that_are_gone():
    assert set(OUTPUTS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_card_tells_what_was_trained_how_long_and_on_what(name):
    card = json.loads((checkpoints.BUNDLED / f"{name}.json").read_text())
    meant = read_train_card(card_name(name))
    assert (card["network"], card["size"]) == (meant.network, meant.size)
    assert card["settings"].items() >= meant.settings.items()
    assert card["steps"] == meant.steps
    toy = name.startswith("toy-")
    assert card["pictures_seen"] == meant.steps * meant.batch
    if card["network"] not in SYSTEMS:
        assert card["pictures_seen"] >= (100_000 if toy else 250_000)
    assert card["licence"] if toy else card["data"]["licence"]
    assert toy or card["metrics"]["command"].startswith(
        ("python -m benchmarks.", "jgm experiment ")
    )


if __name__ == "__main__":
    print("\n".join(f'    "{name}": {output(name)},' for name in NAMES))
