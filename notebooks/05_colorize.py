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
# # 05 Colorize
#
# A grey photograph and a prior over colour pictures: how do colours come out that agree with both?
#
# ## What you will do
# - Colour real photographs and read an honest contact sheet.
# - Run Algorithm 1 (Eq 12 to 14) and watch it level by level.
# - Turn every knob of it in a live panel, and copy the settings as a card.
#
# ## What you will learn
# - What $\lambda_0$ weighs, what it cannot do, and when the chain diverges.
# - What the fusion of intensity and gradients does to noise.
# - What its noise levels need, and a step that meets them in a twentieth of the evaluations.
# - Why "the PSNR" of a colorizer can mean four different numbers.
#
# ## What you need
# - Time (CPU): about 20 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Study time: about 25 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/05_colorize.ipynb`
# - Before this: lessons 02 and 03; lesson 04 made such a prior

# %% tags=["parameters"]
pictures = ["china", "chelsea", "coffee", "astronaut"]  # inside installed packages, or toy-1, ...
out = "out"               # folder for the results
weights = "photos-64"     # prior: bundled name or path
sampler = "split"         # split, nullspace, predictor_corrector or langevin
gray = "mean"             # F: mean (Eq 18) or bt601 (Eq 19)
n = 3                     # colour versions a photograph
seed = 0
steps = 20                # noise levels of the fast samplers
lookahead = 1.0           # of split: 0 pale and safe, 1 the full variance of the posterior
lam = 1.0                 # lambda_0 of Eq 12
beta = 5.9                # Eq 14
sigma_1 = 1.0
sigma_L = 0.01
L = 10                    # noise levels of Algorithm 1
T = 8                     # steps a level (the paper's code: 100)
epsilon = 6.75e-5         # step size, 12.5 times the code's because T is 12.5 times smaller
feedback = "level"        # none, level, step or renoise

# %%
from jgm_course.errors import begin
from jgm_course.nb05.card import CARD

card = begin(CARD, globals())

# %%
from pathlib import Path

from jgm_course.nb05 import figures as lesson
from jgm_course.nb05 import tempering
from jgm_lib.figures import show
from jgm_lib.widgets import ColorizePanel, open_picture

names = lesson.available(card.pictures)
rows = list(lesson.colour_all(card, names, card.out))
print("\n".join(str(path) for row in rows for path in row.paths))

# %% [markdown]
# ## The contact sheet
#
# Truth, grey, then the versions in the order of typicality: *1* is the [consensus](../docs/glossary.md#consensus) of the draws, the
# last the most adventurous. A version is a draw from $p(\text{colour} \mid \text{grey})$, not a best
# guess, but an approximate one: the network is imperfect, and twenty steps are few: with `lookahead` 1 they
# keep 1.1 of the variance of a Gaussian known exactly, with 0.6 only 0.8, which is paler (lesson 06). The [prior](../docs/glossary.md#prior) has seen photographs of
# people, animals, rooms, food and landscapes: it has an opinion about skies, fur and skin, and can only
# guess at a cup or a suit. ΔE is CIEDE2000 (about 1 is just visible), C the colourfulness
# (0 is grey): a colorizer that plays safe shows there.

# %%
sheet = lesson.contact_sheet(rows, width=420)
path = Path(card.out) / "contact_sheet.png"
sheet.save(path)
print(path)
show(lesson.contact_sheet(rows, width=168), jpeg=84,
     alt="Contact sheet: a row for each photograph with the truth, the grey photograph and its colour "
     "versions, and under each its PSNR, colour difference and colourfulness.")

# %% [markdown]
# Whatever the colours are, graying them gives the photograph back. That is Eq 1, the only thing we
# know for sure:
#
# $$ y = F x + n, \qquad n = 0 \tag{1} $$

# %%
for row in rows:
    worst = max(float((lesson.read(p).mean(0) - row.result.y[0]).abs().max()) for p in row.paths)
    print(f"{row.name}: graying a written file differs by {255 * worst:.2f} of 255 levels at most")
    assert card.gray != "mean" or worst < 1 / 255

# %% [markdown]
# ## The method in one drawing (Fig 3)
#
# Above, what lesson 04 did. Below, what happens now: start from noise, take Langevin steps along the
# learned [score](../docs/glossary.md#score) while the photograph pulls, and at the end of each level fuse intensity and gradients.

# %%
show(lesson.pipeline_figure(),
     alt="Two chains of boxes. Above, learning the prior: colour picture, joint tensor with gradients, "
     "noise added, network, score. Below, colouring: noise, consistency with the grey photograph, Langevin "
     "step, fusion, colour. A dashed way leads back from the Langevin step, T times a level; a dotted one "
     "from the fusion, once a level.", dpi=90)

# %% [markdown]
# ## Algorithm 1
#
# The Langevin step of lesson 02, with one more force (the paper's Eq 10 and 11 disagree on the step
# size; this is the form of 11):
#
# $$ X \leftarrow X + \frac{\alpha_i}{2}\big[ s_\theta(X, \sigma_i) - \lambda\, DC(X) \big]
#    + \sqrt{\alpha_i}\, z, \qquad \alpha_i = \epsilon\,\frac{\sigma_i^2}{\sigma_L^2} \tag{12} $$
#
# The paper gives no number for $\lambda$, $\epsilon$, $\beta$, the levels or $T$. Those used here are
# from the authors' published code: $\sigma$ from 1 to 0.01 in $L = 10$ levels, $T = 100$ steps each,
# $\epsilon/2 = 2.7 \cdot 10^{-6}$ (LSUN) or $1.557 \cdot 10^{-5}$ (COCO), $\beta = 5.9$, and a $\lambda$ that
# follows the level: $\lambda = \lambda_0/\sigma_i^2$ with $\lambda_0 = 1$.
#
# Why not one fixed $\lambda$? Per step the photograph's pull is $(\alpha_i/2)\lambda$ times the error. With
# $\lambda_0/\sigma_i^2$ that is $(\epsilon/2)\lambda_0/\sigma_L^2$ on every level. A fixed $\lambda$ pulls like
# $\sigma_i^2$, 10,000 times weaker on the last level than on the first: either the first level
# overshoots, or the last one no longer feels the photograph. And a noisy photograph is worth
# $1/\sigma_i^2$ (below), so a fixed $\lambda$ is right on one level at most.
#
# The force says how far the state is from the photograph, in all three groups of channels. $F$ acts
# on colours and $\nabla$ on space, so $F \nabla x = \nabla F x$: the gradients of $y$ are functions of $y$.
# They tell nothing new about the picture, but they tell each gradient group what its own grey is:
#
# $$ DC(X) = \begin{bmatrix} F x - y \\ F \nabla_1 x - \nabla_1 y \\ F \nabla_2 x - \nabla_2 y
#    \end{bmatrix} \text{, each copied to its three channels} \tag{13} $$
#
# (The authors' code stacks $[x, \nabla_2 x, \nabla_1 x]$, horizontal before vertical, with the colours in the
# order BGR; ours is $[x, \nabla_1 x, \nabla_2 x]$ in RGB. Their weights need their order.)
#
# After the $T$ steps of a level, intensity and gradients, which the network denoised side by side,
# become one picture:
#
# $$ \min_x \|x - x_t\|^2 + \beta \big( \|\nabla_1 x - g_1\|^2 + \|\nabla_2 x - g_2\|^2 \big)
#    \tag{14} $$

# %%
photo = open_picture(names[0])
reel = lesson.film(card, photo)
print(f"{len(reel.trace)} network evaluations, RMS |Fx - y| at the end "
      f"{reel.trace[-1]['residual']:.1e}")

# %% [markdown]
# Fig 4, on our photograph: the picture at the end of every level, and one of its gradient channels.
# At large $\sigma$ there is only noise; shapes come from the photograph, colours from the prior,
# large areas first.

# %%
show(lesson.film_figure(reel), dpi=66,
     alt="Film strip of Algorithm 1, ten noise levels from left to right: pure noise turns into the "
     "photograph in colour; below, the vertical colour gradient emerges in the same way.")

# %% [markdown]
# ## What $\lambda_0$ weighs
#
# First a word for what $F$ leaves open. $F^+ y = f y/\|f\|^2$, the pseudo-inverse, is the smallest colour
# picture whose grey is $y$. Under Eq 18 it is the grey picture $(y, y, y)$; under Eq 19 it is coloured,
# $(0.67, 1.31, 0.24)\,y$. All pictures with that grey are $F^+ y$ plus something from the *null space* of
# $F$, the colours $c$ with $F c = 0$. The photograph fixes the first part and never speaks of the second.
#
# Noise a picture that obeys the photograph: $F\tilde x \sim N(y, \|f\|^2\sigma^2)$, so
# $\nabla \log p(y \mid \tilde x) = -F^+ (F\tilde x - y)/\sigma^2$, and for $f = (1,1,1)/3$ that is
# minus Eq 13 over $\sigma^2$. So $\lambda_0 = 1$ *is* Bayes' rule, if the prior is flat where it matters.
# Is it? For a [luma](../docs/glossary.md#luma) with prior $N(0, S)$ the drift is linear and everything can be computed:
#
# $$ \text{mean} = y\,\frac{\lambda_0/\sigma^2}{1/(S+\sigma^2) + \lambda_0/\sigma^2}, \qquad
#    \text{variance} = \frac{1}{1/(S+\sigma^2) + \lambda_0/\sigma^2} \tag{a} $$
#
# Right would be mean $y$ and variance $\sigma^2$. At small $\sigma$ both are right for $\lambda_0 = 1$. At
# large $\sigma$ the network, which sees luma and [chroma](../docs/glossary.md#chroma) under the same noise, pulls the luma to its mean
# as if the photograph were not there: the mean stays short. A larger $\lambda_0$ repairs the mean and
# spoils the variance. No $\lambda_0$ repairs both; clean luma does (below).

# %%
# NBVAL_CHECK_OUTPUT
S = 0.06  # variance of the luma of ordinary photographs, standard deviation 0.25
for s in (1.0, 0.3, 0.1, 0.01):
    pairs = [lesson.luma_balance(S, s, weight) for weight in (0.5, 1.0, 2.0, 10.0)]
    print(f"sigma {s:4}: mean/y, variance/sigma^2 ", *(f"{m:.2f} {v:.2f} |" for m, v in pairs))

# %%
import numpy as np

show(lesson.balance_figure(S, (1.0, 0.1, 0.01), np.geomspace(0.1, 50, 60)),
     alt="Left, the mean of the luma as a share of the photograph's against lambda_0: it rises to one, "
     "and later for large noise. Right, the variance over sigma squared: it falls below one as "
     "lambda_0 grows.")

# %% [markdown]
# ### The bound
#
# One step multiplies an error of the luma by $1 - n\,\big(\sigma^2/(S+\sigma^2) + \lambda_0\big)$ with
# $n = (\epsilon/2)/\sigma_L^2$ on every level: the score takes the first part away, the photograph the
# second. Where the luma hardly varies beside the noise ($S \ll \sigma^2$: all of it on the first levels,
# fine detail on the last) both act in full, whatever `feedback` says. From 2 on a step overshoots by more
# than the error it corrects, so the sampler checks before it starts:
#
# $$ (1 + \lambda_0)\,\frac{\epsilon}{2 \sigma_L^2} < 2 \tag{b} $$
#
# The end would not show a divergence. On the last levels $S \gg \sigma^2$ for most of the luma, which brings
# the chain back, and the projection puts the grey right in any case. So the sampler also watches
# RMS $|FX - Y|$ in every step.

# %%
# NBVAL_CHECK_OUTPUT
for number in (0.5, 1.0, 1.9, 2.1):
    print(f"{number}: error after 0, 1, 2, 20 steps", *lesson.pull_back(number, 20)[[0, 1, 2, 20]].round(3))

# %%
# NBVAL_CHECK_OUTPUT
from jgm_lib.errors import JGMError
from jgm_lib.noise import check_stability, stability_number

print(f"the parameters above as written: {stability_number(6.75e-5, 0.01, 1.0):.4f}")
try:
    check_stability(6.75e-5, 0.01, 20.0)
except JGMError as error:
    print(error)

# %% [markdown]
# ## The fusion as noise shaping
#
# At the end of a level $x_t$ and $g$ carry independent noise $\sigma$, the gradients $\sigma/s$ after
# unscaling ($s$ is `gradient_scale`). Eq 14 averages them: what the gradients know well (fine detail)
# comes from them, the rest from the intensity. It multiplies the noise's standard deviation by the
# numbers below; $\beta = s^2$ is best. At the authors' half scale with their $\beta = 5.9$ the
# [fusion](../docs/glossary.md#fusion) *adds* noise; our weights store gradients at full scale, where 5.9 is harmless.

# %%
# NBVAL_CHECK_OUTPUT
from jgm_lib.fusion import fusion_noise_gain

for scale in (0.5, 1.0):
    gains = [fusion_noise_gain(b, scale, 64, 64, "periodic") ** 0.5 for b in (0.25, 1.0, 5.9)]
    print(f"gradient_scale {scale}: beta 0.25, 1, 5.9 ->", *(f"{g:.3f}" for g in gains))

# %% [markdown]
# `feedback` decides what happens with the fused picture: `none` keeps nine free chains and fuses once
# at the end (like the authors' code, which fuses *before* it adds the last step's noise and then clips to
# [0, 1]; ours takes the whole step of Eq 12, fuses by Eq 14 and projects), `level` re-stacks the gradients in every step and fuses once a level
# (Algorithm 1), `step` fuses in every step (the text of Section III.C), `renoise` fuses the denoised
# estimate and adds fresh noise, so that the network sees noise of the kind it was trained on.
#
# ## Split noise: let the network see the photograph
#
# The trouble with $\lambda_0$ was that the photograph, which we know exactly, is put under noise. Give
# the luma channels their own noise $\sigma_y$ and let $\sigma_y \to 0$: the chroma score becomes
# $\nabla \log p_\sigma(\text{colour} \mid y)$, and there is nothing left to constrain. The sheet above
# was made that way (`sampler = "split"`); lesson 06 proves it.
#
# There is a second reason why the sheet is better than Algorithm 1's picture, and it has a price. In
# split mode this network also looks at the photograph: its grey at twice the side, and the features of a
# small network that was trained to name what is in a picture. It recognizes a cat or a meadow and
# knows their colours. That part is *supervised*: it learned colours with photographs beside them, for
# this one task. The paper's prior $p(X)$ never sees a photograph, and one prior serves any task. With the
# same noise on all nine channels our network gets no such context and is the paper's prior. Same weights,
# same photograph:

# %%
traces = {"Algorithm 1, 1 version": reel.trace,
          f"{card.sampler}, mean of {card.n}": rows[0].result.trace}
show(lesson.trace_figure(traces),
     alt="Noise level, distance to the photograph and PSNR against network evaluations: the fast "
     "sampler ends after a few evaluations and is consistent all the way, Algorithm 1 needs many and "
     "becomes consistent only as the noise goes.")

# %% [markdown]
# ## Well tempered
#
# Can Algorithm 1 itself do better, with the prior untouched? Song and Ermon 2020 say what annealing
# needs: a first level as wide as two pictures lie apart (here: the chroma of two photographs),
# neighbouring levels that overlap, and enough steps for a level to end with its own noise,
#
# $$ \frac{v_T}{\sigma_i^2} = (1-h)^{2T} \Big(\frac{\sigma_{i-1}^2}{\sigma_i^2} - v_*\Big) + v_*, \qquad
#    v_* = \frac{2}{2-h}, \qquad h = \frac{\epsilon}{2\sigma_L^2} \tag{c} $$
#
# where $h$ is how far a step goes towards the denoised picture. The authors' hundred steps do end
# right, this lesson's eight do not; and both jump between levels that hardly overlap: nine channels of
# 64 by 64 pixels have noise shells so thin that hundreds of levels are needed.

# %%
# NBVAL_CHECK_OUTPUT
from jgm_lib.ladder import levels_needed, overlapping_ratio
from jgm_lib.noise import level_overlap

ratio = 100 ** (1 / 9)  # of the ten levels from 1 to 0.01
for T_, epsilon_ in ((100, 5.4e-6), (8, 6.75e-5)):
    print(f"T {T_}: a level ends with {tempering.level_ends(T_, epsilon_, 0.01, ratio):.3f} sigma")
print(f"overlap of the ten levels: {level_overlap(ratio, 1.0, 9 * 64**2):.2f}")
print("levels from 20 to 0.01 that overlap by a half:", levels_needed(20.0, 0.01, overlapping_ratio(9 * 64**2)))

# %% [markdown]
# Jolicoeur-Martineau et al. 2020 found the cheaper way: do not wait until a level has settled, add
# just the noise that is missing. A step keeps $1-h$ of the noise in chroma and, where the photograph
# pulls as well, $1 - h(1+\lambda_0)$ in luma. Independent noise adds in squares, so
#
# $$ X \leftarrow X + h\big(\hat x - X - \lambda_0 F^+(FX - Y)\big)
#    + \sqrt{\sigma'^2 - (1-h)^2\sigma^2}\; z_\text{chroma}
#    + \sqrt{\sigma'^2 - (1-h-h\lambda_0)^2\sigma^2}\; z_\text{luma} \tag{d} $$
#
# arrives at the next level $\sigma'$ exactly, in one evaluation; $\hat x$ is the denoised state with the
# photograph put in. It is the drift of Eq 12 with other noise, and it needs $1-h \le \sigma'/\sigma$:
# noise can be added, not taken away. The last step returns $\hat x$.

# %% tags=["method"]
import torch


def tempered_step(denoise, X, seen, sigma, sigma_next, h, lam, z):
    """From noise sigma to sigma_next: X, z (B,9,H,W); ``seen``: the photograph, an Observation."""
    clean = seen.project(denoise(X, sigma))  # (B,9,H,W), its luma is the photograph's
    pull = seen.pull(X)  # Eq 13
    kept_chroma, kept_luma = (1 - h) * sigma, (1 - h * (1 + lam)) * sigma
    z_luma = seen.seen_part(z)  # F^+ F z
    fresh = (sigma_next**2 - kept_chroma**2) ** 0.5 * (z - z_luma)
    fresh = fresh + (sigma_next**2 - kept_luma**2) ** 0.5 * z_luma
    return X + h * (clean - X - lam * pull) + fresh

# %%
from jgm_lib.samplers import consistent_step

check = tempering.small_case(seed=0)
z = check.noise().normal(check.X)
mine = tempered_step(check.denoise, check.X, check.seen, 1.0, 0.8, 0.5, 1.0, z)
theirs = consistent_step(check.estimate, check.X, check.seen, 1.0, 0.8, 0.5, 1.0, check.noise())
assert torch.allclose(mine, theirs, atol=1e-6)

# %% [markdown]
# `presets.tempered(n)` makes a setting for $n$ evaluations: $n$ levels from 20 to 0.01, $h = 0.9$,
# $\lambda_0 = 1/h - 1$ (luma noise all new in each step). C is the colourfulness.

# %%
from jgm_lib.samplers import presets

assert card.model_copy(update=presets.tempered(50)).consistent
shown = tempering.tempered_pictures(card, photo, reel, 50)
show(tempering.tempered_figure(shown), dpi=90,
     alt="Five pictures in a row: the grey photograph, the truth, Algorithm 1 as run above with rainbow "
     "stains, the well-tempered run in calm and pale colours, and the split sampler's version.")

# %% [markdown]
# The rainbows are gone. Two things remain, and no setting takes them away. $h$ is a *temperature*:
# with many levels the chain keeps $1 - h/2$ of the [posterior](../docs/glossary.md#posterior)'s variance (tested), so $h = 0.9$ is
# nearer the mean and paler than a true draw, and part of its PSNR is that pallor. And the network
# still reads the photograph through noise while colours are decided, so it cannot know what it will
# see later: that is what [split noise](../docs/glossary.md#split-noise) repairs.

# %% [markdown]
# ## Which PSNR?
#
# - **Grey replica**: no colour at all, the photograph three times. Any colorizer must be read beside it.
# - **One version**: what a user gets. The honest figure.
# - **Mean of n**: close to the best guess in mean square, and the palest picture.
# - **Best of n**, chosen with the truth: an *oracle*. The authors' code reports the best over all
#   steps and twelve runs.

# %%
columns = lesson.psnr_columns(rows)
for name, values in columns.items():
    print(f"{name:20}", "  ".join(f"{v:6.2f}" for v in values), "dB")
assert np.less_equal(columns["one version"], columns["best of n (oracle)"]).all()

# %% [markdown]
# Averaged over the draws, the mean square error of a draw is that of their mean plus the spread. (A
# single draw can be better than the mean; that is what the [oracle](../docs/glossary.md#oracle) finds.) Between exact draws and the
# mean of $K$ of them lie $10 \log_{10}(2/(1 + 1/K))$ dB, 1.8 for three and 3.0 at most (lesson 09); paler
# draws pay less. Diversity costs PSNR, which is why PSNR alone rewards dull pictures.

# %%
for row in rows:
    draw, mean, spread = lesson.error_and_spread(row.result)
    print(f"{row.name}: error of a draw on average {draw:.5f} = of the mean {mean:.5f} + spread {spread:.5f}")
    assert abs(draw - mean - spread) < 1e-5

# %% [markdown]
# ## Turn the knobs
#
# Drag a slider: a sketch follows your hand, the full picture comes when it rests. A slider ends where the
# bound (b) says that the chain would diverge, and moves on when another gives it room. *Stop* stops and
# marks the picture as unfinished; *Keep as A* puts this run beside the next. The
# trace below shows $\sigma$ and RMS $|Fx-y|$. Try a photograph of your own. "Copy these settings as a
# card" gives YAML that `papermill` and `ColorizeCard` read back.

# %%
settings = card.model_copy(update={"sampler": "langevin", "n": 1, "L": 8, "T": 4, "epsilon": 1.2e-4})
panel = ColorizePanel(settings, picture=names[0])
result = panel.run_sync()
panel

# %%
show(panel.snapshot(), jpeg=88,
     alt="The panel's picture as a still: the grey photograph and the truth at the left, the version "
     "by Algorithm 1 large, and below the traces of noise level, consistency and PSNR.")

# %%
import yaml

from jgm_lib.params import ColorizeCard

assert ColorizeCard(**yaml.safe_load(panel.card_text)) == panel.card
print(*panel.card_text.splitlines()[:6], sep="\n")

# %% [markdown]
# ## What to expect
#
# The file names, the contact sheet and its numbers. The mean of three has a smaller error than one
# version; where colours are anybody's choice (a cup, a suit), a version can fall behind the grey
# replica: colour is a risk, and PSNR punishes it. The distance to the photograph ends at rounding level for every
# sampler, checked here:

# %%
assert reel.trace[-1]["residual"] < 1e-4
assert all(row.result.trace[-1]["residual"] < 1e-4 for row in rows)

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** Write Eq 13. `X` (B,9,H,W) holds $x$, $\nabla_1 x$, $\nabla_2 x$ with three colours
# each, side by side; `Y` (B,3,H,W) holds $y$, $\nabla_1 y$, $\nabla_2 y$; `f` (3,) the graying.

# %% tags=["solution"]
def data_consistency(X, Y, f):
    """How far each group of three colours is from its grey, for every channel: (B,9,H,W)."""
    B, C, H, W = X.shape
    error = (X.view(B, 3, 3, H, W) * f.view(1, 1, 3, 1, 1)).sum(2) - Y
    return error.repeat_interleave(3, dim=1)

# %%
from jgm_course.nb05.checks import check_data_consistency

check_data_consistency(data_consistency)

# %% [markdown]
# **Exercise 2.** Solve the bound (b) for the largest step size.

# %% tags=["solution"]
def largest_epsilon(lam, sigma_L):
    """The epsilon at which Algorithm 1 is about to diverge."""
    return 4 * sigma_L**2 / (1 + lam)

# %%
from jgm_course.nb05.checks import check_largest_epsilon

check_largest_epsilon(largest_epsilon)

# %% [markdown]
# **Exercise 3.** Given the PSNR of every version of every picture, report the honest figure and the
# oracle.

# %% tags=["solution"]
def honest_and_oracle(psnr):
    """psnr (versions, pictures) as a tensor -> (honest mean, oracle mean), in dB."""
    return psnr.mean(), psnr.max(0).values.mean()

# %%
from jgm_course.nb05.checks import check_honest_and_oracle

check_honest_and_oracle(honest_and_oracle)

# %% [markdown]
# ## On your own
#
# - The budget of the authors' code: `T = 100`, `epsilon = 5.4e-6`. About a minute a photograph. What does it
#   buy over `T = 8`, and over twenty evaluations of `split`?
# - In the panel, choose a toy scene and `feedback = none`, then `step`. Which has the calmer skies? The
#   preset *tempered Algorithm 1* sets all knobs at once: what do 145 evaluations buy?
# - Let $\lambda_0$ go to 0, then as far as its slider goes. Which part of the picture changes, and at which
#   level? How small must $\epsilon$ be until the panel offers $\lambda_0 = 10$?
# - Upload a grey photograph of your family. Which colours do you believe?
#
# ## Further reading
#
# - Hong et al. 2020, *Joint Intensity-Gradient Guided Generative Modeling for Colorization*, III.C.
# - Song and Ermon 2019 (arXiv 1907.05600): annealed Langevin dynamics.
# - Song and Ermon 2020 (arXiv 2006.09011): levels and steps; Jolicoeur-Martineau et al. 2020
#   (arXiv 2009.05475): consistent annealed sampling.
# - Batzolis et al. 2021 (arXiv 2111.13606): two noise speeds.
# - Blau and Michaeli 2018 (arXiv 1711.06077): why the best PSNR is not the best picture.

# %% tags=["status"]
import json

print(json.dumps({"nfe": len(reel.trace) + sum(r.result.nfe for r in rows) + result.nfe,
                  "psnr": round(float(np.mean(columns["one version"] or [0])), 2),
                  "psnr_grey": round(float(np.mean(columns["grey replica"] or [0])), 2)}))
