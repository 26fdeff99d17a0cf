"""Parameter cards: every fault is one clear line that says what is allowed."""

from dataclasses import fields

import pytest

from jgm_lib import baselines
from jgm_lib.cli import parser
from jgm_lib.errors import JGMError
from jgm_lib.params import KNOBS, ColorizeCard, TrainCard, check_parameters, limits, validate
from jgm_lib.samplers import SAMPLERS, presets
from jgm_lib.settings import SETTINGS, SplitSettings, compared


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
        ({"sigma_max": 0.1, "sigma_min": 0.1}, "sigma_max=0.1, sigma_min=0.1: need"),
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
def test_every_knob_of_a_sampler_is_one_of_its_settings(name):
    assert set(KNOBS[name]) <= {f.name for f in fields(SETTINGS[name])}
    assert set(ColorizeCard(sampler=name).settings()) == set(KNOBS[name])


def test_the_defaults_stand_in_one_place():
    """What a sampler does unasked, the card, the command, the presets and ``baselines`` agree."""
    assert set(SETTINGS) == set(SAMPLERS) == set(KNOBS)
    card = ColorizeCard(weights="toy-32")
    for name, own in SETTINGS.items():
        assert ColorizeCard(sampler=name).settings() == {k: getattr(own(), k) for k in KNOBS[name]}
        assert {k: getattr(card, k) for k in KNOBS[name]} == {
            k: getattr(own, k) for k in KNOBS[name]
        }
        for base in set(own.__mro__) & set(SETTINGS.values()):  # nor do two samplers differ
            assert all(getattr(own, f.name) == getattr(base, f.name) for f in fields(base))
    assert ColorizeCard(**presets.PAPER) == ColorizeCard(sampler="langevin")
    words = parser(["colorize", "a.png", "-o", "out"]).parse_args(
        ["colorize", "a.png", "-o", "out"]
    )
    assert not {k for k in ColorizeCard.model_fields if getattr(words, k, None) is not None}


def test_samplers_are_compared_on_the_same_settings():
    """By ``baselines`` and the lessons' benches: the defaults but for the noise levels."""
    for name, method in baselines.methods(None).items():
        if name not in SETTINGS:
            continue
        asked = SETTINGS[name](**method.settings)
        assert asked == SETTINGS[name](
            **compared(name, steps=asked.steps) if name != "langevin" else {}
        )
    steps = {
        n: m.settings.get("steps") for n, m in baselines.methods(None).items() if n in SETTINGS
    }
    assert steps == {
        **{"split": SplitSettings.steps, "nullspace": SplitSettings.steps, "langevin": None},
        **{"predictor_corrector": SplitSettings.steps // 2},
    }


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_unasked_runs_with_the_defaults(name, monkeypatch):
    seen = []
    cls = SETTINGS[name]
    monkeypatch.setattr(cls, "__post_init__", lambda self: seen.append(vars(self)) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        next(SAMPLERS[name](None, None, None))
    assert seen == [{f.name: f.default for f in fields(cls)}]


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


def test_every_knob_of_the_card_is_read_by_a_sampler_that_has_it():
    """Else it could be turned, on the command line and in the panel, and nothing would change."""
    common = {"weights", "sampler", "gray", "border", "n", "seed", "strength", "points"}
    read = {name for knobs in KNOBS.values() for name in knobs}
    assert read == set(ColorizeCard.model_fields) - common
    for name, knobs in KNOBS.items():
        assert set(knobs) <= {f.name for f in fields(SETTINGS[name])}
