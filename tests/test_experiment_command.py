"""jgm experiment: the same file twice, what it tells, one clear line for bad input; calibration."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from jgm_lib.cli import main
from jgm_lib.errors import JGMError
from jgm_lib.experiments import calibration, registry
from jgm_lib.experiments.cards import EXPERIMENTS, CalibrationCard
from jgm_lib.experiments.overflowing import excess, mean_excess
from jgm_lib.experiments.sources import Pictures
from jgm_lib.overflow import shifted


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three photographs with edges of colour and one of grey."""
    path = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for k in range(3):
        field = np.kron(rng.integers(30, 220, (6, 6, 3)), np.ones((8, 8, 1)))
        Image.fromarray(field.astype(np.uint8)).save(path / f"{k}.png")
    grey = np.kron(rng.integers(30, 220, (6, 6)), np.ones((8, 8))).astype(np.uint8)
    Image.fromarray(grey).convert("RGB").save(path / "grey.png")
    return path


def test_two_runs_write_the_same_file(folder, tmp_path, capsys):
    for out in ("a", "b"):
        words = ["experiment", "calibration", "--data", str(folder), "-o", str(tmp_path / out)]
        assert main([*words, "--set", "size=24", "--set", "amounts=[1, 3]"]) == 0
    assert "above the truth" in capsys.readouterr().out
    for name in ("calibration.json", "calibration.png", "calibration.times.json"):
        a, b = (tmp_path / out / name for out in ("a", "b"))
        assert a.read_bytes() == b.read_bytes(), name
    found = json.loads((tmp_path / "a" / "calibration.json").read_text())
    assert found["command"] == (
        f"jgm experiment calibration --data {folder.name} --set size=24 --set 'amounts=[1, 3]'"
    )
    assert found["experiment"] == "calibration" and found["date"] == registry.today()
    assert found["settings"]["size"] == 24 and found["versions"]["threads"] == 1
    assert len(found["sources"]["folder"]["pixels_sha256"]) == 64
    assert [r["pixels"] for r in found["rows"]] == [0, 1, 3] * 2
    assert Image.open(tmp_path / "a" / "calibration.png").size[0] > 400


def test_files_that_exist_are_kept_unless_forced(folder, tmp_path, capsys):
    (tmp_path / "calibration.json").write_text("old")
    words = ["experiment", "calibration", "--data", str(folder), "-o", str(tmp_path), "--quick"]
    assert main(words) == 2
    assert "calibration.json exists" in capsys.readouterr().err
    assert (tmp_path / "calibration.json").read_text() == "old"
    assert main([*words, "--force"]) == 0


@pytest.mark.parametrize(
    "more, says",
    [
        (["--data", "nowhere"], "neither a folder of photographs nor a packed set"),
        (["--set", "size=4"], "size=4"),
        (["--set", "amount=[1]"], "amount: unknown name"),
        (["--set", "size"], "need KNOB=VALUE"),
        (["--set", "size=[1"], "need KNOB=VALUE"),
        (["--set", "pictures=1"], "allowed: 2 to"),
        (["--set", "amounts=[0]"], "amounts.0=0"),
        (["--set", "amounts=[1, 100000]"], "amounts.1=100000"),
    ],
)
def test_bad_input_is_one_clear_line(more, says, tmp_path, capsys):
    assert main(["experiment", "calibration", "-o", str(tmp_path), *more]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1


def test_an_empty_folder_is_one_clear_line(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    words = ["experiment", "calibration", "--data", str(tmp_path / "empty"), "-o", str(tmp_path)]
    assert main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "name, says",
    [
        ("calibration", "edge of colour; need one"),
        ("comparison", "one picture; the Frechet distance needs two"),
    ],
)
def test_a_folder_that_is_not_enough_is_one_clear_line(name, says, folder, tmp_path, capsys):
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "grey.png").write_bytes((folder / "grey.png").read_bytes())
    out = tmp_path / "out"
    assert main(["experiment", name, "--data", str(tmp_path / "few"), "-o", str(out)]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1 and not out.exists()


@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_experiment_has_all_its_files_or_none(fault, folder, tmp_path, monkeypatch, capsys):
    def broken(path, data):
        raise fault

    monkeypatch.setattr(registry, "write_bytes", broken)
    words = ["experiment", "calibration", "--data", str(folder), "-o", str(tmp_path / "out")]
    assert main([*words, "--set", "size=24"]) == (130 if fault is KeyboardInterrupt else 2)
    assert capsys.readouterr().err.count("\n") == 1
    assert not list((tmp_path / "out").iterdir())


def test_unknown_experiments_are_refused():
    with pytest.raises(JGMError, match="choose calibration"):
        registry.card_of("nothing", {})
    with pytest.raises(SystemExit):
        main(["experiment", "nothing", "-o", "x"])


def test_every_experiment_has_what_the_command_calls(capsys):
    for name, (_, card) in EXPERIMENTS.items():
        module = registry.experiment(name)
        assert all(callable(getattr(module, f)) for f in ("measure", "table", "figure"))
        assert registry.card_of(name, {}, quick=True) == card(**card.quick)
        assert main(["experiment", name, "-o", "x", "--set", "?=?"]) == 0
        assert "seed=0:" in capsys.readouterr().out


def test_what_was_given_goes_before_the_quick_values():
    assert registry.card_of("calibration", {"pictures": 9}, quick=True).pictures == 9


def test_seconds_go_to_their_own_file():
    rows = [{"method": "a", "column": "", "seconds": 1.5, "psnr": 2}, {"method": "b"}]
    kept, times = registry.without_times(rows)
    assert kept == [{"method": "a", "column": "", "psnr": 2}, {"method": "b"}]
    assert times == [{"method": "a", "column": "", "seconds": 1.5}]


# -- calibration -------------------------------------------------------------------------------


def test_calibration_is_zero_on_the_truth_and_grows_on_package_photographs():
    rows, about = calibration.measure(CalibrationCard(pictures=20))
    assert set(about["sources"]) == {"package photographs", "ToyScenes"}
    for source in about["sources"]:
        for damage in calibration.DAMAGE:
            own = [r for r in rows if (r["source"], r["damage"]) == (source, damage)]
            means = [r["overflow"][0] for r in own]
            assert means[0] == 0 and own[0]["overflow"] == [0, 0, 0]
            assert (np.diff(means) > 0.02).all() and own[1]["overflow"][1] > 0
            assert [r["grew"] for r in own[1:]] == pytest.approx([1, 1, 1], abs=0.06)


def test_pictures_without_colour_are_left_out_of_a_mean_excess(folder):
    pictures = Pictures.of(folder, 24)
    x = shifted(pictures.truth.double(), 2)
    more = excess(x, pictures)
    assert np.isnan(more).tolist() == [False, False, False, True]
    found = mean_excess(more)
    assert found["overflow_n"] == 3
    assert found["overflow"][0] == pytest.approx(more[:3].mean())
    assert mean_excess(more[3:]) == {"overflow": None, "overflow_n": 0}
    grey = pictures.y.expand_as(pictures.truth)
    assert np.isnan(excess(grey, pictures)).all()
    assert excess(pictures.truth, pictures)[:3] == pytest.approx([0, 0, 0])
    assert torch.equal(pictures.truth, Pictures.of(folder, 24).truth)
