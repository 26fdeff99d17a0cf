"""The files of a finished run, as links: what ``jgm colorize`` would write, and the line that does.

A link carries its file with it (a data: address), so that no server has to know of it: the same in
JupyterLab and in Voila. A click makes a blob of it first, for browsers refuse long data: addresses.
"""

import base64
import html
import io
import shlex
import tempfile
import zipfile
from pathlib import Path

from ..errors import JGMError
from ..params import ColorizeCard
from . import controls
from .album import original
from .scene import DONE, Scene

OUT = "colours"  # the folder of the command
LARGEST = 150_000_000  # bytes of all files together: they pass through the browser
TYPES = {
    ".png": "image/png",
    ".zip": "application/zip",
    ".yaml": "text/plain",
    ".txt": "text/plain",
}
TO_BLOB = (  # in an attribute, URL alone would be the address of the page
    "const [head, data] = this.href.split(','); if (head.startsWith('data:')) { const bytes = "
    "Uint8Array.from(atob(data), c => c.charCodeAt(0)); this.href = window.URL.createObjectURL("
    "new Blob([bytes], {type: head.slice(5).split(';')[0]})) }"
)


def command(card: ColorizeCard, file: str) -> str:
    """The line that colours that file by the same settings: those that its sampler reads and that are
    not the command's own anyway."""
    words = ["jgm", "colorize", f"./{file}" if file.startswith("-") else file, "-o", OUT]
    for name in ("weights", *controls.read_by(card.sampler)):
        value = getattr(card, name)
        if value == ColorizeCard.model_fields[name].default:
            continue
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", str(value)]
    words += [w for x, y, colour in card.points for w in ("--point", f"{x},{y},{colour}")]
    return shlex.join(words)


def written(scene: Scene) -> dict[str, bytes]:
    """Name -> content: each version and the mean at full size, the photograph if it is one of this
    library's, the settings and the command. JGMError if no finished run is shown, or for too much."""
    if scene is None or scene.kind != DONE:
        raise JGMError("download: no finished run is shown; let one come to its end")
    photo = scene.subject.photo
    file = photo.name if original(photo.name) is None else f"{photo.name}.png"
    with tempfile.TemporaryDirectory(prefix="jgm-files-") as folder:
        found = {p.name: p.read_bytes() for p in scene.done.result.save(folder)}
    if original(photo.name) is not None:
        found[file] = original(photo.name)
    found["settings.yaml"] = controls.text_of(scene.card).encode()
    found["command.txt"] = (command(scene.card, Path(file).name) + "\n").encode()
    size = sum(map(len, found.values()))
    if size > LARGEST:
        raise JGMError(
            f"download: {size / 1e6:.0f} MB; allowed are {LARGEST / 1e6:.0f} MB. Take fewer versions, "
            f"or in a terminal: {command(scene.card, Path(file).name)}"
        )
    return found


def zipped(found: dict[str, bytes]) -> bytes:
    """All of them in one archive; PNG is packed already."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in found.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def links(scene: Scene) -> str:
    """HTML: the archive, every file by itself, and the command to copy."""
    found = written(scene)
    stem = Path(scene.subject.photo.name).stem
    every = {f"{stem}_all.zip": zipped(found), **found}
    items = "".join(f"<li>{link(name, content)}</li>" for name, content in every.items())
    line = html.escape(found["command.txt"].decode().strip())
    about = f"Files of run {scene.number}. The same by the command line, beside the photograph:"
    return (
        f'<ul class="jgm-files">{items}</ul><div class="jgm-note">{about}</div>'
        f'<pre class="jgm-command" tabindex="0">{line}</pre>'
    )


def link(name: str, content: bytes) -> str:
    """One file as a link that saves it."""
    kind, name = TYPES[Path(name).suffix], html.escape(name)
    data = base64.b64encode(content).decode()
    size = f"{len(content) / 1e6:.1f} MB" if len(content) > 1e5 else f"{len(content) / 1e3:.1f} kB"
    return (
        f'<a download="{name}" href="data:{kind};base64,{data}" onclick="{html.escape(TO_BLOB)}">'
        f"{name}</a> {size}"
    )
