"""Diversity: coverage of known modes, the spread of tones, temperatures, what rows and pairs say."""

import json

import numpy as np
import pytest
import torch

from jgm_lib import checkpoints
from jgm_lib.cli import main
from jgm_lib.data.toy import PALETTE
from jgm_lib.experiments import diversity
from jgm_lib.experiments.cards import DiversityCard
from jgm_lib.experiments.coverage import (
    coverage,
    exact_draws,
    expected_share,
    landscapes,
    painted,
    seen_share,
)
from jgm_lib.experiments.variants import side_of, variants_of
from jgm_lib.networks import build
from jgm_lib.operators import gray, gray_weights
from jgm_lib.samplers import presets

# -- coverage ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scenes():
    """20 landscapes and 12 exact draws of each."""
    truth, labels = landscapes(32, 20, 500)
    return truth, labels, exact_draws(32, 20, 12, 500, 3)


def test_exact_draws_share_the_grey_and_differ_in_colour(scenes):
    truth, _, draws = scenes
    f = gray_weights()
    assert (
        gray(draws.flatten(0, 1), f) - gray(truth, f).repeat_interleave(12, 0)
    ).abs().max() < 1e-6
    assert (draws - draws[:, :1]).abs().amax((1, 2, 3, 4)).min() > 0.05


def test_exact_draws_cover_what_they_should(scenes):
    _, labels, draws = scenes
    rows, seen = coverage(draws, labels)
    for name, row in rows.items():
        assert row["seen"][1] - 0.05 <= row["expected"] <= row["seen"][2] + 0.05, name
        for mode in PALETTE[name]:
            _, low, high = row["modes"][mode.name]
            assert low - 0.03 <= mode.probability <= high + 0.03, (name, mode.name)
        assert row["modes"]["mixed"][0] == 0 < row["modes"]["mixed"][2]  # Wilson's end, not 0
    assert 0.8 < np.nanmean(seen) <= 1


def test_the_expected_share_is_that_of_a_simulation():
    p = [0.5, 0.3, 0.2]
    drawn = np.random.default_rng(0).choice(3, size=(20_000, 4), p=p)
    assert expected_share(p, 4) == pytest.approx(seen_share(drawn, 3).mean(), abs=0.01)
    assert expected_share(p, 1) == pytest.approx(1 / 3)


def test_modes_seen_by_hand():
    found = np.array([[0, 0, -1], [0, 1, 0], [-1, -1, -1], [-2, -2, -2]])
    share = seen_share(found, 2)
    assert share[:3].tolist() == [0.5, 1.0, 0.0] and np.isnan(share[3])


def test_grey_shows_no_mode_and_hidden_objects_do_not_count(scenes):
    truth, labels, _ = scenes
    grey = truth.mean(1, keepdim=True).expand(-1, 3, -1, -1)[:, None]
    rows, seen = coverage(grey, labels)
    assert all(r["modes"]["mixed"][0] == 1 and r["seen"][0] == 0 for r in rows.values())
    assert (seen[~np.isnan(seen)] == 0).all()
    nothing = torch.full_like(labels, -1)
    assert (painted(grey, nothing, "roof") == -2).all()
    assert coverage(grey, nothing)[0] == {}


# -- spread of tones ---------------------------------------------------------------------------


def test_the_spread_of_tones_is_that_of_whole_pictures():
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, 8, 8, generator=rng)
    shuffled = x.flatten(2)[..., torch.randperm(64, generator=rng)].view_as(x)
    assert diversity.tone_spread(torch.cat([x, shuffled])) == pytest.approx(0, abs=1e-9)
    red, blue = (
        torch.tensor(c).view(1, 3, 1, 1).expand(-1, -1, 8, 8)
        for c in ((0.6, 0.4, 0.4), (0.4, 0.4, 0.6))
    )
    apart = diversity.tone_spread(torch.cat([red, blue]))
    whole = diversity.diversity(torch.cat([red, blue])).ab_std
    assert apart == pytest.approx(whole, rel=1e-3) and apart > 10
    assert diversity.tone_spread(x) == 0


# -- the experiment ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """An untrained prior and a system that draws, for pictures of 16 pixels: name -> path."""
    folder, found = tmp_path_factory.mktemp("weights"), {}
    torch.manual_seed(0)
    kinds = {"prior": ("unet", {"widths": [8, 16]}), "cvae": ("cvae", {})}
    for name, (network, settings) in kinds.items():
        model = build(network, **settings)
        if network == "unet":
            torch.nn.init.normal_(model.head.weight, std=0.05)
        card = {"network": network, "settings": settings, "size": 16, "name": name}
        card["training"] = {"isotropic": 0.3}
        found[name] = str(checkpoints.save(folder / name, model, card))
    return found


def card(found, **values):
    quick = dict(pictures=4, K=3, steps=3, nfe=4, few=2, ways=["split", "tempered"])
    return DiversityCard(**{**quick, "weights": {"JGM": [found["prior"]]}, **values})


@pytest.fixture(scope="module")
def measured(weights):
    rows, about = diversity.measure(card(weights, shares=[], lookaheads=[], K=2))
    return {r["method"]: r for r in rows}, about


def test_every_knob_of_temperature_is_turned(weights):
    own = card(
        weights, ways=["split", "nullspace", "tempered", "authors, LSUN"], shares=[0.3], nfe=145
    )
    variants, _ = variants_of(own)
    assert [v.name for v in variants] == [
        "JGM, split",
        "JGM, split, lookahead 0.6",
        "JGM, split, lookahead 0",
        "JGM, nullspace",
        "JGM, tempered",
        "JGM, tempered, share 0.3",
        "JGM, authors, LSUN",
    ]
    by_name = {v.name: v for v in variants}
    settings = {n: v.method.make("model").settings for n, v in by_name.items()}
    assert settings["JGM, split, lookahead 0"]["lookahead"] == 0
    assert settings["JGM, split, lookahead 0"]["steps"] == own.steps
    assert settings["JGM, tempered, share 0.3"]["lam"] == presets.tempered(145, 0.3)["lam"]
    assert by_name["JGM, split"].method.make("model").model == "model"
    assert [n for n, v in by_name.items() if v.long] == ["JGM, authors, LSUN"]
    assert side_of(variants) == 16


def test_rows_tell_no_colours_from_exact_draws(measured):
    rows, about = measured
    grey, exact = rows["grey replica"], rows["exact draws"]
    assert grey["spread"] == grey["tone"] == grey["per_pixel"] == [0, 0, 0]
    assert grey["admissible"][0] < 0.1 and "overflow" not in grey
    assert exact["admissible"][0] == 1 and exact["in_between"][0] == 0 < exact["spread"][1]
    assert exact["saturation"][0] == pytest.approx(1, abs=0.3)
    assert rows["JGM, split"]["saturation"][0] > 0 and "coverage" in rows["JGM, split"]
    assert about["weights"]["JGM"]


def test_less_strength_is_paler_and_keeps_the_overflow(measured):
    rows = measured[0]
    one, pale, strong = (
        rows[f"JGM, split{end}"] for end in ("", ", strength 0.7", ", strength 1.4")
    )
    assert pale["colourfulness"][0] == pytest.approx(0.7 * one["colourfulness"][0], rel=1e-4)
    assert pale["overflow"][0] == pytest.approx(one["overflow"][0], abs=1e-4)
    assert pale["spread"][0] < one["spread"][0] < strong["spread"][0]
    assert "JGM, tempered, strength 0.7" not in rows


def test_pairs_are_what_a_row_is_above_the_exact_draws(measured):
    rows, about = measured
    assert {p["minus"] for p in about["pairs"]} == {"exact draws"}
    for pair in about["pairs"]:
        gap = rows[pair["of"]]["spread"][0] - rows["exact draws"]["spread"][0]
        assert pair["spread"][0] == pytest.approx(gap)


def test_what_takes_long_is_drawn_on_few_pictures(weights, monkeypatch):
    monkeypatch.setattr("jgm_lib.experiments.variants.LONG", 4)  # tempered takes four here
    values = dict(shares=[], strengths=[], lookaheads=[], K=2)
    rows, about = diversity.measure(card(weights, **values))
    number = {r["method"]: r["n"] for r in rows}
    assert number["JGM, tempered"] == 2 and number["JGM, split"] == 4
    one, few = ({r["method"]: r for r in rows}[f"JGM, {way}"] for way in ("split", "tempered"))
    pair = next(p for p in about["pairs"] if p["of"] == "JGM, tempered")
    assert len(pair["spread"]) == 3 and few["spread"] != one["spread"]


def test_a_system_that_draws_enters_by_its_weights(weights):
    own = card(weights, weights={"CVAE": [weights["cvae"]]}, pictures=2, K=2)
    rows, _ = diversity.measure(own)
    names = [r["method"] for r in rows]
    assert names == ["grey replica", "exact draws", "CVAE", "CVAE, projected"]
    assert rows[2]["spread"][0] > 0


def test_the_command_repeats_itself_on_landscapes_and_on_photographs(weights, tmp_path, capsys):
    from jgm_lib.data import samples

    (tmp_path / "photos").mkdir()
    for name in ("coffee", "rocket"):
        samples.load(name).resize((40, 40)).save(tmp_path / "photos" / f"{name}.png")
    words = ["experiment", "diversity", "--quick", "--weights", f"JGM={weights['prior']}"]
    words += ["--set", "ways=[split]", "--set", "lookaheads=[]", "--set", "strengths=[1.4]"]
    for data in ([], ["--data", str(tmp_path / "photos")]):
        for out in ("a", "b"):
            place = tmp_path / f"{out}{len(data)}"
            assert main([*words, *data, "-o", str(place)]) == 0
        files = [tmp_path / f"{out}{len(data)}" / "diversity.json" for out in ("a", "b")]
        assert files[0].read_bytes() == files[1].read_bytes()
        found = json.loads(files[0].read_text())
        assert all(("admissible" in r) != bool(data) for r in found["rows"])
        assert found["pairs"][-1]["minus"] == ("JGM, split" if data else "exact draws")
    assert "admissible" in capsys.readouterr().out


@pytest.mark.parametrize(
    "more, says",
    [
        (["--set", "K=1"], "K=1"),
        (["--set", "lookaheads=[2]"], "lookaheads.0=2"),
        (["--set", "ways=[walk]"], "'walk' is unknown"),
        (["--weights", "a=nowhere"], "no weights 'nowhere'"),
        (["--data", "nowhere"], "neither a folder of photographs nor a packed set"),
    ],
)
def test_bad_input_is_one_clear_line(more, says, tmp_path, capsys):
    assert main(["experiment", "diversity", "-o", str(tmp_path), *more]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1
