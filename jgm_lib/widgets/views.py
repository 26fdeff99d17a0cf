"""All widgets of the panel, and how they show a run."""

import html

import ipywidgets as w

from . import bounds, controls, curves, drawing, layout, thumbs
from .album import MAX_UPLOAD
from .scene import Scene
from .shown import (
    BESIDE,
    BOARD,
    CURTAIN,
    MODES,
    TRACES,
    page_of,
    unfinished,
    verdict,
    words_of_pinned,
)

NO_FRONT_END = (
    "ColorizePanel: this page shows no live widgets. Open the notebook in JupyterLab "
    "(make lab) or the page (make app), or use panel.run_sync() and panel.result."
)


def button(text: str, icon: str, tooltip: str, room: w.Layout | None = None) -> w.Button:
    return w.Button(description=text, icon=icon, tooltip=tooltip, layout=room or w.Layout())


class View:
    """All widgets of a panel, and nothing that computes colours."""

    def __init__(self, card, sources):
        self.knobs = {n: controls.control(n, getattr(card, n)) for n in controls.NAMES}
        stops = {n: controls.stops(n, getattr(card, n)) for n in self.knobs}
        self.stops = {n: values for n, values in stops.items() if values is not None}
        self.preset = controls.preset_control()
        self.remark = w.HTML().add_class("jgm-note")
        self._pictures(list(sources))
        self._buttons()
        self.mode, self.cut = self._modes()
        self.mode.observe(self._show_cut, "value")
        self._displays()
        self.box = layout.panel(self)

    def _pictures(self, sources) -> None:
        """What chooses a picture: thumbnails, a list, an upload."""
        wide = w.Layout(width="100%")
        named = {"description": "picture", "tooltip": "the photograph", "style": controls.WIDE}
        self.chooser = w.Dropdown(options=sources, layout=wide, **named)
        self.thumbs = thumbs.buttons(sources, self._choose)
        self.credit = w.HTML(layout=wide).add_class("jgm-note")
        self.upload = w.FileUpload(
            accept="image/*",
            multiple=False,
            description="Your photo",
            layout=wide,
            tooltip=f"at most {MAX_UPLOAD / 1e6:.0f} MB; or drop it on the panel, or paste it",
        )

    def _choose(self, name: str) -> None:
        self.chooser.value = name

    def _buttons(self) -> None:
        half, wide = w.Layout(width="50%"), w.Layout(width="100%")
        self.go = button("Colorize", "play", "run with these settings", half)
        self.go.button_style = "primary"
        self.halt = button("Stop", "stop", "end the run; what is there stays, marked", half)
        self.reset = button("Reset", "undo", "the settings that the panel began with", half)
        about = dict(icon="thumb-tack", tooltip="put this run beside the next ones", layout=half)
        self.pin = w.ToggleButton(description="Keep as A", **about)
        self.dice = button(
            "new seed", "random", "draw another seed", w.Layout(flex="0 0 108px", width="108px")
        )
        self.apply = button("Use this card", "check", "take over the text above", wide)
        self.pack = button(
            "Prepare download",
            "download",
            "all versions at full size, as files",
            w.Layout(width="auto"),
        )
        self.enlarge = button(
            "Enlarge", "search-plus", "full size, with a curtain", w.Layout(width="auto")
        )
        self.enlarge.add_class("jgm-enlarge")
        tall = w.Layout(width="100%", height="230px")
        self.text = w.Textarea(layout=tall, tooltip="all settings as YAML")

    def _displays(self) -> None:
        """What shows a run."""
        self.image = self._image(BOARD).add_class("jgm-board")
        self.plot = self._image(TRACES).add_class("jgm-plot")
        room = w.Layout(flex="0 0 120px", height="14px")
        self.bar = w.IntProgress(layout=room, tooltip="progress")
        self.label = w.Label(layout=w.Layout(flex="1 1 auto")).add_class("jgm-progress")
        self.note = w.HTML().add_class("jgm-say")
        self.pinned = w.HTML().add_class("jgm-note")
        self.message, self.files, self.large = w.HTML(), w.HTML(), w.HTML()

    @staticmethod
    def _modes() -> tuple[w.ToggleButtons, w.FloatSlider]:
        """What the board shows, and where the curtain hangs."""
        mode = w.ToggleButtons(
            options=MODES,
            style={"button_width": "116px"},
            tooltips=[
                "all colour versions",
                "a curtain over the first",
                "where versions differ",
                "the run kept as A beside this one",
            ],
        )
        cut = w.FloatSlider(
            0.5,
            min=0,
            max=1,
            step=0.01,
            description="curtain",
            tooltip="grey photograph up to here",
            readout=False,
            layout=w.Layout(width="260px"),
        )
        cut.layout.display = "none"
        return mode, cut

    @staticmethod
    def _image(size) -> w.Image:
        blank = drawing.encode(drawing.Image.new("RGB", size, drawing.PAPER))
        room = w.Layout(width="100%", max_width=f"{size[0]}px", object_fit="contain")
        return w.Image(value=blank, format="jpeg", width=size[0], height=size[1], layout=room)

    def _show_cut(self, change) -> None:
        self.cut.layout.display = None if change["new"] == CURTAIN else "none"

    def offer(self, card) -> None:
        """Show the card: the knobs that its sampler reads, the values that fit the others, the preset
        that they are. Its observers must be kept quiet."""
        read, cut = controls.read_by(card.sampler), []
        for name, widget in self.knobs.items():
            widget.layout.display = None if name in read else "none"
            self._set(name, card, cut)
        self.preset.value = bounds.preset_of(card)
        self.remark.value = bounds.remark_on(card, cut)

    def _set(self, name: str, card, cut: list) -> None:
        """One knob's value and, for a slider, its stops; a name goes to ``cut`` if some are left out."""
        widget, value, stops = self.knobs[name], getattr(card, name), self.stops.get(name)
        if stops is None:
            widget.value = value
            return
        if value not in stops:
            self.stops[name] = stops = sorted({*stops, value})
        values = bounds.fitting(card, name, stops)
        controls.offer(widget, values, value)
        if len(values) < len(stops) and not isinstance(value, bool):
            cut.append(controls.NAMES[name])

    # -- what is shown -----------------------------------------------------------------------

    def show(self, scene: Scene, pinned: Scene | None = None) -> None:
        """Picture, trace, progress and numbers of one run, finished or not."""
        self.paint(scene, pinned)
        self.plot.value = drawing.encode(curves.traces(scene.rows, scene.total))
        self.files.value = ""  # those of another run
        self.bar.max, self.bar.value = scene.total, scene.step
        self.note.value = verdict(scene.done) if scene.done else unfinished(scene)
        self.say(scene.label)

    def paint(self, scene: Scene, pinned: Scene | None = None) -> None:
        """The picture alone, by the mode that is chosen."""
        page = page_of(scene, self.mode.value, self.cut.value, pinned)
        self.image.value = drawing.encode(page)

    def show_pinned(self, pinned: Scene | None) -> None:
        """What run A is, in words, and the mode that shows it beside the next; None: there is none."""
        self.pin.value = pinned is not None
        self.pin.description = "Forget A" if pinned else "Keep as A"
        self.pinned.value = words_of_pinned(pinned) if pinned else ""
        if pinned or self.mode.value == BESIDE:
            self.mode.value = BESIDE if pinned else MODES[0]

    def clear(self, words: str) -> None:
        """No run to show: an empty board, with the reason."""
        self.image.value = drawing.encode(drawing.empty(words))
        self.plot.value = drawing.encode(curves.traces([], 1))
        self.bar.value, self.note.value, self.files.value = 0, "", ""

    def mark(self, name: str) -> None:
        """Frame the thumbnail of the picture that is chosen."""
        for other, thumb in self.thumbs.items():
            (thumb.add_class if other == name else thumb.remove_class)("jgm-chosen")

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
