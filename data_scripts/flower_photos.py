"""Pack the 3,670 flower photographs that TensorFlow's lessons use, in five classes:

python -m data_scripts.flower_photos --out data

The smallest of the public sets (229 MB), not one of the paper's: for a first training on real
photographs. All pictures are CC BY 2.0; the photographers' names stand in LICENSE.txt of the
archive, which is put beside the packed set and must go wherever the pictures go.

Length and hash: TensorFlow Datasets, url_checksums/tf_flowers.txt.
"""

import tarfile
from pathlib import Path

from jgm_lib.data.packing import Skip
from jgm_lib.errors import JGMError
from jgm_lib.files import write_bytes

from .archives import DAMAGE, check_zip_member, open_zip
from .download import Published
from .sources import main_of, obtain, pack_walk, settle, source_parser, walk_of

ARCHIVE = Published(
    "flower_photos.tgz",
    "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
    228_813_984,
    "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
)
LICENCE = "CC BY 2.0, photographers in NAME-SIZE.LICENSE.txt"
MAX_TEXT = 5_000_000


def pack_flowers(source=None, out="data", downloads=None, name=None, **options) -> Path:
    """Pack the flower photographs and return the path of the npy file.

    ``source``: flower_photos.tgz, read without unpacking, or the folder; None fetches it into
    ``downloads``. Class folders are kept as labels. ``options``: size, count, seed, squash,
    holdout, licence, keep_grey, progress, see ``common.pack``. Raises JGMError.
    """
    settings = settle(name or "flower_photos", options.pop("licence", LICENCE), options)
    downloads = downloads or Path(out) / "downloads"
    path, facts = obtain(source, ARCHIVE, [ARCHIVE], downloads)
    npy = pack_walk(walk_of(path), out, facts, settings)
    _keep_names(path, npy.with_suffix(".LICENSE.txt"))
    return npy


def _keep_names(path: Path, target: Path) -> None:
    """Put the photographers' names beside the set; one line when the source has none."""
    text = _licence_text(path)
    if text is None:
        print("note: the source has no LICENSE.txt; CC BY asks you to name the photographers")
        return
    write_bytes(target, text)


def _licence_text(path: Path) -> bytes | None:
    if path.is_dir():
        file = path / "LICENSE.txt"
        plain = file.is_file() and not file.is_symlink() and file.stat().st_size <= MAX_TEXT
        return file.read_bytes() if plain else None
    if path.suffix == ".zip":
        return _licence_in_zip(path)
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                right = Path(member.name).name == "LICENSE.txt" and member.isreg()
                if right and member.size <= MAX_TEXT:
                    return tar.extractfile(member).read()
    except DAMAGE as error:
        raise JGMError(f"{path}: damaged or cut off ({error})") from None
    return None


def _licence_in_zip(path: Path) -> bytes | None:
    with open_zip(path) as archive:
        for info in archive.infolist():
            if Path(info.filename).name != "LICENSE.txt" or info.is_dir():
                continue
            try:
                check_zip_member(info, MAX_TEXT)
                return archive.read(info)
            except (Skip, *DAMAGE):
                return None
    return None


def main(argv=None) -> int:
    example = "python -m data_scripts.flower_photos --size 64 --out data"
    parser = source_parser(
        "flower-photos", "Pack TensorFlow's flower photographs.", LICENCE, example
    )
    return main_of(pack_flowers, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())
