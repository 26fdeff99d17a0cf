"""TensorFlow's flower archive: a tar.gz, read as a stream, its photographers kept."""

import gzip
import hashlib
import io
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
from archive_maker import Served, add, card_of, encoded, file_server, tar_bytes

from data_scripts import archives, flower_photos
from data_scripts.archives import count_entries, walk_tar
from data_scripts.download import Published
from data_scripts.flower_photos import pack_flowers
from jgm_lib.data.packed import PackedSet
from jgm_lib.errors import JGMError

NAMES = b"All images are CC-BY 2.0\ndaisy/0.jpg CC-BY by A. Person - https://example.org/0\n"


def flowers():
    kinds = ("daisy", "roses", "tulips")
    found = {
        f"flower_photos/{kind}/{k}.jpg": encoded(10 * i + k)
        for i, kind in enumerate(kinds)
        for k in range(4)
    }
    return {"flower_photos/LICENSE.txt": NAMES, **found}


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "flower_photos.tgz"
    path.write_bytes(gzip.compress(tar_bytes(flowers()), mtime=0))
    return path


def test_a_tgz_is_packed_with_classes_and_names(archive, tmp_path):
    npy = pack_flowers(archive, tmp_path / "out", size=32)
    card, data = card_of(npy), PackedSet(npy, verify=True)
    assert len(data) == 12 and card["count"] == 12
    assert data.classes == [f"flower_photos/{k}" for k in ("daisy", "roses", "tulips")]
    assert (npy.parent / "flower_photos-32.LICENSE.txt").read_bytes() == NAMES
    assert sorted(p.suffix for p in npy.parent.iterdir()) == [".json", ".npy", ".txt"]
    assert "LICENSE.txt" in card["licence"]


def test_archive_and_folder_give_the_same_pixels(archive, tmp_path):
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "x", filter="data")
    options = {"size": 16, "count": 5, "seed": 2}
    a = pack_flowers(archive, tmp_path / "a", **options)
    b = pack_flowers(tmp_path / "x" / "flower_photos", tmp_path / "b", **options)
    assert a.read_bytes() == b.read_bytes()
    assert (tmp_path / "b" / "flower_photos-16.LICENSE.txt").read_bytes() == NAMES


def test_reserves_are_read_from_a_stream_that_cannot_go_back(tmp_path):
    """Half of the pictures are spoilt: several passes through the gzip fill the set all the same."""
    content = {f"f/{k:03d}.jpg": encoded(k) if k % 2 else b"text%d" % k for k in range(300)}
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(tar_bytes(content)))
    made = [pack_flowers(path, tmp_path / n, size=8, count=100, seed=1) for n in ("a", "b")]
    assert card_of(made[0])["count"] == 100 and card_of(made[0])["skipped"]["unreadable"] > 50
    assert made[0].read_bytes() == made[1].read_bytes()


def test_names_are_found_in_a_zip_too(tmp_path, capsys):
    path = tmp_path / "flowers.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in flowers().items():
            archive.writestr(name, data)
    npy = pack_flowers(path, tmp_path / "out", size=16)
    assert npy.with_suffix(".LICENSE.txt").read_bytes() == NAMES
    assert "no LICENSE.txt" not in capsys.readouterr().out


def test_a_text_of_absurd_size_in_a_zip_is_not_unpacked(tmp_path, capsys):
    path = tmp_path / "flowers.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("flower_photos/LICENSE.txt", bytes(flower_photos.MAX_TEXT + 1))
        archive.writestr("flower_photos/daisy/0.jpg", encoded(0))
    npy = pack_flowers(path, tmp_path / "out", size=16)
    assert not npy.with_suffix(".LICENSE.txt").exists()
    assert "no LICENSE.txt" in capsys.readouterr().out


def test_a_source_without_names_is_said(tmp_path, capsys):
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(tar_bytes({"f/a.jpg": encoded(0)})))
    pack_flowers(path, tmp_path / "out", size=16)
    assert "no LICENSE.txt" in capsys.readouterr().out


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.9999])
def test_a_gzip_cut_anywhere_is_one_line(share, archive, tmp_path, capsys):
    raw = archive.read_bytes()
    (tmp_path / "cut.tgz").write_bytes(raw[: int(share * len(raw))])
    args = ["--source", str(tmp_path / "cut.tgz"), "--out", str(tmp_path / "out")]
    assert flower_photos.main(args) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "cut.tgz: damaged or cut off" in error
    assert not (tmp_path / "out").exists()


def test_spoilt_bytes_in_a_gzip_are_found(archive, tmp_path):
    """The checksum at the end counts, although tar needs nothing from there."""
    raw = archive.read_bytes()
    for where in (len(raw) // 3, len(raw) - 6):
        bad = bytearray(raw)
        bad[where] ^= 0x55
        (tmp_path / "bad.tgz").write_bytes(bad)
        with pytest.raises(JGMError, match="damaged or cut off"):
            pack_flowers(tmp_path / "bad.tgz", tmp_path / "out", size=16)


def bomb(n: int) -> bytes:
    """A tar.gz of one member of ``n`` zeros, made without holding them."""
    header = tarfile.TarInfo("f/a.jpg")
    header.size = n
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(header.tobuf())]
    parts += [packer.compress(bytes(1 << 20)) for _ in range(n >> 20)]
    return b"".join([*parts, packer.flush()])


def test_a_gzip_bomb_is_refused_unopened(tmp_path, monkeypatch):
    (tmp_path / "a.tgz").write_bytes(bomb(1 << 27))
    read = []
    monkeypatch.setattr(archives._Careful, "read", counted(archives._Careful.read, read))
    with pytest.raises(JGMError, match="134217728 bytes; archive refused"):
        pack_flowers(tmp_path / "a.tgz", tmp_path / "out")
    assert sum(read) < 10_000


def counted(function, sizes):
    def read(self, n=-1):
        content = function(self, n)
        sizes.append(len(content))
        return content

    return read


def test_many_small_members_that_unpack_to_too_much(tmp_path):
    content = bytes(1 << 20)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for k in range(30):
            add(tar, f"f/{k}.jpg", content)
    packed = gzip.compress(buffer.getvalue())
    (tmp_path / "a.tgz").write_bytes(packed)
    assert len(packed) < 100_000
    with pytest.raises(JGMError, match="unpacks to an absurd size"):
        count_entries(lambda: walk_tar(tmp_path / "a.tgz"))


def test_zeros_after_the_end_of_the_tar_are_limited(tmp_path):
    raw = tar_bytes({"f/a.jpg": encoded(0)}) + bytes(30 << 20)
    (tmp_path / "a.tgz").write_bytes(gzip.compress(raw))
    with pytest.raises(JGMError, match="unpacks to an absurd size"):
        pack_flowers(tmp_path / "a.tgz", tmp_path / "out")


def test_fetched_broken_off_resumed_and_packed(archive, tmp_path, monkeypatch, capsys):
    body = archive.read_bytes()
    files = {"/flower_photos.tgz": Served(body, etag='"1"', cut=[1000, 1000])}
    monkeypatch.setattr("data_scripts.download.time.sleep", lambda seconds: None)
    with file_server(files) as (base, asked):
        url = f"{base}/flower_photos.tgz"
        digest = hashlib.sha256(body).hexdigest()
        known = Published("flower_photos.tgz", url, len(body), digest)
        monkeypatch.setattr(flower_photos, "ARCHIVE", known)
        args = ["--size", "16", "--out", str(tmp_path / "out"), "--downloads", str(tmp_path / "d")]
        assert flower_photos.main(args) == 0
    assert [h.get("Range") for _, h in asked] == [None, "bytes=1000-", "bytes=2000-"]
    card = card_of(tmp_path / "out" / "flower_photos-16.npy")
    assert card["archive"]["published"] and card["url"] == url
    assert card["archive"]["sha256"] == digest
    assert "12 pictures" in capsys.readouterr().out


def test_published_facts_are_well_formed():
    assert len(bytes.fromhex(flower_photos.ARCHIVE.digest)) == 32
    assert flower_photos.ARCHIVE.url.startswith("https://")


def test_pixels_are_those_of_the_source(tmp_path):
    (tmp_path / "a.tgz").write_bytes(
        gzip.compress(tar_bytes({"f/a.png": encoded(3, "PNG", w=32, h=32)}))
    )
    from archive_maker import photo

    npy = pack_flowers(tmp_path / "a.tgz", tmp_path / "out", size=32, holdout=0)
    assert np.array_equal(np.load(npy)[0], np.asarray(photo(3, 32, 32)))
