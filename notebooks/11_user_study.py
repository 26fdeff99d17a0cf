# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 11 User study
#
# A colouring shall look right, and only people can say whether it does. How do we ask them so that the
# answer means something?
#
# **In this lesson now:** all of a blinded study's machinery, ready to be used in your room: plan, panel,
# votes on disk, analysis, sample size, and the proof on *simulated* observers that the analysis finds what
# is there; and Table II of the paper with the intervals it lacks. **To follow:** a study with real people.
# No vote of a person is contained here, and no simulated number below says anything about a colorizer.
#
# ## What you will do
# - Read Table II with intervals, written out, and draw Fig 6 from it
# - Plan a study: blinded, balanced, by seed
# - Vote yourself in a panel; votes stay on this machine
# - Write the analysis out: paired test and agreement, and prove it on simulated rooms
# - Compute how many observers see a difference of three points
#
# ## What you will learn
# - what percentages of 1,000 votes can and cannot say
# - why the [bootstrap](../docs/glossary.md#bootstrap) goes over observers and not over votes
# - why the same people should see all methods, and why ten votes of one are not ten people
#
# ## What you need
# - Time (CPU): about 15 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Study time: about 25 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/11_user_study.ipynb`
# - Before this: lesson 05; lesson 09 for mean against [draw](../docs/glossary.md#draw)

# %% tags=["parameters"]
seed = 0  # seed of the plan, of the colours and of simulations
weights = "scenes-64"  # prior: bundled name or path
pictures = ["china", "rocket", "coffee", "flower"]  # photographs inside installed packages
steps = 8  # evaluations of one draw
first = 0  # lowest observer number that this machine gives
votes = "out/votes"  # folder for the votes of people
people = 24  # observers of one simulated room
rooms = 120  # simulated rooms for the coverage of the intervals

# %%
from jgm_course.errors import begin
from jgm_course.nb11.card import CARD

card = begin(CARD, globals())

# %%
import tempfile
from pathlib import Path

import numpy as np

from jgm_course.nb11 import figures as lesson
from jgm_lib import checkpoints, study
from jgm_lib.errors import JGMError
from jgm_lib.figures import show

default = card == CARD()  # what is asserted about random numbers holds for the default setting

# %% [markdown]
# ## Table II, with the intervals it lacks
#
# A hundred observers, 1,000 votes in all, three indicators, and *naturalness*, "the equally weighted sum":
#
# | | saturability | semantic correctness | edge keeping | naturalness |
# |---|---|---|---|---|
# | Zhang et al. | 88.48 | 89.02 | 89.02 | 88.84 |
# | MemoPainter | 90.02 | 90.12 | 89.68 | 89.94 |
# | ChromaGAN | 90.30 | 90.95 | 90.06 | 90.44 |
# | iGM-6C | 87.38 | 88.47 | 90.04 | 88.96 |
# | JGM | 93.97 | 92.89 | 92.66 | 93.17 |
#
# (Table II of Hong et al. 2020, per cent.) First the arithmetic: is naturalness the mean of the three?

# %%
# NBVAL_CHECK_OUTPUT
for name, (*three, printed) in lesson.TABLE_II.items():
    mean = sum(three) / 3
    slip = abs(printed - mean) > 0.0051  # more than rounding
    print(f"{name:11s} printed {printed:.2f}, mean of its three numbers {mean:.2f}{'   <-' if slip else ''}")

# %% [markdown]
# **Slip of the paper:** iGM-6C's naturalness is 88.63; as printed, 88.96, it would beat Zhang et al., with
# the right sum it is the last.
#
# Next, what the percentages are. "They are asked to choose the most natural candidate": if each vote
# went to one of five, the five numbers of a column would add up to 100. They add up to about 450. So each
# is a share of approval, or a mean of some scale the paper does not name. Take approval, yes or no. Then
# a share of $n$ independent votes has a standard error of $\sqrt{p(1-p)/n}$.
#
# Which true shares $q$ agree with an observed $p$? Those at most $z = 1.96$ standard errors away, *their own*:
# $|p - q| \le z\sqrt{q(1-q)/n}$. Squared, this is a quadratic equation for the two ends (Wilson 1927):
#
# $$ \Big(1 + \frac{z^2}{n}\Big) q^2 - \Big(2p + \frac{z^2}{n}\Big) q + p^2 = 0 \tag{a} $$
#
# Unlike $p \pm z\sqrt{p(1-p)/n}$ it never leaves [0, 1] and has a width even at $p = 0$ or 1. The
# difference of two shares is far from such ends; there the plain errors, added in squares, will do.

# %% tags=["method"]
def wilson(p, n, z=1.96):
    """95 % interval (low, high) of a share p in [0,1] of n independent votes: the roots of (a)."""
    a, b, c = 1 + z**2 / n, -(2 * p + z**2 / n), p**2
    root = (b**2 - 4 * a * c) ** 0.5
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def lead(p, q, n, z=1.96):
    """Plain 95 % interval of p - q, shares of n independent votes each."""
    error = (p * (1 - p) / n + q * (1 - q) / n) ** 0.5
    return p - q - z * error, p - q + z * error

# %%
# NBVAL_CHECK_OUTPUT
for p, n in ((0.9317, 1000), (0.5, 12), (0.0, 12), (1.0, 12)):
    assert np.allclose(wilson(p, n), study.share_interval(p, n))
    print(f"{p:.2%} of {n} votes: 95 % from {abs(wilson(p, n)[0]):.1%} to {wilson(p, n)[1]:.1%}")

# %% [markdown]
# Two readings of the table: 1,000 votes for every method, or 1,000 in all, 200 each.

# %%
# NBVAL_CHECK_OUTPUT
share = {name: row[3] / 100 for name, row in lesson.TABLE_II.items()}
for n in (1000, 200):
    low, high = wilson(share["JGM"], n)
    print(f"{n} votes: JGM {share['JGM']:.2%}, 95 % from {low:.1%} to {high:.1%}")
    for name in ("ChromaGAN", "MemoPainter", "Zhang"):
        a, b = lead(share["JGM"], share[name], n)
        print(f"   ahead of {name:11s} by {share['JGM'] - share[name]:.2%}, 95 % from {a:+.2%} to {b:+.2%}")

# %%
show(lesson.table_two_figure(200),
     alt="Fig 6 redrawn: four panels, one a column of Table II, five dots with 95 per cent bars each. JGM is "
     "highest in all four; with 200 votes a method the bars are about four points long to each side "
     "and all of them overlap.")
assert sum(row[0] for row in lesson.TABLE_II.values()) > 400  # shares of approval, not of one choice
assert lead(share["JGM"], share["ChromaGAN"], 1000)[0] > 0 > lead(share["JGM"], share["ChromaGAN"], 200)[0]

# %% [markdown]
# Fig 6 of the paper shows error bars and does not say of what. Ours are Wilson intervals for 200 votes.
# What the table can say: JGM was liked at least as well as the others. What it cannot:
# - **How sure.** With 1,000 votes a method the lead is more than chance, with 200 it may be chance.
# - **Whether votes are independent.** Ten votes of one person are not ten people; the bars above are too
#   short, and the section on coverage measures by how much.
# - **Whether observers knew.** Blinding and order are not described, nor how the pictures were chosen.
# - **How real pictures score.** Without the truth among the candidates nobody knows what 93 % means.

# %% [markdown]
# ## A better plan
#
# Every observer judges all versions of every picture, 0 to 100 points on each of the paper's three
# indicators; naturalness is their mean. Among the versions are the truth, the most anyone can reach, and the
# [grey replica](../docs/glossary.md#grey-replica), which an attentive observer cannot call vivid. The pictures below are
# our own systems'; any others can be judged, by name (last section).

# %%
model, about = checkpoints.load(card.weights)
made = {name: lesson.versions(model, name, about["size"], card.steps, card.seed) for name in card.pictures}
name = f"{Path(card.weights).stem}-{card.steps}"  # other colours are another study
plan = study.Study(name, tuple(card.pictures), lesson.METHODS, card.seed)

# %% [markdown]
# **Blinded:** on the screen versions have letters, and the votes on disk have letters too. Which letter
# is which method follows from the seed and is only looked up in the analysis; this page does not print it.
# **Balanced:** the orders are the rows of a Latin square, so that over five observers each method stands
# once at each place of each picture; the pictures start at another one for each observer.

# %%
place = np.zeros((len(lesson.METHODS), len(lesson.METHODS)), int)  # (method, place): how often
for k in range(len(lesson.METHODS)):
    for trial in plan.trials(k):
        for position, method in enumerate(trial.methods):
            place[lesson.METHODS.index(method), position] += 1
assert (place == len(card.pictures)).all()  # each method equally often at each place
print(f"over {len(lesson.METHODS)} observers each method stands {place.min()} times at each place")

# %%
show(lesson.screen_figure(made, plan.trials(0)[0]),
     alt="One screen of the study: five versions of one photograph side by side, marked A to E, among them "
     "one in grey; nothing tells which method made which.")

# %% [markdown]
# ## The panel
#
# Live below. *Begin* gives you a number and shows it; with it you can come back and go on where you stopped.
# Pictures are 320 pixels wide, enlarged by a click, since edges cannot be judged on a stamp; three sliders
# a version, *Back* and *Next*. No name, no clock, no network.
#
# Each finished screen is one transaction in an SQLite file, on the disk before *Next* moves on: power may
# fail, thirty people may vote at once, and no vote that was taken is lost (a test kills writers in the
# middle). A changed vote is a new row; the last counts. A number that goes on in a second window is closed
# in the first.

# %%
from jgm_lib.widgets.study_panel import StudyPanel

ballots = study.Ballots(study.path_of(card.votes, plan), plan)
StudyPanel(plan, made, ballots, card.first)

# %% [markdown]
# The same panel without a browser, to prove it: a *scripted* observer, who gives 100 points to whatever
# stands under A and 0 to the rest. His votes go to a scratch folder and are marked as simulated. As the
# order is balanced, he must end up liking all methods alike: place alone cannot win.

# %%
scratch = tempfile.TemporaryDirectory()
scripted = study.Ballots(study.path_of(scratch.name, plan), plan, simulated=True)
for k in range(len(lesson.METHODS)):
    StudyPanel(plan, made, scripted).run_sync(lambda picture, label, indicator: 100 * (label == "A"))
liked = study.analyse(study.unblind(plan, scripted.votes()), lesson.METHODS)
assert all(abs(row["naturalness"][0] - 20) < 1e-9 for row in liked.values())
print(study.csv_text(plan, scripted.votes()[:3]))

# %% [markdown]
# ## The analysis
#
# One number a person and method: the mean over the pictures, an indicator at a time; naturalness is the
# mean of the three. Then the mean over people, with an interval from resampling *people* (bootstrap),
# and between two methods the *paired* test: if two methods were alike, every person's difference could
# as well have the other sign. Flip the signs at random, 5,000 times, and count how often the sum gets as
# far. Only people who have finished count: the others are told apart.

# %% tags=["method"]
def over_people(scores, m, resamples=2000, seed=0):
    """Naturalness of method m and its 95 % bootstrap interval.

    scores (people, pictures, methods, indicators), 0 to 100, none missing."""
    own = scores[:, :, m].mean((1, 2))  # one number a person
    rng = np.random.default_rng(seed)
    means = np.sort([own[rng.integers(len(own), size=len(own))].mean() for _ in range(resamples)])
    tail = int(0.025 * (resamples - 1))
    return own.mean(), means[tail], means[-1 - tail]


def sign_flips(scores, a, b, rounds=5000, seed=0):
    """Mean difference of methods a and b, and p: how often chance signs get as far."""
    d = (scores[:, :, a] - scores[:, :, b]).mean((1, 2))  # one number a person
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (rounds, len(d)))
    as_far = np.abs(signs @ d) >= abs(d.sum()) - 1e-9
    return d.mean(), (1 + as_far.sum()) / (1 + rounds)

# %% [markdown]
# Does it find what is there? SIMULATED room: people with known preferences, some lenient, some strict, each
# with a taste of their own, on easy and hard pictures, judging five stand-ins that are no colorizers at all.

# %%
sim, stand_ins = lesson.room(len(card.pictures), card.seed), lesson.STAND_INS
mock = study.Study("simulated", tuple(card.pictures), stand_ins, card.seed)
simulated = study.unblind(mock, study.votes_of(mock, sim.vote(card.people, card.seed)))
result = study.analyse(simulated, stand_ins)
for m, name in enumerate(stand_ins):
    assert np.allclose(over_people(simulated, m), result[name]["naturalness"])
print(lesson.text_table(result, simulated=True))
show(lesson.result_figure(result, simulated=True, truth=sim.truth()),
     alt="Four panels of dots with 95 per cent bars for five stand-ins, votes of simulated observers; the "
     "black dashes of the known truth lie inside nearly all bars.")

# %% [markdown]
# Several comparisons at once need care: of twenty pairs of equal methods one has p < 0.05 by chance. Holm's
# adjusted p (1979) holds for all of them together: the smallest p times their number, the next times one
# fewer, and so on.

# %%
pairs = [(stand_ins[1], stand_ins[m]) for m in (0, 2, 3, 4)]
tested = study.paired_tests(simulated, stand_ins, pairs)
for (a, b), row in tested.items():
    mine = sign_flips(simulated, stand_ins.index(a), stand_ins.index(b))
    assert np.allclose(mine, (row.difference, row.p))
    print(f"SIMULATED: {a} minus {b} {row.difference:+6.1f} points, 95 % {row.low:+.1f} to {row.high:+.1f}, "
          f"p = {row.p:.4f}, Holm {row.holm:.4f}")
assert sign_flips(simulated, 0, 0) == (0.0, 1.0)

# %% [markdown]
# ### Do they agree?
#
# A difference of means may hide that half of the room thinks the opposite. Krippendorff's alpha compares
# the spread of the room *on one version* with the spread of all points: 1 is one mind, 0 is what chance
# gives. The intraclass correlation of Shrout and Fleiss (1979) asks the same of one person, ICC(2,1), and of
# the mean of all $k$, ICC(2,k), with three mean squares: between versions $B$, between people $J$, rest $E$:
#
# $$ \mathrm{ICC}(2,1) = \frac{B - E}{B + (k-1)E + k(J-E)/n}, \qquad \mathrm{ICC}(2,k) = \frac{B - E}{B + (J-E)/n} \tag{b} $$

# %% tags=["method"]
def alpha(points):
    """Krippendorff's alpha of points (versions, people), none missing: for squared differences both
    disagreements, within versions and of all pairs, are variances."""
    return 1 - points.var(1, ddof=1).mean() / points.var(ddof=1)


def intraclass(points):
    """(ICC(2,1), ICC(2,k)) of (b); points (versions n, people k), none missing."""
    n, k = points.shape
    versions, people = points.mean(1, keepdims=True), points.mean(0)
    rest = points - versions - people + points.mean()
    B, J, E = k * versions.var(ddof=1), n * people.var(ddof=1), (rest**2).sum() / ((n - 1) * (k - 1))
    return (B - E) / (B + (k - 1) * E + k * (J - E) / n), (B - E) / (B + (J - E) / n)

# %%
# NBVAL_CHECK_OUTPUT
judges = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
assert np.allclose(intraclass(judges), study.intraclass(judges))
assert np.isclose(alpha(judges), study.krippendorff_alpha(judges))
one, room = intraclass(judges)
print(f"Shrout and Fleiss, four judges on six targets: one judge {one:.2f}, the mean of four {room:.2f}")

# %%
for column, got in study.agreement(simulated).items():
    print(f"SIMULATED: {column:21s} alpha {got.alpha:.2f}, one person {got.single:.2f}, "
          f"mean of {card.people} people {got.average:.2f}")
edges = simulated[..., 2].reshape(card.people, -1).T  # (versions, people)
assert np.allclose((alpha(edges), *intraclass(edges)), study.agreement(simulated)["edges"])

# %% [markdown]
# The mean of the room is surer than any one person: what a study needs is people, more than better people.
# Where methods hardly differ, as on edges here, agreement is low even if everybody judges well: there is
# little to agree on.
#
# ### Do the error bars cover?
#
# A 95 % interval is a promise: in 95 of 100 rooms it contains the truth. Draw many simulated rooms and
# count. Beside it the interval that counts every answer as an independent one.

# %%
inside = {"observers": [], "votes": []}
for k in range(card.rooms):
    voted = sim.vote(card.people, card.seed + 1 + k)  # other people, the same preferences
    for m, truth in enumerate(sim.truth()[:, -1]):
        mean, low, high = over_people(voted, m, 400, seed=k)
        inside["observers"].append(low <= truth <= high)
        half = 1.96 * voted[:, :, m].std() / voted[:, :, m].size ** 0.5
        inside["votes"].append(abs(mean - truth) <= half)
covered = {name: np.mean(hits) for name, hits in inside.items()}
chance = 1.96 * (0.95 * 0.05 / card.rooms) ** 0.5  # the methods of one room share its people
for name, rate in covered.items():
    print(f"SIMULATED: interval over {name:9s} contains the truth in {rate:.0%} "
          f"(of {card.rooms} rooms; chance alone ± {chance:.0%})")
if default:
    assert 0.88 < covered["observers"] < 0.99 and covered["votes"] < covered["observers"] - 0.1

# %% [markdown]
# Resampling people keeps the promise, up to a point or two that the bootstrap loses with few people.
# Counting votes does not: the answers of a lenient person go up together. A table that reports 1,000
# votes without saying whose they are promises too much in the same way.
#
# ## How many people?
#
# We want to see a difference of 3 points of naturalness: Table II has 2.73 between JGM and the second best.
# A *vote* here is one screen's difference $d_{op}$ of two methods, by person $o$ on picture $p$:
#
# $$ d_{op} = \delta + u_o + v_p + e_{op}, \qquad \mathrm{se}^2 = \frac{\sigma_u^2 + \sigma_e^2/P}{n} \tag{c} $$
#
# $u_o$: some people like the first method more, on all pictures. $v_p$: it is better on some pictures, for
# all people. $e_{op}$: the rest. An analysis of variance tells the three apart. With $n$ people on $P$
# pictures each, a two-sided test at 5 % sees $\delta$ in 80 of 100 rooms if
#
# $$ n \ge (z_{0.975} + z_{0.8})^2\, \frac{\sigma_u^2 + \sigma_e^2/P}{\delta^2} + \frac{z_{0.975}^2}{2} \tag{d} $$
#
# (the last term pays for few people, Guenther 1981). A pilot of your own gives the variances; here they
# come from a large SIMULATED room.

# %%
large = sim.vote(500, card.seed + 7)
parts = study.components(study.differences(large, 2, 3))
print("SIMULATED pilot, deviations in points:", {k: f"{v**0.5:.1f}" for k, v in parts._asdict().items()})
for P in (1, 4, 10):
    n = int(np.ceil(2.8016**2 * (parts.observer + parts.rest / P) / 3**2 + 1.96**2 / 2))
    assert n == study.observers_needed(parts, P, points=3)
    found = study.simulated_power(parts, n, P, points=3, rooms=1000, seed=card.seed)
    print(f"SIMULATED: {P:2d} pictures a person: {n:3d} people, {n * P:4d} votes; found in {found:.0%} of 1,000 rooms")
    assert abs(found - 0.8) < 0.06 or not default

# %%
crowds = (10, 20, 40, 80, 160)
power = {P: [study.simulated_power(parts, n, P, rooms=500, seed=card.seed) for n in crowds] for P in (1, 4, 10)}
show(lesson.power_figure(crowds, power, parts),
     alt="Simulated observers: the share of rooms that see three points, against the number of people, one "
     "line each for 1, 4 and 10 pictures a person; simulated dots lie on the lines of the formula, and "
     "ten pictures need only about a third of the people that one needs.")
assert all(np.all(np.diff(power[P]) > -0.05) for P in power)  # more people see more

# %% [markdown]
# **Votes are clustered.** Two votes of one person share $u_o$; their correlation is
# $\rho = \sigma_u^2/(\sigma_u^2 + \sigma_e^2)$, and $P$ votes of one person count as
# $P / (1 + (P-1)\rho)$ people (the design effect, Kish 1965). The same 1,000 votes, differently gathered:

# %%
for people, P in ((1000, 1), (100, 10), (20, 50)):
    error = ((parts.observer + parts.rest / P) / people) ** 0.5  # (c)
    assert np.isclose(error, study.standard_error(parts, people, P))
    effect = study.design_effect(parts, P)
    print(f"SIMULATED: {people:4d} people x {P:2d} pictures: se {error:.2f} points, "
          f"worth {1000 / effect:4.0f} independent votes")
print(f"and about other pictures than 4: se at least {(parts.picture / 4) ** 0.5:.2f}, with any number of people")

# %% [markdown]
# The last line is the other cluster: more people tell nothing about other *pictures*; for that one needs
# more pictures. The paper's 1,000 votes of 100 observers are the middle row, if all saw all methods.
#
# ## Your room
#
# When people have voted, this cell shows their result, with paired test and agreement; until then it says
# so. The desk counts who has finished and writes the votes as CSV (letters only). Systems of
# your own: put their pictures into a folder, `METHOD/PICTURE.png`, and `study.study_of(folder)` gives the plan
# and what `made` is here; `python -m jgm_lib.study_page folder` serves it to a whole room
# ([how](../docs/workshop.md)).

# %%
from jgm_lib.widgets.study_desk import StudyDesk

try:
    real = study.unblind(plan, study.read_votes(card.votes, plan))
    print(lesson.text_table(study.analyse(real, lesson.METHODS), simulated=False))
    versus_grey = [(name, "grey replica") for name in lesson.METHODS[:-1]]
    for (a, b), row in study.paired_tests(real, lesson.METHODS, versus_grey).items():
        print(f"{a} minus {b}: {row.difference:+.1f} points, {row.low:+.1f} to {row.high:+.1f}, Holm {row.holm:.4f}")
    print("agreement:", study.agreement(real)["naturalness"])
except JGMError as error:
    print(error)
StudyDesk(ballots)

# %% [markdown]
# ## What to expect
# - Intervals of about ± 1.6 points for 1,000 votes and ± 3.5 for 200, around 93.17.
# - The scripted observer ends at 20 points for all five methods.
# - Simulated rooms: the interval over observers covers in about 19 of 20, the one over votes in far fewer.
# - Simulated rooms: three points need about 145 people with one picture each, and about 50 with ten.

# %% [markdown]
# ## Exercises

# %% [markdown]
# **Exercise 1.** Half the length of the plain 95 % interval of a share of independent votes.

# %% tags=["solution"]
def error_bar(share, n):
    """share: a number in [0,1]; n: votes. Returns 1.96 standard errors."""
    return 1.96 * (share * (1 - share) / n) ** 0.5


# %%
from jgm_course.nb11.checks import check_error_bar

check_error_bar(error_bar)

# %% [markdown]
# **Exercise 2.** Two methods, judged by the same people: the mean difference and its standard error.

# %% tags=["solution"]
def paired_difference(a, b):
    """a, b: arrays, one number an observer. Returns (mean of a - b, standard error)."""
    d = np.asarray(a) - np.asarray(b)
    return float(d.mean()), float(d.std(ddof=1) / len(d) ** 0.5)


# %%
from jgm_course.nb11.checks import check_paired_difference

check_paired_difference(paired_difference)

# %% [markdown]
# **Exercise 3.** How many independent votes are the votes of one person worth? `rho` is the correlation of
# two of them.

# %% tags=["solution"]
def independent_votes(votes, rho):
    """votes: how many one person gave; rho: their correlation, 0 to 1. Returns a number."""
    return votes / (1 + (votes - 1) * rho)


# %%
from jgm_course.nb11.checks import check_independent_votes

check_independent_votes(independent_votes)

# %% [markdown]
# ## On your own
# - Run it: five people or ten, each with a number. Is the truth liked best? Does the grey replica stay
#   below on saturability?
# - Set `leniency=0, taste=0` in `study.Room`. Which of the two intervals changes its coverage, and why?
# - Sixty people can come, for ten minutes each. How many pictures and methods do you show?
# - Let half of the people see only half of the methods. What happens to the paired test?
#
# ## Further reading
# - Hong et al. 2020, Section IV.C
# - E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927
# - B. Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 1979
# - S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 1979
# - P. E. Shrout, J. L. Fleiss, Intraclass correlations, Psychological Bulletin 1979
# - K. Krippendorff, Computing Krippendorff's alpha-reliability, University of Pennsylvania 2011
# - L. Kish, Survey Sampling, Wiley 1965
# - W. C. Guenther, Sample size formulas for normal theory t tests, The American Statistician 1981
# - E. J. Williams, Experimental designs balanced for the estimation of residual effects of treatments,
#   Australian Journal of Scientific Research 1949
# - R. Zhang, P. Isola, A. Efros, Colorful image colorization, ECCV 2016: a study of real against fake

# %% tags=["status"]
import json

scratch.cleanup()
print(json.dumps({"nfe": card.steps, "coverage_simulated": round(covered["observers"], 3)}))
