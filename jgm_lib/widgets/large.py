"""The large view: a finished run at full size, a curtain between the grey photograph and a version."""

import base64
import html

from . import drawing
from .scene import Scene

LONGEST = 4096  # pixels of a side; of a larger photograph a smaller copy is shown
MOST = 8  # versions
OPEN = (
    "const view = this.parentNode, box = view.querySelector('dialog'); this.remove(); "
    "box.showModal(); box.onclose = () => view.replaceChildren()"
)
CUT = "this.closest('dialog').style.setProperty('--cut', this.value + '%')"
NATURAL = "this.closest('dialog').classList.toggle('jgm-natural', this.checked)"
PICK = (
    "this.closest('dialog').querySelectorAll('.jgm-after')"
    ".forEach((image, k) => image.hidden = k != this.value)"
)


def dialog(scene: Scene) -> str:
    """HTML of the view, which opens itself; Escape or Close ends it, arrow keys move the curtain."""
    result, name = scene.done.result, html.escape(scene.subject.photo.name)
    after = [_image(p, f"version {k + 1}", k > 0) for k, p in enumerate(result.images[:MOST])]
    options = "".join(f'<option value="{k}">version {k + 1}</option>' for k in range(len(after)))
    grey = drawing.to_image(result.y)
    return (
        f'<dialog class="jgm-large" aria-label="{name}, large">'
        f'<form method="dialog"><label>shown <select onchange="{PICK}">{options}</select></label>'
        f'<label>grey photo, up to here <input type="range" value="50" oninput="{CUT}"></label>'
        f'<label><input type="checkbox" onchange="{NATURAL}"> every pixel</label>'
        f"<button>Close</button></form>"
        f'<div class="jgm-stack"><div class="jgm-before">{_image(grey, "grey photo")}</div>'
        f'{"".join(after)}</div></dialog><img src="data:," alt="" onerror="{OPEN}">'
    )


def _image(picture, words: str, hidden: bool = False) -> str:
    small = drawing.fit(picture, *(min(LONGEST, n) for n in picture.size))
    data = base64.b64encode(drawing.encode(small, quality=92)).decode()
    kind = "" if words == "grey photo" else ' class="jgm-after"'
    return f'<img{kind} alt="{words}" src="data:image/jpeg;base64,{data}"{" hidden" * hidden}>'
