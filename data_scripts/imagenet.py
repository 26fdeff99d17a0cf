"""Pack photographs of ImageNet (ILSVRC2012), from archives of your own:

python -m data_scripts.imagenet --source ILSVRC2012_img_train.tar --out data
python -m data_scripts.imagenet --split val --source ILSVRC2012_img_val.tar --out data

ImageNet is given out only to people who have agreed to its terms (https://image-net.org), so
nothing is fetched here. ILSVRC2012_img_train.tar is a tar of 1,000 class tars, which are read in
place: the 148 GB are never unpacked. A folder of class folders or of class tars does as well.

Hashes: image-net.org's download page, MD5; lengths as those who have the files list them.
"""

from pathlib import Path

from jgm_lib.errors import JGMError

from .archives import Walk, walk_tar
from .download import Published
from .sources import known_one, main_of, obtain, pack_walk, settle, source_parser, walk_of

ARCHIVES = {
    "train": Published(
        "ILSVRC2012_img_train.tar", None, 147_897_477_120, "1d675b47d978889d74fa0da5fadfb00e", "md5"
    ),
    "val": Published(
        "ILSVRC2012_img_val.tar", None, 6_744_924_160, "29b22e2961454d5413ddabcf34fc5622", "md5"
    ),
}
LICENCE = "ImageNet terms of access: non-commercial research and education only"
HOW = (
    "ImageNet cannot be fetched without an account: agree to its terms on https://image-net.org, "
    "fetch {name} and give it as --source"
)


def pack_imagenet(
    source=None, out="data", split: str = "train", downloads=None, name=None, **options
) -> Path:
    """Pack ImageNet photographs and return the path of the npy file.

    ``source``: ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar, one class tar, a folder of class
    folders or a folder of class tars; class names are kept as labels. ``options``: size, count,
    seed, squash, holdout, licence, keep_grey, progress, see ``common.pack``. Raises JGMError.
    """
    wanted = known_one(ARCHIVES, split)
    if source is None:
        raise JGMError(HOW.format(name=wanted.name))
    settings = settle(name or f"imagenet-{split}", options.pop("licence", LICENCE), options)
    path, facts = obtain(source, wanted, ARCHIVES.values(), downloads)
    tars = sorted(path.glob("*.tar")) if path.is_dir() else []
    walk = _walk_class_tars(tars) if tars else walk_of(path, nested=True)
    return pack_walk(walk, out, facts, settings)


def _walk_class_tars(tars: list[Path]) -> Walk:
    """Of a folder into which the train archive was unpacked by one level."""

    def walk():
        for path in tars:
            for name, content in walk_tar(path):
                yield f"{path.stem}/{name}", content

    return walk


def main(argv=None) -> int:
    example = "python -m data_scripts.imagenet --source ILSVRC2012_img_train.tar --out data"
    parser = source_parser("imagenet", "Pack photographs of ImageNet.", LICENCE, example)
    parser.add_argument("--split", choices=sorted(ARCHIVES), default="train", help="for the name")
    return main_of(pack_imagenet, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())
