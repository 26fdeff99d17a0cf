"""The colorization panel: sliders, a live picture, traces, in JupyterLab and in Voila.

Callbacks only read a value and leave a request with the worker. The worker alone computes, draws
and assigns ``Image.value``, at most twelve times a second.
"""

import html
import threading
import time
import traceback

from ..errors import JGMError
from ..params import ColorizeCard
from ..samplers import presets
from . import controls, engine, shown, views
from .album import Album, Key, check_upload, credit, picture_names
from .computing import Computing


class ColorizePanel(Computing):
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
        super().__init__(self._show_error)
        self.error: Exception | None = None
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
        return shown.still(self.view.image.value, self.view.plot.value)

    def _job(self) -> tuple[ColorizeCard, Key]:
        with self._lock:
            return self._card, self._upload or self.album.key(self.view.chooser.value)

    def _submit(self, coarse: bool) -> None:
        self._halted = False
        self.worker.submit(self._job(), coarse)

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
                self._upload = None
                self._show_credit()
                self._submit(coarse=False)

    def _halt(self) -> None:
        self.stop()
        self._halted = True
        self.worker.errand(self._repaint)

    def _apply(self) -> None:
        try:
            self.load_card(self.view.text.value)
        except JGMError as error:
            self._show_error(error)
            return
        self._submit(coarse=False)

    def _uploaded(self, change) -> None:
        """Keep the bytes; decoding is the worker's, who then chooses the new picture."""
        if not change["new"]:
            return
        file = change["new"][0]
        name = str(file["name"])[:80]
        try:
            check_upload(name, int(file["size"]))
            with self._lock:
                self._upload = self.album.arrive(name, bytes(file["content"]))
            self._submit(coarse=False)
        except JGMError as error:
            self._show_error(error)
        self.view.upload.value = ()  # frees the memory; the same file can be sent again

    def _select(self, name: str) -> None:
        """Make a picture of the album the chosen one, without starting a run."""
        with self._lock:
            self._upload, self._quiet = None, True
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
        self.view.complain(error, trace, self._seen.label if self._seen else "")

    def _repr_mimebundle_(self, **kwargs):
        bundle = self.view.box._repr_mimebundle_(**kwargs)
        return {**(bundle or {}), "text/plain": views.NO_FRONT_END}
