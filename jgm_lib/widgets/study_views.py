"""How the study looks: versions that can be enlarged by a click, sliders that know if they moved."""

import base64
import html
import io

import ipywidgets as w

from ..errors import JGMError
from ..study import HIGHEST, INDICATORS, LOWEST, QUESTIONS, Study
from .drawing import BLUE, FAINT, to_image

SIDE, LARGE = 320, 768  # pixels of a version on the screen, and after a click
# The click is a hidden checkbox: it works without the kernel, and by Tab and Space too.
STYLE = f"""<style>
.jgm-look {{ position: relative; display: block; margin: 0; }}
.jgm-look img {{ width: {SIDE}px; height: auto; cursor: zoom-in; display: block; max-width: none; }}
.jgm-look input {{ position: absolute; opacity: 0; }}
.jgm-look input:focus-visible + img {{ outline: 3px solid {BLUE}; }}
.jgm-look input:checked + img {{ width: min(92vw, {LARGE}px); cursor: zoom-out; }}
</style>"""


class ScoreSlider:
    """0 to 100 points for one question; ``score`` is None until somebody has moved it."""

    def __init__(self, number: int):
        self.score = None
        self.slider = w.IntSlider(
            min=LOWEST,
            max=HIGHEST,
            description=f"{number}.",
            readout=False,
            style={"description_width": "1.5em"},
            layout=w.Layout(width=f"{SIDE - 45}px"),
        )
        self.said = w.Label(layout=w.Layout(width="2.5em"))
        self.said.add_class("jgm-score")
        self.slider.observe(self._moved, "value")
        self.box = w.HBox([self.slider, self.said])
        self.show(None)

    def _moved(self, change) -> None:
        self._say(change["new"])

    def _say(self, score: int | None) -> None:
        self.score, self.said.value = score, "–" if score is None else str(score)
        self.slider.style.handle_color = FAINT if score is None else BLUE

    def show(self, score: int | None) -> None:
        """An earlier score, or the middle, which then counts as no answer."""
        self.slider.value = (LOWEST + HIGHEST) // 2 if score is None else score
        self._say(score)


class VersionColumn:
    """One version: its letter, the picture, a slider a question."""

    def __init__(self, label: str):
        self.label, self.view = label, w.HTML()
        self.sliders = [ScoreSlider(k) for k in range(1, len(INDICATORS) + 1)]
        self.box = w.VBox([w.HTML(f"<b>{label}</b>"), self.view, *(s.box for s in self.sliders)])
        self.box.layout.margin = "0 12px 12px 0"

    def show(self, png: bytes, scores) -> None:
        """``scores``: one an indicator, or None where nothing was said yet."""
        data, says = base64.b64encode(png).decode(), f"version {self.label}"
        self.view.value = (
            f'<label class="jgm-look" title="click to enlarge"><input type="checkbox" '
            f'aria-label="enlarge {says}"><img alt="{says}" src="data:image/png;base64,{data}">'
            "</label>"
        )
        for k, slider in enumerate(self.sliders):
            slider.show(None if scores is None else scores[k])

    @property
    def scores(self) -> list:
        return [slider.score for slider in self.sliders]


def questions() -> str:
    """The questions, numbered as the sliders are."""
    lines = "".join(f"<li>{html.escape(QUESTIONS[i])}</li>" for i in INDICATORS)
    rest = "Move every slider, also where the middle is right. Click a picture to enlarge it."
    return f'<ol style="margin:0">{lines}</ol>{rest}'


def encoded(study: Study, pictures: dict) -> dict:
    """(picture, method) -> PNG bytes, which keep edges; JGMError names what is missing."""
    out = {}
    for p in study.pictures:
        for m in study.methods:
            if m not in pictures.get(p, {}):
                raise JGMError(f"study {study.name!r}: no version of picture {p!r} by {m!r}")
            buffer = io.BytesIO()
            to_image(pictures[p][m]).save(buffer, "PNG")
            out[p, m] = buffer.getvalue()
    return out
