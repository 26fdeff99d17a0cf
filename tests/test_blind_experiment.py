"""Blind: the cases, what a wrong F costs, and guessing F from the colours."""

import json

import numpy as np
import pytest
import torch

from jgm_course.nb10 import figures as nb10
from jgm_lib import checkpoints
from jgm_lib.cli import main
from jgm_lib.data.film import film_weights
from jgm_lib.data.toy import ToyScenes
from jgm_lib.experiments import blind
from jgm_lib.experiments.cards import BlindCard
from jgm_lib.experiments.graying import calibrated, denoising_loss, guessed, rolls
from jgm_lib.networks import build
from jgm_lib.operators import gray

# -- guessing F --------------------------------------------------------------------------------


class Rat:
    """A denoiser that is exact for pixels of independent N(0, variance), in the RGB picture."""

    def __init__(self, variance: float):
        from jgm_lib.domain import Intensity

        self.variance, self.domain = variance, Intensity()

    def denoise(self, X, sigma):
        return X * self.variance / (self.variance + sigma**2)


def test_the_loss_is_that_of_a_gaussian():
    """E |D - x|^2/sigma^2 = (s^2 x^2 + v^2)/(v + s^2)^2 a pixel for D = v/(v + s^2), s^2 = sigma^2."""
    v, sigma = 0.3, 0.5
    x = torch.linspace(-1, 1, 3 * 64 * 64).view(1, 3, 64, 64).repeat(8, 1, 1, 1)
    exact = ((sigma * x) ** 2 + v**2).mean() / (v + sigma**2) ** 2
    found = denoising_loss(Rat(v), x, range(8), [sigma])
    assert found.mean() == pytest.approx(float(exact), rel=0.01)
    both = denoising_loss(Rat(v), x, range(8), [sigma, 1.0])
    other = denoising_loss(Rat(v), x, range(8), [1.0])
    assert both.mean() > found.mean() or both.mean() > other.mean()


def test_the_noise_of_a_picture_hangs_on_its_key_alone():
    x = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    whole = denoising_loss(Rat(0.3), x, [5, 6, 7], [0.5])
    assert denoising_loss(Rat(0.3), x[2:], [7], [0.5]) == pytest.approx(whole[2:])
    assert denoising_loss(Rat(0.3), x[2:], [8], [0.5]) != pytest.approx(whole[2:])


def test_pictures_like_the_prior_have_the_smaller_loss():
    like, unlike = (
        s * torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(1))
        for s in (0.5, 1.0)
    )
    losses = [denoising_loss(Rat(0.25), x, range(6), [0.3, 1.0]) for x in (like, unlike)]
    assert (losses[0] < losses[1]).all()


def test_the_guess_is_the_smallest_loss():
    losses = np.array([[[0.1, 0.9], [0.2, 0.1]], [[0.5, 0.5], [0.4, 0.1]]])  # (made,assumed,N)
    found = guessed(losses, ["a", "b"])
    assert found["confusion"] == {"a": {"a": 0.5, "b": 0.5}, "b": {"a": 0.0, "b": 1.0}}
    share, low, high = found["right"]
    assert share == 0.75 and low < 0.75 < high and found["n"] == 2 and found["chance"] == 0.5


def test_calibration_takes_the_bias_of_a_candidate_from_the_other_half():
    rng = np.random.default_rng(0)
    losses = rng.normal(0, 0.1, (3, 3, 40)) - 0.5 * np.eye(3)[:, :, None]
    biased = losses + np.array([0.0, 5.0, -5.0])[None, :, None]
    names = list("abc")
    assert guessed(losses, names)["right"][0] > 0.95
    assert guessed(biased, names)["right"][0] == pytest.approx(1 / 3)
    assert guessed(calibrated(biased), names)["right"][0] > 0.95
    spoiled = biased.copy()
    spoiled[:, 0, 0] += 100  # a picture is never measured against itself
    assert calibrated(spoiled)[0, 0, 0] == pytest.approx(calibrated(biased)[0, 0, 0] + 100)


def test_rolls_average_their_pictures_and_leave_the_rest():
    losses = np.arange(14.0).reshape(1, 2, 7)
    found = rolls(losses, 3, seed=1)
    assert found.shape == (1, 2, 2)
    assert np.allclose(found[0, 1] - found[0, 0], 7)  # the same pictures for every candidate
    assert set(np.round(3 * found[0, 0])) <= set(range(22))


# -- cases -------------------------------------------------------------------------------------


def test_cases_are_what_their_names_say():
    truth = ToyScenes(32).sample(4, 0).images
    cases = {c.made: c for c in blind.cases_of(truth, BlindCard(films=["blue-sensitive"]))}
    f = film_weights("blue-sensitive")
    assert torch.allclose(
        cases["orthochromatic"].y, gray(truth, film_weights("orthochromatic")), atol=1e-6
    )
    film, undone = (cases[f"blue-sensitive film{end}"].y for end in ("", ", curve undone"))
    exposure = gray(truth, f)
    assert (undone - exposure).abs().mean() < 0.5 * (film - exposure).abs().mean()
    assert cases["blue-sensitive film"].assumed == ("mean", "blue-sensitive")
    aged = cases["aged"]
    assert not torch.equal(aged.truth, truth) and aged.y.min() >= 0 and aged.y.max() <= 1
    assert cases["mean"].assumed == ("mean", "bt601", "orthochromatic", "blue-sensitive")


# -- the experiment ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """An untrained prior for pictures of 16 pixels."""
    torch.manual_seed(0)
    model = build("unet", widths=[8, 16])
    torch.nn.init.normal_(model.head.weight, std=0.02)
    card = {"network": "unet", "settings": {"widths": [8, 16]}, "size": 16, "name": "prior"}
    return str(checkpoints.save(tmp_path_factory.mktemp("weights") / "prior", model, card))


@pytest.fixture(scope="module")
def measured(weights):
    own = dict(pictures=4, steps=2, levels=[0.3], roll=2, n=2, grays=["mean", "bt601"])
    return blind.measure(BlindCard(weights={"JGM": [weights]}, **own))


def test_every_f_meets_every_f_and_keeps_to_its_own_grey(measured):
    rows, about = measured
    for way in ("split", "nullspace"):
        pairs = [(r["made"], r["assumed"]) for r in rows if r["method"] == way]
        assert pairs[:4] == [(m, a) for m in ("mean", "bt601") for a in ("mean", "bt601")]
        assert len(pairs) == 9 and pairs[-1] == ("aged", "mean")
    assert all(r["residual"][0] < 1e-6 for r in rows)  # any F agrees with the photograph
    assert [set(g) for g in about["guesses"]] == [
        {"prior", "method", "loss", "as it is", "calibrated"}
    ] * 2
    assert about["guesses"][0]["as it is"]["roll"]["n"] == 2


def test_the_cost_is_over_the_right_f_and_of_films_over_the_clean_photograph(measured):
    rows = {(r["made"], r["assumed"]): r for r in measured[0] if r["method"] == "split"}
    assert "cost" not in rows["mean", "mean"] and "cost" not in rows["bt601", "bt601"]
    wrong = rows["bt601", "mean"]["cost"]
    assert wrong["minus"] == ["bt601", "bt601"] and wrong["replica"] == [0, 0, 0]
    gap = rows["bt601", "mean"]["delta_e"][0] - rows["bt601", "bt601"]["delta_e"][0]
    assert wrong["delta_e"][0] == pytest.approx(gap)
    film = rows["orthochromatic film", "mean"]["cost"]
    assert film["minus"] == ["mean", "mean"] and film["replica"][0] > 0


def test_the_lesson_tells_the_costs_and_the_guesses(measured):
    rows, about = measured
    split = [r for r in rows if r["method"] == "split"]
    lines = nb10.cost_table(split).splitlines()
    assert len(lines) == 3 and "taken for bt601" in lines[0]
    right, wrong = split[0]["delta_e"][0], split[1]["cost"]["delta_e"][0]
    assert f"{right:.1f}" in lines[1] and f"{wrong:+.2f} (" in lines[1]
    text = nb10.guess_text(about["guesses"][0])
    assert len(text.splitlines()) == 4 and "by chance 0.50" in text
    figure = nb10.confusion_figure({"a": about["guesses"][0]["calibrated"]["single"]})
    assert len(figure.axes) == 1 and len(figure.axes[0].texts) == 4


def test_gray_that_looks_on_is_the_same_for_one_picture_and_for_many(weights):
    """A picture's colours hang on itself alone, whatever the batch."""
    few = dict(pictures=3, steps=2, levels=[0.3], grays=["mean", "bt601"], ways=["split"])
    one, all_ = (
        blind.measure(BlindCard(weights={"JGM": [weights]}, batch=b, **few))[0] for b in (1, 16)
    )
    for a, b in zip(one, all_, strict=True):
        assert a["delta_e"] == pytest.approx(b["delta_e"], rel=1e-4)


def test_the_command_repeats_itself_on_landscapes_and_on_photographs(weights, tmp_path, capsys):
    from jgm_lib.data import samples

    (tmp_path / "photos").mkdir()
    for name in ("coffee", "rocket"):
        samples.load(name).resize((40, 40)).save(tmp_path / "photos" / f"{name}.png")
    words = ["experiment", "blind", "--quick", "--weights", f"JGM={weights}"]
    for data in ([], ["--data", str(tmp_path / "photos")]):
        for out in ("a", "b"):
            assert main([*words, *data, "-o", str(tmp_path / f"{out}{len(data)}")]) == 0
        files = [tmp_path / f"{out}{len(data)}" / "blind.json" for out in ("a", "b")]
        assert files[0].read_bytes() == files[1].read_bytes()
        rows = json.loads(files[0].read_text())["rows"]
        assert all(("admissible" in r) != bool(data) for r in rows)
    assert "in the grey" in capsys.readouterr().out


@pytest.mark.parametrize(
    "more, says",
    [
        (["--set", "grays=[mean, kodak]"], "f='kodak' is unknown"),
        (["--set", "grays=[mean]"], "grays"),
        (["--set", "films=[agfa]"], "f='agfa' is unknown"),
        (["--set", "ways=[walk]"], "'walk' is unknown"),
        (["--weights", "a=toy-32", "--weights", "a=toy-32"], "given 2 times"),
        (["--weights", "a=classifier-64"], "is no denoiser"),
    ],
)
def test_bad_input_is_one_clear_line(more, says, tmp_path, capsys):
    assert main(["experiment", "blind", "-o", str(tmp_path), *more]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1
