"""Joint intensity-gradient guided generative colorization: a small library to read and to use.

from jgm_lib import Colorizer
out = Colorizer.from_pretrained().colorize("old_photo.jpg", n=4, seed=0)
out.save("out/")
"""

from . import threads
from .errors import JGMError

threads.settle()  # before torch loads

__all__ = ["Colorizer", "JGMError", "Result", "__version__"]


def __getattr__(name: str):
    """Import the slow parts only when they are asked for."""
    if name == "__version__":
        return _version()
    if name in ("Colorizer", "Result"):
        from . import colorize

        return getattr(colorize, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("jgm-colorization")
    except metadata.PackageNotFoundError:  # a source tree on the path, not installed
        return "0+unknown"
