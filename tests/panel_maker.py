"""A colorization panel on a tiny network, and what a person does to it and sees of it."""

import io

import numpy as np
from PIL import Image

WAIT = 120  # seconds that a test waits at most for something that must happen


def png(size=(24, 16)) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def send(panel, name: str, data: bytes, size: int | None = None) -> None:
    """What the upload button does when a file was chosen."""
    file = {
        "name": name,
        "type": "image/png",
        "size": size or len(data),
        "last_modified": 0,
        "content": memoryview(data),
    }
    panel._uploaded({"new": (file,)})


def screen(panel) -> dict:
    """Everything on the screen that belongs to a run."""
    v = panel.view
    return {"picture": v.image.value, "trace": v.plot.value, "numbers": v.note.value,
            "bar": (v.bar.value, v.bar.max), "line": v.label.value}  # fmt: skip
