"""COCO's zips: streamed, seeded, and every kind of member that must not be read."""

import hashlib
import io
import stat
import tracemalloc
import zipfile
from collections import namedtuple

import numpy as np
import pytest
from archive_maker import Served, card_of, encoded, file_server, make_zip, photo

from data_scripts import archives, coco_stuff
from data_scripts.archives import blocks, chosen, walk_zip
from data_scripts.coco_stuff import pack_coco
from data_scripts.download import Published
from data_scripts.folder import choose
from jgm_lib.data.packed import PackedSet
from jgm_lib.data.packing import near_grey
from jgm_lib.errors import JGMError


def members(n=12):
    return {f"val2017/{k:012d}.jpg": encoded(k) for k in range(n)}


@pytest.fixture
def archive(tmp_path):
    return make_zip(tmp_path / "val2017.zip", {"val2017/": b"", **members()})


def test_a_zip_is_packed_without_unpacking(archive, tmp_path):
    npy = pack_coco(archive, tmp_path / "out", split="val", size=32)
    card, array = card_of(npy), np.load(npy)
    assert npy.name == "coco-val2017-32.npy" and array.shape == (12, 32, 32, 3)
    assert sorted(p.name for p in npy.parent.iterdir()) == [
        "coco-val2017-32.json",
        "coco-val2017-32.npy",
    ]
    assert card["archive"] == {
        "file": "val2017.zip",
        "bytes": archive.stat().st_size,
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "published": False,
    }
    assert card["groups"] == [["val2017", 12]] and "Flickr" in card["licence"]
    assert card["entries"] == 12 and card["choice"] == "all" and card["skipped"] == {}
    assert str(tmp_path) not in npy.with_suffix(".json").read_text()
    PackedSet(npy, verify=True)


def test_zip_and_folder_give_the_same_pixels(archive, tmp_path):
    with zipfile.ZipFile(archive) as z:
        z.extractall(tmp_path / "folder")
    options = {"size": 16, "count": 5, "seed": 3}
    a = pack_coco(archive, tmp_path / "a", **options)
    b = pack_coco(tmp_path / "folder", tmp_path / "b", **options)
    assert a.read_bytes() == b.read_bytes()
    assert card_of(b)["archive"] == {"folder": "folder"}


def test_same_seed_same_set_and_another_seed_another(archive, tmp_path):
    def packed(name, seed):
        return pack_coco(archive, tmp_path / "out", name=name, size=16, count=5, seed=seed)

    a, b, c = packed("a", 1), packed("b", 1), packed("c", 2)
    assert a.read_bytes() == b.read_bytes() != c.read_bytes()
    assert card_of(a)["holdout"] == card_of(b)["holdout"]
    assert "permutation" in card_of(a)["choice"] and card_of(a)["count"] == 5


@pytest.mark.parametrize("n, count", [(10, 3), (1000, 100), (5, 5), (7, None), (3, 9), (9, 1)])
def test_blocks_are_a_seeded_permutation_in_sorted_pieces(n, count):
    pieces = [rows.tolist() for rows in blocks(n, count, seed=4)]
    assert sorted(i for rows in pieces for i in rows) == list(range(n))
    assert all(rows == sorted(rows) for rows in pieces)
    assert len(pieces[0]) == min(n, count or n) and len(pieces) <= 2 + np.log2(n)
    first = list(choose(list(range(n)), count, 4))[: len(pieces[0])]
    assert pieces[0] == first  # the same choice as for a folder


def test_what_is_skipped_is_replaced(tmp_path):
    bad = {f"val2017/bad{k}.jpg": b"\xff\xd8 nothing" + bytes([k]) for k in range(30)}
    path = make_zip(tmp_path / "a.zip", members(8) | bad)
    card = card_of(pack_coco(path, tmp_path / "out", size=16, count=8))
    assert card["count"] == 8 and card["skipped"]["unreadable"] > 0


def hostile(path):
    """Twelve good pictures among everything that a zip may hide."""
    picture = encoded(99)
    with zipfile.ZipFile(path, "w") as z:
        for name, content in members().items():
            z.writestr(name, content)
        for name in ("../up.jpg", "/etc/abs.jpg", "a/../../up.jpg", "C:\\win.jpg", "..\\up.jpg"):
            z.writestr(name, picture)
        link = zipfile.ZipInfo("link.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        z.writestr(link, "/etc/passwd")
        pipe = zipfile.ZipInfo("pipe.jpg")
        pipe.external_attr = (stat.S_IFIFO | 0o644) << 16
        z.writestr(pipe, picture)
        z.writestr("bomb.jpg", bytes(3_000_000), zipfile.ZIP_DEFLATED)
        z.writestr("odd.jpg", bytes(3_000_000), zipfile.ZIP_LZMA)
        z.writestr("inner.zip", picture)
        z.writestr("text.jpg", "this is text")
        z.writestr("cut.jpg", encoded(98)[:300])
        z.writestr("empty.jpg", b"")
        z.writestr("twice.jpg", encoded(0))
        z.writestr("README.md", "no picture")
        z.writestr("__MACOSX/._x.jpg", "no picture")
    return path


def test_hostile_members_are_refused_and_counted(tmp_path):
    out = tmp_path / "deep" / "out"
    npy = pack_coco(hostile(tmp_path / "h.zip"), out, size=16)
    card = card_of(npy)
    assert card["count"] == 12
    assert card["skipped"] == {
        "archive inside the archive": 1,
        "link or device": 2,
        "name leads outside the archive": 5,
        "same picture twice": 1,
        "unpacks to an absurd size": 1,
        "unreadable": 3,
        "unusual compression": 1,
    }
    assert "../up.jpg: name leads outside the archive" in card["skipped_examples"]
    files = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {"h.zip", "coco-train2017-16.npy", "coco-train2017-16.json"}


def test_a_large_member_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBER", 5000)
    path = make_zip(tmp_path / "a.zip", members(3) | {"big.jpg": bytes(6000)})
    assert str(dict(walk_zip(path))["big.jpg"]) == "larger than a picture file may be"
    card = card_of(pack_coco(path, tmp_path / "out", size=16))
    assert card["skipped"] == {"larger than a picture file may be": 1} and card["count"] == 3


def test_a_header_that_lies_about_the_size(tmp_path):
    """The directory says 100 bytes, the data would unpack to 10 million: reading stops at 100."""
    path = tmp_path / "a.zip"
    make_zip(path, {**members(3), "lie.jpg": bytes(10_000_000)}, zipfile.ZIP_DEFLATED)
    raw = bytearray(path.read_bytes())
    real = (10_000_000).to_bytes(4, "little")
    assert raw.count(real) == 2
    path.write_bytes(raw.replace(real, (100).to_bytes(4, "little")))
    tracemalloc.start()
    card = card_of(pack_coco(path, tmp_path / "out", size=16))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert card["skipped"] == {"damaged in the archive": 1} and card["count"] == 3
    assert peak < 5_000_000


def test_encrypted_and_spoilt_members(archive, tmp_path):
    raw = bytearray(archive.read_bytes())
    content = encoded(5)
    where = raw.index(content)
    raw[where + 300] ^= 0xFF  # its CRC no longer fits
    entry = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 1)  # after that of the folder
    raw[entry + 8] |= 1  # flagged as encrypted
    (tmp_path / "b.zip").write_bytes(raw)
    card = card_of(pack_coco(tmp_path / "b.zip", tmp_path / "out", size=16))
    assert card["count"] == 10
    assert card["skipped"] == {"damaged in the archive": 1, "encrypted": 1}


@pytest.mark.parametrize("kind", ["cut", "text", "empty", "no picture"])
def test_a_broken_zip_is_one_line_and_leaves_nothing(kind, archive, tmp_path, capsys):
    raw = archive.read_bytes()
    bad = {"cut": raw[: len(raw) // 2], "text": b"hello", "empty": b""}
    path = tmp_path / "b.zip"
    if kind in bad:
        path.write_bytes(bad[kind])
    else:
        make_zip(path, {"a.txt": b"x"})
    out = tmp_path / "out"
    assert coco_stuff.main(["--source", str(path), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and "b.zip" in error
    assert not out.exists() or not list(out.iterdir())


def test_missing_and_foreign_sources(tmp_path):
    with pytest.raises(JGMError, match="no such file or folder"):
        pack_coco(tmp_path / "none.zip", tmp_path)
    (tmp_path / "a.rar").write_bytes(b"x")
    with pytest.raises(JGMError, match="need a folder, .zip"):
        pack_coco(tmp_path / "a.rar", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(JGMError, match="no picture"):
        pack_coco(tmp_path / "empty", tmp_path / "out")


def test_settings_are_checked_before_anything_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr("data_scripts.sources.download", lambda *a, **k: pytest.fail("fetched"))
    for bad in ({"size": 4}, {"count": 0}, {"seed": -1}, {"holdout": 0.9}, {"name": "../x"}):
        with pytest.raises(JGMError, match=next(iter(bad))):
            pack_coco(None, tmp_path, **bad)


# -- grey pictures -----------------------------------------------------------------------------


def test_near_grey():
    grey = np.asarray(photo(1, 64, 64).convert("L").convert("RGB"))
    assert near_grey(grey) and not near_grey(np.asarray(photo(1, 64, 64)))
    noisy = grey.astype(int) + np.random.default_rng(0).integers(-2, 3, grey.shape)
    assert near_grey(noisy.clip(0, 255).astype(np.uint8))
    spot = grey.copy()
    spot[:16, :16] = (200, 0, 0)  # a sixteenth of the picture
    assert not near_grey(spot)


def test_grey_pictures_are_skipped_or_counted(tmp_path):
    grey = {f"val2017/g{k}.jpg": encoded(k, mode="L") for k in range(20, 24)}
    path = make_zip(tmp_path / "a.zip", members(6) | grey)
    card = card_of(pack_coco(path, tmp_path / "out", size=16))
    assert card["count"] == 6 and card["skipped"] == {"near grey": 4} and card["near_grey"] == 0
    card = card_of(pack_coco(path, tmp_path / "out", size=16, keep_grey=True))
    assert card["count"] == 10 and card["skipped"] == {} and card["near_grey"] == 4


# -- memory ------------------------------------------------------------------------------------


def test_pictures_are_read_one_at_a_time(archive):
    """At no moment has more been read than what was asked for."""
    reads = []

    def walk():
        for k in range(1000):
            yield str(k), lambda k=k: reads.append(k) or bytes(10)

    pictures = chosen(walk, 1000, 100, seed=0)
    for n in range(1, 8):
        next(pictures)
        assert len(reads) == n
    assert reads == sorted(reads)


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path):
    """150 pictures of 150 kB each (22 MB in all) pass through less than 3 MB."""
    rng = np.random.default_rng(0)
    content = {}
    for k in range(150):
        buffer = io.BytesIO()
        photo(k, 32, 32).save(buffer, "PNG")
        content[f"p/{k}.png"] = buffer.getvalue() + rng.bytes(150_000)  # Pillow ignores the tail
    path = make_zip(tmp_path / "a.zip", content)
    del content
    pack_coco(path, tmp_path / "warm", size=8, count=2)  # imports and caches
    tracemalloc.start()
    npy = pack_coco(path, tmp_path / "out", size=8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert card_of(npy)["count"] == 150 and peak < 3_000_000


# -- from the official address to the set ------------------------------------------------------


@pytest.fixture
def published(archive, monkeypatch):
    """The small archive, published on a server of our own."""
    body = archive.read_bytes()
    files = {"/val2017.zip": Served(body, etag='"1"')}
    with file_server(files) as (base, asked):
        digest = hashlib.sha256(body).hexdigest()
        wanted = Published("val2017.zip", f"{base}/val2017.zip", len(body), digest)
        monkeypatch.setitem(coco_stuff.ARCHIVES, "val", wanted)
        yield files, asked


def test_fetched_checked_and_packed(published, tmp_path):
    files, asked = published
    out = tmp_path / "out"
    npy = pack_coco(None, out, split="val", size=16)
    card = card_of(npy)
    assert card["archive"]["published"] and card["url"].endswith("/val2017.zip")
    assert sorted(p.name for p in (out / "downloads").iterdir()) == ["val2017.zip"]
    pack_coco(None, out, split="val", size=24)
    assert len(asked) == 1  # kept


def test_an_own_copy_of_the_published_archive(published, archive, tmp_path):
    assert card_of(pack_coco(archive, tmp_path, split="val", size=16))["archive"]["published"]
    with pytest.raises(JGMError, match="has the length of val2017.zip, but train2017.zip"):
        pack_coco(archive, tmp_path, split="train", size=16)
    raw = bytearray(archive.read_bytes())
    raw[1000] ^= 1
    (tmp_path / "copy.zip").write_bytes(raw)
    with pytest.raises(JGMError, match="SHA-256 is not that of val2017.zip"):
        pack_coco(tmp_path / "copy.zip", tmp_path, split="val", size=16)


def test_a_wrong_archive_on_the_server_is_not_kept(published, tmp_path):
    files, asked = published
    files["/val2017.zip"].body = b"\0" * len(files["/val2017.zip"].body)
    with pytest.raises(JGMError, match="SHA-256 differs"):
        pack_coco(None, tmp_path / "out", split="val", size=16)
    assert [p for p in (tmp_path / "out").rglob("*") if p.is_file()] == []


def test_a_spoilt_download_is_named(published, tmp_path):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "val2017.zip").write_bytes(b"half")
    with pytest.raises(JGMError, match="4 bytes, but .* are published; remove the file"):
        pack_coco(None, tmp_path, split="val", size=16)


def test_no_room_for_the_set_is_said_first(archive, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")(10**6, 10**6, 100)
    monkeypatch.setattr("data_scripts.sources.shutil.disk_usage", lambda path: usage)
    with pytest.raises(JGMError, match="GB are needed"):
        pack_coco(archive, tmp_path / "out", size=16)
    assert list((tmp_path / "out").iterdir()) == []


def test_command_line(archive, tmp_path, capsys):
    args = ["--source", str(archive), "--size", "16", "--count", "4", "--out", str(tmp_path / "o")]
    assert coco_stuff.main(args) == 0
    assert "coco-train2017-16.npy: 4 pictures 16x16" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        coco_stuff.main(["--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0 and "example:" in text and "--keep-grey" in text


def test_published_facts_are_well_formed():
    for entry in coco_stuff.ARCHIVES.values():
        assert len(bytes.fromhex(entry.digest)) == 32 and entry.size > 8e8
