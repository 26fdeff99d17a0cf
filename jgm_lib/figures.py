"""Figures: their line styles and panels; in the course every one goes out through `show`, with alt text."""

import base64
import html
import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from .errors import JGMError

LINES = (  # Okabe and Ito's colours, each with its own line and marker
    dict(color="#0072B2", linestyle="-", marker="o"),
    dict(color="#D55E00", linestyle="--", marker="s"),
    dict(color="#000000", linestyle=":", marker="^"),
    dict(color="#009E73", linestyle="-.", marker="D"),
)
MIN_ALT = 20  # characters; shorter is a file name, not a description


def to_array(image) -> np.ndarray:
    """A picture as (H,W) or (H,W,3) floats in [0,1].

    Takes PIL, uint8 or float arrays (H,W), (H,W,3), and tensors (3,H,W), (1,H,W), (1,C,H,W).
    """
    if isinstance(image, Image.Image):
        image = np.asarray(image.convert("RGB"))
    if hasattr(image, "detach"):
        image = image.detach().cpu().numpy()
        image = image[0] if image.ndim == 4 else image  # (C,H,W) or (H,W)
        image = np.moveaxis(image, 0, -1) if image.ndim == 3 else image  # (H,W,C)
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim != 2 and (image.ndim != 3 or image.shape[-1] != 3):
        raise JGMError(
            f"picture of shape {image.shape}: allowed (H,W) or (H,W,3), tensors (1,H,W) or (3,H,W)"
        )
    return np.clip(image / 255 if image.dtype == np.uint8 else image, 0, 1)


def line(k: int, markers: bool = False) -> dict:
    """Keyword arguments of the k-th curve of a plot: colour and line style, on request a marker."""
    style = dict(LINES[k % len(LINES)])
    if not markers:
        style.pop("marker")
    return style


def panels(rows: int = 1, cols: int = 1, width: float = 3.0, height: float = 2.6, **settings):
    """A Figure and its axes: one axis, or an array of shape (cols,) or (rows, cols)."""
    fig = Figure(figsize=(width * cols, height * rows), layout="constrained")
    axes = fig.subplots(rows, cols, squeeze=False, **settings)
    for axis in axes.flat:
        axis.tick_params(labelsize=8)
        axis.title.set_fontsize(9)
    if rows == cols == 1:
        return fig, axes[0, 0]
    return fig, axes[0] if rows == 1 else axes


def picture_row(images, titles=None, height: float = 2.2) -> Figure:
    """Pictures side by side on one Figure, each with its title. ``height`` in inches."""
    arrays = [to_array(i) for i in images]
    titles = list(titles) if titles is not None else [""] * len(arrays)
    if not arrays or len(titles) != len(arrays):
        raise JGMError(
            f"picture_row: {len(arrays)} pictures and {len(titles)} titles; "
            "allowed: at least one picture, one title each"
        )
    widths = [a.shape[1] / a.shape[0] for a in arrays]
    fig = Figure(
        figsize=(height * sum(widths) + 0.1 * len(widths), height + 0.35), layout="constrained"
    )
    axes = fig.subplots(1, len(arrays), squeeze=False, width_ratios=widths)[0]
    for axis, array, title in zip(axes, arrays, titles, strict=True):
        axis.imshow(array, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    return fig


def png_bytes(figure, dpi: int = 80) -> bytes:
    """A Figure, PIL picture, array or tensor as PNG."""
    buffer = io.BytesIO()
    if hasattr(figure, "savefig"):
        figure.savefig(buffer, format="png", dpi=dpi)
    else:
        pixels = (to_array(figure) * 255).round().astype(np.uint8)
        Image.fromarray(pixels).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def jpeg_bytes(figure, quality: int, dpi: int = 80) -> bytes:
    """A Figure or PIL picture as JPEG without chroma subsampling: photographs a tenth the size of
    PNG."""
    drawn = hasattr(figure, "savefig")
    image = Image.open(io.BytesIO(png_bytes(figure, dpi))) if drawn else figure
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def image_html(data: bytes, alt: str, kind: str = "png") -> str:
    """An <img> with alt text and the picture inside (JupyterLab gives plain PNGs no alt text)."""
    code, style = base64.b64encode(data).decode(), "max-width:100%"
    return f'<img alt="{html.escape(alt)}" style="{style}" src="data:image/{kind};base64,{code}">'


def show(figure, alt: str, dpi: int = 80, jpeg: int = 0) -> None:
    """Display a matplotlib Figure or a picture in the notebook, with alt text.

    ``alt`` says what the reader should see, at least 20 characters, else JGMError. ``jpeg``: the
    quality, for photographs, which as PNG would be heavy.
    """
    from IPython.display import display

    alt = " ".join(str(alt).split())
    if len(alt) < MIN_ALT:
        raise JGMError(
            f"alt text {alt!r}: say what the reader should see, at least {MIN_ALT} characters"
        )
    if jpeg:
        page = image_html(jpeg_bytes(figure, jpeg, dpi), alt, "jpeg")
    else:
        page = image_html(png_bytes(figure, dpi), alt)
    display({"text/html": page, "text/plain": f"Figure: {alt}"}, raw=True)
    _close(figure)


def _close(figure) -> None:
    """Or else the inline backend would show a pyplot figure again, without alt text."""
    if hasattr(figure, "savefig"):
        import matplotlib.pyplot as plt

        plt.close(figure)
