"""Parameter cards: every fault is one clear line that says what is allowed."""

import inspect

import pytest

from jgm_lib.errors import JGMError
from jgm_lib.params import KNOBS, ColorizeCard, TrainCard, check_parameters, limits, validate
from jgm_lib.samplers import SAMPLERS


@pytest.mark.parametrize(
    "values, match",
    [
        ({"lamda": 1.0}, "lamda: unknown name"),
        ({"lam": "strong"}, "lam='strong'.*number"),
        ({"lam": -0.1}, "lam=-0.1.*greater than or equal to 0"),
        ({"beta": -1.0}, "beta=-1.0.*greater than or equal to 0"),
        ({"epsilon": -1e-6}, "epsilon=-1e-06.*greater than or equal to 0"),
        ({"L": 0}, "L=0.*greater than or equal to 1"),
        ({"T": 0}, "T=0.*greater than or equal to 1"),
        ({"L": 2.5}, "L=2.5.*integer"),
        ({"n": True}, "n=True.*integer"),
        ({"sampler": "magic"}, "'split', 'nullspace', 'langevin'"),
        ({"lam": float("nan")}, "lam=nan"),
        ({"lam": float("inf")}, "lam=inf"),
        ({"sigma_1": 0.02, "sigma_L": 0.5}, "sigma_1=0.02, sigma_L=0.5.*sigma_1 > sigma_L"),
        ({"sigma_max": 0.1, "sigma_min": 0.1}, "sigma_max=0.1, sigma_min=0.1.*larger"),
        ({"sampler": "langevin", "epsilon": 5e-3}, r"unstable step.*must be < 2.*epsilon <"),
    ],
)
def test_faults_of_the_colorize_card(values, match):
    with pytest.raises(JGMError, match=match) as error:
        validate(ColorizeCard, values)
    assert "\n" not in str(error.value)


def test_all_faults_in_one_line():
    with pytest.raises(JGMError) as error:
        validate(ColorizeCard, {"lam": -1.0, "T": 0, "foo": 1})
    assert all(name in str(error.value) for name in ("lam", "T", "foo"))


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(JGMError, match=r"\(allowed: .*lam.*sigma_1"):
        validate(ColorizeCard, {"foo": 1})


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_knob_of_a_sampler_is_one_of_its_arguments(name):
    arguments = inspect.signature(SAMPLERS[name]).parameters
    assert set(KNOBS[name]) <= set(arguments)
    assert set(ColorizeCard(sampler=name).settings()) == set(KNOBS[name])


def test_every_number_has_limits_and_an_effect():
    for name, field in ColorizeCard.model_fields.items():
        assert field.description
        if field.annotation in (int, float):
            low, high = limits(ColorizeCard, name)
            assert low <= field.default <= high


def test_whole_numbers_are_fine_where_floats_are_expected():
    assert validate(ColorizeCard, {"lam": 2}).lam == 2.0


def test_train_card_faults():
    for values, match in (
        ({"lr": 0.0}, "lr=0.0"),
        ({"isotropic": 1.5}, "isotropic=1.5"),
        ({"steps": 0}, "steps=0"),
        ({"optimizer": "sgd"}, "adamw"),
    ):
        with pytest.raises(JGMError, match=match):
            validate(TrainCard, values)


def test_a_notebook_namespace_is_checked():
    import math

    good = {"lam": 2.0, "In": [], "Out": {}, "_ih": [1], "math": math, "print": print}
    assert check_parameters(ColorizeCard, good).lam == 2.0
    with pytest.raises(JGMError, match="lamda: unknown name"):
        check_parameters(ColorizeCard, {**good, "lamda": 3})
