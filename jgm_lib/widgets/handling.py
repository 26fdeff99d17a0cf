"""What a click, a slider or a file does: it changes the settings and leaves a request."""

import html
import secrets
import traceback
from contextlib import contextmanager

from ..errors import JGMError
from ..params import ColorizeCard, limits
from . import bounds
from .album import check_upload, credit
from .computing import Computing


class Handling(Computing):
    """The half of the panel that listens, in the kernel's thread."""

    def _connect(self) -> None:
        v = self.view
        for name, widget in v.knobs.items():
            widget.observe(lambda change, name=name: self._moved(name, change["new"]), "value")
        v.preset.observe(lambda change: self._prefer(change["new"]), "value")
        v.chooser.observe(lambda _: self._chosen(), "value")
        v.upload.observe(self._uploaded, "value")
        v.pin.observe(lambda change: self._pin(change["new"]), "value")
        v.go.on_click(lambda _: self._submit(coarse=False))
        v.halt.on_click(lambda _: self._halt())
        v.apply.on_click(lambda _: self._apply())
        v.reset.on_click(lambda _: self._take(self._first))
        v.pack.on_click(lambda _: self.worker.errand(self._pack))
        v.enlarge.on_click(lambda _: self.worker.errand(self._enlarge))
        v.dice.on_click(lambda _: self._roll())
        for widget in (v.mode, v.cut):
            widget.observe(lambda _: self.worker.errand(self._repaint), "value")

    @contextmanager
    def _silence(self):
        """While the panel itself moves its controls, their observers do nothing."""
        with self._lock:
            before, self._quiet = self._quiet, True
            try:
                yield
            finally:
                self._quiet = before

    def _moved(self, name: str, value) -> None:
        with self._lock:
            if self._quiet or getattr(self._card, name) == value:
                return
            changes = bounds.defaults(value) if name == "sampler" else {name: value}
            self._take(self._card.model_copy(update=changes))

    def _prefer(self, name: str) -> None:
        """Take over a preset's settings; OWN names settings and sets none."""
        with self._lock:
            if self._quiet:
                return
            if name == bounds.OWN:
                self._show_card()
            elif name != bounds.preset_of(self._card):
                self._take(self._card.model_copy(update=bounds.preset(name)))

    def _take(self, card: ColorizeCard) -> None:
        """Other settings: shown at once, sketched, and run when the hand rests."""
        self.card = card
        self._submit(coarse=True)

    def _roll(self) -> None:
        """Another seed, from the system's own chance."""
        low, high = limits(ColorizeCard, "seed")
        self._take(self._card.model_copy(update={"seed": low + secrets.randbelow(high - low + 1)}))

    def _pin(self, wanted: bool) -> None:
        """Keep the finished run as A, beside which the next ones are shown."""
        if self._quiet:
            return
        self.pinned = self._finished if wanted else None
        if wanted and self.pinned is None:
            self.view.say("Nothing to pin yet: no run is finished.")
        with self._silence():
            self.view.show_pinned(self.pinned)
        self.worker.errand(self._repaint)

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
        with self._silence():
            self._upload = None
            self.view.chooser.options = self.album.names()
            self.view.chooser.value = name
            self._show_credit()

    def _show_credit(self) -> None:
        self.view.mark(self.view.chooser.value)
        self.view.credit.value = html.escape(credit(self.view.chooser.value))

    def _show_card(self) -> None:
        with self._silence():
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
