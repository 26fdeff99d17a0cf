"""The desk of whoever runs the study: how many have finished, and the votes as CSV by a button."""

import html

import ipywidgets as w

from ..errors import JGMError
from ..study import Ballots, write_csv

NO_FRONT_END = "StudyDesk: needs a live kernel and a browser; state() and export() work without"


class StudyDesk:
    """Counts of observers and a button for CSV, beside the file of votes; tells no method.

    The file is ``ballots.path`` with the ending .csv, written as a whole.
    """

    def __init__(self, ballots: Ballots):
        self.ballots, self.path = ballots, ballots.path.with_suffix(".csv")
        self.text, self.message = w.HTML(), w.HTML()
        look, export = w.Button(description="Look again"), w.Button(description="Export CSV")
        look.on_click(lambda _: self._show(""))
        export.on_click(lambda _: self.export())
        self.look_button, self.export_button = look, export
        self.box = w.VBox([self.text, w.HBox([look, export]), self.message])
        self.box.add_class("jgm-desk")
        self._show("")

    def state(self) -> dict:
        """observer -> screens judged, for all numbers given, 0 included. Raises JGMError."""
        screens = dict.fromkeys(self.ballots.observers(), 0)
        for observer, _ in {(v.observer, v.trial) for v in self.ballots.votes()}:
            screens[observer] += 1
        return screens

    def export(self) -> bool:
        """Write the CSV file; False, with a message, where it cannot be written."""
        try:
            votes = self.ballots.votes()
            write_csv(self.path, self.ballots.study, votes)
        except JGMError as error:
            self._show(str(error))
            return False
        self._show(f"{len(votes)} votes written to {self.path}")
        return True

    def _show(self, says: str) -> None:
        try:
            self.text.value = html.escape(summary(self.state(), len(self.ballots.study.pictures)))
        except JGMError as error:
            says = str(error)
        self.message.value = html.escape(says)

    def _repr_mimebundle_(self, **kwargs):
        bundle = self.box._repr_mimebundle_(**kwargs)
        return {**(bundle or {}), "text/plain": NO_FRONT_END}


def summary(screens: dict, total: int) -> str:
    """One line: who has finished and, apart from them, who has not."""
    left = [f"{o} ({n} of {total})" for o, n in screens.items() if n < total]
    done = f"{len(screens) - len(left)} observers have finished"
    return f"{done}, {len(left)} not yet: {', '.join(left)}" if left else f"{done}, none is missing"
