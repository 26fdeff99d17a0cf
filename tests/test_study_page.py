"""The page of the study: what its notebook is, the plan of a folder, one clear line on bad input."""

import nbformat
import numpy as np
import pytest

from jgm_lib import study, study_page


@pytest.fixture
def room(tmp_path):
    rng = np.random.default_rng(0)
    made = {p: {f"secret{m}": rng.random((3, 8, 8)) for m in range(3)} for p in ("boat", "hill")}
    study.write_versions(tmp_path / "room", made)
    return tmp_path / "room"


@pytest.mark.parametrize("desk", [False, True])
def test_the_notebook_behind_the_page_runs_and_tells_no_method(room, desk):
    notebook = nbformat.from_dict(study_page.page(room, room.parent / "votes", desk=desk))
    nbformat.validate(notebook)
    source = notebook.cells[0].source
    assert "secret" not in source
    names = {}
    exec(source.replace("\nStudy", "\nwidget = Study"), names)
    assert type(names["widget"]).__name__ == ("StudyDesk" if desk else "StudyPanel")
    assert names["ballots"].path.parent == room.parent / "votes"


def test_other_pixels_are_another_study(room):
    plan, made = study.study_of(room)
    assert plan.pictures == ("boat", "hill") and plan.methods == ("secret0", "secret1", "secret2")
    assert study.study_of(room)[0] == plan and study.study_of(room, 1)[0].code != plan.code
    made["hill"]["secret1"][0, 0, 0] = 1 - made["hill"]["secret1"][0, 0, 0]
    study.write_versions(room, made)
    assert study.study_of(room)[0].code != plan.code


def test_methods_without_pictures_are_one_line(room, capsys):
    for path in room.glob("*/*.png"):
        path.rename(path.with_suffix(".jpg"))
    assert study_page.main([str(room), "--no-browser"]) == 2
    assert capsys.readouterr().err == f"{room}: no pictures; need METHOD/PICTURE.png\n"


@pytest.mark.parametrize(
    "argv, words",
    [
        (["nowhere"], "nowhere: 0 folders of methods"),
        (["{room}", "--votes", "{room}/secret0/boat.png"], "cannot be written"),
        (["{room}", "--ip", "nowhere"], "ip 'nowhere'"),
        (["{room}", "--token", "short"], "at least 16"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(room, argv, words, capsys, monkeypatch):
    pytest.importorskip("voila", reason="voila is not installed")
    monkeypatch.chdir(room.parent)
    argv = [a.format(room=room) for a in argv]
    assert study_page.main([*argv, "--no-browser"]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
