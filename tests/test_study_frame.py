"""The user study: a balanced, blinded plan, votes on disk, and an analysis that finds what is there."""

import json
import os

import numpy as np
import pytest
import torch

from jgm_course.nb11 import figures as nb11
from jgm_lib import study
from jgm_lib.errors import JGMError
from jgm_lib.widgets.study_panel import StudyPanel

METHODS = ("a", "b", "c", "d")


def plan(pictures=3, methods=METHODS, seed=5):
    return study.Study("s", tuple(f"p{i}" for i in range(pictures)), methods, seed)


# -- the plan ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8])
def test_the_square_is_latin_and_for_even_n_balances_who_follows_whom(n):
    square = study.latin_square(n)
    assert all(sorted(line) == list(range(n)) for line in [*square, *square.T])
    if n % 2 == 0:
        pairs = [(int(a), int(b)) for row in square for a, b in zip(row, row[1:], strict=False)]
        assert len(set(pairs)) == n * (n - 1)


@pytest.mark.parametrize("pictures", [1, 3, 7])
@pytest.mark.parametrize("methods", [METHODS, METHODS[:3], ("x", "y")])
def test_each_method_stands_equally_often_at_each_place_of_each_picture(pictures, methods):
    s, seen = plan(pictures, methods), {}
    for observer in range(2 * len(methods)):
        trials = s.trials(observer)
        assert sorted(t.picture for t in trials) == sorted(s.pictures)
        for t in trials:
            assert sorted(t.methods) == sorted(methods)
            for place, method in enumerate(t.methods):
                key = t.picture, place, method
                seen[key] = seen.get(key, 0) + 1
    assert set(seen.values()) == {2} and len(seen) == pictures * len(methods) ** 2


def test_a_letter_is_not_a_method_within_one_observer():
    """Else an observer who has seen through one screen has seen through all."""
    for seed in range(20):
        for o in range(4):
            assert len({t.methods[0] for t in plan(pictures=4, seed=seed).trials(o)}) == 4


def test_the_plan_follows_from_the_seed_alone():
    assert plan().trials(3) == plan().trials(3)
    assert any(plan(seed=5).trials(o) != plan(seed=6).trials(o) for o in range(4))
    starts = {plan().trials(o)[0].picture for o in range(3)}
    assert len(starts) == 3, "the pictures start elsewhere for each observer"


@pytest.mark.parametrize("bad", ["Anna", -1, 1.0, True, None])
def test_an_observer_is_a_number(bad):
    with pytest.raises(JGMError, match="no name"):
        plan().trials(bad)


def test_a_plan_needs_different_methods():
    with pytest.raises(JGMError, match="at least 2"):
        plan(methods=("a",))
    with pytest.raises(JGMError, match="different"):
        plan(methods=("a", "a"))


# -- votes on disk -------------------------------------------------------------------------------


def full(s, yes, observers=4):
    """Votes by a rule yes(observer, picture, method, indicator number) -> bool."""
    answers = np.array(
        [
            [[[yes(o, p, m, i) for i in range(3)] for m in s.methods] for p in s.pictures]
            for o in range(observers)
        ]
    )
    return answers, study.votes_of(s, answers)


def test_votes_carry_letters_and_come_back_unblinded(tmp_path):
    s = plan()
    answers, votes = full(s, lambda o, p, m, i: (o + len(p + m) + ord(m) + i) % 3 == 0)
    for v in votes:
        study.append_votes(tmp_path / f"{v['observer']}.jsonl", [v])
    text = "".join(p.read_text() for p in tmp_path.glob("*.jsonl"))
    assert set(json.loads(text.splitlines()[0])) == set(study.FIELDS)
    assert not any(f'"{name}"' in text for name in (*s.methods, *s.pictures)), "blinded on disk"
    assert not list(tmp_path.glob("*.part"))
    np.testing.assert_array_equal(study.unblind(s, study.read_votes(tmp_path, s)), answers)


def test_a_crash_while_writing_leaves_the_old_votes(tmp_path, monkeypatch):
    s, path = plan(), tmp_path / "o.jsonl"
    _, votes = full(s, lambda *_: True)
    study.append_votes(path, votes[:2])
    before = path.read_bytes()

    def crash(*_):
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(JGMError, match="o.jsonl: cannot be written"):
        study.append_votes(path, votes[2:])
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answers": [True, False]}, "need 3 times"),
        ({"answers": [1, 0, 1]}, "true or false"),
        ({"label": "E"}, "need A to D"),
        ({"trial": 3}, "need 0 to 2"),
        ({"trial": 1.0}, "need 0 to 2"),
        ({"trial": True}, "need 0 to 2"),
        ({"observer": "Anna"}, "no name"),
        ({"study": "other"}, "this is study 's-"),
        ({"name": "Anna"}, "exactly the fields"),
    ],
)
def test_a_foreign_line_is_named(tmp_path, change, message):
    s = plan()
    line = full(s, lambda *_: True)[1][0]
    (tmp_path / "x.jsonl").write_text(json.dumps(line) + "\n" + json.dumps({**line, **change}))
    with pytest.raises(JGMError, match=rf"x\.jsonl line 2: .*{message}"):
        study.read_votes(tmp_path, s)


def test_votes_are_not_read_with_another_plan(tmp_path):
    """Another seed means other letters: the votes would count for the wrong methods."""
    study.append_votes(tmp_path / "x.jsonl", full(plan(seed=5), lambda *_: True)[1])
    assert len(study.read_votes(tmp_path, plan(seed=5))) == 48
    for other in (plan(seed=6), plan(methods=METHODS[::-1]), plan(pictures=4)):
        with pytest.raises(JGMError, match="this is study"):
            study.read_votes(tmp_path, other)


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(JGMError, match="x.jsonl line 1: not JSON"):
        study.read_votes(tmp_path, plan())


def test_half_a_line_is_named(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"study": "s", "obs')
    with pytest.raises(JGMError, match="x.jsonl line 1: not JSON"):
        study.read_votes(tmp_path, plan())


def test_simulated_votes_never_mix_with_peoples():
    s = plan()
    votes = full(s, lambda *_: True)[1]
    with pytest.raises(JGMError, match="keep them apart"):
        study.unblind(s, [*votes, {**votes[0], "simulated": False}])
    with pytest.raises(JGMError, match="no votes"):
        study.unblind(s, [])


def test_the_last_vote_counts_and_a_missing_one_is_missing():
    s = plan()
    votes = full(s, lambda *_: True, observers=1)[1]
    again = {**votes[0], "answers": [False] * 3}
    got = study.unblind(s, [*votes[:-1], again])
    assert (got == 0).sum() == 3 and np.isnan(got).sum() == 3


# -- the analysis --------------------------------------------------------------------------------


def test_means_are_those_by_hand():
    s = plan()
    answers, _ = full(s, lambda o, p, m, i: m == "a" or (m == "b" and i == 0))
    found = study.analyse(answers, s.methods)
    assert found["a"]["naturalness"] == (1, 1, 1) and found["c"]["edges"] == (0, 0, 0)
    assert found["b"]["saturability"][0] == 1
    assert found["b"]["naturalness"][0] == pytest.approx(1 / 3)


def test_an_observer_who_missed_a_method_is_left_out():
    answers = np.ones((3, 2, 2, 3))
    answers[0, :, 1] = np.nan
    answers[1] = 0
    assert study.observer_means(answers).shape == (2, 2, 4)
    assert study.analyse(answers, ("a", "b"))["a"]["naturalness"][0] == 0.5
    with pytest.raises(JGMError, match="no observer"):
        study.observer_means(answers[:1])


def test_the_analysis_recovers_a_room_with_known_preferences():
    """SIMULATED: many observers, and every mean comes close to the truth, in the right order."""
    room = study.Room(nb11.PREFERENCES, pictures=4, seed=3)
    found = study.analyse(room.vote(4000, seed=1), nb11.METHODS, resamples=100)
    got = np.array([[c[0] for c in row.values()] for row in found.values()])
    np.testing.assert_allclose(got, room.truth(), atol=0.02)  # over five standard errors
    assert (np.argsort(got[:, -1]) == np.argsort(room.truth()[:, -1])).all()


def test_the_truth_of_a_room_is_the_integral_over_its_observers():
    room = study.Room(np.array([[0.7, -1.0, 2.0]]), pictures=1, difficulty=0.0, leniency=1.5)
    z = np.linspace(-9, 9, 20001)
    p = 1 / (1 + np.exp(-(room.approval[0][:, None] + 1.5 * z)))
    by_hand = np.trapezoid(p * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), z)
    np.testing.assert_allclose(room.truth()[0, :3], by_hand, atol=1e-6)
    assert room.truth()[0, 3] == pytest.approx(by_hand.mean(), abs=1e-6)


def coverage(room: study.Room, people: int, rooms: int, seed: int = 0) -> dict:
    """Share of simulated rooms whose interval of naturalness contains the truth, all methods.

    "observers": bootstrap over observers; "votes": Wilson's interval that takes every single
    answer for an independent one.
    """
    truth, hits = room.truth()[:, -1], {"observers": [], "votes": []}
    names = [str(m) for m in range(len(truth))]
    for k in range(rooms):
        answers = room.vote(people, seed=seed + 1 + k)
        found = study.analyse(answers, names, 0.95, 400, seed=k, columns=("naturalness",))
        means = study.observer_means(answers)[:, :, -1].mean(0)
        n = people * room.pictures * len(study.INDICATORS)
        for m, name in enumerate(names):
            _, low, high = found[name]["naturalness"]
            hits["observers"].append(low <= truth[m] <= high)
            low, high = study.share_interval(means[m], n)
            hits["votes"].append(low <= truth[m] <= high)
    return {name: float(np.mean(h)) for name, h in hits.items()}


def test_intervals_over_observers_cover_and_intervals_over_votes_do_not():
    """SIMULATED, 150 rooms of 30: near 95 %, within what a bootstrap of 30 and chance may lose."""
    got = coverage(nb11.room(4, 0), people=30, rooms=150, seed=100)
    assert 0.89 < got["observers"] < 0.99
    assert got["votes"] < 0.85


def test_without_lenient_people_votes_are_independent():
    room = study.Room(nb11.PREFERENCES, 4, leniency=0.0, difficulty=0.0)
    assert coverage(room, people=30, rooms=100)["votes"] > 0.9


def test_the_paired_test_keeps_its_level_and_sees_a_difference():
    """SIMULATED: alike methods give p < 0.1 in about a tenth of the rooms."""
    alike = study.Room(np.zeros((2, 3)), pictures=4)
    p = [
        study.paired_test(alike.vote(20, s), ("a", "b"), "a", "b", rounds=400)[1]
        for s in range(200)
    ]
    assert 0.04 < np.mean(np.array(p) < 0.1) < 0.17
    apart = study.Room(np.array([[1.0] * 3, [0.0] * 3]), pictures=4)
    d, p = study.paired_test(apart.vote(30, 0), ("a", "b"), "a", "b")
    assert d > 0.1 and p < 0.01


def test_the_paired_test_is_the_exact_one_for_few_people():
    """Four people who all prefer a: of 16 sign patterns two are as extreme, p = 1/8."""
    answers = np.zeros((4, 1, 2, 3))
    answers[:, :, 0] = 1
    assert study.paired_test(answers, ("a", "b"), "a", "b", rounds=40_000)[1] == pytest.approx(
        1 / 8, abs=0.01
    )


def test_wilson_by_hand():
    """The ends solve |p - q| = z sqrt(q (1-q)/n)."""
    for p, n in ((0.9317, 1000), (0.0, 10), (0.5, 3)):
        for q in study.share_interval(p, n):
            assert 0 <= q <= 1
            assert (p - q) ** 2 == pytest.approx(1.96**2 * q * (1 - q) / n, abs=1e-12)
    with pytest.raises(JGMError):
        study.share_interval(93.17, 1000)


# -- Table II and Fig 6 --------------------------------------------------------------------------


def test_fig_6_shows_table_ii_with_its_intervals():
    fig = nb11.table_two_figure(200)
    assert [a.get_title() for a in fig.axes] == list(nb11.COLUMNS)
    for column, axis in enumerate(fig.axes):
        dots = [float(c.lines[0].get_ydata()[0]) for c in axis.containers]
        wanted = [row[column] for row in nb11.TABLE_II.values()]
        if column == 3:
            wanted[3] = 88.63  # the mean, not the slip
        assert dots == pytest.approx(wanted, abs=0.006)
    bar = fig.axes[0].containers[4].lines[2][0].get_segments()[0][:, 1]
    assert bar == pytest.approx([100 * v for v in study.share_interval(0.9397, 200)])


# -- the panel -----------------------------------------------------------------------------------


def pictures_of(s):
    g = torch.Generator().manual_seed(0)
    return {p: {m: torch.rand(3, 8, 8, generator=g) for m in s.methods} for p in s.pictures}


def test_the_panel_writes_what_was_pressed(tmp_path):
    s = plan()
    panel = StudyPanel(s, pictures_of(s), 2, tmp_path)
    assert not panel.submit() and "every question" in panel.message.value
    assert not panel.path.exists(), "no half screens"
    panel.run_sync(lambda picture, label, indicator: label == "B" and indicator == "edges")
    assert panel.finished and panel.next.disabled and not panel.submit()
    votes = study.read_votes(tmp_path, s)
    assert len(votes) == 12 and not any(v["simulated"] for v in votes)
    answers = study.unblind(s, votes)
    for t in s.trials(2):
        p = s.pictures.index(t.picture)
        yes = np.zeros((4, 3))
        yes[s.methods.index(t.methods[1]), 2] = 1
        np.testing.assert_array_equal(answers[0, p], yes)


def test_a_click_on_next_is_a_submit_and_a_new_panel_goes_on(tmp_path):
    s = plan()
    panel = StudyPanel(s, pictures_of(s), 0, tmp_path)
    for label in "ABCD":
        for indicator in study.INDICATORS:
            panel.answer(label, indicator, True)
    shown = [v.value for v in panel.views]
    panel.next.click()
    assert panel.at == 1 and [v.value for v in panel.views] != shown
    assert all(b.value is None for column in panel.buttons for b in column)
    again = StudyPanel(s, pictures_of(s), 0, tmp_path)
    assert again.at == 1 and "2 of 3" in again.head.value


def test_the_screen_does_not_tell_the_methods(tmp_path):
    s = plan(methods=("secret-one", "secret-two"))
    panel = StudyPanel(s, pictures_of(s), 0, tmp_path)
    texts = [str(w.get_state()) for w in _all(panel.box)]
    assert not any("secret" in t for t in texts)


def _all(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _all(child)


def test_a_missing_version_is_named(tmp_path):
    s = plan()
    made = pictures_of(s)
    del made["p1"]["c"]
    with pytest.raises(JGMError, match="no version of picture 'p1' by 'c'"):
        StudyPanel(s, made, 0, tmp_path)


def test_a_panel_does_not_go_on_with_votes_of_another_kind(tmp_path):
    """Told before people have judged, not when their votes are read together."""
    s, other = plan(), plan(seed=6)
    StudyPanel(other, pictures_of(other), 0, tmp_path).run_sync(lambda *_: True)
    before = (tmp_path / "observer-000.jsonl").read_bytes()
    with pytest.raises(JGMError, match="observer-000.jsonl line 1: .*this is study"):
        StudyPanel(s, pictures_of(s), 0, tmp_path)
    with pytest.raises(JGMError, match="kept apart"):
        StudyPanel(other, pictures_of(other), 0, tmp_path, simulated=True)
    (tmp_path / "observer-001.jsonl").write_bytes(before)
    with pytest.raises(JGMError, match="another observer"):
        StudyPanel(other, pictures_of(other), 1, tmp_path)
    assert (tmp_path / "observer-000.jsonl").read_bytes() == before


def test_a_screen_judged_twice_hides_no_other(tmp_path):
    s = plan()
    panels = [StudyPanel(s, pictures_of(s), 0, tmp_path) for _ in range(2)]  # two open windows
    for panel in panels:
        for label in "ABCD":
            for indicator in study.INDICATORS:
                panel.answer(label, indicator, True)
        assert panel.submit()
    again = StudyPanel(s, pictures_of(s), 0, tmp_path)
    assert again.at == 1
    again.run_sync(lambda *_: False)
    assert not np.isnan(study.unblind(s, study.read_votes(tmp_path, s))).any()
