"""The measuring itself: every row there and finite, the table from the file, clear refusals."""

import json
import math
import sys

import numpy as np
import pytest
import torch

from benchmarks import common, fullres, memory, refinenet, run, speed
from jgm_lib.colorize import Result
from jgm_lib.data import samples
from jgm_lib.errors import JGMError
from jgm_lib.operators import gray, gray_weights
from jgm_lib.photo import read_photo
from jgm_lib.photo.enlarge import METHODS

UNITS = {"times", "ms", "s", "MB"}


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """The whole of ``make bench`` with a tiny budget: folder of bench.json and README.md."""
    folder = tmp_path_factory.mktemp("bench")
    (folder / "README.md").write_text(f"# Top\n{run.START}\nold\n{run.END}\nbottom\n")
    where = ["--json", str(folder / "bench.json"), "--readme", str(folder / "README.md")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "METHODS", ("detail",))
        assert run.main([*where, "--seconds", "0.05", "--megapixels", "0.3"]) == 0
    return folder


def rows_of(folder) -> dict:
    return json.loads((folder / "bench.json").read_text())["sections"]


def test_every_row_is_there_with_a_unit_and_finite_positive_numbers(bench):
    parts = rows_of(bench)
    assert set(parts) == {"speed", "memory"}
    rows = parts["speed"]["rows"] + parts["memory"]["rows"]
    assert len({r["name"] for r in rows}) == len(rows)
    for r in rows:
        assert r["unit"] in UNITS
        assert 0 < r["low"] <= r["value"] <= r["high"] < math.inf
    names = " ".join(r["name"] for r in rows)
    for sampler in speed.SAMPLERS:
        assert f"{sampler}, an evaluation" in names
    for part in ("UNet, bfloat16", "RefineNet / UNet", "fusion, Neumann", "photograph, 4", "peak"):
        assert part in names
    assert all(r["runs"] >= 3 for r in parts["speed"]["rows"])


def test_the_numbers_are_plausible(bench):
    """Order of magnitude only: what must hold on any machine at any load."""
    value = {r["name"]: r["value"] for r in rows_of(bench)["speed"]["rows"]}
    assert value["the paper's RefineNet / UNet, a 64 x 64 picture"] > 5
    peak = rows_of(bench)["memory"]["rows"][0]["value"]
    assert 200 < peak < 4000  # MB: at least what importing torch takes


def test_the_machine_is_named(bench):
    machine = json.loads((bench / "bench.json").read_text())["machine"]
    assert machine == common.machine()
    assert machine["cores"] >= 1 and machine["cpu"] and machine["torch"] == torch.__version__


def test_the_table_is_made_from_the_file(bench):
    saved = json.loads((bench / "bench.json").read_text())
    text = (bench / "README.md").read_text()
    assert text == f"# Top\n{run.START}\n{run.table(saved)}\n{run.END}\nbottom\n"
    for part in saved["sections"].values():
        for r in part["rows"]:
            assert f"| {r['name']} | {r['value']:g} |" in text
    saved["sections"]["speed"]["rows"][0]["value"] = 123456
    assert "| 123456 |" in run.table(saved)


def test_a_readme_without_markers_gives_one_line_before_the_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(run, "sections", lambda options: pytest.fail("measured all the same"))
    readme = tmp_path / "README.md"
    readme.write_text("# Top\n")
    where = ["--json", str(tmp_path / "b.json"), "--readme", str(readme)]
    assert run.main(where) == 2
    error = capsys.readouterr().err
    assert error == f"README.md: needs the two lines {run.START} and {run.END}\n"
    assert readme.read_text() == "# Top\n" and not (tmp_path / "b.json").exists()


def test_slow_sections_stay_only_on_the_same_machine(tmp_path, monkeypatch):
    path, slow = tmp_path / "b.json", {"rows": [common.row("slow", 1, "dB")]}
    quick = {"rows": [common.row("quick", 2, "ms")]}
    monkeypatch.setattr(run, "sections", lambda options: [("speed", quick)])
    for machine, kept in ((common.machine(), {"refinenet": slow}), ({"cpu": "other"}, {})):
        common.write_json(path, {"machine": machine, "sections": {"refinenet": slow}})
        assert run.main(["--json", str(path)]) == 0
        saved = json.loads(path.read_text())
        assert saved == {"machine": common.machine(), "sections": {"speed": quick, **kept}}


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"machine": 1}'])
def test_another_json_file_is_refused_before_the_work(tmp_path, text, capsys, monkeypatch):
    monkeypatch.setattr(run, "sections", lambda options: pytest.fail("measured all the same"))
    path = tmp_path / "b.json"
    path.write_text(text)
    assert run.main(["--json", str(path)]) == 2
    assert capsys.readouterr().err == "b.json: not a file of make bench; move it away\n"
    assert path.read_text() == text


def test_numbers_that_are_not_finite_are_refused_and_the_old_file_stays(tmp_path):
    path = tmp_path / "b.json"
    common.write_json(path, {"value": 1})
    with pytest.raises(ValueError):
        common.write_json(path, {"value": math.nan})
    assert json.loads(path.read_text()) == {"value": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["b.json"]


def test_row_is_median_and_quartiles():
    r = common.row("a", [5.0, 1.0, 2.0, 3.0, 4.0], "ms")
    assert r == {"name": "a", "unit": "ms", "value": 3, "low": 2, "high": 4, "runs": 5}


def test_functions_take_turns_and_the_first_round_does_not_count():
    calls = []
    t = common.take_turns({k: lambda k=k: calls.append(k) for k in "ab"}, budget=0, least=4)
    assert calls == ["a", "b"] * 5
    assert {k: len(v) for k, v in t.items()} == {"a": 4, "b": 4}


def test_cpu_name(tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz: fast\n")
    assert common.cpu_name(info) == "Some CPU @ 2 GHz: fast"
    assert common.cpu_name(tmp_path / "none")


def test_peak_memory_is_the_process_own_not_its_parents():
    ballast = np.ones(100_000_000)  # 800 MB here
    code = "from benchmarks.memory import peak_mb; print(peak_mb())"
    done = memory.subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=memory.ROOT, check=True
    )
    assert memory.peak_mb() > ballast.nbytes / 1e6
    assert 10 < float(done.stdout) < ballast.nbytes / 1e6


def test_a_failed_memory_run_names_the_method(tmp_path):
    with pytest.raises(JGMError, match="memory of detail: .*missing.jpg"):
        memory.apart(tmp_path / "missing.jpg", "detail")


def test_enlarging_is_what_the_colorizer_does():
    photo = read_photo(samples.load("chelsea"))
    x = torch.tensor(photo.rgb()).permute(2, 0, 1)
    y = gray(x[None], gray_weights())[0]
    small = fullres.colourings(x, y, 64)["true chroma"]
    for method, options in fullres.DEFAULTS.items():
        theirs = Result(photo, y, gray_weights(), small, [0], 0, upsample=method).full(small[0])
        ours = fullres.enlarge(small, y, options)[0].permute(1, 2, 0).numpy()
        assert np.abs(ours - theirs).max() < 1e-5


class Fixed:
    """A colorizer that draws reddish versions, each a little different, and tells what it saw."""

    card = {"sha256": "0" * 64}

    def settings(self, settings):
        return settings

    def draw(self, whole, y, f, card):
        tilt = torch.tensor([0.1, -0.05, -0.05]).view(3, 1, 1)
        k = torch.arange(card["n"]).view(-1, 1, 1, 1) + 1 + card["seed"]
        yield type("S", (), {"x": y + tilt * k / 10})


def test_colourings_are_the_draws_and_their_mean():
    x = rand(3, 90, 120)
    y = gray(x[None], gray_weights())[0]
    found = fullres.colourings(x, y, 64, Fixed(), seed=2)
    assert {k: tuple(v.shape) for k, v in found.items()} == {
        "true chroma": (1, 3, 64, 85),
        "single": (4, 3, 64, 85),
        "mean of 4": (1, 3, 64, 85),
    }
    assert torch.allclose(found["mean of 4"][0], found["single"].mean(0))
    other = fullres.colourings(x, y, 64, Fixed(), seed=3)  # a seed a photo
    assert not torch.equal(found["single"], other["single"])


def test_rows_of_the_full_size_comparison():
    pictures = [rand(3, 40, 50, seed=s) for s in range(3)]
    rows = {(r["side"], r["chroma"], r["method"]): r for r in fullres.measure(pictures, (8, 16))}
    assert len(rows) == 1 + 2 * len(METHODS)
    first = rows[8, "true chroma", "detail"]
    assert first["gain"] == 0 and first["n"] == 3
    other = rows[16, "true chroma", "bilinear"]
    assert other["gain"] == pytest.approx(other["psnr"] - first["psnr"])
    assert other["gain_delta_e"] == pytest.approx(other["delta_e"] - first["delta_e"])
    assert all(r["psnr"] > 0 and r["delta_e"] > 0 for r in rows.values())
    table = run.fullres_lines({"rows": [{"photos": "p", **r} for r in rows.values()]})
    assert table[0].endswith("| detail | guided | fusion | bilinear |")
    cells = [c.strip() for c in table[4].strip("|").split("|")]
    assert cells[:4] == ["p", "3", "true chroma", "16"] and len(table) == 2 + 3 + 2
    assert cells[7] == f"{other['psnr']:.2f} / {other['delta_e']:.2f}"


def test_photos_of_a_folder_are_a_seeded_choice_of_the_colour_ones(tmp_path):
    for i in range(6):
        samples.load("coffee").resize((60 + i, 40)).save(tmp_path / f"{i}.png")
    samples.load("camera").resize((50, 50)).save(tmp_path / "grey.png")
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "text.png").write_text("no picture")
    found = fullres.photos(tmp_path, 5)
    assert len(found) == 5 and all(x.shape[:2] == (3, 40) for x in found)
    assert [x.shape for x in fullres.photos(tmp_path, 5)] == [x.shape for x in found]
    assert max(fullres.photos()[0].shape) == fullres.LONGEST
    with pytest.raises(JGMError, match="no colour photographs"):
        fullres.photos(tmp_path / "none", 5)


def test_refinenet_rows():
    rows = refinenet.measure(minutes=0, L=2, T=1)
    assert [r["unit"] for r in rows] == ["minutes", "steps", "NFE", *["CIEDE2000"] * 2, "dB", "dB"]
    assert all(math.isfinite(r["value"]) for r in rows)
    assert rows[2]["value"] == 2
