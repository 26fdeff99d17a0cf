"""Do gradients help: the answer key, which prior colours how, what rows and pairs say."""

import json

import numpy as np
import pytest
import torch

from jgm_lib import checkpoints
from jgm_lib.cli import main
from jgm_lib.data.toy import PALETTE, ToyScenes
from jgm_lib.divide import Divided
from jgm_lib.errors import JGMError
from jgm_lib.experiments import gradients
from jgm_lib.experiments.answers import MIXED, OPEN, answers
from jgm_lib.experiments.cards import GradientsCard
from jgm_lib.experiments.priors import DIVIDED, WITHOUT, priors_of, ways_of
from jgm_lib.networks import build

# -- the answer key ----------------------------------------------------------------------------


def test_the_truth_is_admissible_and_never_between():
    batch = ToyScenes(32).sample(60, 3)
    found = answers(batch.images[:, None].expand(-1, 2, -1, -1, -1), batch.labels)
    assert (found.admissible == 1).all()
    assert np.nanmax(found.in_between) == 0
    for name, shares in found.modes.items():
        assert set(shares) == {m.name for m in PALETTE[name]} | {MIXED}
        assert sum(shares.values()) == pytest.approx(1) and shares[MIXED] == 0
    assert found.mode_gap < 0.15  # of 60 draws from the palette


def test_grey_is_between_everywhere():
    batch = ToyScenes(32).sample(8, 3)
    grey = batch.images.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    found = answers(grey[:, None], batch.labels)
    assert found.admissible.max() < 0.1 and np.nanmin(found.in_between) == 1
    assert found.mode_gap == pytest.approx(1)  # nothing where the palette has all


def test_one_mode_for_ever_has_the_gap_of_the_palette():
    fixed = {name: 0 for name in OPEN}
    batch = ToyScenes(32).sample(20, 3, modes=fixed)
    found = answers(batch.images[:, None], batch.labels)
    expected = np.mean([1 - PALETTE[name][0].probability for name in found.modes])
    assert found.mode_gap == pytest.approx(expected)


def test_half_of_the_draws_count_half():
    scenes = ToyScenes(32)
    a, b = (scenes.sample(6, 3, modes={n: k for n in OPEN}) for k in (0, 1))
    grey = b.images.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    x = torch.stack([a.images, grey], 1)
    found = answers(x, a.labels)
    assert np.nanmean(found.in_between) == pytest.approx(0.5)
    assert all(s[PALETTE[n][0].name] == 0.5 == s[MIXED] for n, s in found.modes.items())


# -- priors and their ways ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Untrained networks of 9, 3 and 6 channels for pictures of 16 pixels: name -> path."""
    folder, found = tmp_path_factory.mktemp("weights"), {}
    kinds = {"joint": (9, 0.3), "joint-2": (9, 0.3), "same": (9, 1.0), "rgb": (3, 1.0)}
    for k, (name, (channels, share)) in enumerate({**kinds, "gradients": (6, 1.0)}.items()):
        settings = {"widths": [8, 16], "channels": channels}
        torch.manual_seed(k)
        model = build("unet", **settings)
        torch.nn.init.normal_(model.head.weight, std=0.02)
        card = {"network": "unet", "settings": settings, "size": 16, "name": name}
        card["training"] = {"isotropic": share}
        found[name] = str(checkpoints.save(folder / name, model, card))
    big = {"network": "unet", "settings": settings, "size": 32}
    found["big"] = str(checkpoints.save(folder / "big", model, big))
    return found


def card(found, *names, **values):
    given = {n: [found[n]] for n in names}
    quick = dict(pictures=3, draws=2, steps=2, nfe=3, intensity="rgb")
    return GradientsCard(**{**quick, "weights": given, **values})


def test_each_prior_colours_as_it_was_trained_to(weights):
    own = card(weights, "joint", "same", "rgb", "gradients", share=0.4, nfe=145)
    priors = priors_of(own)
    assert list(priors) == ["joint", "same", "rgb", DIVIDED]
    ways = {name: ways_of(name, p, own) for name, p in priors.items()}
    assert list(ways["joint"]) == ["split", "nullspace", "langevin", WITHOUT]
    assert list(ways["same"]) == ["nullspace", "langevin", WITHOUT]
    assert list(ways["rgb"]) == ["nullspace", "langevin"]
    assert list(ways[DIVIDED]) == ["langevin", WITHOUT]
    assert isinstance(priors[DIVIDED].models[0], Divided)
    with_dc2, without = (ways["same"][way][1] for way in ("langevin", WITHOUT))
    assert with_dc2["lam"] == pytest.approx(1.5) and "lam_grad" not in with_dc2
    assert without == {**with_dc2, "lam_grad": 0.0}


@pytest.mark.parametrize(
    "names, values, why",
    [
        ((), {}, "none given"),
        (("joint", "big"), {}, "different sides"),
        (("gradients",), {}, "needs one of 3 channels"),
        (("gradients", "joint"), {"intensity": "joint"}, "needs one of 3 channels"),
    ],
)
def test_priors_that_do_not_fit_together(weights, names, values, why):
    with pytest.raises(JGMError, match=why):
        priors_of(card(weights, *names, **values))


def test_trainings_of_different_priors_are_not_one(weights):
    mixed = {"joint": [weights["joint"], weights["same"]]}
    with pytest.raises(JGMError, match="trainings of different priors"):
        priors_of(card(weights, weights=mixed))
    uneven = {"rgb": [weights["rgb"]] * 2, "gradients": [weights["gradients"]]}
    with pytest.raises(JGMError, match="as many trainings"):
        priors_of(card(weights, weights=uneven))


# -- rows and pairs ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured(weights):
    both = {"joint": [weights["joint"], weights["joint-2"]], "same": [weights["same"]]}
    return gradients.measure(card(weights, weights=both))


def test_rows_have_an_interval_over_pictures_and_a_mean_a_training(measured):
    rows, about = measured
    assert [(r["prior"], r["method"]) for r in rows[:2]] == [
        ("joint", "split"),
        ("joint", "nullspace"),
    ]
    for r in rows:
        mean, low, high = r["delta_e"]
        trainings = r["by_training"]["delta_e"]
        assert low <= mean <= high and mean == pytest.approx(np.mean(trainings))
        assert len(trainings) == len(r["modes"]) == (2 if r["prior"] == "joint" else 1)
        assert r["residual"][0] < 1e-6
    assert len(set(rows[0]["by_training"]["delta_e"])) == 2  # two trainings, not one twice
    assert len(about["weights"]["joint"]) == 2


def test_pairs_are_of_one_method_or_one_prior_and_of_the_right_sign(measured):
    rows, about = measured
    by_name = {(r["prior"], r["method"]): r for r in rows}
    assert about["pairs"]
    for pair in about["pairs"]:
        a, b = tuple(pair["of"]), tuple(pair["minus"])
        assert a != b and (a[0] == b[0] or a[1] == b[1])
        gap = by_name[a]["delta_e"][0] - by_name[b]["delta_e"][0]
        assert pair["delta_e"][0] == pytest.approx(gap)
    names = {tuple(map(tuple, (p["of"], p["minus"]))) for p in about["pairs"]}
    assert (("joint", "langevin"), ("joint", WITHOUT)) in names
    assert (("joint", "langevin"), ("same", "langevin")) in names
    assert (("joint", "split"), ("same", "langevin")) not in names


def test_a_row_of_pictures_that_have_no_number_goes_without():
    found = {"psnr": np.array([[1.0, 3.0]]), "overflow": np.array([[np.nan, 0.5]])}
    row = gradients.row_of({**found, "in_between": np.full((1, 2), np.nan)}, seed=0)
    assert row["psnr"][0] == 2 and row["overflow"][0] == 0.5 and row["n"] == 2
    assert "in_between" not in row


def test_the_command_repeats_itself_on_landscapes_and_on_photographs(weights, tmp_path, capsys):
    from jgm_lib.data import samples

    (tmp_path / "photos").mkdir()
    for name in ("coffee", "rocket"):
        samples.load(name).resize((40, 40)).save(tmp_path / "photos" / f"{name}.png")
    words = ["experiment", "gradients", "--quick", "--weights", f"joint={weights['joint']}"]
    for data in ([], ["--data", str(tmp_path / "photos")]):
        for out in ("a", "b"):
            place = tmp_path / f"{out}{len(data)}"
            assert main([*words, *data, "-o", str(place), "--set", "nfe=3"]) == 0
        files = [tmp_path / f"{out}{len(data)}" / "gradients.json" for out in ("a", "b")]
        assert files[0].read_bytes() == files[1].read_bytes()
        rows = json.loads(files[0].read_text())["rows"]
        assert all(("admissible" in r) != bool(data) and "overflow" in r for r in rows)
        times = json.loads((files[0].parent / "gradients.times.json").read_text())
        assert all(r["seconds"] > 0 for r in times["rows"])
    assert "admissible" in capsys.readouterr().out


@pytest.mark.parametrize(
    "more, says",
    [
        ([], "none given"),
        (["--weights", "joint"], "need NAME=WEIGHTS"),
        (["--weights", "a=nowhere"], "no weights 'nowhere'"),
    ],
)
def test_bad_weights_are_one_clear_line(more, says, tmp_path, capsys):
    assert main(["experiment", "gradients", "-o", str(tmp_path), *more]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1
