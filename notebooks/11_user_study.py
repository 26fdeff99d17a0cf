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
# - Read Table II with intervals and draw Fig 6 from it
# - Plan a study: blinded, balanced, by seed
# - Vote yourself in a panel; votes stay on this machine
# - Prove the analysis on simulated rooms whose preferences are known
#
# ## What you will learn
# - what percentages of 1,000 votes can and cannot say
# - why the bootstrap goes over observers and not over votes
# - why the same people should see all methods
#
# ## What you need
# - Time (CPU): about 10 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Before this: lesson 05; lesson 09 for mean against draw

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
for name, (printed, mean) in lesson.slips().items():
    print(f"{name}: printed {printed:.2f}, the mean of its three numbers is {mean:.2f}")

# %% [markdown]
# **Slip of the paper:** iGM-6C's naturalness is 88.63; as printed, 88.96, it would beat Zhang et al., with
# the right sum it is the last.
#
# Next, what the percentages are. "They are asked to choose the most natural candidate": if each vote
# went to one of five, the five numbers of a column would add up to 100. They add up to about 450. So each
# is a share of approval, or a mean of some scale the paper does not name. Take approval, yes or no. Then
# a share of $n$ independent votes has a standard error of $\sqrt{p(1-p)/n}$. Two readings: 1,000
# votes for every method, or 1,000 in all, 200 each.

# %%
# NBVAL_CHECK_OUTPUT
jgm = lesson.TABLE_II["JGM"][3]
for n in (1000, 200):
    low, high = study.share_interval(jgm / 100, n)
    print(f"{n} votes: JGM {jgm:.2f}, 95 % from {100 * low:.1f} to {100 * high:.1f}")
    for name in ("ChromaGAN", "MemoPainter", "Zhang"):
        a, b = lesson.difference_interval(jgm, lesson.TABLE_II[name][3], n)
        print(f"   ahead of {name:11s} by {jgm - lesson.TABLE_II[name][3]:.2f}, 95 % from {a:+.2f} to {b:+.2f}")

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
assert lesson.difference_interval(jgm, 90.44, 1000)[0] > 0 > lesson.difference_interval(jgm, 90.44, 200)[0]

# %% [markdown]
# ## A better plan
#
# Every observer judges all versions of every picture, with yes or no on the paper's three indicators.
# Among the versions are the truth, the most anyone can reach, and the grey replica, which an
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
# as well have the other sign. Flip the signs at random, 5,000 times, and count.
#
# Does it find what is there? SIMULATED room: people with known preferences, some lenient, some strict, on
# easy and hard pictures, judging five stand-ins that are no colorizers at all.

# %%
sim, stand_ins = lesson.room(len(card.pictures), card.seed), lesson.STAND_INS
mock = study.Study("simulated", tuple(card.pictures), stand_ins, card.seed)
simulated = study.unblind(mock, study.votes_of(mock, sim.vote(card.people, card.seed)))
result = study.analyse(simulated, stand_ins)
print("SIMULATED observers, a test of the machinery:")
print(lesson.text_table(result))

# %%
show(lesson.result_figure(result, sim.truth(), "SIMULATED observers: a test of the machinery, no result"),
     alt="Four panels of dots with 95 per cent bars for five stand-ins, votes of simulated observers; the "
     "black dashes of the known truth lie inside nearly all bars.")

# %%
for other in stand_ins[2:]:
    d, p = study.paired_test(simulated, stand_ins, stand_ins[1], other)
    print(f"SIMULATED: {stand_ins[1]} minus {other} {d:+.3f}, p = {p:.4f}")
same = study.paired_test(simulated, stand_ins, stand_ins[0], stand_ins[0])
assert same == (0.0, 1.0)

# %% [markdown]
# ### Do the error bars cover?
#
# A 95 % interval is a promise: in 95 of 100 rooms it contains the truth. Draw many simulated rooms and
# count. Beside it the interval that counts every answer as an independent one.

# %%
covered = lesson.coverage(sim, card.people, card.rooms, seed=card.seed)
for name, (share, error) in covered.items():
    print(f"SIMULATED: interval over {name:9s} contains the truth in {100 * share:.0f} % "
          f"(of {card.rooms} rooms; chance alone ± {200 * error:.0f})")
if default:
    assert 0.88 < covered["observers"][0] < 0.99 and covered["votes"][0] < covered["observers"][0] - 0.1

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
print(json.dumps({"nfe": card.steps, "coverage_simulated": round(covered["observers"][0], 3)}))
