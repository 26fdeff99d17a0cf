"""ImageNet's tar of class tars, read in place; whatever is damaged or hostile in it is named."""

import hashlib
import io
import tarfile
import tracemalloc

import numpy as np
import pytest
from archive_maker import add, card_of, encoded, photo, tar_bytes

from data_scripts import archives, imagenet
from data_scripts.archives import count_entries, walk_tar
from data_scripts.download import Published
from data_scripts.imagenet import pack_imagenet
from jgm_lib.data.packed import PackedSet
from jgm_lib.errors import JGMError

CLASSES = ("n01440764", "n01443537", "n02099601")


def class_tars(per_class=4):
    return {
        f"{c}.tar": tar_bytes(
            {f"{c}_{k}.JPEG": encoded(100 * i + k, w=50 + k) for k in range(per_class)}
        )
        for i, c in enumerate(CLASSES)
    }


@pytest.fixture
def train(tmp_path):
    path = tmp_path / "ILSVRC2012_img_train.tar"
    path.write_bytes(tar_bytes(class_tars()))
    return path


def write(path, *members, **how):
    """A tar of (name, content, fields) members."""
    with tarfile.open(path, how.pop("mode", "w"), **how) as tar:
        for name, content, fields in members:
            add(tar, name, content, **fields)
    return path


def test_nested_tars_are_streamed_and_classes_kept(train, tmp_path):
    npy = pack_imagenet(train, tmp_path / "out", size=32)
    card, data = card_of(npy), PackedSet(npy, verify=True)
    assert npy.name == "imagenet-train-32.npy" and len(data) == 12
    assert card["groups"] == [[c, 4] for c in CLASSES]
    assert data.classes == list(CLASSES) and data.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert card["archive"]["sha256"] == hashlib.sha256(train.read_bytes()).hexdigest()
    assert "non-commercial" in card["licence"]
    files = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {train.name, "imagenet-train-32.npy", "imagenet-train-32.json"}


def test_the_four_forms_of_the_source_give_the_same_pixels(train, tmp_path):
    tars, folders = tmp_path / "tars", tmp_path / "folders"
    with tarfile.open(train) as outer:
        outer.extractall(tars, filter="data")
    for path in tars.glob("*.tar"):
        with tarfile.open(path) as inner:
            inner.extractall(folders / path.stem, filter="data")
    options = {"size": 16, "count": 7, "seed": 5}
    made = [
        pack_imagenet(s, tmp_path / f"out{i}", **options)
        for i, s in enumerate((train, tars, folders))
    ]
    assert len({p.read_bytes() for p in made}) == 1
    assert len({str(card_of(p)["groups"]) for p in made}) == 1
    flat = tmp_path / "ILSVRC2012_img_val.tar"
    flat.write_bytes(tar_bytes({f"ILSVRC2012_val_{k:08d}.JPEG": encoded(k) for k in range(5)}))
    card = card_of(pack_imagenet(flat, tmp_path / "val", split="val", size=16))
    assert card["name"] == "imagenet-val" and card["groups"] == [[".", 5]]


def test_same_seed_same_set(train, tmp_path):
    def packed(name, seed):
        return pack_imagenet(train, tmp_path / "o", name=name, size=16, count=5, seed=seed)

    a, b, c = packed("a", 1), packed("b", 1), packed("c", 2)
    assert a.read_bytes() == b.read_bytes() != c.read_bytes()
    assert card_of(a)["entries"] == 12 and card_of(a)["count"] == 5


def test_without_a_source_one_line_says_what_to_do(tmp_path, capsys):
    assert imagenet.main(["--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "ILSVRC2012_img_train.tar" in error and "--source" in error
    assert not (tmp_path / "out").exists()


def test_the_md5_of_the_owners_is_compared(train, tmp_path, monkeypatch):
    md5 = hashlib.md5(train.read_bytes()).hexdigest()
    known = Published(train.name, None, train.stat().st_size, md5, "md5")
    monkeypatch.setitem(imagenet.ARCHIVES, "train", known)
    card = card_of(pack_imagenet(train, tmp_path / "out", size=16))
    assert card["archive"]["published"] and len(card["archive"]["sha256"]) == 64
    raw = bytearray(train.read_bytes())
    raw[700] ^= 1
    train.write_bytes(raw)
    with pytest.raises(JGMError, match="MD5 is not that of"):
        pack_imagenet(train, tmp_path / "out", size=16)


def test_published_facts_are_well_formed():
    sizes = [p.size for p in imagenet.ARCHIVES.values()]
    assert all(len(bytes.fromhex(p.digest)) == 16 for p in imagenet.ARCHIVES.values())
    assert all(size % 10_240 == 0 for size in sizes)  # tar writes records of 20 blocks


# -- damaged -----------------------------------------------------------------------------------


def test_a_tar_cut_anywhere_is_never_packed(train, tmp_path):
    """Also at a header, which tarfile by itself takes for the end of the archive."""
    raw, cut = train.read_bytes(), tmp_path / "cut.tar"
    content_end = len(raw.rstrip(b"\0"))
    for at in [0, 1, 511, 512, 513, 700, 1024, 5000, 9999, len(raw) // 2, content_end - 3000]:
        for n in (at, at // 512 * 512):
            cut.write_bytes(raw[:n])
            with pytest.raises(JGMError, match="cut.tar: (damaged|there is no picture)"):
                pack_imagenet(cut, tmp_path / "out", size=16)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_spoilt_header_in_the_middle_is_not_taken_for_the_end(train, tmp_path):
    raw = bytearray(train.read_bytes())
    for name in (b"n01443537.tar", b"n01443537_2.JPEG"):  # of the outer and of an inner tar
        bad = bytearray(raw)
        bad[bad.index(name) + 2] ^= 0xFF  # its header's checksum no longer fits
        (tmp_path / "bad.tar").write_bytes(bad)
        with pytest.raises(JGMError, match="damaged or cut off"):
            pack_imagenet(tmp_path / "bad.tar", tmp_path / "out", size=16)


def test_a_spoilt_picture_is_skipped(train, tmp_path):
    raw = bytearray(train.read_bytes())
    at = raw.index(encoded(1, w=51))
    raw[at : at + 4] = b"text"
    train.write_bytes(raw)
    card = card_of(pack_imagenet(train, tmp_path / "out", size=16))
    assert card["count"] == 11 and card["skipped"] == {"unreadable": 1}
    assert card["skipped_examples"] == ["n01440764/n01440764_1.JPEG: unreadable"]


@pytest.mark.parametrize("content", [b"", b"hello", bytes(512), bytes(10_240), encoded(0)])
def test_what_is_no_tar_is_one_line(content, tmp_path, capsys):
    (tmp_path / "a.tar").write_bytes(content)
    args = ["--source", str(tmp_path / "a.tar"), "--out", str(tmp_path / "out")]
    assert imagenet.main(args) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "a.tar" in error


def test_text_in_place_of_a_class_tar(tmp_path):
    tars = class_tars() | {"n03000000.tar": b"hello"}
    (tmp_path / "a.tar").write_bytes(tar_bytes(tars))
    with pytest.raises(JGMError, match="n03000000.tar"):
        pack_imagenet(tmp_path / "a.tar", tmp_path / "out", size=16)


# -- hostile -----------------------------------------------------------------------------------


def test_hostile_members_are_refused_and_counted(tmp_path):
    picture = encoded(50)
    good = [(f"d/{k}.jpg", encoded(k), {}) for k in range(3)]
    bad = [
        ("../up.jpg", picture, {}),
        ("/etc/abs.jpg", picture, {}),
        ("d/../../up.txt", b"x", {}),
        ("d/link.jpg", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("d/link.txt", b"", {"type": tarfile.SYMTYPE, "linkname": "../.."}),
        ("d/hard.jpg", b"", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}),
        ("d/null.jpg", b"", {"type": tarfile.CHRTYPE}),
        ("d/disk", b"", {"type": tarfile.BLKTYPE}),
        ("d/pipe.jpg", b"", {"type": tarfile.FIFOTYPE}),
        ("d/inner.zip", picture, {}),
        ("d/text.jpg", b"hello", {}),
        ("d/notes.txt", b"hello", {}),
    ]
    inner = tar_bytes({"deep.tar": tar_bytes({"x.jpg": picture}), "../in.jpg": picture})
    folder = [("d", b"", {"type": tarfile.DIRTYPE}), ("x.jpg", b"", {"type": tarfile.DIRTYPE})]
    path = write(tmp_path / "h.tar", *folder, *good, *bad, ("n1.tar", inner, {}))
    card = card_of(pack_imagenet(path, tmp_path / "out", size=16))
    assert card["count"] == 3
    assert card["skipped"] == {
        "archive inside the archive": 2,
        "link or device": 6,
        "name leads outside the archive": 4,
        "unreadable": 1,
    }
    assert {p.name for p in tmp_path.iterdir()} == {"h.tar", "out"}


def test_a_large_member_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBER", 20_000)
    path = write(tmp_path / "a.tar", ("a.jpg", encoded(0), {}), ("b.jpg", bytes(30_000), {}))
    card = card_of(pack_imagenet(path, tmp_path / "out", size=16))
    assert card["skipped"] == {"larger than a picture file may be": 1} and card["count"] == 1


def test_a_size_beyond_the_file_is_damage(tmp_path):
    header = tarfile.TarInfo("a.jpg")
    header.size = 10**6
    good = tar_bytes({"b.jpg": encoded(0)}).rstrip(b"\0")
    good += bytes(-len(good) % 512)
    (tmp_path / "a.tar").write_bytes(good + header.tobuf() + bytes(1024))
    with pytest.raises(JGMError, match="damaged or cut off"):
        pack_imagenet(tmp_path / "a.tar", tmp_path / "out", size=16)


def negative(kind=tarfile.REGTYPE) -> bytes:
    """A header whose size is -1024, for which tarfile would read itself again and again."""
    header = tarfile.TarInfo("a.jpg")
    header.type = kind
    raw = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    raw[124:136] = b"\xff" + (256**11 - 1024).to_bytes(11, "big")
    raw[148:156] = b"%06o\0 " % (sum(raw[:148]) + sum(raw[156:512]) + 8 * 32)
    return bytes(raw)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_negative_size_is_no_endless_loop(kind, tmp_path):
    good = tar_bytes({"b.jpg": b"", "c.jpg": b""})[:1024]  # going back must not reach 0
    (tmp_path / "a.tar").write_bytes(good + negative(kind) + bytes(10_240))
    with pytest.raises(JGMError, match="refused|damaged"):
        count_entries(lambda: walk_tar(tmp_path / "a.tar"))


def test_a_name_of_gigabytes_is_not_read(tmp_path):
    """A sparse file: the header asks tarfile to read 2 GB as the name of the next member."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2 * 10**9
    with open(tmp_path / "a.tar", "wb") as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.truncate(2 * 10**9 + 2048)
    tracemalloc.start()
    with pytest.raises(JGMError, match="asks for 2000000000 bytes"):
        count_entries(lambda: walk_tar(tmp_path / "a.tar"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_names_that_are_no_utf8(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", encoding="latin-1", format=tarfile.GNU_FORMAT) as t:
        add(t, "d\xe9/a.jpg", encoded(0))
        add(t, "d\xe9/b.jpg", b"text")
    assert b"d\xe9/a.jpg" in buffer.getvalue()
    (tmp_path / "a.tar").write_bytes(buffer.getvalue())
    card = card_of(pack_imagenet(tmp_path / "a.tar", tmp_path / "out", size=16))
    assert card["groups"] == [["d\\udce9", 1]]
    assert card["skipped_examples"] == ["d\\udce9/b.jpg: unreadable"]


# -- memory ------------------------------------------------------------------------------------


def test_four_thousand_members_are_walked_in_flat_memory(tmp_path):
    """tarfile by itself keeps about a kilobyte a member: 1.3 GB for ImageNet."""
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for k in range(4000):
            add(tar, f"d/{k}.jpg", b"x")
    tracemalloc.start()
    assert count_entries(lambda: walk_tar(tmp_path / "a.tar")) == 4000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_reading_keeps_one_picture(tmp_path):
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    photo(0).save(buffer, "PNG")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for k in range(150):
            add(tar, f"{k}.png", buffer.getvalue() + rng.bytes(100_000))
    tracemalloc.start()
    total = sum(len(read()) for _, read in walk_tar(tmp_path / "a.tar"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total > 15_000_000 and peak < 1_000_000
