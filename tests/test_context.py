"""A network that looks at the photograph: when it does, at which one, and that it changed nothing
for networks that do not."""

import hashlib
import os
import subprocess
import sys

import pytest
import torch
from seen_maker import SETTINGS, seeing_network, wave

from jgm_lib import checkpoints
from jgm_lib.cli import main
from jgm_lib.errors import JGMError
from jgm_lib.networks import build
from jgm_lib.networks.context import Context, Seeing, features, partly
from jgm_lib.params import TrainCard
from jgm_lib.training.runs import start

# the networks' answers before they could look at anything: five places and the mean square
GOLDEN = {
    ("scenes-64", None): ([0.46182, 0.27369, 0.78652, 0.05339, -0.03326], 0.087789),
    ("scenes-64", 0.01): ([0.70205, 0.22291, 0.54508, 0.68745, 0.50878], 0.301683),
    ("toy-32", None): ([0.54091, 0.51791, 0.33969, 0.09273, -0.0417], 0.096297),
    ("toy-32", 0.01): ([0.67198, 0.25225, 0.45192, 0.78255, 0.47921], 0.30824),
}
NAMES = {"scenes-64": (132, "ef140f9319f76d59"), "toy-32": (108, "74152c21ca651dbf")}


def gap(a, b) -> float:
    return float((a - b).abs().max())


@pytest.fixture(scope="module")
def model():
    return seeing_network()


def photos(B, H=32, W=32):
    return wave(B, 1, H, W)


# -- networks without context ----------------------------------------------------------------------


@pytest.mark.parametrize("name, sigma_y", GOLDEN)
def test_bundled_networks_answer_as_ever(name, sigma_y):
    model, _ = checkpoints.load(name)
    x = model.denoise(wave(1, 9, 32, 48), 0.4, sigma_y)[0]
    numbers, power = GOLDEN[name, sigma_y]
    places = ((0, 0, 0), (1, 7, 30), (2, 31, 47), (4, 16, 3), (8, 20, 20))
    assert [float(x[p]) for p in places] == pytest.approx(numbers, abs=1e-4)
    assert float(x.square().mean()) == pytest.approx(power, abs=1e-4)
    keys = list(model.state_dict())
    digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]
    assert (len(keys), digest) == NAMES[name] and model.context is None and not model.any_gray


def test_a_seed_gives_the_same_weights_with_and_without_context():
    """What is added is made last: the rest of a network does not move when it learns to look."""
    made = []
    for context in (False, True):
        torch.manual_seed(3)
        made.append(build("unet", widths=(8, 8, 8, 8), context=context).state_dict())
    assert all(torch.equal(v, made[1][k]) for k, v in made[0].items())


def test_a_photograph_is_nothing_to_a_network_without_context():
    plain, U, s = seeing_network(context=False), wave(2, 9, 16, 16), torch.tensor([0.5, 0.5])
    assert torch.equal(plain(U, s, 0.1 * s, photos(2)), plain(U, s, 0.1 * s))


# -- what is added ---------------------------------------------------------------------------------


def test_features_fit_the_levels_below_the_first():
    found = features(photos(2, 64, 96))
    shapes = [(2, 40, 8, 12), (2, 112, 4, 6), (2, 320, 2, 3)]
    assert [tuple(x.shape) for x in found] == shapes
    assert all(gap(x[0], x[1]) > 0.1 for x in found)


def test_features_are_those_of_the_enlarged_photograph_as_grey_in_three_channels():
    from jgm_lib.networks.lite import eyes

    grey = photos(1, 64, 64)
    large = torch.nn.functional.interpolate(grey, (96, 96), mode="bilinear")
    with torch.no_grad():
        expected = eyes()(2 * large.repeat(1, 3, 1, 1) - 1)
    for x, whole, side in zip(features(grey), expected, (8, 4, 2), strict=True):
        pooled = torch.nn.functional.adaptive_avg_pool2d(whole, side)
        torch.testing.assert_close(x, pooled, rtol=1e-4, atol=1e-4)


def test_context_is_as_wide_as_what_arrives_at_each_level():
    parts = Context((8, 16, 24, 32), 2)(photos(2, 64, 96))
    shapes = [(2, 8, 16, 24), (2, 8, 8, 12), (2, 16, 4, 6), (2, 24, 2, 3)]
    assert [tuple(p.shape) for p in parts] == shapes


def test_the_first_part_sees_the_pixels_themselves(model):
    """Bright is 1 and dark -1 to it; a pixel moves only the places around its own."""
    grey = photos(1, 64, 64)
    other = grey.clone()
    other[0, 0, 20, 40] += 0.1
    moved = (model.context(other)[0] - model.context(grey)[0]).abs().amax((0, 1)) > 1e-6
    assert bool(moved[4:7, 9:12].all()) and int(moved.sum()) == 9
    flat = model.context(torch.full((1, 1, 64, 64), 0.5))[0][0, :, 3, 3]
    torch.testing.assert_close(flat, model.context.luma.bias, rtol=0, atol=1e-6)


def test_every_part_reaches_the_answer(model):
    U, s = wave(1, 9, 32, 32), torch.tensor([0.5])
    with torch.no_grad():
        added = model.context(photos(1, 64, 64))
    whole = model.denoise_basis(U, s, 0.1 * s, added)
    for i in range(4):
        less = [0 * a if k == i else a for k, a in enumerate(added)]
        assert gap(model.denoise_basis(U, s, 0.1 * s, less), whole) > 1e-4


def test_partly_gives_nothing_to_the_unseen_and_each_its_own(model):
    grey, seen = photos(4), torch.tensor([True, False, True, False])
    parts = partly(model.context, grey, seen, 3)
    for part, whole in zip(parts, model.context(grey), strict=True):
        assert len(part) == 12
        for photo in range(4):
            expected = whole[photo] if seen[photo] else torch.zeros_like(whole[photo])
            for version in part[3 * photo : 3 * photo + 3]:
                torch.testing.assert_close(version, expected, rtol=1e-4, atol=1e-5)
    assert partly(model.context, grey, torch.zeros(4, dtype=bool), 3) is None


# -- the training form: forward(U, sigma, sigma_y, grey) -----------------------------------------


def test_isotropic_pictures_do_not_see_the_photograph(model):
    U, s = wave(2, 9, 16, 16), torch.tensor([0.5, 2.0])
    bare = model.denoise_basis(U, s, s)
    for grey in (photos(2), 1 - photos(2)):
        assert torch.equal(model(U, s, s, grey), bare)
    assert torch.equal(model(U, s, s), bare)


def test_split_pictures_see_it_and_each_only_its_own(model):
    """Draws of one photograph stand together; the third photograph is not shown."""
    U = wave(6, 9, 16, 16)
    s = torch.tensor([0.5, 0.7, 1.0, 0.2, 0.6, 0.4])
    s_y = torch.tensor([0.01, 0.01, 0.01, 0.01, 0.6, 0.4])
    grey = photos(3)
    out = model(U, s, s_y, grey)
    for i in range(3):
        other = grey.clone()
        other[i] = 1 - other[i]
        moved = [gap(a, b) for a, b in zip(model(U, s, s_y, other), out, strict=True)]
        rows = [2 * i, 2 * i + 1] if i < 2 else []
        assert [k for k in range(6) if moved[k] > 1e-3] == rows
        assert all(moved[k] < 1e-5 for k in range(6) if k not in rows)
    bare = model.denoise_basis(U, s, s_y)
    assert gap(out[4:], bare[4:]) < 1e-5 and gap(out[:4], bare[:4]) > 1e-2


@pytest.mark.parametrize("clipped", [0, 1])
def test_one_clipped_draw_does_not_blind_the_others(model, clipped):
    """sigma ends at 0.002 = sigma_y: such a version looks isotropic, its photograph is not."""
    U, s, s_y = wave(2, 9, 16, 16), torch.tensor([0.5, 0.5]), torch.tensor([0.002, 0.002])
    s[clipped] = 0.002
    moved = model(U, s, s_y, photos(1)) - model(U, s, s_y, 1 - photos(1))
    assert float(moved[1 - clipped].abs().max()) > 1e-3


# -- the sampling form: Seeing ---------------------------------------------------------------------


def test_without_sigma_y_seeing_is_the_bare_prior(model):
    X = wave(2, 9, 16, 16)
    seeing = Seeing(model, photos(1))
    assert torch.equal(seeing.denoise(X, 0.5), model.denoise(X, 0.5))
    assert gap(seeing.denoise(X, 0.5, 0.01), model.denoise(X, 0.5, 0.01)) > 1e-3
    other = Seeing(model, 1 - photos(1))
    assert torch.equal(other.denoise(X, 0.5), seeing.denoise(X, 0.5))
    assert gap(other.denoise(X, 0.5, 0.01), seeing.denoise(X, 0.5, 0.01)) > 1e-3


def test_seeing_is_what_training_saw(model):
    U = wave(4, 9, 16, 16)
    from jgm_lib.operators import from_basis, to_basis

    s = torch.full((4,), 0.5)
    trained = model(U, s, 0.02 * s, photos(2))
    sampled = Seeing(model, photos(2), 2).denoise(from_basis(U), 0.5, 0.01)
    torch.testing.assert_close(to_basis(sampled), trained, rtol=0, atol=1e-4)


def test_a_photograph_alone_and_among_others_is_the_same(model):
    X, grey = wave(6, 9, 16, 16), photos(3)
    together = Seeing(model, grey, 2).denoise(X, 0.5, 0.01)
    for i in range(3):
        alone = Seeing(model, grey[i : i + 1], 2).denoise(X[2 * i : 2 * i + 2], 0.5, 0.01)
        torch.testing.assert_close(together[2 * i : 2 * i + 2], alone, rtol=0, atol=1e-4)


def test_seeing_passes_for_the_network(model):
    seeing = Seeing(model, photos(1))
    assert seeing.channels == 9 and seeing.any_gray and seeing.spread is model.spread


def test_it_looks_once_and_not_at_every_step(model, monkeypatch):
    from jgm_lib.networks import context

    looks, found = [], context.features
    monkeypatch.setattr(context, "features", lambda *a: looks.append(1) or found(*a))
    seeing = Seeing(model, photos(1))
    for _ in range(3):
        seeing.denoise(wave(2, 9, 16, 16), 0.5, 0.01)
    assert len(looks) == 1


# -- what cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings", [{"widths": [8, 8, 8]}, {"widths": [8] * 5}, {"widths": [8] * 4, "patch": 1}]
)
def test_context_needs_four_levels_and_patch_2(settings, tmp_path, capsys):
    with pytest.raises(JGMError, match="context needs 4 levels, patch 2"):
        build("unet", **settings, context=True)
    card = TrainCard(settings={**settings, "context": True}, size=16)
    with pytest.raises(JGMError, match="card .*: context needs 4 levels"):
        start(card)
    path = checkpoints.save(
        tmp_path / "w",
        seeing_network(),
        {"network": "unet", "settings": {**settings, "context": True}},
    )
    with pytest.raises(JGMError, match="w.safetensors: .*: context needs 4 levels"):
        checkpoints.load(path)


def test_a_size_that_the_levels_do_not_divide_is_one_line(tmp_path, capsys):
    (tmp_path / "c.yaml").write_text("settings: {widths: [8, 8, 8, 8], context: true}\nsize: 20")
    assert main(["train", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "r")]) == 2
    error = capsys.readouterr().err
    assert "size=20: context needs one that 16 divides" in error and error.count("\n") == 1


def test_weights_come_back_with_their_context(model, tmp_path):
    path = checkpoints.save(
        tmp_path / "w", model, {"network": "unet", "settings": SETTINGS}, half=False
    )
    again, _ = checkpoints.load(path)
    X = wave(1, 9, 16, 16)
    X = X.repeat(2, 1, 1, 1)
    a, b = (Seeing(m, photos(1)).denoise(X, 0.5, 0.01) for m in (model, again))
    assert again.any_gray and torch.equal(a, b)


CRASH = """
import sys, torch; torch.set_num_threads(1); sys.path.insert(0, sys.argv[1])
from seen_maker import seeing_network, wave
last = dict(memory_format=torch.channels_last)
s = torch.tensor([0.5, 0.4])
for size in (16, 32):
    m = seeing_network().requires_grad_(True).train().to(**last)
    U, y = wave(2, 9, size, size), wave(2, 1, 2 * size, 2 * size)
    m(U.to(**last), s, s / 9, y.to(**last)).sum().backward()
    print(size, float(m.context.norms[2].weight.grad.abs().max()) > 0)
"""


def test_a_training_step_does_not_crash_the_process():
    """torch's backward of a group norm on frozen channels-last input does; one pixel of features
    (size 16) is channels last even after contiguous()."""
    command = [sys.executable, "-c", CRASH, os.path.dirname(__file__)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["16 True", "32 True"]
