"""What is measured of a prior: closed forms, a tiny run from end to end, clear refusals."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import prior, prior_table, tune
from jgm_lib import Colorizer, JGMError
from jgm_lib.data.film import film_response
from jgm_lib.data.toy import ToyScenes
from jgm_lib.domain import Intensity
from jgm_lib.experiments.evaluate import evaluate
from jgm_lib.experiments.methods import reduced
from jgm_lib.experiments.sources import F as MEAN
from jgm_lib.experiments.sources import Pictures, eight_bit, named_pictures_of
from jgm_lib.metrics import chroma_speckle, psnr
from jgm_lib.operators import gray
from jgm_lib.params import ColorizeCard

QUICK = ["--weights", "toy-32", "--set", "steps=2"]


def toys(n=3, size=32, seed=0):
    """(n,S,S,3) uint8"""
    x = ToyScenes(size).sample(n, seed).images
    return (255 * x).round().byte().permute(0, 2, 3, 1).numpy()


def write(folder, pictures, start=0):
    folder.mkdir(parents=True)
    for i, picture in enumerate(pictures, start):
        Image.fromarray(picture).save(folder / f"{i}.png")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Three toy pictures in two sub-folders."""
    folder = tmp_path_factory.mktemp("toys")
    pictures = toys()
    write(folder / "hills", pictures[:2])
    write(folder / "lakes", pictures[2:], 2)
    return folder


@pytest.fixture(scope="module")
def found(source):
    path = source.parent / "found.json"
    assert prior.main([str(source), "--n", "3", *QUICK, "--json", str(path)]) == 0
    return json.loads(path.read_text())


def columns(found) -> dict:
    return {r["column"]: r for r in found["rows"]}


def test_the_file_holds_every_column_and_every_picture(found):
    rows = columns(found)
    assert list(rows) == [
        "grey replica",
        "truth",
        "single",
        "consensus of 3",
        "mean of 3",
        "oracle of 3",
    ]
    assert found["pictures"] == ["hills/0.png", "hills/1.png", "lakes/2.png"]
    assert [r["nfe"] for r in found["rows"]] == [0, 0, 2, 6, 6, 6]
    for r in found["rows"]:
        assert all(len(v) == 3 for v in r["values"].values())
    assert [s["source"] for s in found["sources"]] == ["hills", "lakes"]
    assert [s["n"] for s in found["sources"]] == [2, 1]
    assert rows["truth"]["colourfulness_share"][0] == 1 and rows["truth"]["psnr"] is None


def test_differences_are_those_of_the_same_pictures(found):
    rows = columns(found)
    for metric in ("psnr", "chroma_psnr", "delta_e"):
        a, b = (np.array(rows[c]["values"][metric]) for c in ("mean of 3", "grey replica"))
        mean, low, high = rows["mean of 3"]["to_grey"][metric]
        assert mean == pytest.approx((a - b).mean()) and low <= mean <= high
    assert rows["grey replica"]["to_grey"]["psnr"] == [0, 0, 0]
    assert rows["single"]["values"]["psnr"] == pytest.approx(
        rows["single"]["values"]["chroma_psnr"]
    )  # what is known is the mean of the colours, so both have the truth's luma
    hills = found["sources"][0]["to_grey"]["psnr"][0]
    values = [np.array(rows[c]["values"]["psnr"][:2]) for c in ("mean of 3", "grey replica")]
    assert hills == pytest.approx((values[0] - values[1]).mean())


def test_the_numbers_are_those_of_evaluate(found, source):
    card = {"split": ColorizeCard(weights="toy-32", n=3, steps=2)}
    theirs = {
        r["column"] or r["method"]: r
        for r in evaluate(Colorizer.from_pretrained("toy-32"), Pictures.of(source, 32), card)
    }
    for column, row in columns(found).items():
        assert row["delta_e"] == pytest.approx(theirs[column]["delta_e"], abs=1e-3)
        assert row["colourfulness"] == pytest.approx(theirs[column]["colourfulness"], abs=1e-3)


def test_how_it_came_about_is_told_without_places(found, source, tmp_path):
    assert found["command"].startswith(f"python -m benchmarks.prior {source.name} --n 3")
    assert str(source.parent) not in json.dumps(found)
    assert len(found["weights"]["sha256"]) == 64 and found["seeds"]["draws"] == 0
    assert found["settings"]["steps"] == 2 and found["versions"]["torch"] == torch.__version__
    text = prior_table.text(found)
    assert "| mean of 3 |" in text and "| hills | 2 | mean of 3 |" in text and "R2" in text


def test_ranks_and_coverage_of_the_run_add_up(found):
    h = found["honesty"]
    assert len(h["ranks"]) == 4 and sum(h["ranks"]) == pytest.approx(1)
    assert h["coverage"][4] == pytest.approx(h["ranks"][1] + h["ranks"][2])  # 3 draws: 50 %
    assert h["coverage"][5:] == [None] * 4 and len(h["deciles"]) == 10


def test_R2_of_truth_grey_and_half():
    truth = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    grey = gray(truth, MEAN).expand_as(truth)
    for estimate, expected in ((truth, 1), (grey, 0), ((truth + grey) / 2, 0.75)):
        left, all_ = prior.R2(estimate, truth)
        assert 1 - left.sum() / all_.sum() == pytest.approx(expected, abs=1e-6)
    checker = torch.ones(64, 64)  # finer than the cells: no chroma is left in them
    checker[::2, ::2] = checker[1::2, 1::2] = -1
    fine = 0.5 + 0.1 * checker * torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1)
    assert prior.R2(fine, fine)[1] == pytest.approx([0], abs=1e-12)


def test_the_first_estimate_is_fed_noise_and_no_truth():
    fed = []

    class Watched:
        domain, any_gray, divisor = Intensity(), True, 1

        def denoise(self, X, sigma, sigma_y=None):
            fed.append((X, sigma))
            return X * 0 + 0.5

    c = Colorizer.from_pretrained("toy-32")
    c.model = Watched()
    y = torch.full((1, 1, 32, 32), 0.5)
    x = prior.first_estimate(c, y, ColorizeCard(weights="toy-32", sigma_max=40.0, n=5), [7])
    assert x.shape == (1, 3, 32, 32) and len(fed) == 1 and fed[0][1] == pytest.approx(40)
    chroma = fed[0][0] - fed[0][0].mean(1, keepdim=True)
    assert chroma.square().sum(1).mean().sqrt() == pytest.approx(40 * 2**0.5, rel=0.05)


def test_film_is_what_is_known_and_the_bar_is_the_film_itself():
    pictures = Pictures.of_pixels(toys(2))
    on_film = prior.filmed(pictures, 0)
    card = ColorizeCard(weights="toy-32", n=1, steps=2)
    c = Colorizer.from_pretrained("toy-32")
    plain, film = (prior.measure(c, p, card)["columns"] for p in (pictures, on_film))
    y = on_film.y
    assert torch.allclose(y, film_response(pictures.truth, grain=0.0), atol=0.1)
    assert torch.equal(y[1:], prior.filmed(pictures.some([1]), 0).y)
    other = replace(pictures, keys=[3, pictures.keys[1]])
    assert not torch.equal(y[0], prior.filmed(other, 0).y[0])  # grain by key
    assert (film["grey replica"]["psnr"] < plain["grey replica"]["psnr"]).all()
    same = [f["grey replica"]["chroma_psnr"] for f in (plain, film)]
    assert same[0] == pytest.approx(same[1], abs=1e-3)  # no chroma in either: comparable
    assert np.all(film["single"]["psnr"] < film["single"]["chroma_psnr"])


def test_bf16_changes_little_and_leaves_the_bare_colorizer_alone():
    pictures, card = Pictures.of_pixels(toys(2)), ColorizeCard(weights="toy-32", n=2, steps=4)
    full = prior.measure(Colorizer.from_pretrained("toy-32"), pictures, card)["columns"]
    light = prior.measure(prior.in_bf16(Colorizer.from_pretrained("toy-32")), pictures, card)
    a, b = (f["mean of 2"]["psnr"] for f in (full, light["columns"]))
    assert a == pytest.approx(b, abs=0.2) and not np.array_equal(a, b)


def test_batches_do_not_matter():
    pictures, card = Pictures.of_pixels(toys(3)), ColorizeCard(weights="toy-32", n=2, steps=2)
    c = Colorizer.from_pretrained("toy-32")
    one, three = (prior.measure(c, pictures, card, batch=b) for b in (1, 3))
    assert one["columns"]["single"]["psnr"] == pytest.approx(
        three["columns"]["single"]["psnr"], abs=1e-3
    )
    assert one["parts"]["R2 left"] == pytest.approx(three["parts"]["R2 left"], rel=1e-3)
    assert one["ranks"].sum() == 3 * 2 * 32 * 32 == len(one["error"])


def test_larger_pictures_are_judged_at_both_sizes():
    pictures = Pictures.of_pixels(toys(1, size=64))
    card = ColorizeCard(weights="toy-32", n=2, steps=2)
    found = prior.measure(Colorizer.from_pretrained("toy-32"), pictures, card)
    assert found["ranks"].sum() == 2 * 32 * 32
    truth = pictures.truth
    grey = gray(truth, MEAN).expand_as(truth)
    assert found["columns"]["grey replica"]["psnr"] == pytest.approx(psnr(grey, truth), abs=1e-4)
    small = reduced(truth, 32)
    assert found["parts"]["speckle truth"] == pytest.approx(chroma_speckle(small))


def test_a_packed_set_gives_its_held_out_pictures_with_their_class(source, tmp_path):
    from data_scripts.folder import pack_folder

    path = pack_folder(source, out=tmp_path, name="toys", size=32, holdout=0.4)
    pictures, names = named_pictures_of(path, 32)
    assert len(names) == len(pictures) == 1 and names[0].split("/")[0] in ("hills", "lakes")
    assert np.array_equal(pictures[0], eight_bit(Pictures.of(path, 32).truth)[0])
    out = tmp_path / "packed.json"
    assert prior.main([str(path), "--n", "1", *QUICK, "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["pictures"] == names and found["sources"][0]["column"] == "single"
    assert "ratio" not in found["honesty"]


def test_names_skip_what_is_left_out(tmp_path, capsys):
    write(tmp_path / "a", toys(2))
    (tmp_path / "a" / "0b.png").write_text("no picture")
    write(tmp_path / "b", toys(1), 5)  # the first once more
    pictures, names = named_pictures_of(tmp_path, 32)
    assert names == ["a/0.png", "a/1.png"] and np.array_equal(pictures, toys(2))
    assert "2 files left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "extra, words",
    [
        (["--set", "steps"], "need KNOB=VALUE"),
        (["--set", "colour=3"], "a knob of ColorizeCard"),
        (["--set", "steps=many"], "'many' is no int"),
        (["--set", "sigma_max=-1"], "sigma_max"),
        (["--limit", "0"], "at least 1"),
        (["--json", "nowhere/at/all.json"], "does not exist"),
        (["--weights", "none-such"], "no weights"),
    ],
)
def test_bad_words_are_one_line(source, extra, words, capsys):
    assert prior.main([str(source), "--weights", "toy-32", *extra]) == 2
    said = capsys.readouterr().err
    assert words in said and len(said.splitlines()) == 1


def test_settings_have_the_knobs_types():
    found = prior.settings_of(["steps=30", "sigma_max=40", "solver=heun"])
    assert found == {"steps": 30, "sigma_max": 40.0, "solver": "heun"}
    assert isinstance(found["sigma_max"], float)
    with pytest.raises(JGMError):
        prior.settings_of(["=3"])


# benchmarks.tune


@pytest.fixture(scope="module")
def packed(source, tmp_path_factory):
    from data_scripts.folder import pack_folder

    return pack_folder(source, out=tmp_path_factory.mktemp("set"), name="t", size=32, holdout=0.5)


def test_pictures_are_balanced_by_class():
    classes = ["a"] * 50 + ["b"] * 3 + ["c"] * 10
    own = tune.balanced(classes, 12)
    counts = [sum(classes[i] == c for i in own) for c in "abc"]
    assert counts == [5, 3, 4] and len(set(own.tolist())) == 12
    assert own[0] == 0 and own[4] == 49  # evenly spread within a class
    assert len(tune.balanced(classes, None)) == len(tune.balanced(classes, 99)) == 63
    assert [classes[i] for i in tune.balanced(classes, 2)] == ["a", "b"]


def test_the_grid_has_every_setting_and_refuses_bad_ones():
    cards = tune.grid({"n": 4}, tune.GRID)
    assert len(cards) == 36 and len({c.model_dump_json() for c in cards}) == 36
    with pytest.raises(JGMError, match="lookahead"):
        tune.grid({}, {"lookahead": [2.0]})


def test_a_tiny_grid_from_end_to_end(packed, tmp_path, capsys):
    out = tmp_path / "tune.json"
    words = [str(packed), "--weights", "toy-32", "--n", "2", "--json", str(out)]
    knobs = ["--lookahead", "0", "1", "--sigma-max", "40", "--steps", "2"]
    assert tune.main([*words, *knobs]) == 0
    lines = [x for x in capsys.readouterr().out.splitlines() if x.startswith("|")]
    assert len(lines) == 4 and lines[2].startswith("| 0 | 40 | 2 |")
    assert len({x.count("|") for x in lines}) == 1
    found = json.loads(out.read_text())
    assert [r["lookahead"] for r in found["rows"]] == [0, 1]
    row, values = found["rows"][1], found["rows"][1]["values"]
    gain = np.subtract(values["single psnr"], values["grey psnr"]).mean()
    assert row["single psnr to grey"][0] == pytest.approx(gain)
    ratio = np.sqrt(np.mean(values["error"]) / np.mean(values["variance"]) / 1.5)
    assert row["error ratio"] == pytest.approx(ratio)
    assert str(tmp_path) not in out.read_text() and str(packed.parent) not in out.read_text()


def test_tuning_scores_as_the_report_does():
    pictures, card = Pictures.of_pixels(toys(2)), ColorizeCard(weights="toy-32", n=2, steps=2)
    c = Colorizer.from_pretrained("toy-32")
    one, other = tune.measure(c, pictures, card), prior.measure(c, pictures, card)
    for ours, theirs in (("single", "single"), ("mean", "mean of 2"), ("grey", "grey replica")):
        for k in ("psnr", "delta_e", "colourfulness"):
            assert one[f"{ours} {k}"] == pytest.approx(other["columns"][theirs][k])
    assert one["single speckle"] == pytest.approx(other["parts"]["speckle single"])
    assert one["error"].mean() == pytest.approx(other["error"].mean())


@pytest.mark.parametrize(
    "extra, words", [(["--n", "1"], "at least 2 draws"), (["--limit", "0"], "at least 1")]
)
def test_bad_words_for_tuning(packed, extra, words, capsys):
    assert tune.main([str(packed), "--weights", "toy-32", *extra]) == 2
    assert words in capsys.readouterr().err


def test_tuning_takes_no_folder(source, capsys):
    assert tune.main([str(source), "--weights", "toy-32"]) == 2
    assert "packed set" in capsys.readouterr().err
