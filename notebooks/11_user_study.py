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
# votes on disk, analysis, and the proof on *simulated* observers that the analysis finds what is there;
# and Table II of the paper with the intervals it lacks. **To follow:** a study with real people. No
# vote of a person is contained here, and no simulated number below says anything about a colorizer.
#
# ## What you will do
# - Read Table II with intervals, written out, and draw Fig 6 from it
# - Plan a study: blinded, balanced, by seed
# - Vote yourself in a panel; votes stay on this machine
# - Write the analysis out, and prove it on simulated rooms whose preferences are known
#
# ## What you will learn
# - what percentages of 1,000 votes can and cannot say
# - why the [bootstrap](../docs/glossary.md#bootstrap) goes over observers and not over votes
# - why the same people should see all methods
#
# ## What you need
# - Time (CPU): about 15 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Study time: about 15 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/11_user_study.ipynb`
# - Before this: lesson 05; lesson 09 for mean against [draw](../docs/glossary.md#draw)

# %% tags=["parameters"]
seed = 0  # seed of the plan, of the colours and of simulations
weights = "scenes-64"  # prior: bundled name or path
pictures = ["china", "rocket", "coffee", "flower"]  # photographs inside installed packages
steps = 8  # evaluations of one draw
observer = 0  # number of the observer at the live panel, no name
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

# %% [markdown]
# Fig 6 of the paper shows error bars and does not say of what. Ours are Wilson intervals for 200 votes.
# What the table can say: JGM was liked at least as well as the others. What it cannot:
# - **How sure.** With 1,000 votes a method the lead is more than chance, with 200 it may be chance.
# - **Whether votes are independent.** Ten votes of one person are not ten people; the bars above are too
#   short, and the section on coverage measures by how much.
# - **Whether observers knew.** Blinding and order are not described, nor how the pictures were chosen.
# - **How real pictures score.** Without the truth among the candidates nobody knows what 93 % means.

# %%
assert sum(row[0] for row in lesson.TABLE_II.values()) > 400  # shares of approval, not of one choice
assert lead(share["JGM"], share["ChromaGAN"], 1000)[0] > 0 > lead(share["JGM"], share["ChromaGAN"], 200)[0]

# %% [markdown]
# ## A better plan
#
# Every observer judges all versions of every picture, with yes or no on the paper's three indicators.
# Among the versions are the truth, the most anyone can reach, and the [grey replica](../docs/glossary.md#grey-replica), which an
# attentive observer cannot call vivid.

# %%
model, about = checkpoints.load(card.weights)
made = {name: lesson.versions(model, name, about["size"], card.steps, card.seed) for name in card.pictures}
name = f"{Path(card.weights).stem}-{card.steps}"  # other colours are another study
plan = study.Study(name, tuple(card.pictures), lesson.METHODS, card.seed)

# %% [markdown]
# **Blinded:** on the screen versions have letters, and the votes on disk have letters too. Which letter
# is which method follows from the seed and is only looked up in the analysis.
# **Balanced:** the orders are the rows of a Latin square, so that over five observers each method stands
# once at each place of each picture; the pictures start at another one for each observer.

# %%
for k in range(3):
    trial = plan.trials(k)[0]
    print(f"observer {k} sees first: {trial.picture:8s}", " | ".join(trial.methods))
place = np.zeros((len(lesson.METHODS), len(lesson.METHODS)), int)
for k in range(len(lesson.METHODS)):
    for trial in plan.trials(k):
        for position, method in enumerate(trial.methods):
            place[lesson.METHODS.index(method), position] += 1
assert (place == len(card.pictures)).all()  # each method equally often at each place

# %%
first = plan.trials(card.observer)[0]
show(lesson.screen_figure(made, first),
     alt="One screen of the study: five versions of one photograph side by side, marked A to E, among them "
     "one in grey; nothing tells which method made which.")

# %% [markdown]
# ## The panel
#
# Live below, with your number as `observer`: the questions, the versions, yes or no, *Next*. Each
# finished screen is appended to `out/votes/observer-000.jsonl` (the whole file is written anew and
# renamed, so that a crash costs no vote). If you come back, you go on where you stopped. No name, no
# clock, no network.

# %%
from jgm_lib.widgets.study_panel import StudyPanel

StudyPanel(plan, made, card.observer, card.votes)

# %% [markdown]
# The same panel without a browser, to prove it: a *scripted* observer, who says yes to whatever stands
# under A. His votes go to a scratch folder and are marked as simulated. As the order is balanced, he must
# end up liking all methods alike: place alone cannot win.

# %%
scratch = tempfile.TemporaryDirectory()
for k in range(len(lesson.METHODS)):
    panel = StudyPanel(plan, made, k, scratch.name, simulated=True)
    panel.run_sync(lambda picture, label, indicator: label == "A")
answers = study.unblind(plan, study.read_votes(scratch.name, plan))
liked = study.analyse(answers, lesson.METHODS)
assert panel.finished and all(abs(row["naturalness"][0] - 0.2) < 1e-12 for row in liked.values())
print(Path(panel.path).read_text().splitlines()[0])

# %% [markdown]
# ## The analysis
#
# One number a person and method: the share of yes over the pictures, an indicator at a time; naturalness is
# the mean of the three. Then the mean over people, with an interval from resampling *people* (bootstrap),
# and between two methods the *paired* test: if two methods were alike, every person's difference could
# as well have the other sign. Flip the signs at random, 5,000 times, and count how often the sum gets as far.

# %% tags=["method"]
def over_people(answers, m, resamples=2000, seed=0):
    """Naturalness of method m and its 95 % bootstrap interval.

    answers (people, pictures, methods, indicators) of 0 and 1, none missing."""
    own = answers[:, :, m].mean((1, 2))  # one number a person
    rng = np.random.default_rng(seed)
    means = np.sort([own[rng.integers(len(own), size=len(own))].mean() for _ in range(resamples)])
    tail = int(0.025 * (resamples - 1))
    return own.mean(), means[tail], means[-1 - tail]


def sign_flips(answers, a, b, rounds=5000, seed=0):
    """Mean difference of methods a and b, and p: how often chance signs get as far."""
    d = (answers[:, :, a] - answers[:, :, b]).mean((1, 2))  # one number a person
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (rounds, len(d)))
    as_far = np.abs(signs @ d) >= abs(d.sum()) - 1e-9
    return d.mean(), (1 + as_far.sum()) / (1 + rounds)

# %% [markdown]
# Does it find what is there? SIMULATED room: people with known preferences, some lenient, some strict, on
# easy and hard pictures, judging five stand-ins that are no colorizers at all.

# %%
sim, stand_ins = lesson.room(len(card.pictures), card.seed), lesson.STAND_INS
mock = study.Study("simulated", tuple(card.pictures), stand_ins, card.seed)
simulated = study.unblind(mock, study.votes_of(mock, sim.vote(card.people, card.seed)))
result = study.analyse(simulated, stand_ins)
for m, name in enumerate(stand_ins):
    assert np.allclose(over_people(simulated, m), result[name]["naturalness"])
print("SIMULATED observers, a test of the machinery:")
print(lesson.text_table(result))

# %%
show(lesson.result_figure(result, sim.truth(), "SIMULATED observers: a test of the machinery, no result"),
     alt="Four panels of dots with 95 per cent bars for five stand-ins, votes of simulated observers; the "
     "black dashes of the known truth lie inside nearly all bars.")

# %%
for m in (2, 3, 4):
    d, p = sign_flips(simulated, 1, m)
    assert np.allclose((d, p), study.paired_test(simulated, stand_ins, stand_ins[1], stand_ins[m]))
    print(f"SIMULATED: {stand_ins[1]} minus {stand_ins[m]} {d:+.3f}, p = {p:.4f}")
assert sign_flips(simulated, 0, 0) == (0.0, 1.0)

# %% [markdown]
# ### Do the error bars cover?
#
# A 95 % interval is a promise: in 95 of 100 rooms it contains the truth. Draw many simulated rooms and
# count. Beside it the interval that counts every answer as an independent one.

# %%
inside = {"observers": [], "votes": []}
for k in range(card.rooms):
    room = sim.vote(card.people, card.seed + 1 + k)  # other people, the same preferences
    for m, truth in enumerate(sim.truth()[:, -1]):
        mean, low, high = over_people(room, m, 400, seed=k)
        inside["observers"].append(low <= truth <= high)
        low, high = wilson(mean, room[:, :, m].size)
        inside["votes"].append(low <= truth <= high)
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
# ## Your room
#
# When people have voted, this cell shows their result, with the paired test. Until then it says so.

# %%
try:
    real = study.unblind(plan, study.read_votes(card.votes, plan))
    judged = study.observer_means(real)
    found = study.analyse(real, lesson.METHODS)
    print(len(judged), "observers")
    print(lesson.text_table(found))
except JGMError as error:
    print(error)

# %% [markdown]
# ## What to expect
# - Intervals of about ± 1.6 points for 1,000 votes and ± 3.5 for 200, around 93.17.
# - The scripted observer ends at 0.2 for all five methods.
# - Simulated rooms: the interval over observers covers in about 19 of 20, the one over votes in far fewer.

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
# ## On your own
# - Run it: five people or ten, each with a number. Is the truth liked best? Does the grey replica stay
#   below on saturability?
# - Set `leniency=0` in `study.Room`. Which of the two intervals changes its coverage, and why?
# - How many people does it take to tell 93 from 90? Use `lesson.room` with your own preferences.
# - Let half of the people see only half of the methods. What happens to the paired test?
#
# ## Further reading
# - Hong et al. 2020, Section IV.C
# - E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927
# - B. Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 1979
# - E. J. Williams, Experimental designs balanced for the estimation of residual effects of treatments,
#   Australian Journal of Scientific Research 1949
# - R. Zhang, P. Isola, A. Efros, Colorful image colorization, ECCV 2016: a study of real against fake

# %% tags=["status"]
import json

scratch.cleanup()
print(json.dumps({"nfe": card.steps, "coverage_simulated": round(covered["observers"], 3)}))
