"""jgm colorize with folders, sets of files that belong together, and words that mean nothing."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import jgm_lib.result as result_module
from jgm_lib.cli import SHELLS, main, parser
from jgm_lib.cli.options import as_option, printable, readers
from jgm_lib.errors import JGMError
from jgm_lib.files import replacing_set
from jgm_lib.params import KNOBS, ColorizeCard

FAST = ["--weights", "toy-32", "--sigma-max", "10", "--n", "2", "--steps", "2"]


def picture(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def names(folder):
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def run(*words):
    return main(["colorize", *map(str, words), *FAST])


def ends(words, capsys) -> str:
    """The one line in which a command refuses its words."""
    try:
        code = main([str(w) for w in words])
    except SystemExit as stop:
        code = stop.code
    error = capsys.readouterr().err
    assert code == 2 and error.count("\n") == 1, error
    return error


# -- folders and patterns


def test_a_folder_stands_for_the_pictures_in_and_below_it(tmp_path):
    album = tmp_path / "album"
    for name in ("b.jpg", "a.png", "below/a.tif", ".hidden/c.png"):
        picture(album / name)
    (album / "notes.txt").write_text("not a picture")
    assert run(album, "-o", tmp_path / "out") == 0
    ends = ("1", "2", "mean")
    assert names(tmp_path / "out") == sorted(
        f"{s}_{e}.png" for s in ("a", "a-2", "b") for e in ends
    )


def test_what_lies_in_the_output_folder_is_no_input(tmp_path):
    picture(tmp_path / "a.png")
    for _ in range(2):
        assert run(tmp_path, "-o", tmp_path / "out", "--skip-existing") == 0
        assert names(tmp_path / "out") == ["a_1.png", "a_2.png", "a_mean.png"]


def test_results_may_lie_above_the_photographs_but_not_among_them(tmp_path, capsys):
    picture(tmp_path / "album" / "a.png")
    assert run(tmp_path / "album", "-o", tmp_path) == 0
    assert {"a_1.png", "a_mean.png"} < set(names(tmp_path))
    line = ends(["colorize", tmp_path / "album", "-o", tmp_path / "album", *FAST], capsys)
    assert "album: is the folder of the results too; choose another -o" in line
    assert names(tmp_path / "album") == ["a.png"]


@pytest.mark.parametrize("pattern", ["*.png", "**/*.png"])
def test_a_photograph_meant_by_a_pattern_is_never_overwritten(pattern, tmp_path, capsys):
    picture(tmp_path / "a.png")
    kept = picture(tmp_path / "a_1.png", 1).read_bytes()
    assert run(tmp_path / pattern, "-o", tmp_path, "--force") == 1
    assert "a_1.png is one of the inputs" in capsys.readouterr().err
    assert (tmp_path / "a_1.png").read_bytes() == kept


def test_a_pattern_that_no_shell_has_read(tmp_path):
    for name in ("a1.png", "a2.png", "b.png"):
        picture(tmp_path / name)
    assert run(tmp_path / "a*.png", "-o", tmp_path / "out") == 0
    assert [n for n in names(tmp_path / "out") if "mean" in n] == ["a1_mean.png", "a2_mean.png"]
    picture(tmp_path / "c[1].png")  # a name that looks like a pattern is a name
    assert run(tmp_path / "c[1].png", "-o", tmp_path / "odd") == 0
    assert "c[1]_1.png" in names(tmp_path / "odd")


def test_the_same_photograph_twice_is_one(tmp_path):
    path = picture(tmp_path / "a.png")
    assert run(path, path, "-o", tmp_path / "out") == 0
    assert names(tmp_path / "out") == ["a_1.png", "a_2.png", "a_mean.png"]


@pytest.mark.parametrize("what", ["empty", "none*.png"])
def test_a_place_without_photographs_is_told_before_the_work(what, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    line = ends(["colorize", tmp_path / what, "-o", tmp_path / "out", *FAST], capsys)
    assert what in line and "no photographs" in line and not (tmp_path / "out").exists()


# -- sets


def test_skip_existing_makes_only_what_is_not_whole(tmp_path, capsys):
    a, b, out = picture(tmp_path / "a.png"), picture(tmp_path / "b.png", 1), tmp_path / "out"
    assert run(a, b, "-o", out) == 0
    first = {n: (out / n).read_bytes() for n in names(out)}
    (out / "b_2.png").unlink()
    (out / "a_1.png").write_bytes(b"kept as it is")
    capsys.readouterr()
    assert run(a, b, "-o", out, "--skip-existing") == 0
    assert "a.png: its files are there already" in capsys.readouterr().out
    assert (out / "a_1.png").read_bytes() == b"kept as it is"
    assert all((out / n).read_bytes() == first[n] for n in first if n.startswith("b"))


@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_photo_has_all_its_files_or_none(fault, tmp_path, monkeypatch, capsys):
    path, out, write, calls = picture(tmp_path / "a.png"), tmp_path / "out", [], []
    write.append(result_module.write_photo)

    def failing(*args, **kwargs):
        calls.append(args)
        if len(calls) == 3:
            raise fault
        return write[0](*args, **kwargs)

    monkeypatch.setattr(result_module, "write_photo", failing)
    assert run(path, "-o", out) == (130 if fault is KeyboardInterrupt else 1)
    assert len(calls) == 3 and names(out) == []
    assert run(path, "-o", out) == 0 and len(names(out)) == 3


def test_errors_of_a_set_name_the_final_place(tmp_path):
    with (
        pytest.raises(JGMError, match=f"^{tmp_path}/a: broken$"),
        replacing_set(tmp_path, ["a", "b"]) as part,
    ):
        raise JGMError(f"{part}/a: broken")
    assert names(tmp_path) == []


def test_a_set_does_not_overwrite_what_came_meanwhile(tmp_path):
    with (
        pytest.raises(JGMError, match="b exists"),
        replacing_set(tmp_path, ["a", "b"]) as part,
    ):
        for name in "ab":
            (part / name).write_text("new")
        (tmp_path / "b").write_text("theirs")
    assert names(tmp_path) == ["b"] and (tmp_path / "b").read_text() == "theirs"


def test_a_name_too_long_for_its_outputs_is_one_line_and_nothing_is_left(tmp_path, capsys):
    path = picture(tmp_path / ("x" * 248 + ".png"))  # with _mean.png it has 257 letters
    assert run(path, "-o", tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert "too long" in error and error.count("\n") == 1 and names(tmp_path / "out") == []


# -- names


def test_a_name_with_a_dash_is_not_lost(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "-old.jpg")
    line = ends(["colorize", "-old.jpg", "-o", "out", *FAST], capsys)
    assert "given twice" in line and "./-name" in line
    assert run("./-old.jpg", "-o", "out") == 0 and "-old_1.png" in names(tmp_path / "out")


def test_a_line_end_in_a_name_does_not_end_the_line(tmp_path, capsys):
    path = picture(tmp_path / "two\nlines.png")
    assert run(path, tmp_path / "no\nne.png", "-o", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert said.out.count("\n") == 1 and r"two\nlines.png" in said.out
    assert said.err.count("\n") == 1 and "ne.png: cannot be read" in said.err
    assert printable("größe\t\x1b[31m") == r"größe\t\x1b[31m"


# -- words


@pytest.mark.parametrize("name", [n for n in ColorizeCard.model_fields if readers(n)])
def test_a_knob_is_refused_where_no_sampler_reads_it(name, tmp_path, capsys):
    for sampler in set(KNOBS) - set(readers(name)):
        default = ColorizeCard.model_fields[name].default
        option = f"--{name.replace('_', '-')}"
        words = [f"--no-{option[2:]}"] if isinstance(default, bool) else [option, default]
        line = ends(["colorize", "a.png", "-o", tmp_path, "--sampler", sampler, *words], capsys)
        assert f"{option} {default}: not read by {sampler}" in line and readers(name)[0] in line


def test_evaluate_refuses_a_knob_that_no_method_reads(tmp_path, capsys):
    words = ["evaluate", tmp_path, "--methods", "split,regression mean", "--lam", "1"]
    assert "--lam 1.0: not read by split, but by langevin" in ends(words, capsys)


@pytest.mark.parametrize(
    "words, says",
    [
        (["a.png"], "required: -o/--out"),
        (["a.png", "-o", "b", "-o", "c"], "given twice"),
        (["a.png", "-o", "b", "--n", "2", "--n", "3"], "--n: given twice"),
        (["a.png", "-o", "b", "--force", "--skip-existing"], "not allowed with"),
        (["a.png", "-o", "b", "--gray", "hue"], "--gray: invalid choice"),
        (["a.png", "-o", "b", "--n", "many"], "--n: invalid int value"),
        (["a.png", "-o", "b", "--sigma-max", "0"], "--sigma-max 0.0: "),
    ],
)
def test_usage_errors_are_one_line_with_the_option_as_typed(words, says, capsys):
    assert says in ends(["colorize", *words], capsys)


def test_help_has_a_group_for_every_set_of_readers(capsys):
    text = parser(["colorize"])._subparsers._group_actions[0].choices["colorize"].format_help()
    for name in ColorizeCard.model_fields:
        title = f"read by {', '.join(readers(name))}:" if readers(name) else "for every sampler:"
        assert as_option(name) in text.split(f"\n{title}\n")[1]


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_commands_and_options(shell, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--print-completion", shell])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    assert all(word in text for word in ("colorize", "skip-existing", "sigma-max", "bt601"))


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_bash_completes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "jgm_lib.cli", "--print-completion", "bash"],
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "jgm.bash").write_text(done.stdout)
    script = (
        "source jgm.bash; COMP_WORDS=(jgm colorize --sk); COMP_CWORD=2; COMP_LINE='jgm colorize --sk'; "
        'COMP_POINT=17; _shtab_jgm; echo "${COMPREPLY[@]}"'
    )
    asked = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, env={**os.environ}
    )
    assert asked.stdout.split() == ["--skip-existing"], asked.stderr
