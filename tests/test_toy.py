"""ToyScenes: the grey picture hides the modes exactly, and the score knows right from wrong."""

import numpy as np
import pytest
import torch

from jgm_lib.data import toy
from jgm_lib.data.toy import OBJECTS, PALETTE, ToyScenes, admissible_share, mode_of
from jgm_lib.errors import JGMError
from jgm_lib.operators import gray, gray_weights

GRAYS = ["mean", "bt601", (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.5, 0.2, 0.3)]
MANY = [name for name, modes in PALETTE.items() if len(modes) > 1]


@pytest.fixture(scope="module")
def batch():
    return ToyScenes(32).sample(200, seed=7)


def replica(images):
    return images.mean(1, keepdim=True).expand_as(images)


def test_shapes_types_and_range(batch):
    assert batch.images.shape == (200, 3, 32, 32) and batch.images.dtype == torch.float32
    assert batch.labels.shape == (200, 32, 32) and batch.labels.dtype == torch.int8
    assert batch.images.min() >= 0 and batch.images.max() <= 1
    assert set(batch.labels.unique().tolist()) <= set(range(-1, len(OBJECTS)))
    assert all(m.shape == (200,) for m in batch.meta.values()) and set(batch.meta) == set(OBJECTS)


@pytest.mark.parametrize("spec", GRAYS, ids=str)
@pytest.mark.parametrize("name", ["sky", "hills", "tree", "roof"])
def test_grey_does_not_know_the_mode(name, spec):
    scenes, f = ToyScenes(32, gray=spec), gray_weights(spec)
    one = [scenes.sample(20, 3, modes={name: k}).images for k in range(len(PALETTE[name]))]
    greys = [gray(x.double(), f) for x in one]
    for x, y in zip(one[1:], greys[1:], strict=True):
        assert (x - one[0]).abs().max() > 0.1  # the colours do differ
        assert (y - greys[0]).abs().max() < 1e-6


@pytest.mark.parametrize("name", MANY)
def test_luma_of_modes_has_one_distribution(name):
    """Two-sample Kolmogorov-Smirnov on the mean luma of an object, split by its mode."""
    b = ToyScenes(16).sample(4000, seed=11)
    here = b.labels == OBJECTS.index(name)
    luma = (b.images.mean(1) * here).sum((1, 2)) / here.sum((1, 2)).clamp(min=1)
    seen = here.sum((1, 2)) > 0
    first, second = (np.sort(luma[seen & (b.meta[name] == k)].numpy()) for k in (0, 1))
    grid = np.concatenate([first, second])
    steps = [np.searchsorted(v, grid, side="right") / len(v) for v in (first, second)]
    critical = 1.95 * np.sqrt(1 / len(first) + 1 / len(second))  # p = 0.001
    assert np.abs(steps[0] - steps[1]).max() < critical


@pytest.mark.parametrize("name", MANY)
def test_modes_come_at_their_probabilities(name):
    b = ToyScenes(8).sample(4000, seed=5)
    counts = np.bincount(b.meta[name].numpy(), minlength=len(PALETTE[name])) / 4000
    assert np.abs(counts - [m.probability for m in PALETTE[name]]).max() < 0.03
    assert sum(m.probability for m in PALETTE[name]) == pytest.approx(1)


def test_lake_mirrors_the_sky(batch):
    assert torch.equal(batch.meta["lake"], batch.meta["sky"])
    found = mode_of(batch.images, batch.labels, "lake")
    seen = found >= 0
    assert 0.4 < seen.float().mean() < 0.9
    assert torch.equal(found[seen], mode_of(batch.images, batch.labels, "sky")[seen])


def test_same_seed_same_scene():
    scenes = ToyScenes(32)
    a, b = scenes.sample(6, 42), scenes.sample(3, 42)
    assert torch.equal(a.images[:3], b.images) and torch.equal(a.labels[:3], b.labels)
    assert not torch.equal(a.images, scenes.sample(6, 43).images)


def test_generators_advance_and_repeat():
    scenes = ToyScenes(8)
    for make in (np.random.default_rng, lambda s: torch.Generator().manual_seed(s)):
        g, h = make(1), make(1)
        first, second = scenes.sample(2, g).images, scenes.sample(2, g).images
        assert not torch.equal(first, second)
        assert torch.equal(first, scenes.sample(2, h).images)


@pytest.mark.parametrize("size", [64, 128])
def test_large_scenes_are_the_small_ones_in_more_detail(size):
    small, large = (ToyScenes(s).sample(8, 9).images for s in (32, size))
    shrunk = torch.nn.functional.avg_pool2d(large, size // 32)
    assert (shrunk - small).abs().mean() < 0.01
    other = ToyScenes(32).sample(8, 10).images
    assert (other - small).abs().mean() > 0.05  # what unequal scenes look like


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("spec", ["mean", "bt601"])
def test_truth_is_admissible_and_its_modes_are_recovered(size, spec):
    b = ToyScenes(size, gray=spec).sample(100, seed=1)
    assert (admissible_share(b.images, b.labels, spec) == 1).all()
    assert (admissible_share(b.images, b.labels, spec, per="pixel") == 1).all()
    for name in OBJECTS:
        found = mode_of(b.images, b.labels, name, spec)
        assert torch.equal(found[found >= 0], b.meta[name][found >= 0])
        if name not in ("lake", "tree", "conifer", "trunk"):  # not in every scene
            assert (found >= 0).float().mean() > 0.98, name


def test_a_little_noise_stays_admissible(batch):
    noise = 0.02 * torch.randn(batch.images.shape, generator=torch.Generator().manual_seed(0))
    assert admissible_share((batch.images + noise).clamp(0, 1), batch.labels).mean() > 0.97


def test_wrong_colours_score_low(batch):
    wrong = {
        "grey replica": replica(batch.images),
        "channels turned": batch.images[:, [1, 2, 0]],
        "upside down": batch.images.flip(2),
        "half grey": 0.3 * batch.images + 0.7 * replica(batch.images),
    }
    for name, images in wrong.items():
        assert admissible_share(images, batch.labels).mean() < 0.25, name
    assert admissible_share(wrong["grey replica"], batch.labels).max() == 0


def test_colours_of_other_objects_score_low(batch):
    """Each object wears the tint of the next: true colours in the wrong places."""
    tints = toy.palette()
    x, y = batch.images.clone(), batch.images.mean(1)
    for k in range(len(OBJECTS)):
        tint = tints[OBJECTS[(k + 1) % len(OBJECTS)]][0]
        painted = torch.as_tensor(tint, dtype=torch.float32)[:, None, None] * y[:, None]
        x = torch.where((batch.labels == k)[:, None], painted.clamp(0, 1), x)
    assert admissible_share(x, batch.labels).mean() < 0.2


def test_the_mean_of_two_modes_is_not_a_mode(batch):
    noon, dusk = (ToyScenes(32).sample(50, 2, modes={"sky": k}) for k in (0, 1))
    blend = (noon.images + dusk.images) / 2  # what a regression would paint
    assert (mode_of(blend, noon.labels, "sky") == -1).all()
    assert admissible_share(blend, noon.labels).mean() < 0.9


def test_one_wrong_object_costs_its_share():
    b = ToyScenes(64).sample(1, 4)
    sky = b.labels == OBJECTS.index("sky")
    x = torch.where(sky[:, None], replica(b.images), b.images)
    seen = sum(int(mode_of(b.images, b.labels, name)[0] >= 0) for name in OBJECTS)
    assert admissible_share(x, b.labels).item() == pytest.approx(1 - 1 / seen)
    pixels = 1 - sky.sum() / (b.labels >= 0).sum()
    assert admissible_share(x, b.labels, per="pixel").item() == pytest.approx(
        pixels.item(), abs=0.01
    )


@pytest.mark.parametrize(("rows", "right"), [(0.4, True), (0.6, False)], ids=str)
def test_an_object_is_right_when_most_of_it_is(rows, right):
    b = ToyScenes(64).sample(20, 4)
    sky = b.labels == OBJECTS.index("sky")
    share = sky.sum(2).cumsum(1) / sky.sum((1, 2))[:, None]  # (n,S): sky above each row
    grey = sky & (share < rows)[..., None]
    x = torch.where(grey[:, None], replica(b.images), b.images)
    assert ((mode_of(x, b.labels, "sky") >= 0) == right).all()
    assert (admissible_share(x, b.labels) == 1).all() == right


def test_absent_objects_have_no_mode():
    b = ToyScenes(32).sample(60, 0)
    absent = (b.labels == OBJECTS.index("lake")).sum((1, 2)) == 0
    assert absent.any() and (mode_of(b.images, b.labels, "lake")[absent] == -1).all()


@pytest.mark.parametrize("name", MANY)
def test_modes_lie_two_tolerances_apart(name):
    y = np.linspace(0.6, 1, 5)[:, None, None] * toy.BRIGHTEST[name]
    ab = toy._ab(y * toy.palette()[name])  # (5,modes,2)
    k = len(PALETTE[name])
    gaps = [np.linalg.norm(ab[:, i] - ab[:, j], axis=-1) for i in range(k) for j in range(i)]
    assert np.min(gaps) > 2 * toy.TOLERANCE


def test_bad_input():
    for size in (7, 513):
        with pytest.raises(JGMError, match="size"):
            ToyScenes(size)
    for bad in (-1, 0.5, "a", None):
        with pytest.raises(JGMError, match="seed"):
            ToyScenes(8).sample(1, bad)
    with pytest.raises(JGMError, match="n=0"):
        ToyScenes(8).sample(0)
    with pytest.raises(JGMError, match="gray"):
        ToyScenes(8, gray="luma")
    with pytest.raises(JGMError, match="unknown"):
        ToyScenes(8).sample(1, modes={"car": 0})
    with pytest.raises(JGMError, match="choose 0 to 2"):
        ToyScenes(8).sample(1, modes={"roof": 3})
    b = ToyScenes(8).sample(2)
    with pytest.raises(JGMError, match="need"):
        admissible_share(b.images, b.labels[:1])
    with pytest.raises(JGMError, match="unknown"):
        mode_of(b.images, b.labels, "car")
    with pytest.raises(JGMError, match="per"):
        admissible_share(b.images, b.labels, per="share")
