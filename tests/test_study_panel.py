"""The panel of the study: numbers from the page, whole screens, Back, and no torch."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jgm_lib import study
from jgm_lib.errors import JGMError
from jgm_lib.widgets.study_desk import StudyDesk
from jgm_lib.widgets.study_panel import StudyPanel
from jgm_lib.widgets.study_views import LARGE, SIDE, STYLE, encoded

METHODS = ("secret-one", "secret-two", "secret-three", "secret-four")


def plan(seed=5):
    return study.Study("s", ("pic0", "pic1", "pic2"), METHODS, seed)


def pictures_of(s):
    rng = np.random.default_rng(0)
    return {p: {m: rng.random((3, 8, 8), np.float32) for m in s.methods} for p in s.pictures}


@pytest.fixture
def ballots(tmp_path):
    return study.Ballots(tmp_path / "v.sqlite", plan())


def panel_of(ballots, **more):
    return StudyPanel(ballots.study, pictures_of(ballots.study), ballots, **more)


def fill(panel, score=50):
    for label in panel.study.labels:
        for indicator in study.INDICATORS:
            panel.answer(label, indicator, score)


def widgets_of(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from widgets_of(child)


def test_the_page_gives_the_number_and_shows_it(ballots):
    panels = [panel_of(ballots) for _ in range(2)]
    assert ballots.observers() == [], "looking at the page takes no number"
    for number, panel in enumerate(panels):
        panel.begin.click()
        assert panel.seat.observer == number
        assert f"observer <b>{number}</b>" in panel.head.value
    assert panel_of(ballots, first=40).start() == 40


def test_the_panel_writes_what_the_sliders_say(ballots):
    s, panel = plan(), panel_of(ballots)
    panel.start()
    assert not panel.submit() and "missing: A 1, A 2, A 3, B 1" in panel.message.value
    fill(panel)
    panel.columns[3].sliders[2].show(None)
    assert not panel.submit() and "missing: D 3<" in panel.message.value
    assert ballots.votes() == [], "no half screens"
    panel.run_sync(lambda picture, label, indicator: 7 * (label == "B") + (indicator == "edges"))
    assert panel.finished and panel.next.disabled and not panel.submit()
    scores = study.unblind(s, ballots.votes())
    for t in s.trials(0):
        wanted = np.zeros((4, 3))
        wanted[s.methods.index(t.methods[1])] = 7
        wanted[:, 2] += 1
        np.testing.assert_array_equal(scores[0, s.pictures.index(t.picture)], wanted)


def test_the_middle_counts_only_after_a_move(ballots):
    panel = panel_of(ballots)
    panel.start()
    slider = panel.columns[0].sliders[0]
    assert slider.slider.value == 50 and slider.score is None and slider.said.value == "–"
    slider.slider.value = 51
    slider.slider.value = 50
    assert slider.score == 50 and slider.said.value == "50"


def test_back_shows_what_was_said_and_the_change_counts(ballots):
    panel = panel_of(ballots)
    panel.start()
    assert panel.previous.disabled
    first = [c.view.value for c in panel.columns]
    fill(panel, 10)
    panel.next.click()
    assert panel.at == 1 and all(v is None for c in panel.columns for v in c.scores)
    assert [c.view.value for c in panel.columns] != first and panel.progress.value == 1
    panel.previous.click()
    assert panel.at == 0 and [c.view.value for c in panel.columns] == first
    assert all(v == 10 for c in panel.columns for v in c.scores)
    panel.answer("A", "edges", 99)
    panel.next.click()
    assert panel.at == 1 and ballots.given(0)[0]["A"] == (10, 10, 99)
    panel.run_sync(lambda *_: 5)
    panel.previous.click()
    assert not panel.finished and "Picture 3 of 3" in panel.head.value
    assert panel.box.children.index(panel.buttons) and not panel.next.disabled


def test_an_observer_comes_back_and_goes_on(ballots):
    panel = panel_of(ballots)
    panel.start()
    fill(panel)
    panel.submit()
    again = panel_of(ballots)
    again.number.value = 0
    again.again.click()
    assert again.at == 1 and "Picture 2 of 3" in again.head.value
    fill(panel)
    assert not panel.submit() and "another window" in panel.message.value
    assert panel.at == 1, "the old window stays where it is"
    with pytest.raises(JGMError, match="another window"):
        panel.run_sync(lambda *_: 1)
    again.run_sync(lambda *_: 60)
    assert {v.scores[0] for v in ballots.votes()} == {50, 60}
    stranger = panel_of(ballots)
    stranger.number.value = 9
    stranger.again.click()
    assert "was not given yet" in stranger.message.value and stranger.seat is None


def test_votes_that_cannot_be_written_keep_the_screen(ballots):
    panel = panel_of(ballots)
    panel.start()
    fill(panel, 33)
    ballots.path.unlink()
    assert not panel.submit()
    assert "v.sqlite" in panel.message.value and panel.at == 0
    assert all(v == 33 for c in panel.columns for v in c.scores)


def test_the_screen_does_not_tell_the_methods(ballots):
    panel = panel_of(ballots)
    panel.start()
    texts = [str(w.get_state()) for w in widgets_of(panel.box)]
    assert len(texts) > 40 and not any("secret" in t or "pic0" in t for t in texts)


def test_pictures_are_large_whole_and_enlarged_by_a_click(ballots):
    """At least 320 pixels wide; as PNG, since JPEG would smear the edges that are judged."""
    panel = panel_of(ballots)
    panel.start()
    assert SIDE >= 320 and LARGE >= 2 * SIDE and f"width: {SIDE}px" in STYLE
    assert 'type="checkbox"' in panel.columns[0].view.value
    s = plan()
    made = pictures_of(s)
    for (p, m), png in encoded(s, made).items():
        pixels = np.asarray(Image.open(io.BytesIO(png)))
        np.testing.assert_array_equal(pixels, np.rint(255 * np.moveaxis(made[p][m], 0, -1)))


def test_a_missing_version_and_a_foreign_file_are_named(ballots):
    made = pictures_of(plan())
    del made["pic1"]["secret-two"]
    with pytest.raises(JGMError, match="no version of picture 'pic1' by 'secret-two'"):
        StudyPanel(plan(), made, ballots)
    with pytest.raises(JGMError, match="votes of study 's-.*this is 's-"):
        StudyPanel(plan(seed=6), pictures_of(plan()), ballots)


def test_the_desk_counts_the_unfinished_apart_and_writes_csv(ballots):
    desk = StudyDesk(ballots)
    assert "0 observers have finished" in desk.text.value
    for _ in range(2):
        panel_of(ballots).run_sync(lambda *_: 50)
    half = panel_of(ballots)
    half.start()
    fill(half)
    half.submit()
    panel_of(ballots).start()
    desk.look_button.click()
    assert desk.state() == {0: 3, 1: 3, 2: 1, 3: 0}
    assert desk.text.value == "2 observers have finished, 2 not yet: 2 (1 of 3), 3 (0 of 3)"
    desk.export_button.click()
    assert "28 votes written to" in desk.message.value
    assert len(desk.path.read_text().splitlines()) == 29
    ballots.path.unlink()
    assert not desk.export() and "v.sqlite" in desk.message.value


def test_the_page_loads_no_torch(tmp_path):
    """A room of thirty is thirty kernels: torch would cost each some hundred megabytes."""
    study.write_versions(tmp_path / "in", pictures_of(plan()))
    code = (
        "import sys\n"
        "from jgm_lib import study\n"
        "from jgm_lib.widgets.study_panel import StudyPanel\n"
        "from jgm_lib.widgets.study_desk import StudyDesk\n"
        "made = study.read_versions('in')\n"
        "s = study.Study('s', tuple(made), tuple(made['pic0']))\n"
        "b = study.Ballots('v.sqlite', s)\n"
        "StudyPanel(s, made, b).run_sync(lambda *_: 50)\n"
        "StudyDesk(b).export()\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'skimage', 'scipy'}))"
    )
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[]\n", done.stderr
    assert len(study.read_versions(tmp_path / "in")) == 3


# -- pictures as a folder ------------------------------------------------------------------------


def test_versions_come_back_from_their_folder(tmp_path):
    made = pictures_of(plan())
    study.write_versions(tmp_path, made)
    back = study.read_versions(tmp_path)
    assert list(back) == ["pic0", "pic1", "pic2"] and set(back["pic0"]) == set(METHODS)
    np.testing.assert_allclose(back["pic1"][METHODS[2]], made["pic1"][METHODS[2]], atol=0.002)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: (d / "secret-two" / "pic1.png").unlink(), "'secret-two' lacks pic1.png"),
        (lambda d: (d / "secret-two" / "pic1.png").write_text("x"), "not a readable picture"),
        (lambda d: Image.new("RGB", (9, 8)).save(d / "secret-two" / "pic1.png"), "differ in size"),
    ],
)
def test_a_folder_that_is_no_study_is_named(tmp_path, change, message):
    study.write_versions(tmp_path, pictures_of(plan()))
    change(tmp_path)
    with pytest.raises(JGMError, match=message):
        study.read_versions(tmp_path)
    with pytest.raises(JGMError, match="0 folders of methods"):
        study.read_versions(tmp_path / "secret-two")
    with pytest.raises(JGMError, match="need a name that a file can have"):
        study.write_versions(tmp_path, {"a/b": {"m": np.zeros((3, 2, 2))}})
