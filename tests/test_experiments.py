"""One runner: every method by one seed rule, differences on the same pictures, files that tell."""

import json
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from jgm_lib import Colorizer, JGMError, baselines
from jgm_lib.cli import main
from jgm_lib.data.toy import ToyScenes
from jgm_lib.experiments import names, pairing, tables
from jgm_lib.experiments.bench import compare, grey_scores, measure, rows_of
from jgm_lib.experiments.methods import Direct, by_card, method_of
from jgm_lib.experiments.pairing import Scores
from jgm_lib.experiments.sources import Pictures, eight_bit
from jgm_lib.noise import mix_seed, picture_key, version_seed, version_seeds

SHORT = {"weights": "toy-32", "steps": 2, "L": 2, "T": 2, "n": 2}
NAMES = [name for name in names.method_names() if name != names.GREY]


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer.from_pretrained("toy-32")


@pytest.fixture(scope="module")
def scenes():
    return Pictures.of_truth(ToyScenes(32).sample(3, 5).images)


@pytest.fixture(scope="module")
def folder(scenes, tmp_path_factory):
    path = tmp_path_factory.mktemp("scenes")
    for i, pixels in enumerate(eight_bit(scenes.truth)):
        Image.fromarray(pixels).save(path / f"{i}.png")
    return path


def short(name):
    return names.cards_of([name], SHORT)[name]


def scores(keys, **values) -> Scores:
    return Scores(keys, {k: np.array(v, float) for k, v in values.items()})


# -- the seed rule -----------------------------------------------------------------------------


def test_a_seed_is_made_of_seed_picture_and_version_alone():
    assert version_seed(3, 2, 7) == mix_seed(3, 2, 8)
    assert version_seeds(3, 2) == [mix_seed(3, 0), mix_seed(3, 1)]  # what jgm colorize draws with
    assert version_seeds(3, 2, [7, 9]) == [version_seed(3, v, k) for k in (7, 9) for v in (0, 1)]
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert picture_key(pixels) == zlib.crc32(bytes(range(12)))


@pytest.mark.parametrize("name", NAMES)
def test_neither_batch_nor_order_nor_other_pictures_matter(colorizer, scenes, name):
    method = method_of(name, colorizer, short(name))
    together = method.versions(scenes.y, scenes.keys)
    turned = scenes.some([2, 0])
    x = method.versions(turned.y, turned.keys)
    torch.testing.assert_close(x, together[[2, 0]], rtol=0, atol=1e-4)
    if method.draws:  # and each picture has noise of its own: the same photograph, other keys
        x = method.versions(scenes.y[[0, 0]], [1, 2])
        assert float((x[0] - x[1]).abs().max()) > 0.01


def test_a_method_of_the_baselines_is_drawn_by_the_same_rule(colorizer, scenes):
    card = short("split")
    sampled = baselines.Sampled(colorizer.model, "split", card.settings())
    direct, through = Direct(sampled, 2), by_card(colorizer, card)
    a, b = (m.versions(scenes.y, scenes.keys) for m in (direct, through))
    torch.testing.assert_close(a, b, rtol=0, atol=1e-6)
    assert direct.nfe == through.nfe == 2
    assert Direct(baselines.grey_replica, 8).n == 1  # does not draw: once is enough


def test_keys_are_those_of_the_eight_bit_pixels(scenes, folder):
    stored = Pictures.of(folder, 32)
    assert stored.keys == scenes.keys and stored.names == ["0.png", "1.png", "2.png"]
    assert Pictures.of(folder, 32, limit=2).keys == [scenes.keys[0], scenes.keys[2]]


# -- methods by name ---------------------------------------------------------------------------


def test_every_registered_method_has_its_name():
    assert set(baselines.methods(None)) <= set(names.method_names())
    for name in names.method_names():
        assert names.method_name(f" {name.replace(' ', '-')} ") == name
        assert names.method_name(name.replace("_", "-")) == name


def test_an_unknown_method_is_one_line_that_lists_them():
    with pytest.raises(JGMError) as error:
        names.method_name("magic")
    assert all(name in str(error.value) for name in ("'magic'", *names.method_names()))


def test_what_is_drawn_how_often():
    cards = names.cards_of(["split", "mean of nullspace", "nullspace", names.GREY], {})
    assert {k: c.n for k, c in cards.items()} == {
        "split": 8,
        "mean of nullspace": 8,
        "nullspace": 1,
    }
    assert cards["nullspace"].steps == cards["mean of nullspace"].steps == 50
    assert names.cards_of(["nullspace"], {"steps": 7})["nullspace"].steps == 7


def test_the_regression_mean_is_the_first_estimate(colorizer, scenes):
    found = method_of("regression mean", colorizer, short("regression mean"))
    once = by_card(colorizer, short("split").model_copy(update={"steps": 1, "n": 1}))
    x = found.versions(scenes.y, scenes.keys)
    keys = [baselines.grey_key(y) for y in scenes.y]  # the photograph decides the noise
    torch.testing.assert_close(x, once.versions(scenes.y, keys), rtol=0, atol=1e-5)
    assert len(set(keys)) == 3
    assert found.nfe == 1 and not found.draws


def test_the_mean_of_draws_is_pale_and_costs_all_of_them(colorizer, scenes):
    one = measure(method_of("split", colorizer, short("split")), scenes)
    mean = measure(method_of("mean of split", colorizer, short("mean of split")), scenes)
    assert list(mean.columns) == ["single"] and mean.nfe == 4 and one.nfe == 2
    pale, full = (m.columns["single"].values["colourfulness"] for m in (mean, one))
    assert pale.mean() < full.mean()


def test_seconds_are_of_one_version_and_a_column_costs_what_it_takes(
    colorizer, scenes, monkeypatch
):
    """Twelve seconds for two versions of three pictures; a column of both takes twice as much."""
    ticks = iter((100.0, 112.0))
    clock = SimpleNamespace(monotonic=lambda: next(ticks))
    monkeypatch.setattr("jgm_lib.experiments.bench.time", clock)
    found = measure(method_of("split", colorizer, short("split")), scenes)
    rows = rows_of("split", found, grey_scores(scenes))
    assert {r["column"]: (r["nfe"], r["seconds"]) for r in rows} == {
        "single": (2, 2.0),
        "consensus of 2": (4, 4.0),
        "mean of 2": (4, 4.0),
        "oracle of 2": (4, 4.0),
    }


# -- differences -------------------------------------------------------------------------------


def test_differences_pair_the_pictures_whatever_their_order():
    a = scores([1, 2, 3], psnr=[10, 20, 30], delta_e=[1, 2, 3])
    b = scores([3, 1, 2, 9], psnr=[29, 8, 17, 0], delta_e=[5, 3, 4, 0])
    found = pairing.differences(a, b)
    assert found["psnr"][0] == 2 and found["delta_e"] == [-2, -2, -2]
    assert found["psnr"][1] >= 1 and found["psnr"][2] <= 3


def test_shared_pictures_keep_the_order_of_the_first():
    a, b = scores([1, 2, 3], psnr=[1, 2, 3]), scores([3, 9, 1], psnr=[3, 9, 1])
    assert a.shared(b) == [1, 3] and b.shared(a) == [3, 1]


def test_results_of_different_pictures_are_refused():
    a, b = scores([1, 2], psnr=[1, 2], delta_e=[1, 2]), scores([1, 3], psnr=[1, 2], delta_e=[1, 2])
    with pytest.raises(JGMError, match="different pictures: 1 of 2 were not measured"):
        pairing.differences(a, b)
    with pytest.raises(JGMError, match="different pictures: 1 of 1"):
        pairing.against({"": a.at([2])}, {"": b}, "")


def test_a_column_is_compared_with_its_like_or_with_the_single_draw():
    mine = {c: scores([1, 2], psnr=[v, v], delta_e=[0, 0]) for c, v in (("single", 5), ("x", 9))}
    theirs = {c: scores([2, 3], psnr=[v, v], delta_e=[0, 0]) for c, v in (("single", 1), ("y", 2))}
    assert pairing.against(mine, theirs, "x") == {
        "column": "single",
        "n": 1,
        "psnr": [8, 8, 8],
        "delta_e": [0, 0, 0],
    }
    assert pairing.against(mine, mine, "x")["column"] == "x"


def test_rows_hold_the_differences_and_what_they_are_made_of(colorizer, scenes):
    methods = {n: method_of(n, colorizer, short(n)) for n in ("regression mean", "split")}
    rows = list(compare(methods, scenes, reference="split", limits={"regression mean": 2}))
    heads = [(r["method"], r["column"]) for r in rows]
    assert heads[:3] == [(names.GREY, ""), ("truth", ""), ("split", "single")]
    assert heads[-1] == ("regression mean", "")  # the reference goes first
    by = dict(zip(heads, rows, strict=True))
    last, grey = rows[-1], grey_scores(scenes)
    assert last["keys"] == [scenes.keys[0], scenes.keys[2]] and last["n"] == 2
    wanted = np.array(last["values"]["psnr"]) - grey.values["psnr"][[0, 2]]
    assert last["to_grey"]["psnr"][0] == pytest.approx(wanted.mean())
    assert last["grey_psnr"] == pytest.approx(grey.values["psnr"][[0, 2]].mean())
    other = np.array(by["split", "single"]["values"]["delta_e"])[[0, 2]]
    wanted = np.array(last["values"]["delta_e"]) - other
    assert last["against"]["delta_e"][0] == pytest.approx(wanted.mean())
    assert last["against"]["method"] == "split" and "against" not in by["split", "single"]


# -- tables and files --------------------------------------------------------------------------


def test_the_table_has_columns_for_what_is_compared():
    row = tables.summary({k: [1.0, 2.0] for k in ("psnr", "ssim", "delta_e")})
    row |= dict(method="a", column="single", nfe=3, seconds=0.1, colourfulness=9.0, residual=0.0)
    head, _, line = tables.table([row]).splitlines()
    assert "grey" not in head and head.count("|") == line.count("|")
    row |= {"to_grey": {"psnr": [1, 0.5, None], "delta_e": [-1, -2, 0.25]}}
    row |= {"against": {"method": "split", "psnr": [2, 1, 3], "delta_e": [0, 0, 0]}}
    head, _, line, bare = tables.table([row, {**row, "against": {"method": "b"}}]).splitlines()
    assert "PSNR - grey | ΔE00 - grey | PSNR - split | ΔE00 - split" in head
    assert "+1.00 (+0.50 to ∞) | -1.00 (-2.00 to +0.25) | +2.00 (+1.00 to +3.00)" in line
    assert head.count("|") == line.count("|") == bare.count("|")


def command(folder, *more):
    quick = ["--weights", "toy-32", "--n", "2", "--steps", "2", "--size", "32"]
    return main(["evaluate", str(folder), *quick, *more])


def test_the_command_takes_every_kind_of_method_and_tells_how(folder, tmp_path, capsys, scenes):
    path = tmp_path / "rows.json"
    methods = "grey-replica,regression-mean, mean of split,predictor-corrector,split"
    more = ["--methods", methods, "--against", "split", "--seed", "4", "--json", str(path)]
    assert command(folder, *more) == 0
    out = capsys.readouterr().out
    table = out.strip().split("\n\n")[-1].splitlines()
    assert "PSNR - split" in table[0] and len({line.count("|") for line in table}) == 1
    assert out.splitlines()[:3] == table[2:5]  # what was shown row by row is the table
    found = json.loads(path.read_text())
    assert found["pictures"] == ["0.png", "1.png", "2.png"] and found["keys"] == scenes.keys
    assert len(found["weights"]) == len(found["pixels_sha256"]) == 64
    assert found["settings"]["split"]["steps"] == 2 and found["seeds"]["draws"]["split"] == 4
    assert found["versions"]["torch"] == torch.__version__ and found["versions"]["threads"] >= 1
    assert {r["method"] for r in found["rows"]} == {
        names.GREY,
        "truth",
        "regression mean",
        "mean of split",
        "predictor_corrector",
        "split",
    }
    for row in found["rows"][2:]:
        assert np.mean(row["values"]["psnr"]) == pytest.approx(row["psnr"])
        mine, grey = (Scores(r["keys"], r["values"]) for r in (row, found["rows"][0]))
        again = pairing.differences(mine, grey)
        assert all(again[k] == pytest.approx(row["to_grey"][k]) for k in pairing.PAIRED)


@pytest.mark.parametrize(
    "more, word",
    [
        (["--methods", "split,magic"], "'magic' is unknown; choose grey replica, regression mean,"),
        (["--methods", "split", "--against", "langevin"], "not among the methods (split)"),
        (["--against", "magic"], "'magic' is unknown"),
    ],
)
def test_what_cannot_be_compared_is_one_line(folder, capsys, more, word):
    assert command(folder, *more) == 2
    error = capsys.readouterr().err
    assert word in error and error.count("\n") == 1


def test_files_of_different_pictures_are_no_table():
    tables.check_same_pictures({"keys": [1, 2]}, {"keys": [1, 2]}, "b.json")
    with pytest.raises(JGMError, match="b.json: measured on other pictures"):
        tables.check_same_pictures({"keys": [1, 2]}, {"keys": [1, 3]}, "b.json")
