"""Files on disk: their hashes, writing them whole or not at all, and saying that one is damaged.

Whatever is written gets its name by rename at the end, when it is on the disk: after a crash the
old file is there or the new one, never half of one.
"""

import hashlib
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import JGMError

# What reading a damaged file raises: OSError from the disk, ValueError for bad JSON, UTF-8 or
# headers (JGMError is one too), EOFError for a file that was cut off, RecursionError for deep nests.
DAMAGED = (OSError, ValueError, EOFError, RecursionError)
EXISTS = " exists; choose another folder or allow overwriting (--force)"


# -- reading -----------------------------------------------------------------------------------


def digest_of(path, algorithm: str = "sha256") -> str:
    """The hash of a file in hex, read in pieces. Raises OSError where it cannot be read."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def file_sha256(path) -> str:
    """The SHA-256 of a file as 64 hex digits. Raises OSError where it cannot be read."""
    return digest_of(path, "sha256")


def read_json_card(path: Path, whose: str, limit: int | None = None):
    """What the JSON card of ``whose`` holds. Raises JGMError if the file is missing, damaged or
    larger than ``limit`` bytes."""
    try:
        too_large = limit is not None and path.stat().st_size > limit
        card = None if too_large else json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise JGMError(f"{path}: the card of the {whose} is missing") from None
    except DAMAGED as error:
        raise JGMError(f"{path}: not a readable JSON card ({error})") from None
    if too_large:
        raise JGMError(f"{path}: larger than {limit} bytes, not a card")
    return card


# -- writing -----------------------------------------------------------------------------------


def refuse_existing(paths: Iterable, force: bool, says: str = EXISTS) -> None:
    """Raise JGMError naming the first path that exists, unless ``force``; ``says`` follows it."""
    for path in paths:
        if not force and os.path.lexists(path):
            raise JGMError(f"{path}{says}")


def check_place(path: Path) -> None:
    """Raise JGMError where no file can come to be: no folder around it, a folder in its place, a
    name that the file system refuses."""
    if os.path.isdir(path):
        raise JGMError(f"{path}: cannot be written (it is a folder)")
    try:
        os.lstat(path)
    except FileNotFoundError:
        if not path.parent.is_dir():
            what = f"the folder {path.parent} does not exist; create it first"
            raise JGMError(f"{path}: {what}") from None
    except (OSError, ValueError) as error:  # a name too long, a zero byte in it
        raise _no_file(path, error) from None


def _no_file(path: Path, error: Exception) -> JGMError:
    return JGMError(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})")


def put(part: Path, path: Path) -> None:
    """Give a finished file its name: first its content is on the disk, afterwards the name is too.
    Raises OSError."""
    with open(part, "r+b") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    with suppress(OSError):  # not every system opens and syncs a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def sweep(folder) -> None:
    """Delete what killed writers left in a folder that nobody else writes to now: parts of
    ``replacing``, and those of safetensors within it."""
    for pattern in (".*-*.part", ".tmp??????"):
        for part in Path(folder).glob(pattern):
            part.unlink(missing_ok=True)


@contextmanager
def replacing(path) -> Iterator[Path]:
    """A temporary path beside ``path``, for the block to write to; then it becomes ``path``.

    It is on the disk before it gets its name, and readable as the umask says however it was
    written (safetensors writes for the owner alone). An error or a crash in the block leaves the
    old file. Raises JGMError: before the block for an impossible place, later for an OSError.
    """
    path = Path(path)
    check_place(path)
    # not made from the name, which may be as long as names can be; no two writers have the same
    part = path.parent / f".{os.getpid()}-{secrets.token_hex(4)}.part"
    try:
        with open(part, "xb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        yield part
        os.chmod(part, mode)
        put(part, path)
    except OSError as error:
        raise _no_file(path, error) from None
    finally:
        with suppress(OSError):  # the first error is the one to tell
            part.unlink(missing_ok=True)


@contextmanager
def replacing_set(folder, names: Iterable[str], force: bool = False) -> Iterator[Path]:
    """A temporary folder inside ``folder``, for the block to write files ``names`` to; at its end
    they all come to ``folder``, after an error none does.

    Raises JGMError: before and after the block if one is there already, unless ``force``; for a
    name that no file can have; for what the block raises, with the final name in it.
    """
    folder, paths = Path(folder), [Path(folder) / name for name in names]
    refuse_existing(paths, force)
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        check_place(path)
    with tempfile.TemporaryDirectory(prefix=".", suffix=".part", dir=folder) as part:
        try:
            yield Path(part)
        except JGMError as error:
            raise JGMError(str(error).replace(part, str(folder))) from None
        refuse_existing(paths, force)  # somebody else may have been faster
        for path in paths:
            put(Path(part) / path.name, path)


def write_bytes(path, data: bytes) -> None:
    """Put a file there whole or not at all. Raises JGMError where it cannot be written."""
    with replacing(path) as part:
        part.write_bytes(data)


def write_text(path, text: str) -> None:
    """Put UTF-8 text there whole or not at all, line ends as they are. Raises JGMError."""
    write_bytes(path, text.encode())
