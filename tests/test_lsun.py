"""LSUN's LMDB of WebP pictures, the zip of it, and what may be wrong with either."""

import hashlib
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from archive_maker import Served, card_of, encoded, file_server, make_lmdb, make_zip, photo

from data_scripts import archives, lsun
from data_scripts.download import Published
from data_scripts.lsun import open_lmdb, pack_lsun, walk_lmdb
from jgm_lib.data.packed import PackedSet
from jgm_lib.errors import JGMError

pytest.importorskip("lmdb")


def key(k: int) -> bytes:
    """LSUN's keys are 40 hex digits."""
    return hashlib.sha1(b"%d" % k).hexdigest().encode()


def webps(n=12):
    return {key(k): encoded(k, "WEBP", w=80, h=64) for k in range(n)}


@pytest.fixture
def church(tmp_path):
    return make_lmdb(tmp_path / "church_outdoor_train_lmdb", webps())


@pytest.fixture
def church_zip(church, tmp_path):
    content = (church / "data.mdb").read_bytes()
    name = "church_outdoor_train_lmdb"
    members = {f"{name}/": b"", f"{name}/data.mdb": content, f"{name}/lock.mdb": bytes(8192)}
    return make_zip(tmp_path / f"{name}.zip", members, zipfile.ZIP_DEFLATED)


def test_an_lmdb_of_webp_is_packed_and_left_untouched(church, tmp_path):
    before = (church / "data.mdb").read_bytes()
    npy = pack_lsun(church, tmp_path / "out", size=32)
    card = card_of(npy)
    assert npy.name == "lsun-church_outdoor_train-32.npy"
    assert len(PackedSet(npy, verify=True)) == card["entries"] == 12
    assert card["groups"] == [["church_outdoor", 12]] and card["skipped"] == {}
    assert [p.name for p in church.iterdir()] == ["data.mdb"]  # not even a lock
    assert (church / "data.mdb").read_bytes() == before


def test_it_works_on_a_folder_that_may_not_be_written(church, tmp_path):
    (church / "data.mdb").chmod(0o444)
    church.chmod(0o555)
    try:
        assert card_of(pack_lsun(church, tmp_path / "out", size=16))["count"] == 12
    finally:
        church.chmod(0o755)


def test_pixels_and_order_are_those_of_the_database(tmp_path):
    values = {key(k): encoded(k, "PNG", w=16, h=16) for k in range(5)}
    folder = make_lmdb(tmp_path / "bedroom_train_lmdb", values)
    array = np.load(pack_lsun(folder, tmp_path / "out", category="bedroom", size=16))
    for row, k in enumerate(sorted(range(5), key=key)):
        assert np.array_equal(array[row], np.asarray(photo(k, 16, 16)))


def test_every_form_of_the_source_gives_the_same_pixels(church, church_zip, tmp_path):
    folder = tmp_path / "exported"
    folder.mkdir()
    for name, value in webps().items():
        (folder / f"{name.decode()}.webp").write_bytes(value)
    sources = (church, church / "data.mdb", church.parent, church_zip, folder)
    options = {"size": 16, "count": 6, "seed": 4}
    made = [pack_lsun(s, tmp_path / f"out{i}", **options) for i, s in enumerate(sources)]
    assert len({p.read_bytes() for p in made}) == 1
    assert (
        card_of(made[3])["archive"]["sha256"] == hashlib.sha256(church_zip.read_bytes()).hexdigest()
    )
    for npy in made:  # what was unpacked is gone
        assert len(list(npy.parent.iterdir())) == 2


def test_same_seed_same_set(church, tmp_path):
    def packed(name, seed):
        return pack_lsun(church, tmp_path / "o", name=name, size=16, count=5, seed=seed)

    a, b, c = packed("a", 1), packed("b", 1), packed("c", 2)
    assert a.read_bytes() == b.read_bytes() != c.read_bytes()


def test_bad_values_are_skipped_counted_and_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(lsun, "MAX_MEMBER", 50_000)
    values = webps(10)
    values |= {
        key(100): b"",
        key(101): b"text named as a picture",
        key(102): encoded(102, "WEBP")[:60],
        key(103): bytes(60_000),
        key(104): values[key(3)],
        b"../../etc/passwd": encoded(105, "WEBP"),
        b"\xff\x00": encoded(106, "WEBP"),
    }
    folder = make_lmdb(tmp_path / "x_lmdb", values)
    card = card_of(pack_lsun(folder, tmp_path / "out", size=16))
    assert card["count"] == 12 and card["groups"] == [["church_outdoor", 12]]
    assert card["skipped"] == {
        "larger than a picture file may be": 1,
        "same picture twice": 1,
        "unreadable": 3,
    }
    few = card_of(pack_lsun(folder, tmp_path / "out", size=16, count=11))
    assert few["count"] == 11


def test_missing_and_empty_databases(tmp_path):
    (tmp_path / "bedroom_train_lmdb").mkdir()
    with pytest.raises(JGMError, match="data.mdb is missing"):
        pack_lsun(tmp_path / "bedroom_train_lmdb", tmp_path / "out")
    with pytest.raises(JGMError, match="there is no picture in it"):
        pack_lsun(make_lmdb(tmp_path / "empty_lmdb", {}), tmp_path / "out")
    with pytest.raises(JGMError, match="no such file or folder"):
        pack_lsun(tmp_path / "none", tmp_path / "out")


@pytest.mark.parametrize("size", [0, 10, 4096, 8192, 12_288, 0.5, -4096])
def test_a_cut_database_is_refused_before_it_is_mapped(church, tmp_path, size):
    """Reading past the end of a mapped file would kill the process, and with it this test."""
    raw = (church / "data.mdb").read_bytes()
    end = int(size * len(raw)) if isinstance(size, float) else size
    (church / "data.mdb").write_bytes(raw[:end])
    with pytest.raises(JGMError, match="cut off|not a readable LMDB") as caught:
        pack_lsun(church, tmp_path / "out", size=16)
    assert "\n" not in str(caught.value) and not list(tmp_path.glob("out/*.npy"))


@pytest.mark.parametrize("content", [b"hello" * 9000, bytes(40_960)])
def test_what_is_no_database_is_one_line(content, tmp_path, capsys):
    folder = tmp_path / "bedroom_train_lmdb"
    folder.mkdir()
    (folder / "data.mdb").write_bytes(content)
    args = ["--source", str(folder), "--out", str(tmp_path / "out"), "--category", "bedroom"]
    assert lsun.main(args) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "data.mdb: not a readable LMDB" in error


def test_without_the_package_one_line_says_what_to_do(church, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    monkeypatch.setattr("data_scripts.sources.download", lambda *a, **k: pytest.fail("fetched"))
    for source in (["--source", str(church)], []):
        assert lsun.main([*source, "--out", str(tmp_path / "out")]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "pip install lmdb" in error
    folder = tmp_path / "exported"
    folder.mkdir()
    photo(0).save(folder / "a.png")
    assert lsun.main(["--source", str(folder), "--size", "16", "--out", str(tmp_path / "o")]) == 0


# -- the zip -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "members, word",
    [
        ({"a/readme.txt": b"x"}, "0 members data.mdb"),
        ({"a/data.mdb": b"x", "b/data.mdb": b"x"}, "2 members data.mdb"),
        ({"../data.mdb": b"x"}, "leads outside"),
        ({"/tmp/data.mdb": b"x"}, "leads outside"),
        ({"a/data.mdb": bytes(3_000_000)}, "absurd size"),
        ({"a/data.mdb": b"hello"}, "not a readable LMDB"),
    ],
    ids=["none", "two", "up", "absolute", "bomb", "text"],
)
def test_zips_that_are_no_lmdb(members, word, tmp_path):
    path = make_zip(tmp_path / "a.zip", members, zipfile.ZIP_DEFLATED)
    with pytest.raises(JGMError, match=word):
        pack_lsun(path, tmp_path / "out", size=16)
    assert {p.name for p in tmp_path.iterdir()} <= {"a.zip", "out"}
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_spoilt_zip_leaves_nothing(church_zip, tmp_path):
    raw = bytearray(church_zip.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    church_zip.write_bytes(raw)
    with pytest.raises(JGMError, match="cannot be unpacked"):
        pack_lsun(church_zip, tmp_path / "out", size=16)
    assert list((tmp_path / "out").iterdir()) == []
    church_zip.write_bytes(raw[:5000])
    with pytest.raises(JGMError, match="not a whole zip"):
        pack_lsun(church_zip, tmp_path / "out", size=16)


def test_no_room_to_unpack(church_zip, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "data_scripts.sources.shutil.disk_usage", lambda path: type("u", (), {"free": 100})
    )
    with pytest.raises(JGMError, match="GB are needed"):
        pack_lsun(church_zip, tmp_path / "out", size=16)


def test_fetched_from_the_official_address(church_zip, tmp_path, monkeypatch):
    body = church_zip.read_bytes()
    with file_server({f"/{church_zip.name}": Served(body)}) as (base, asked):
        digest = hashlib.sha256(body).hexdigest()
        known = Published(church_zip.name, f"{base}/{church_zip.name}", len(body), digest)
        monkeypatch.setitem(lsun.ARCHIVES, "church_outdoor_train", known)
        assert lsun.main(["--size", "16", "--count", "5", "--out", str(tmp_path / "out")]) == 0
    card = card_of(tmp_path / "out" / "lsun-church_outdoor_train-16.npy")
    assert card["archive"]["published"] and card["count"] == 5
    assert (tmp_path / "out" / "downloads" / church_zip.name).read_bytes() == body


def test_published_facts_are_well_formed():
    assert set(lsun.ARCHIVES) == {
        f"{c}_{s}" for c in ("bedroom", "church_outdoor") for s in ("train", "val")
    }
    for key_, p in lsun.ARCHIVES.items():
        assert p.url == f"http://dl.yf.io/lsun/scenes/{key_}_lmdb.zip"
        assert len(bytes.fromhex(p.digest)) == 32 and p.size > 4_000_000


# -- memory ------------------------------------------------------------------------------------


def test_the_keys_are_not_kept(tmp_path):
    """3,033,042 keys as Python objects would be 300 MB; here 30,000 would be 3 MB."""
    folder = make_lmdb(tmp_path / "x_lmdb", {key(k): b"x" for k in range(30_000)})
    with open_lmdb(folder) as env:
        tracemalloc.start()
        entries = archives.chosen(lambda: walk_lmdb(env, "bedroom"), 30_000, 300, seed=0)
        first = [next(entries) for _ in range(300)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        entries.close()
    assert len({name for name, _ in first}) == 300 and peak < 900_000


def test_packing_two_hundred_large_values_stays_flat(tmp_path):
    rng = np.random.default_rng(0)
    values = {key(k): encoded(k, "PNG", w=32, h=32) + rng.bytes(100_000) for k in range(200)}
    folder = make_lmdb(tmp_path / "x_lmdb", values)
    del values
    pack_lsun(folder, tmp_path / "warm", size=8, count=2)
    tracemalloc.start()
    assert card_of(pack_lsun(folder, tmp_path / "out", size=8))["count"] == 200
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
