"""Pack the photographs of COCO-Stuff (118,287 in train2017, 5,000 in val2017):

python -m data_scripts.coco_stuff --split train --out data
python -m data_scripts.coco_stuff --source train2017.zip --out data

COCO-Stuff labels the pictures of COCO; only the pictures are used. The paper takes 150,000 of
"164k images", which only train, val and test together have. Here a split is packed, all of it if
it is smaller than ``--count``. Some pictures are black and white; they teach grey and are skipped
and counted unless ``--keep-grey`` is given.

Lengths and hashes: TensorFlow Datasets, url_checksums/coco2017.txt.
"""

from pathlib import Path

from .download import Published
from .sources import known_one, main_of, obtain, pack_walk, settle, source_parser, walk_of

BASE = "http://images.cocodataset.org/zips/"  # no https there; the hash is compared
ARCHIVES = {
    "train": Published(
        "train2017.zip",
        BASE + "train2017.zip",
        19_336_861_798,
        "69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
    ),
    "val": Published(
        "val2017.zip",
        BASE + "val2017.zip",
        815_585_330,
        "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
    ),
}
LICENCE = (
    "each picture its own Flickr licence, named in COCO's annotation files; "
    "cocodataset.org, terms of use"
)


def pack_coco(
    source=None, out="data", split: str = "train", downloads=None, name=None, **options
) -> Path:
    """Pack COCO photographs and return the path of the npy file.

    ``source``: train2017.zip or val2017.zip, read without unpacking, or a folder; None fetches the
    archive of ``split`` into ``downloads``. ``options``: size, count, seed, squash, holdout,
    licence, keep_grey, progress, see ``common.pack``. Raises JGMError.
    """
    wanted = known_one(ARCHIVES, split)
    settings = settle(name or f"coco-{split}2017", options.pop("licence", LICENCE), options)
    downloads = downloads or Path(out) / "downloads"
    path, facts = obtain(source, wanted, ARCHIVES.values(), downloads)
    return pack_walk(walk_of(path), out, facts, settings)


def main(argv=None) -> int:
    example = "python -m data_scripts.coco_stuff --source train2017.zip --count 20000 --out data"
    parser = source_parser("coco-stuff", "Pack the photographs of COCO-Stuff.", LICENCE, example)
    parser.add_argument("--split", choices=sorted(ARCHIVES), default="train", help="what to fetch")
    return main_of(pack_coco, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())
