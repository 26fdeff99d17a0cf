"""Settings for every test."""

import jgm_lib  # noqa: F401, I001 -- the thread policy, before torch loads
import pytest
import torch

# Tiny tensors: a second thread costs more than it brings, and one thread adds up sums in one order,
# so that seeded results do not depend on the machine's number of cores.
torch.set_num_threads(1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A tiny untrained network of the real kind: quick, and random colours will do for a panel."""
    from jgm_lib import checkpoints
    from jgm_lib.networks import build

    torch.manual_seed(0)
    settings = {"widths": [8, 16], "channels": 9}
    card = {"name": "tiny", "network": "unet", "settings": settings, "size": 16}
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    return str(checkpoints.save(path, build("unet", **settings), card))


@pytest.fixture
def card(weights):
    from jgm_lib.params import ColorizeCard

    return ColorizeCard(weights=weights, n=2, steps=3)


@pytest.fixture
def panel(card):
    """The colorization panel on that network."""
    from jgm_lib.widgets import ColorizePanel

    made = ColorizePanel(card, picture="toy-1")
    made.worker.settle = 0.05
    yield made
    made.stop()
