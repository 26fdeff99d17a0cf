"""The colorization panel: sliders, a live picture, traces, in JupyterLab and in Voila.

Callbacks only read a value and leave a request with the worker. The worker alone computes, draws
and assigns ``Image.value``, at most twelve times a second.
"""

import html
import threading
import time
import traceback
from collections import OrderedDict

from ..errors import JGMError
from ..params import ColorizeCard
from ..samplers import presets
from . import controls, engine, views
from .album import Album, Key, check_upload, credit, picture_names
from .worker import LatestWorker, Throttle

CACHE = 24  # finished runs, small pictures only


class ColorizePanel:
    """Colorize with live sliders.

    ``card``: settings to start from (default ColorizeCard()); ``picture``: a name of the chooser,
    or anything ``read_photo`` takes; ``pictures``: the chooser's names. ``panel.card`` are the
    settings now, ``panel.result`` the last finished Result, ``panel.run_sync()`` computes here and
    now without a browser, ``panel.start()`` in the background. Raises JGMError for a card or a
    picture that is none.
    """

    def __init__(self, card: ColorizeCard | None = None, picture="china", pictures=None):
        self._lock = threading.RLock()
        self._card = engine.plain(card or ColorizeCard())
        self.album = Album(pictures or picture_names())
        self._subjects: OrderedDict = OrderedDict()
        self._cache: OrderedDict = OrderedDict()
        self._throttle, self._seen = Throttle(12.0), None
        self.error: Exception | None = None
        self.done: engine.Done | None = None
        self.worker = LatestWorker(self._work, self._show_error)
        self._quiet = False  # True while the panel itself moves its controls
        self.view = views.View(self._card, self.album.names())
        self._connect()
        self.picture = picture
        self._show_card()

    @property
    def card(self) -> ColorizeCard:
        """The settings as they are now; what does not fit together is refused when it runs."""
        return self._card

    @card.setter
    def card(self, card: ColorizeCard) -> None:
        with self._lock:
            self._card, self._quiet = engine.plain(card), True
            try:
                for name, widget in self.view.knobs.items():
                    controls.set_value(widget, getattr(self._card, name))
            finally:
                self._quiet = False
            self._show_card()

    @property
    def picture(self) -> str:
        """The name of the chosen picture."""
        return self.view.chooser.value

    @picture.setter
    def picture(self, picture) -> None:
        self._select(self.album.add(picture))

    @property
    def card_text(self) -> str:
        """The settings as YAML, which ``ColorizeCard`` and papermill read back."""
        return controls.text_of(self._card)

    def load_card(self, text: str) -> None:
        """Take over settings from YAML text; JGMError, and nothing changes, if they are none."""
        self.card = controls.card_of(text)

    @property
    def result(self):
        """The last finished run as a ``Result`` (images, mean, trace, save), or None."""
        return self.done.result if self.done else None

    def start(self) -> "ColorizePanel":
        """Colorize with the settings of now, in the background."""
        self._submit(coarse=False)
        return self

    def stop(self) -> None:
        """Give up what is under way."""
        self.worker.stop()

    def run_sync(self):
        """Colorize now, in this thread, without a browser; the panel shows it. -> Result."""
        self.worker.stop()
        self.worker.wait()
        started, (card, picture) = time.monotonic(), self._job()
        job = engine.plain(card), picture
        done = engine.run(job[0], self._subject(*job))
        self._clear_error()
        self._finish(job, done, time.monotonic() - started)
        return self.result

    def snapshot(self):
        """What the panel shows now, board above traces, as one Pillow picture."""
        return views.still(self.view.image.value, self.view.plot.value)

    def _job(self) -> tuple[ColorizeCard, Key]:
        with self._lock:
            return self._card, self.album.key(self.view.chooser.value)

    def _submit(self, coarse: bool) -> None:
        self.worker.submit(self._job(), coarse)

    def _work(self, job, coarse: bool, wanted) -> None:
        """In the worker: one coarse or full run, its frames and its end."""
        try:
            job = engine.plain(job[0]), job[1]
            self._sketch(job, wanted) if coarse else self._colorize(job, wanted)
            if wanted():
                self._clear_error()
        except Exception as error:  # shown to the learner; the trace is one click away
            if wanted():
                self._show_error(error)

    def _sketch(self, job, wanted) -> None:
        if engine.job_key(job) in self._cache:
            return  # the full answer comes at once after this
        card, what = job[0], self._subject(*job)
        x = None
        for frame in engine.sketch(card, what):
            x = frame.x
            if not wanted():
                break
        if x is not None and (wanted() or self._throttle.ready()):
            self._publish(x, what, "sketch")
            self.view.say("Sketch; the full picture follows when the slider rests.")

    def _colorize(self, job, wanted) -> None:
        card, what = job[0], self._subject(*job)
        if (kept := self._cache.get(engine.job_key(job))) is not None:
            self._finish(job, engine.Done(card, what, *kept), None)
            return
        trace, x, started = [], None, time.monotonic()
        for frame in engine.follow(card, what):
            if not wanted():
                self.view.say(f"Stopped at step {frame.row['step']} of {frame.total}.")
                return
            x = frame.x
            trace.append(frame.row)
            if self._throttle.ready():
                self._publish(x, what, views.step_text(frame.row))
                self.view.trace(trace, frame.total)
                self.view.progress(frame.row["step"], frame.total, time.monotonic() - started)
        done = engine.Done.from_last(card, what, x, trace)
        self._finish(job, done, time.monotonic() - started)

    def _finish(self, job, done: engine.Done, seconds: float | None) -> None:
        self._cache[engine.job_key(job)] = done.x, done.order, done.trace
        self._cache.move_to_end(engine.job_key(job))
        shorten(self._cache, CACHE)
        self.done = done
        self._publish(done.x, done.subject, None)
        self.view.trace(done.trace, engine.steps(done.card))
        self.view.finished(done, seconds, self.worker.runs["full"])

    def _subject(self, card: ColorizeCard, picture: Key) -> engine.Subject:
        """The photo of a job, decoded and grayed once; the last two are kept."""
        key = picture, card.gray, card.weights
        if key not in self._subjects:
            self.view.say("Reading the photo ...")
            self._subjects[key] = engine.subject(card, self._photo(picture))
        self._subjects.move_to_end(key)
        shorten(self._subjects, 2)
        return self._subjects[key]

    def _photo(self, picture: Key):
        try:
            return self.album.photo(picture)
        except JGMError:
            if picture == self.album.key(self.view.chooser.value):
                self._select(self.album.forget(picture.name))
            raise

    def _publish(self, x, what: engine.Subject, note: str | None) -> None:
        self._seen = x, what, note
        self.view.paint(x, what, note)

    def _connect(self) -> None:
        v = self.view
        for name, widget in v.knobs.items():
            widget.observe(lambda change, name=name: self._moved(name, change["new"]), "value")
        v.preset.observe(lambda change: self._prefer(change["new"]), "value")
        v.chooser.observe(lambda _: self._chosen(), "value")
        v.upload.observe(self._uploaded, "value")
        v.go.on_click(lambda _: self._submit(coarse=False))
        v.halt.on_click(lambda _: self._halt())
        v.apply.on_click(lambda _: self._apply())
        for widget in (v.mode, v.cut):
            widget.observe(lambda _: self.worker.errand(self._repaint), "value")

    def _moved(self, name: str, value) -> None:
        with self._lock:
            if self._quiet or getattr(self._card, name) == value:
                return
            self._card = self._card.model_copy(update={name: value})
            self._show_card()
            self._submit(coarse=True)

    def _prefer(self, preset: str) -> None:
        """Take over a preset's settings; nothing to do when the panel itself names what they are."""
        with self._lock:
            if self._quiet or preset == controls.preset_of(self._card):
                return
            try:
                if preset != controls.OWN:
                    self.card = self._card.model_copy(update=presets.NAMED[preset])
                    self._submit(coarse=True)
            except JGMError as error:
                self._show_error(error)
            self.view.offer(self._card)

    def _chosen(self) -> None:
        with self._lock:
            if not self._quiet:
                self._show_credit()
                self._submit(coarse=False)

    def _halt(self) -> None:
        self.stop()
        self.view.say("Stopped.")

    def _apply(self) -> None:
        try:
            self.load_card(self.view.text.value)
        except JGMError as error:
            self._show_error(error)
            return
        self._submit(coarse=False)

    def _repaint(self) -> None:
        if self._seen:
            self.view.paint(*self._seen)

    def _uploaded(self, change) -> None:
        """Keep the bytes, choose the new picture; decoding is the worker's."""
        if not change["new"]:
            return
        file = change["new"][0]
        name = str(file["name"])[:80]
        try:
            check_upload(name, int(file["size"]))
            self._select(self.album.add_upload(name, bytes(file["content"])))
            self._submit(coarse=False)
        except JGMError as error:
            self._show_error(error)
        self.view.upload.value = ()  # frees the memory; the same file can be sent again

    def _select(self, name: str) -> None:
        """Make a picture of the album the chosen one, without starting a run."""
        with self._lock:
            self._quiet = True
            try:
                self.view.chooser.options = self.album.names()
                self.view.chooser.value = name
            finally:
                self._quiet = False
            self._show_credit()

    def _show_credit(self) -> None:
        self.view.credit.value = html.escape(credit(self.view.chooser.value))

    def _show_card(self) -> None:
        self.view.text.value = self.card_text
        self.view.offer(self._card)

    def _clear_error(self) -> None:
        self.error = None
        if self.view.message.value:
            self.view.message.value = ""

    def _show_error(self, error: Exception) -> None:
        self.error = error
        trace = "" if isinstance(error, JGMError) else "".join(traceback.format_exception(error))
        self.view.complain(error, trace)

    def _repr_mimebundle_(self, **kwargs):
        bundle = self.view.box._repr_mimebundle_(**kwargs)
        return {**(bundle or {}), "text/plain": views.NO_FRONT_END}


def shorten(memory: OrderedDict, length: int) -> None:
    """Drop the oldest until ``length`` are left."""
    while len(memory) > length:
        memory.popitem(last=False)
