"""Live widgets: the colorization panel, and the pure computation behind it."""

from ..errors import JGMError

ALBUM = ("open_picture", "open_upload", "picture_names")
__all__ = ["ColorizePanel", "compute", "open_picture", "open_upload", "picture_names"]


def __getattr__(name: str):
    """All only when asked for: the study's panel works without torch, the rest without ipywidgets."""
    if name == "compute":
        from .engine import compute

        return compute
    if name in ALBUM:
        from . import album

        return getattr(album, name)
    if name == "ColorizePanel":
        return _panel()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _panel():
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        raise JGMError(
            "the panel needs ipywidgets: run `pip install ipywidgets` and restart the "
            "kernel; jgm_lib.widgets.compute(card, photo) works without it"
        ) from None
    from .panel import ColorizePanel

    return ColorizePanel
