"""Read pictures straight out of zip and tar archives, without unpacking them.

A *walk* is a function without arguments that gives, in storage order and each time the same,
pairs (name, content); content is a path, a ``Skip`` with the reason why it is refused, or a
function that reads the bytes and is called, if at all, before the next pair is asked for. The
choice among the pictures walks once to count and once to read, so no list of them is kept.

Nothing is ever written under a name from an archive. Names that would leave the target folder,
links, devices, archives in archives and members that unpack to absurd sizes are refused.
"""

import gzip
import posixpath
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from jgm_lib.data.packing import SUFFIXES, Skip
from jgm_lib.errors import JGMError
from jgm_lib.files import DAMAGED

from .folder import find_pictures

MAX_MEMBER = 64_000_000  # bytes of one picture file; large photographs have 20 million
MAX_RATIO = 100  # unpacked to packed; JPEG and WebP cannot be packed further
NESTED = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar"}
OUTSIDE = "name leads outside the archive"
DAMAGE = (*DAMAGED, tarfile.TarError, zipfile.BadZipFile, zlib.error)
Walk = Callable[[], Iterator[tuple[str, object]]]


def judge(name: str, nested: bool = False) -> bool:
    """Is a member of this name a picture? Raises Skip for a name that is refused.

    ``nested``: a tar inside is no fault (but no picture either).
    """
    path = name.replace("\\", "/")
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or re.match("[A-Za-z]:", path):
        raise Skip(OUTSIDE)
    suffix = posixpath.splitext(parts[-1])[1].lower()  # no pathlib here: it runs a million times
    if suffix in NESTED and not (nested and suffix == ".tar"):
        raise Skip("archive inside the archive")
    hidden = any(p.startswith((".", "__MACOSX")) and p != "." for p in parts)
    return suffix in SUFFIXES and not hidden


def blocks(n: int, count: int | None, seed: int) -> Iterator[np.ndarray]:
    """Sorted row numbers of a seeded choice from range(n): ``count`` of them, then reserves.

    The choice is the start of one seeded permutation, as in ``folder.choose``. The reserves
    replace what is skipped; each is twice as long as the one before, so that even a set of which
    little can be read is walked only a few times.
    """
    if count is None or count >= n:
        yield np.arange(n)
        return
    order = np.random.default_rng(seed).permutation(n)
    start, step = 0, count
    while start < n:
        yield np.sort(order[start : start + step])
        start, step = start + step, 64 if start == 0 else 2 * step


def chosen(walk: Walk, n: int, count: int | None, seed: int) -> Iterator[tuple[str, object]]:
    """(name, path or bytes or Skip) of a seeded choice among the ``n`` entries of a walk."""
    for rows in blocks(n, count, seed):
        wanted = iter(rows)
        row = next(wanted, None)
        with closing(walk()) as entries:
            for i, (name, content) in enumerate(entries):
                if i == row:
                    yield name, read(content)
                    row = next(wanted, None)
                    if row is None:
                        break


def count_entries(walk: Walk) -> int:
    """How many pictures and refused members a walk has. JGMError for a damaged archive."""
    return sum(1 for _ in walk())


def read(content):
    """The content of an entry: called if it is a function; a fault becomes a Skip."""
    if not callable(content):
        return content
    try:
        return content()
    except Skip as reason:
        return reason
    except (*DAMAGE, RuntimeError):  # the last: kinds of zip that zipfile does not know
        return Skip("damaged in the archive")


# -- folders and zip ---------------------------------------------------------------------------


def walk_folder(root: Path) -> Walk:
    """The pictures below a folder, as ``folder.find_pictures`` finds them."""
    found = find_pictures(root)
    return lambda: (pair for pair in found)


def walk_zip(path: Path) -> Iterator[tuple[str, object]]:
    """The pictures of a zip. Raises JGMError when the file is no whole zip."""
    with open_zip(path) as archive:
        for info in sorted(archive.infolist(), key=lambda i: i.header_offset):
            try:
                if judge(info.filename) and not info.is_dir():
                    check_zip_member(info, MAX_MEMBER)
                    yield _tidy(info.filename), partial(_read_zip, archive, info)
            except Skip as reason:
                yield info.filename, reason


def open_zip(path: Path) -> zipfile.ZipFile:
    """Open a zip file. Raises JGMError with one line when that fails."""
    try:
        return zipfile.ZipFile(path)
    except (*DAMAGE, NotImplementedError) as error:
        raise JGMError(f"{path}: not a whole zip archive ({error}); fetch it again") from None


def check_zip_member(info: zipfile.ZipInfo, limit: int | None) -> None:
    """Raise Skip for links, devices, encryption and bombs, from what the directory says."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise Skip("link or device")
    if info.flag_bits & 1:
        raise Skip("encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Skip("unusual compression")  # zipfile unpacks bzip2 and LZMA without a limit
    if limit is not None and info.file_size > limit:
        raise Skip("larger than a picture file may be")
    if info.file_size > MAX_RATIO * max(info.compress_size, 1000):
        raise Skip("unpacks to an absurd size")


def _read_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as member:
        return member.read(info.file_size + 1)  # with a number, or it unpacks more than is stated


def _tidy(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/"))


# -- tar ---------------------------------------------------------------------------------------


class _Careful:
    """A stream for tarfile that refuses what only a hostile header asks for."""

    def __init__(self, stream, label: str, limit: int | None):
        self.stream, self.label, self.limit = stream, label, limit
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, n: int = -1) -> bytes:
        if not 0 <= n <= MAX_MEMBER:  # such as a name of many gigabytes
            raise JGMError(f"{self.label}: a header asks for {n} bytes; archive refused")
        if self.limit is not None and self.tell() > self.limit:
            raise JGMError(f"{self.label}: unpacks to an absurd size; archive refused")
        return self.stream.read(n)


def walk_tar(path: Path, nested: bool = False) -> Iterator[tuple[str, object]]:
    """The pictures of a tar or tar.gz; with ``nested`` also those of tars directly inside it.

    The name of a nested tar becomes a folder: ``n01440764.tar`` holds ``n01440764/...``. Raises
    JGMError for an archive that is damaged, cut off or hostile.
    """
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            size = file.seek(0, 2)
            file.seek(0)
            stream = gzip.GzipFile(fileobj=file) if packed else file
            limit = MAX_RATIO * max(size, 100_000) if packed else None
            yield from _members(_Careful(stream, path.name, limit), path.name, "", nested)
    except DAMAGE as error:
        raise JGMError(f"{path}: damaged or cut off ({error}); fetch it again") from None


def _members(stream: _Careful, label: str, prefix: str, nested: bool):
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        while (member := _next(tar, stream, label)) is not None:
            try:
                inner = nested and member.name.lower().endswith(".tar") and not member.isdir()
                wanted = judge(member.name, nested=nested) and not member.isdir()
                if wanted or inner or not (member.isreg() or member.isdir()):
                    _check_tar_member(member, None if inner else MAX_MEMBER)
            except Skip as reason:
                yield prefix + member.name, reason
                continue
            if inner:
                yield from _inner(tar, member, label)
            elif wanted:
                yield prefix + _tidy(member.name), partial(_read_tar, tar, member)
        _check_end(tar, stream)


def _next(tar: tarfile.TarFile, stream: _Careful, label: str):
    """The next header, with two traps closed: going backwards, and unpacking just to skip."""
    member = tar.next()
    tar.members.clear()  # tarfile would keep a million of them
    if member is not None and (member.size < 0 or tar.offset <= member.offset):
        raise JGMError(f"{label}: a header with a negative size; archive refused")
    if member is not None and stream.limit is not None and member.size > MAX_MEMBER:
        raise JGMError(f"{label}: {member.name!r} is {member.size} bytes; archive refused")
    return member


def _check_tar_member(member: tarfile.TarInfo, limit: int | None) -> None:
    if not member.isreg() or member.issparse():
        raise Skip("link or device")
    if limit is not None and member.size > limit:
        raise Skip("larger than a picture file may be")


def _inner(tar: tarfile.TarFile, member: tarfile.TarInfo, label: str):
    label = f"{label}: {member.name}"
    try:
        stream = _Careful(tar.extractfile(member), label, None)
        yield from _members(stream, label, _tidy(member.name)[:-4] + "/", False)
    except DAMAGE as error:
        raise tarfile.ReadError(f"{member.name}: {error}") from None


def _read_tar(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    with tar.extractfile(member) as file:
        content = file.read()
    if len(content) != member.size:
        raise tarfile.ReadError("unexpected end of data")
    return content


def _check_end(tar: tarfile.TarFile, stream: _Careful) -> None:
    """tarfile takes a spoilt header or a cut at a header for the end; the end is a block of zeros."""
    stream.seek(tar.offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("no end mark where the last member ends")
    while stream.limit is not None and stream.read(1 << 16):
        pass  # gzip compares its checksum when everything has been read
