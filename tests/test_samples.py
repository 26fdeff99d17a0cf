"""Photographs inside installed packages, and the simulated film."""

import socket
from importlib.metadata import files as shipped

import numpy as np
import pytest
import torch

from jgm_lib.data import film, samples
from jgm_lib.data.film import film_response, film_weights, tone_curve, tone_inverse
from jgm_lib.data.toy import ToyScenes
from jgm_lib.errors import JGMError
from jgm_lib.operators import gray


@pytest.mark.parametrize("name", samples.names())
def test_photo_is_in_the_wheel_and_opens_without_network(name, monkeypatch):
    def no_network(*args, **kw):
        raise AssertionError("network used")

    monkeypatch.setattr(socket, "socket", no_network)
    sample, image = samples.info(name), samples.load(name)
    wheel = {"sklearn": "scikit-learn", "skimage": "scikit-image"}[sample.package]
    assert f"{sample.package}/{sample.file}" in {f.as_posix() for f in shipped(wheel)}
    assert image.mode == ("L" if sample.grey else "RGB") and min(image.size) >= 300
    assert sample.credit and sample.licence and sample.title


@pytest.mark.parametrize("name", samples.names(grey=False))
def test_colour_photos_have_colour(name):
    x = np.asarray(samples.load(name), dtype=float)
    assert (x.max(-1) - x.min(-1)).mean() > 10


def test_names():
    assert samples.names(grey=True) == ("camera",)
    assert set(samples.names()) == {"camera", *samples.names(grey=False)}


def test_unknown_name_and_missing_file(monkeypatch):
    for call in (samples.load, samples.info):
        with pytest.raises(JGMError, match="unknown; choose china"):
            call("../china")
    for package, file in (("skimage", "data/none.png"), ("no_such_package", "x.png")):
        broken = samples.SAMPLES["china"]._replace(package=package, file=file)
        monkeypatch.setitem(samples.SAMPLES, "china", broken)
        with pytest.raises(JGMError, match="as installed has no readable"):
            samples.load("china")


CURVES = [(1.0, 0.0, 0.0), (1.4, 0.0, 0.0), (0.6, 0.5, 0.2), (1.2, 0.95, 0.95), (2.0, 0.0, 0.8)]


@pytest.mark.parametrize("curve", CURVES, ids=str)
def test_tone_curve_rises_keeps_its_ends_and_inverts(curve):
    t = torch.linspace(0, 1, 2001, dtype=torch.float64)
    tone = tone_curve(t, *curve)
    assert tone[0] == 0 and tone[-1] == 1 and (tone.diff() > 0).all()
    back = tone_inverse(tone, *curve)
    assert (back - t)[50:].abs().max() < 1e-11
    assert (tone_curve(back, *curve) - tone).abs().max() < 1e-14


def test_toe_and_shoulder_are_the_contrast_lost_at_the_ends():
    h = torch.tensor([0.0, 1e-6, 1 - 1e-6, 1.0], dtype=torch.float64)
    tone = tone_curve(h, 1.0, toe=0.7, shoulder=0.4)
    assert (tone[1] - tone[0]) / 1e-6 == pytest.approx(0.3, abs=1e-4)
    assert (tone[3] - tone[2]) / 1e-6 == pytest.approx(0.6, abs=1e-4)


def test_plain_film_is_the_graying_operator():
    x = ToyScenes(32).sample(4, 0).images.double()
    for f in ("mean", "bt601", "orthochromatic", (0.2, 0.3, 0.5)):
        y = film_response(x, gamma=1, toe=0, shoulder=0, grain=0, f=f)
        assert (y - gray(x, film_weights(f))).abs().max() < 1e-14


def test_exposure_can_be_recovered_from_a_grainless_film():
    x = ToyScenes(32).sample(2, 1).images.double()
    y = film_response(x, gamma=1.5, toe=0.6, shoulder=0.3, grain=0)
    exposure = gray(x, film_weights("orthochromatic"))
    assert (tone_inverse(y, 1.5, 0.6, 0.3) - exposure).abs().max() < 1e-9
    assert (y - exposure).abs().max() > 0.05


def test_orthochromatic_film_is_blind_to_red():
    red, blue = (torch.zeros(1, 3, 2, 2) for _ in range(2))
    red[:, 0] = blue[:, 2] = 1
    assert film_response(red, grain=0).max() < 0.02
    assert film_response(blue, grain=0).min() > 0.3
    assert all(sum(f) == pytest.approx(1) for f in film.FILMS.values())


def test_grain_has_the_stated_strength_and_seed():
    plain = {"gamma": 1, "toe": 0, "shoulder": 0, "f": "mean"}
    x = torch.full((1, 3, 400, 400), 0.5, dtype=torch.float64)
    y = film_response(x, seed=1, grain=0.05, **plain)
    assert y.std().item() == pytest.approx(0.05, rel=0.05)
    assert torch.equal(y, film_response(x, seed=1, grain=0.05, **plain))
    assert torch.equal(y, film_response(x, torch.Generator().manual_seed(1), grain=0.05, **plain))
    assert not torch.equal(y, film_response(x, seed=2, grain=0.05, **plain))
    z = (y - 0.5) / 0.05
    assert (z[..., 1:] * z[..., :-1]).mean().item() == pytest.approx(2 / 3, abs=0.05)  # blots
    for end in (0.0, 1.0):  # none in pure black and white
        assert film_response(0 * x + end, grain=0.3, **plain).std() < 1e-6


@pytest.mark.parametrize(
    "bad",
    [{"gamma": 0}, {"gamma": float("nan")}, {"toe": 1}, {"shoulder": -0.1}, {"grain": 1}]
    + [{"f": "kodak"}, {"f": (1, 1, 1)}],
    ids=str,
)
def test_bad_film(bad):
    with pytest.raises(JGMError, match="gray" if bad.get("f") == (1, 1, 1) else next(iter(bad))):
        film_response(torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0)), **bad)


@pytest.mark.parametrize("shape", [(3, 4, 4), (1, 1, 4, 4), (1, 4, 4, 3)], ids=str)
def test_bad_shape(shape):
    with pytest.raises(JGMError, match="need floating point"):
        film_response(torch.zeros(shape))
    with pytest.raises(JGMError, match="uint8"):
        film_response(torch.zeros(1, 3, 4, 4, dtype=torch.uint8))
