"""The pictures of the chooser: package photographs, toy scenes, a photo, the learner's upload."""

import io
from dataclasses import replace
from typing import NamedTuple

from PIL import Image

from ..data import samples
from ..data.toy import ToyScenes
from ..errors import JGMError
from ..photo import Photo, read_photo

TOY = "toy"
YOURS = "your photo: "
MAX_UPLOAD = 20_000_000  # bytes
MAX_PIXELS = 24_000_000  # of an upload: a camera's 6000 x 4000


def picture_names() -> list[str]:
    """What the chooser offers without an upload: installed photographs, then six toy scenes."""
    return [*samples.names(), *(f"{TOY}-{i}" for i in range(1, 7))]


def open_picture(name: str) -> Photo:
    """A package photograph by name ("china"), or "toy-7", the ToyScene of seed 7. JGMError."""
    return replace(read_photo(source_picture(name)), name=name)


def source_picture(name: str) -> Image.Image:
    """A picture of this library in 8 bits. JGMError for a name that is none."""
    kind, _, number = name.partition("-")
    if kind != TOY:
        return samples.load(name)
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        raise JGMError(f"picture {name!r}: write {TOY}- and a whole number, such as {TOY}-7")
    scene = ToyScenes(128).sample(1, seed=int(number)).images[0]  # (3,128,128)
    levels = (255 * scene.clamp(0, 1)).round().byte()  # as a file would hold it
    return Image.fromarray(levels.permute(1, 2, 0).numpy())


def original(name: str) -> bytes | None:
    """A picture of this library as a PNG file; None for one that the learner has."""
    if name not in samples.SAMPLES and not name.startswith(f"{TOY}-"):
        return None
    buffer = io.BytesIO()
    source_picture(name).save(buffer, "PNG")
    return buffer.getvalue()


def check_upload(name: str, size: int) -> None:
    """Raise JGMError for a file of more than MAX_UPLOAD bytes."""
    if size > MAX_UPLOAD:
        raise JGMError(f"{name}: {size / 1e6:.1f} MB; allowed are {MAX_UPLOAD / 1e6:.0f} MB")


def open_upload(name: str, data: bytes) -> Photo:
    """A learner's own file, with a limit on bytes and, before decoding, on pixels. JGMError."""
    check_upload(name, len(data))
    try:
        return replace(read_photo(data, max_pixels=MAX_PIXELS), name=name)
    except JGMError as error:
        text = str(error).replace("picture from bytes: ", "")
        raise JGMError(f"{name}: {text}") from None


def credit(name: str) -> str:
    """Who made a picture of the chooser, and its licence."""
    if name in samples.SAMPLES:
        sample = samples.info(name)
        return f"{sample.title}; {sample.credit}; {sample.licence}"
    return "drawn by this library" if name.startswith(TOY) else "your own picture"


class Key(NamedTuple):
    """A picture's name and which upload of that name it is."""

    name: str
    edition: int


class Album:
    """Names -> photos, opened when asked for. Only one upload is kept: photos are large."""

    def __init__(self, names):
        self._sources = {name: name for name in names}
        self._edition = 0
        self._kept: Key | None = None  # the upload in the list
        self._arriving: tuple[Key, bytes] | None = None

    def names(self) -> list[str]:
        return list(self._sources)

    def add(self, picture) -> str:
        """A name of ``open_picture``, or anything ``read_photo`` takes; returns its name here."""
        if isinstance(picture, str) and picture in self._sources:
            return picture
        if isinstance(picture, str):
            open_picture(picture)  # JGMError says what is allowed
            self._sources[picture] = picture
            return picture
        photo = read_photo(picture)
        return self.add_upload(photo.name, photo)

    def add_upload(self, name: str, photo: Photo) -> str:
        """Keep a photo in place of the upload before; returns its name here."""
        return self._keep(self.arrive(name, b""), photo)

    def arrive(self, name: str, data: bytes) -> Key:
        """A file that came, beside the list until ``photo`` has found a picture in it."""
        self._edition += 1
        self._arriving = Key(YOURS + name, self._edition), data
        return self._arriving[0]

    def _keep(self, key: Key, photo: Photo) -> str:
        for old in [n for n in self._sources if n.startswith(YOURS)]:
            del self._sources[old]
        self._sources[key.name], self._kept, self._arriving = photo, key, None
        return key.name

    def key(self, name: str) -> Key:
        return self._kept if self._kept and name == self._kept.name else Key(name, 0)

    def photo(self, key: Key) -> Photo:
        """Open a picture; a file that came takes the place of the upload before. JGMError if it is
        none (the upload before stays) or, meanwhile, another."""
        if self._arriving and key == self._arriving[0]:
            photo = open_upload(key.name.removeprefix(YOURS), self._arriving[1])
            if self._arriving and key == self._arriving[0]:
                self._keep(key, photo)
            return photo
        source = self._sources.get(key.name)
        if source is None or self.key(key.name) != key:
            raise JGMError(f"{key.name}: no longer in the list; choose a picture")
        return open_picture(source) if isinstance(source, str) else source
