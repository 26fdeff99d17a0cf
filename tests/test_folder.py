"""Packing a folder of photographs: true files first, then everything that may go wrong."""

import hashlib
import io
import json
import os

import numpy as np
import pytest
from PIL import Image

from data_scripts import folder
from data_scripts.folder import pack_folder
from jgm_lib.data import packing
from jgm_lib.data.packed import PackedSet
from jgm_lib.errors import JGMError


def photo(seed, w=60, h=40):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((w, h), Image.Resampling.BICUBIC)


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "album"
    for k in range(12):
        path = root / ("hills" if k % 2 else "sea") / f"{k:02d}.{'jpg' if k % 3 else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo(k).save(path)
    (root / "notes.txt").write_text("no picture")
    return root


def card_of(npy):
    return json.loads(npy.with_suffix(".json").read_text(encoding="utf-8"))


def test_pack_writes_array_and_card(photos, tmp_path):
    npy = pack_folder(photos, tmp_path / "out", size=32, holdout=0.25, licence="my own")
    array, card = np.load(npy, allow_pickle=False), card_of(npy)
    assert npy.name == "album-32.npy"
    assert array.shape == (12, 32, 32, 3) and array.dtype == np.uint8
    assert card["sha256"] == hashlib.sha256(npy.read_bytes()).hexdigest()
    assert card["source"] == "album" and card["licence"] == "my own" and card["skipped"] == {}
    assert str(tmp_path) not in npy.with_suffix(".json").read_text(encoding="utf-8")
    assert len(card["holdout"]) == 3 and card["groups"] == [["hills", 6], ["sea", 6]]
    assert sorted(p.name for p in npy.parent.iterdir()) == ["album-32.json", "album-32.npy"]


def test_pixels_are_those_of_the_source(tmp_path):
    (tmp_path / "a").mkdir()
    photo(3, 32, 32).save(tmp_path / "a" / "p.png")
    npy = pack_folder(tmp_path / "a", tmp_path, size=32, holdout=0)
    assert np.array_equal(np.load(npy)[0], np.asarray(photo(3, 32, 32)))


def test_crop_keeps_the_middle_and_squash_keeps_all(tmp_path):
    (tmp_path / "a").mkdir()
    bars = np.zeros((40, 80, 3), np.uint8)
    bars[:, :20, 0] = bars[:, 60:, 2] = 255  # red and blue outside the middle square
    bars[:, 20:60, 1] = 255
    Image.fromarray(bars).save(tmp_path / "a" / "p.png")
    crop = np.load(pack_folder(tmp_path / "a", tmp_path, "crop", size=20))[0]
    squash = np.load(pack_folder(tmp_path / "a", tmp_path, "squash", size=20, squash=True))[0]
    assert (crop[:, 2:-2, 1] == 255).all() and crop[:, 1:, 0].max() == 0
    assert (squash[:, 1, 0] == 255).all() and (squash[:, -2, 2] == 255).all()


def test_resize_is_antialiased(tmp_path):
    (tmp_path / "a").mkdir()
    checks = np.indices((256, 256)).sum(0) % 2 * 255  # the finest board must turn even grey
    Image.fromarray(checks.astype(np.uint8)).convert("RGB").save(tmp_path / "a" / "p.png")
    array = np.load(pack_folder(tmp_path / "a", tmp_path, size=32))
    assert np.abs(array[0, 2:-2, 2:-2].astype(int) - 128).max() <= 2


def test_exif_rotation_is_applied(tmp_path):
    (tmp_path / "a").mkdir()
    image = Image.new("RGB", (32, 32), "white")
    image.paste("black", (0, 0, 32, 16))  # black above
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise: black goes right
    image.save(tmp_path / "a" / "p.png", exif=exif)
    picture = np.load(pack_folder(tmp_path / "a", tmp_path, size=32))[0]
    assert picture[:, 24:].max() == 0 and picture[:, :8].min() == 255


def test_same_seed_same_bytes_and_count_is_a_seeded_choice(photos, tmp_path):
    def packed(name, seed):
        return pack_folder(photos, tmp_path / "out", name, size=16, count=5, seed=seed)

    a, b, c = packed("a", 1), packed("b", 1), packed("c", 2)
    assert a.read_bytes() == b.read_bytes() != c.read_bytes()
    assert card_of(a)["holdout"] == card_of(b)["holdout"]
    assert card_of(a)["count"] == 5


def test_count_is_filled_from_the_reserve(photos, tmp_path):
    for k in range(12):
        (photos / f"broken{k}.jpg").write_bytes(b"\xff\xd8 nothing")
    card = card_of(pack_folder(photos, tmp_path / "out", size=16, count=12))
    assert card["count"] == 12 and 0 < card["skipped"]["unreadable"] <= 12


def test_corrupt_pictures_are_skipped_and_counted(photos, tmp_path):
    whole = io.BytesIO()
    photo(99).save(whole, "JPEG")
    (photos / "truncated.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    (photos / "empty.png").write_bytes(b"")
    (photos / "text.jpg").write_text("hello")
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(photos / "deep.png")
    (photos / "twice.png").write_bytes((photos / "sea" / "00.png").read_bytes())
    card = card_of(pack_folder(photos, tmp_path / "out", size=16))
    assert card["count"] == 12
    assert card["skipped"] == {
        "16-bit or float grey": 1,
        "same picture twice": 1,
        "unreadable": 3,
    }
    assert "empty.png: unreadable" in card["skipped_examples"]


def test_a_picture_bomb_is_not_decoded(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "MAX_PIXELS", 3000)
    photo(50, 100, 100).save(photos / "bomb.png")
    card = card_of(pack_folder(photos, tmp_path / "out", size=16))
    assert card["skipped"] == {"too many pixels": 1} and card["count"] == 12


def test_links_outside_are_refused(photos, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    photo(77).save(secret / "s.png")
    (photos / "out.png").symlink_to(secret / "s.png")
    (photos / "outdir").symlink_to(secret)
    (photos / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (photos / "round.png").symlink_to(photos / "round.png")
    (photos / "again.png").symlink_to(photos / "sea" / "00.png")
    (photos / "circle").symlink_to(photos)
    card = card_of(pack_folder(photos, tmp_path / "out", size=16))
    assert card["count"] == 12
    assert card["skipped"] == {
        "broken link": 2,
        "link leads outside the folder": 2,
        "link to a folder": 1,
        "same file twice": 1,
    }


def test_a_pipe_does_not_hang_the_run(photos, tmp_path):
    os.mkfifo(photos / "pipe.jpg")
    assert card_of(pack_folder(photos, tmp_path / "out", size=16))["skipped"] == {"not a file": 1}


@pytest.mark.parametrize(
    "mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "YCbCr"], ids=lambda m: f"mode-{m}"
)
def test_every_usual_mode_becomes_rgb(mode, tmp_path):
    (tmp_path / "a").mkdir()
    suffix = "jpg" if mode in ("CMYK", "YCbCr") else "png"
    photo(5).convert(mode).save(tmp_path / "a" / f"p.{suffix}")
    assert np.load(pack_folder(tmp_path / "a", tmp_path, size=16)).shape == (1, 16, 16, 3)


def test_nothing_usable_leaves_nothing(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jpg").write_bytes(b"x")
    with pytest.raises(JGMError, match="no usable picture"):
        pack_folder(tmp_path / "a", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_broken_run_keeps_the_old_set(photos, tmp_path):
    npy = pack_folder(photos, tmp_path / "out", size=16)
    before = npy.read_bytes(), npy.with_suffix(".json").read_bytes()

    def pull_the_plug(n):
        if n == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack_folder(photos, tmp_path / "out", size=16, seed=5, progress=pull_the_plug)
    assert (npy.read_bytes(), npy.with_suffix(".json").read_bytes()) == before
    assert len(list(npy.parent.iterdir())) == 2


@pytest.mark.parametrize(
    "bad",
    [
        {"size": 4},
        {"size": 5000},
        {"count": 0},
        {"holdout": 0.9},
        {"holdout": float("nan")},
        {"seed": -1},
        {"name": "../x"},
        {"name": ".hidden"},
    ],
    ids=str,
)
def test_bad_settings_are_one_clear_line(bad, photos, tmp_path):
    with pytest.raises(JGMError, match=next(iter(bad))):
        pack_folder(photos, tmp_path / "out", **bad)


@pytest.fixture
def second(tmp_path):
    root = tmp_path / "second"
    for name in ("hills/a", "trees/b", "c"):
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo(100 + ord(path.stem), 32, 32).save(path)
    return root


def test_two_folders_are_packed_one_after_the_other(photos, second, tmp_path):
    npy = pack_folder([photos, str(second)], tmp_path / "out", size=32, holdout=0)
    both, card = np.load(npy), card_of(npy)
    first = np.load(pack_folder(photos, tmp_path / "out", "first", size=32, holdout=0))
    assert npy.name == "album-32.npy" and card["count"] == 15
    assert np.array_equal(both[:12], first)
    for row, stem in zip(both[12:], "cab", strict=True):  # without a sub-folder comes first
        assert np.array_equal(row, np.asarray(photo(100 + ord(stem), 32, 32)))
    assert card["source"] == f"{tmp_path.name}/album, {tmp_path.name}/second"
    packed = PackedSet(npy)
    names = [packed.classes[k] for k in packed.labels]
    assert names == ["hills"] * 6 + ["sea"] * 6 + [".", "hills", "trees"]


def test_a_choice_is_made_among_both(photos, second, tmp_path):
    npys = [
        pack_folder([photos, second], tmp_path / "out", f"n{k}", size=16, count=6, seed=k)
        for k in range(6)
    ]
    groups = [{g for g, _ in card_of(npy)["groups"]} for npy in npys]
    assert all(card_of(npy)["count"] == 6 for npy in npys)
    assert any(g & {"trees", "."} for g in groups) and any("sea" in g for g in groups)


@pytest.mark.parametrize("order", [1, -1])
def test_folders_of_which_one_lies_in_the_other_are_refused(order, photos, tmp_path):
    (tmp_path / "link").symlink_to(photos / "sea")
    for inner in (photos / "sea", photos, tmp_path / "link", photos / "sea" / ".." / "hills"):
        with pytest.raises(JGMError, match="lies in .*: name it once"):
            pack_folder([photos, inner][::order], tmp_path / "out", size=16)
    assert not (tmp_path / "out").exists()
    (tmp_path / "album-2").mkdir()  # a name that only begins alike
    photo(60).save(tmp_path / "album-2" / "p.png")
    pack_folder([photos, tmp_path / "album-2"][::order], tmp_path / "out", "x", size=16)


def test_no_folder_and_what_is_none_are_refused(photos, tmp_path):
    with pytest.raises(JGMError, match="need at least one folder"):
        pack_folder([], tmp_path / "out")
    with pytest.raises(JGMError, match="none' is not a folder"):
        pack_folder([photos, tmp_path / "none"], tmp_path / "out")


def test_two_folders_on_the_command_line(photos, second, tmp_path, capsys):
    args = ["--size", "16", "--out", str(tmp_path / "o"), "--name", "n"]
    assert folder.main(["--source", str(photos), str(second), *args]) == 0
    assert "15 pictures 16x16" in capsys.readouterr().out
    assert folder.main(["--source", str(photos), str(photos / "sea"), *args]) == 2
    error = capsys.readouterr().err
    assert "name it once" in error and error.count("\n") == 1
    with pytest.raises(SystemExit):
        folder.main(["--source", *args])


def test_command_line(photos, tmp_path, capsys):
    args = ["--source", str(photos), "--size", "16", "--out", str(tmp_path / "o"), "--name", "n"]
    assert folder.main(args) == 0
    assert "12 pictures 16x16 (11 train + 1 holdout)" in capsys.readouterr().out
    assert len(PackedSet(tmp_path / "o" / "n-16", verify=True)) == 12
    assert folder.main(["--source", str(tmp_path / "none"), "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
