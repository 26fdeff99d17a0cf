"""What the compared systems share, and the simplest of them: regression."""

import pytest
import system_proofs as proofs
import torch

from jgm_lib import baselines, systems
from jgm_lib.colorize import Colorizer
from jgm_lib.errors import JGMError
from jgm_lib.lab import lightness
from jgm_lib.networks import build
from jgm_lib.operators import gray
from jgm_lib.systems.base import System, seen_and_wanted
from jgm_lib.training.runs import start

TINY = proofs.TINY["regression"]["settings"]


def card(**changes):
    return proofs.card("regression", **changes)


def test_it_learns(tmp_path):
    c = card(settings={"widths": [16, 32]}, steps=60, batch=8, lr=3e-3, warmup=5)
    model, progress = proofs.trained(c, tmp_path / "a")
    proofs.check_it_learns(model, start(c)[0])
    assert progress[0].loss == pytest.approx(1, abs=0.4)  # in units of the measured spread


def test_the_first_answer_is_the_mean_colour_and_the_units_are_its_spread():
    model = build("regression", **TINY)
    x = proofs.scenes(8)
    model.measure(iter([x[:6], x[6:]]))  # batches of unequal length
    L, ab = seen_and_wanted(x)
    flat = ab.transpose(0, 1).flatten(1)
    expected = flat.mean(1).view(1, 2, 1, 1).expand_as(ab)
    torch.testing.assert_close(model(L), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(model.spread.flatten(), flat.std(1), rtol=1e-4, atol=0)
    torch.testing.assert_close(model.loss(model, x, None), torch.tensor(1.0), rtol=1e-4, atol=0)


class Stripes(System):
    """Noise for a* and 20 for b*, on sides that 8 divides only."""

    draws, divisor = True, 8

    def paint(self, L, noise):
        assert L.shape[-2] % 8 == L.shape[-1] % 8 == 0
        return torch.cat([noise.normal(L), torch.full_like(L, 20.0)], dim=1)


def test_colours_have_the_lightness_of_the_grey_and_the_ab_of_the_network():
    y = 0.4 + 0.2 * torch.rand(2, 1, 11, 8, generator=torch.Generator().manual_seed(0))
    x = Stripes().colorize(y, [3, 4])
    L, ab = lightness(y), seen_and_wanted(x)[1]
    torch.testing.assert_close(ab[:, 1], torch.full_like(ab[:, 1], 20.0), rtol=0, atol=0.02)
    torch.testing.assert_close(x, proofs.painted(L, ab), rtol=0, atol=1e-4)
    alone = Stripes().colorize(y[1:], [4])  # a row has its own stream
    torch.testing.assert_close(x[1:], alone, rtol=0, atol=1e-6)
    assert float((x[:1] - Stripes().colorize(y[:1], [4])).abs().max()) > 1e-3


def test_a_number_is_the_seed_of_version_b_for_row_b():
    y = torch.full((2, 1, 8, 8), 0.5)
    rows = baselines.row_seeds(9, 2)
    assert torch.equal(Stripes().colorize(y, 9), Stripes().colorize(y, rows))
    assert not torch.equal(Stripes().colorize(y, 9), Stripes().colorize(y, 10))


@pytest.mark.parametrize("y", [torch.zeros(1, 3, 8, 8), torch.full((1, 1, 8, 8), 1.5)])
def test_what_is_no_grey_picture_is_refused(y):
    with pytest.raises(JGMError, match="gray: need"):
        Stripes().colorize(y)


def test_a_card_for_photographs_is_refused_before_the_work():
    with pytest.raises(
        JGMError, match="draws, any_gray, aged, context: not for network regression"
    ):
        start(card(draws=2))


@pytest.mark.parametrize(
    "network, settings, says",
    [
        ("regression", {"widths": [6, 12]}, "build no regression"),
        ("regression", {"widths": [0, 0]}, "no channels in .*; need 1 or more"),
        ("zhang", {"width": 0}, "no channels in features.0.0.weight; need 1 or more"),
        ("unet", {"widths": [0, 0]}, "no channels in .*; need 1 or more"),
        ("zhang", {"grid": 2}, "grid=2: need a whole number from 5 to 40"),
        ("zhang", {"uniform": 0}, "uniform=0, temperature=0.38: need 0 to 1, above 0"),
        ("zhang", {"temperature": 0.0}, "temperature=0.0: need"),
        ("cvae", {"size": 40}, "size=40: need a multiple of 32"),
        ("cvae", {"principal": 2000}, "principal=2000: need above 0, 1 to 1000"),
        ("chromagan", {"classes": 0}, "classes=0.*: need 1 or more, components up to 64"),
        ("chromagan", {"components": 65}, "components=65.*: need 1 or more, components up to 64"),
        ("chromagan", {"width": 6}, "build no chromagan"),
        ("memopainter", {"slots": 0}, "slots=0.*: need 1 or more"),
        ("memopainter", {"grid": 50}, "grid=50: need a whole number"),
        ("cvae", {"depth": 3}, "network 'cvae' has no setting 'depth'"),
    ],
)
def test_settings_that_build_nothing_are_one_line(network, settings, says):
    with pytest.raises(JGMError, match=says) as error:
        start(proofs.card(network, settings))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("network", ["regression", "zhang", "chromagan", "memopainter"])
def test_a_side_that_a_system_cannot_halve_is_one_line(network):
    with pytest.raises(JGMError, match=f"card size=20: network {network} needs a multiple of 8"):
        start(proofs.card(network, {}, size=20))


def test_a_colorizer_refuses_weights_without_a_denoiser(tmp_path):
    proofs.trained(card(), tmp_path / "run")
    from jgm_lib.training.runs import export_run

    path = export_run(tmp_path / "run", tmp_path / "tiny")
    with pytest.raises(JGMError, match="'tiny': a regression is no denoiser") as error:
        Colorizer.from_pretrained(path)
    assert "\n" not in str(error.value)


def test_a_prior_is_no_system():
    with pytest.raises(JGMError, match="'toy-32': weights of 'unet', a prior.*regression"):
        systems.method("toy-32")


def test_the_lightness_seen_is_that_of_the_mean_of_rgb():
    x = proofs.scenes(1)
    torch.testing.assert_close(seen_and_wanted(x)[0], lightness(gray(x, baselines.F)))
