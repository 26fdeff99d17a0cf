"""The panel offers what the library takes and nothing else: ranges, samplers, presets, seeds, A and B."""

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from panel_maker import WAIT

from jgm_lib.errors import JGMError
from jgm_lib.params import KNOBS, ColorizeCard, validate
from jgm_lib.samplers import presets
from jgm_lib.settings import SETTINGS
from jgm_lib.widgets import ColorizePanel, bounds, controls, drawing, shown


def chain(card, **changes):
    """The card with Algorithm 1, short."""
    short = {"sampler": "langevin", "n": 1, "L": 2, "T": 2}
    return card.model_copy(update={**short, **changes})


def offered(panel, name: str) -> list:
    return [v for _, v in panel.view.knobs[name].options]


# -- ranges ------------------------------------------------------------------------------------


def test_lambda_ends_where_the_chain_would_diverge(panel, card):
    panel.card = chain(card, epsilon=1.2e-4, sigma_L=0.01)
    bound = 4 * 0.01**2 / 1.2e-4 - 1  # (1 + lambda) epsilon/(2 sigma_L^2) < 2
    stops = controls.options("lam", 1.0)
    assert offered(panel, "lam") == [v for v in stops if v < bound] != stops
    assert "λ₀" in panel.view.remark.value and "diverges" in panel.view.remark.value
    panel.view.knobs["epsilon"].value = 6e-6
    panel.stop()
    assert max(offered(panel, "lam")) == 50.0
    assert "λ₀" not in panel.view.remark.value.partition(":")[0]


def test_epsilon_and_sigma_end_where_the_chain_would_diverge(panel, card):
    panel.card = chain(card, lam=9.0, sigma_L=0.02, epsilon=1e-4)
    assert max(offered(panel, "epsilon")) < 4 * 0.02**2 / 10 <= 2 * max(offered(panel, "epsilon"))
    least = (1e-4 * 10 / 4) ** 0.5
    assert min(offered(panel, "sigma_L")) > least and max(offered(panel, "sigma_L")) < 1.0
    assert min(offered(panel, "sigma_1")) > 0.02


def test_the_first_level_of_the_fast_samplers_lies_above_their_last(panel):
    panel.card = panel.card.model_copy(update={"sigma_min": 0.1})
    assert min(offered(panel, "sigma_max")) > 0.1
    panel.card = panel.card.model_copy(update={"sigma_min": 0.05, "sigma_max": 0.1})
    assert max(offered(panel, "sigma_min")) < 0.1


@pytest.mark.parametrize("consistent", [False, True])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_walk_over_the_offered_values_stays_inside_the_library(consistent, data):
    """Each step takes a knob and one of its offered values; the card is one the sampler takes."""
    card = ColorizeCard(**{**presets.TEMPERED, "L": 20, "consistent": consistent})
    for _ in range(6):
        name = data.draw(st.sampled_from(bounds.related("langevin")))
        stops = controls.stops(name, getattr(card, name))
        value = data.draw(st.sampled_from(bounds.fitting(card, name, stops)))
        card = validate(ColorizeCard, {**card.model_dump(), name: value})


@pytest.mark.parametrize("sampler", KNOBS)
def test_what_is_not_offered_is_refused_by_the_library(sampler):
    card = ColorizeCard(**bounds.defaults(sampler), strength=1.0)
    if sampler == "langevin":
        card = card.model_copy(update={"epsilon": 1e-4, "L": 3, "T": 2})
    left_out = 0
    for name in bounds.related(sampler):
        stops = controls.stops(name, getattr(card, name))
        for value in set(stops) - set(bounds.fitting(card, name, stops)):
            left_out += 1
            with pytest.raises(JGMError):
                validate(ColorizeCard, {**card.model_dump(), name: value})
    assert left_out > 0 or sampler != "langevin"


def test_a_consistent_chain_is_offered_where_it_can_be(panel, card):
    panel.card = chain(card, L=2, T=1, epsilon=1e-6)  # two levels far apart: the step is too short
    assert offered(panel, "consistent") == [False]
    panel.card = ColorizeCard(**{**card.model_dump(), **presets.TEMPERED})
    assert offered(panel, "consistent") == [False, True]


def test_a_slider_that_gets_other_stops_keeps_its_value_and_sends_no_request(panel, card):
    panel.card = chain(card, lam=1.2345, epsilon=1.2e-4)
    panel.view.knobs["sigma_L"].value = 0.05
    panel.stop()
    assert panel.card == chain(card, lam=1.2345, epsilon=1.2e-4, sigma_L=0.05)
    assert panel.view.knobs["lam"].value == 1.2345 and 1.2345 in offered(panel, "lam")
    assert panel.worker.wait(WAIT) and panel.worker.runs["coarse"] <= 1


# -- samplers and presets ----------------------------------------------------------------------


@pytest.mark.parametrize("sampler", KNOBS)
def test_another_sampler_comes_with_its_own_defaults(panel, sampler):
    first = next(s for s in KNOBS if s != sampler)
    odd = {
        "sampler": first,
        "seed": 5,
        "n": 1,
        "steps": 7,
        "sigma_max": 3.0,
        "lam": 0.5,
        "eta": 0.2,
    }
    panel.card = before = panel.card.model_copy(update=odd)
    panel.view.knobs["sampler"].value = sampler
    panel.stop()
    expected = {k: getattr(SETTINGS[sampler](), k) for k in KNOBS[sampler]}
    assert panel.card == before.model_copy(update={"sampler": sampler, **expected})


@pytest.mark.parametrize("name", bounds.PRESETS)
def test_a_preset_sets_its_knobs_and_no_other_and_is_read_back(panel, card, name):
    odd = {"boundary": "periodic", "seed": 5, "strength": 0.5, "steps": 7, "beta": 2.0}
    panel.card = before = chain(card, **odd)
    assert panel.view.preset.value == bounds.OWN
    panel.view.preset.value = name
    panel.stop()
    assert panel.card == before.model_copy(update=bounds.preset(name))
    assert panel.card.strength == (1.25 if name == "vivid" else 1) and panel.card.seed == 5
    assert panel.card.boundary == "periodic"
    values = {n: k.value for n, k in panel.view.knobs.items()}
    assert values == panel.card.model_dump(exclude={"weights", "points"})
    other = ColorizePanel(picture="toy-1")
    other.load_card(panel.view.text.value)
    assert other.card == panel.card and other.view.preset.value == name


def test_the_presets_are_those_that_were_measured_and_those_of_the_paper():
    assert bounds.preset("fast")["steps"] == 12 < SETTINGS["split"]().steps
    code = bounds.preset("as in the paper's code")
    assert code["epsilon"] == 5.4e-6 and code["T"] == 100 and code["feedback"] == "none"
    printed = bounds.preset("as the paper prints it")
    assert {k for k in code if code[k] != printed[k]} == {"feedback"}


def test_a_moved_knob_leaves_the_preset_and_moved_back_is_it_again(panel, card):
    panel.card = chain(card, **presets.TEMPERED)
    assert panel.view.preset.value == "tempered Algorithm 1"
    panel.view.knobs["beta"].value = 2.0
    assert panel.view.preset.value == bounds.OWN
    panel.view.knobs["beta"].value = presets.TEMPERED["beta"]
    assert panel.view.preset.value == "tempered Algorithm 1"
    panel.view.knobs["seed"].value = 9  # no preset's business
    panel.view.preset.value = bounds.OWN  # names settings, sets none: they are still tempered
    assert panel.view.preset.value == "tempered Algorithm 1"
    panel.stop()


def test_a_chosen_preset_is_sketched_and_run(panel, card):
    panel.card = chain(card, L=3)
    panel.view.preset.value = "fast"
    assert panel.worker.wait(WAIT)
    assert panel.worker.runs["full"] == 1 and panel.error is None
    assert panel.done.card == panel.card and panel.result.nfe == 12


def test_the_rainbow_is_announced_where_it_will_be_seen(panel, card):
    panel.card = chain(card, feedback="level")
    assert "rainbows" in panel.view.remark.value and "renoise" in panel.view.remark.value
    for other in (dict(feedback="none"), dict(feedback="renoise"), presets.TEMPERED):
        panel.card = chain(card, **other)
        assert "rainbows" not in panel.view.remark.value
    panel.view.knobs["sampler"].value = "split"
    assert panel.view.remark.value == ""
    panel.stop()


# -- reset, seed, A beside B -------------------------------------------------------------------


def test_reset_brings_back_the_settings_that_the_panel_began_with(panel, card):
    panel.view.knobs["sampler"].value = "nullspace"
    panel.view.knobs["steps"].value = 9
    panel.view.reset.click()
    assert panel.card == card and panel.view.knobs["steps"].value == card.steps
    assert panel.worker.wait(WAIT) and panel.done.card == card


def test_the_dice_draws_another_seed_and_runs_it(panel):
    seeds = []
    for _ in range(3):
        panel.view.dice.click()
        seeds.append(panel.card.seed)
        assert panel.view.knobs["seed"].value == panel.card.seed
    assert len({0, *seeds}) == 4 and all(0 <= s < 2**31 for s in seeds)
    assert panel.worker.wait(WAIT) and panel.done.card.seed == seeds[-1]
    assert yaml.safe_load(panel.view.text.value)["seed"] == seeds[-1]


def test_a_kept_run_stands_beside_the_next(panel, monkeypatch):
    shown_pairs = []
    real = drawing.pair
    monkeypatch.setattr(drawing, "pair", lambda *ab: shown_pairs.append(ab) or real(*ab))
    panel.run_sync()
    first, kept = panel.done.x, panel.view.note.value
    panel.view.pin.value = True
    assert panel.view.mode.value == shown.BESIDE and kept in panel.view.pinned.value
    panel.view.knobs["seed"].value = 8
    assert panel.worker.wait(WAIT) and not torch.equal(panel.done.x, first)
    (a, words_a), (b, words_b) = shown_pairs[-1]
    assert words_a.startswith("A: split, run 0") and words_b.startswith("B: split, run 1")
    assert not np.array_equal(np.asarray(a), np.asarray(b))
    assert kept in panel.view.pinned.value and panel.view.note.value != kept
    panel.view.pin.value = False
    assert panel.view.mode.value == "versions" and panel.view.pinned.value == ""
    assert panel.pinned is None


def test_nothing_is_kept_before_a_run_is_finished(panel):
    panel.view.pin.value = True
    assert panel.view.pin.value is False and "no run is finished" in panel.view.label.value
    assert panel.pinned is None
