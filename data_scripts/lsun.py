"""Pack LSUN bedrooms (3,033,042 photographs) or outdoor churches (126,227):

python -m data_scripts.lsun --category church_outdoor --out data
python -m data_scripts.lsun --category bedroom --source bedroom_train_lmdb --out data

LSUN keeps a category in one LMDB, a file of WebP pictures under hashed keys. The source is that
folder (``bedroom_train_lmdb`` with data.mdb), the official zip of it, or a folder of exported
pictures. LMDB needs the file itself, so a zip is unpacked beside the set while it is read and
removed afterwards (bedrooms: 46 GB zip and about as much unpacked). The paper takes 150,000 of
"each dataset"; there are fewer churches, of which all are packed.

Lengths and hashes: TensorFlow Datasets, url_checksums/lsun.txt.
"""

import tempfile
import zipfile
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path, PurePosixPath

from jgm_lib.data.packing import Skip
from jgm_lib.errors import JGMError

from .archives import DAMAGE, MAX_MEMBER, check_zip_member, judge, open_zip
from .download import BLOCK, Published
from .sources import (
    check_room,
    known_one,
    main_of,
    obtain,
    pack_walk,
    settle,
    source_parser,
    walk_of,
)

BASE = "http://dl.yf.io/lsun/scenes/"  # no https there; the hash is compared
LICENCE = "not stated by the source; pictures from the web, for research"
TABLE = """
bedroom_train 45922737680 a15644c2e7153106867f0adb3491fc41224102d1f01b24494fb47d9f5d1f174e
bedroom_val 4670661 5d022e781b241c25ec2e1f1f769afcdb8091d7fd58362667aec03137b8114b12
church_outdoor_train 2448463466 91128ae026840ac0c5982b4445ab5fc4e092d6847cca76793b2b1a0815c2e74a
church_outdoor_val 5957308 34635b7547a3e51a15f942a4a4082dd6bc9cca381a953515cb2275c0eed50584
"""


def _published(row: str) -> tuple[str, Published]:
    key, size, digest = row.split()
    name = f"{key}_lmdb.zip"
    return key, Published(name, BASE + name, int(size), digest)


ARCHIVES = dict(_published(row) for row in TABLE.strip().splitlines())
CATEGORIES = ("bedroom", "church_outdoor")


def pack_lsun(
    source=None,
    out="data",
    category: str = "church_outdoor",
    split: str = "train",
    downloads=None,
    name=None,
    **options,
) -> Path:
    """Pack one category of LSUN and return the path of the npy file.

    ``source``: the LMDB folder, the zip of it, or a folder of exported pictures; None fetches the
    zip into ``downloads``. ``options``: size, count, seed, squash, holdout, licence, keep_grey,
    progress, see ``common.pack``. Raises JGMError, also when the package lmdb is missing.
    """
    key = f"{category}_{split}"
    wanted = known_one(ARCHIVES, key)
    settings = settle(name or f"lsun-{key}", options.pop("licence", LICENCE), options)
    if source is None or Path(source).suffix == ".zip":
        import_lmdb()  # before hours of fetching, not after
    downloads = downloads or Path(out) / "downloads"
    path, facts = obtain(source, wanted, ARCHIVES.values(), downloads)
    with _lmdb_folder(path, out, key) as folder:
        if folder is None:
            return pack_walk(walk_of(path), out, facts, settings)
        with open_lmdb(folder) as env:
            walk, n = partial(walk_lmdb, env, category), env.stat()["entries"]
            return pack_walk(walk, out, facts, settings, entries=n)


def _lmdb_folder(path: Path, out, key: str):
    """A context that gives the folder with data.mdb, or None for a folder of pictures."""
    if path.name == "data.mdb":
        return nullcontext(path.parent)
    if not path.is_dir():
        return unpacked(path, out)
    for folder in (path, path / f"{key}_lmdb"):
        if (folder / "data.mdb").exists():
            return nullcontext(folder)
    if path.name.endswith("_lmdb"):
        raise JGMError(f"{path}: data.mdb is missing in this LMDB folder")
    return nullcontext(None)


# -- LMDB --------------------------------------------------------------------------------------


def import_lmdb():
    """The package lmdb, or JGMError with what to do."""
    try:
        import lmdb
    except ImportError:
        raise JGMError("LSUN's LMDB needs the package lmdb: pip install lmdb") from None
    return lmdb


@contextmanager
def open_lmdb(folder: Path):
    """Open an LMDB folder for reading; nothing is written into it, not even a lock.

    Raises JGMError if it is damaged. A file that was cut off is refused before it is read: a read
    past its end would end the process. LMDB trusts its inner pages, so spoilt bytes in them can
    still do that; then no set is written. The hash of the published zip is the guard there.
    """
    lmdb, data = import_lmdb(), folder / "data.mdb"
    if not data.is_file():
        raise JGMError(f"{folder}: data.mdb is missing in this LMDB folder")
    try:
        env = lmdb.open(str(folder), readonly=True, create=False, lock=False, readahead=False)
    except lmdb.Error as error:
        raise JGMError(f"{data}: not a readable LMDB ({error})") from None
    with closing(env):
        needed = (env.info()["last_pgno"] + 1) * env.stat()["psize"]
        if data.stat().st_size < needed:
            raise JGMError(f"{data}: cut off, {needed} bytes are needed; unpack or fetch it again")
        yield env


def walk_lmdb(env, category: str):
    """(name, reader of the bytes) of every entry, by key. The keys are not kept: 3 million."""
    lmdb = import_lmdb()
    try:
        with env.begin(buffers=True) as transaction, transaction.cursor() as cursor:
            for key in cursor.iternext(keys=True, values=False):
                yield f"{category}/{_text(bytes(key))}", partial(_value, lmdb, cursor)
    except lmdb.Error as error:
        raise JGMError(f"{env.path()}: damaged LMDB ({error})") from None


def _text(key: bytes) -> str:
    text = key.decode("ascii", "replace")
    return text if text.isalnum() else key.hex()


def _value(lmdb, cursor) -> bytes:
    """The picture under the cursor; the copy is made after its length has been looked at."""
    try:
        view = cursor.value()
    except lmdb.Error:
        raise Skip("damaged in the archive") from None
    if len(view) > MAX_MEMBER:
        raise Skip("larger than a picture file may be")
    return bytes(view)


# -- the zip of an LMDB ------------------------------------------------------------------------


@contextmanager
def unpacked(path: Path, out):
    """The folder with data.mdb of a zip, for as long as it is needed. Raises JGMError."""
    with open_zip(path) as archive:
        member = _find_data(archive, path)
        check_room(out, member.file_size)
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=out) as room:
            try:
                with archive.open(member) as source, open(Path(room) / "data.mdb", "wb") as file:
                    while block := source.read(BLOCK):  # its CRC is compared at the end
                        file.write(block)
            except DAMAGE as error:
                raise JGMError(f"{path}: {member.filename} cannot be unpacked ({error})") from None
            yield Path(room)


def _find_data(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The one member data.mdb. Its name decides nothing but that it is meant."""
    found = [i for i in archive.infolist() if PurePosixPath(i.filename).name == "data.mdb"]
    if len(found) != 1:
        raise JGMError(f"{path}: {len(found)} members data.mdb in it, need one LMDB folder")
    try:
        judge(found[0].filename)
        check_zip_member(found[0], limit=None)
    except Skip as reason:
        raise JGMError(f"{path}: {found[0].filename}: {reason}") from None
    return found[0]


def main(argv=None) -> int:
    example = "python -m data_scripts.lsun --category bedroom --source bedroom_train_lmdb"
    parser = source_parser("lsun", "Pack LSUN bedrooms or outdoor churches.", LICENCE, example)
    parser.add_argument("--category", choices=CATEGORIES, default="church_outdoor")
    parser.add_argument("--split", choices=("train", "val"), default="train", help="what to fetch")
    return main_of(pack_lsun, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())
