"""What the panel's worker does: sketches, full runs, and what it remembers of both."""

import time
from collections import OrderedDict
from dataclasses import replace

from ..errors import JGMError
from ..params import ColorizeCard
from . import engine, large, saving
from .album import Key
from .scene import DONE, RUN, SKETCH, Scene
from .worker import LatestWorker, Throttle

CACHE = 24  # finished runs, small pictures only


class Computing:
    """The half of the panel that computes, all in the worker's thread.

    The other half gives ``album``, ``view``, ``_job``, ``_select``, ``_clear_error``, ``_show_error``.
    """

    def __init__(self, on_error):
        self._subjects: OrderedDict = OrderedDict()
        self._cache: OrderedDict = OrderedDict()
        self._throttle = Throttle(12.0)
        self._seen: Scene | None = None  # what is on the screen
        self._finished: Scene | None = None  # the last run that came to its end
        self.pinned: Scene | None = None  # a finished run that is kept as A
        self._upload: Key | None = None  # a file that came and is not yet known to be a picture
        self._halted = False  # True from Stop until the worker rests
        self.done: engine.Done | None = None
        self.worker = LatestWorker(self._work, on_error)

    def _work(self, job, coarse: bool, wanted) -> None:
        """In the worker: one coarse or full run, its frames and its end."""
        try:
            self._clear_error()
            job = engine.plain(job[0]), job[1]
            self._sketch(job, wanted) if coarse else self._colorize(job, wanted)
        except Exception as error:  # shown to the learner; the trace is one click away
            if wanted():
                self._fall_back()
                self._show_error(error)

    def _sketch(self, job, wanted) -> None:
        if engine.job_key(job) in self._cache:
            return  # the full answer comes at once after this
        card, what = job[0], self._subject(*job)
        rows, x = [], None
        for frame in engine.sketch(card, what):
            rows.append(frame.row)
            x = frame.x
            if not wanted():
                break
        if x is not None and (wanted() or self._throttle.ready()):
            self._publish(Scene(SKETCH, job[1], card, what, x, rows, frame.total))

    def _colorize(self, job, wanted) -> None:
        card, what = job[0], self._subject(*job)
        if (kept := self._cache.get(engine.job_key(job))) is not None:
            self._finish(job, engine.Done(card, what, *kept), None)
            return
        rows, x, started = [], None, time.monotonic()

        def now() -> Scene:
            taken = time.monotonic() - started
            about = job[1], card, what, x, rows[:], card.states, taken
            return Scene(RUN, *about, self.worker.runs["full"])

        for frame in engine.follow(card, what):
            if not wanted():
                self._seen = now() if rows else self._seen
                return
            rows.append(frame.row)
            x = frame.x
            if self._throttle.ready():
                self._publish(now())
        self._finish(job, engine.Done.from_last(card, what, x, rows), time.monotonic() - started)

    def _finish(self, job, done: engine.Done, seconds: float | None) -> None:
        self._cache[engine.job_key(job)] = done.x, done.order, done.trace
        self._cache.move_to_end(engine.job_key(job))
        shorten(self._cache, CACHE)
        self.done = done
        self._finished = Scene.finished(done, job[1], seconds, self.worker.runs["full"])
        self._publish(self._finished)

    def _fall_back(self) -> None:
        """Nothing of a run that failed stays: the last finished run of the picture, if there is one."""
        if self._finished and self._finished.picture == self._job()[1]:
            self._publish(self._finished)
        else:
            self._seen = None
            self.view.clear(f"{self.view.chooser.value}: not coloured")

    def _rest(self) -> None:
        """In the worker, after Stop: what is there so far, marked as unfinished."""
        seen = self._seen
        if seen is None or seen.picture != self._job()[1]:
            self._fall_back()
            seen = self._seen
        elif seen.kind != DONE:
            self._publish(replace(seen, stopped=True))
            return
        self.view.say("Stopped." if seen is None else f"Stopped. Shown: {seen.label}")

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
        """The picture itself; a file that came is chosen if it is a picture, and dropped if not."""
        arriving = picture == self._upload
        try:
            photo = self.album.photo(picture)
        except JGMError:
            if arriving:
                self._upload = None
            raise
        if arriving and picture == self._upload:  # nothing else was chosen while it was decoded
            self._select(picture.name)
        return photo

    def _publish(self, scene: Scene) -> None:
        self._seen = scene
        self.view.show(scene, self.pinned)

    def _pack(self) -> None:
        """In the worker: the files of the finished run that is shown, as links."""
        try:
            self._clear_error()
            self.view.say("Writing the files ...")
            self.view.files.value = saving.links(self._seen)
            self.view.say(f"{self._seen.label} Its files are below.")
        except JGMError as error:
            self._show_error(error)

    def _enlarge(self) -> None:
        """In the worker: the finished run that is shown, at full size."""
        if self._seen is None or self._seen.kind != DONE:
            self.view.say("Nothing to enlarge yet: no finished run is shown.")
            return
        self.view.large.value = ""  # or the same view would not open again
        self.view.large.value = large.dialog(self._seen)

    def _repaint(self) -> None:
        if self._halted:
            self._halted = False
            self._rest()
        elif self._seen:
            self.view.paint(self._seen, self.pinned)


def shorten(memory: OrderedDict, length: int) -> None:
    """Drop the oldest until ``length`` are left."""
    while len(memory) > length:
        memory.popitem(last=False)
