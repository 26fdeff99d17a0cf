"""What the panel's worker does: sketches, full runs, and what it remembers of both."""

import time
from collections import OrderedDict

from ..errors import JGMError
from ..params import ColorizeCard
from . import engine, shown
from .album import Key
from .worker import LatestWorker, Throttle

CACHE = 24  # finished runs, small pictures only


class Computing:
    """The half of the panel that computes, all in the worker's thread.

    The other half gives ``album``, ``view``, ``_select``, ``_clear_error`` and ``_show_error``.
    """

    def __init__(self, on_error):
        self._subjects: OrderedDict = OrderedDict()
        self._cache: OrderedDict = OrderedDict()
        self._throttle, self._seen = Throttle(12.0), None
        self.done: engine.Done | None = None
        self.worker = LatestWorker(self._work, on_error)

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
                self._publish(x, what, shown.step_text(frame.row))
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
        self.view.trace(done.trace, done.card.states)
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

    def _repaint(self) -> None:
        if self._seen:
            self.view.paint(*self._seen)


def shorten(memory: OrderedDict, length: int) -> None:
    """Drop the oldest until ``length`` are left."""
    while len(memory) > length:
        memory.popitem(last=False)
