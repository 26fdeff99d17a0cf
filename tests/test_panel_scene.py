"""After Stop or an error the panel shows one run, whole or marked as unfinished, never parts of two."""

import threading

import pytest
import torch
from panel_maker import WAIT, png, screen, send

from jgm_lib.errors import JGMError
from jgm_lib.widgets import album, curves, drawing, engine


def halted(panel, monkeypatch, at: int) -> None:
    """Start a run and press Stop just when the sampler has done its step ``at``."""
    real = engine.follow

    def follow(*job):
        for frame in real(*job):
            if frame.row["step"] == at + 1:
                panel.view.halt.click()
            yield frame

    monkeypatch.setattr(engine, "follow", follow)
    panel.start()
    assert panel.worker.wait(WAIT)
    monkeypatch.setattr(engine, "follow", real)


@pytest.mark.parametrize("at", [1, 7])
def test_after_stop_all_is_of_one_step_and_marked_as_unfinished(panel, monkeypatch, at):
    panel.run_sync()
    panel.card = panel.card.model_copy(update={"steps": 40, "seed": 3})
    halted(panel, monkeypatch, at)
    what = panel._subject(*panel._job())
    frames = [f for _, f in zip(range(at), engine.follow(panel.card, what), strict=False)]
    seen, plot = panel._seen, drawing.encode(curves.traces([f.row for f in frames], 40))
    assert torch.equal(seen.x, frames[-1].x) and seen.caption.startswith(f"stopped: step {at},")
    assert screen(panel)["trace"] == plot and screen(panel)["bar"] == (at, 40)
    assert screen(panel)["line"] == f"Stopped at step {at} of 40: unfinished."
    assert "Unfinished" in panel.view.note.value and "PSNR" not in panel.view.note.value
    assert "steps = 40" in panel.view.note.value
    assert panel.result.trace[-1]["step"] == 3  # the run that was finished


def test_stop_before_the_first_step_of_another_picture_shows_nothing_of_the_first(
    panel, monkeypatch
):
    panel.run_sync()
    before, real = screen(panel), engine.subject
    monkeypatch.setattr(engine, "subject", lambda *job: panel.view.halt.click() or real(*job))
    panel.view.chooser.value = "toy-2"
    assert panel.worker.wait(WAIT)
    after = screen(panel)
    assert all(after[k] != before[k] for k in before)
    assert after["numbers"] == "" and after["bar"][0] == 0 and after["line"] == "Stopped."


def test_stop_at_a_sketch_marks_the_sketch(panel):
    panel.run_sync()
    panel.worker.settle = 1e6
    panel.view.knobs["eta"].value = 0.5
    while "Sketch" not in panel.view.label.value:
        threading.Event().wait(0.01)
    assert "PSNR" not in panel.view.note.value  # the numbers of the run before are gone
    panel.view.halt.click()
    assert panel.worker.wait(WAIT)
    assert panel.view.label.value == "Stopped at sketch: unfinished."
    assert panel._seen.caption == "stopped: sketch" and "Unfinished" in panel.view.note.value
    assert screen(panel)["bar"] == (panel._seen.total, panel._seen.total)


def test_stop_when_nothing_runs_leaves_the_finished_run(panel):
    panel.run_sync()
    before = screen(panel)
    panel.view.halt.click()
    assert panel.worker.wait(WAIT)
    assert screen(panel) == {**before, "line": f"Stopped. Shown: {before['line']}"}


def test_after_an_error_in_the_middle_the_finished_run_is_back_whole(panel, monkeypatch):
    panel.run_sync()
    before, real = screen(panel), engine.follow

    def follow(*job):
        frames = real(*job)
        yield from (next(frames) for _ in range(3))
        raise JGMError("diverges at step 4")

    panel._throttle.gap = 0  # every step is painted
    monkeypatch.setattr(engine, "follow", follow)
    panel.card = panel.card.model_copy(update={"steps": 9})
    panel.start()
    assert panel.worker.wait(WAIT)
    line = f"Not done; see the message. Shown: {before['line']}"
    assert "diverges at step 4" in panel.view.message.value
    assert screen(panel) == {**before, "line": line}
    panel.view.chooser.value = "toy-2"  # whose run fails too: nothing of toy-1 stays
    assert panel.worker.wait(WAIT)
    assert screen(panel)["numbers"] == "" and screen(panel)["picture"] != before["picture"]
    assert panel.view.label.value == "Not done; see the message."


def test_a_bad_file_keeps_the_good_one_before_it_chosen_and_shown(panel):
    send(panel, "good.png", png())
    assert panel.worker.wait(WAIT)
    before, options = screen(panel), panel.view.chooser.options
    send(panel, "bad.png", b"no picture at all")
    assert panel.worker.wait(WAIT)
    assert "bad.png: not a picture" in panel.view.message.value
    assert panel.picture == "your photo: good.png" and panel.view.chooser.options == options
    line = f"Not done; see the message. Shown: {before['line']}"
    assert screen(panel) == {**before, "line": line}
    panel.view.knobs["seed"].value = 4
    assert panel.worker.wait(WAIT)
    assert panel.done.subject.photo.name == "good.png" and panel.done.card.seed == 4


def test_what_is_chosen_while_a_file_is_decoded_stays_chosen(panel, monkeypatch):
    real, opened = album.open_upload, threading.Event()

    def slow(*file):
        assert opened.wait(WAIT)
        return real(*file)

    monkeypatch.setattr(album, "open_upload", slow)
    send(panel, "late.png", png())
    panel.view.chooser.value = "toy-2"
    opened.set()
    assert panel.worker.wait(WAIT)
    assert panel.picture == "toy-2" and panel._seen.picture.name == "toy-2"
