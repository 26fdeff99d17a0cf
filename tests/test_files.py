"""Files are written whole or not at all, readable as the umask says, and damage is one clear line."""

import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from jgm_course import book, sweep
from jgm_lib import cards, checkpoints, files, params, study
from jgm_lib.data import packed
from jgm_lib.errors import JGMError
from jgm_lib.networks import build
from jgm_lib.photo.write import write_photo
from jgm_lib.training import make_accelerator
from jgm_lib.training import state as training_state
from jgm_lib.training.turns import players_of

ROOT = Path(files.__file__).parents[1]
OLD, NEW = b"old and whole", b"new and whole"


@pytest.fixture
def umask():
    """Sets the umask; afterwards it is what it was."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def child(code: str, *words) -> subprocess.Popen:
    code = "import os, sys\nfrom jgm_lib import files\n" + textwrap.dedent(code)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


# -- hashes and cards --------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"abc", bytes(3_000_000)])
def test_the_hash_is_that_of_the_content(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    assert files.file_sha256(tmp_path / "a") == hashlib.sha256(data).hexdigest()
    assert files.digest_of(tmp_path / "a", "md5") == hashlib.md5(data).hexdigest()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "the card of the kite is missing"),
        (b"{", "not a readable JSON card"),
        (b"\xff", "not a readable JSON card"),
        (b"[" * 100_000, "not a readable JSON card"),
        (b"[" + b" " * 200_000 + b"]", "larger than 150000 bytes"),
    ],
)
def test_a_card_that_cannot_be_read_is_one_line(tmp_path, content, says):
    path = tmp_path / "card.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(JGMError, match=f"card.json: {says}") as caught:
        files.read_json_card(path, "kite", limit=150_000)
    assert "\n" not in str(caught.value)


def test_a_card_is_read_up_to_its_limit(tmp_path):
    (tmp_path / "c").write_text('{"ä": 1}', encoding="utf-8")
    assert files.read_json_card(tmp_path / "c", "kite", limit=9) == {"ä": 1}
    with pytest.raises(JGMError, match="larger than 8 bytes"):
        files.read_json_card(tmp_path / "c", "kite", limit=8)
    with pytest.raises(JGMError, match="not a readable JSON card"):
        files.read_json_card(tmp_path, "kite")  # a folder


def test_deep_nests_are_damage_wherever_text_is_read(tmp_path):
    path = tmp_path / "deep.yaml"
    path.write_text("[" * 3000)
    with pytest.raises(JGMError, match="not a readable YAML file"):
        cards.read_yaml(path, "card")
    with pytest.raises(JGMError, match="deep.yaml"):
        sweep.read_card(type("options", (), {"grid": path}))


# -- whole or not at all -----------------------------------------------------------------------


@pytest.mark.parametrize("old", [None, OLD])
def test_the_new_content_and_nothing_else(tmp_path, old):
    path = tmp_path / "a.bin"
    if old:
        path.write_bytes(old)
    files.write_bytes(path, NEW)
    assert path.read_bytes() == NEW and os.listdir(tmp_path) == ["a.bin"]
    files.write_text(str(path), "ä\r\nb\n")
    assert path.read_bytes() == "ä\r\nb\n".encode() and os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left"), KeyError("x"), KeyboardInterrupt()]
)
@pytest.mark.parametrize("old", [None, OLD])
def test_an_error_in_the_middle_leaves_the_old_file_and_no_rubbish(tmp_path, error, old):
    path = tmp_path / "a.bin"
    if old:
        path.write_bytes(old)
    wanted = JGMError if isinstance(error, OSError) else type(error)
    with pytest.raises(wanted) as caught, files.replacing(path) as part:
        part.write_bytes(NEW[:5])
        raise error
    if wanted is JGMError:
        assert str(caught.value) == f"{path}: cannot be written (No space left)"
    assert os.listdir(tmp_path) == (["a.bin"] if old else [])
    assert not old or path.read_bytes() == OLD


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_disk_that_fails_at_the_end_leaves_the_old_file(tmp_path, monkeypatch, step):
    path = tmp_path / "a.bin"
    path.write_bytes(OLD)

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(JGMError, match="a.bin: cannot be written .Input/output error"):
        files.write_bytes(path, NEW)
    assert path.read_bytes() == OLD and os.listdir(tmp_path) == ["a.bin"]


def test_a_process_killed_in_the_middle_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(OLD)
    code = """
        import signal
        with files.replacing(sys.argv[1]) as part:
            part.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert child(code, path).wait(60) == -signal.SIGKILL
    assert path.read_bytes() == OLD
    (left,) = set(tmp_path.iterdir()) - {path}
    assert left.name.startswith(".") and left.suffix == ".part"  # hidden, and known by its name
    files.write_bytes(path, NEW)  # it is in nobody's way
    assert path.read_bytes() == NEW


def test_the_content_is_on_the_disk_before_it_gets_the_name(tmp_path, monkeypatch):
    path, calls = tmp_path / "a.bin", []
    sync, swap = os.fsync, os.replace

    def watched_sync(fd):
        of = os.fstat(fd)
        what = "folder" if stat.S_ISDIR(of.st_mode) else of.st_size
        calls.append(("sync", what, path.exists()))
        sync(fd)

    def watched_swap(a, b):
        calls.append(("replace", Path(a).parent == path.parent, path.exists()))
        swap(a, b)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_swap)
    files.write_bytes(path, NEW)
    assert calls == [("sync", len(NEW), False), ("replace", True, False), ("sync", "folder", True)]


def test_a_set_is_on_the_disk_before_its_files_get_their_names(tmp_path, monkeypatch):
    synced, sync, swap = [], os.fsync, os.replace

    def watched_sync(fd):
        synced.append(os.fstat(fd).st_ino)
        sync(fd)

    def watched_swap(a, b):
        assert os.stat(a).st_ino in synced
        swap(a, b)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_swap)
    with files.replacing_set(tmp_path, ["a", "b"]) as part:
        for name in "ab":
            (part / name).write_bytes(NEW)
    assert len(set(synced)) == 3 and sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_what_killed_writers_left_is_swept_away_and_nothing_else(tmp_path):
    code = """
        import signal
        with files.replacing(sys.argv[1]) as part:
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert child(code, tmp_path / "a.bin").wait(60) == -signal.SIGKILL
    mine = [".tmp", ".tmp-of-mine", ".part", "a.part", "step-1.safetensors", "lock"]
    for name in [".tmpA1b2C3", *mine]:
        (tmp_path / name).write_bytes(OLD)
    assert len(os.listdir(tmp_path)) == len(mine) + 2
    files.sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(mine)


def test_two_writers_in_one_process_do_not_meet(tmp_path):
    path = tmp_path / "a.bin"
    with files.replacing(path) as one, files.replacing(path) as two:
        assert one != two and one.parent == two.parent == tmp_path
        one.write_bytes(b"one")
        two.write_bytes(b"two")
    assert path.read_bytes() == b"one" and os.listdir(tmp_path) == ["a.bin"]  # the last to end


def test_two_processes_write_one_file(tmp_path):
    """Whoever looks sees one of the two, whole, at any moment."""
    path, size = tmp_path / "a.bin", 200_000
    path.write_bytes(b"a" * size)
    code = """
        for _ in range(60):
            files.write_bytes(sys.argv[1], sys.argv[2].encode() * int(sys.argv[3]))
    """
    writers = [child(code, path, letter, size) for letter in "ab"]
    seen = set()
    while any(w.poll() is None for w in writers):
        seen.add(path.read_bytes())
    assert [w.returncode for w in writers] == [0, 0]
    assert seen <= {b"a" * size, b"b" * size} and os.listdir(tmp_path) == ["a.bin"]


# -- places that cannot be ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("x" * 300, "cannot be written .File name too long"),
        ("no/a.bin", "the folder .*no does not exist; create it first"),
        ("file/a.bin", "cannot be written .Not a directory"),
        ("folder", "cannot be written .it is a folder"),
        ("a\0b", "cannot be written .*null"),
        (".", "cannot be written .it is a folder"),
    ],
)
def test_a_place_that_cannot_be_is_one_line_before_the_work(tmp_path, name, says):
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "folder").mkdir()
    with pytest.raises(JGMError, match=says) as caught, files.replacing(tmp_path / name):
        pytest.fail("the work began")
    assert "\n" not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_the_longest_name_there_is_can_be_written(tmp_path):
    name = "x" * 255
    files.write_bytes(tmp_path / name, NEW)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_one_line(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(JGMError, match="cannot be written .Permission denied"):
        files.write_bytes(tmp_path / "a", NEW)
    tmp_path.chmod(0o755)


def test_the_place_of_a_picture_is_told_in_one_line(tmp_path):
    with pytest.raises(JGMError, match="File name too long") as caught:
        write_photo(tmp_path / ("x" * 300 + ".png"), torch.zeros(2, 2, 3).numpy())
    assert "\n" not in str(caught.value) and not os.listdir(tmp_path)


# -- nothing is overwritten unasked ------------------------------------------------------------


def test_what_exists_is_refused_by_name(tmp_path):
    (tmp_path / "a").write_bytes(OLD)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    files.refuse_existing([tmp_path / "new", tmp_path / ("x" * 300)], force=False)
    for name in ("a", "dangling"):
        with pytest.raises(JGMError, match=f"{name} exists; .*--force"):
            files.refuse_existing([tmp_path / "new", tmp_path / name], force=False)
        with pytest.raises(JGMError, match=f"{name} is mine"):
            files.refuse_existing([tmp_path / name], force=False, says=" is mine")
        files.refuse_existing([tmp_path / name], force=True)


@pytest.mark.parametrize("force", [False, True])
def test_a_picture_never_takes_the_place_of_a_folder(tmp_path, force):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(JGMError, match="a.png: cannot be written .it is a folder"):
        write_photo(tmp_path / "a.png", torch.zeros(2, 2, 3).numpy(), force=force)


def test_the_names_of_before_are_the_same_functions():
    assert checkpoints.file_sha256 is packed.file_sha256 is files.file_sha256


# -- permissions -------------------------------------------------------------------------------


def write_weights(folder: Path) -> list[Path]:
    card = {"network": "unet", "settings": {"widths": [8, 16]}}
    path = checkpoints.save(folder / "w", build("unet", widths=[8, 16]), card)
    return [path, path.with_suffix(".json")]


def write_checkpoint(folder: Path) -> list[Path]:
    card = params.TrainCard(settings={"widths": [8, 16]})
    model = build(card.network, **card.settings)
    players = players_of(model, card, make_accelerator())
    path = folder / "step-1.safetensors"
    state = training_state.State(1, card.model_dump(), {}, 16, path=path)
    training_state.save_state(state, players, model.state_dict())
    training_state.Log(folder, 0)
    return [path, folder / "log.csv"]


def write_rest(folder: Path) -> list[Path]:
    files.write_text(folder / "text", "t")
    book.write_text(folder / "new" / "lesson", "t")
    write_photo(folder / "a.png", torch.zeros(2, 2, 3).numpy(), force=True)
    plan = study.Study("s", ("p",), ("a", "b"))
    study.write_csv(folder / "votes.csv", plan, [])
    path = study.Ballots(folder / "votes.sqlite", plan).path  # written by SQLite
    return [*(folder / n for n in ("text", "new/lesson", "a.png", "votes.csv")), path]


@pytest.mark.parametrize(("mask", "wanted"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
@pytest.mark.parametrize("write", [write_weights, write_checkpoint, write_rest])
def test_everybody_may_read_whom_the_umask_lets(tmp_path, umask, mask, wanted, write):
    umask(mask)
    for _ in range(2):  # a new file, and in place of another
        paths = write(tmp_path)
        assert {p.name: oct(mode(p)) for p in paths} == {p.name: oct(wanted) for p in paths}
    assert umask(mask) == mask


def test_weights_and_card_change_together_or_not_at_all(tmp_path, monkeypatch):
    model, card = (
        build("unet", widths=[8, 16]),
        {"network": "unet", "settings": {"widths": [8, 16]}},
    )
    path = checkpoints.save(tmp_path / "w", model, {**card, "name": "first"})
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    model.head.bias.data += 1
    real = json.dumps
    monkeypatch.setattr(json, "dumps", lambda *a, **k: 1 / 0)  # the card cannot be written
    with pytest.raises(ZeroDivisionError):
        checkpoints.save(path, model, {**card, "name": "second"})
    monkeypatch.setattr(json, "dumps", real)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    assert checkpoints.load(path)[1]["name"] == "first"


# -- one place ---------------------------------------------------------------------------------


def test_no_module_has_a_copy_of_this():
    for path in [*ROOT.glob("jgm_lib/**/*.py"), *ROOT.glob("data_scripts/*.py")]:
        text = path.read_text(encoding="utf-8")
        if path.name != "files.py":
            assert not re.search(r"file_digest|mkstemp|umask\(|def refuse_existing", text), path
            assert not re.search(r"os\.(replace|rename|fsync)|shutil\.move", text), path
