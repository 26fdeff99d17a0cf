"""Joint intensity-gradient guided generative colorization: a small library to read and to use.

from jgm_lib import Colorizer
out = Colorizer.from_pretrained().colorize("old_photo.jpg", n=4, seed=0)
out.save("out/")
"""

import os

# Before torch loads: threads that wait without spinning leave the machine to the others on it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from .errors import JGMError  # noqa: E402

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
