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
# # 09 Diversity
#
# A grey roof was red, or slate, or brown. A colorizer that answers with one picture hides that; one
# that answers with many must not make things up. How do we measure the difference?
#
# ## What you will do
# - Draw many colourings of one landscape and count how often each colour comes, with error bars.
# - Write [spread](../docs/glossary.md#spread) and [plausibility](../docs/glossary.md#plausibility) out in numpy, and put good and bad colorizers on one map.
# - See why the mean of all draws has a better PSNR than a draw and worse colours, and by how much.
# - Read the paper's three claims (Section IV.D) as numbers with intervals, for every sampler and temperature.
# - Enter a colorizer of your own.
# - Sort the versions of a photograph from [consensus](../docs/glossary.md#consensus) to adventurous (Fig 8).
#
# ## What you will learn
# - Spread without plausibility is worth nothing, and the other way round.
# - PSNR and SSIM (Eq 15, 16), what they reward, and what an [oracle](../docs/glossary.md#oracle) is.
#
# ## What you need
# - Time (CPU): about 15 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Study time: about 25 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/09_diversity.ipynb`
# - Before this: lesson 05; lesson 06 explains the sampler

# %% tags=["parameters"]
seed = 0
weights = "toy-32"            # prior of the landscapes: bundled name or path
photo_weights = "scenes-64"   # prior of the photograph
photo = "china"               # a photograph inside an installed package
n = 8                         # versions of each picture
scenes = 12                   # landscapes that are counted and measured
steps = 12                    # evaluations of one draw
solver = "multistep"          # or ancestral

# %%
from jgm_course.errors import begin
from jgm_course.nb09.card import CARD

card = begin(CARD, globals())

# %% [markdown]
# ## One grey, many truths
#
# In ToyScenes every tint has the same grey, so the grey picture does not know the [modes](../docs/glossary.md#mode) at all. Here is
# one landscape with its modes drawn again and again. These are exact draws from the [posterior](../docs/glossary.md#posterior) p(colour | grey),
# something no photograph can offer.

# %%
import numpy as np
import torch

from jgm_course.nb09 import figures as lesson
from jgm_course.strips import strips
from jgm_lib import checkpoints
from jgm_lib.data.toy import admissible_share, mode_of, visible
from jgm_lib.figures import picture_row, show
from jgm_lib.metrics import diversity, psnr
from jgm_lib.operators import gray, gray_weights

model, about = checkpoints.load(card.weights)
truths = lesson.other_truths(about["size"], 7, card.seed + 5)
greys = gray(truths, gray_weights())
show(strips({"grey": greys.expand(-1, 3, -1, -1), "truths": truths}, width=7.5),
     alt="Above, seven times the same grey landscape; below, seven truths it can come from: skies "
     "blue or orange, hills blue-green or purple, trees green or orange, roofs red, blue-grey or brown.")

# %%
# NBVAL_CHECK_OUTPUT
print(f"largest difference between the greys: {float((greys - greys[:1]).abs().max()):.6f}")

# %% [markdown]
# ## Many colourings of one grey

# %%
group = lesson.Group(model, about["size"], card.scenes, card.n, card.seed)
versions = group.draw(steps=card.steps, solver=card.solver)  # (scenes, n, 3, S, S)
rows = {f"landscape {b + 1}": versions[b, :7] for b in range(3)}
show(strips(rows, width=7.5),
     alt="Three grey landscapes, seven colourings of each: blue and orange skies, red and blue-grey "
     "roofs, the grass always green.")

# %% [markdown]
# Is each colour drawn as often as it should be? A pixel of a roof is red when its CIELAB a and b are those of
# the red roof *at this pixel's grey*, up to 14 units (less than half the distance of two modes, so that no
# pixel has two). A draw counts for a mode when more than half of the object's pixels have its colour. All
# other draws are *mixed*: a colour between two modes, or one half in this mode and one in that. No true
# landscape is.

# %% tags=["method"]
from skimage.color import rgb2lab

from jgm_lib.data.toy import OBJECTS, TOLERANCE, palette


def ab(rgb):
    """Colours (...,3) in [0,1] -> their CIELAB a and b (...,2)."""
    return rgb2lab(np.clip(rgb, 0, 1))[..., 1:]


def pixels_in_modes(x, labels, name):
    """How many pixels of an object are in each of its modes, and how many it has: x (3,S,S)."""
    pixels = x.double().numpy()[:, labels == OBJECTS.index(name)].T  # (m,3)
    wanted = ab(pixels.mean(1)[:, None, None] * palette()[name])  # (m,modes,2), at the same grey
    far = np.linalg.norm(ab(pixels)[:, None] - wanted, axis=-1)  # (m,modes)
    near = far.argmin(1)[far.min(1) <= TOLERANCE]  # a colour between two modes is in none
    return np.bincount(near, minlength=far.shape[1]), len(pixels)


def painted_in(x, labels, name):
    """The mode in which more than half of an object is painted; -1: mixed."""
    hits, total = pixels_in_modes(x, labels, name)
    return hits.argmax() if 2 * hits.max() > total else -1

# %%
table = lesson.mode_table(group, versions)  # the counts of all draws, with intervals
for name, counts in table.items():
    shown = visible(group.labels, name)  # landscapes that do not show the object are left out
    x, labels = versions[shown].flatten(0, 1), group.labels[shown].repeat_interleave(card.n, 0)
    found = np.array([painted_in(*one, name) for one in zip(x, labels, strict=True)])
    assert (found == mode_of(x, labels, name).numpy()).all()
    assert np.allclose(counts.shares, [np.mean(found == k) for k in (*range(len(counts.names) - 1), -1)])

# %% [markdown]
# The grey bars are the probabilities with which the landscapes were made, and so the exact answer; the
# blue bars count the draws. Eight draws of one landscape are not eight landscapes, so the bars of error come from drawing the
# *landscapes* anew ([bootstrap](../docs/glossary.md#bootstrap)). Where they all agree, as for a count of 0, that says nothing, and
# Wilson's interval of the single draws takes over (lesson 11).

# %%
show(lesson.mode_figure(table),
     alt="Pairs of bars for the modes of sky, hills, tree and roof: probability beside the drawn share, "
     "with error bars. The skies agree; about half of the hills, trees and roofs are mixed, where the "
     "palette has none; the brown roof is hardly ever drawn.")
print(lesson.counts_text(table))

# %% [markdown]
# A network trained for a few minutes paints large skies as it should. Of the small objects about half
# come out mixed: *mode mixing*, a colour that no roof has. And the brown roof (0.2) hardly ever comes: *mode
# dropping*, of the rarest mode first. PSNR would never tell.
#
# ## Spread against plausibility
#
# - **Spread**: the standard deviation of the versions in CIELAB a and b, averaged over pixels; and the
#   mean CIEDE2000 between two versions of a picture, over all pairs (exercise 1).
# - **Plausibility**: the share of pixels painted in a colour that their object can have, mixed ones
#   counting against it. Only ToyScenes know it exactly. Its interval is a bootstrap over landscapes.

# %% tags=["method"]
def deviation(versions):
    """How far K versions (K,3,H,W) disagree at each pixel, in CIELAB a and b: (H,W)."""
    points = ab(versions.movedim(1, -1).double().numpy())  # (K,H,W,2)
    return np.sqrt(points.var(0, ddof=1).sum(-1))


def plausibility(x, labels):
    """Share of the judged pixels of x (3,S,S) in a colour that their object can have."""
    hits, totals = zip(*(pixels_in_modes(x, labels, name) for name in OBJECTS), strict=True)
    return sum(h.sum() for h in hits) / sum(totals)

# %%
first, labels = versions[0], group.labels[0]
shares = [plausibility(x, labels) for x in first]
assert np.isclose(deviation(first).mean(), diversity(first).ab_std)
assert np.allclose(shares, admissible_share(first, labels.expand(card.n, -1, -1), per="pixel"))
print(f"landscape 1: spread {deviation(first).mean():.1f}, admissible", *(f"{s:.2f}" for s in shares))

# %% [markdown]
# Now of all landscapes, with both measures of spread. Beside our samplers: the exact draws, a colorizer that tints the whole picture at random, and the
# mean of all versions.

# %%
candidates = {"exact": group.exact(),
              f"split, {card.steps} NFE": versions,
              "split, 4 NFE": group.draw(steps=4, solver=card.solver),
              "nullspace": group.draw("nullspace", steps=card.steps),
              "random tint": group.tinted(),
              "mean": versions.mean(1, keepdim=True).expand_as(versions),
              "grey replica": group.y[:, None].expand_as(versions)}
measured = {name: group.measure(x) for name, x in candidates.items()}
print(lesson.text_table(measured))

# %%
show(lesson.spread_figure(measured),
     alt="Map of spread against share of admissible pixels. The exact draws are at the top at a middle "
     "spread, the samplers just below and a little to the right, the random tint far to the right at "
     "the bottom, the mean at spread zero and one half, the grey replica at zero and zero.")

# %% [markdown]
# The goal is not the right edge but the black dot: as much spread as the truth has, no more. The paper
# shows spread by pictures (Fig 8) and gives no number. A random tint has three times the spread of
# the truth.

# %% [markdown]
# ## The paper's three claims, as numbers
#
# Section IV.D says of the draws: *distinct styles*, *uniform and no overflow*, *high saturation*, and shows
# Fig 8. `jgm experiment diversity` puts a number to each:
#
# - Styles: how far two draws of a picture are apart (dE2000), pixel by pixel in CIELAB a and b, and in their
#   overall tone: the deviation of the *mean* colour from draw to draw. A picture whose pixels change at random has
#   no tone of its own.
# - [Overflow](../docs/glossary.md#overflow): the share of the colours' edges that lie where the photograph has none, minus the truth's.
# - Saturation: the sum of the draws' colourfulness over the truth's; 1 is as colourful as the truth.
#
# And beside them what keeps them honest: how many pixels are admissible, and how many of the modes K draws show.
# Exact draws show a mode of probability $p$ at least once with probability
#
# $$ 1 - (1 - p)^K \tag{c} $$
#
# Every method takes part at several temperatures: `lookahead` of split, the share $h$ of tempered Langevin (a
# smaller one is hotter), and `strength`, which multiplies the chroma of a finished draw. The file holds the
# command, the seeds, and the hashes of weights and pictures:

# %%
import json

from jgm_lib.experiments import diversity as experiment

found = json.loads((lesson.RESULTS / "diversity-toy-32.json").read_text(encoding="utf-8"))
assert found["weights"] == {"JGM": checkpoints.load("toy-32")[1]["sha256"]}  # of the weights that come with this
print(found["command"])
print(experiment.table(found["rows"]))

# %%
show(experiment.figure(found["rows"]),
     alt="Three panels of 13 numbered rows. Left, spread against admissible pixels: the exact draws at the top, "
     "the samplers a little below and to the right, other strengths far below. Middle: the overflow of all "
     "samplers is well above zero, least with tempered Langevin. Right: colourfulness near the truth's, "
     "except where the strength was changed.")

# %%
rows = {row["method"]: row for row in found["rows"]}
print("share of the modes seen in the draws, 95 % over landscapes, and what exact draws show on average by (c)")
for thing, c in rows["exact draws"]["coverage"].items():
    seen = {name: rows[name]["coverage"][thing]["seen"] for name in ("exact draws", "JGM, split", "JGM, tempered")}
    told = ("{} {:.2f} ({:.2f} to {:.2f})".format(name, *v) for name, v in seen.items())
    print(f"{thing:6s} {c['expected']:.2f}; " + ", ".join(told))

# %%
above = {pair["of"]: pair for pair in found["pairs"]}  # minus the exact draws, landscape by landscape
for name in ("JGM, split", "JGM, nullspace", "JGM, tempered", "JGM, authors, LSUN"):
    told = ("{} {:+.2f} ({:+.2f} to {:+.2f})".format(k, *above[name][k]) for k in ("spread", "tone", "overflow", "admissible"))
    print(f"{name}: " + ", ".join(told))

# %% [markdown]
# Claim by claim, on 32 landscapes with eight draws each (the authors' setting takes a thousand evaluations a draw,
# so on six landscapes only):
#
# - Distinct styles: **yes**. The draws are 13 to 14 units apart, the exact ones 11, so part of it is error and not
#   style. The tone tells them apart: it varies by 11 (split) to 13 (tempered), the exact draws' by 12.
# - No overflow: **no**. Beyond the truth's share, 14 to 19 in a hundred of the colours' edges lie where the landscape
#   has none; of exact draws, none. Tempered Langevin spills least, the authors' setting no less than the fast samplers.
# - High saturation: **yes**, 0.95 to 1.00 of the truth's. But that alone is cheap: `strength` 1.4 has 1.39 times the
#   truth's colour, and half of its pixels are in impossible colours.
#
# No temperature reaches the black dot of the exact draws. `lookahead` from 1 to 0 takes the spread from 13.7 to 12.5 and wins
# two admissible pixels in a hundred; a `strength` other than 1 loses a fifth and more. And eight draws show half of
# the modes of a roof, where exact draws show 0.92: more spread than the truth, and the rare brown still missing.
#
# On ten photographs (`scenes-64`, three draws each, `docs/results/diversity-scenes-64.json`) there is no answer key. The draws
# lie 9 (split), 7 (nullspace) and 5 units (tempered) apart, with 1.02 (0.84 to 1.19), 0.48 and 0.77 of the truth's colour,
# and 0.04 to 0.07 of the edges overflow. Too few pictures to rank them closely.

# %%
assert all(rows[f"JGM, {way}"]["overflow"][1] > 0.1 for way in ("split", "nullspace", "tempered", "authors, LSUN"))
assert all(0.9 < rows[f"JGM, {way}"]["saturation"][0] < 1.1 for way in ("split", "nullspace", "tempered"))
assert above["JGM, tempered"]["spread"][1] > 0 > above["JGM, split"]["tone"][2]
assert rows["JGM, split"]["coverage"]["roof"]["seen"][2] < rows["exact draws"]["coverage"]["roof"]["expected"]
photographs = json.loads((lesson.RESULTS / "diversity-scenes-64.json").read_text(encoding="utf-8"))
assert photographs["weights"] == {"JGM": checkpoints.load("scenes-64")[1]["sha256"]}
print(photographs["command"])
own = {row["method"]: row for row in photographs["rows"]}
for way, spread, colour in (("split", 8.8, 1.02), ("nullspace", 7.2, 0.48), ("tempered", 5.3, 0.77)):
    row = own[f"JGM, {way}"]
    assert np.allclose((row["spread"][0], row["saturation"][0]), (spread, colour), atol=0.05)
    assert 0.035 < row["overflow"][0] < 0.075

# %% [markdown]
# ## Why the mean wins in PSNR
#
# The paper's Eq 15 and 16:
#
# $$ PSNR(x, \hat x) = 20 \log_{10} \frac{\mathrm{Max}(\hat x)}{\|x - \hat x\|_2} \tag{15} $$
#
# $$ SSIM(x, \hat x) = \frac{(2\mu_x\mu_{\hat x} + c_1)(2\sigma_{x\hat x} + c_2)}
#    {(\mu_x^2 + \mu_{\hat x}^2 + c_1)(\sigma_x^2 + \sigma_{\hat x}^2 + c_2)} \tag{16} $$
#
# (15) as printed lacks a $\sqrt N$: the norm grows with the number of pixels, the PSNR must not. And the
# peak is the largest value a picture *can* have, 1, not the largest in $\hat x$. We use the standard
# $-10\log_{10}$ of the mean squared error. (16) is taken in windows of 7 x 7 pixels and averaged.
#
# For any draws $x_k$ with mean $\bar x$ and any truth $t$, with the mean over all pixels:
#
# $$ \frac1K\sum_k \|x_k - t\|^2 = \|\bar x - t\|^2 + \frac1K\sum_k \|x_k - \bar x\|^2 \tag{a} $$
#
# Averaged over the draws, a draw pays for its own spread and the mean does not. (A single lucky draw can
# be nearer to the truth than the mean; an oracle looks for it.) The price of the mean: colours between
# the modes. A sky between blue and orange is grey.

# %%
mean = versions.mean(1, keepdim=True).double()
error = (versions - group.truth[:, None]).double().square().mean()
of_mean = (mean - group.truth[:, None]).square().mean()
spread = (versions - mean).square().mean()
assert abs(error - of_mean - spread) < 1e-7
print(f"{error:.5f} = {of_mean:.5f} + {spread:.5f}")

# %% [markdown]
# How much does the mean gain? Let the truth and the $K$ draws be independent and from the same
# p(colour | grey), which varies by $V$ about its mean. Then a draw misses the truth by $V + V$, and the
# mean of $K$ draws by $V + V/K$:
#
# $$ \text{gain} = 10 \log_{10} \frac{2}{1 + 1/K} \;\text{dB} \tag{b} $$
#
# 0 dB for one draw, 2.5 for eight, and 3.0 at most. (b) compares squared errors averaged over many truths
# (the PSNRs below are logarithms picture by picture, so they differ by less). Draws that spread more
# than p(colour | grey) gain more, paler ones less, and an error that all draws share lowers the gain.

# %%
def gain(x, truth):
    """Error of a draw over that of the mean of the draws, dB: x (B,K,...), truth (B,...)."""
    x, truth = x.double(), truth.double()
    draw, of_mean = (x - truth[:, None]).square().mean(), (x.mean(1) - truth).square().mean()
    return float(10 * torch.log10(draw / of_mean))


noise = torch.randn(20_000, 65, generator=torch.Generator().manual_seed(card.seed))
for K in (1, 8, 64):  # a truth and K draws of one law
    print(f"K = {K:2d}: by (b) {10 * np.log10(2 / (1 + 1 / K)):.2f} dB, "
          f"numbers drawn from N(0, 1) {gain(noise[:, 1:K + 1], noise[:, 0]):.2f} dB")
gains = {name: gain(candidates[name], group.truth) for name in list(candidates)[:2]}
print(f"our {card.n} draws: " + ", ".join(f"{name} {g:.2f} dB" for name, g in gains.items()))

# %%
each = np.stack([psnr(versions[:, k], group.truth) for k in range(card.n)], 1)  # (landscapes, n)
best = versions[range(len(each)), each.argmax(1)]
single = [lesson.scores(versions[:, k], group.truth) for k in range(card.n)]
columns = {"grey replica": lesson.scores(group.y.expand(-1, 3, -1, -1), group.truth),
           "one draw": {key: np.mean([s[key] for s in single]) for key in single[0]},
           f"mean of {card.n}": lesson.scores(versions.mean(1), group.truth),
           f"oracle of {card.n}": lesson.scores(best, group.truth)}
print(lesson.score_table(columns))

# %%
show(strips({"one draw": versions[:7, 0], "mean": versions.mean(1)[:7], "truth": group.truth[:7]},
            width=7.5),
     alt="Seven landscapes in three rows: one draw each in full colours, the mean of all draws with "
     "greyish skies and brownish roofs, and the truth.")

# %% [markdown]
# Three columns, then, and never only one of them: the honest single draw, the mean, and the *oracle*, the
# best of K chosen with the truth in hand. The authors' code reports an oracle: the best over 1,000
# steps and 12 runs. It grows with K for any colorizer that varies, good or bad. Here is the expected
# best of k draws, over all choices of k of them (lesson 08); at k = 1 it is the honest number above:

# %%
from jgm_course.nb08.figures import expected_best

oracle = [np.mean([expected_best(scores, k) for scores in each]) for k in range(1, card.n + 1)]
print("expected best PSNR of k draws: " + "  ".join(f"{v:.1f}" for v in oracle))
assert np.isclose(oracle[0], columns["one draw"]["psnr"])
assert np.isclose(oracle[-1], columns[f"oracle of {card.n}"]["psnr"])
assert (np.diff(oracle) >= 0).all()

# %% [markdown]
# ## From consensus to adventurous: a photograph
#
# Without a truth we can still sort: the draw that is nearest to all the others on average is the
# *consensus*, the last one the most *adventurous*. `Colorizer` returns them in that order.

# %%
from jgm_lib.colorize import Colorizer
from jgm_lib.data import samples

colorizer = Colorizer.from_pretrained(card.photo_weights)
result = colorizer.colorize(samples.load(card.photo), n=card.n, seed=card.seed, steps=20)
small = [im.resize((200, round(200 * im.height / im.width))) for im in result.images]
first_and_last = [small[0], small[1], small[-2], small[-1]]
show(picture_row(first_and_last, ["consensus", "second", "last but one", "adventurous"], height=1.7),
     alt="Four colourings of one photograph, from the consensus of all versions on the left to the "
     "most adventurous on the right.")

# %%
x = result.samples.flatten(1).double()  # (n, 3hw), as the prior draws them
away = torch.cdist(x, x).sum(1) / (card.n - 1) / x.shape[1] ** 0.5  # RMS distance to the others
print("mean distance to the others:", *(f"{d:.3f}" for d in away))
assert (away.diff() > -1e-6).all()

# %% [markdown]
# Where do they disagree? The same deviation as above, pixel by pixel:

# %%
doubt = deviation(result.samples)
assert np.isclose(doubt.mean(), diversity(result.samples).ab_std)
show(lesson.doubt_figure(small[0].convert("L"), doubt),
     alt="The photograph in grey, and a map of how much its versions disagree: bright where the colour "
     "is open, dark where all versions agree.")
print(f"pairwise dE2000 {diversity(result.samples).delta_e:.1f}")

# %% [markdown]
# ## What to expect
# The spread of `split` is somewhat above that of the exact draws (about 15 units of dE2000 against 11), with
# nearly nine pixels in ten admissible; yet about half of the hills, trees and roofs are mixed. The mean of the
# draws has a PSNR about 0.6 dB above a single draw (2.4 dB in averaged errors) and fewer admissible pixels; the
# oracle of 8 has over 6 dB more, without a better colorizer.

# %%
one, mean_row = columns["one draw"], columns[f"mean of {card.n}"]
assert mean_row["psnr"] > one["psnr"] and mean_row["colour"] < one["colour"]
ours = measured[f"split, {card.steps} NFE"]
assert ours["admissible"] > measured["random tint"]["admissible"]
assert measured["exact"]["admissible"] > 0.99
if card == CARD():
    assert abs(gains["exact"] - 10 * np.log10(2 / (1 + 1 / card.n))) < 0.5
    assert table["roof"].shares[-1] > 0.3 > 0.05 > table["sky"].shares[-1]

# %% [markdown]
# ## Exercises
# **Exercise 1.** The spread of K versions: the mean of a distance over all pairs of *different* versions.

# %% tags=["solution"]
def mean_pairwise(versions, distance):
    """versions: a list; distance: a symmetric function of two of them. -> float, 0 for one version."""
    pairs = [(a, b) for i, a in enumerate(versions) for b in versions[:i]]
    return sum(distance(a, b) for a, b in pairs) / max(1, len(pairs))

# %%
from jgm_course.nb09.checks import check_mean_pairwise

check_mean_pairwise(mean_pairwise)

# %% [markdown]
# **Exercise 2.** PSNR as it is meant: correct both slips of Eq 15.

# %% tags=["solution"]
def true_psnr(x, truth):
    """x, truth: arrays of one shape with values from 0 to 1 -> dB."""
    return -10 * np.log10(np.mean((x - truth) ** 2))

# %%
from jgm_course.nb09.checks import check_true_psnr

check_true_psnr(true_psnr)

# %% [markdown]
# **Exercise 3.** Both terms of (a): the squared error of the mean, and the spread of the draws about it.

# %% tags=["solution"]
def decompose(draws, truth):
    """draws (K,N), truth (N,) -> (error of the mean, spread), means over N; their sum is the draws' error."""
    mean = draws.mean(0)
    return np.mean((mean - truth) ** 2), np.mean((draws - mean) ** 2)

# %%
from jgm_course.nb09.checks import check_decompose

check_decompose(decompose)

# %% [markdown]
# **Exercise 4.** Enter a colorizer of your own: greys and a seed each in, colours out, that keep the grey and the
# screen's range and hang on their seed alone. Then see where it lands on the map. (The answer here is a random tint.)

# %% tags=["solution"]
def my_colours(y, seeds):
    """y (B,1,S,S) in [0,1], seeds: B whole numbers -> colours (B,3,S,S) in [0,1] whose mean of R, G, B is y."""
    draws = [torch.randn(3, 1, 1, generator=torch.Generator().manual_seed(s)) for s in seeds]
    tint = torch.stack([t - t.mean() for t in draws])  # (B,3,1,1), sum 0: the grey stays
    return y + y * (1 - y) * tint / tint.abs().amax(1, keepdim=True)

# %%
from jgm_course.nb09.checks import check_my_colours

check_my_colours(my_colours)
contest = {name: measured[name] for name in ("exact", f"split, {card.steps} NFE")}
print(lesson.text_table({**contest, "my colours": group.measure(group.by(my_colours))}))

# %% [markdown]
# A network of yours enters the experiment too: train it, and
# `jgm experiment diversity --weights JGM=toy-32 --weights MINE=path/to/weights -o out` measures both.
#
# ## On your own
# - Set `solver = "ancestral"` ([ancestral](../docs/glossary.md#ancestral)) and `steps = 20`. Does the brown roof come more often? Are fewer roofs mixed?
# - Raise `n` to 32: which of the numbers change, and which should not?
# - Train your own [prior](../docs/glossary.md#prior) in lesson 04 and give it as `weights`.
#
# ## Further reading
# - Hong et al. 2020, Section IV.D and Fig 8
# - Hasler and Süsstrunk 2003, *Measuring colourfulness in natural images*
# - Blau and Michaeli 2018, *The perception-distortion tradeoff*

# %% tags=["status"]
print(json.dumps({"nfe": card.steps, "psnr": round(one["psnr"], 2),
                  "admissible": round(ours["admissible"], 3)}))
