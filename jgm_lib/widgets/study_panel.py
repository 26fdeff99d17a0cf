"""The panel of the user study: a number from the page, one screen a picture, versions behind letters."""

import html

import ipywidgets as w

from ..errors import JGMError
from ..study import INDICATORS, Ballots, Study
from .study_views import STYLE, VersionColumn, encoded, questions

NO_FRONT_END = "StudyPanel: needs a live kernel and a browser; run_sync(answer) works without"
WELCOME = """<p>You will see pictures, each in several versions marked by letters, and judge every
version by {n} questions. There is no right answer. You get a number; nothing else is known of you, no
name and no time.</p>"""


class StudyPanel:
    """Collects one observer's scores into ``ballots``; nothing else is stored.

    ``pictures``: picture -> method -> tensor or array (3,H,W) in [0,1], any methods by name. The
    page gives the number (``start()``, at least ``first``) and shows it; with it an observer can
    come back and goes on with the next screen (``start(7)``). Only whole screens are written; a
    screen changed after Back is written again, and the last counts. ``run_sync(answer)`` fills in
    the rest without a browser, through the same controls. Raises JGMError if a picture or method of
    the study is missing, or if ``ballots`` are of another plan.
    """

    def __init__(self, study: Study, pictures: dict, ballots: Ballots, first: int = 0):
        if ballots.study != study:
            raise JGMError(f"votes of study {ballots.study.code!r}, this is {study.code!r}")
        self.study, self.ballots, self.first = study, ballots, first
        self.images = encoded(study, pictures)
        self.seat, self.trials, self.at, self.given = None, [], 0, {}
        self._build()

    # -- what an observer does -----------------------------------------------------------------------

    def start(self, observer: int | None = None) -> int:
        """Take a new number, or come back as ``observer``; the number. JGMError if unknown."""
        known = observer is not None
        self.seat = self.ballots.come_back(observer) if known else self.ballots.join(self.first)
        self.trials = self.study.trials(self.seat.observer)
        self.given = self.ballots.given(self.seat.observer)
        missing = [t for t in range(len(self.trials)) if t not in self.given]
        self.at = missing[0] if missing else len(self.trials)
        self._show()
        return self.seat.observer

    @property
    def finished(self) -> bool:
        return self.seat is not None and self.at >= len(self.trials)

    @property
    def trial(self):
        """The screen shown now; JGMError before the first and after the last."""
        if self.seat is None or self.finished:
            raise JGMError("no screen is shown: not started, or everything is judged")
        return self.trials[self.at]

    def answer(self, label: str, indicator: str, score: int) -> None:
        """Move one slider."""
        slider = self.columns[self.study.labels.index(label)].sliders[INDICATORS.index(indicator)]
        slider.show(score)

    def submit(self) -> bool:
        """Write the screen and go on; False, with a message, if a score is missing or the votes
        cannot be written: then the screen stays as it is."""
        missing = [
            f"{c.label} {k}"
            for c in self.columns
            for k, score in enumerate(c.scores, start=1)
            if score is None
        ]
        if missing or self.seat is None or self.finished:
            says = "Please move every slider (for the middle: away and back); missing: "
            self._say(says + ", ".join(missing) if missing else "")
            return False
        scores = {c.label: tuple(c.scores) for c in self.columns}
        if not self._try(self.ballots.record, self.seat, self.at, scores):
            return False
        self.given[self.at] = scores
        self.at += 1
        self._show()
        return True

    def back(self) -> None:
        """The screen before, with what was said there; what is on this one and not sent is gone."""
        if self.at > 0:
            self.at -= 1
            self._show()

    def run_sync(self, answer) -> int:
        """Judge the remaining screens by ``answer(picture, label, indicator) -> score``; the number.
        JGMError if the votes cannot be written."""
        if self.seat is None:
            self.start()
        while not self.finished:
            for label in self.study.labels:
                for indicator in INDICATORS:
                    self.answer(label, indicator, answer(self.trial.picture, label, indicator))
            if not self.submit():
                raise JGMError(html.unescape(self.message.value))
        return self.seat.observer

    # -- what the page shows -------------------------------------------------------------------------

    def _build(self) -> None:
        self.columns = [VersionColumn(label) for label in self.study.labels]
        self.head, self.message = w.HTML(), w.HTML()
        self.progress = w.IntProgress(max=len(self.study.pictures), layout=w.Layout(width="160px"))
        self.next = w.Button(description="Next", button_style="primary")
        self.previous = w.Button(description="Back")
        self.next.on_click(lambda _: self.submit())
        self.previous.on_click(lambda _: self.back())
        self.versions = w.Box(
            [c.box for c in self.columns], layout=w.Layout(flex_flow="row wrap", overflow="visible")
        )
        self.questions = w.HTML(questions())
        self.buttons = w.HBox([self.previous, self.next])
        self.box = w.VBox([w.HTML(STYLE), *self._welcome(), self.message])
        self.box.add_class("jgm-study")

    def _welcome(self) -> list:
        self.begin = w.Button(description="Begin", button_style="primary")
        self.number = w.BoundedIntText(
            min=0, max=10**6, layout=w.Layout(width="140px"), description="My number"
        )
        self.again = w.Button(description="Go on")
        self.begin.on_click(lambda _: self._try(self.start))
        self.again.on_click(lambda _: self._try(self.start, self.number.value))
        returning = w.HBox([w.Label("Here before?"), self.number, self.again])
        return [w.HTML(WELCOME.format(n=len(INDICATORS))), self.begin, returning]

    def _show(self) -> None:
        total = len(self.trials)
        self._say("")
        self.progress.value, self.previous.disabled = self.at, self.at == 0
        self.next.disabled = self.finished
        who = f"You are observer <b>{self.seat.observer}</b>; with this number you can come back."
        where = (
            "Thank you, all is judged." if self.finished else f"Picture {self.at + 1} of {total}."
        )
        self.head.value = f"{where} {who}"
        middle = [] if self.finished else [self.questions, self.versions]
        head = w.HBox([self.progress, self.head])
        self.box.children = [self.box.children[0], head, *middle, self.buttons, self.message]
        if not self.finished:
            said = self.given.get(self.at, {})
            for column, method in zip(self.columns, self.trial.methods, strict=True):
                column.show(self.images[self.trial.picture, method], said.get(column.label))

    def _try(self, act, *args) -> bool:
        """Do it; a JGMError becomes one line on the page."""
        try:
            act(*args)
        except JGMError as error:
            self._say(str(error))
            return False
        return True

    def _say(self, text: str) -> None:
        self.message.value = f"<b role='alert'>{html.escape(text)}</b>" if text else ""

    def _repr_mimebundle_(self, **kwargs):
        bundle = self.box._repr_mimebundle_(**kwargs)
        return {**(bundle or {}), "text/plain": NO_FRONT_END}
