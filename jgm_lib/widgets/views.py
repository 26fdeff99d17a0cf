"""How the panel looks: boxes, styles, and the few sentences it says."""

import html

import ipywidgets as w

from . import controls, drawing
from .album import MAX_UPLOAD
from .scene import Scene
from .shown import BOARD, CURTAIN, MODES, TRACES, page_of, unfinished, verdict

NO_FRONT_END = (
    "ColorizePanel: this page shows no live widgets. Open the notebook in JupyterLab "
    "(make lab) or the page (make app), or use panel.run_sync() and panel.result."
)
STYLE = """<style>
.jgm-panel {max-width: 1180px; border: 1px solid #c9ced6; border-radius: 10px; overflow: hidden;
  font-family: system-ui, sans-serif; background: #ffffff; color: #1b1b1b}
.jgm-head {background: #0f2f4f; color: #fff; padding: 9px 16px; font-size: 16px; line-height: 1.3}
.jgm-head small {opacity: .8; margin-left: 10px; font-size: 12px}
.jgm-panel .jgm-side {background: #f4f6f9; border-right: 1px solid #d8dde4; padding: 10px 12px}
.jgm-panel .jgm-side .widget-label, .jgm-panel .jgm-side .widget-readout {color: #1b1b1b}
.jgm-title {font-weight: 600; font-size: 12px; letter-spacing: .04em; text-transform: uppercase;
  color: #45526b; margin: 8px 0 0}
.jgm-note {font-size: 12px; line-height: 1.35; color: #45526b}
.jgm-error {border-left: 4px solid #b3261e; background: #fdeceb; color: #5c120d; padding: 6px 10px;
  font-size: 13px; line-height: 1.4}
.jgm-error pre {white-space: pre-wrap; font-size: 11px}
.jgm-known {color: #7a4b00}
.jgm-say {font-size: 13px; color: #1b1b1b}
.jgm-panel .widget-html-content, .jgm-panel .widget-html > .widget-html-content {line-height: 1.4}
.jgm-panel .widget-readout {min-width: 52px; max-width: 60px}
.jgm-panel textarea {font-family: monospace; font-size: 11px}
</style>"""


def title(text: str) -> w.HTML:
    return w.HTML(f'<div class="jgm-title">{text}</div>')


class View:
    """All widgets of a panel, and nothing that computes colours."""

    def __init__(self, card, sources):
        wide = w.Layout(width="100%")
        self.knobs = {n: controls.control(n, getattr(card, n)) for n in controls.NAMES}
        self.preset = controls.preset_control()
        self.remark = w.HTML().add_class("jgm-note")
        self.chooser = w.Dropdown(options=list(sources), layout=wide)
        self.credit = w.HTML(layout=wide).add_class("jgm-note")
        self.upload = w.FileUpload(
            accept="image/*",
            multiple=False,
            description="Your photo",
            layout=wide,
            tooltip=f"at most {MAX_UPLOAD / 1e6:.0f} MB",
        )
        half = w.Layout(width="50%")
        self.go = w.Button(description="Colorize", button_style="primary", icon="play", layout=half)
        self.halt = w.Button(description="Stop", icon="stop", layout=half)
        self.text = w.Textarea(layout=w.Layout(width="100%", height="230px"))
        self.apply = w.Button(description="Use this card", icon="check", layout=wide)
        self.mode, self.cut = self._modes()
        self.mode.observe(self._show_cut, "value")
        self.image = self._image(BOARD)
        self.plot = self._image(TRACES)
        self.bar = w.IntProgress(layout=w.Layout(flex="0 0 120px", height="14px"))
        self.label = w.Label(layout=w.Layout(flex="1 1 auto")).add_class("jgm-progress")
        self.note = w.HTML().add_class("jgm-say")
        self.message = w.HTML()
        self.box = self._layout()

    @staticmethod
    def _modes() -> tuple[w.ToggleButtons, w.FloatSlider]:
        """What the board shows, and where the curtain hangs."""
        mode = w.ToggleButtons(
            options=MODES,
            style={"button_width": "104px"},
            tooltips=["all colour versions", "a curtain over the first", "where versions differ"],
            layout=w.Layout(flex="0 0 340px"),
        )
        cut = w.FloatSlider(
            0.5,
            min=0,
            max=1,
            step=0.01,
            description="curtain",
            readout=False,
            layout=w.Layout(width="260px"),
        )
        cut.layout.visibility = "hidden"
        return mode, cut

    @staticmethod
    def _image(size) -> w.Image:
        blank = drawing.encode(drawing.Image.new("RGB", size, drawing.PAPER))
        layout = w.Layout(width="100%", max_width=f"{size[0]}px", object_fit="contain")
        return w.Image(value=blank, format="jpeg", width=size[0], height=size[1], layout=layout)

    def _layout(self) -> w.Box:
        common = [self.knobs[n] for n in controls.COMMON]
        own = [k for n, k in self.knobs.items() if n not in controls.COMMON]
        copy = w.VBox([self.text, self.apply])
        card = w.Accordion([copy], titles=["Copy these settings as a card"])
        card.selected_index = None
        side = w.VBox(
            [
                title("Picture"),
                self.chooser,
                self.credit,
                self.upload,
                title("Algorithm"),
                *common,
                title("Its knobs"),
                *(self.preset, self.remark, *own),
                w.HBox([self.go, self.halt], layout=w.Layout(margin="8px 0")),
                card,
            ],
            layout=w.Layout(width="340px", flex="0 0 340px"),
        ).add_class("jgm-side")
        main = w.VBox(
            [
                w.HBox([self.mode, self.cut]),
                self.image,
                self.message,
                self.plot,
                w.HBox([self.bar, self.label]),
                self.note,
            ],
            layout=w.Layout(flex="1 1 420px", padding="12px 16px", min_width="380px"),
        )
        head = w.HTML(
            f'{STYLE}<div class="jgm-head">Colorize<small>one grey photo, many colours: '
            "move a slider and watch the sampler work</small></div>",
            layout=w.Layout(margin="0"),
        )
        body = w.HBox([side, main], layout=w.Layout(flex_flow="row wrap"))
        return w.VBox([head, body]).add_class("jgm-panel")

    def _show_cut(self, change) -> None:
        self.cut.layout.visibility = "visible" if change["new"] == CURTAIN else "hidden"

    def offer(self, card) -> None:
        """Show the knobs that the card's sampler reads and the preset they are, hide the others."""
        read = controls.read_by(card.sampler)
        shown = [(knob, name in read) for name, knob in self.knobs.items()]
        for widget, wanted in (*shown, (self.preset, card.sampler == "langevin")):
            display = None if wanted else "none"
            if widget.layout.display != display:
                widget.layout.display = display
        self.preset.value = controls.preset_of(card)
        self.remark.value = controls.remark_on(card)

    # -- what is shown -----------------------------------------------------------------------

    def show(self, scene: Scene) -> None:
        """Picture, trace, progress and numbers of one run, finished or not."""
        self.paint(scene)
        self.plot.value = drawing.encode(drawing.traces(scene.rows, scene.total))
        self.bar.max, self.bar.value = scene.total, scene.step
        self.note.value = verdict(scene.done) if scene.done else unfinished(scene)
        self.say(scene.label)

    def paint(self, scene: Scene) -> None:
        """The picture alone, by the mode that is chosen."""
        self.image.value = drawing.encode(page_of(scene, self.mode.value, self.cut.value))

    def clear(self, words: str) -> None:
        """No run to show: an empty board, with the reason."""
        self.image.value = drawing.encode(drawing.empty(words))
        self.plot.value = drawing.encode(drawing.traces([], 1))
        self.bar.value, self.note.value = 0, ""

    def say(self, text: str) -> None:
        self.label.value = text

    def complain(self, error: Exception, trace: str, shown: str) -> None:
        """``shown``: the label of the run that is on the screen, which is not the one that failed."""
        text = html.escape(str(error) or type(error).__name__)
        more = f"<details><summary>trace</summary><pre>{html.escape(trace)}</pre></details>"
        name = "" if not trace else f"{html.escape(type(error).__name__)}: "
        self.message.value = (
            f'<div class="jgm-error" role="alert">{name}{text}{more if trace else ""}</div>'
        )
        self.say(f"Not done; see the message.{' Shown: ' + shown if shown else ''}")
