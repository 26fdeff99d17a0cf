"""README and card get the prior's numbers from measured files and from nowhere else."""

import json

import pytest
from PIL import Image

from benchmarks import prior, prior_numbers
from jgm_lib import checkpoints
from jgm_lib.data.toy import ToyScenes


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("numbers")
    (folder / "photos").mkdir()
    pictures = (255 * ToyScenes(32).sample(2, 5).images).byte().permute(0, 2, 3, 1).numpy()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / "photos" / f"{i}.png")
    quick = ["--n", "2", "--weights", "toy-32", "--set", "steps=2", "--size", "32"]
    assert prior.main([str(folder / "photos"), *quick, "--json", str(folder / "a.json")]) == 0
    sha = checkpoints.read_card(checkpoints.find("toy-32"))["sha256"]
    (folder / "card.json").write_text(json.dumps({"name": "toy-32", "sha256": sha}))
    start, end = prior_numbers.START, prior_numbers.END
    (folder / "README.md").write_text(f"top\n{start}\nstale\n{end}\nend\n")
    return folder


def run(place, *pairs):
    where = ["--card", str(place / "card.json"), "--readme", str(place / "README.md")]
    return prior_numbers.main([*pairs, *where, "--write"])


def test_a_measured_file_reaches_readme_and_card(place):
    assert run(place, "Toys", str(place / "a.json")) == 0
    text = (place / "README.md").read_text()
    assert text.startswith("top\n") and text.endswith("end\n") and "stale" not in text
    assert "**Toys.**" in text and "| mean of 2 |" in text
    metrics = json.loads((place / "card.json").read_text())["metrics"]["Toys"]
    measured = json.loads((place / "a.json").read_text())
    assert metrics["R2"] == measured["R2"] and metrics["rows"][2]["nfe"] == 2
    assert "pictures" not in metrics and not any("values" in row for row in metrics["rows"])


def test_what_is_no_such_file_or_of_other_weights_is_refused(place, capsys):
    other = json.loads((place / "a.json").read_text())
    other["weights"]["sha256"] = "0" * 64
    (place / "b.json").write_text(json.dumps(other))
    (place / "c.json").write_text("[]")
    before = (place / "README.md").read_text()
    for pairs, word in (
        (["Toys", str(place / "b.json")], "other weights"),
        (["Toys", str(place / "c.json")], "not a file of benchmarks.prior"),
        (["Toys"], "pairs of a title and a file"),
    ):
        assert run(place, *pairs) == 2
        said = capsys.readouterr().err
        assert word in said and said.count("\n") == 1
    assert (place / "README.md").read_text() == before
    b = str(place / "b.json")
    assert run(place, "Toys", str(place / "a.json"), "compare: others", b) == 0  # said to be others
    text = (place / "README.md").read_text()
    assert text.count("| mean of 2 |") >= 2 and text.count("Rank of the truth") == 1
