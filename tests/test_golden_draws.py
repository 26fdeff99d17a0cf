"""The draws behind the README's numbers stay what they are: pinned pictures and scores."""

import numpy as np
import pytest
from PIL import Image

from jgm_lib import Colorizer
from jgm_lib.data.toy import ToyScenes
from jgm_lib.experiments.evaluate import evaluate
from jgm_lib.experiments.sources import Pictures
from jgm_lib.params import ColorizeCard

QUICK = {
    "split": dict(n=3, steps=3),
    "nullspace": dict(n=1, steps=4, sigma_max=20.0),
    "predictor_corrector": dict(n=1, steps=3),
    "langevin": dict(n=2, L=3, T=3, seed=5),
}
# size -> method, column -> mean PSNR dB and Delta E 2000 of three toy scenes
GOLDEN = {
    32: {
        ("grey replica", ""): (17.436245, 20.708811),
        ("truth", ""): (np.inf, 0.0),
        ("split", "single"): (18.31308, 15.061583),
        ("split", "consensus of 3"): (18.927625, 14.150385),
        ("split", "mean of 3"): (20.425377, 11.365798),
        ("split", "oracle of 3"): (23.627997, 6.443279),
        ("nullspace", "single"): (19.813717, 12.903559),
        ("predictor_corrector", "single"): (22.142603, 9.557673),
        ("langevin", "single"): (9.556825, 39.209622),
        ("langevin", "consensus of 2"): (9.556825, 39.209622),
        ("langevin", "mean of 2"): (12.012148, 33.987187),
        ("langevin", "oracle of 2"): (9.774405, 37.912972),
    },
    48: {
        ("grey replica", ""): (17.35, 20.842103),
        ("truth", ""): (np.inf, 0.0),
        ("split", "single"): (21.178554, 9.898844),
        ("split", "consensus of 3"): (20.955786, 10.280572),
        ("split", "mean of 3"): (21.607396, 9.695025),
        ("split", "oracle of 3"): (23.419482, 6.742018),
        ("nullspace", "single"): (19.177073, 12.94532),
        ("predictor_corrector", "single"): (21.719528, 10.003994),
        ("langevin", "single"): (12.463456, 33.442968),
        ("langevin", "consensus of 2"): (12.463456, 33.442968),
        ("langevin", "mean of 2"): (14.157208, 30.787216),
        ("langevin", "oracle of 2"): (12.463456, 33.442968),
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three toy scenes of 48 x 48 pixels."""
    path = tmp_path_factory.mktemp("scenes")
    x = ToyScenes(48).sample(3, 11).images
    for i, pixels in enumerate((255 * x).round().byte().permute(0, 2, 3, 1).numpy()):
        Image.fromarray(pixels).save(path / f"{i}.png")
    return path


def cards() -> dict:
    return {k: ColorizeCard(weights="toy-32", sampler=k, **v) for k, v in QUICK.items()}


@pytest.mark.parametrize("size", GOLDEN)
def test_evaluate_gives_the_pinned_numbers(folder, size):
    """At the prior's size and above it; other noise would be off by a dB and more."""
    pictures = Pictures.of(folder, size)
    found = evaluate(Colorizer.from_pretrained("toy-32"), pictures, cards(), batch=2)
    rows = {(r["method"], r["column"]): (r["psnr"], r["delta_e"]) for r in found}
    assert list(rows) == list(GOLDEN[size])
    np.testing.assert_allclose(list(rows.values()), list(GOLDEN[size].values()), atol=2e-4)
