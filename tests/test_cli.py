"""The jgm command on real files, in a process of its own where that matters."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import jgm_lib
from jgm_lib.cli import COMMANDS, main, parser
from jgm_lib.cli.data import DATA_SETS
from jgm_lib.data import samples
from jgm_lib.photo import read_photo

FAST = ["--n", "1", "--steps", "2"]


def picture(path, mode="RGB", size=(40, 30), **options):
    rng = np.random.default_rng(0)
    bands = len(Image.new(mode, (1, 1)).getbands())
    shape = (size[1], size[0]) if bands == 1 else (size[1], size[0], bands)
    Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8), mode).save(path, **options)
    return path


def files_of_every_kind(folder):
    rng = np.random.default_rng(1)
    grey = rng.random((30, 40))
    paths = [
        picture(folder / "rgb.jpg"),
        picture(folder / "grey.png", "L"),
        picture(folder / "cmyk.jpg", "CMYK"),
        picture(folder / "rgba.webp", "RGBA"),
        picture(folder / "la.png", "LA"),
        picture(folder / "rgb.tif"),
        picture(folder / "one.png", size=(1, 1)),
        picture(folder / "thin.png", size=(5000, 1)),
    ]
    Image.fromarray((grey * 65535).astype(np.uint16)).save(folder / "deep.png")
    Image.fromarray(grey.astype(np.float32)).save(folder / "float.tiff")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(folder / "turned.jpg", exif=exif)
    frames = [Image.new("RGB", (40, 30), c) for c in ("red", "blue")]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    return [*paths, *(folder / n for n in ("deep.png", "float.tiff", "turned.jpg", "moving.gif"))]


@pytest.mark.parametrize("name", DATA_SETS)
def test_help_of_a_data_set_shows_the_command_to_type(name, capsys):
    with pytest.raises(SystemExit) as end:
        main(["data", name, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: jgm data {name} [")


def test_files_of_every_kind(tmp_path, capsys):
    paths = files_of_every_kind(tmp_path)
    code = main(["colorize", *map(str, paths), "-o", str(tmp_path / "out"), *FAST])
    assert code == 0, capsys.readouterr().err
    names = {p.name for p in (tmp_path / "out").iterdir()}
    stems = [p.stem for p in paths]
    assert {f"{s}_1.png" for s in stems} <= names and "rgb-2_mean.png" in names
    for path in paths:
        if path.stem == "rgb":
            continue
        before, after = read_photo(path), read_photo(tmp_path / "out" / f"{path.stem}_1.png")
        assert after.size == before.size
        assert (after.alpha is None) == (before.alpha is None)
        step = 1 / (255 if before.bits == 8 else 65535)
        assert np.abs(after.to_gray() - before.to_gray()).max() <= 0.51 * step


def hostile(folder):
    (folder / "text.jpg").write_text("not a picture")
    whole = picture(folder / "whole.jpg", size=(200, 200)).read_bytes()
    (folder / "short.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    bomb = bytearray(picture(folder / "b.png").read_bytes())
    import struct
    import zlib

    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bytes(bomb[12:29])))
    (folder / "bomb.png").write_bytes(bytes(bomb))
    nan = np.full((4, 4), np.nan, np.float32)
    Image.fromarray(nan).save(folder / "nan.tiff")
    return ["text.jpg", "short.jpg", "empty.png", "bomb.png", "nan.tiff", "missing.png"]


def test_bad_files_are_reported_and_the_rest_go_on(tmp_path, capsys):
    names = hostile(tmp_path)
    inputs = [str(tmp_path / n) for n in names]
    inputs.insert(3, str(tmp_path / "whole.jpg"))
    assert main(["colorize", *inputs, "-o", str(tmp_path / "out"), *FAST]) == 1
    lines = [x for x in capsys.readouterr().err.splitlines() if x.startswith("jgm: ")]
    assert len(lines) == len(names)
    assert all(any(n in line for line in lines) for n in names)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["whole_1.png", "whole_mean.png"]


def test_never_overwrites_without_force(tmp_path, capsys):
    path, out = str(picture(tmp_path / "a.png")), tmp_path / "out"
    assert main(["colorize", path, "-o", str(out), *FAST]) == 0
    before = (out / "a_1.png").read_bytes()
    (out / "a_mean.png").unlink()
    assert main(["colorize", path, "-o", str(out), *FAST, "--seed", "7"]) == 1
    assert "--force" in capsys.readouterr().err
    assert (out / "a_1.png").read_bytes() == before and not (out / "a_mean.png").exists()
    assert main(["colorize", path, "-o", str(out), *FAST, "--seed", "7", "--force"]) == 0
    assert (out / "a_1.png").read_bytes() != before


def test_the_spread_and_the_notes_of_each_photo_are_told(tmp_path, capsys, monkeypatch):
    from jgm_lib.colorize import Colorizer

    whole, found = Colorizer.colorize, []

    def colorize(self, path, **settings):
        found.append(whole(self, path, **settings))
        found[-1].notes.append("expect guesses")
        return found[-1]

    monkeypatch.setattr(Colorizer, "colorize", colorize)
    path, words = str(picture(tmp_path / "a.png")), ["-o", str(tmp_path / "o"), "--steps", "2"]
    assert main(["colorize", path, *words, "--n", "3"]) == 0
    said = capsys.readouterr().out
    levels = 255 * float(found[0].samples.var(0).mean().sqrt())  # RMS over pixels and colours
    assert f", versions differ by {levels:.0f} levels; note: expect guesses" in said
    assert main(["colorize", path, *words, "--n", "1", "--force"]) == 0
    assert "differ" not in capsys.readouterr().out


def test_no_two_photos_share_a_name_for_their_outputs(tmp_path):
    from jgm_lib.cli.colorize import _named

    for names in (["a/x.jpg", "a/x-2.jpg", "b/x.jpg"], ["a/x.jpg", "b/x.jpg", "c/x-2.jpg"]):
        stems = [stem for _, stem in _named(names)]
        assert len(set(stems)) == 3 and stems[0] == "x", stems
    assert [s for _, s in _named(["a/x.png", "b/x.png", "b/x.png"])] == ["x", "x-2", "x-3"]


def test_a_file_in_the_place_of_the_output_folder_is_told_before_the_work(tmp_path, capsys):
    path, place = picture(tmp_path / "a.png"), tmp_path / "file"
    place.write_text("mine")
    assert main(["colorize", str(path), "-o", str(place), *FAST]) == 2
    error = capsys.readouterr().err
    assert "is not a folder" in error and error.count("\n") == 1
    assert main(["train", "toy-32", "--out", str(place), "--steps", "1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert place.read_text() == "mine"


def test_same_seed_same_bytes(tmp_path):
    path = str(picture(tmp_path / "a.png"))
    for name in ("x", "y"):
        assert main(["colorize", path, "-o", str(tmp_path / name), *FAST, "--seed", "3"]) == 0
    assert (tmp_path / "x/a_1.png").read_bytes() == (tmp_path / "y/a_1.png").read_bytes()


def test_colour_input_shows_psnr_and_grey_does_not(tmp_path, capsys):
    samples.load("china").save(tmp_path / "china.png")
    samples.load("camera").save(tmp_path / "camera.png")
    inputs = [str(tmp_path / "china.png"), str(tmp_path / "camera.png")]
    assert main(["colorize", *inputs, "-o", str(tmp_path / "out"), *FAST]) == 0
    china, camera = sorted(capsys.readouterr().out.splitlines(), key=lambda s: "camera" in s)
    assert "dB" in china and "dB" not in camera


@pytest.mark.parametrize(
    "extra, word",
    [
        (["--n", "0"], "--n 0: "),
        (["--sampler", "langevin", "--epsilon", "0.005"], "unstable step"),
        (["--sigma-1", "0.1", "--sigma-L", "0.5"], "sigma_1 > sigma_L"),
        (["--weights", "nothing"], "no weights 'nothing'"),
        (["--lam", "-1"], "--lam -1.0: "),
    ],
)
def test_bad_parameters_exit_2_with_one_line(tmp_path, capsys, extra, word):
    path = str(picture(tmp_path / "a.png"))
    assert main(["colorize", path, "-o", str(tmp_path / "out"), *extra]) == 2
    err = capsys.readouterr().err
    assert word in err and len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["colorize", "a.png"],
        ["colorize", "a", "-o", "b", "--foo"],
        ["colorize", "a", "-o", "b", "--gray", "hue"],
        ["--n", "2"],
        ["paint"],
    ],
)
def test_usage_errors_exit_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2


def test_without_a_command_there_is_help(capsys):
    assert main([]) == 2
    error = capsys.readouterr().err
    assert error.startswith("usage: jgm") and "examples:" in error
    assert all(re.search(rf"\n    {name}\s", error) for name in COMMANDS)


def test_the_version_is_the_installed_one(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0 and capsys.readouterr().out == f"jgm {jgm_lib.__version__}\n"
    assert re.match(r"\d+\.\d+", jgm_lib.__version__)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_command_are_those_of_the_whole_parser(name):
    """Only what is asked for gets its options; it must be the same ones."""
    one, whole = parser([name]).format_help(), parser().format_help()
    assert one == whole
    words = {
        "colorize": ["a", "-o", "b"],
        "train": ["c", "--out", "r"],
        "export": ["r"],
        "evaluate": ["f"],
    }
    words["experiment"] = ["calibration", "-o", "b"]
    words = [name, *words.get(name, [])]
    assert parser(words).parse_args(words) == parser().parse_args(words)


LIGHT = [
    [],
    ["--help"],
    ["--version"],
    ["paint"],
    *(
        [name, "--help"]
        for name in ("colorize", "train", "export", "evaluate", "experiment", "data", "doctor")
    ),
    *(["data", name, "--help"] for name in DATA_SETS),
    ["colorize", "a.png"],
    ["colorize", "a.png", "-o", "out", "--n", "many"],
    ["colorize", "a.png", "-o", "out", "--n", "0"],
    ["colorize", "a.png", "-o", "out", "--sampler", "langevin", "--epsilon", "0.005"],
    ["colorize", "a.png", "-o", "file/out"],
    ["train", "no-such-card", "--out", "run"],
    ["train", "toy-32", "--out", "run", "--steps", "0"],
    ["train", "toy-32", "--out", "run", "--save-every", "0"],
    ["train", "toy-32", "--out", "run", "--keep", "0"],
    ["export"],
    ["evaluate", "photos", "--batch", "0"],
    ["evaluate", "photos", "--methods", "magic"],
    ["data"],
    ["data", "nothing"],
    ["data", "folder"],
    ["data", "folder", "--source", "photos", "--size", "1"],
]
ASK = """
import json, sys
from jgm_lib.cli import main
slow = {}
for words in json.loads(sys.argv[1]):
    try:
        code = main(words)
    except SystemExit as stop:
        code = stop.code
    asked = words == [] or words[-1] not in ("--help", "--version")
    if code != 2 * asked or "torch" in sys.modules:
        slow[" ".join(words)] = code, "torch" in sys.modules
    if "torch" in sys.modules:  # it will not go away again
        break
print("answers", json.dumps(slow))
"""


def test_help_and_usage_errors_do_not_load_torch(tmp_path):
    (tmp_path / "file").write_text("")
    command = [sys.executable, "-c", ASK, json.dumps(LIGHT)]
    paths = [str(Path(jgm_lib.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "answers {}"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_the_ways_to_full_size_are_those_of_the_option(capsys):
    from jgm_lib.photo.enlarge import METHODS, check_method

    with pytest.raises(SystemExit):
        main(["colorize", "--help"])
    assert "{" + ",".join(METHODS) + "}" in capsys.readouterr().out
    for name in METHODS:
        check_method(name)


def test_help_has_examples_and_every_knob(capsys):
    for words in (["--help"], ["colorize", "--help"]):
        with pytest.raises(SystemExit) as stop:
            parser().parse_args(words)
        assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "examples:" in out and "--sigma-L" in out and "--gray {mean,bt601}" in out


def test_train_then_colorize_with_the_result(tmp_path, capsys):
    card = tmp_path / "tiny.yaml"
    card.write_text("name: tiny\nsettings: {widths: [8, 16]}\nsize: 16\nsteps: 3\nbatch: 2\n")
    run = tmp_path / "run"
    assert main(["train", str(card), "--out", str(run)]) == 0
    assert main(["train", str(card), "--out", str(run)]) == 2  # holds a run already
    assert main(["train", str(card), "--out", str(run), "--resume", "--steps", "5"]) == 0
    facts = json.loads((run / "tiny.json").read_text())
    assert facts["steps"] == 5 and "ToyScenes" in facts["data"]
    picture(tmp_path / "a.png")
    out = ["-o", str(tmp_path / "out"), "--weights", str(run / "tiny.safetensors"), *FAST]
    assert main(["colorize", str(tmp_path / "a.png"), *out]) == 0


@pytest.mark.parametrize(
    "text, word",
    [
        ("steps: 0", "steps=0"),
        ("stepz: 1", "unknown name"),
        ("{", "not a readable YAML"),
        ("[1]", "name: value"),
        ("1: 2", "name: value"),
        ("!!python/object/apply:os.getcwd []", "YAML"),
    ],
)
def test_bad_training_cards(tmp_path, capsys, text, word):
    (tmp_path / "c.yaml").write_text(text)
    assert main(["train", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err
    assert word in err and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("extra", [["--steps", "0"], ["--steps", "2", "--save-every", "0"]])
def test_zero_steps_are_refused_and_not_ignored(tmp_path, capsys, monkeypatch, extra):
    monkeypatch.setattr(
        "jgm_lib.training.runs.start", lambda *a: pytest.fail("training would begin")
    )
    assert main(["train", "toy-32", "--out", str(tmp_path / "run"), *extra]) == 2
    error = capsys.readouterr().err
    assert f"{extra[-2]} 0: " in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "extra, word",
    [
        (["--batch", "0"], "--batch 0"),
        (["--size", "0"], "--size 0"),
        (["--limit", "-1"], "--limit -1"),
        (["--langevin-limit", "0"], "--langevin-limit 0"),
        (["--json", "missing/rows.json"], "missing"),
    ],
)
def test_evaluate_refuses_before_the_work(tmp_path, capsys, monkeypatch, extra, word):
    monkeypatch.chdir(tmp_path)
    begun = lambda *a, **k: pytest.fail("work began")  # noqa: E731
    monkeypatch.setattr("jgm_lib.colorize.Colorizer.from_pretrained", begun)
    assert main(["evaluate", str(tmp_path), "--weights", "toy-32", *extra]) == 2
    error = capsys.readouterr().err
    assert word in error and error.count("\n") == 1


def test_data_folder_then_train_and_evaluate(tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("china", "coffee", "rocket"):
        samples.load(name).save(folder / f"{name}.jpg")
    args = [
        "data",
        "folder",
        "--source",
        str(folder),
        "--size",
        "32",
        "--out",
        str(tmp_path),
        "--name",
        "mine",
        "--holdout",
        "0.34",
    ]
    assert main(args) == 0
    report = tmp_path / "rows.json"
    args = [
        "evaluate",
        str(folder),
        "--methods",
        "split,langevin",
        "--n",
        "2",
        "--steps",
        "2",
        "--weights",
        "toy-32",
        "--L",
        "2",
        "--T",
        "2",
        "--langevin-limit",
        "1",
        "--json",
        str(report),
    ]
    assert main(args) == 0
    rows = json.loads(report.read_text())["rows"]
    table = {(r["method"], r["column"]): r for r in rows}
    assert table["split", "mean of 2"]["n"] == 3 and table["langevin", "single"]["n"] == 1
    assert table["truth", ""]["delta_e"] == 0 and table["grey replica", ""]["colourfulness"] == 0
    oracle, single = table["split", "oracle of 2"], table["split", "single"]
    assert oracle["psnr"] >= single["psnr"] and single["residual"] < 1e-6
    assert "| grey replica |" in capsys.readouterr().out


def test_unknown_data_set(capsys):
    assert main(["data", "nothing"]) == 2
    assert "folder" in capsys.readouterr().err


def test_the_command_runs_offline_as_a_process(tmp_path):
    path = picture(tmp_path / "a.png")
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise OSError('no network in this test')\n"
        "socket.socket.connect = refuse\n"
        "from jgm_lib.cli import main\n"
        f"sys.exit(main(['colorize', {str(path)!r}, '-o', {str(tmp_path / 'o')!r}, "
        "'--n', '1', '--steps', '2']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o" / "a_1.png").exists()


def test_every_data_set_has_its_help(capsys):
    for name in ("folder", "lsun", "coco-stuff", "imagenet", "flower-photos", "historic"):
        with pytest.raises(SystemExit) as stop:
            main(["data", name, "--help"])
        text = capsys.readouterr().out
        assert stop.value.code == 0 and "--out" in text and "--count" in text
    with pytest.raises(SystemExit) as stop:
        main(["data", "--help"])
    assert stop.value.code == 0 and "coco-stuff" in capsys.readouterr().out
    assert main(["data"]) == 2
    assert "coco-stuff" in capsys.readouterr().err


def test_data_coco_stuff_packs_a_zip(tmp_path, capsys):
    import zipfile

    with zipfile.ZipFile(tmp_path / "val2017.zip", "w") as archive:
        for name in ("china", "coffee"):
            samples.load(name).save(tmp_path / f"{name}.jpg")
            archive.write(tmp_path / f"{name}.jpg", f"val2017/{name}.jpg")
    source, out = str(tmp_path / "val2017.zip"), str(tmp_path / "out")
    args = ["data", "coco-stuff", "--split", "val", "--source", source, "--size", "32"]
    assert main([*args, "--out", out]) == 0
    assert "coco-val2017-32.npy: 2 pictures 32x32" in capsys.readouterr().out
    assert main(["data", "imagenet", "--out", out]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "image-net.org" in error


def test_a_name_the_terminal_cannot_show_does_not_stop_the_batch(tmp_path):
    first, second = picture(tmp_path / "ünï.png"), picture(tmp_path / "b.png")
    command = [sys.executable, "-m", "jgm_lib.cli", "colorize", first, second]
    done = subprocess.run(
        [*command, "-o", tmp_path / "out", "--weights", "toy-32", *FAST],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "b_1.png").exists() and b"\\xfcn\\xef.png" in done.stdout


def test_force_does_not_overwrite_a_photograph_that_was_given(tmp_path, capsys):
    paths = [picture(tmp_path / name) for name in ("a.png", "a_1.png")]
    before = paths[1].read_bytes()
    args = ["colorize", *map(str, paths), "-o", str(tmp_path), "--force", "--weights", "toy-32"]
    assert main([*args, *FAST]) == 1
    assert "a_1.png is one of the inputs; choose another folder" in capsys.readouterr().err
    assert paths[1].read_bytes() == before and (tmp_path / "a_1_1.png").exists()


@pytest.mark.parametrize("command", ["colorize", "train"])
def test_a_folder_that_cannot_be_is_told_before_the_work(command, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("jgm_lib.colorize.Colorizer.from_pretrained", pytest.fail)
    monkeypatch.setattr("jgm_lib.training.runs.start", pytest.fail)
    file = picture(tmp_path / "a.png")
    first = str(file) if command == "colorize" else "toy-32"
    assert main([command, first, "--out", str(file / "sub" / "deeper")]) == 2
    assert capsys.readouterr().err.rstrip().endswith("a.png is not a folder")


def test_memory_that_is_short_is_one_line_and_the_rest_go_on(tmp_path, capsys, monkeypatch):
    from jgm_lib.colorize import Colorizer

    whole = Colorizer.colorize

    def colorize(self, path, **settings):
        if "big" in str(path):
            return torch.empty(2**50)
        return whole(self, path, **settings)

    monkeypatch.setattr(Colorizer, "colorize", colorize)
    paths = [str(picture(tmp_path / name)) for name in ("big.png", "b.png")]
    args = ["colorize", *paths, "-o", str(tmp_path / "o"), "--weights", "toy-32", *FAST]
    assert main(args) == 1
    assert "big.png: not enough memory" in capsys.readouterr().err
    assert (tmp_path / "o" / "b_1.png").exists()


def test_a_run_does_not_go_on_with_other_pictures(tmp_path, capsys):
    card, run = tmp_path / "c.yaml", tmp_path / "run"
    card.write_text("{name: t, settings: {widths: [8, 16]}, size: 16, steps: 2, batch: 2}")
    for i in range(4):
        picture(tmp_path / f"{i}.png")
    pack = ["data", "folder", "--source", str(tmp_path), "--size", "16", "--out", str(tmp_path)]
    assert main([*pack, "--name", "p"]) == 0
    train = ["train", str(card), "--out", str(run)]
    assert main([*train, "--data", str(tmp_path / "p-16")]) == 0
    assert main(train) == 2  # with ToyScenes, refused; leaves no mark
    assert main([*train, "--resume", "--steps", "4"]) == 2
    error = capsys.readouterr().err
    assert "began with the pictures" in error and "ToyScenes" in error
    assert main([*train, "--resume", "--steps", "4", "--data", str(tmp_path / "p-16")]) == 0


@pytest.mark.parametrize(
    "line, says",
    [
        ("settings: {widths: []}", "build no unet"),
        ("settings: {widths: [7, 9]}", "build no unet"),
        ("settings: {widths: [8], patch: 0}", "patch=0"),
        ("settings: {gradient_scale: 0}", "gradient_scale=0"),
        ('settings: {widths: ["8", 8]}', "build no unet"),
        ("settings: {dropout: 2}", "build no unet"),
        ("{sigma_min: 30.0, sigma_max: 0.1}", "need sigma_max > sigma_min"),
        ("name: ../../esc", "name='../../esc'"),
        ('name: ""', "name=''"),
        ("name: step-1", "checkpoints of a run"),
    ],
)
def test_a_bad_training_card_is_one_line(line, says, tmp_path, capsys):
    (tmp_path / "c.yaml").write_text(line)
    assert main(["train", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "r" / "s")]) == 2
    error = capsys.readouterr().err
    assert re.search(says, error) and error.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["c.yaml"]


def test_another_seed_is_another_training_of_the_same_card(tmp_path, capsys):
    (tmp_path / "c.yaml").write_text(
        "settings: {widths: [8, 8]}\nsize: 16\nsteps: 1\nbatch: 2\nname: it"
    )
    found = []
    for seed in (None, "0", "7"):
        run = tmp_path / f"run{seed}"
        words = ["train", str(tmp_path / "c.yaml"), "--out", str(run)]
        assert main(words + (["--seed", seed] if seed else [])) == 0
        card = json.loads((run / "it.json").read_text())
        found.append((card["training"]["seed"], card["sha256"]))
    assert [seed for seed, _ in found] == [0, 0, 7]
    assert found[0] == found[1] and found[2][1] != found[0][1]


COMPARED = {
    "jgm-split-64": "joint",
    "rgb-split-64": "intensity",
    "jgm-isotropic-64": "joint",
    "rgb-isotropic-64": "intensity",
    "gradients-64": "gradients",
    "igm-64": "rgb-ycbcr",
    "haar-64": "haar",
}


def test_compared_priors_have_equal_budgets_and_fit_into_four_megabytes():
    from jgm_lib.cards import read_train_card
    from jgm_lib.training.runs import network_of

    budgets = set()
    for name, domain in COMPARED.items():
        card = read_train_card(name)
        model = network_of(card)
        assert card.name == name and model.domain.name == domain
        assert sum(p.numel() for p in model.parameters()) * 2 <= 4e6
        budgets.add((card.steps * card.batch, tuple(card.settings["widths"]), card.size, card.lr))
    assert budgets == {(256_000, (32, 64, 96, 104), 64, 6e-4)}
