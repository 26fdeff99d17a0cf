"""Frechet distance: closed forms of Gaussians, scipy as a witness; the classifier that sees for it."""

import json

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from jgm_lib import checkpoints
from jgm_lib.data.packed import PackedSet
from jgm_lib.errors import JGMError
from jgm_lib.frechet import accuracy, features_of, frechet, frechet_interval, load_classifier
from jgm_lib.networks import build
from jgm_lib.params import TrainCard
from jgm_lib.training import fit
from jgm_lib.training.runs import export_run, start

SETTINGS = {"classes": ["blue", "red"], "widths": [8, 8], "features": 4}


def features(n=60, m=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, m)) @ rng.normal(size=(m, m)) + rng.normal(size=m)


def whitened(v):
    """The same points with mean 0 and covariance exactly I."""
    v = v - v.mean(0)
    return v @ np.linalg.inv(np.linalg.cholesky(np.cov(v, rowvar=False))).T


def test_commuting_covariances_have_the_closed_form():
    """Axes alike: sum of (mean difference)^2 and of (sd_a - sd_b)^2."""
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))[0]
    sd_a, sd_b = np.array([1, 2, 0.5, 0, 3.0]), np.array([2, 2, 0.1, 1, 0.0])
    shift = np.array([1, -2, 0, 0.5, 0])
    a = whitened(features(seed=1)) * sd_a @ turn
    b = (whitened(features(seed=2)) * sd_b + shift) @ turn
    expected = np.square(shift).sum() + np.square(sd_a - sd_b).sum()
    assert frechet(a, b) == pytest.approx(expected, rel=1e-7)  # roots of zeros: half the digits


def test_it_is_that_of_the_matrix_root():
    a, b = features(seed=1), features(seed=2)
    A, B = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    gap = np.square(a.mean(0) - b.mean(0)).sum()
    expected = gap + np.trace(A + B - 2 * sqrtm(A @ B).real)
    assert frechet(a, b) == pytest.approx(expected, rel=1e-9)
    assert frechet(b, a) == pytest.approx(expected, rel=1e-9)


def test_equal_sets_lie_at_zero_and_one_feature_will_do():
    a = features()
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    one, two = features(m=1, seed=1), features(m=1, seed=2)
    expected = (one.mean() - two.mean()) ** 2 + (one.std(ddof=1) - two.std(ddof=1)) ** 2
    assert frechet(one, two) == pytest.approx(expected, rel=1e-9)


def test_fewer_pictures_than_features_are_no_trouble():
    assert frechet(features(4, 9, 1), features(4, 9, 2)) > 0


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Pairs (a, a + shift with another spread), whose distance over all pairs is known."""
    expected, inside = 0.25 + 4 * 0.5**2, []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        a = rng.normal(size=(150, 4))
        b = 1.5 * rng.normal(size=(150, 4)) + [0.5, 0, 0, 0]
        value, low, high = frechet_interval(a, b, resamples=100)
        assert low <= value <= high and value == frechet(a, b)
        inside.append(low <= expected <= high)
    assert np.mean(inside) > 0.75  # the value itself is too large by some m/n


def test_no_interval_begins_below_zero():
    """The same pictures in another order lie at 0, their resamples a little off."""
    a = np.arange(5.0)[:, None]
    value, low, high = frechet_interval(a, a[::-1])
    assert (value, low) == (0, 0) and high > 0


def test_the_interval_is_the_same_twice_and_hangs_on_the_seed():
    a, b = features(seed=1), features(seed=2)
    assert frechet_interval(a, b) == frechet_interval(a, b)
    assert frechet_interval(a, b) != frechet_interval(a, b, seed=1)


@pytest.mark.parametrize(
    "a, b, why",
    [
        (np.zeros((5, 3)), np.zeros((6, 3)), "need two"),
        (np.zeros((5, 3)), np.zeros((5, 2)), "need two"),
        (np.zeros((1, 3)), np.zeros((1, 3)), "n at least 2"),
        (np.zeros(5), np.zeros(5), "need two"),
        (np.zeros((5, 3)), np.full((5, 3), np.nan), "not finite"),
    ],
)
def test_what_is_no_pair_of_features_is_refused(a, b, why):
    with pytest.raises(JGMError, match=why):
        frechet(a, b)


# -- the classifier ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Forty blue and forty red squares, every fifth held out."""
    folder = tmp_path_factory.mktemp("packed")
    rng = np.random.default_rng(0)
    array = rng.integers(0, 120, (80, 16, 16, 3), dtype=np.uint8)
    array[:40, ..., 2] += 130
    array[40:, ..., 0] += 130
    np.save(folder / "set.npy", array)
    card = {"format": "jgm-packed-1", "size": 16, "count": 80, "holdout": list(range(0, 80, 5))}
    card["groups"] = [["blue", 40], ["red", 40]]
    (folder / "set.json").write_text(json.dumps(card))
    return folder / "set"


def card(**changes):
    values = dict(name="kinds", network="classifier", settings=SETTINGS, size=16, steps=40)
    return TrainCard(**{**values, "batch": 16, "lr": 0.01, "warmup": 5, **changes})


def test_a_classifier_learns_the_folders_of_a_packed_set(packed, tmp_path):
    model, batches, about = start(card(), packed)
    for progress in fit(model, batches, card(), tmp_path / "run"):
        pass
    name = export_run(tmp_path / "run", tmp_path / "kinds", about)
    found, _ = load_classifier(name)
    data = PackedSet(packed)
    held = data.batch(data.holdout_indices, 16, augment=False)
    assert accuracy(found, held, data.labels[data.holdout_indices]) == 1
    assert accuracy(found, held, 1 - data.labels[data.holdout_indices]) == 0
    assert features_of(found, held).shape == (16, 4)
    assert np.allclose(features_of(found, held, 3), features_of(found, held), atol=1e-6)


def test_batches_bring_the_class_of_each_picture(packed):
    x = start(card(), packed)[1](64, torch.Generator().manual_seed(0))
    assert x.shape == (64, 4, 16, 16)
    red = (x[:, 0] > x[:, 2]).float().mean((1, 2)) > 0.5
    assert torch.equal(x[:, 3, 0, 0], red.float())
    assert (x[:, 3] == x[:, 3:, :1, :1][:, 0]).all()


def test_what_a_classifier_cannot_learn_from_is_refused(packed):
    with pytest.raises(JGMError, match="needs --data"):
        start(card())
    other = card(settings={**SETTINGS, "classes": ["blue", "green"]})
    with pytest.raises(JGMError, match="its classes are blue, red; card 'kinds': blue, green"):
        start(other, packed)
    with pytest.raises(JGMError, match="not for network classifier"):
        start(card(aged=0.5), packed)


@pytest.mark.parametrize(
    "settings, why",
    [
        ({"classes": ["one"]}, "two or more"),
        ({"classes": ["one", "one"]}, "two or more"),
        ({"classes": ["a", "b"], "features": 65}, "1 to 64"),
        ({"classes": ["a", "b"], "features": 0}, "1 to 64"),
    ],
)
def test_impossible_classifiers(settings, why):
    with pytest.raises(JGMError, match=why):
        build("classifier", **settings)


def test_a_prior_is_no_classifier_and_a_classifier_no_prior(tmp_path):
    from jgm_lib import Colorizer

    with pytest.raises(JGMError, match="toy-32: a unet, no classifier"):
        load_classifier("toy-32")
    facts = {"network": "classifier", "settings": SETTINGS, "name": "kinds"}
    path = checkpoints.save(tmp_path / "kinds", build("classifier", **SETTINGS), facts)
    with pytest.raises(JGMError, match="a classifier is no denoiser"):
        Colorizer.from_pretrained(path)
    with pytest.raises(JGMError, match="is no prior: no channels, 9 are needed"):
        checkpoints.load(path, channels=9)


def test_the_bundled_classifier_sees_colour():
    """Fading the truth by more moves it farther, and its card says how well it tells the classes."""
    from jgm_lib.experiments.sources import Pictures
    from jgm_lib.overflow import with_chroma

    model, about = load_classifier()
    assert checkpoints.find("classifier-64").stat().st_size < 1e6
    assert about["metrics"]["accuracy"] > 0.85 and about["licence"].startswith("weights: MIT")
    truth = Pictures.of_samples(64).truth
    own = features_of(model, truth)
    assert own.shape == (len(truth), 32)
    faded = [features_of(model, with_chroma(truth, lambda c, k=k: k * c)) for k in (0.8, 0.4, 0)]
    distances = [frechet(f, own) for f in faded]
    assert 0 < distances[0] < distances[1] < distances[2]
