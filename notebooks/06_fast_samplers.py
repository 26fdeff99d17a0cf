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
# - Time (CPU): about 25 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Study time: about 25 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/06_fast_samplers.ipynb`
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
import numpy as np
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
# noise, as it must, but the photograph too, although we know it exactly. The [consistency](../docs/glossary.md#consistency) term (Eq 13)
# pulls the state back to $y$ a little in every step; it cannot make the network *see* $y$.
#
# And there is a second handicap. The network was trained with independent noise on its nine channels.
# Algorithm 1 *re-stacks*: before every step it replaces the gradients by those of the noisy picture. Then
# their noise is $\nabla(\sigma z)$: twice the variance, and nothing but a function of the picture's own.
#
# Below, three guesses from one evaluation each: all nine channels noisy, the same re-stacked, and the
# [luma](../docs/glossary.md#luma) clean. The known grey is put in afterwards, so that only the colours differ.

# %%
from jgm_lib.constraint import Observation
from jgm_lib.joint import join
from jgm_lib.noise import SeededNoise
from jgm_lib.operators import from_basis, gray_weights, to_basis

x, f = bench.batch.images, gray_weights()
X = join(x, model.gradient_scale)  # (B,9,H,W)
photo = Observation(bench.y, f).within(model.domain)  # F X = Y, Y (B,3,H,W) = [y, grad y]


def guess(noisy, sigma, sigma_y=None):
    """The pictures (B,3,H,W) that one evaluation makes of the noisy state (B,9,H,W)."""
    with torch.no_grad():
        return photo.project(model.denoise(noisy, sigma, sigma_y))[:, :3]


# %%
z = SeededNoise(range(len(X))).normal(X)
U = to_basis(z)
U[:, 0::3] = 0  # no noise on the luma of a group
z_chroma = from_basis(U)


# %%
def three_guesses(sigma):
    noisy = X + sigma * z
    return {"luma noisy": guess(noisy, sigma),
            "re-stacked": guess(join(noisy[:, :3], model.gradient_scale), sigma),
            "luma clean": guess(X + sigma * z_chroma, sigma, 0.002)}


# %%
shown = {name: g[:4] for name, g in three_guesses(1.0).items()} | {"truth": x[:4]}
rows = [torch.cat(list(g), -1).clamp(0, 1) for g in shown.values()]
show(picture_row(rows, list(shown), height=0.75),
     alt="Guesses for four landscapes from colours under strong noise: luma noisy and re-stacked, both pale "
     "and blurred; luma clean, colours that follow the edges of the objects; the truth.", dpi=110)

# %%
def rms(guessed):
    return float((guessed - x).square().mean().sqrt())


sigmas = [0.03, 0.1, 0.2, 0.4, 0.8, 1.6, 4.0]
found = [three_guesses(sigma) for sigma in sigmas]
errors = {name: [rms(g[name]) for g in found] for name in found[0]}

# %%
show(lesson.error_figure(sigmas, errors, rms(bench.y)),
     alt="Error of the guessed colours against the chroma noise: all curves rise. The one with clean luma "
     "lies well below the one with noisy luma between 0.1 and 2; the re-stacked one lies above both at "
     "small noise. All stay below the grey line of no colour at all.")
assert sum(errors["luma clean"]) < sum(errors["luma noisy"]) < sum(errors["re-stacked"])

# %% [markdown]
# What does the network dislike about re-stacked noise: that it is too loud, or that it hangs together? Each
# alone, and one more: the *fused* picture (Eq 14) re-stacked. Fusing averages the picture with its
# gradients' own account of it, so its noise is smaller when it arrives in the gradients.

# %%
sigma, s = 0.1, model.gradient_scale
noisy = X + sigma * z
again = join(noisy[:, :3], s)  # what Algorithm 1 shows to the network
stretch = (again - X)[:, 3:].std() / (noisy - X)[:, 3:].std()  # root 2 at s = 1
kinds = {"independent": noisy,
         "only louder": torch.cat([noisy[:, :3], X[:, 3:] + stretch * (noisy - X)[:, 3:]], 1),
         "only dependent": torch.cat([again[:, :3], X[:, 3:] + (again - X)[:, 3:] / stretch], 1),
         "re-stacked": again,
         "fused, re-stacked": join(model.domain.picture(noisy, 5.9), s)}

# %%
wrong = {name: rms(guess(state, sigma)) for name, state in kinds.items()}
for name, state in kinds.items():
    print(f"{name:18s} noise of the gradients {(state - X)[:, 3:].std() / sigma:.2f} sigma   error {wrong[name]:.4f}")
if card == CARD():
    assert max(wrong, key=wrong.get) == "re-stacked"
    assert wrong["independent"] < min(wrong["only louder"], wrong["only dependent"])

# %% [markdown]
# Both. Part of the error has to be: three measurements have become one. The rest is a network that takes
# them for three and believes in grain that it sees three times. One step forgives that; a chain feeds on
# it, as we shall see.

# %% [markdown]
# ## Split noise is the score of p(colour | grey), exactly
#
# Rotate the colour axis: one luma channel $u$ that the photograph tells us, two [chroma](../docs/glossary.md#chroma) channels $c$
# that it does not (in each of the groups $x$, $\nabla_1 x$, $\nabla_2 x$). Give $u$ the noise
# $\sigma_y$ and $c$ the noise $\sigma$. The joint density factors, and the first factor has no $c$ in it:
#
# $$ \nabla_{\tilde c} \log p(\tilde u, \tilde c)
#    = \nabla_{\tilde c} \log p(\tilde u) + \nabla_{\tilde c} \log p(\tilde c | \tilde u)
#    = \nabla_{\tilde c} \log p(\tilde c | \tilde u)
#    \;\to\; \nabla_{\tilde c} \log p_\sigma(\tilde c | u) \quad (\sigma_y \to 0) \tag{a} $$
#
# So a network trained with split noise gives the conditional [score](../docs/glossary.md#score) in its chroma channels. There is
# nothing to constrain and no $\lambda_0$ to choose. Two noise speeds are from Batzolis et al. 2021
# (arXiv 2111.13606); a clean condition is also SR3 and Palette (Saharia et al.). New here is only to
# join them with the paper's channels in one network.
#
# Checked on a Gaussian [prior](../docs/glossary.md#prior) of 2 x 2 pictures, where both sides are matrix formulas: the left one
# from the joint [denoiser](../docs/glossary.md#denoiser) with luma noise $\sigma_y$, the right one from the Schur complement.

# %%
rat = lesson.gaussian_rat(seed=0)
gen = torch.Generator().manual_seed(1)
m_u, m_c, *_ = lesson.blocks(rat)
u = m_u + 0.1 * torch.randn(4, generator=gen, dtype=torch.float64)
c = m_c + 0.2 * torch.randn(8, generator=gen, dtype=torch.float64)

# %%
# NBVAL_CHECK_OUTPUT
sigma, levels, error = 0.2, [0.3, 0.1, 0.03, 0.01, 0.003, 0.001], []
mean, cov = lesson.given_luma(rat, u)  # the Schur complement, exercise 2
right = -torch.linalg.solve(cov + sigma**2 * torch.eye(8), c - mean)
for sigma_y in levels:
    state = from_basis(torch.cat([u, c]).view(1, 3, 2, 2))  # the luma as clean as it is
    left = to_basis(rat.denoise(state, sigma, sigma_y) - state).flatten()[4:] / sigma**2
    error.append(float((left - right).norm() / right.norm()))
    print(f"sigma_y {sigma_y:5.3f}   relative error {error[-1]:.1e}")
slope = np.diff(np.log(error))[-1] / np.diff(np.log(levels))[-1]
print(f"slope at the end {slope:.2f}")

# %% [markdown]
# The error falls as $\sigma_y^2$: at our $\sigma_y = 0.002$ it is far below what any network can learn.
#
# **The price**, plainly: the split part learned from pairs (grey, colour) of one graying $F$. The
# paper's prior knows nothing of $F$ and serves any; ours serves another $F$ only approximately
# (lesson 10). The third of the training with equal noise keeps the paper's way open on the same weights.
#
# ## From one noise level to the next
#
# All fast samplers share one step. Denoise, $\hat x = D(X, \sigma)$; read off the noise the network
# saw, $\hat\epsilon = (X - \hat x)/\sigma$; go to $\sigma' < \sigma$ with part of it and part fresh $z$:
#
# $$ X' = \hat x + \sqrt{\sigma'^2 - \sigma_{up}^2}\;\hat\epsilon + \sigma_{up}\, z, \qquad
#    \sigma_{up} = \eta\,\sigma' \sqrt{1 - \sigma'^2/\sigma^2} \tag{b} $$
#
# $\eta = 0$ follows the probability-flow ODE, $\eta = 1$ is [ancestral](../docs/glossary.md#ancestral) sampling. The levels are spaced
# evenly in $\sigma^{1/7}$ (Karras et al. 2022), and the last step goes to 0, that is to $\hat x$.

# %%
from jgm_lib.noise import karras_sigmas

levels = karras_sigmas(10)
print([round(s, 3) for s in levels])

# %% [markdown]
# ### The split sampler, whole
#
# The state's luma is the photograph's from the start and never gets noise. Denoise, put the grey in once
# more (the network's estimate misses it by a little), step by (b), fresh noise on the chroma alone. Here
# $F$ is the mean of the three colours (Eq 18), so putting the grey in means to exchange the mean. First the
# noise, two numbers a group and pixel in the rotated basis, drawn in the library's order:

# %%
def chroma_source(like, noise):
    """A function that draws chroma noise (B,9,H,W), no luma in it, in the order of ``split``."""
    def draw():
        U = like.new_zeros(len(like), 9, *like.shape[2:])
        U[:, [1, 2, 4, 5, 7, 8]] = noise.normal(U[:, :6])
        return from_basis(U)
    return draw


# %% tags=["method"]
def put_in(X, Y):
    """The nearest state to X (B,9,H,W) with F X = Y (B,3,H,W), one grey a group."""
    colours = X.unflatten(1, (3, 3))  # (B, group, colour, H, W)
    return (colours - colours.mean(2, keepdim=True) + Y.unsqueeze(2)).flatten(1, 2)


def step(X, answer, clean, sigma, after, z):
    """(b) with eta = 1; ``answer``: the network's, ``clean``: with the grey put in."""
    up = after * (1 - (after / sigma) ** 2) ** 0.5
    return clean + (after**2 - up**2) ** 0.5 * (X - answer) / sigma + up * z


def split_by_hand(model, y, levels, chroma_noise):
    """One colour picture (B,3,H,W) for each grey picture y (B,1,H,W)."""
    Y = join(y, model.gradient_scale)  # y and its two gradients
    X = put_in(levels[0] * chroma_noise(), Y)
    for sigma, after in zip(levels, levels[1:], strict=False):
        clean = put_in(model.denoise(X, sigma, sigma_y=0.002), Y)
        X = step(X, clean, clean, sigma, after, chroma_noise())
    return X[:, :3]


# %% [markdown]
# The library's `split` ends by shrinking colours that left [0, 1]. So do we, and compare:

# %%
from jgm_lib.constraint import fit_gamut
from jgm_lib.samplers import SAMPLERS
from jgm_lib.settings import compared

with torch.no_grad():
    y = bench.y[:2]
    mine = split_by_hand(model, y, levels, chroma_source(y, SeededNoise(range(len(y)))))
    settings = compared("split", steps=10, solver="ancestral")  # the levels above
    *_, end = SAMPLERS["split"](model, Observation(y, f), SeededNoise(range(len(y))), **settings)
torch.testing.assert_close(fit_gamut(mine, y), end.x, rtol=0, atol=1e-4)

# %% [markdown]
# ### The null-space sampler
#
# `nullspace` needs no network trained with [split noise](../docs/glossary.md#split-noise): all nine channels carry $\sigma$, and the known grey
# is put into every estimate (DDNM and DDRM do so too). Two lines differ: the noise is on everything, and
# the noise that was seen, $(X - \hat x)/\sigma$, is that of the network's own answer.

# %% tags=["method"]
def nullspace_by_hand(model, y, levels, noise):
    """One colour picture (B,3,H,W) for each grey picture y (B,1,H,W); noise(): (B,9,H,W)."""
    Y = join(y, model.gradient_scale)
    z = noise()
    X = levels[0] * z + put_in(torch.zeros_like(z), Y)
    for sigma, after in zip(levels, levels[1:], strict=False):
        answer = model.denoise(X, sigma)
        X = step(X, answer, put_in(answer, Y), sigma, after, noise())
    return X[:, :3]


# %%
with torch.no_grad():
    source = SeededNoise(range(len(y)))
    mine = nullspace_by_hand(model, y, levels, lambda: source.normal(X[:len(y)]))
    noise, settings = SeededNoise(range(len(y))), compared("nullspace", steps=10)
    *_, end = SAMPLERS["nullspace"](model, Observation(y, f), noise, **settings)
torch.testing.assert_close(fit_gamut(mine, y), end.x, rtol=0, atol=1e-4)

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
def kept_variance(levels, S, fresh):
    """Share of the variance S left at the end of a chain; fresh(sigma, after): sigma_up of a step."""
    variance = S + levels[0] ** 2
    for sigma, after in zip(levels, levels[1:], strict=False):
        up = fresh(sigma, after)
        shrink = S / (S + sigma**2)  # the exact denoiser
        old = (after**2 - up**2) ** 0.5 / sigma  # what stays of the noise that was seen
        variance = (shrink + old * (1 - shrink)) ** 2 * variance + up**2
    return variance / S


# %%
# NBVAL_CHECK_OUTPUT
many = karras_sigmas(2000, 10.0, 1e-4)
for eta in (0.0, 0.5, 0.85, 1.0):
    constant = kept_variance(many, 0.01, lambda s, t, eta=eta: eta * t)
    formula = (1 + (1 - eta**2) ** 0.5) / 2
    assert abs(constant - formula) < 0.01
    ours = kept_variance(many, 0.01, lambda s, t, eta=eta: eta * t * (1 - (t / s) ** 2) ** 0.5)
    assert abs(ours - lesson.kept_variance(many, 0.01, "ancestral", eta)) < 1e-9
    print(f"eta {eta:4.2f}   constant share {constant:.2f} (formula {formula:.2f})   ours {ours:.2f}")

# %% [markdown]
# Few steps lose variance too, for another reason: each step is a straight line on a curved path. Two
# remedies. Heun's method looks at the slope at both ends of a step and takes the mean (two
# evaluations). The [multistep](../docs/glossary.md#multistep) rule (DPM-Solver++ 2M, Lu et al. 2022) remembers the last estimate and
# extrapolates (still one evaluation).

# %%
n = [6, 10, 20, 40, 80, 160]
rules = {"ancestral": ("ancestral", 1.0), "ODE, Euler": ("ancestral", 0.0), "multistep": ("multistep", 1.0),
         "constant share": ("constant", 1.0)}
kept = {name: (n, [lesson.kept_variance(karras_sigmas(k), 0.01, *rule) for k in n])
        for name, rule in rules.items()}

# %%
heun = [lesson.kept_variance(karras_sigmas(k // 2), 0.01, "heun") for k in n]
kept["ODE, Heun"] = ([k - 1 for k in n], heun)  # two evaluations a step, one in the last
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
# versions are paler and lie closer together than draws from the [posterior](../docs/glossary.md#posterior). Twenty evaluations keep:

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
# against it), with a 95 % interval from a [bootstrap](../docs/glossary.md#bootstrap) over the landscapes. *dE2000* is the colour
# difference of one draw to the truth (it punishes a brown roof where the truth was red), *colour* the
# colourfulness over the truth's. The quick setting takes fewer and larger steps than Algorithm 1's code;
# the `laptop` card takes all 1,000.

# %%
chain = dict(T=card.T, epsilon=5.4e-6 * 100 / card.T)
rows = {"grey replica": bench.grey(),
        "Algorithm 1": bench.run("langevin", feedback="level", **chain),
        "nine free chains": bench.run("langevin", feedback="none", **chain),
        "fused every step": bench.run("langevin", feedback="step", **chain),
        "fresh noise a level": bench.run("langevin", feedback="renoise", **chain),
        "nullspace": bench.run("nullspace", steps=20),
        "split, ancestral": bench.run("split", steps=20, solver="ancestral"),
        "split, multistep": bench.run("split", steps=20, solver="multistep"),
        "split, Heun": bench.run("split", steps=10, solver="heun")}
print(lesson.table(rows))

# %%
from jgm_course.strips import strips

pictures = {f"{name} ({rows[name]['nfe']})": rows[name]["x"][:6]
            for name in ("grey replica", "Algorithm 1", "nullspace", "split, ancestral")}
show(strips(pictures | {"truth": x[:6]}, width=7.5),
     alt="Five rows of the same six landscapes: grey, Algorithm 1, nullspace, split ancestral, truth. "
     "Algorithm 1 has rainbow grain in the skies; nullspace has calm skies; split has clean colours "
     "inside the objects' edges, though not always those of the truth.")

# %% [markdown]
# ## Where the rainbows come from
#
# Five of the rows differ in one thing at a time. How is the joint state treated from step to step?
#
# | `feedback` | before each step | at the end of a level | noise the network sees |
# |---|---|---|---|
# | `level` (Algorithm 1) | gradients of the noisy picture | fuse | louder, dependent |
# | `none` (the authors' code) | nothing | nothing | independent |
# | `renoise` | nothing | fuse, fresh noise | independent |
# | `step` (text of III.C) | fuse, then the gradients of that | nothing more | quieter, dependent |

# %%
causes = {"level": rows["Algorithm 1"], "none": rows["nine free chains"],
          "renoise": rows["fresh noise a level"], "step": rows["fused every step"],
          "split": rows["split, ancestral"]}
show(lesson.causes_figure(causes),
     alt="Five rows of six landscapes, each with its share of admissible pixels and interval at the right. "
     "level: rainbow grain in sky and grass, far below the others at about two thirds. none, renoise and "
     "step: calm areas, all between 0.8 and 0.9. split: clean, nearly 0.9.")

# %% [markdown]
# In the first four rows the luma is as noisy as the chroma, so noisy luma cannot be what sets the first
# apart. Without [re-stacking](../docs/glossary.md#re-stacking) (`none`, `renoise`) there are no rainbows, although `renoise` fuses at the end of
# each level as `level` does. And re-stacking *after* fusing (`step`) does no harm: above, it was the unfused
# picture whose noise came out too loud. Fuse less, and the rainbows come back: the share of `step` is 0.82 at
# $\beta = 0.25$, 0.70 at 0.05, and 0.59 at 0. So it is that noise, louder and dependent, which the network never
# saw in training, that paints rainbows.
#
# What noisy luma costs is at most the last gap, from `renoise` to `split`, and there the intervals overlap.
# (Do not rank the four by the table's colour differences: they hang on how many skies matched the truth.)
#
# More steps make it worse, not better: every step feeds on the last one's grain. On these eight landscapes
# re-stacking falls from 0.69 at $T = 6$ to 0.62 at $T = 20$ and 0.60 at the code's $T = 100$, while the free
# chains stay at 0.82, 0.82 and 0.84, and `renoise` at 0.86, 0.87 and 0.86.

# %% [markdown]
# ## Quality against evaluations

# %%
curves = {"split": [bench.run("split", steps=n, solver="ancestral") for n in card.nfe],
          "split, multistep": [bench.run("split", steps=n, solver="multistep") for n in card.nfe],
          "split, Heun": [bench.run("split", steps=(n + 1) // 2, solver="heun") for n in card.nfe],
          "nullspace": [bench.run("nullspace", steps=n) for n in card.nfe],
          "langevin": [rows["Algorithm 1"]]}

# %%
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
     alt="The photograph in grey, two colourings of it drawn with 20 evaluations, and the original.", dpi=64)

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
    restacked, *others = (r["interval"] for r in causes.values())
    assert restacked[1] < min(low for low, _ in others)
    assert causes["renoise"]["interval"][1] > causes["split"]["interval"][0]

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
# - Draw the share of `feedback="step"` against `beta`, and beside it the noise of the gradients over $\sigma$ after
#   the fusion. Where does the first stop rising?
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
