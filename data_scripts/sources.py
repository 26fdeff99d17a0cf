"""From ``--source`` or the official address to a packed set: what the four scripts share."""

import argparse
import hashlib
import shutil
import sys
from functools import partial
from pathlib import Path

from tqdm import tqdm

from jgm_lib.data.packing import check_settings, pack
from jgm_lib.errors import JGMError

from .archives import Walk, chosen, count_entries, walk_folder, walk_tar, walk_zip
from .common import common_parser, run
from .download import BLOCK, HASHES, Published, download

COUNT = 150_000  # pictures a set in the paper (section IV.A)
DEFAULTS = {
    "size": 128,
    "count": COUNT,
    "seed": 0,
    "squash": False,
    "holdout": 0.05,
    "keep_grey": False,
}
CHOICE = (
    "numpy.random.default_rng(seed).permutation(entries)[:count], read in storage order; what was "
    "skipped is replaced from the rest of the permutation"
)


def settle(name: str, licence: str, options: dict) -> dict:
    """Settings of ``pack`` with the defaults filled in. Raises JGMError before any work is done."""
    full = {"name": name, "licence": licence} | DEFAULTS | options
    check_settings(*(full[k] for k in ("name", "size", "count", "seed", "holdout")))
    return full


def known_one(archives: dict, key: str) -> Published:
    """The published archive of a split (and category). Raises JGMError for one that is none."""
    if key not in archives:
        raise JGMError(f"{key!r} is not offered; choose {', '.join(archives)}")
    return archives[key]


def obtain(source, wanted: Published, known, downloads) -> tuple[Path, dict]:
    """The archive or folder to read from, and what the card says about it.

    Without ``source`` the published archive is fetched into ``downloads`` and compared with its
    hash. An archive of one's own is compared with that of ``known`` which has its length; any
    other is used as well, but the card and a note say so. Raises JGMError.
    """
    if source is not None:
        path = Path(source).expanduser()
        if path.is_dir():
            return path.resolve(), {"folder": path.resolve().name}
        if not path.is_file():
            raise JGMError(f"source={str(source)!r}: no such file or folder")
        return path, examine(path, known, wanted)
    path = Path(downloads) / wanted.name
    return path, _fetched(path, wanted) | {"url": wanted.url}


def _fetched(path: Path, wanted: Published) -> dict:
    """Fetch a published archive unless it is there; it gets its name only with the right hash."""
    if path.exists():
        size = path.stat().st_size
        if size == wanted.size:
            return examine(path, [wanted], wanted)
        raise JGMError(
            f"{path}: {size} bytes, but {wanted.size} are published; remove the file, then the "
            "same command fetches it"
        )
    print(f"fetching {wanted.url} ({wanted.size / 1e9:.1f} GB) into {path.parent}")
    print("Ctrl-C stops; the same command then goes on where it stopped", flush=True)
    with _bar(wanted.name, wanted.size) as bar:
        download(
            wanted.url,
            path,
            size=wanted.size,
            digest=wanted.digest,
            algorithm=wanted.algorithm,
            progress=lambda n: bar.update(n - bar.n),
        )
    return _facts(path, wanted.size, wanted.digest, True)  # what has a URL is known by SHA-256


def examine(path: Path, known, wanted: Published) -> dict:
    """Length and SHA-256 of an archive, and whether it is one of the ``known`` published ones.

    Raises JGMError for the length of a published archive with another hash, a spoilt copy, and
    for another published archive than the ``wanted`` one.
    """
    size = path.stat().st_size
    match = next((p for p in known if p.size == size), None)
    if match and match != wanted:
        raise JGMError(f"{path}: has the length of {match.name}, but {wanted.name} is asked for")
    found = _digests(path, {"sha256", match.algorithm if match else "sha256"})
    if match and found[match.algorithm] != match.digest:
        raise JGMError(
            f"{path}: {HASHES[match.algorithm]} is not that of {match.name}; fetch it again"
        )
    if not match:
        print(f"note: {path.name} is not a published archive, its hash cannot be checked")
    return _facts(path, size, found["sha256"], bool(match))


def _facts(path: Path, size: int, sha256: str, published: bool) -> dict:
    return {"file": path.name, "bytes": size, "sha256": sha256, "published": published}


def _digests(path: Path, algorithms: set) -> dict:
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    with open(path, "rb") as file, _bar(f"checking {path.name}", path.stat().st_size) as bar:
        while block := file.read(BLOCK):
            for one in hashes.values():
                one.update(block)
            bar.update(len(block))
    return {name: one.hexdigest() for name, one in hashes.items()}


def _bar(text: str, total: int):
    """A progress bar on a terminal, nothing elsewhere."""
    return tqdm(desc=text, total=total, unit="B", unit_scale=True, disable=None, leave=False)


def walk_of(path: Path, nested: bool = False) -> Walk:
    """The walk through a folder, zip, tar or tar.gz. Raises JGMError for any other file."""
    if path.is_dir():
        return walk_folder(path)
    if path.suffix.lower() == ".zip":
        return partial(walk_zip, path)
    if path.name.lower().endswith((".tar", ".tgz", ".tar.gz")):
        return partial(walk_tar, path, nested)
    raise JGMError(f"source={str(path)!r}: need a folder, .zip, .tar, .tgz or .tar.gz")


def pack_walk(walk: Walk, out, facts: dict, settings: dict, entries: int | None = None) -> Path:
    """Pack a seeded choice of what a walk finds; returns the path of the npy file.

    ``facts``: what ``obtain`` told about the source, for the card. ``entries``: the length of the
    walk if it is known. Raises JGMError when there is no picture or no room for the set.
    """
    label = facts.get("file") or facts.get("folder")
    n = count_entries(walk) if entries is None else entries
    if not n:
        raise JGMError(f"{label}: there is no picture in it")
    count, size, seed = (settings[k] for k in ("count", "size", "seed"))
    check_room(out, 3 * size * size * min(n, count or n))
    url = facts.get("url")
    extra = {"archive": facts, "entries": n, "choice": CHOICE if count and count < n else "all"}
    pictures = chosen(walk, n, count, seed)
    return pack(pictures, out=out, source=label, url=url, extra=extra, **settings)


def check_room(folder, needed: int) -> None:
    """Raise JGMError unless ``folder``, made if need be, has room for ``needed`` bytes."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise JGMError(f"{folder}: {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free")


def source_parser(command: str, description: str, licence: str, example: str):
    """The options of the four scripts."""
    p = common_parser(
        command,
        f"{description} A seeded choice of {COUNT:,} (--count) is taken, all if there are fewer.",
    )
    p.epilog, p.formatter_class = f"example:\n  {example}", argparse.RawDescriptionHelpFormatter
    p.add_argument("--source", help="archive or folder (default: the official archive is fetched)")
    p.add_argument("--downloads", help="folder of fetched archives (default: OUT/downloads)")
    p.add_argument("--keep-grey", action="store_true", help="keep pictures without colour")
    p.set_defaults(count=COUNT, licence=licence)
    return p


def main_of(command, parser: argparse.ArgumentParser, argv) -> int:
    """Run a script with a progress bar; bad input is one line and exit code 2."""
    args = parser.parse_args(argv)
    with tqdm(total=args.count, unit="picture", disable=None) as bar:
        try:
            return run(partial(command, progress=lambda n: bar.update(n - bar.n)), args)
        except OSError as error:  # such as a full disk
            print(f"error: {error}", file=sys.stderr)
            return 2
