"""The README's numbers are those of the card, and both come from evaluation files."""

import json

import pytest

from benchmarks import numbers
from jgm_course.book import ROOT
from jgm_lib.experiments.tables import write_json
from jgm_lib.params import ColorizeCard
from jgm_lib.settings import EVALUATED

METRICS = ("psnr", "ssim", "delta_e", "colourfulness", "residual")


def row(method, column, n, **more):
    values = {k + end: 1.25 for k in METRICS for end in ("", "_low", "_high")}
    return {"method": method, "column": column, "nfe": 20, "seconds": 0.1, "n": n, **values, **more}


def evaluation(path, method, count, weights="abc", keys=None, **settings):
    card = ColorizeCard(sampler=method, **settings).model_dump()
    rows = [
        row("grey replica", "", 5),
        row("truth", "", 5, psnr=float("inf"), colourfulness=30.5),
        row(method, "single", count, grey_psnr=24.5),
    ]
    for r in rows:
        r |= {"keys": keys or [1] * r["n"], "values": {"psnr": [1.25] * r["n"]}}
    write_json(path, rows, settings={method: card}, weights=weights, keys=keys)
    return str(path)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "card.json").write_text('{"sha256": "abc"}')
    (tmp_path / "README.md").write_text(f"top\n{numbers.START}\nstale\n{numbers.END}\nend\n")
    return tmp_path


def run(place, *files, write=True):
    where = ["--card", str(place / "card.json"), "--readme", str(place / "README.md")]
    return numbers.main([*files, *where, *(["--write"] if write else [])])


def test_rows_of_all_files_reach_card_and_readme(place):
    a = evaluation(place / "a.json", "split", 5, n=8)
    b = evaluation(place / "b.json", "langevin", 2, n=1, lam=4.0)
    assert run(place, a, b) == 0
    rows = json.loads((place / "card.json").read_text())["metrics"]["rows"]
    assert [r["method"] for r in rows] == ["grey replica", "truth", "split", "langevin"]
    assert rows[2]["command"] == "jgm evaluate FOLDER --methods split --n 8"
    assert rows[3]["command"] == "jgm evaluate FOLDER --methods langevin --lam 4"
    text = (place / "README.md").read_text()
    assert text.startswith("top\n") and text.endswith("end\n") and "stale" not in text
    assert "| langevin | single | 2 |" in text and "24.50 dB on them" in text
    assert "| truth |" not in text and "colourfulness is 30.5" in text


def test_nothing_is_kept_of_single_pictures(place):
    assert run(place, evaluation(place / "a.json", "split", 5, n=8)) == 0
    assert not any(
        "values" in r or "keys" in r for r in numbers.read_rows([place / "a.json"], "abc")
    )
    assert "values" not in (place / "card.json").read_text()


def test_files_of_other_pictures_are_refused(place, capsys):
    a, b = (evaluation(place / f"{k}.json", "split", 5, keys=[k]) for k in (1, 2))
    assert run(place, a, a, write=False) == 0
    assert run(place, a, b) == 2
    error = capsys.readouterr().err
    assert "2.json: measured on other pictures" in error and error.count("\n") == 1


def test_how_many_draws_a_mean_is_made_of_is_told():
    for n in (4, 8):
        card = ColorizeCard(n=n).model_dump()
        assert numbers.command_of("split", card) == f"jgm evaluate FOLDER --methods split --n {n}"
    line = numbers.command_of("mean of nullspace", {**EVALUATED, "n": 4})
    assert line == "jgm evaluate FOLDER --methods mean-of-nullspace --n 4"


def test_the_command_gives_the_settings_back():
    from jgm_lib.cli import parser
    from jgm_lib.settings import EVALUATED

    line = numbers.command_of(
        "langevin",
        ColorizeCard(sampler="langevin", n=1, lam=4.0, feedback="none", sigma_1=0.5).model_dump(),
    )
    args = parser().parse_args(line.split()[1:])
    assert (args.lam, args.feedback, args.sigma_1, args.beta) == (4.0, "none", 0.5, None)
    nullspace = ColorizeCard(sampler="nullspace", n=1, **EVALUATED).model_dump()
    assert numbers.command_of("nullspace", nullspace).endswith("--methods nullspace")


def test_switches_are_options_without_a_value():
    from jgm_lib.cli import parser
    from jgm_lib.samplers import presets

    settings = ColorizeCard(**presets.tempered(50), n=1).model_dump()
    line = numbers.command_of("langevin", settings)
    assert "--consistent" in line.split() and "--final-denoise" in line.split()
    args = parser().parse_args(line.split()[1:])
    assert args.consistent is True and args.final_denoise is True and args.L == 50
    assert parser().parse_args(["evaluate", "F", "--no-consistent"]).consistent is False


def test_numbers_of_other_weights_and_foreign_files_are_refused(place, capsys):
    before = (place / "README.md").read_text(), (place / "card.json").read_text()
    other = evaluation(place / "a.json", "split", 5, weights="xyz")
    (place / "b.json").write_text("[]")
    for path, word in ((other, "other weights"), (str(place / "b.json"), "not a file of")):
        assert run(place, path) == 2
        error = capsys.readouterr().err
        assert word in error and error.count("\n") == 1
    assert before == ((place / "README.md").read_text(), (place / "card.json").read_text())


def test_the_committed_readme_shows_the_committed_card():
    rows = json.loads(numbers.CARD.read_text(encoding="utf-8"))["metrics"]["rows"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.split(numbers.START)[1].split(numbers.END)[0]
    assert shown.strip() == numbers.text(rows).strip()
