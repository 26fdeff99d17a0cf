"""Photographs through a network that looks at them: any size, alone or among others, any graying."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from seen_maker import seeing_colorizer, seeing_network, wave

from jgm_lib import Colorizer
from jgm_lib.cli import main
from jgm_lib.colorize import Result
from jgm_lib.experiments import bench
from jgm_lib.experiments.evaluate import evaluate
from jgm_lib.experiments.methods import by_card, enlarged
from jgm_lib.experiments.sources import Pictures
from jgm_lib.networks.context import Seeing
from jgm_lib.noise import mix_seed, version_seeds
from jgm_lib.operators import gray, gray_weights
from jgm_lib.params import ColorizeCard
from jgm_lib.photo.enlarge import reduce

F = gray_weights()
SHORT = dict(n=2, steps=2, sigma_max=10.0)


@pytest.fixture(scope="module")
def colorizer():
    return seeing_colorizer()


def grey(H, W):
    return wave(1, 1, H, W)[0, 0].numpy()


# -- any size --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(50, 37), (1, 1), (3, 200), (32, 32), (17, 90)])
def test_any_size_is_coloured_and_keeps_its_grey(colorizer, size):
    out = colorizer.colorize(grey(*size), **SHORT)
    for x in out.samples:
        full = out.full(x)
        assert full.shape == (*size, 3) and np.isfinite(full).all()
        assert np.abs(full.mean(-1) - grey(*size)).max() < 1e-6
    if min(size) > 3:
        assert float(out.samples.std(1).mean()) > 1e-3  # it has colour
    assert out.trace[-1]["residual"] < 1e-6


def test_what_is_seen_fits_what_is_drawn(colorizer, monkeypatch):
    """Twice the side of the small picture, mirrored like it: (50,37) is drawn at (43,32)."""
    shown = []

    class Spy(Seeing):
        def __init__(self, model, seen, draws=1):
            shown.append(seen)
            super().__init__(model, seen, draws)

    monkeypatch.setattr("jgm_lib.colorize.Seeing", Spy)
    y = torch.from_numpy(grey(50, 37))[None]
    list(colorizer.stream(grey(50, 37), **SHORT))
    (seen,) = shown
    assert seen.shape == (1, 1, 96, 64)
    expected = reduce(y, 86, 64)[0]
    torch.testing.assert_close(seen[0, 0, :86], expected, rtol=0, atol=1e-6)
    assert torch.equal(seen[0, 0, 86:], seen[0, 0, 76:86].flip(0))


def test_the_photograph_at_twice_the_side_decides(colorizer):
    """Two photographs alike at the prior's size but not at twice it are coloured differently."""
    board = np.indices((64, 64)).sum(0) % 2 * 0.2 + 0.4
    flat = np.full((64, 64), 0.5)
    a, b = (
        colorizer.colorize(y.astype(np.float32), **SHORT, upsample="bilinear")
        for y in (board, flat)
    )
    small = [reduce(r.y, 32, 32) for r in (a, b)]
    assert float((small[0] - small[1])[:, 2:-2, 2:-2].abs().max()) < 1e-3
    assert float((a.samples - b.samples).abs().max()) > 0.01


def test_only_split_looks(colorizer, monkeypatch):
    """The other samplers use the prior of the paper, which knows no photograph."""
    X, seen = wave(1, 9, 32, 32), torch.from_numpy(grey(64, 64))[None, None]
    bare = colorizer.seeing(seen, 32, 32)
    assert torch.equal(bare.denoise(X, 0.5), colorizer.model.denoise(X, 0.5))
    assert not torch.equal(bare.denoise(X, 0.5, 0.01), colorizer.model.denoise(X, 0.5, 0.01))
    out = colorizer.colorize(grey(32, 32), n=1, steps=2, sampler="nullspace", sigma_max=10.0)
    assert out.trace[-1]["residual"] < 1e-6


def test_a_network_without_context_is_used_as_it_is():
    plain = Colorizer(seeing_network(context=False), {"name": "plain", "size": 32}, device="cpu")
    assert plain.seeing(torch.zeros(1, 1, 64, 64), 32, 32) is plain.model
    assert plain.seen_side == 32 and seeing_colorizer().seen_side == 64


@pytest.mark.parametrize("gray", ["mean", "bt601"])
def test_any_graying_comes_back(colorizer, gray):
    rgb = (wave(1, 3, 40, 40)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    out = colorizer.colorize(Image.fromarray(rgb), gray=gray, **SHORT)
    f = gray_weights(gray).numpy()
    assert np.abs(out.full(out.samples[0]) @ f - rgb / 255 @ f).max() < 1e-6


# -- alone and among others --------------------------------------------------------------------------


def photographs(B, S):
    return wave(B, 1, S, S)


@pytest.mark.parametrize("size", [32, 64])
def test_a_photograph_alone_and_in_a_batch_gives_the_same_picture(colorizer, size):
    y, method = photographs(3, size), by_card(colorizer, ColorizeCard(**SHORT))
    together = method.versions(y, [7, 8, 9])
    assert together.shape == (3, 2, 3, size, size) and method.nfe == 2
    for i in range(3):
        alone = method.versions(y[i : i + 1], [7 + i])
        torch.testing.assert_close(alone[0], together[i], rtol=0, atol=1e-4)
    assert float((together[0] - together[1]).abs().max()) > 0.05


@pytest.mark.parametrize("size", [32, 64])
def test_evaluate_scores_what_colorize_draws(colorizer, size):
    """Key -1 gives the seeds of ``Colorizer.draw``: the same picture must come out."""
    y, card = photographs(1, size), ColorizeCard(**SHORT)
    evaluated = by_card(colorizer, card).versions(y, [-1])
    out = colorizer.colorize(y[0, 0].numpy(), **SHORT)
    assert version_seeds(0, 2) == [mix_seed(0, v, 0) for v in range(2)]
    for number, x in zip(out.order, out.samples, strict=True):
        expected = torch.from_numpy(out.full(x)).permute(2, 0, 1) if size == 64 else x
        torch.testing.assert_close(evaluated[0, number], expected, rtol=0, atol=1e-4)


def test_draws_at_twice_the_side_keep_the_photograph(colorizer):
    y = photographs(2, 64)
    x = by_card(colorizer, ColorizeCard(**SHORT)).versions(y, [0, 1])
    assert x.shape == (2, 2, 3, 64, 64) and x.dtype == torch.float32
    assert float(x.min()) >= 0 and float(x.max()) <= 1
    for version in range(2):
        assert float((gray(x[:, version], F) - y).abs().max()) < 1e-6
    assert float((x - y[:, None]).abs().max()) > 0.02


def test_enlarged_gives_each_photograph_its_own_versions():
    samples, y = wave(6, 3, 8, 8).view(2, 3, 3, 8, 8), photographs(2, 16)
    out = enlarged(samples, y)
    assert out.shape == (2, 3, 3, 16, 16)
    alone = enlarged(samples[1:, 2:], y[1:])
    assert torch.equal(alone[0, 0], out[1, 2])
    assert float((out[:, 0] - out[:, 1]).abs().max()) > 0.01


def folder_of_pictures(folder, suffix="png", n=3, S=64, first=0):
    folder.mkdir()
    for i, x in enumerate(wave(first + n, 3, S, S)[first:]):
        pixels = (x.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.{suffix}", quality=90)
    return folder


@pytest.mark.parametrize("size, side", [(None, 64), (32, 32), (48, 48)])
def test_evaluate_at_a_size(colorizer, tmp_path, monkeypatch, size, side):
    """By default that at which the prior sees photographs; F x = y at every one."""
    sizes = []
    real = bench.columns_of
    spy = lambda x, *rest: sizes.append(tuple(x.shape[-2:])) or real(x, *rest)  # noqa: E731
    monkeypatch.setattr(bench, "columns_of", spy)
    folder = folder_of_pictures(tmp_path / "a")
    cards = {"split": ColorizeCard(**SHORT)}
    pictures = Pictures.of(folder, size or colorizer.seen_side)
    rows = list(evaluate(colorizer, pictures, cards, batch=2))
    assert set(sizes) == {(side, side)} and rows[2]["n"] == 3
    assert all(r["residual"] < 1e-6 for r in rows[2:])


# -- how much versions disagree ------------------------------------------------------------------------


def test_spread_in_closed_form():
    """Root of the mean over R, G, B of the variance with n - 1: here (4 + 1 + 0)/3 times 0.02."""
    a = torch.tensor([0.2, 0.1, 0.0]).view(3, 1, 1)
    scale = torch.tensor([[0.0, 1.0], [0.5, 2.0]])
    samples = torch.stack([0.5 - a * scale, 0.5 + a * scale])
    result = Result(None, None, F, samples, [0, 1], 1)
    expected = scale * ((0.08 + 0.02 + 0) / 3) ** 0.5
    torch.testing.assert_close(result.spread, expected, rtol=0, atol=1e-6)
    three = Result(
        None, None, F, torch.stack([samples[0], samples[1], 0 * samples[0] + 0.5]), [], 1
    )
    torch.testing.assert_close(three.spread, expected / 2**0.5, rtol=0, atol=1e-6)
    one = Result(None, None, F, samples[:1], [0], 1)
    assert torch.equal(one.spread, torch.zeros(2, 2))


# -- from a folder of WebP to a colour photograph, by the command line ---------------------------------

CARD = """
name: seen
settings: {widths: [8, 8, 8, 8], context: true, any_gray: true}
size: 16
steps: 2
batch: 2
any_gray: 0.5
aged: 0.5
draws: 2
"""


def command(*words):
    return main([str(w) for w in words])


def test_from_webp_files_to_a_coloured_photograph(tmp_path, capsys):
    folders = [
        folder_of_pictures(tmp_path / name, "webp", 4, 40, 4 * k) for k, name in enumerate("ab")
    ]
    folder_of_pictures(tmp_path / "other", "webp", 1, 50)
    (tmp_path / "c.yaml").write_text(CARD)
    (tmp_path / "about.yaml").write_text("licence: CC0\nsources: [a, b]\nretrieved: 2024-05-01\n")
    pack = ("data", "folder", "--source", *folders, "--size", 36, "--out", tmp_path)
    assert command(*pack, "--name", "p", "--holdout", "0.25") == 0
    run = tmp_path / "run"
    train = ("train", tmp_path / "c.yaml", "--out", run, "--data", tmp_path / "p-36")
    assert command(*train, "--about", tmp_path / "about.yaml") == 0
    facts = json.loads((run / "seen.json").read_text())
    assert facts["licence"] == "CC0" and facts["sources"] == ["a", "b"]
    assert facts["retrieved"] == "2024-05-01" and facts["pictures_seen"] == 4
    assert facts["settings"]["context"] and facts["training"]["draws"] == 2
    assert facts["data"]["count"] == 8 and facts["data"]["source"].endswith("/b")
    weights = ("--weights", run / "seen.safetensors", "--n", 2, "--steps", 2)
    photo = tmp_path / "other" / "0.webp"
    assert command("colorize", photo, "-o", tmp_path / "out", *weights) == 0
    assert Image.open(tmp_path / "out" / "0_1.png").size == (50, 50)
    rows = tmp_path / "rows.json"
    assert (
        command(
            "evaluate",
            tmp_path / "p-36",
            *weights,
            "--size",
            24,
            "--json",
            rows,
            "--methods",
            "split",
        )
        == 0
    )
    assert json.loads(rows.read_text())["rows"][2]["residual"] < 1e-6


@pytest.mark.parametrize(
    "text, says",
    [
        ("{", "not a readable YAML"),
        ("[1]", "name: value"),
        ("size: 1000 photographs", "size: this the card says itself"),
        ("network: mine", "network: this the card says itself"),
        ("nested: {2024-05-01: x}", "not plain names and values"),
        ("share: .nan", "not plain names and values"),
        (None, "not a readable YAML"),
    ],
)
def test_bad_facts_are_refused_before_the_training(text, says, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "jgm_lib.training.runs.start", lambda *a: pytest.fail("training would begin")
    )
    if text:
        (tmp_path / "about.yaml").write_text(text)
    out = ("--out", tmp_path / "run", "--about", tmp_path / "about.yaml")
    assert command("train", "toy-32", *out, "--steps", 1) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1 and not (tmp_path / "run").exists()


def test_the_licence_on_the_command_line_goes_before_that_of_the_facts(tmp_path):
    (tmp_path / "c.yaml").write_text(
        "{name: t, settings: {widths: [8]}, size: 8, steps: 1, batch: 1}"
    )
    (tmp_path / "about.yaml").write_text("licence: unknown")
    train = ("train", tmp_path / "c.yaml", "--out", tmp_path / "run", "--licence", "CC0")
    assert command(*train, "--about", tmp_path / "about.yaml") == 0
    assert json.loads((tmp_path / "run" / "t.json").read_text())["licence"] == "CC0"
