"""The panel without a browser: latest wins, sketches, Stop, cache, errors, cards, traces."""

import dataclasses
import io
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
import yaml
from panel_maker import WAIT, png, send
from PIL import Image

from jgm_lib import familiar
from jgm_lib.colorize import Colorizer
from jgm_lib.data import samples
from jgm_lib.errors import JGMError
from jgm_lib.operators import gray
from jgm_lib.params import KNOBS, ColorizeCard, limits, validate
from jgm_lib.result import full_size
from jgm_lib.widgets import (
    ColorizePanel,
    album,
    compute,
    controls,
    curves,
    drawing,
    engine,
    scene,
    shown,
)
from jgm_lib.widgets.worker import LatestWorker, Throttle

# -- the worker --------------------------------------------------------------------------------


class Recorder:
    """A job that notes what it was asked for and works in steps until a gate opens."""

    def __init__(self):
        self.seen, self.finished, self.errors = [], [], []
        self.entered, self.gate = threading.Event(), threading.Event()

    def __call__(self, value, coarse, wanted):
        self.seen.append((value, coarse, threading.current_thread().name, torch.is_grad_enabled()))
        self.entered.set()
        while not self.gate.wait(0.001):
            if not wanted():
                return
        self.finished.append((value, coarse))


def test_the_newest_request_wins_and_those_between_never_start():
    job = Recorder()
    worker = LatestWorker(job, job.errors.append)
    worker.submit(0)
    assert job.entered.wait(WAIT)
    for value in range(1, 30):
        worker.submit(value)
    job.gate.set()
    assert worker.wait(WAIT)
    assert job.finished == [(29, False)] or job.finished == [(0, False), (29, False)]
    assert worker.runs["full"] <= 3 and job.seen[-1][0] == 29


def test_all_work_is_done_by_one_thread_without_gradients_and_not_by_the_caller():
    job = Recorder()
    job.gate.set()
    worker = LatestWorker(job, job.errors.append)
    callers = [threading.Thread(target=worker.submit, args=(i,)) for i in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert worker.wait(WAIT) and job.seen
    assert {name for _, _, name, _ in job.seen} == {"jgm-worker"}
    assert not any(grad for *_, grad in job.seen)


def test_a_drag_of_thirty_values_gives_sketches_and_one_full_run_of_the_last():
    job = Recorder()
    job.gate.set()
    worker = LatestWorker(job, job.errors.append, settle=0.2)
    for value in range(30):
        worker.submit(value, coarse=True)
    assert worker.wait(WAIT)
    assert worker.runs["full"] == 1 and 1 <= worker.runs["coarse"] <= 30
    assert job.finished[-2:] == [(29, True), (29, False)]


def test_stop_ends_the_run_and_drops_what_waits():
    job = Recorder()
    worker = LatestWorker(job, job.errors.append)
    worker.submit("a")
    assert job.entered.wait(WAIT)
    worker.submit("b", coarse=True)
    worker.stop()
    assert worker.wait(WAIT)
    assert job.finished == []


def test_stop_between_sketch_and_full_run_leaves_the_sketch():
    job = Recorder()
    job.gate.set()
    worker = LatestWorker(job, job.errors.append, settle=1e6)
    worker.submit("a", coarse=True)
    while not job.finished:
        assert job.entered.wait(WAIT)
    worker.stop()
    assert worker.wait(WAIT)
    assert job.finished == [("a", True)]


def test_an_error_that_escapes_is_reported_and_the_worker_lives_on():
    errors, done = [], []

    def run(value, coarse, wanted):
        done.append(1 / value)

    worker = LatestWorker(run, errors.append)
    worker.submit(0)
    assert worker.wait(WAIT)
    worker.submit(2)
    assert worker.wait(WAIT)
    assert done == [0.5] and isinstance(errors[0], ZeroDivisionError)


def test_the_thread_ends_when_idle_and_comes_back():
    job = Recorder()
    job.gate.set()
    worker = LatestWorker(job, job.errors.append, linger=0.01)
    for value in (1, 2):
        worker.submit(value)
        assert worker.wait(WAIT)
        thread = worker._thread
        if thread is not None:
            thread.join(WAIT)
        assert worker._thread is None
    assert job.finished == [(1, False), (2, False)]


def test_throttle_lets_through_at_most_its_rate():
    now = [0.0]
    throttle = Throttle(rate=10, clock=lambda: now[0])
    passed = 0
    for tick in range(1000):  # one second
        now[0] = tick / 1000
        passed += throttle.ready()
    assert passed == 10


# -- what is computed --------------------------------------------------------------------------


def test_compute_is_pure_and_the_same_as_the_library(card):
    photo = album.open_picture("toy-3")
    a, b = compute(card, photo), compute(card, photo)
    c = Colorizer.from_pretrained(card.weights).colorize(photo, **card.model_dump())
    assert torch.equal(a.samples, b.samples)
    assert torch.equal(a.samples, c.samples) and a.order == c.order
    assert [r["step"] for r in a.trace] == [r["step"] for r in c.trace] == [1, 2, 3]
    assert a.trace[-1]["psnr"] == pytest.approx(c.trace[-1]["psnr"], abs=1e-9)


def test_the_panel_computes_what_papermill_would(panel, card):
    ours = panel.run_sync()
    alone = compute(panel.card, album.open_picture("toy-1"))
    assert torch.equal(ours.samples, alone.samples)
    assert "of the best, chosen with the truth (oracle)" in panel.view.note.value


@pytest.mark.parametrize("sampler", KNOBS)
def test_a_sketch_costs_a_handful_of_evaluations(card, sampler):
    for corrections in (0, 1, 20):
        full = card.model_copy(
            update={"sampler": sampler, "steps": 50, "n": 6, "corrections": corrections}
        )
        sketch = engine.coarse(full)
        validate(ColorizeCard, sketch.model_dump())
        what = engine.subject(full, album.open_picture("toy-1"))
        *_, last = engine.follow(sketch, what.coarse())
        assert last.x.shape[0] == 1
        allowed = 1 + corrections if sampler == "predictor_corrector" else 0
        assert last.row["nfe"] <= max(engine.COARSE_EVALUATIONS, allowed)


@pytest.mark.parametrize("feedback", ["none", "level", "step", "renoise"])
def test_a_sketch_of_stable_settings_is_stable(card, feedback):
    for lam, T in ((0.0, 1), (1.0, 100), (50.0, 1000)):
        longest = 3.9 * card.sigma_L**2 / (1 + lam)
        for epsilon in (0.0, 1e-8, longest):
            full = card.model_copy(
                update={
                    "sampler": "langevin",
                    "lam": lam,
                    "T": T,
                    "epsilon": epsilon,
                    "feedback": feedback,
                }
            )
            validate(ColorizeCard, engine.coarse(engine.plain(full)).model_dump())


def test_steps_are_counted_right(card):
    what = engine.subject(card, album.open_picture("toy-1"))
    for sampler in KNOBS:
        one = card.model_copy(update={"sampler": sampler, "L": 2, "T": 2, "solver": "heun"})
        frames = list(engine.follow(one, what))
        assert [f.row["step"] for f in frames] == list(range(1, one.states + 1))
        assert {f.total for f in frames} == {one.states}


# -- pictures ----------------------------------------------------------------------------------


def test_every_picture_of_the_chooser_opens():
    for name in album.picture_names():
        photo = album.open_picture(name)
        assert photo.name == name and album.credit(name)


@pytest.mark.parametrize("name", ["nobody", "toy", "toy-", "toy-x", "toy--1", "toy-1e3", ""])
def test_an_unknown_picture_is_one_clear_line(name):
    with pytest.raises(JGMError) as error:
        album.open_picture(name)
    assert "\n" not in str(error.value)


def test_uploads_are_limited_in_bytes_and_pixels(monkeypatch):
    assert album.open_upload("a.png", png()).size == (16, 24)
    monkeypatch.setattr(album, "MAX_PIXELS", 100)
    with pytest.raises(JGMError, match="a.png: .*pixels"):
        album.open_upload("a.png", png())
    monkeypatch.setattr(album, "MAX_UPLOAD", 10)
    with pytest.raises(JGMError, match="a.png: .* MB; allowed are"):
        album.open_upload("a.png", png())


def test_a_second_upload_of_the_same_name_is_another_picture(panel):
    send(panel, "a.png", png((24, 16)))
    assert panel.worker.wait(WAIT) and panel.done.subject.photo.size == (16, 24)
    send(panel, "a.png", png((30, 20)))
    assert panel.worker.wait(WAIT) and panel.done.subject.photo.size == (20, 30)
    assert [n for n in panel.view.chooser.options if n.startswith(album.YOURS)] == [
        "your photo: a.png"
    ]


def test_a_bad_file_gives_a_message_and_the_panel_goes_on(panel):
    send(panel, "bad<b>.png", b"no picture at all")
    assert panel.worker.wait(WAIT)
    message = panel.view.message.value
    assert "bad&lt;b&gt;.png: not a picture" in message and "Traceback" not in message
    assert panel.picture in album.picture_names()
    panel.start()
    assert panel.worker.wait(WAIT)
    assert panel.view.message.value == "" and panel.error is None


def test_an_upload_that_is_too_large_never_reaches_the_decoder(panel):
    send(panel, "big.jpg", b"x", size=30_000_000)
    assert "30.0 MB; allowed are 20 MB" in panel.view.message.value
    assert panel.worker.runs == {"coarse": 0, "full": 0}


# -- the panel ---------------------------------------------------------------------------------


def test_dragging_a_slider_through_thirty_values(panel):
    panel.worker.settle = 0.5
    stops = [v for _, v in panel.view.knobs["sigma_max"].options][:30]
    for value in stops:
        panel.view.knobs["sigma_max"].value = value
    assert panel.worker.wait(WAIT)
    assert panel.card.sigma_max == stops[-1]
    assert panel.worker.runs["full"] <= 3
    assert panel.done.card == panel.card and panel.result.trace[0]["sigma"] == stops[-1]


def test_callbacks_do_not_compute(panel, monkeypatch):
    def forbidden(*args):
        assert threading.current_thread().name == "jgm-worker"
        raise JGMError("stop here")

    monkeypatch.setattr(engine, "subject", forbidden)
    panel.view.knobs["seed"].value = 5
    panel.view.go.click()
    panel.view.chooser.value = "toy-2"
    assert panel.worker.wait(WAIT)
    assert "stop here" in panel.view.message.value


def test_a_run_seen_before_comes_from_memory(panel, monkeypatch):
    panel.run_sync()
    first = panel.done.x
    panel.view.knobs["seed"].value = 7
    assert panel.worker.wait(WAIT)
    assert not torch.equal(panel.done.x, first)

    def forbidden(*args):
        raise AssertionError("computed again")

    monkeypatch.setattr(engine, "follow", forbidden)
    panel.view.knobs["seed"].value = 0
    assert panel.worker.wait(WAIT)
    assert torch.equal(panel.done.x, first) and "from memory" in panel.view.label.value


def test_the_memory_forgets_the_oldest(panel, monkeypatch):
    monkeypatch.setattr("jgm_lib.widgets.computing.CACHE", 3)
    for seed in range(5):
        panel.card = panel.card.model_copy(update={"seed": seed})
        panel.run_sync()
    assert [yaml.safe_load(key[0])["seed"] for key in panel._cache] == [2, 3, 4]


def test_stop_during_a_run(panel):
    entered, real = threading.Event(), panel.view.show
    panel.view.show = lambda *a: (real(*a), entered.set())
    panel.card = panel.card.model_copy(update={"steps": 2000})
    panel.start()
    assert entered.wait(WAIT)
    panel.view.halt.click()
    assert panel.worker.wait(WAIT)
    assert panel.done is None and panel.view.label.value.startswith("Stopped")


def test_errors_are_shown_in_the_panel_and_go_away(panel):
    card = panel.card
    panel.card = card.model_copy(update={"weights": "nowhere"})
    panel.start()
    assert panel.worker.wait(WAIT)
    message = panel.view.message.value
    assert "no weights" in message and 'role="alert"' in message and "<details>" not in message
    assert isinstance(panel.error, JGMError)
    panel.card = card
    panel.start()
    assert panel.worker.wait(WAIT)
    assert panel.view.message.value == "" and panel.error is None and panel.done.card == card


def test_an_unexpected_error_keeps_its_trace_for_developers(panel, monkeypatch):
    def broken(*args):
        raise RuntimeError("a <bug>")

    monkeypatch.setattr(engine, "follow", broken)
    panel.start()
    assert panel.worker.wait(WAIT)
    message = panel.view.message.value
    assert "RuntimeError: a &lt;bug&gt;" in message and "<details>" in message


def test_only_the_knobs_that_the_sampler_reads_are_offered(panel):
    for sampler in KNOBS:
        panel.card = panel.card.model_copy(update={"sampler": sampler})
        offered = {n for n, k in panel.view.knobs.items() if k.layout.display != "none"}
        assert offered == {*controls.COMMON, *KNOBS[sampler]}


def test_every_field_but_the_weights_has_a_control_with_the_cards_words(panel):
    assert set(panel.view.knobs) == set(ColorizeCard.model_fields) - {"weights", "points"}
    for name, knob in panel.view.knobs.items():
        assert ColorizeCard.model_fields[name].description in knob.tooltip


@pytest.mark.parametrize(
    "name", [n for n, f in ColorizeCard.model_fields.items() if f.metadata and n != "seed"]
)
def test_a_slider_spans_the_whole_range_of_its_knob(name):
    default = ColorizeCard.model_fields[name].default
    stops, (low, high) = controls.options(name, default), limits(ColorizeCard, name)
    assert stops[0] == low and stops[-1] == high and default in stops
    assert all(type(v) is type(default) for v in stops) and stops == sorted(set(stops))
    assert len(stops) >= (30 if name in ("lam", "beta") else 10)


# -- what one should know of a photo -----------------------------------------------------------


def test_notes_stand_under_the_numbers_once_and_escaped(panel, monkeypatch):
    asked = []

    def unlike(card, seen):
        asked.append(tuple(seen.shape))
        return ["unlike <b>anything</b> & far"]

    monkeypatch.setattr(familiar, "notes", unlike)
    result = panel.run_sync()
    said = panel.view.note.value
    assert "Note: unlike &lt;b&gt;anything&lt;/b&gt; &amp; far." in said
    assert said.index("RMS |Fx - y|") < said.index("Note:") < said.index("split:")
    assert result.notes == ["unlike <b>anything</b> & far"]
    panel.run_sync()
    h, w = panel.done.subject.y_small.shape[-2:]
    assert asked == [(1, 1, h, w)]  # once a photo, at the size the prior sees


def test_the_border_of_a_scan_and_a_bad_profile_are_told_as_by_the_command(card, monkeypatch):
    cat = np.asarray(samples.load("chelsea"), np.float32) / 255
    mount = np.pad(cat, ((40, 40), (40, 40), (0, 0)), constant_values=0.85)
    read = engine.read_photo(mount)
    photo = dataclasses.replace(read, notes=("colour profile ignored: <odd>",))
    result = engine.compute(card, photo)
    colorized = engine.colorizer(card.weights).colorize(photo, n=1, steps=1)
    assert result.notes == colorized.notes and "is left grey" in result.notes[0]
    panel = ColorizePanel(card, picture=photo)
    panel.run_sync()
    told = f"Note: colour profile ignored: &lt;odd&gt;; {result.notes[0]}."
    assert told in panel.view.note.value
    panel.stop()


def test_where_nothing_is_to_be_known_nothing_is_said(panel):
    assert panel.run_sync().notes == [] and "Note:" not in panel.view.note.value


# -- cards -------------------------------------------------------------------------------------


ODD = {
    "sampler": "langevin",
    "gray": "bt601",
    "n": 7,
    "seed": 123456,
    "lam": 1.2345,
    "beta": 0.0,
    "sigma_1": 0.777,
    "sigma_L": 0.0123,
    "L": 13,
    "T": 17,
    "epsilon": 5.4e-6,
    "feedback": "renoise",
    "boundary": "periodic",
    "eta": 0.123,
    "steps": 33,
}


def test_the_copied_card_is_read_back_exactly(panel, card, tmp_path):
    odd = card.model_copy(update=ODD)
    panel.card = odd
    assert panel.card == odd
    text = panel.view.text.value
    assert validate(ColorizeCard, yaml.safe_load(text)) == odd
    other = ColorizePanel(picture="toy-1")
    other.load_card(text)
    assert other.card == odd
    assert {n: k.value for n, k in other.view.knobs.items()} == odd.model_dump(
        exclude={"weights", "points"}
    )


def test_a_moved_slider_changes_its_field_alone(panel, card):
    panel.card = card.model_copy(update=ODD)
    panel.view.knobs["lam"].value = 2.0
    panel.stop()
    assert panel.card == card.model_copy(update={**ODD, "lam": 2.0})
    assert yaml.safe_load(panel.view.text.value)["lam"] == 2.0


def test_a_richer_card_gives_its_colorization_fields():
    class Demo(ColorizeCard):
        out: str = "out"

    assert ColorizePanel(Demo(n=3), picture="toy-1").card == ColorizeCard(n=3)


@pytest.mark.parametrize("text, words", [
    ("beta: -1", "beta=-1"), ("nothing", "need lines"), ("[1, 2]", "need lines"),
    ("lambda: 1", "lambda: unknown name"), ("a: [", "not readable"), ("n: 2.5", "n=2.5"),
    ("!!python/object/apply:os.system [true]", "not readable"), ("1: 2", "need lines"),
    ("lam: .nan", "lam=nan"),
])  # fmt: skip
def test_a_bad_card_is_refused_in_one_line_and_changes_nothing(panel, card, text, words):
    panel.view.text.value = text
    panel.view.apply.click()
    assert words in panel.view.message.value and str(panel.error).count("\n") == 0
    assert panel.card == card and panel.worker.runs == {"coarse": 0, "full": 0}


# -- pictures of the panel ---------------------------------------------------------------------


def test_frames_have_the_preset_size_and_change(panel):
    before = panel.view.image.value
    panel.run_sync()
    for widget, size in ((panel.view.image, shown.BOARD), (panel.view.plot, shown.TRACES)):
        image = Image.open(io.BytesIO(widget.value))
        assert image.size == size and image.format == "JPEG"
        assert (widget.width, widget.height) == tuple(map(str, size))
    assert panel.view.image.value != before


def test_the_curtain_shows_grey_on_its_left_and_colour_on_its_right(panel):
    panel.run_sync()
    red = torch.zeros_like(panel.done.x)
    red[:, 0] = 1.0
    panel._seen = dataclasses.replace(panel._seen, x=red, kind=scene.RUN)
    panel.view.mode.value = "before | after"
    panel.view.cut.value = 0.25
    assert panel.worker.wait(WAIT)
    page = np.asarray(Image.open(io.BytesIO(panel.view.image.value)).convert("RGB")).astype(int)
    w, h = shown.BOARD
    left, top = (w - (h - drawing.CAPTION - drawing.GAP)) // 2, 0
    side = h - drawing.CAPTION - drawing.GAP
    area = page[top + 9 : top + side - 9, left : left + side]
    excess = area[..., 0] - area[..., 1:].max(-1)
    assert excess[:, : side // 4 - 12].max() < 30
    assert excess[:, side // 4 + 12 : -12].min() > 200


def page_of(panel) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(panel.view.image.value)).convert("RGB")).astype(int)


def test_spread_mode_shows_where_the_versions_differ(panel):
    panel.run_sync()
    x = torch.full_like(panel.done.x, 0.5)  # two versions that differ on the right half alone
    x[0, :, :, 8:] += 0.05
    panel._seen = dataclasses.replace(panel._seen, x=x)
    panel.view.mode.value = "spread"
    assert panel.worker.wait(WAIT)
    assert panel.view.cut.layout.display == "none"
    page, (w, h) = page_of(panel), shown.BOARD
    left, room, tall = round(0.24 * w) + 16, w - round(0.24 * w) - 16 - 70, h - 26
    middle = left + room // 2
    dark, bright = page[40 : tall - 40, middle - 90], page[40 : tall - 40, middle + 90]
    assert dark.max() < 20
    spread = 255 * 0.05 / 2**0.5  # of two values 0.05 apart, all three colours alike: 9 levels
    expected = 255 * np.array(drawing.matplotlib.colormaps["inferno"](spread / 10.0)[:3])
    assert np.abs(bright - expected).max() < 12  # the scale ends at 10; JPEG
    panel.view.mode.value = "versions"
    assert panel.worker.wait(WAIT) and not np.array_equal(page_of(panel), page)


def test_the_spread_page_tells_the_number_of_the_result(panel, monkeypatch):
    captions = []
    monkeypatch.setattr(
        drawing,
        "heat_page",
        lambda grey, levels, caption: captions.append(caption) or drawing.Image.new("RGB", (9, 9)),
    )
    result = panel.run_sync()
    panel.view.mode.value = "spread"
    assert panel.worker.wait(WAIT)  # the page that the new mode asks for, painted in its thread
    captions.clear()
    panel.view.paint(panel._seen)
    panel.view.paint(dataclasses.replace(panel._seen, x=panel.done.x[:1], kind=scene.RUN))
    assert f"versions differ by {result.spread_levels:.1f} levels of 255" == captions[0]
    assert captions[1].startswith("step 3, σ = 0.03: one version")


def test_the_curtain_is_there_in_its_mode_alone(panel):
    for mode in panel.view.mode.options:
        panel.view.mode.value = mode
        assert panel.view.cut.layout.display == (None if mode == shown.CURTAIN else "none")


@pytest.mark.parametrize(
    "values, top", [([0, 0], 5), ([4.9, 4.9], 5), ([5, 5], 5), ([5.1, 5.1], 10), ([70, 70], 80)]
)
def test_scales_end_at_round_levels(values, top):
    assert drawing.scale_top(np.array(values, float)) == top


def test_heat_maps_of_any_shape_have_a_scale():
    bar = [
        np.array(drawing.heat(np.full((2, 2), v), 10.0, (3, 3)))[1, 1].sum() for v in (0, 5, 10, 99)
    ]
    assert bar[0] < 30 and bar[0] < bar[1] < bar[2] == bar[3]
    for shape in ((1, 1), (200, 3), (3, 200), (64, 85)):
        grey = drawing.Image.new("RGB", shape[::-1])
        page = drawing.heat_page(grey, np.zeros(shape), "flat")
        assert page.size == shown.BOARD
        column = np.asarray(page)[30:380, shown.BOARD[0] - 50].sum(-1).astype(int)
        assert (np.diff(column) <= 6).all() and column[0] > column[-1]  # light above, dark below


def test_a_noisy_state_is_shown_with_its_noise_and_a_clean_one_sharp():
    photo = album.open_picture("toy-1")
    y = torch.from_numpy(photo.to_gray())[None]
    f = torch.full((3,), 1 / 3)
    tint = torch.tensor([0.3, 0.0, -0.3]).view(3, 1, 1)  # leaves the gamut in places
    clean = engine.reduce(y, 16, 16) + tint
    coloured = torch.from_numpy(np.ascontiguousarray(shown.sharpened(clean, y, f)))
    assert coloured.shape == (3, *y.shape[1:])
    assert (
        gray(coloured[None], f)[0] - y
    ).abs().max() < 1e-6  # the panel keeps F x = y, as files do
    assert np.array_equal(np.moveaxis(coloured.numpy(), 0, -1), full_size(clean, y, f))
    noisy = clean + 0.3 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    assert np.array_equal(shown.sharpened(noisy, y, f), noisy.numpy())


@pytest.mark.parametrize("aspect", [0.2, 1.0, 1.5, 6.0])
def test_the_board_uses_its_room(aspect):
    for n in range(1, 17):
        columns = drawing.best_columns(n, 560, 430, aspect)
        assert 1 <= columns <= n
    assert drawing.best_columns(4, 560, 430, 1.5) == 2
    assert drawing.best_columns(3, 2000, 300, 1.0) == 3


def test_traces_take_what_a_sampler_can_give():
    rows = [
        {"step": i + 1, "sigma": 10.0**-i, "residual": 0.0, "psnr": p}
        for i, p in enumerate([5.0, float("inf"), 7.0])
    ]
    for known in (
        rows,
        rows[:1],
        [{k: r[k] for k in ("step", "sigma", "residual")} for r in rows],
        [],
    ):
        image = curves.traces(known, 3)
        assert image.size == shown.TRACES
    assert np.asarray(curves.traces(rows, 3)).std() > np.asarray(curves.traces([], 3)).std()


def test_dashes_cover_their_share_of_the_line():
    drawn = sum(abs(b[0] - a[0]) for a, b in curves.dashes([(0, 0), (50, 0), (160, 0)], 10, 6))
    assert drawn == pytest.approx(100)


# -- where there are no widgets ----------------------------------------------------------------


def test_a_front_end_without_widgets_says_what_to_do(panel):
    bundle = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "panel.run_sync()" in bundle["text/plain"] and "make lab" in bundle["text/plain"]


def test_without_ipywidgets_there_is_one_line_and_compute_still_works():
    code = (
        "import sys; sys.modules['ipywidgets'] = None\n"
        "import jgm_lib.widgets as w\n"
        "w.compute\n"
        "try:\n    w.ColorizePanel\n"
        "except ValueError as error:\n    print(type(error).__name__, error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.startswith("JGMError the panel needs ipywidgets")
    assert out.stdout.count("\n") == 1
