"""The benchmark of the tempered chain: it goes on where it was, pairs the same pictures, hides paths."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks import temper, temper_settings
from jgm_course.book import ROOT
from jgm_lib.errors import JGMError
from jgm_lib.experiments.sources import Pictures
from jgm_lib.samplers import presets


@pytest.fixture
def folder(tmp_path):
    """Forty small photographs in a folder kind/."""
    place = tmp_path / "secret" / "photos" / "val"
    (place / "kind").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(40):
        tiles = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(tiles).resize((40, 40)).save(place / "kind" / f"{i}.png")
    return place


def run(folder, path, *more):
    words = [str(folder), "--limit", "4", "--weights", "toy-32", "--json", str(path)]
    temper.main([*words, "--methods", "tempered", "split", "--evaluations", "2", "3", *more])
    return json.loads(path.read_text())


def test_runs_are_written_once_and_paired(folder, tmp_path, capsys):
    path = tmp_path / "out.json"
    found = run(folder, path)
    assert [(r["method"], r["nfe"]) for r in found["runs"]] == [
        ("tempered", 2),
        ("split", 2),
        ("tempered", 3),
        ("split", 3),
    ]
    assert "secret" not in path.read_text() and found["source"] == "photos/val"
    row, split = found["rows"][0], found["runs"][1]
    psnr = np.array(found["runs"][0]["scores"]["psnr"]) - np.array(split["scores"]["psnr"])
    assert row["against_split"]["psnr"][0] == pytest.approx(psnr.mean(), abs=1e-3)
    assert row["against_grey"]["n"] == 4 and all(r["residual"] < 1e-6 for r in found["runs"])
    assert "against_split" not in found["rows"][1]
    capsys.readouterr()
    again = run(folder, path, "--long-limit", "2")
    assert again["runs"] == found["runs"]
    assert "evaluations:" not in capsys.readouterr().out  # nothing was measured again


def test_other_pictures_or_weights_are_refused(folder, tmp_path):
    path = tmp_path / "out.json"
    path.write_text(json.dumps({"seed": 0, "weights": {"name": "x"}, "runs": []}))
    with pytest.raises(JGMError, match="measured with another weights; choose another file"):
        run(folder, path)


def test_differences_are_taken_where_both_saw_a_picture():
    def found(pictures, values):
        return {"pictures": pictures, "scores": {k: values for k in temper.METRICS}}

    got = temper.against(found([2, 4], [5.0, 7.0]), found([0, 2, 3, 4], [9.0, 1.0, 9.0, 2.0]))
    assert got["n"] == 2 and got["psnr"][0] == pytest.approx(4.5)


def test_the_search_takes_held_out_pictures_and_no_pale_setting(folder, tmp_path, capsys):
    path = tmp_path / "settings.json"
    words = [str(folder), "--weights", "toy-32", "--evaluations", "3", "--share", "0.99", "1.0"]
    temper_settings.main([*words, "--json", str(path)])
    found = json.loads(path.read_text())
    assert len(found["rows"]) == 2 and all(r["nfe"] == 3 for r in found["rows"])
    assert found["rows"][0]["n"] == 2  # of forty pictures a twentieth is held out
    assert set(found["ladder"]) >= {"largest_chroma_distance"} and "secret" not in path.read_text()

    def row(name, delta_e, kept):
        return {"settings": name, "delta_e": delta_e, "colour_kept": kept}

    rows = [row("pale", 5.0, 0.4), row("fair", 6.0, 0.5), row("wild", 9.0, 1.5)]
    assert temper_settings.best_of(rows) == "fair" and temper_settings.best_of(rows[:1]) is None


def test_options_are_told_as_they_were_given():
    args = SimpleNamespace(
        source="x", json="y", limit=3, methods=["a", "b c"], bf16=True, raw=False
    )
    assert " ".join(temper.options_of(args)) == '--limit 3 --methods a "b c" --bf16'


def test_grey_scores_need_pictures():
    with pytest.raises(JGMError, match="no pictures"):
        Pictures.of_pixels(np.zeros((0, 4, 4, 3), np.uint8))


def test_the_readme_shows_the_committed_file():
    found = json.loads((ROOT / "docs" / "temper.json").read_text(encoding="utf-8"))
    card = json.loads((ROOT / "jgm_lib" / "weights" / "scenes-64.json").read_text(encoding="utf-8"))
    assert found["weights"]["sha256"] == card["sha256"]
    assert temper.rows_of(found) == found["rows"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert temper.table(found["rows"]) in readme
    run = next(r for r in found["runs"] if r["method"] == "tempered")
    assert run["settings"] == presets.tempered(run["evaluations"])
