"""The pictures of the chooser as small buttons."""

import base64
from contextlib import suppress
from functools import lru_cache

import ipywidgets as w

from ..errors import JGMError
from . import drawing
from .album import credit, source_picture

SIDE = 44  # pixels


@lru_cache(maxsize=64)
def background(name: str) -> str:
    """The picture's middle as a data: address."""
    picture = source_picture(name)
    side = min(picture.size)
    left, top = (n // 2 - side // 2 for n in picture.size)
    small = picture.crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
    return f"data:image/jpeg;base64,{base64.b64encode(drawing.encode(small, 80)).decode()}"


def buttons(names, choose) -> dict[str, w.Button]:
    """Name -> a button that calls ``choose(name)``, for each picture that can be opened."""
    made = {}
    for name in names:
        with suppress(JGMError):  # a package that came without its pictures
            background(name)
            made[name] = w.Button(tooltip=f"{name}: {credit(name)}").add_class("jgm-thumb")
            made[name].add_class(f"jgm-thumb-{name}")
            made[name].on_click(lambda _, name=name: choose(name))
    return made


def box(made: dict[str, w.Button]) -> w.Box:
    """The buttons side by side, with their pictures."""
    rules = (f".jgm-panel .jgm-thumb-{n} {{background-image: url({background(n)})}}" for n in made)
    return w.HBox([w.HTML(f"<style>{''.join(rules)}</style>"), *made.values()]).add_class(
        "jgm-thumbs"
    )
