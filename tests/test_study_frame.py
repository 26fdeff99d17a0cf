"""The user study: a balanced, blinded plan, and an analysis that finds what is there."""

import numpy as np
import pytest

from jgm_course.nb11 import figures as nb11
from jgm_lib import study
from jgm_lib.errors import JGMError

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


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "x\n"])
def test_a_study_has_a_name_that_a_file_can_have(name):
    with pytest.raises(JGMError, match="need a name that a file can have"):
        study.Study(name, ("p",), ("a", "b"))


def test_a_plan_needs_different_methods():
    with pytest.raises(JGMError, match="at least 2"):
        plan(methods=("a",))
    with pytest.raises(JGMError, match="different"):
        plan(methods=("a", "a"))


# -- the analysis --------------------------------------------------------------------------------


def full(s, score, observers=4):
    """Scores (observers, pictures, methods, indicators) by score(observer, picture, method, k)."""
    return np.array(
        [
            [[[score(o, p, m, i) for i in range(3)] for m in s.methods] for p in s.pictures]
            for o in range(observers)
        ],
        float,
    )


def test_means_are_those_by_hand():
    s = plan()
    found = study.analyse(
        full(s, lambda o, p, m, i: 90 * (m == "a") + 30 * i * (m == "b")), METHODS
    )
    assert found["a"]["naturalness"] == (90, 90, 90) and found["c"]["edges"] == (0, 0, 0)
    assert found["b"]["semantic correctness"][0] == 30
    assert found["b"]["naturalness"][0] == pytest.approx((0 + 30 + 60) / 3)


def test_unfinished_observers_are_counted_apart():
    scores = np.full((3, 2, 2, 3), 100.0)
    scores[0, 1, 1] = np.nan
    scores[1] = 0
    assert study.finished(scores).tolist() == [False, True, True]
    assert study.observer_means(scores).shape == (2, 2, 4)
    assert study.analyse(scores, ("a", "b"))["a"]["naturalness"][0] == 50
    with pytest.raises(JGMError, match=r"no observer has finished yet \(1 have begun\)"):
        study.observer_means(scores[:1])


def test_the_analysis_recovers_a_room_with_known_preferences():
    """SIMULATED: many observers, and every mean comes close to the truth, in the right order."""
    room = nb11.room(4, 3)
    found = study.analyse(room.vote(4000, seed=1), nb11.STAND_INS, resamples=100)
    got = np.array([[c[0] for c in row.values()] for row in found.values()])
    np.testing.assert_allclose(got, room.truth(), atol=1.0)  # about five standard errors
    assert (np.argsort(got[:, -1]) == np.argsort(room.truth()[:, -1])).all()


def test_the_truth_of_a_room_is_the_integral_over_its_observers():
    room = study.Room(np.array([[70, 10, 97]]), 1, 12, 5, difficulty=0, fit=0, noise=14)
    s = (12**2 + 5**2 + 14**2) ** 0.5
    z = np.linspace(-9, 9, 400_001)
    scores = np.clip(np.rint(room.points[0][:, None] + s * z), 0, 100)
    by_hand = np.trapezoid(scores * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), z)
    np.testing.assert_allclose(room.truth()[0, :3], by_hand, atol=1e-3)
    assert room.truth()[0, 3] == pytest.approx(by_hand.mean(), abs=1e-3)
    assert by_hand[2] < 95, "the end of the scale takes something away"


def coverage(room: study.Room, people: int, rooms: int, seed: int = 0) -> dict:
    """Share of simulated rooms whose 95 % interval of naturalness contains the truth, all methods.

    "observers": bootstrap over observers; "votes": every single score for an independent one.
    """
    truth, hits = room.truth()[:, -1], {"observers": [], "votes": []}
    names = [str(m) for m in range(len(truth))]
    for k in range(rooms):
        scores = room.vote(people, seed=seed + 1 + k)
        found = study.analyse(scores, names, 0.95, 400, seed=k)
        for m, name in enumerate(names):
            mean, low, high = found[name]["naturalness"]
            hits["observers"].append(low <= truth[m] <= high)
            half = 1.96 * scores[:, :, m].std() / scores[:, :, m].size ** 0.5
            hits["votes"].append(abs(mean - truth[m]) <= half)
    return {name: float(np.mean(h)) for name, h in hits.items()}


def test_intervals_over_observers_cover_and_intervals_over_votes_do_not():
    """SIMULATED, 150 rooms of 30: near 95 %, within what a bootstrap of 30 and chance may lose."""
    got = coverage(nb11.room(4, 0), people=30, rooms=150, seed=100)
    assert 0.89 < got["observers"] < 0.99
    assert got["votes"] < 0.75


def test_without_lenient_people_votes_are_independent():
    room = study.Room(nb11.POINTS, 4, leniency=0.0, taste=0.0, difficulty=0.0, fit=0.0)
    assert coverage(room, people=30, rooms=100)["votes"] > 0.9


def test_the_paired_test_keeps_its_level_and_sees_a_difference():
    """SIMULATED: alike methods give p < 0.1 in about a tenth of the rooms."""
    alike = study.Room(np.full((2, 3), 60.0), 4, fit=0.0)
    means = [study.observer_means(alike.vote(20, s))[:, :, -1] for s in range(200)]
    p = [study.sign_flip_p(m[:, 0] - m[:, 1], rounds=400) for m in means]
    assert 0.04 < np.mean(np.array(p) < 0.1) < 0.17
    apart = study.Room(np.array([[68.0] * 3, [60.0] * 3]), 4, fit=0.0)
    got = study.paired_tests(apart.vote(30, 0), "ab", [("a", "b")])["a", "b"]
    assert 3 < got.low < 8 < got.high < 14 and got.p < 0.01


def test_the_paired_test_is_of_a_minus_b_over_observers():
    s = plan()
    scores = full(s, lambda o, p, m, i: 50 + 10 * o * (m == "a") - o * (m == "b"))
    got = study.paired_tests(scores, METHODS, [("a", "b"), ("b", "a"), ("c", "d")])
    assert got["a", "b"].difference == pytest.approx(11 * 1.5)  # observers 0 to 3
    assert got["b", "a"].difference == -got["a", "b"].difference
    assert got["b", "a"].low == pytest.approx(-got["a", "b"].high, abs=2)
    assert got["c", "d"] == (0, 0, 0, 1, 1)
    with pytest.raises(JGMError, match="method 'x': the study has a, b, c, d"):
        study.paired_tests(scores, METHODS, [("a", "x")])


def test_the_paired_test_is_the_exact_one_for_few_people():
    """Four people who all prefer a: of 16 sign patterns two are as extreme, p = 1/8."""
    assert study.sign_flip_p([1, 1, 1, 1], rounds=40_000) == pytest.approx(1 / 8, abs=0.01)


def test_the_paired_test_agrees_with_students_and_wilcoxons():
    """Independent tests of the same differences: Student's t for Gaussian ones is nearly the same,
    Wilcoxon's signed ranks (1945) near."""
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    for shift in (0.0, 0.3, 0.6, 0.9):
        d = rng.normal(shift, 1, 25)
        p = study.sign_flip_p(d)
        assert p == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.02)
        assert p == pytest.approx(stats.wilcoxon(d).pvalue, abs=0.15)


def test_holm_by_hand():
    """Holm 1979: the smallest p times 3, the next times 2, never falling."""
    np.testing.assert_allclose(study.holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(study.holm([0.9, 0.5]), [1, 1])


def test_wilson_by_hand():
    """The ends solve |p - q| = z sqrt(q (1-q)/n)."""
    for p, n in ((0.9317, 1000), (0.0, 10), (0.5, 3)):
        for q in study.share_interval(p, n):
            assert 0 <= q <= 1
            assert (p - q) ** 2 == pytest.approx(1.96**2 * q * (1 - q) / n, abs=1e-12)
    with pytest.raises(JGMError):
        study.share_interval(93.17, 1000)


# -- agreement -----------------------------------------------------------------------------------

FOUR_JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
NO = np.nan
FOUR_OBSERVERS = [  # twelve units, one a column
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NO, NO, NO],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NO, 3],
    [NO, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NO],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NO],
]


def test_intraclass_correlation_is_that_of_shrout_and_fleiss():
    """Psychological Bulletin 86 (1979), Tables 2 and 4: ICC(2,1) = .29, ICC(2,4) = .62; the mean
    squares of Table 3: 11.24 between targets, 32.49 between judges, 1.02 the rest."""
    from jgm_lib.study.agreement import mean_squares

    assert mean_squares(FOUR_JUDGES) == pytest.approx((11.24, 32.49, 1.02), abs=0.006)
    assert study.intraclass(FOUR_JUDGES) == pytest.approx((0.29, 0.62), abs=0.005)


def test_alpha_is_that_of_krippendorff():
    """Computing Krippendorff's alpha-reliability (2011), the example with four observers and
    missing data: interval data, alpha = 0.849."""
    assert study.krippendorff_alpha(np.transpose(FOUR_OBSERVERS)) == pytest.approx(0.849, abs=5e-4)


def test_alpha_is_one_minus_the_disagreement_of_pairs():
    """The definition, pair by pair, beside the short form with variances."""
    x = np.random.default_rng(0).integers(0, 101, (5, 4)).astype(float)
    x[0, 1] = x[3, 0] = NO
    units = [row[~np.isnan(row)] for row in x]
    n = sum(map(len, units))

    def pairs(v):
        return sum((a - b) ** 2 for i, a in enumerate(v) for j, b in enumerate(v) if i != j)

    observed = sum(pairs(u) / (len(u) - 1) for u in units) / n
    expected = pairs(np.concatenate(units)) / (n * (n - 1))
    assert study.krippendorff_alpha(x) == pytest.approx(1 - observed / expected)


def test_agreement_of_a_room_is_what_its_variances_say():
    """SIMULATED, nobody at an end of the scale: ICC(2,1) is the units' share of the variance."""
    room = study.Room(np.array([[40.0] * 3, [60.0] * 3]), 40, 6, 0, 5, 0, 6, seed=1)
    got = study.agreement(room.vote(200, 0))
    units = room.expected()[..., 0].var(ddof=1)
    share = units / (units + 36 + 36)
    assert got["edges"].single == pytest.approx(share, abs=0.05)
    assert got["edges"].alpha == pytest.approx(share, abs=0.05)
    assert got["edges"].average > 0.98
    assert got["naturalness"].single > got["edges"].single, "the mean of three answers is surer"


def test_no_agreement_is_told():
    for bad in (np.full((3, 2, 2, 3), 7.0), np.zeros((1, 2, 2, 3))):
        with pytest.raises(JGMError, match="agreement"):
            study.agreement(bad)


# -- how many observers --------------------------------------------------------------------------


def test_components_come_back_from_the_table_they_made():
    rng = np.random.default_rng(0)
    liking, pictures = rng.normal(0, 5, (600, 1)), rng.normal(0, 4, (1, 300))
    got = study.components(3 + liking + pictures + rng.normal(0, 8, (600, 300)))
    assert got == pytest.approx((25, 16, 64), rel=0.15)
    assert study.components(np.zeros((4, 3))) == (0, 0, 0)
    with pytest.raises(JGMError, match="two rows"):
        study.components(np.zeros((1, 3)))


def test_differences_are_of_a_minus_b():
    scores = full(plan(), lambda o, p, m, i: 10 * METHODS.index(m) + i)
    assert (study.differences(scores, 2, 1) == 10).all()
    assert study.differences(scores, 2, 1).shape == (4, 3)


@pytest.mark.parametrize("pictures", [1, 4, 10])
def test_the_formula_gives_the_power_that_simulation_finds(pictures):
    c = study.Components(observer=50, picture=18, rest=130)
    people = study.observers_needed(c, pictures, points=3, power=0.8)
    got = study.simulated_power(c, people, pictures, points=3, rooms=1500, seed=2)
    assert got == pytest.approx(0.8, abs=0.04)  # chance: 0.01
    assert study.simulated_power(c, people, pictures, points=0, rooms=1500) < 0.07, "the level"


def test_votes_of_one_observer_are_clustered():
    """A thousand votes of 100 people tell more than a thousand of 20, by the design effects."""
    c = study.Components(observer=50, picture=0, rest=130)
    wide, deep = study.standard_error(c, 100, 10), study.standard_error(c, 20, 50)
    assert wide**2 == pytest.approx((50 + 13) / 100)
    ratio = study.design_effect(c, 50) / study.design_effect(c, 10)
    assert (deep / wide) ** 2 == pytest.approx(ratio)
    alone = study.Components(observer=0, picture=0, rest=130)
    assert study.design_effect(alone, 50) == 1
    assert study.standard_error(alone, 100, 10) == study.standard_error(alone, 20, 50)


def test_more_people_do_not_tell_about_other_pictures():
    c = study.Components(observer=50, picture=20, rest=130)
    assert study.standard_error(c, 10**9, 10, others=True) == pytest.approx(2**0.5, abs=1e-3)
    assert study.standard_error(c, 10**9, 10) < 1e-3


@pytest.mark.parametrize("bad", [{"points": 0}, {"power": 1}, {"level": 0}])
def test_a_sample_size_needs_a_question(bad):
    with pytest.raises(JGMError, match="need > 0"):
        study.observers_needed(study.Components(1, 1, 1), 4, **bad)


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
