"""Pack a folder of photographs:

python -m data_scripts.folder --source PHOTOS --size 128 --out data
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jgm_lib.data.folders import find_pictures
from jgm_lib.data.packing import pack
from jgm_lib.errors import JGMError

from .common import common_parser, run


def choose(found: list, count: int | None, seed: int) -> Iterator:
    """A seeded choice of ``count`` entries in sorted order, then the rest as a reserve."""
    if count is None or count >= len(found):
        return iter(found)
    order = np.random.default_rng(seed).permutation(len(found))
    first, reserve = np.sort(order[:count]), order[count:]  # reserve replaces what is skipped
    return (found[i] for part in (first, reserve) for i in part)


def pack_folder(
    source,
    out="data",
    name: str | None = None,
    size: int = 128,
    count: int | None = None,
    seed: int = 0,
    squash: bool = False,
    holdout: float = 0.05,
    licence: str = "not stated",
    progress=None,
) -> Path:
    """Pack the pictures below ``source`` (recursive) and return the path of the npy file.

    ``source``: one folder or a list of them, packed one after the other. ``count`` limits the set to a seeded choice; unreadable pictures are skipped and counted
    in the card, links that lead outside ``source`` are never followed. Sub-folder names are
    kept as labels. Raises JGMError when ``source`` is no folder or holds no usable picture.
    """
    roots = _folders([source] if isinstance(source, (str, os.PathLike)) else source)
    found = [entry for root in roots for entry in find_pictures(root)]
    return pack(
        choose(found, count, seed),
        name=name or roots[0].name.replace(" ", "_"),
        out=out,
        source=", ".join("/".join(root.parts[-2:]) if roots[1:] else root.name for root in roots),
        size=size,
        count=count,
        seed=seed,
        squash=squash,
        holdout=holdout,
        licence=licence,
        progress=progress,
    )


def _folders(sources) -> list[Path]:
    """The real folders behind ``sources``; JGMError for none, for what is none and for two of
    which one lies in the other (its pictures would count twice)."""
    roots = []
    for source in sources:
        root = Path(source).expanduser()
        if not root.is_dir():
            raise JGMError(f"source={str(source)!r} is not a folder")
        roots.append(root.resolve())
    if not roots:
        raise JGMError("source: need at least one folder")
    for i, root in enumerate(roots):
        for other in roots[:i] + roots[i + 1 :]:
            if root.is_relative_to(other):
                raise JGMError(f"source={str(root)!r} lies in {str(other)!r}: name it once")
    return roots


def main(argv=None) -> int:
    parser = common_parser("folder", "Pack folders of photographs for training.")
    parser.add_argument(
        "--source", required=True, nargs="+", help="the folders; sub-folders are included"
    )
    return run(pack_folder, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
