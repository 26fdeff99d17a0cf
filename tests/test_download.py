"""Downloads that break, change and lie, from a server of our own on 127.0.0.1."""

import hashlib
import json
import shutil
from collections import namedtuple

import numpy as np
import pytest
from archive_maker import Served, file_server

from data_scripts import download as module
from data_scripts.download import download
from jgm_lib.errors import JGMError

BODY = np.random.default_rng(0).bytes(300_000)
SHA = hashlib.sha256(BODY).hexdigest()
WHOLE = {"size": len(BODY), "digest": SHA, "pause": 0}


@pytest.fixture
def net():
    files = {}
    with file_server(files) as (base, asked):
        yield files, base + "/a.zip", asked


def left(folder):
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def test_whole_and_not_again(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY, etag='"1"')
    seen = []
    target = tmp_path / "new" / "a.zip"
    assert download(url, target, progress=seen.append, **WHOLE) == target
    assert target.read_bytes() == BODY and left(target.parent) == ["a.zip"]
    assert seen[-1] == len(BODY) and seen == sorted(seen)
    download(url, target, **WHOLE)
    assert len(asked) == 1


def test_broken_twice_then_resumed_by_range(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY, etag='"1"', cut=[1000, 50_000])
    download(url, tmp_path / "a.zip", **WHOLE)
    assert (tmp_path / "a.zip").read_bytes() == BODY and left(tmp_path) == ["a.zip"]
    ranges = [(h.get("Range"), h.get("If-Range")) for _, h in asked]
    assert ranges == [(None, None), ("bytes=1000-", '"1"'), ("bytes=51000-", '"1"')]


def test_resumed_by_the_next_call(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY, modified="Sun, 12 Mar 2017 22:53:00 GMT", cut=[200_000])
    with pytest.raises(JGMError, match="broke off after 200000 bytes.*goes on from there"):
        download(url, tmp_path / "a.zip", tries=1, **WHOLE)
    assert left(tmp_path) == ["a.zip.part", "a.zip.part.json"]
    download(url, tmp_path / "a.zip", **WHOLE)
    assert asked[-1][1]["Range"] == "bytes=200000-"
    assert asked[-1][1]["If-Range"] == "Sun, 12 Mar 2017 22:53:00 GMT"
    assert (tmp_path / "a.zip").read_bytes() == BODY


def test_stopped_by_hand_then_resumed(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY * 8, etag='"1"')  # more than one block

    def stop(n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(url, tmp_path / "a.zip", progress=stop)
    have = (tmp_path / "a.zip.part").stat().st_size
    assert 0 < have < 8 * len(BODY) and not (tmp_path / "a.zip").exists()
    download(url, tmp_path / "a.zip")
    assert asked[-1][1]["Range"] == f"bytes={have}-"
    assert (tmp_path / "a.zip").read_bytes() == BODY * 8


def test_a_server_without_ranges_starts_again(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY, etag='"1"', ranges=False, cut=[1000])
    download(url, tmp_path / "a.zip", **WHOLE)
    assert (tmp_path / "a.zip").read_bytes() == BODY and len(asked) == 2


@pytest.mark.parametrize("if_range", [True, False], ids=["If-Range obeyed", "If-Range ignored"])
def test_a_file_that_changed_is_never_joined(net, tmp_path, if_range):
    files, url, asked = net
    files["/a.zip"] = Served(bytes(len(BODY)), etag='"old"', cut=[1000])
    with pytest.raises(JGMError):
        download(url, tmp_path / "a.zip", tries=1)
    files["/a.zip"] = Served(BODY, etag='"new"', if_range=if_range)
    download(url, tmp_path / "a.zip", pause=0)  # no hash that would catch it
    assert (tmp_path / "a.zip").read_bytes() == BODY


def test_a_file_that_changed_its_length_without_etag(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY, cut=[1000])
    with pytest.raises(JGMError):
        download(url, tmp_path / "a.zip", tries=1)
    files["/a.zip"] = Served(BODY[::-1] + b"more")
    download(url, tmp_path / "a.zip", pause=0)
    assert (tmp_path / "a.zip").read_bytes() == BODY[::-1] + b"more"


def test_a_file_that_became_shorter_than_the_part(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY, cut=[1000])
    with pytest.raises(JGMError):
        download(url, tmp_path / "a.zip", tries=1)
    files["/a.zip"] = Served(b"short")  # answers 416 to the range
    download(url, tmp_path / "a.zip", pause=0)
    assert (tmp_path / "a.zip").read_bytes() == b"short"


def test_a_weak_etag_is_not_used_for_ranges(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY, etag='W/"1"', cut=[1000])
    download(url, tmp_path / "a.zip", **WHOLE)
    assert "If-Range" not in asked[1][1] and asked[1][1]["Range"] == "bytes=1000-"


def test_a_part_of_another_address_is_not_used(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY)
    (tmp_path / "a.zip.part").write_bytes(b"x" * 500)
    note = {"url": "http://elsewhere/a.zip", "etag": None, "modified": None, "length": len(BODY)}
    for text in (json.dumps(note), "{", "[]"):
        (tmp_path / "a.zip.part").write_bytes(b"x" * 500)
        (tmp_path / "a.zip.part.json").write_text(text)
        download(url, tmp_path / "a.zip", **WHOLE)
        assert "Range" not in asked[-1][1] and (tmp_path / "a.zip").read_bytes() == BODY
        (tmp_path / "a.zip").unlink()


def test_only_the_renaming_was_missing(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY, cut=[len(BODY) - 1])
    with pytest.raises(JGMError):
        download(url, tmp_path / "a.zip", tries=1)
    (tmp_path / "a.zip.part").write_bytes(BODY)
    download(url, tmp_path / "a.zip", **WHOLE)
    assert len(asked) == 1 and left(tmp_path) == ["a.zip"]


def test_a_wrong_hash_leaves_nothing(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY[:-1] + b"\0")
    with pytest.raises(JGMError, match="SHA-256 differs"):
        download(url, tmp_path / "a.zip", **WHOLE)
    assert left(tmp_path) == []


def test_a_wrong_length_is_seen_before_the_body(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY + b"more")
    with pytest.raises(JGMError, match=f"{len(BODY) + 4} bytes announced, known are {len(BODY)}"):
        download(url, tmp_path / "a.zip", **WHOLE)
    assert left(tmp_path) == []


def test_without_a_stated_length(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY, length="none")
    download(url, tmp_path / "a.zip", **WHOLE)
    assert (tmp_path / "a.zip").read_bytes() == BODY
    files["/b.zip"] = Served(BODY + b"more", length="none")
    with pytest.raises(JGMError, match="more than the"):
        download(url.replace("a.zip", "b.zip"), tmp_path / "b.zip", **WHOLE)
    assert left(tmp_path) == ["a.zip"]
    files["/c.zip"] = Served(BODY, length="none", cut=[5000])
    download(url.replace("a.zip", "c.zip"), tmp_path / "c.zip", **WHOLE)
    assert (tmp_path / "c.zip").read_bytes() == BODY


def test_a_server_that_claims_more_than_it_sends(net, tmp_path):
    files, url, asked = net
    files["/a.zip"] = Served(BODY, length=len(BODY) + 10, ranges=False)
    with pytest.raises(JGMError, match="broke off"):
        download(url, tmp_path / "a.zip", tries=3, pause=0)
    assert not (tmp_path / "a.zip").exists() and len(asked) <= 3


@pytest.mark.parametrize("status, word", [(404, "404"), (403, "403"), (503, "503")])
def test_refusals_are_one_line(net, tmp_path, status, word):
    files, url, asked = net
    files["/a.zip"] = Served(b"", status=status)
    with pytest.raises(JGMError, match=word) as caught:
        download(url, tmp_path / "a.zip", **WHOLE)
    assert "\n" not in str(caught.value) and left(tmp_path) == []


def test_offline_and_other_schemes(tmp_path):
    with pytest.raises(JGMError, match="cannot be reached"):
        download("http://127.0.0.1:9/a.zip", tmp_path / "a.zip")
    with pytest.raises(JGMError, match="only http"):
        download("file:///etc/hostname", tmp_path / "a.zip")
    assert left(tmp_path) == []


def test_no_room_is_said_before_the_body(net, tmp_path, monkeypatch):
    files, url, asked = net
    files["/a.zip"] = Served(BODY)
    usage = namedtuple("usage", "total used free")(10**6, 10**6, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(JGMError, match="GB are needed"):
        download(url, tmp_path / "a.zip", **WHOLE)
    assert left(tmp_path) == []


def test_a_full_disk_is_one_line(net, tmp_path, monkeypatch):
    files, url, asked = net
    files["/a.zip"] = Served(BODY)

    def full(*args, **kwargs):
        raise OSError(module.errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "copy_body", full)
    with pytest.raises(JGMError, match="No space left"):
        download(url, tmp_path / "a.zip", **WHOLE)
    assert not (tmp_path / "a.zip").exists()


def test_a_split_that_is_not_offered_is_one_line(tmp_path):
    from data_scripts import coco_stuff, imagenet, lsun

    for pack, bad in (
        (coco_stuff.pack_coco, {"split": "test"}),
        (imagenet.pack_imagenet, {"split": "test"}),
        (lsun.pack_lsun, {"category": "cat"}),
    ):
        with pytest.raises(JGMError, match="is not offered; choose .*train"):
            pack(tmp_path, tmp_path / "out", **bad)
