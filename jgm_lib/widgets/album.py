"""The pictures of the chooser: package photographs, toy scenes, a photo, the learner's upload."""

from dataclasses import replace
from typing import NamedTuple

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
    kind, _, number = name.partition("-")
    if kind != TOY:
        return replace(read_photo(samples.load(name)), name=name)
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        raise JGMError(f"picture {name!r}: write {TOY}- and a whole number, such as {TOY}-7")
    scene = ToyScenes(128).sample(1, seed=int(number)).images[0]
    return Photo.from_array(scene, name=name)


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

    def add_upload(self, name: str, source) -> str:
        """Keep a file's bytes, or a Photo, in place of the upload before."""
        for old in [n for n in self._sources if n.startswith(YOURS)]:
            del self._sources[old]
        self._edition += 1
        self._sources[YOURS + name] = source
        return YOURS + name

    def forget(self, name: str) -> str:
        """Drop an upload that is no picture; returns the name of the first of the others."""
        self._sources.pop(name, None)
        return next(iter(self._sources))

    def key(self, name: str) -> Key:
        return Key(name, self._edition if name.startswith(YOURS) else 0)

    def photo(self, key: Key) -> Photo:
        """Open a picture. JGMError if it is none or, meanwhile, another."""
        source = self._sources.get(key.name)
        if source is None or self.key(key.name) != key:
            raise JGMError(f"{key.name}: no longer in the list; choose a picture")
        if isinstance(source, bytes):
            source = self._sources[key.name] = open_upload(key.name.removeprefix(YOURS), source)
        return open_picture(source) if isinstance(source, str) else source
