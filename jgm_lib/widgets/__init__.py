"""Live widgets: the colorization panel, and the pure computation behind it."""

from ..errors import JGMError
from .album import open_picture, open_upload, picture_names
from .engine import compute

__all__ = ["ColorizePanel", "compute", "open_picture", "open_upload", "picture_names"]


def __getattr__(name: str):
    """``ColorizePanel`` only when asked for: the rest works without ipywidgets."""
    if name != "ColorizePanel":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        raise JGMError(
            "the panel needs ipywidgets: run `pip install ipywidgets` and restart the "
            "kernel; jgm_lib.widgets.compute(card, photo) works without it"
        ) from None
    from .panel import ColorizePanel

    return ColorizePanel
