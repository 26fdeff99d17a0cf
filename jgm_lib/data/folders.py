"""The pictures below a folder, in a fixed order, links that lead outside left alone."""

import os
from pathlib import Path

from .packing import SUFFIXES, Skip


def find_pictures(root: Path) -> list[tuple[str, object]]:
    """All picture files below ``root``, sorted by name; refused links come as Skip."""
    found, seen = [], set()
    for folder, folders, files in os.walk(root, followlinks=False):
        folders[:] = sorted(d for d in folders if not d.startswith("."))
        links = [d for d in folders if (Path(folder) / d).is_symlink()]
        for entry in links + [f for f in files if Path(f).suffix.lower() in SUFFIXES]:
            path = Path(folder) / entry
            found.append((path.relative_to(root).as_posix(), _vet(path, root, seen)))
    return sorted(found, key=lambda pair: pair[0].split("/"))


def _vet(path: Path, root: Path, seen: set):
    """The real file behind a name, or the reason why it may not be read."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):  # dangling, or a circle of links
        return Skip("broken link")
    if not real.is_relative_to(root):
        return Skip("link leads outside the folder")
    if real.is_dir():
        return Skip("link to a folder")
    if not real.is_file():  # a pipe or a device would hang the run
        return Skip("not a file")
    if real in seen:
        return Skip("same file twice")
    seen.add(real)
    return real
