"""The colorization panel: sliders, a live picture, traces, in JupyterLab and in Voila.

Callbacks only read a value and leave a request with the worker. The worker alone computes, draws
and assigns ``Image.value``, at most twelve times a second.
"""

import threading
import time

from ..params import ColorizeCard
from . import controls, engine, shown, views
from .album import Album, Key, picture_names
from .handling import Handling


class ColorizePanel(Handling):
    """Colorize with live sliders.

    ``card``: settings to start from (default ColorizeCard()); ``picture``: a name of the chooser,
    or anything ``read_photo`` takes; ``pictures``: the chooser's names. ``panel.card`` are the
    settings now, ``panel.result`` the last finished Result, ``panel.run_sync()`` computes here and
    now without a browser, ``panel.start()`` in the background. Raises JGMError for a card or a
    picture that is none.
    """

    def __init__(self, card: ColorizeCard | None = None, picture="china", pictures=None):
        self._lock = threading.RLock()
        self._card = self._first = engine.plain(card or ColorizeCard())
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
        """The settings as they are now; the controls offer those alone that fit together."""
        return self._card

    @card.setter
    def card(self, card: ColorizeCard) -> None:
        with self._lock:
            self._card = engine.plain(card)
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

    def _repr_mimebundle_(self, **kwargs):
        bundle = self.view.box._repr_mimebundle_(**kwargs)
        return {**(bundle or {}), "text/plain": views.NO_FRONT_END}
