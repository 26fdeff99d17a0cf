"""The comparison: who takes part, what its rows add, the paper's protocol and its marked table."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from jgm_lib import checkpoints
from jgm_lib.cli import main
from jgm_lib.data import samples
from jgm_lib.errors import JGMError
from jgm_lib.experiments import comparison, paper
from jgm_lib.experiments.cards import ComparisonCard
from jgm_lib.experiments.entrants import entrants_of, settings_of
from jgm_lib.experiments.methods import Direct
from jgm_lib.experiments.protocol import protocol
from jgm_lib.experiments.sources import Pictures
from jgm_lib.metrics import psnr
from jgm_lib.networks import build
from jgm_lib.samplers import presets
from jgm_lib.systems import Conditional

CLASSES = {"classes": ["a", "b"], "widths": [8, 8], "features": 4}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """An untrained prior with and one without split noise, and a classifier: name -> path."""
    folder, found = tmp_path_factory.mktemp("weights"), {}
    torch.manual_seed(0)
    kinds = {
        "prior": ("unet", {"widths": [8, 16]}, 0.3),
        "even": ("unet", {"widths": [8, 16]}, 1.0),
        "kinds": ("classifier", CLASSES, 1.0),
    }
    for name, (network, settings, share) in kinds.items():
        model = build(network, **settings)
        if network == "unet":
            torch.nn.init.normal_(model.head.weight, std=0.02)
        card = {"network": network, "settings": settings, "size": 16, "name": name}
        card["training"] = {"isotropic": share}
        found[name] = str(checkpoints.save(folder / name, model, card))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("photographs")
    for name in samples.names(grey=False)[:4]:
        ImageOps.fit(samples.load(name), (24, 24), Image.Resampling.LANCZOS).save(
            path / f"{name}.png"
        )
    return path


def card(found, **values):
    quick = dict(pictures=4, K=3, size=16, steps=3, nfe=4, protocol_pictures=2, runs=2)
    quick |= {"classifier": found["kinds"], "weights": {"JGM": [found["prior"]]}}
    return ComparisonCard(**{**quick, **values})


@pytest.fixture(scope="module")
def measured(weights, folder):
    return comparison.measure(card(weights, ways=["split", "tempered"]), folder)


def test_the_bars_come_first_and_every_row_has_all_columns(measured):
    rows, about = measured
    assert [r["method"] for r in rows[:3]] == ["grey replica", "truth", "JGM, split"]
    columns = ["single", "consensus of 3", "mean of 3", "oracle of 3"]
    assert [r["column"] for r in rows[2:]] == columns * 2
    for r in rows:
        assert r["n"] == 4 and r["frechet"][1] <= r["frechet"][0] <= r["frechet"][2]
        assert ("diversity" in r) == (r["column"] == "single")
    assert all("against" in r for r in rows[6:]) and "against" not in rows[2]
    assert rows[6]["against"]["method"] == "JGM, split"
    assert set(about["weights"]) == {"JGM", "classifier"}


def test_the_truth_is_at_zero_and_grey_has_no_overflow(measured):
    grey, truth = measured[0][:2]
    assert truth["frechet"][0] == pytest.approx(0, abs=1e-9) and truth["overflow"] == [0, 0, 0]
    assert grey["overflow"] is None and grey["overflow_n"] == 0
    assert grey["frechet"][0] > truth["frechet"][0]


def test_the_protocol_only_gains_by_choosing(measured):
    found = measured[1]["protocol"]
    assert list(found) == ["JGM, tempered"]  # the others have no long chain to choose from
    plain, runs, steps, both = (r["psnr"][0] for r in found["JGM, tempered"])
    assert plain < runs <= both and plain <= steps <= both
    for row in found["JGM, tempered"]:
        assert row["above"][0] == pytest.approx(row["psnr"][0] - plain)


def test_the_protocol_is_for_the_first_chains_only(weights, folder):
    both = {"a": [weights["prior"]], "b": [weights["even"]]}
    own = card(weights, weights=both, ways=["tempered"], protocol_entrants=1)
    assert list(comparison.measure(own, folder)[1]["protocol"]) == ["a, tempered"]


def test_the_protocol_takes_the_best_state_of_each_picture():
    """States and runs made by hand: which step is best differs from picture to picture."""
    truth = torch.full((2, 3, 8, 8), 0.5)
    offsets = {0: [(0.3, 0.1), (0.1, 0.2)], 1: [(0.2, 0.3), (0.4, 0.05)]}  # run -> step -> picture
    drawn = iter(offsets.values())

    def states(y, seeds):
        for step in next(drawn):
            yield SimpleNamespace(x=truth + torch.tensor(step).view(2, 1, 1, 1))

    colorizer = SimpleNamespace(side=8, device="cpu", seeing=lambda y, h, w: None)
    method = SimpleNamespace(colorizer=colorizer, make=lambda model: SimpleNamespace(states=states))
    rows = protocol(method, Pictures.of_truth(truth), runs=2)

    def db(*off):
        return float(np.mean([-20 * np.log10(o) for o in off]))

    assert rows[0]["psnr"][0] == pytest.approx((db(0.1, 0.2) + db(0.4, 0.05)) / 2, abs=1e-4)
    assert rows[1]["psnr"][0] == pytest.approx(db(0.1, 0.05), abs=1e-4)
    assert rows[2]["psnr"][0] == pytest.approx((db(0.1, 0.1) + db(0.2, 0.05)) / 2, abs=1e-4)
    assert rows[3]["psnr"][0] == pytest.approx(db(0.1, 0.05), abs=1e-4)


def test_the_last_step_of_the_protocol_is_the_draw_of_the_table(weights, folder):
    own = card(weights, ways=["tempered"])
    (method,) = entrants_of(own).methods.values()
    pictures = Pictures.of(folder, 16)
    drawn = method.versions(pictures.y, pictures.keys)  # (N,3,3,16,16)
    honest = np.mean([psnr(v, pictures.truth) for v in drawn.unbind(1)], axis=0)
    row = protocol(method, pictures, runs=3)[0]
    assert row["psnr"][0] == pytest.approx(honest.mean(), abs=1e-5)


class Tinted:
    """A system by hand: brighter than the photograph, so that F x = y is lost."""

    draws, nfe = True, 1

    def colorize(self, gray, seed):
        tint = torch.tensor([0.06, 0.03, 0.0]).view(1, 3, 1, 1)
        return (0.2 + 0.5 * gray + tint).expand(-1, 3, -1, -1)


def test_a_system_stands_raw_and_projected():
    y = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    raw, onto = (
        Direct(Conditional(Tinted(), p), 2).versions(y, [1, 2])[:, 0] for p in (False, True)
    )
    assert (raw.mean(1, keepdim=True) - y).abs().max() > 0.1
    assert (onto.mean(1, keepdim=True) - y).abs().max() < 1e-6
    assert Direct(Conditional(Tinted()), 5).n == 5 and Conditional(Tinted()).nfe == 1


def test_ways_are_samplers_and_presets(weights):
    own = card(weights)
    assert settings_of("tempered", own) == presets.tempered(4)
    assert (
        settings_of("split", own)["steps"] == 3 and settings_of("split", own)["sampler"] == "split"
    )
    assert settings_of("as printed", own) == presets.PAPER
    assert settings_of("langevin", own) == {"sampler": "langevin"}
    both = {"JGM": [weights["prior"]], "isotropic": [weights["even"]]}
    names = list(entrants_of(card(weights, weights=both, ways=["split", "nullspace"])).methods)
    assert names == ["JGM, split", "JGM, nullspace", "isotropic, nullspace"]


@pytest.mark.parametrize(
    "change, why",
    [
        ({"ways": ["walk"]}, "ways: 'walk' is unknown; choose split"),
        ({"weights": {"a": ["nowhere"]}}, "no weights 'nowhere'"),
        ({"classifier": "toy-32"}, "no classifier"),
    ],
)
def test_what_cannot_take_part(weights, folder, change, why):
    with pytest.raises(JGMError, match=why):
        comparison.measure(card(weights, **change), folder)


def test_a_classifier_and_a_prior_given_twice_cannot_take_part(weights):
    with pytest.raises(JGMError, match="draws no colours"):
        entrants_of(card(weights, weights={"a": [weights["kinds"]]}))
    with pytest.raises(JGMError, match="given 3 times"):
        entrants_of(card(weights, weights={"a": [weights["prior"]] * 3}))
    with pytest.raises(JGMError, match="Eq 17 needs"):
        entrants_of(card(weights, weights={"a": [weights["prior"]] * 2}))


def test_the_command_repeats_itself_and_shows_the_papers_table(weights, folder, tmp_path, capsys):
    words = ["experiment", "comparison", "--data", str(folder), "--quick"]
    words += ["--weights", f"ours={weights['prior']}", "--set", "size=16"]
    words += ["--set", f"classifier={weights['kinds']}"]
    for out in ("a", "b"):
        assert main([*words, "-o", str(tmp_path / out)]) == 0
    text = capsys.readouterr().out
    assert paper.MARK in text and "29.46 / 0.9365" in text and "24.48 / 0.9434" in text
    files = [tmp_path / out / "comparison.json" for out in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()
    found = json.loads(files[0].read_text())
    shown = comparison.table(found["rows"])  # without the seconds, which are in a file of their own
    assert shown.startswith("| method") and "| truth |  | 4 | ∞ |" in shown
    assert found["paper"]["mark"] == paper.MARK and found["date"] and found["seeds"] == {"all": 0}


@pytest.mark.parametrize(
    "more, says",
    [
        ([], "needs --data"),
        (["--set", "K=1"], "K=1: input should be greater than or equal to 2 (allowed: 2 to 64)"),
        (["--set", "weights={ours: []}"], "weights 'ours': given 0 times"),
    ],
)
def test_bad_input_is_one_clear_line(more, says, folder, tmp_path, capsys):
    data = ["--data", str(folder)] if more else []
    assert main(["experiment", "comparison", *data, "-o", str(tmp_path), *more]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1
