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
# # 06 Fast samplers
#
# The authors' code asks the network 1,000 times for one picture. The same weights can do it in 20. Where do
# the other 980 go?
#
# ## What you will do
# - Look at what the network knows when the photograph itself is under noise, and when it is not.
# - Find out why Algorithm 1 paints rainbows, by changing one thing at a time.
# - Check with an exact Gaussian prior that clean luma gives the score of p(colour | grey).
# - Follow the variance of several samplers step by step, without drawing a single picture.
# - Draw the quality / NFE curve on landscapes whose right colours are known.
#
# ## What you will learn
# - NFE, the number of network evaluations, is the price of a sample.
# - *Split noise* needs no constraint term: its score is the posterior's, up to the network's errors.
# - How much fresh noise a step may add, and why a constant share of it fades colours.
# - What re-stacked noise does to a network that was trained on independent noise.
#
# ## What you need
# - Time (CPU): about 20 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Before this: lessons 02 and 04

# %% tags=["parameters"]
seed = 0
weights = "toy-32"            # prior of the landscapes: bundled name or path
photo_weights = "scenes-64"   # prior of the photograph
photo = "china"               # a photograph inside an installed package
scenes = 8                    # landscapes a row of the table
T = 6                         # steps a level of Algorithm 1 (the paper's code: 100)
nfe = [3, 5, 10, 20]          # evaluations of the quality curve

# %%
from jgm_course.errors import begin
from jgm_course.nb06.card import CARD

card = begin(CARD, globals())

# %%
import torch

from jgm_course.nb06 import figures as lesson
from jgm_lib import checkpoints
from jgm_lib.figures import picture_row, show

model, about = checkpoints.load(card.weights)
bench = lesson.Bench(model, card.scenes, card.seed, about["size"])
print(f"{card.weights}: {about['steps']} training steps at {about['size']} pixels")

# %% [markdown]
# ## Why a thousand
#
# Algorithm 1 noises all nine channels alike. At $\sigma = 1$ the network sees the colours through
# noise, as it must, but the photograph too, although we know it exactly. The consistency term (Eq 13)
# pulls the state back to $y$ a little in every step; it cannot make the network *see* $y$.
#
# And there is a second handicap. The network was trained with independent noise on its nine channels.
# Algorithm 1 *re-stacks*: before every step it replaces the gradients by those of the noisy picture. Then
# their noise is $\nabla(\sigma z)$, twice the variance and nothing but a function of the picture's own.
#
# Below, three guesses from one evaluation each: all nine channels noisy, the same re-stacked, and the
# luma clean.

# %%
x = bench.batch.images[:4]
guessed = lesson.guesses(model, x, 1.0, card.seed) | {"truth": x}
rows = [torch.cat(list(g), -1).clamp(0, 1) for g in guessed.values()]
show(picture_row(rows, list(guessed), height=0.75),
     alt="Guesses for four landscapes from colours under strong noise: luma noisy and re-stacked, both pale "
     "and blurred; luma clean, colours that follow the edges of the objects; the truth.", dpi=110)

# %%
sigmas = [0.03, 0.1, 0.2, 0.4, 0.8, 1.6, 4.0]
errors = lesson.chroma_errors(model, bench.batch.images, sigmas, card.seed)
grey_error = float((bench.y - bench.batch.images).square().mean().sqrt())
show(lesson.error_figure(sigmas, errors, grey_error),
     alt="Error of the guessed colours against the chroma noise: all curves rise. The one with clean luma "
     "lies well below the one with noisy luma between 0.1 and 2; the re-stacked one lies above both at "
     "small noise. All stay below the grey line of no colour at all.")
assert sum(errors["luma clean"]) < sum(errors["luma noisy"]) < sum(errors["re-stacked"])

# %% [markdown]
# Part of the re-stacked error has to be: three measurements have become one. The rest is a network that
# takes them for three and believes in grain that it sees three times. One step forgives that; a chain
# feeds on it, as we shall see.

# %% [markdown]
# ## Split noise is the score of p(colour | grey), exactly
#
# Rotate the colour axis: one luma channel $u$ that the photograph tells us, two chroma channels $c$
# that it does not (in each of the groups $x$, $\nabla_1 x$, $\nabla_2 x$). Give $u$ the noise
# $\sigma_y$ and $c$ the noise $\sigma$. The joint density factors, and the first factor has no $c$ in it:
#
# $$ \nabla_{\tilde c} \log p(\tilde u, \tilde c)
#    = \nabla_{\tilde c} \log p(\tilde u) + \nabla_{\tilde c} \log p(\tilde c | \tilde u)
#    = \nabla_{\tilde c} \log p(\tilde c | \tilde u)
#    \;\to\; \nabla_{\tilde c} \log p_\sigma(\tilde c | u) \quad (\sigma_y \to 0) \tag{a} $$
#
# So a network trained with split noise gives the conditional score in its chroma channels. There is
# nothing to constrain and no $\lambda_0$ to choose. Two noise speeds are from Batzolis et al. 2021
# (arXiv 2111.13606); a clean condition is also SR3 and Palette (Saharia et al.). New here is only to
# join them with the paper's channels in one network.
#
# Checked on a Gaussian prior of 2 x 2 pictures, where both sides are matrix formulas: the left one
# from the joint denoiser with luma noise $\sigma_y$, the right one from the Schur complement.

# %%
# NBVAL_CHECK_OUTPUT
rat = lesson.gaussian_rat(seed=0)
levels = [0.3, 0.1, 0.03, 0.01, 0.003, 0.001]
error = lesson.luma_noise_error(rat, 0.2, levels)
for sigma_y, e in zip(levels, error, strict=True):
    print(f"sigma_y {sigma_y:5.3f}   relative error {e:.1e}")
print(f"slope at the end {lesson.slope(levels[-2:], error[-2:]):.2f}")

# %% [markdown]
# The error falls as $\sigma_y^2$: at our $\sigma_y = 0.002$ it is far below what any network can learn.
#
# **The price**, plainly: the split part learned from pairs (grey, colour) of one graying $F$. The
# paper's prior knows nothing of $F$ and serves any; ours serves another $F$ only approximately
# (lesson 10). The 30 % of the training with equal noise keeps the paper's way open on the same weights.
#
# ## From one noise level to the next
#
# All fast samplers share one step. Denoise, $\hat x = D(X, \sigma)$; read off the noise the network
# saw, $\hat\epsilon = (X - \hat x)/\sigma$; go to $\sigma' < \sigma$ with part of it and part fresh $z$:
#
# $$ X' = \hat x + \sqrt{\sigma'^2 - \sigma_{up}^2}\;\hat\epsilon + \sigma_{up}\, z, \qquad
#    \sigma_{up} = \eta\,\sigma' \sqrt{1 - \sigma'^2/\sigma^2} \tag{b} $$
#
# $\eta = 0$ follows the probability-flow ODE, $\eta = 1$ is ancestral sampling. `nullspace` puts the
# known grey part into $\hat x$ before it steps (DDNM and DDRM do so too); `split` does not need to.

# %%
from jgm_lib.noise import karras_sigmas

print([round(s, 3) for s in karras_sigmas(10)])

# %% [markdown]
# ## How much variance survives
#
# For a Gaussian $N(0, S)$ the exact denoiser is $x\,S/(S+\sigma^2)$, every step multiplies the state
# by a number and adds fresh noise, and the variance at the end is a product: no sampling error. Chroma
# has a standard deviation of about 0.1, so $S = 0.01$.
#
# DDRM and DDNM add a *constant share* of fresh noise, $\sigma_{up} = \eta\sigma'$. With ever more
# steps that does not converge to the truth but keeps only $(1 + \sqrt{1 - \eta^2})/2$ of the variance,
# half of it at $\eta = 1$: paler colours and less diversity, however long you wait.

# %%
# NBVAL_CHECK_OUTPUT
many = karras_sigmas(2000, 10.0, 1e-4)
for eta in (0.0, 0.5, 0.85, 1.0):
    kept = lesson.kept_variance(many, 0.01, "constant", eta)
    formula = (1 + (1 - eta**2) ** 0.5) / 2
    assert abs(kept - formula) < 0.01
    ours = lesson.kept_variance(many, 0.01, "ancestral", eta)
    print(f"eta {eta:4.2f}   constant share {kept:.2f} (formula {formula:.2f})   ours {ours:.2f}")

# %% [markdown]
# Few steps lose variance too, for another reason: each step is a straight line on a curved path. Two
# remedies. Heun's method looks at the slope at both ends of a step and takes the mean (two
# evaluations). The multistep rule (DPM-Solver++ 2M, Lu et al. 2022) remembers the last estimate and
# extrapolates (still one evaluation).

# %%
kept = lesson.few_steps(0.01, [6, 10, 20, 40, 80, 160])
show(lesson.variance_figure(kept),
     alt="Share of the variance kept against evaluations: ancestral and Euler rise slowly towards 1, "
     "multistep is close to 1 much earlier, Heun starts far above 1 and reaches it at about 40, the "
     "constant share of fresh noise stays below one half.")

# %%
# NBVAL_CHECK_OUTPUT
for name, (evaluations, values) in kept.items():
    print(f"{name:16s} {evaluations[2]} NFE {values[2]:.2f}   {evaluations[3]} NFE {values[3]:.2f}")

# %% [markdown]
# A sampler may take the multistep rule by a share, `lookahead`: `scenes-64` is measured with 0.6, so its
# versions are paler and lie closer together than draws from the posterior. Twenty evaluations keep:

# %%
# NBVAL_CHECK_OUTPUT
for share in (0.0, 0.6, 1.0):
    value = lesson.kept_variance(karras_sigmas(20, 60.0), 0.01, "multistep", lookahead=share)
    print(f"lookahead {share}: {value:.2f} of the variance")

# %% [markdown]
# ## The same weights, seven samplers
#
# The bench colours the same landscapes with each. *Admissible* is the share of pixels painted in a
# colour that their object can have (grass green; a roof red, slate or brown; a mixture of two counts
# against it), with a 95 % interval from a bootstrap over the landscapes. *dE2000* is the colour
# difference of one draw to the truth (it punishes a brown roof where the truth was red), *colour* the
# colourfulness over the truth's. The quick setting takes fewer and larger steps than Algorithm 1's code;
# the `laptop` card takes all 1,000.

# %%
chain = dict(T=card.T, epsilon=5.4e-6 * 100 / card.T)
rows = {"grey replica": bench.grey(),
        "Algorithm 1": bench.run("langevin", feedback="level", **chain),
        "nine free chains": bench.run("langevin", feedback="none", **chain),
        "fresh noise a level": bench.run("langevin", feedback="renoise", **chain),
        "nullspace": bench.run("nullspace", steps=20),
        "split, ancestral": bench.run("split", steps=20, solver="ancestral"),
        "split, multistep": bench.run("split", steps=20, solver="multistep"),
        "split, Heun": bench.run("split", steps=10, solver="heun")}
print(lesson.table(rows))

# %%
from jgm_course.strips import strips

shown = [k for k in rows if k not in ("split, multistep", "split, Heun")]
pictures = {f"{name} ({rows[name]['nfe']})": rows[name]["x"][:6] for name in shown}
show(strips(pictures | {"truth": bench.batch.images[:6]}, width=7.5),
     alt="Seven rows of the same six landscapes: grey, Algorithm 1, nine free chains, fresh noise, nullspace, "
     "split ancestral, truth. Algorithm 1 has rainbow grain in the skies, the next two have calm skies; "
     "split has clean colours inside the objects' edges, though not always those of the truth.")

# %% [markdown]
# ## Where the rainbows come from
#
# Four of the rows differ in one thing at a time:

# %%
causes = {"re-stacked every step (level)": rows["Algorithm 1"],
          "nine free chains (none)": rows["nine free chains"],
          "fused, fresh noise (renoise)": rows["fresh noise a level"],
          "clean luma (split)": rows["split, ancestral"]}
show(lesson.shares_figure(causes),
     alt="Share of admissible pixels with intervals, four rows: re-stacked far below the others at about "
     "two thirds; free chains, fresh noise and clean luma follow each other closely from 0.8 to 0.9.")

# %% [markdown]
# In the first three rows the luma is as noisy as the chroma, so noisy luma cannot be what sets the first
# apart. The chain that is not re-stacked paints no rainbows; nor does `renoise`, which fuses intensity and
# gradients as well but then adds independent noise to all nine channels, the kind that the network was
# trained on. So the re-stacked noise is to blame (only `step`, which fuses in every step, is left as a
# question below). What noisy luma costs is at most the last gap, from `renoise`
# to `split`, and there the intervals overlap.
#
# More steps make it worse, not better: every step feeds on the last one's grain. On these eight landscapes
# re-stacking falls from 0.69 at $T = 6$ to 0.62 at $T = 20$ and 0.60 at the code's $T = 100$, while the free
# chains stay at 0.82, 0.82 and 0.84.

# %% [markdown]
# ## Quality against evaluations

# %%
curves = lesson.quality_curves(bench, card.nfe)
curves["langevin"] = [rows["Algorithm 1"]]
show(lesson.quality_figure(curves),
     alt="Left: share of pixels in an admissible colour against evaluations. Split is high from 5 on, "
     "nullspace a little lower, Heun starts near zero and catches up at 20, Algorithm 1 lies below "
     "all of them at far more evaluations. Right: colourfulness over the truth's, near 1 for all "
     "but Heun, which overshoots below 9 evaluations.")

# %% [markdown]
# The exact variances foretold it: Heun with few steps overshoots and paints garish noise.

# %% [markdown]
# ## And a photograph, in 20 evaluations

# %%
from jgm_lib.colorize import Colorizer
from jgm_lib.data import samples

photo_of = samples.load(card.photo)
colorizer = Colorizer.from_pretrained(card.photo_weights)
result = colorizer.colorize(photo_of, n=3, seed=card.seed, steps=20)
smaller = [im.resize((240, round(240 * im.height / im.width)))
           for im in (photo_of.convert("L"), *result.images[:2], photo_of)]
show(picture_row(smaller, ["grey", "version 1", "version 2", "truth"], height=1.8),
     alt="The photograph in grey, two colourings of it drawn with 20 evaluations, and the original.")

# %% [markdown]
# ## What to expect
# With 20 evaluations `split` paints nearly nine pixels in ten in an admissible colour; Algorithm 1 about
# two thirds, and fewer with more steps. Free chains and `renoise` reach 0.82 to 0.86 at the same price.
# `nullspace` comes close to `split` on these simple scenes. Between 10 and 20 evaluations little is
# gained. With eight landscapes the intervals are what counts, not the third digit, and the colour
# difference depends on how many skies happened to match the truth.

# %%
split20, algorithm1 = rows["split, ancestral"], rows["Algorithm 1"]
assert split20["nfe"] == 20 and algorithm1["nfe"] == 10 * card.T
assert split20["admissible"] > algorithm1["admissible"]
assert split20["delta_e"] < rows["grey replica"]["delta_e"]
if card == CARD():
    restacked, free, fresh, clean = (r["interval"] for r in causes.values())
    assert restacked[1] < min(free[0], fresh[0], clean[0])

# %% [markdown]
# ## Exercises
# **Exercise 1.** How much fresh noise may a step add? (b), so that the noise level after the step is
# $\sigma'$ for any $\eta$ from 0 to 1.

# %% tags=["solution"]
def fresh_noise(sigma, sigma_next, eta):
    """sigma_up of (b), and the amount of the old noise that is kept: two floats."""
    up = eta * sigma_next * (1 - (sigma_next / sigma) ** 2) ** 0.5
    return up, (sigma_next**2 - up**2) ** 0.5

# %%
from jgm_course.nb06.checks import check_fresh_noise

check_fresh_noise(fresh_noise)

# %% [markdown]
# **Exercise 2.** For a Gaussian, p(colour | grey) in two lines: the conditional mean and covariance
# of $c$ given $u$ (the Schur complement).

# %% tags=["solution"]
def conditional(m_u, m_c, C_uu, C_cu, C_cc, u):
    """Mean (n,) and covariance (n,n) of c given u; numpy arrays, C_cu = cov(c, u)."""
    gain = np.linalg.solve(C_uu, C_cu.T).T
    return m_c + gain @ (u - m_u), C_cc - gain @ C_cu.T

# %%
import numpy as np

from jgm_course.nb06.checks import check_conditional

check_conditional(conditional)

# %% [markdown]
# **Exercise 3.** One Heun step of $dx/d\sigma = (x - D(x, \sigma))/\sigma$ from $\sigma$ to $\sigma' > 0$.

# %% tags=["solution"]
def heun(x, sigma, sigma_next, D):
    """D: function of (x, sigma). Returns x at sigma_next after two evaluations of D."""
    slope = (x - D(x, sigma)) / sigma
    ahead = x + (sigma_next - sigma) * slope
    slope_ahead = (ahead - D(ahead, sigma_next)) / sigma_next
    return x + (sigma_next - sigma) * (slope + slope_ahead) / 2

# %%
from jgm_course.nb06.checks import check_heun

check_heun(heun)

# %% [markdown]
# ## On your own
# - Run with the `laptop` card: Algorithm 1 with its 1,000 evaluations. How far does it come?
# - `feedback="step"` re-stacks too, but fuses in every step. Put it on the bench: what does it do to the
#   rainbows, and what to dE2000?
# - `predictor_corrector` with 10 levels and one correction also costs 20. Put it on the bench.
# - Start `split` at `sigma_max=1` instead of 10, the bench's value (`jgm colorize` takes 60). When does it
#   become too low?
# - `solver="multistep", lookahead=1` is what `jgm colorize` takes; 0.6 lies between ancestral (0) and the whole
#   second-order term (1). Which of the bench's numbers pays for the colour?
#
# ## Further reading
# - Batzolis et al. 2021, *Conditional image generation with score-based diffusion models* (arXiv 2111.13606)
# - Karras et al. 2022 (arXiv 2206.00364), Algorithms 1 and 2
# - Kawar et al. 2022, *Denoising diffusion restoration models*; Wang et al. 2022, *Zero-shot image
#   restoration using denoising diffusion null-space model*

# %% tags=["status"]
import json

print(json.dumps({"nfe": sum(r["nfe"] for r in rows.values()),
                  "admissible": round(split20["admissible"], 3)}))
