"""The memory-mapped set: batches, then arrays and cards that lie."""

import json
import pickle

import numpy as np
import pytest
import torch

from jgm_lib.data.packed import PackedSet
from jgm_lib.data.packing import pack
from jgm_lib.errors import JGMError


def png(array):
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def npy(tmp_path):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (20, 24, 24, 3), dtype=np.uint8)
    named = [(f"{'ab'[k // 10]}/{k}.png", png(p)) for k, p in enumerate(pictures)]
    return pack(named, name="tiny", out=tmp_path, source="made", size=24, holdout=0.2)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def edit(npy, **changes):
    path = npy.with_suffix(".json")
    card = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in card.items() if v is not ...}))


def test_split_is_a_partition(npy):
    data = PackedSet(npy, verify=True)
    both = np.concatenate([data.train_indices, data.holdout_indices])
    assert len(data.holdout_indices) == 4 and sorted(both) == list(range(20))
    assert isinstance(data.array, np.memmap) and not data.array.flags.writeable
    assert data.classes == ["a", "b"] and data.labels.tolist() == [0] * 10 + [1] * 10


def test_the_seed_chooses_what_is_held_out(npy, tmp_path):
    held = []
    for seed in (0, 1, 1):
        named = [(f"{k}.png", png(np.full((24, 24, 3), 8 * k, np.uint8))) for k in range(20)]
        about = dict(name="seeded", out=tmp_path, source="made", size=24, holdout=0.2, seed=seed)
        held.append(PackedSet(pack(named, **about)).holdout_indices.tolist())
    assert held[0] == PackedSet(npy).holdout_indices.tolist() != held[1] == held[2]


@pytest.mark.parametrize("suffix", ["", ".npy", ".json"])
def test_any_of_the_names_opens_it(npy, suffix):
    assert len(PackedSet(str(npy.with_suffix("")) + suffix)) == 20


def test_plain_batch_at_native_size_is_the_stored_pixels(npy):
    data = PackedSet(npy)
    x = data.batch([3, 7], 24, augment=False)
    assert x.shape == (2, 3, 24, 24) and x.dtype == torch.float32
    assert np.array_equal((x * 255).round().byte().permute(0, 2, 3, 1).numpy(), data.array[[3, 7]])


def test_plain_batch_is_the_area_mean_of_smooth_pictures(tmp_path):
    ramp = np.tile(np.arange(64, dtype=np.uint8)[:, None, None] * 4, (1, 64, 3))
    npy = pack([("r", png(ramp))], name="r", out=tmp_path, source="r", size=64, holdout=0)
    x = PackedSet(npy).batch([0], 16, augment=False)[0, 0, :, 0] * 255
    expected = torch.arange(16) * 16 + 6.0  # mean of four rows of the ramp
    assert torch.allclose(x[1:-1], expected[1:-1], atol=0.5)


def test_the_finest_checks_turn_grey(tmp_path):
    checks = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    named = [("c", png(np.repeat(checks[..., None], 3, 2)))]
    data = PackedSet(pack(named, name="c", out=tmp_path, source="c", size=64, holdout=0))
    for x in (data.batch([0], 13, augment=False), data.batch([0] * 8, 13, rng(), area=(1, 1))):
        assert (x[..., 1:-1, 1:-1] - 0.5).abs().max() < 0.05  # aliasing would leave 0 and 1


def test_all_chance_comes_from_the_generator(npy):
    data = PackedSet(npy)
    torch.manual_seed(0)
    a = data.batch(data.train_indices, 16, rng(1))
    torch.manual_seed(1)
    b, c = data.batch(data.train_indices, 16, rng(1)), data.batch(data.train_indices, 16, rng(2))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert a.min() >= 0 and a.max() <= 1


def test_flips_are_half_and_crops_keep_their_area(tmp_path):
    y, x = np.mgrid[0:64, 0:64]
    grid = np.stack([x * 4, y * 4, 0 * x], -1).astype(np.uint8)  # red tells column, green row
    npy = pack([("g", png(grid))], name="g", out=tmp_path, source="g", size=64, holdout=0)
    b = PackedSet(npy).batch([0] * 800, 8, rng(0)) * 255 / 4 / 64  # (800,3,8,8), place in [0,1]
    wide = (b[:, 0, :, 6] - b[:, 0, :, 1]).mean(1) * 8 / 5  # signed width of the crop
    high = (b[:, 1, 6] - b[:, 1, 1]).mean(1) * 8 / 5
    assert 0.44 < (wide < 0).float().mean() < 0.56
    area, aspect = wide.abs() * high, wide.abs() / high
    assert 0.45 < area.min() < 0.56 and 0.94 < area.max() < 1.06
    assert abs(float(area.mean()) - 0.75) < 0.03
    assert 0.85 < aspect.min() < 0.96 and 1.04 < aspect.max() < 1.17
    left = b[:, 0].amin((1, 2))  # crops reach both ends, so nothing of the picture is never seen
    assert left.min() < 0.06 and b[:, 0].amax() > 0.94


def test_pickle_maps_again_instead_of_copying(npy):
    data = PackedSet(npy)
    frozen = pickle.dumps(data)
    assert len(frozen) < 1000
    assert np.array_equal(pickle.loads(frozen).array, data.array)


@pytest.mark.parametrize("rows", [[], [-1], [20], [0.5], ["a"]], ids=str)
def test_bad_indices(npy, rows):
    with pytest.raises(JGMError, match="0 to 19"):
        PackedSet(npy).batch(rows, 8, rng())


def test_bad_batch_settings(npy):
    data = PackedSet(npy)
    with pytest.raises(JGMError, match="Generator"):
        data.batch([0], 8)
    with pytest.raises(JGMError, match="size"):
        data.batch([0], 0, rng())
    with pytest.raises(JGMError, match="area"):
        data.batch([0], 8, rng(), area=(0.9, 0.5))


def refuse(npy, match, **kw):
    with pytest.raises(JGMError, match=match) as caught:
        PackedSet(npy, **kw)
    assert "\n" not in str(caught.value)


def test_truncated_array(npy):
    npy.write_bytes(npy.read_bytes()[:-1])
    refuse(npy, "not a whole npy")


def test_header_only_and_empty_and_text(npy):
    for content in (npy.read_bytes()[:60], b"", b"hello", npy.read_bytes()[:8]):
        npy.write_bytes(content)
        refuse(npy, "not a whole npy")


def test_trailing_bytes(npy):
    npy.write_bytes(npy.read_bytes() + b"x")
    refuse(npy, "bytes after")


def test_wrong_dtype_and_shape_and_order(npy):
    for array, match in [
        (np.zeros((20, 24, 24, 3), np.float32), "float32"),
        (np.zeros((19, 24, 24, 3), np.uint8), "shape"),
        (np.zeros((20, 24, 24), np.uint8), "shape"),
        (np.asfortranarray(np.zeros((20, 24, 24, 3), np.uint8)), "shape"),
    ]:
        np.save(npy, array)
        refuse(npy, match)


def test_object_array_is_never_unpickled(npy, tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "sprung"), "w")

    np.save(npy, np.array([Trap()], dtype=object), allow_pickle=True)
    refuse(npy, "not a whole npy")
    npy.write_bytes(pickle.dumps(Trap()))
    refuse(npy, "not a whole npy")
    assert not (tmp_path / "sprung").exists()


def test_archive_in_disguise(npy):
    with open(npy, "wb") as file:
        np.savez(file, a=np.zeros(3))
    refuse(npy, "need one uint8 array")


def test_changed_pixels_are_found_by_verify(npy):
    data = bytearray(npy.read_bytes())
    data[-1] ^= 1
    npy.write_bytes(data)
    assert len(PackedSet(npy)) == 20
    refuse(npy, "SHA-256", verify=True)


@pytest.mark.parametrize(
    "change",
    [
        {"count": 21},
        {"count": "20"},
        {"count": True},
        {"count": 0},
        {"size": 25},
        {"format": "other"},
        {"holdout": [20]},
        {"holdout": [1, 1]},
        {"holdout": "all"},
        {"holdout": [0.5]},
        {"holdout": [[1]]},
        {"holdout": ...},
        {"groups": [["a", 3]]},
        {"groups": [["a", 30], ["b", -10]]},
        {"groups": 5},
    ],
    ids=str,
)
def test_tampered_card(npy, change):
    edit(npy, **change)
    refuse(npy, "tiny-24")


def test_missing_or_unreadable_card(npy):
    card = npy.with_suffix(".json")
    for content in (b"{", b"[]", b"\xff\xfe\x00", b"[" * 100_000):
        card.write_bytes(content)
        refuse(npy, "card")
    card.unlink()
    refuse(npy, "missing")
    refuse(npy.with_name("other"), "missing")
