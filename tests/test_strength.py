"""Colour strength: the chroma times a number, the photograph untouched."""

import pytest
import torch

from jgm_lib import Colorizer
from jgm_lib.constraint import fit_gamut, strengthened
from jgm_lib.data.toy import ToyScenes
from jgm_lib.errors import JGMError
from jgm_lib.experiments.methods import method_of
from jgm_lib.noise import picture_key
from jgm_lib.operators import gray, gray_weights
from jgm_lib.params import ColorizeCard

FAST = {"n": 2, "steps": 4, "sigma_max": 10.0}


@pytest.fixture(scope="module")
def prior():
    return Colorizer.from_pretrained("toy-32")


@pytest.fixture(scope="module")
def photo():
    scene = ToyScenes(32).sample(1, torch.Generator().manual_seed(3)).images[0]
    return scene.permute(1, 2, 0).numpy()


@pytest.mark.parametrize("kind", ["mean", "bt601"])
def test_chroma_is_multiplied_and_the_grey_stays(kind):
    f = gray_weights(kind)
    y = 0.3 + 0.4 * torch.rand(2, 1, 5, 7, generator=torch.Generator().manual_seed(0))
    c = 0.02 * torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(1))
    x = y + c - gray(c, f)
    for k in (0.0, 0.5, 2.0):  # small chroma: nothing meets the gamut
        out = strengthened(x, y, k)
        torch.testing.assert_close(out - y, k * (x - y), atol=1e-6, rtol=0)
        torch.testing.assert_close(gray(out, f), y, atol=1e-6, rtol=0)


def test_too_much_colour_stops_at_the_gamut():
    y = torch.full((1, 1, 1, 1), 0.5)
    x = torch.tensor([0.7, 0.5, 0.3]).view(1, 3, 1, 1)
    out = strengthened(x, y, 3.0)  # three times 0.2 is more than the 0.5 there is
    torch.testing.assert_close(out.flatten(), torch.tensor([1.0, 0.5, 0.0]))
    torch.testing.assert_close(strengthened(x, y, 1.0), x)
    odd = torch.tensor([0.9, 0.4, 0.2]).view(1, 3, 1, 1)  # room for 1.25 times its red, not for 3
    out = strengthened(odd, y, 3.0)
    torch.testing.assert_close(out.flatten(), torch.tensor([1.0, 0.375, 0.125]))
    torch.testing.assert_close(fit_gamut(x, y), x)


@pytest.mark.parametrize("kind", ["mean", "bt601"])
def test_a_result_has_it_in_every_version_and_in_the_mean(kind, prior, photo):
    plain, pale = (prior.colorize(photo, **FAST, gray=kind, strength=k) for k in (1.0, 0.5))
    y = gray(plain.samples, plain.f)
    assert plain.order == pale.order
    torch.testing.assert_close(pale.samples, y + 0.5 * (plain.samples - y), atol=1e-5, rtol=0)
    assert pale.spread_levels == pytest.approx(0.5 * plain.spread_levels, rel=1e-3)


def test_what_is_measured_is_what_is_shown(prior, photo):
    card = ColorizeCard(weights="toy-32", **FAST, strength=0.5)
    y = gray(torch.from_numpy(photo).permute(2, 0, 1)[None], gray_weights("mean"))
    keys = [picture_key((y * 255).round().byte().numpy())]
    half = method_of("split", prior, card).small(y, keys)
    whole = method_of("split", prior, card.model_copy(update={"strength": 1.0})).small(y, keys)
    torch.testing.assert_close(half - y[:, None], 0.5 * (whole - y[:, None]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("value", [-0.1, 3.1, float("nan")])
def test_other_strengths_are_refused(prior, photo, value):
    with pytest.raises(JGMError, match="strength"):
        prior.colorize(photo, **FAST, strength=value)
