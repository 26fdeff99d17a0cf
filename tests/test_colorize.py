"""The Colorizer on real photographs: size, grey, seeds, order, memory of the input's kind."""

import numpy as np
import pytest
import torch
from PIL import Image

from jgm_lib import Colorizer, JGMError
from jgm_lib.colorize import Result, mirrored
from jgm_lib.data import samples
from jgm_lib.noise import mix_seed
from jgm_lib.photo import Photo, read_photo

FAST = {"steps": 4, "n": 3, "seed": 1}


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer.from_pretrained("scenes-64")


@pytest.fixture(scope="module")
def china(colorizer):
    return colorizer.colorize(samples.load("china"), **FAST)


def test_versions_keep_size_and_have_colour(china):
    assert [im.size for im in china.images] == [(640, 427)] * 3
    assert china.mean.size == (640, 427)
    for im in china.images:
        rgb = np.asarray(im).astype(float)
        assert np.abs(rgb - rgb.mean(-1, keepdims=True)).mean() > 1


def test_regraying_gives_the_inputs_grey(colorizer):
    grey = samples.load("camera")
    for gray, tolerance in (("mean", 0), ("bt601", 1)):
        out = colorizer.colorize(grey, gray=gray, **FAST)
        for im in [*out.images, out.mean]:
            again = np.rint(np.asarray(im).astype(float) @ out.f.numpy())
            assert np.abs(again - np.asarray(grey)).max() <= tolerance


def test_seed_repeats_and_differs(colorizer, china):
    again = colorizer.colorize(samples.load("china"), **FAST)
    assert torch.equal(again.samples, china.samples) and again.order == china.order
    other = colorizer.colorize(samples.load("china"), **{**FAST, "seed": 2})
    assert not torch.allclose(other.samples, china.samples, atol=1e-3)


def test_one_version_alone_is_version_0_of_many(colorizer, china):
    alone = colorizer.colorize(samples.load("china"), **{**FAST, "n": 1})
    first = china.samples[china.order.index(0)]
    assert torch.allclose(alone.samples[0], first, atol=1e-4)


def test_order_is_by_mean_distance_to_the_others(china):
    x = china.samples.flatten(1)
    distance = torch.cdist(x, x).sum(1)
    assert distance.tolist() == sorted(distance.tolist())
    assert sorted(china.order) == [0, 1, 2]


def test_seeds_of_versions_differ():
    assert len({mix_seed(0, v, k) for v in range(50) for k in range(50)}) == 2500


def test_mean_is_the_mean_of_the_draws(china):
    full = np.mean([china.full(x) for x in china.samples], axis=0)
    assert np.abs(china.full(china.samples.mean(0)) - full).mean() < 2e-3


def test_the_picture_of_the_mean_is_the_pixels_mean_of_the_versions(colorizer, tmp_path):
    """On the screen and in the file: within the rounding that keeps the grey."""
    grey = np.linspace(0.35, 0.65, 1200, dtype=np.float32).reshape(40, 30)  # room for colour
    out = colorizer.colorize(grey, n=3, steps=2)
    versions = np.mean([np.asarray(im, float) for im in out.images], axis=0)
    saved = Image.open(out.save(tmp_path, stem="a")[-1])
    away = [np.abs(np.asarray(im, float) - versions).mean() for im in out.images]
    for mean in (out.mean, saved):
        assert np.abs(np.asarray(mean, float) - versions).mean() < 0.5 < min(away)


def test_the_trace_scores_the_mean_of_the_versions(colorizer, china):
    y_small = colorizer.prepare(samples.load("china"), colorizer.settings({}))[2]
    rgb = torch.from_numpy(china.photo.rgb()).permute(2, 0, 1)
    size = y_small.shape[-2:]
    truth = torch.nn.functional.interpolate(rgb[None], size, mode="bilinear", antialias=True)
    error = (china.samples.mean(0) - truth[0]).square().mean()
    assert china.trace[-1]["psnr"] == pytest.approx(-10 * float(error.log10()), abs=1e-3)


def test_every_step_is_told_and_the_asked_enlargement_is_used(colorizer):
    grey, seen = np.random.default_rng(0).random((90, 70), dtype=np.float32), []
    settings = dict(n=1, steps=3)
    plain = colorizer.colorize(grey, upsample="bilinear", on_step=seen.append, **settings)
    assert [s.step for s in seen] == [1, 2, 3]
    assert torch.equal(seen[-1].x[0], plain.samples[0])
    detail = colorizer.colorize(grey, **settings)
    assert torch.equal(detail.samples, plain.samples)
    assert np.abs(detail.full(detail.samples[0]) - plain.full(plain.samples[0])).max() > 1e-3


def test_trace_has_truth_only_for_colour(colorizer, china):
    assert len(china.trace) == 4 and china.nfe == 4
    assert {"step", "sigma", "nfe", "residual", "psnr"} == set(china.trace[-1])
    assert china.trace[-1]["residual"] < 1e-6
    grey = colorizer.colorize(samples.load("camera"), **FAST)
    assert "psnr" not in grey.trace[-1] and grey.psnr(grey.samples[0]) is None


def test_stream_yields_states_and_stops_when_asked(colorizer):
    stream = colorizer.stream(samples.load("china"), sampler="langevin", T=2, L=3, n=1)
    assert next(stream).step == 1 and next(stream).nfe == 2
    stream.close()


@pytest.mark.parametrize("sampler", ["split", "nullspace", "predictor_corrector", "langevin"])
def test_all_samplers(colorizer, sampler):
    """At full size too: the photograph's own grey, colour in each version, no two alike."""
    settings = dict(sampler=sampler, n=2, steps=3, L=2, T=2)
    out = colorizer.colorize(samples.load("rocket"), **settings)
    assert isinstance(out, Result) and out.images[0].size == (640, 427)
    a, b = (np.asarray(im).astype(float) for im in out.images)
    grey = np.rint(255 * out.y[0].numpy().astype(float))
    for rgb in (a, b):
        assert np.array_equal(np.rint(rgb.mean(-1)), grey)
        assert np.abs(rgb - rgb.mean(-1, keepdims=True)).mean() > 3
    assert np.abs(a - b).mean() > 3
    again = colorizer.colorize(samples.load("rocket"), **settings)
    assert torch.equal(again.samples, out.samples)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (3, 2), (65, 33)])
def test_any_size(colorizer, shape):
    grey = np.random.default_rng(0).random(shape, dtype=np.float32)
    out = colorizer.colorize(Photo.from_array(grey), n=1, steps=2)
    assert out.images[0].size == shape[::-1]


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_constant_and_grey_pictures_are_no_errors(colorizer, value):
    flat = np.full((20, 20, 3), value, np.float32)
    out = colorizer.colorize(Photo.from_array(flat), n=2, steps=2)
    assert np.allclose(out.full(out.samples[0]).mean(-1), value, atol=1e-6)
    if value in (0.0, 1.0):  # no room for colour
        assert np.array_equal(np.asarray(out.images[0]), np.full((20, 20, 3), 255 * value))


def test_alpha_and_sixteen_bits_survive(colorizer, tmp_path):
    rng = np.random.default_rng(0)
    rgba = Image.fromarray(rng.integers(0, 256, (30, 40, 4), dtype=np.uint8), "RGBA")
    out = colorizer.colorize(rgba, n=1, steps=2)
    assert out.images[0].mode == "RGBA"
    assert np.array_equal(np.asarray(out.images[0])[..., 3], np.asarray(rgba)[..., 3])
    deep = rng.integers(0, 65536, (30, 40), dtype=np.uint16)
    saved = Image.open(out.save(tmp_path / "alpha", stem="a")[0])
    assert np.array_equal(np.asarray(saved), np.asarray(out.images[0]))
    Image.fromarray(deep).save(tmp_path / "deep.png")
    paths = colorizer.colorize(tmp_path / "deep.png", n=1, steps=2).save(tmp_path / "out")
    back = read_photo(paths[0])
    assert back.bits == 16
    assert np.abs(back.rgb().mean(-1) * 65535 - deep).max() < 0.51


def test_save_refuses_to_overwrite_and_writes_nothing_then(china, tmp_path):
    paths = china.save(tmp_path / "out", stem="a")
    assert [p.name for p in paths] == ["a_1.png", "a_2.png", "a_3.png", "a_mean.png"]
    paths[1].write_bytes(b"precious")
    paths[0].unlink()
    with pytest.raises(JGMError, match="a_2.png exists"):
        china.save(tmp_path / "out", stem="a")
    assert paths[1].read_bytes() == b"precious" and not paths[0].exists()
    china.save(tmp_path / "out", stem="a", force=True)
    assert np.array_equal(np.asarray(Image.open(paths[1])), np.asarray(china.images[1]))


def test_bad_settings_are_one_line(colorizer):
    for settings, match in (
        ({"lamda": 1}, "lamda: unknown name"),
        ({"n": 0}, "n=0"),
        ({"sampler": "langevin", "epsilon": 5e-3}, "unstable step"),
    ):
        with pytest.raises(JGMError, match=match):
            colorizer.colorize(samples.load("camera"), **settings)
    with pytest.raises(JGMError, match="choose detail"):
        colorizer.colorize(samples.load("camera"), upsample="magic", n=1, steps=1)


def test_reloaded_weights_give_the_same_pictures(colorizer, china, tmp_path):
    from jgm_lib import checkpoints

    path = checkpoints.save(tmp_path / "again", colorizer.model, colorizer.card)
    again = Colorizer.from_pretrained(path).colorize(samples.load("china"), **FAST)
    assert torch.equal(again.samples, china.samples)


def test_a_picture_alone_and_in_a_batch_come_out_the_same(colorizer):
    from jgm_lib.experiments.methods import by_card
    from jgm_lib.params import ColorizeCard

    y = torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    method = by_card(colorizer, ColorizeCard(steps=4, n=2))
    together, alone = method.versions(y, range(3)), method.versions(y[1:2], [1])
    assert method.nfe == 4 and torch.allclose(together[1], alone[0], atol=1e-4)


def test_mirrored_appends_a_mirror_image_until_the_sides_divide():
    y = torch.arange(6.0).view(1, 2, 3)
    out = mirrored(y, 4)
    assert out.tolist() == [[[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [0, 1, 2, 2]]]
    assert torch.equal(mirrored(y, 1), y)
    assert torch.equal(mirrored(torch.ones(1, 1, 1), 16), torch.ones(1, 16, 16))


@pytest.mark.parametrize("sampler", ["split", "nullspace", "langevin"])
def test_the_network_never_has_to_pad(colorizer, monkeypatch, sampler):
    """Padding repeats noise at the edge, which the network takes for colour."""
    seen, denoise = set(), colorizer.model.denoise
    spy = lambda X, *rest: seen.add(tuple(X.shape[-2:])) or denoise(X, *rest)  # noqa: E731
    monkeypatch.setattr(colorizer.model, "denoise", spy)
    grey = np.random.default_rng(0).random((65, 83), dtype=np.float32)
    short = dict(T=1, L=2) if sampler == "langevin" else dict(steps=2)
    states = list(colorizer.stream(grey, n=2, sampler=sampler, **short))
    assert seen == {(64, 96)}
    y = colorizer.prepare(grey, colorizer.settings({}))[2]
    for s in states:
        assert s.x.shape == (2, 3, *y.shape[-2:]) == (2, 3, 64, 82) and s.X.shape[-1] == 82
    gap = float((states[-1].x.mean(1, keepdim=True) - y).square().mean().sqrt())
    assert states[-1].residual == pytest.approx(gap, abs=1e-6) and gap < 1e-6


def test_what_a_colorizer_does_not_take_is_one_line():
    c = Colorizer.from_pretrained("toy-32")
    with pytest.raises(JGMError, match="weights='scenes-64': this Colorizer has toy-32"):
        c.colorize(np.zeros((8, 8)), weights="scenes-64")
    for device in ("foo", "cuda:99"):
        with pytest.raises(JGMError, match=f"device='{device}'"):
            Colorizer.from_pretrained("toy-32", device=device)
    for size in ("abc", None, 0, -5, 64.0):
        with pytest.raises(JGMError, match="whole number from 8"):
            Colorizer(c.model, {**c.card, "size": size})
