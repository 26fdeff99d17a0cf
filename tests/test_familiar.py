"""The word about unfamiliar photographs: the statistic by hand, its file, and what it says."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from data_scripts import familiar as script
from jgm_lib import Colorizer, JGMError, checkpoints, familiar
from jgm_lib.data import samples
from jgm_lib.data.toy import ToyScenes
from jgm_lib.networks.context import ZOOM
from jgm_lib.networks.lite import eyes
from jgm_lib.photo import read_photo
from jgm_lib.photo.enlarge import reduce, working_size


def seen(name_or_array) -> torch.Tensor:
    """A photograph as the prior sees it, (1,1,H,W) with a shorter side of 128."""
    picture = samples.load(name_or_array) if isinstance(name_or_array, str) else name_or_array
    y = torch.from_numpy(np.ascontiguousarray(read_photo(picture).to_gray(), np.float32))[None]
    return reduce(y, *working_size(*y.shape[-2:], 128))[None].clamp(0, 1)


def drawing(seed=0) -> np.ndarray:
    """Black strokes on white paper, (200,260) uint8."""
    from PIL import Image, ImageDraw

    rng, page = np.random.default_rng(seed), Image.new("L", (260, 200), 255)
    pen = ImageDraw.Draw(page)
    for _ in range(6):
        pen.line([tuple(p) for p in rng.integers(0, 200, (4, 2)).tolist()], 0, 2)
        x, y = rng.integers(20, 150, 2).tolist()
        pen.ellipse([x, y, x + 40, y + 40], outline=0, width=2)
    return np.array(page)


def noise(seed=0, side=128) -> np.ndarray:
    """White noise at the size the prior sees; reduced to it from 200 it passes as a texture."""
    return np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)


def known(n, seed=0, shift=0.0):
    """Features (n,304) with a known covariance: variances falling from 4 to 0.04."""
    z = torch.randn(n, 304, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (z + shift) * torch.logspace(0.3, -0.7, 304, dtype=torch.float64)


# -- the statistic -----------------------------------------------------------------------------


def test_of_gaussian_features_one_in_a_hundred_passes_the_limit():
    stats = script.fit(known(8000), known(4000, 1), 8)
    apart = stats.distance(known(20_000, 2)) / stats.limit
    assert float((apart > 1).double().mean()) == pytest.approx(0.01, abs=0.004)
    # the 99 % point of chi-squared with 304 degrees of freedom (Wilson and Hilferty): 364.4
    third = 1 - 2 / (9 * 304) + 2.3263 * (2 / (9 * 304)) ** 0.5
    assert float(stats.limit) ** 2 == pytest.approx(304 * third**3, rel=0.02)
    far = stats.distance(known(2000, 3, shift=1.0))  # one deviation off in every direction
    assert float(far.square().mean()) == pytest.approx(2 * 304, rel=0.02)


def test_directions_of_much_variance_count_little():
    """Features that share one hidden cause: a step along it is nothing, across it much."""
    g = torch.Generator().manual_seed(0)
    cause = torch.randn(6000, 1, generator=g, dtype=torch.float64)
    x = cause + 0.1 * torch.randn(6000, 304, generator=g, dtype=torch.float64)
    stats = script.fit(x, x, 1)
    along, across = torch.ones(1, 304), torch.ones(1, 304)
    across[:, ::2] = -1
    assert float(stats.variance[0]) == pytest.approx(304 * 1 / 1.01, rel=0.02)
    ratio = stats.distance(stats.mean + across) / stats.distance(stats.mean + along)
    expected = (float(stats.variance[0]) / float(stats.rest)) ** 0.5
    assert float(ratio) == pytest.approx(expected, rel=0.1) and expected > 50
    for few in (x[:1], x[:0]):
        with pytest.raises(JGMError, match="need more than 1"):
            script.fit(few, x, 1)


def test_features_are_means_and_spreads_of_the_first_taps():
    y = seen("chelsea")
    large = torch.nn.functional.interpolate(y, scale_factor=ZOOM, mode="bilinear")
    with torch.no_grad():
        first, second, _ = eyes()((2 * large - 1).expand(-1, 3, -1, -1))
    found = familiar.features(y)
    assert found.shape == (1, 304)
    assert torch.allclose(found[:, :40], first.mean((2, 3)), atol=1e-5)
    assert torch.allclose(found[:, 40:152], second.mean((2, 3)), atol=1e-5)
    spread = second.flatten(2).var(2, correction=0).sqrt()
    assert torch.allclose(found[:, 192:].exp() - 0.01, spread, atol=1e-4)
    assert familiar.features(torch.rand(3, 1, 1, 1)).isfinite().all()  # one pixel is a photograph
    for bad in (torch.rand(1, 3, 8, 8), torch.rand(8, 8), torch.rand(1, 1, 0, 8)):
        with pytest.raises(JGMError, match="need photographs"):
            familiar.features(bad)
    with pytest.raises(JGMError, match="one photograph"):
        familiar.unfamiliarity(torch.rand(2, 1, 64, 64))


# -- the bundled file --------------------------------------------------------------------------


def test_the_bundled_file_is_small_and_tells_where_it_is_from():
    from safetensors import safe_open

    path = familiar.FOLDER / f"{familiar.DEFAULT}.safetensors"
    assert path.stat().st_size < 200_000
    with safe_open(path, "pt") as file:
        about = file.metadata()
    assert int(about["pictures"]) >= 1000 and len(about["set_sha256"]) == 64
    assert "/" not in json.dumps(about) and about["side"] == "128"
    assert familiar.load().directions.shape == (304, script.DIMENSIONS)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "china", "flower", "rocket"])
def test_everyday_photographs_are_familiar(name):
    assert familiar.unfamiliarity(seen(name)) < 1


@pytest.mark.parametrize("kind", [noise, drawing])
def test_noise_and_drawings_are_not(kind):
    for seed in range(3):
        assert familiar.unfamiliarity(seen(kind(seed))) > 1


def test_a_page_of_text_and_nothing_at_all_are_not():
    from skimage import data

    assert familiar.unfamiliarity(seen(data.page())) > 1
    for level in (0.0, 0.5, 1.0):
        assert familiar.unfamiliarity(torch.full((1, 1, 128, 128), level)) > 1


# -- what the colorizer makes of it ------------------------------------------------------------


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """toy-32 with a card that names the statistics."""
    folder = tmp_path_factory.mktemp("weights")
    for end in (".safetensors", ".json"):
        shutil.copy(checkpoints.BUNDLED / f"toy-32{end}", folder / f"told{end}")
    card = json.loads((folder / "told.json").read_text())
    (folder / "told.json").write_text(json.dumps(card | {"familiar": familiar.DEFAULT}))
    return folder / "told.safetensors"


def test_a_result_carries_the_word_if_the_card_asks_for_it(told):
    small = dict(n=1, steps=1)
    page = noise()
    result = Colorizer.from_pretrained(told).colorize(page, **small)
    assert len(result.notes) == 1
    assert result.notes[0].startswith("this photograph is unlike those the prior learned from (")
    assert result.notes[0].endswith(" times the usual limit): expect guesses")
    assert Colorizer.from_pretrained("toy-32").colorize(page, **small).notes == []


def test_what_is_looked_at_is_what_the_prior_sees(told, monkeypatch):
    looked = []
    monkeypatch.setattr(familiar, "unfamiliarity", lambda grey, name: looked.append(grey) or 0.5)
    Colorizer.from_pretrained(told).colorize(noise()[:64], n=1, steps=1)
    assert looked[0].shape == (1, 1, 32, 64) and 0 <= looked[0].min() <= looked[0].max() <= 1


def test_the_command_says_it(told, tmp_path, capsys):
    from PIL import Image

    from jgm_lib.cli import main

    Image.fromarray(noise()).save(tmp_path / "noise.png")
    words = ["--weights", str(told), "--n", "1", "--steps", "1", "-o", str(tmp_path / "out")]
    assert main(["colorize", str(tmp_path / "noise.png"), *words]) == 0
    assert "note: this photograph is unlike those" in capsys.readouterr().out


def test_the_sentence_has_one_digit_and_familiar_ones_none(monkeypatch):
    card = {"familiar": "x"}
    monkeypatch.setattr(familiar, "unfamiliarity", lambda grey, name: 1.34)
    assert "(1.3 times the usual limit)" in familiar.notes(card, None)[0]
    monkeypatch.setattr(familiar, "unfamiliarity", lambda grey, name: 1.0)
    assert familiar.notes(card, None) == []
    monkeypatch.setattr(familiar, "unfamiliarity", pytest.fail)
    assert familiar.notes({}, None) == []


@pytest.mark.parametrize(
    "change, words",
    [
        ({"directions": torch.zeros(300, 4)}, "does not hold such statistics"),
        ({"limit": torch.tensor(0.0)}, "does not hold such statistics"),
        ({"mean": torch.full((304,), float("nan"))}, "does not hold such statistics"),
        ({"scale": torch.full((304,), -1.0)}, "does not hold such statistics"),
        ({"limit": None}, "no readable statistics"),
    ],
)
def test_damaged_statistics_are_one_line(tmp_path, change, words):
    whole = load_file(familiar.FOLDER / f"{familiar.DEFAULT}.safetensors") | change
    save_file({k: v for k, v in whole.items() if v is not None}, tmp_path / "odd.safetensors")
    with pytest.raises(JGMError, match=words):
        familiar.load("odd", tmp_path)


def test_missing_statistics_and_paths_are_one_line(tmp_path):
    with pytest.raises(JGMError, match="no readable statistics"):
        familiar.load("none-such")
    with pytest.raises(JGMError, match="no path"):
        familiar.load("../odd", tmp_path)
    (tmp_path / "text.safetensors").write_text("no such file")
    with pytest.raises(JGMError, match="no readable statistics"):
        familiar.load("text", tmp_path)


def test_the_script_from_end_to_end(tmp_path, monkeypatch, capsys):
    from PIL import Image

    from data_scripts.folder import pack_folder

    for i, x in enumerate(ToyScenes(16).sample(10, 0).images):
        Image.fromarray((255 * x.permute(1, 2, 0)).byte().numpy()).save(tmp_path / f"{i}.png")
    path = pack_folder(tmp_path, out=tmp_path / "set", name="t", size=16, holdout=0.2)

    whole = script.fit
    monkeypatch.setattr(script, "fit", lambda train, held_out: whole(train, held_out, 3))
    made = script.build(path, "t", count=6, side=16, out=tmp_path)
    assert made.name == "t.safetensors" and familiar.load("t", tmp_path).directions.shape == (
        304,
        3,
    )
    assert script.main([str(tmp_path / "nothing")]) == 2
    assert "error: " in capsys.readouterr().err
