"""Photographs that lie inside installed packages: real pixels for demonstrations, no network.

Only files that the wheels themselves carry are listed (scikit-learn: china, flower; scikit-image:
the others), and they are read in place, so nothing is ever downloaded. Too few for training.
"""

from importlib.resources import files
from typing import NamedTuple

from PIL import Image

from ..errors import JGMError


class Sample(NamedTuple):
    """Where a photograph lies, who made it and under which terms. ``grey``: no colour known."""

    package: str
    file: str
    title: str
    credit: str
    licence: str
    grey: bool = False


SAMPLES = {
    "china": Sample(
        "sklearn",
        "datasets/images/china.jpg",
        "A pagoda by a lake in China",
        "danielbuechele, Flickr 6061409035",
        "CC BY 2.0",
    ),
    "flower": Sample(
        "sklearn",
        "datasets/images/flower.jpg",
        "A dahlia",
        "vultilion, Flickr 6056698931",
        "CC BY 2.0",
    ),
    "astronaut": Sample(
        "skimage",
        "data/astronaut.png",
        "Eileen Collins",
        "NASA Great Images",
        "public domain",
    ),
    "chelsea": Sample(
        "skimage",
        "data/chelsea.png",
        "Chelsea the cat",
        "Stefan van der Walt",
        "CC0",
    ),
    "coffee": Sample(
        "skimage",
        "data/coffee.png",
        "A cup of coffee, Pikolo Espresso Bar",
        "Rachel Michetti",
        "CC0",
    ),
    "rocket": Sample(
        "skimage",
        "data/rocket.jpg",
        "Launch of DSCOVR on a Falcon 9",
        "SpaceX",
        "public domain",
    ),
    "camera": Sample(
        "skimage",
        "data/camera.png",
        "A photographer with a tripod",
        "Lav Varshney",
        "CC0",
        True,
    ),
}


def names(grey: bool | None = None) -> tuple[str, ...]:
    """The names for ``load``; only colour photographs with grey=False, only grey with True."""
    return tuple(n for n, s in SAMPLES.items() if grey is None or s.grey == grey)


def info(name: str) -> Sample:
    """Title, credit and licence of a photograph. Raises JGMError for an unknown name."""
    if name not in SAMPLES:
        raise JGMError(f"sample {name!r} is unknown; choose {', '.join(SAMPLES)}")
    return SAMPLES[name]


def load(name: str) -> Image.Image:
    """A photograph as a Pillow picture, mode RGB, or L for the grey one ("camera").

    Raises JGMError for an unknown name or when the installed package came without the file.
    """
    sample = info(name)
    try:
        with (files(sample.package) / sample.file).open("rb") as file, Image.open(file) as image:
            return image.convert("L" if sample.grey else "RGB")
    except (ModuleNotFoundError, OSError):
        raise JGMError(
            f"sample {name!r}: {sample.package} as installed has no readable {sample.file}"
        ) from None
