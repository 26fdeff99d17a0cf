"""make lab: students work on copies, and who cannot start is told what to do."""

import pytest

from jgm_course import book, start
from jgm_lib.errors import JGMError


@pytest.fixture
def folders(tmp_path):
    source = tmp_path / "notebooks"
    (source / "exercises").mkdir(parents=True)
    for name in ("00_one.ipynb", "00_one.py", "exercises/00_one.ipynb", "notes.ipynb"):
        (source / name).write_text(f"first {name}")
    return source, tmp_path / "lessons"


def test_each_lesson_and_each_sheet_is_copied_once(folders):
    source, target = folders
    new = [p.relative_to(target).as_posix() for p in start.copy_missing(source, target)]
    assert new == ["00_one.ipynb", "exercises/00_one.ipynb"]
    found = sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file())
    assert found == new, "nothing else, and no .py twin"
    assert (target / "exercises/00_one.ipynb").read_text() == "first exercises/00_one.ipynb"


def test_a_copy_that_is_there_is_somebodys_work(folders):
    source, target = folders
    start.copy_missing(source, target)
    (target / "00_one.ipynb").write_text("my answer")
    (target / "exercises/00_one.ipynb").unlink()
    assert start.copy_missing(source, target) == [target / "exercises/00_one.ipynb"]
    assert (target / "00_one.ipynb").read_text() == "my answer"


def test_the_copies_are_of_all_lessons_and_git_does_not_see_them():
    ignored = (book.ROOT / ".gitignore").read_text().splitlines()
    assert f"/{start.COPIES.name}/" in ignored and start.COPIES.parent == book.ROOT
    assert all(book.NAME.fullmatch(p.stem) for p in book.FOLDER.glob("[0-9][0-9]_*.ipynb"))


@pytest.mark.parametrize("container, words", [(False, "as another user"), (True, "0.0.0.0")])
def test_root_is_told_what_to_do(container, words):
    with pytest.raises(JGMError, match="--allow-root") as error:
        start.check_root(["--port", "9000"], True, container)
    assert words in str(error.value) and "\n" not in str(error.value)
    start.check_root(["--allow-root"], True, container)
    start.check_root([], False, container)


def test_nothing_is_copied_before_root_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(start.os, "getuid", lambda: 0)
    monkeypatch.setattr(start, "copy_missing", lambda: pytest.fail("copied all the same"))
    assert start.main([]) == 2
    assert capsys.readouterr().err.startswith("root")


def test_the_users_own_options_come_last():
    found = start.command(["--port", "9000"])
    assert found[-2:] == ["--port", "9000"] and "--LabApp.news_url=None" in found
