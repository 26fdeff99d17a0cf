"""The panel of the user study: one screen a picture, versions behind letters, yes or no."""

import html
from pathlib import Path

import ipywidgets as w

from ..errors import JGMError
from ..study import (
    INDICATORS,
    LABELS,
    QUESTIONS,
    Study,
    append_votes,
    check_observer,
    read_file,
    vote,
)
from .drawing import encode, to_image

SIDE = 150  # pixels of a version on the screen
NO_FRONT_END = "StudyPanel: needs a live kernel and a browser; run_sync(answer) works without"


class StudyPanel:
    """Collects one observer's votes into ``folder/observer-007.jsonl``; nothing else is stored.

    ``pictures``: picture -> method -> tensor (3,H,W) in [0,1]; ``observer`` a whole number. Only
    whole screens are written, each once, by rename. ``run_sync(answer)`` fills in the rest without a
    browser, through the same controls. An observer who has votes goes on with the next screen.
    Raises JGMError if a picture or method of the study is missing, or if the file has votes that
    are not this study's, this observer's, or of this kind.
    """

    def __init__(self, study: Study, pictures: dict, observer: int, folder, simulated=False):
        self.study, self.observer = study, check_observer(observer)
        self.simulated, self.trials = simulated, study.trials(observer)
        self.path = Path(folder) / f"observer-{self.observer:03d}.jsonl"
        self.images = _encoded(study, pictures)
        self._build()
        self.at = self._done_before()
        self._show()

    def _done_before(self) -> int:
        """The first screen without votes."""
        votes = read_file(self.path, self.study) if self.path.exists() else []
        if any(v["observer"] != self.observer for v in votes):
            raise JGMError(f"{self.path}: holds votes of another observer")
        if any(v["simulated"] != bool(self.simulated) for v in votes):
            raise JGMError(f"{self.path}: simulated votes and people's must be kept apart")
        judged = {v["trial"] for v in votes}
        return next((t for t in range(len(self.trials)) if t not in judged), len(self.trials))

    @property
    def finished(self) -> bool:
        return self.at >= len(self.trials)

    @property
    def trial(self):
        """The screen shown now; JGMError after the last."""
        if self.finished:
            raise JGMError(f"observer {self.observer} has judged everything")
        return self.trials[self.at]

    def answer(self, label: str, indicator: str, yes: bool) -> None:
        """Press one button."""
        self.buttons[LABELS.index(label)][INDICATORS.index(indicator)].value = bool(yes)

    def submit(self) -> bool:
        """Write the screen and go on; False, with a message, if an answer is missing."""
        given = [[b.value for b in column] for column in self.buttons]
        if self.finished or any(v is None for column in given for v in column):
            self.message.value = "" if self.finished else "<b>Please answer every question.</b>"
            return False
        lines = [
            vote(self.study, self.observer, self.at, label, answers, self.simulated)
            for label, answers in zip(LABELS, given, strict=False)
        ]
        append_votes(self.path, lines)
        self.at += 1
        self._show()
        return True

    def run_sync(self, answer) -> Path:
        """Judge the remaining screens by ``answer(picture, label, indicator) -> bool``; the file."""
        while not self.finished:
            for label in LABELS[: len(self.study.methods)]:
                for indicator in INDICATORS:
                    self.answer(label, indicator, answer(self.trial.picture, label, indicator))
            self.submit()
        return self.path

    def _build(self) -> None:
        yes_no = dict(options=[("yes", True), ("no", False)], style={"button_width": "56px"})
        n = len(self.study.methods)
        whole = w.Layout(object_fit="contain")  # a picture that is not square keeps its shape
        self.views = [
            w.Image(format="jpeg", width=SIDE, height=SIDE, layout=whole) for _ in range(n)
        ]
        self.buttons = [
            [w.ToggleButtons(value=None, tooltips=["yes", "no"], **yes_no) for _ in INDICATORS]
            for _ in range(n)
        ]
        columns = [
            w.VBox([w.HTML(f"<b>{LABELS[i]}</b>"), self.views[i], *_numbered(self.buttons[i])])
            for i in range(n)
        ]
        lines = "".join(f"<li>{html.escape(QUESTIONS[i])}</li>" for i in INDICATORS)
        self.head, self.message = w.HTML(), w.HTML()
        self.next = w.Button(description="Next", button_style="primary")
        self.next.on_click(lambda _: self.submit())
        questions = w.HTML(f"<ol>{lines}</ol>")
        self.box = w.VBox([self.head, questions, w.HBox(columns), self.next, self.message])
        self.box.add_class("jgm-study")

    def _show(self) -> None:
        self.message.value, self.next.disabled = "", self.finished
        if self.finished:
            self.head.value = "Thank you. That was the last picture."
            return
        self.head.value = f"Picture {self.at + 1} of {len(self.trials)}"
        for view, column, method in zip(self.views, self.buttons, self.trial.methods, strict=True):
            view.value = self.images[self.trial.picture, method]
            for button in column:
                button.value = None

    def _repr_mimebundle_(self, **kwargs):
        bundle = self.box._repr_mimebundle_(**kwargs)
        return {**(bundle or {}), "text/plain": NO_FRONT_END}


def _numbered(controls) -> list:
    """The number of its question before each control."""
    return [w.HBox([w.Label(f"{k}."), c]) for k, c in enumerate(controls, start=1)]


def _encoded(study: Study, pictures: dict) -> dict:
    """(picture, method) -> JPEG bytes; JGMError names what is missing."""
    out = {}
    for p in study.pictures:
        for m in study.methods:
            if m not in pictures.get(p, {}):
                raise JGMError(f"study {study.name!r}: no version of picture {p!r} by {m!r}")
            out[p, m] = encode(to_image(pictures[p][m]), quality=95)
    return out
