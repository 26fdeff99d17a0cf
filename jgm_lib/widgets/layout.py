"""Where the panel's widgets stand: controls at the side, the picture and what belongs to it beside."""

import html
from importlib.resources import files

import ipywidgets as w

from . import controls, thumbs

HEAD = "one grey photo, many colours: move a slider and watch the sampler work"


def asset(name: str) -> str:
    """A file that lies beside this module."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def title(text: str) -> w.HTML:
    return w.HTML(f'<div class="jgm-title">{text}</div>')


def row(*children, **layout) -> w.HBox:
    return w.HBox(children, layout=w.Layout(flex_flow="row wrap", **layout))


def panel(view) -> w.Box:
    """The whole panel. On a narrow screen the picture stands first, the controls below it."""
    head = w.HTML(
        f"<style>{asset('panel.css')}</style>"
        f'<img src="data:," alt="" hidden onerror="{html.escape(asset("panel.js"))}">'
        f'<div class="jgm-head">Colorize<small>{HEAD}</small></div>',
        layout=w.Layout(margin="0"),
    )
    body = w.HBox([side(view), main(view)]).add_class("jgm-body")
    return w.VBox([head, body]).add_class("jgm-panel")


def side(view) -> w.Box:
    """Picture, algorithm, its knobs, and what to do with them."""
    card = w.Accordion([w.VBox([view.text, view.apply])], titles=["Copy these settings as a card"])
    card.selected_index = None
    parts = [
        *(title("Picture"), thumbs.box(view.thumbs), view.chooser, view.credit, view.upload),
        *(title("Algorithm"), view.preset, *common(view)),
        *(title("Its knobs"), view.remark, *own(view)),
        w.HBox([view.go, view.halt], layout=w.Layout(margin="8px 0 0")),
        w.HBox([view.pin, view.reset], layout=w.Layout(margin="0 0 8px")),
        card,
    ]
    return w.VBox(parts).add_class("jgm-side")


def common(view) -> list:
    """The knobs that every sampler reads; the seed with its dice."""
    seed = w.HBox([view.knobs["seed"], view.dice])
    view.knobs["seed"].layout = w.Layout(flex="1 1 0", width="auto", min_width="0")
    return [seed if n == "seed" else view.knobs[n] for n in controls.COMMON]


def own(view) -> list:
    """The knobs that some samplers read."""
    return [k for n, k in view.knobs.items() if n not in controls.COMMON]


def main(view) -> w.Box:
    """The picture, and below it what belongs to it."""
    parts = [
        row(view.mode, view.enlarge, view.cut),
        *(view.image, view.message, view.plot),
        w.HBox([view.bar, view.label]),
        *(view.note, view.pinned, view.pack, view.files, view.large),
    ]
    return w.VBox(parts).add_class("jgm-main")
