"""Fetch one file over HTTP so that a broken download goes on where it stopped.

The body goes to ``NAME.part``; ``NAME.part.json`` beside it keeps the server's ETag, so that two
versions of a file are never joined. Only a file of the right length and hash gets its final name.
"""

import errno
import json
import re
import shutil
import time
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from jgm_lib.errors import JGMError
from jgm_lib.files import digest_of, put

HEADERS = {"User-Agent": "jgm-colorization course (data_scripts)", "Accept-Encoding": "identity"}
BLOCK = 1 << 20
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS}
HASHES = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256"}


@dataclass(frozen=True)
class Published:
    """An archive as its authors offer it. ``url`` is None where one needs an account."""

    name: str
    url: str | None
    size: int
    digest: str
    algorithm: str = "sha256"


class Refused(JGMError):
    """The server answered with an HTTP error; ``status`` is its number."""

    def __init__(self, text: str, status: int):
        super().__init__(text)
        self.status = status


class _Broken(Exception):
    """The connection ended too early: worth another try."""


class _Changed(Exception):
    """What lies in the part file does not belong to what the server has now."""


def fetch(url: str, headers: dict | None = None, hint: str = "check the connection"):
    """Open a URL. Raises JGMError with one line when the network or the server says no."""
    if urlparse(url).scheme not in ("http", "https"):
        raise JGMError(f"{url}: only http and https addresses are fetched")
    try:
        return urlopen(Request(url, headers=HEADERS | (headers or {})), timeout=60)
    except HTTPError as error:
        text = f"{urlparse(url).netloc} answers {error.code} {error.reason}"
        raise Refused(text, error.code) from None
    except (URLError, OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise JGMError(f"{urlparse(url).netloc} cannot be reached ({reason}); {hint}") from None


def copy_body(answer, file, limit: int | None = None, progress=None) -> None:
    """Append the body of an answer to ``file``. JGMError past ``limit`` bytes in the file."""
    while block := answer.read(BLOCK):
        file.write(block)
        if limit is not None and file.tell() > limit:
            raise JGMError(f"{answer.url}: more than the {limit} bytes it may have")
        if progress:
            progress(file.tell())


def check_file(path: Path, label: str, size: int | None, digest: str | None, algorithm) -> None:
    """Raise JGMError unless the file has this length and hash (None: not known)."""
    found = path.stat().st_size
    if size is not None and found != size:
        raise JGMError(f"{label}: {found} bytes came, {size} were announced; try again")
    if digest and digest_of(path, algorithm) != digest.lower():
        raise JGMError(f"{label}: {HASHES[algorithm]} differs from the known one; try again")


def download(
    url: str,
    target,
    *,
    size: int | None = None,
    digest: str | None = None,
    algorithm: str = "sha256",
    progress=None,
    tries: int = 20,
    pause: float = 2.0,
) -> Path:
    """Fetch ``url`` to ``target`` and return its path; a file that is there is kept as it is.

    ``size`` in bytes and ``digest`` in hex are compared before the file gets its name; a file with
    another one is removed. A connection that breaks is taken up again, at most ``tries`` times and
    only while each try brings something; then the part stays and the next call goes on with it.
    ``progress(bytes so far)`` is called while it runs. Raises JGMError.
    """
    target = Path(target)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part, note = _part(target)
    for attempt in range(tries):
        before = _length(part)
        try:
            _receive(url, part, note, size, progress)
            break
        except _Changed:
            _forget(part, note)
        except _Broken as error:
            if attempt + 1 == tries or _length(part) <= before:
                raise JGMError(
                    f"{url}: broke off after {_length(part)} bytes ({error}); "
                    "the same command goes on from there"
                ) from None
            time.sleep(pause)
    else:
        raise JGMError(f"{url}: the file changes while it is fetched; try again later")
    return _finish(part, note, target, size, digest, algorithm)


def _part(target: Path) -> tuple[Path, Path]:
    part = target.with_name(target.name + ".part")
    return part, part.with_name(part.name + ".json")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _forget(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _finish(part, note, target, size, digest, algorithm) -> Path:
    try:
        check_file(part, target.name, size, digest, algorithm)
    except JGMError:
        _forget(part, note)  # it is whole, so going on could not mend it
        raise
    put(part, target)
    _forget(note)
    return target


def _remembered(url: str, part: Path, note: Path) -> dict:
    """What the server said about the part file when it was begun; {} when it is of no use."""
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        good = told["url"] == url and {"etag", "modified", "length"} <= set(told)
    except (OSError, ValueError, KeyError, TypeError):
        good = False
    if not good or not _length(part):
        _forget(part, note)
        return {}
    return told


def _receive(url: str, part: Path, note: Path, size: int | None, progress) -> None:
    """One request: the whole file, or the rest of it. Raises _Broken, _Changed or JGMError."""
    told, have = _remembered(url, part, note), _length(part)
    if told and told["length"] == have:
        return  # only the last step was missing
    with _ask(url, told, have) as answer:
        start = _start(answer, told, have)
        now = _facts(answer, url, start)
        if size is not None and now["length"] not in (None, size):
            _forget(part, note)
            raise JGMError(f"{url}: {now['length']} bytes announced, known are {size}")
        _check_room(part, (now["length"] or size or 0) - start)
        note.write_text(json.dumps(now), encoding="utf-8")
        _save(answer, part, note, start, now["length"] or size, progress)


def _ask(url: str, told: dict, have: int):
    """The answer to a request for everything, or for what is missing."""
    headers = {"Range": f"bytes={have}-"} if told else {}
    mark = _mark(told)
    if mark:
        headers["If-Range"] = mark  # a server with another version then sends all of it
    try:
        return fetch(url, headers)
    except Refused as error:
        if error.status == 416:  # nothing there: the file has become shorter
            raise _Changed from None
        if error.status == 429 or error.status >= 500:
            raise _Broken(error) from None
        raise


def _mark(told: dict) -> str | None:
    """RFC 9110, 13.1.5: If-Range takes a strong ETag or a date, never a weak ETag."""
    etag = told.get("etag")
    return etag if etag and not etag.startswith("W/") else told.get("modified")


def _start(answer, told: dict, have: int) -> int:
    """Where the body belongs: 0 for a whole file, ``have`` for the rest of the same version."""
    if answer.status != 206:
        return 0
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
    same = told and span and int(span[1]) == have
    same = same and (told["length"] is None or span[2] in ("*", str(told["length"])))
    if not same or (told["etag"] and answer.headers.get("ETag") not in (None, told["etag"])):
        raise _Changed
    return have


def _facts(answer, url: str, start: int) -> dict:
    length = answer.headers.get("Content-Length")
    return {
        "url": url,
        "etag": answer.headers.get("ETag"),
        "modified": answer.headers.get("Last-Modified"),
        "length": start + int(length) if length and length.isdigit() else None,
    }


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise JGMError(
            f"{part.parent}: {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free"
        )


def _save(answer, part: Path, note: Path, start: int, expected, progress) -> None:
    try:
        with open(part, "r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            copy_body(answer, file, limit=expected, progress=progress)
    except JGMError:  # too long: of no use
        _forget(part, note)
        raise
    except (HTTPException, OSError) as error:
        if getattr(error, "errno", None) in DISK:
            raise JGMError(f"{part}: {error.strerror}") from None
        raise _Broken(getattr(error, "strerror", None) or type(error).__name__) from None
    if expected is not None and _length(part) < expected:  # http.client says nothing about this
        raise _Broken("connection closed")
