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
# # 08 Comparison
#
# Is this colorizer better than that one? Before we ask: better than none, by which number, and chosen by
# whom?
#
# **In this lesson:** the one interface that every method has to fit; behind it the [grey replica](../docs/glossary.md#grey-replica), the
# [regression mean](../docs/glossary.md#regression-mean) and the four samplers of this project, in honest tables on landscapes with known truth
# and on photographs; Table I as printed, with the row it lacks, and Table I of our own, by one command for all
# compared systems; what an [oracle](../docs/glossary.md#oracle) gains; how methods that work in CIELAB must be read; a row for a method of
# yours.
#
# ## What you will do
# - Write a colorizer as `colorize(gray, seed) -> rgb` and enter it in the contest
# - Read tables with grey replica, single [draw](../docs/glossary.md#draw), mean and oracle, and intervals
# - Write the tally and the interval of a difference out in twenty lines
# - Compute what the best of K draws, or of all steps, gains without any skill
# - Read the project's own Table I, column by column, and recompute one of its cells
# - Repair a CIELAB method's grey, and see its score change
#
# ## What you will learn
# - why a PSNR without its grey replica says little
# - order statistics: the price of choosing with the truth in hand
# - which of the columns a user gets
# - when the same pictures for all methods make a difference surer, and when not
#
# ## What you need
# - Time (CPU): about 25 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Study time: about 25 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/08_comparison.ipynb`
# - Before this: lessons 05 and 09; lesson 06 for the samplers

# %% tags=["parameters"]
seed = 0  # seed of everything random
weights = "toy-32"  # prior of the landscapes: bundled name or path
photo_weights = "scenes-64"  # prior of the photographs
pictures = ["china", "rocket", "coffee", "flower", "astronaut", "chelsea"]
scenes = 8  # landscapes that are coloured
draws = 12  # draws of each landscape (the authors: 12 runs)
photo_draws = 3  # draws of each photograph
slow_draws = 3  # draws of Algorithm 1
steps = 10  # evaluations of the fast samplers
T = 6  # Langevin steps a level of Algorithm 1 (the code: 100)
epsilon = 9e-5  # its step size; T epsilon is that of the code
lam = 3.0  # its lambda_0

# %%
from jgm_course.errors import begin
from jgm_course.nb08.card import CARD

card = begin(CARD, globals())

# %%
import numpy as np
import torch

from jgm_course.nb08 import figures as lesson
from jgm_course.strips import strips
from jgm_lib import baselines, checkpoints
from jgm_lib.experiments.bench import columns_of, score
from jgm_lib.figures import show
from jgm_lib.metrics import bootstrap_interval, paired_difference, psnr

torch.set_num_threads(1)  # small pictures: threads only cost
default = card == CARD()  # what is asserted about random pictures holds for the default setting

# %% [markdown]
# ## One interface
#
# A method is a function of a grey picture and a seed, `(B,1,H,W), int -> (B,3,H,W)`, and says how
# many network evaluations it takes ([`nfe`](../docs/glossary.md#nfe)) and whether the seed matters (`draws`). Nothing else: no truth,
# no hint, no choice among results.

# %%
model, about = checkpoints.load(card.weights)
slow = dict(T=card.T, epsilon=card.epsilon, lam=card.lam, beta=1.0, feedback="none")
methods = baselines.methods(model, card.steps, slow)
for name, method in methods.items():
    print(f"{name:20s} {'draws' if method.draws else 'one answer'}")

# %% [markdown]
# - **Grey replica**: the grey picture three times. No skill, no colour: the bar.
# - **Regression mean**: $E[\text{colour} \mid \text{grey}]$, what a network trained with squared error
#   answers. Our [prior](../docs/glossary.md#prior) knows it: at the largest noise the [chroma](../docs/glossary.md#chroma) tells nothing, so the first estimate of
#   `split` is just that. One evaluation.
# - **split** ([split noise](../docs/glossary.md#split-noise)), **nullspace, predictor_corrector, langevin**: lessons 05 and 06.
#
# ## Landscapes with a known truth

# %%
toy = lesson.Contest.toy(about["size"], card.scenes, card.seed)
for name, method in methods.items():
    toy.enter(name, method, card.slow_draws if name == "langevin" else card.draws)
rows = toy.rows()
print(lesson.text_table(rows))

# %%
show(lesson.figure_of(rows),
     alt="Colour difference with 95 per cent bars for six methods: the grey replica far to the right; "
     "for each sampler the oracle far to the left, mean and one draw close together with long bars; "
     "the regression mean near the means of the samplers.")

# %%
show(strips({"grey replica": toy.drawn["grey replica"][:6, 0],
             "regression mean": toy.drawn["regression mean"][:6, 0],
             "split": toy.drawn["split"][:6, 0], "langevin": toy.drawn["langevin"][:6, 0],
             "truth": toy.truth[:6]}, width=6.6),
     alt="Rows of landscapes: grey; the regression mean in muted in-between colours; one draw of split and "
     "one of Algorithm 1 in full colours, sometimes other ones than the truth; the truth.")

# %% [markdown]
# How to read the columns. **Single** is one draw, the first: what a user gets from one click. The **mean**
# of K is the safest picture and on average scores better (draws that were exact would be beaten by
# $10 \log_{10}(2/(1 + 1/K))$ dB in squared error, 2.7 for twelve: lesson 09); its colours lie between the
# possible ones. On average over draws: a first draw can be lucky, and with eight landscapes luck is worth
# one to three dB (K=1 below is the average over all draws). The
# **oracle** is the draw nearest to the truth: nobody who needs a colorizer can choose it. A
# table that mixes columns, or hides which one it shows, compares nothing.

# %%
cell = {(r["method"], r["column"].split()[0] if r["column"] else ""): r for r in rows}
grey = cell["grey replica", ""]
assert max(r["residual"] for r in rows) < 1e-6  # all of these obey F x = y
if default:
    one, mean, best = (cell["split", c] for c in ("single", "mean", "oracle"))
    assert best["psnr"] > mean["psnr"] > one["psnr"]
    assert one["delta_e"] < grey["delta_e"] - 3
    assert mean["colourfulness"] < one["colourfulness"] - 5
    assert cell["regression mean", ""]["psnr"] > one["psnr"]  # and it draws nothing

# %% [markdown]
# The regression mean beats a single draw of `split` in PSNR, and keeps level with it in dE2000, with one
# evaluation. That is no
# success of regression: a distance to *one* truth, averaged over truths, rewards the answer in the middle
# of the possible ones (lesson 09). What gives it away is its colourfulness, a good part below the truth's. So the headline
# here is dE2000, and never without colourfulness beside it. The column "dE - grey" is the difference to
# the grey replica picture by picture: below 0, and the method helps.
#
# ## The tally, written out
#
# That is all there is to such a table: a number for each picture and draw, and a column says which
# draw counts. The intervals come from the [*bootstrap*](../docs/glossary.md#bootstrap): which pictures were drawn is chance, so draw
# as many again out of them, with repetition, take the mean, and do this 2,000 times; the middle 95 % of
# the means are the interval. For two methods on the *same* pictures do it with the differences.

# %% tags=["method"]
def decibels(x, truth):
    """PSNR of each picture: x, truth (B,3,S,S) in [0,1] -> (B,)."""
    return -10 * np.log10((x.double() - truth.double()).square().mean((1, 2, 3)).numpy())


def tally(drawn, truth, y):
    """PSNR in each column, a number a picture: drawn (B,K,3,S,S), truth (B,3,S,S), y (B,1,S,S)."""
    K = drawn.shape[1]
    each = np.stack([decibels(drawn[:, k], truth) for k in range(K)], 1)  # (B,K)
    return {"grey replica": decibels(y.expand_as(truth), truth),
            "single": each[:, 0],
            f"mean of {K}": decibels(drawn.mean(1), truth),
            f"oracle of {K}": each.max(1)}  # chosen with the truth


def paired_interval(a, b, seed=0, resamples=2000):
    """Mean of a - b over the same pictures, both (B,), and its 95 % bootstrap interval."""
    d, rng = a - b, np.random.default_rng(seed)
    means = np.sort([d[rng.integers(len(d), size=len(d))].mean() for _ in range(resamples)])
    tail = int(0.025 * (resamples - 1))
    return d.mean(), means[tail], means[-1 - tail]

# %%
tallies = {name: tally(x, toy.truth, toy.y) for name, x in toy.drawn.items()}
for name, mine in tallies.items():
    theirs = columns_of(toy.drawn[name], toy.truth, toy.y, baselines.F)
    for column in mine.keys() & theirs.keys():
        assert np.allclose(mine[column], theirs[column]["psnr"])
    assert np.isclose(mine["grey replica"].mean(), grey["psnr"])

# %% [markdown]
# `split` against `nullspace`, the difference landscape by landscape; beside it what the two intervals of the
# table would give, as if each method had had landscapes of its own:

# %%
for column in ("single", f"mean of {card.draws}"):
    a, b = tallies["split"][column], tallies["nullspace"][column]
    d, low, high = paired_interval(a, b)
    assert np.allclose((d, low, high), paired_difference(a, b))
    apart = np.hypot(*(np.ptp(bootstrap_interval(v)) for v in (a, b)))
    print(f"{column:11s} {d:+.2f} dB, 95 % from {low:+.2f} to {high:+.2f}: {high - low:.1f} dB wide "
          f"(landscapes of their own: {apart:.1f})")
    assert low < 0 < high or not default
if default:
    assert high - low < apart  # of the means

# %% [markdown]
# For the means pairing narrows the interval: both are far off on the same landscapes, those whose colours
# were not the likely ones. For single draws it gains little: whether a draw hits the truth's colours is
# the luck of that draw. Either way eight landscapes cannot rank these two: both intervals contain 0.
#
# ## Photographs

# %%
photo_model, photo_about = checkpoints.load(card.photo_weights)
photos = lesson.Contest(lesson.photographs(card.pictures, photo_about["size"]), card.seed)
for name in ("grey replica", "regression mean", "split", "nullspace"):
    photos.enter(name, baselines.methods(photo_model, card.steps)[name], card.photo_draws)
photo_rows = photos.rows()
print(lesson.text_table(photo_rows))

# %%
show(strips({"grey replica": photos.drawn["grey replica"][:6, 0],
             "regression mean": photos.drawn["regression mean"][:6, 0],
             "split": photos.drawn["split"][:6, 0], "nullspace": photos.drawn["nullspace"][:6, 0],
             "truth": photos.truth[:6]}, width=6.6), jpeg=85,
     alt="Small photographs in rows: grey, regression mean in pale colours, one draw of split, one of the "
     "null-space sampler, and the truth.")

# %% [markdown]
# A handful of photographs, most of things the prior has never seen: the intervals are wide, and on such
# pictures grey is hard to beat. The table of the README has 640 photographs of the training's kind.
#
# ## Table I, and the row it lacks
#
# PSNR / SSIM as printed:
#
# | | church | bedroom | COCO-stuff |
# |---|---|---|---|
# | Zhang et al. | 23.65 / .9228 | 20.89 / .8946 | 20.21 / .8844 |
# | MemoPainter | 22.85 / .9034 | 23.08 / .9004 | 20.47 / .8492 |
# | ChromaGAN | 24.63 / .9106 | 24.16 / .8899 | 19.85 / .8101 |
# | iGM-6C | 23.12 / .9251 | 24.83 / .9221 | 21.95 / .8871 |
# | JGM | 23.76 / .8931 | 29.46 / .9365 | 20.72 / .7254 |
# | *grey replica* | *24.48 / .9434* | *21.95 / .9198* | *not measured* |
#
# (Table I of Hong et al. 2020. The last row is not in the paper: it was measured on the pictures the
# authors published, 28 churches and 30 bedrooms, and the printed rows are means over 100 pictures a
# set that are not all published. So the rows are neighbours, not a strict comparison.)

# %%
show(lesson.table_one_figure(),
     alt="Table I as two bar charts, PSNR and SSIM of five methods on three sets, with a dashed line for the "
     "grey replica: on church it is above four of five bars in PSNR and above all in SSIM; on bedroom "
     "above one in PSNR and above three in SSIM.")

# %%
# NBVAL_CHECK_OUTPUT
for k, name in enumerate(lesson.SETS[:2]):  # COCO-stuff: grey replica not measured
    bar = lesson.GREY_REPLICA[k]
    for m, metric in enumerate(("PSNR", "SSIM")):
        beaten = [method for method, row in lesson.TABLE_I.items() if row[k][m] < bar[m]]
        print(f"{name}: {metric} below the grey replica: {', '.join(beaten)}")
lead = lesson.TABLE_I["JGM"][1][0] - lesson.TABLE_I["iGM-6C"][1][0]
print(f"JGM's lead on bedroom over the next best: {lead:.2f} dB (the text says almost 4)")

# %% [markdown]
# On church four of five methods, the paper's own among them, score below no colour at all, and in
# SSIM all five. The paper's text speaks of its bedroom value. ImageNet, mentioned in the text and in Table
# III, has no row here.
#
# ## Table I of our own
#
# Every system of the paper and every control has a seat in the line-up of `jgm experiment comparison`, a small
# version trained on the same landscapes. One command draws and scores all whose weights are there, on
# photographs that no training saw, and names the others:

# %%
import json

from jgm_lib.experiments import comparison
from jgm_lib.experiments.lineup import LINEUP

found = json.loads(lesson.RESULTS.read_text(encoding="utf-8"))
print(found["command"])
print("\n".join(found["notes"]))
for name, hashes in found["weights"].items():  # the numbers are those of the weights that come with this
    names = LINEUP[name].weights if name in LINEUP else [found["settings"]["classifier"]]
    ours = [checkpoints.load(n)[1]["sha256"] for n in names]
    assert hashes == (ours if len(ours) > 1 else ours[0])

# %%
print(comparison.table(found["rows"]))

# %%
show(comparison.figure(found["rows"]), dpi=64,
     alt="Three panels of dots with 95 per cent bars, a line a method and column: colour difference, edge "
     "overflow above the truth's, and Frechet distance; the grey replica in the first line.")

# %% [markdown]
# Column by column:
#
# | column | what it tells | who may be proud of it |
# |---|---|---|
# | column | which draw counts: single, [consensus](../docs/glossary.md#consensus), mean or oracle of K | single is what a user gets |
# | PSNR, SSIM | distance to the one truth, mostly of the grey detail that every method is given | nobody, without the grey row |
# | ΔE00 | visible colour difference; the headline, chosen beforehand | who is below grey |
# | - grey, - first | the same pictures, this method minus the grey replica or minus the first method | an interval without 0 |
# | colourfulness | strength of the colours; the truth's is in its row | who is near the truth's |
# | [overflow](../docs/glossary.md#overflow) | colour edges where the photograph has none, minus the truth's | who is near 0 |
# | Fréchet | distance between the *sets* of results and truths, on a classifier's features; small for pictures as such, right or wrong | compare with its interval, and only for equal n |
# | diversity | mean ΔE00 between two draws | nobody by itself: noise is diverse too |
# | RMS Fx-y | is the photograph kept? | 0 up to rounding, but for raw CIELAB methods |
# | NFE, s a picture | what the column costs: K draws cost K times one | the few |
#
# `projected` rows are CIELAB methods put onto $Fx = y$ (below). Chains of 1,000 evaluations have fewer pictures
# and draws, so no Fréchet distance: it grows when n falls. Now check one cell by hand, from the numbers of each
# picture that the file keeps: the headline's difference to grey of the first method.

# %%
bar, _, first = found["rows"][:3]
d, low, high = paired_interval(np.array(first["values"]["delta_e"]), np.array(bar["values"]["delta_e"]))
print(f"{first['method']}, {first['column']}: dE2000 minus grey {d:+.2f} (95 % {low:+.2f} to {high:+.2f})")
assert first["keys"] == bar["keys"] and np.allclose((d, low, high), first["to_grey"]["delta_e"])

# %% [markdown]
# Whose single answer is surely on one side of grey, in the headline? And the paper's protocol on the chains
# of Algorithm 1, on two photographs: what choosing by the truth adds.

# %%
for r in found["rows"][2:]:
    mean, low, high = r["to_grey"]["delta_e"]
    if r["column"] in ("", "single"):
        side = "nearer than grey" if high < 0 else "farther than grey" if low > 0 else "not told apart from grey"
        print(f"{r['method']:28s} {side:25s} {mean:+.2f}, colourfulness {r['colourfulness']:.0f}")
for name, steps_and_runs in found["protocol"].items():
    for r in steps_and_runs:
        print(f"{name}, {r['column']}: {r['psnr'][0]:.2f} dB, {r['above'][0]:+.2f} above one run's last step")

# %% [markdown]
# Read it with the colourfulness beside it: regression comes nearest to the one truth with pale colours, as on the
# landscapes; single draws are as colourful as photographs, and pay for it. None of the small priors' single draws is
# nearer to the truth than grey, the mean of four of the split one is level with it. Zhang's classes (one answer, in the middle of
# the likely colours) have the least overflow and 86 % of the truth's colourfulness. The choice among 12 runs adds 1.6 dB to the tempered
# chain and 3.3 dB to the authors'.

# %%
rows_of = {(r["method"], r["column"]): r for r in found["rows"]}
assert all(r["to_grey"]["delta_e"][0] > 0 for r in found["rows"] if r["column"] == "single")  # the priors' draws
low, high = rows_of["JGM split noise, split", "mean of 4"]["to_grey"]["delta_e"][1:]
assert low < 0 < high
answers = [r for r in found["rows"][2:] if r["column"] in ("", "single")]
assert min(answers, key=lambda r: r["overflow"][0])["method"].startswith("Zhang")
assert round(rows_of["Zhang", ""]["colourfulness"] / rows_of["truth", ""]["colourfulness"], 2) == 0.86
gained = [round(found["protocol"][f"JGM, {way}"][1]["above"][0], 1) for way in ("tempered", "authors, LSUN")]
assert gained == [1.6, 3.3]

# %% [markdown]
# And the pictures, as in Fig 5: one draw of each seat on the photographs of above.

# %%
some = photos.pictures.some(range(min(4, len(photos.truth))))
side_by_side = lesson.one_draw_each(some, card.steps, card.seed)
show(strips({"grey replica": some.y.expand_as(some.truth), **side_by_side, "truth": some.truth}, width=6.0), jpeg=85,
     alt="Rows of small photographs: the grey ones, one draw of each system that is bundled, and the truth; "
     "regression in pale brown and blue, classification more saturated, priors in full, varied colours.")

# %% [markdown]
# ## How a PSNR is chosen
#
# The authors' published code keeps, for each picture, the best PSNR over *all 1,000 steps* of *12 runs*,
# measured with the truth. That is an oracle over 12,000 pictures. How much is this worth? For K of n
# draws the expected best follows from order statistics, without drawing again: the $j$-th smallest score
# (from 0) is the largest of $\binom{j}{K-1}$ of the $\binom nK$ subsets,
#
# $$ E[\text{best of } K] = \sum_{j} \binom{j}{K-1} s_{(j)} \Big/ \binom nK . \tag{a} $$

# %%
each, curves = {}, {}
for name in ("split", "nullspace", "predictor_corrector"):
    x = toy.drawn[name]
    each[name] = np.stack([psnr(x[:, k], toy.truth) for k in range(card.draws)], 1)  # (B,K)
    curves[name] = np.array([np.mean([lesson.expected_best(scores, k) for scores in each[name]])
                             for k in range(1, card.draws + 1)])
    assert np.isclose(curves[name][-1], tallies[name][f"oracle of {card.draws}"].mean())
show(lesson.oracle_figure(curves, grey["psnr"]),
     alt="PSNR of the chosen draw against the number of draws to choose from, rising steeply from one "
     "draw and ever more slowly to twelve, by several decibels for each of three samplers; the grey "
     "replica as a dotted line.")

# %%
for name, curve in curves.items():
    sd = np.sqrt(each[name].var(1, ddof=1).mean())  # between draws of one landscape
    print(f"{name:20s} K=1 {curve[0]:.2f}   K={len(curve)} {curve[-1]:.2f}   gain {curve[-1] - curve[0]:.2f} dB,"
          f" {(curve[-1] - curve[0]) / sd:.2f} deviations of {sd:.2f} dB")
    assert (np.diff(curve) >= 0).all()

# %% [markdown]
# Were the scores normal, an oracle of K would gain this many of their standard deviations, whatever the
# method. The largest of $K$ has the density $K\,\varphi(z)\,\Phi(z)^{K-1}$ (one of them is $z$, the others lie
# below it), and its mean is an integral:

# %%
# NBVAL_CHECK_OUTPUT
z = np.linspace(-9, 9, 20001)
density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
below = torch.special.ndtr(torch.from_numpy(z)).numpy()
gain = {k: np.trapezoid(k * z * density * below ** (k - 1), z) for k in (1, 2, 3, 6, 12, 12_000)}
print("   ".join(f"K={k}: {abs(g):.3f}" for k, g in gain.items()))
assert np.allclose([gain[2], gain[3]], [np.pi**-0.5, 1.5 * np.pi**-0.5])  # known in closed form

# %% [markdown]
# (K=1 is the mean over all draws here, not the first one as in the table.) The gain goes to whoever
# *varies*, not to whoever is right: a worse but wilder sampler climbs more. The authors also choose among
# the steps of a chain. What does that add on ours?

# %%
last, best_step = [], []
for run in range(card.slow_draws):
    states = methods["langevin"].states(toy.y, 1000 + run)
    trace = [psnr(state.x.clamp(0, 1), toy.truth) for state in states]  # (B,) a step
    last.append(trace[-1])
    best_step.append(np.max(trace, axis=0))
chosen = {"last step": np.mean(last), "best step": np.mean(best_step),
          f"best step of {card.slow_draws} runs": np.max(best_step, axis=0).mean()}
print("\n".join(f"{name:20s} {value:.2f} dB" for name, value in chosen.items()))
assert list(chosen.values()) == sorted(chosen.values())

# %% [markdown]
# Next to nothing here: these chains get better to the end, so the last step is nearly the best. It is the
# choice among *runs* that pays. A chain that wanders on at its last level, as one of 1,000 steps can,
# would offer more.

# %% [markdown]
# ## Methods that work in CIELAB
#
# Zhang et al., ChromaGAN and others predict $a, b$ and keep a lightness $L^*$. If the photograph is the
# mean of R, G and B, that $L^*$ is not what the photograph tells, and $Fx \neq y$: a part of their error
# is not about colour at all. See it with perfect colours: the truth's own $a, b$, with $L^*$ taken from the
# grey picture.

# %%
raw = baselines.in_lab(toy.truth, toy.y)
fixed = baselines.finish(raw, toy.y)
photo_raw = baselines.in_lab(photos.truth, photos.y)
photo_fixed = baselines.finish(photo_raw, photos.y)
for name, x, contest in (("landscapes, raw", raw, toy), ("landscapes, projected", fixed, toy),
                         ("photographs, raw", photo_raw, photos), ("photographs, projected", photo_fixed, photos)):
    s = {k: float(v.mean()) for k, v in score(x, contest.truth, contest.y, baselines.F).items()}
    print(f"{name:24s} PSNR {s['psnr']:.2f}   dE2000 {s['delta_e']:.2f}   RMS |Fx-y| {s['residual']:.4f}")

# %% [markdown]
# Perfect colours, and the raw PSNR is that of a middling method. Projected onto $Fx = y$ the same colours
# are nearly exact. So a comparison on mean-grey photographs has to report a CIELAB method both ways, raw
# and projected. The same on colours that are not perfect, those of our regression mean:

# %%
regression = toy.drawn["regression mean"][:, 0]
guess = baselines.in_lab(regression, toy.y)
for name, x in (("as drawn", regression), ("through CIELAB, raw", guess),
                ("through CIELAB, projected", baselines.finish(guess, toy.y))):
    s = {k: float(v.mean()) for k, v in score(x, toy.truth, toy.y, baselines.F).items()}
    print(f"{name:26s} PSNR {s['psnr']:.2f}   dE2000 {s['delta_e']:.2f}   RMS |Fx-y| {s['residual']:.4f}")

# %%
gaps = [baselines.residual(x, toy.y) for x in (raw, fixed)]
assert gaps[0] > 0.01 and gaps[1] < 1e-6
assert score(fixed, toy.truth, toy.y, baselines.F)["psnr"].mean() > score(raw, toy.truth, toy.y, baselines.F)["psnr"].mean() + 3

# %% [markdown]
# ## Look closely
#
# Numbers do not show where colour crosses an edge. Fig 7 of the paper enlarges parts of its results; here
# is ours, the first photograph at its full size.

# %%
from jgm_lib.colorize import Colorizer
from jgm_lib.data import samples

colorizer = Colorizer(photo_model, photo_about, device="cpu")
photo = samples.load(card.pictures[0])
image = colorizer.colorize(photo, n=1, seed=card.seed, steps=card.steps).images[0]
w, h = image.size
corners = [(w // 8, h // 3), (3 * w // 4, 5 * h // 8)]
boxes = [(x, y, x + w // 5, y + h // 5) for x, y in corners]
show(lesson.zoom_figure(image, boxes), dpi=72,
     alt="A coloured photograph with two marked boxes, and both enlarged beside it: edges are sharp, since "
     "the grey detail is the photograph's own; colours change softly across them.")

# %% [markdown]
# ## What to expect
# - One draw of `split` clears the grey replica in dE2000 on landscapes by more than 3 units.
# - PSNR of `split`: oracle over mean over one draw; the regression mean over one draw.
# - An oracle of 12 gains several dB on one draw; for normal scores 1.63 standard deviations.
# - The truth's colours through CIELAB lose several dB, and the projection gives them back.

# %% [markdown]
# ## Exercises

# %% [markdown]
# **Exercise 1.** The expected best of $k$ out of the given scores, over all subsets (a).

# %% tags=["solution"]
def expected_best(scores, k):
    """scores: a list of n numbers; 1 <= k <= n. Returns a float."""
    from math import comb

    ordered, n = sorted(scores), len(scores)
    return sum(comb(j, k - 1) * s for j, s in enumerate(ordered)) / comb(n, k)


# %%
from jgm_course.nb08.checks import check_expected_best

check_expected_best(expected_best)

# %% [markdown]
# **Exercise 2.** The nearest colours whose mean over the channels is the photograph (no gamut, F the mean).

# %% tags=["solution"]
def put_grey_right(x, y):
    """x: array (3, pixels); y: array (pixels,). Returns an array (3, pixels)."""
    return x + (y - x.mean(0))


# %%
from jgm_course.nb08.checks import check_put_grey_right

check_put_grey_right(put_grey_right)

# %% [markdown]
# **Exercise 3.** A row of your own. Write a colorizer: any colours you like, if they keep the interface and the
# photograph (F the mean). `seed` is a number or a list of one a row; a method that does not draw ignores it.

# %% tags=["solution"]
def my_method(gray, seed=0):
    """gray: tensor (B,1,H,W) in [0,1]. Returns a tensor (B,3,H,W) in [0,1] whose mean is gray."""
    tint = torch.tensor([0.06, 0.01, -0.07]).view(1, 3, 1, 1)  # evening light
    room = torch.minimum(gray, 1 - gray).clamp(max=0.1) / 0.1  # none in black and white: stay in [0,1]
    return gray + room * tint


# %%
from jgm_course.nb08.checks import check_my_method

check_my_method(my_method)
my_method.nfe, my_method.draws = 0, False
photos.enter("my method", my_method, 1)
print(lesson.text_table([r for r in photos.rows() if r["method"] in ("grey replica", "my method", "truth")]))

# %% [markdown]
# ## On your own
# - Make `my_method` better than grey in dE2000 on these photographs. Is it still on the landscapes?
# - Does the order of the samplers change between the columns *one draw* and *oracle*? Should it?
# - Let the oracle choose by dE2000 instead of PSNR. Which methods profit?
# - Put `in_lab` behind `split` as a method of its own and enter it raw and projected.
#
# ## Further reading
# - Hong et al. 2020, Section IV.B
# - R. Zhang, P. Isola, A. Efros, Colorful image colorization, ECCV 2016
# - P. Vitoria, L. Raad, C. Ballester, ChromaGAN, WACV 2020
# - S. Yoo et al., Coloring with limited data: few-shot colorization via memory augmented networks, CVPR 2019
# - H. A. David, H. N. Nagaraja, Order Statistics, Wiley 2003
# - Y. Blau, T. Michaeli, The perception-distortion tradeoff, CVPR 2018

# %% tags=["status"]
import json

one = cell["split", "single"]
print(json.dumps({"nfe": card.steps, "delta_e": round(one["delta_e"], 2),
                  "oracle_gain_db": round(float(curves["split"][-1] - curves["split"][0]), 2)}))
