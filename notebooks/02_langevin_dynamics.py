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
# # 02 Langevin dynamics
#
# A score tells at every point where the data become more likely. How do we draw samples with it? Go a
# little uphill, shake, repeat. This lesson shows that the recipe is right, that it fails as soon as the
# data have separate modes, and how a ladder of noise levels repairs it, with the modes counted.
#
# ## What you will do
# - Run Eq 10 and Eq 11 on a bell curve and find that they aim at different laws
# - Choose the step: bias, patience and the edge of stability, each with its formula
# - Watch one noise level get the weights of three modes wrong, and annealing get them right
# - Turn the knobs $\sigma_1$, $L$ and $T$ and measure what each one costs
# - Draw a film strip in the manner of Fig 4, from noise to a coloured scene
#
# ## What you will learn
# - what a chain of finite length still remembers of its start
# - why the largest noise must be as large as the distance between the modes
# - that the score alone does not know how heavy far modes are; only the large noise levels do
#
# ## What you need
# - Time (CPU): about 15 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Study time: about 25 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/02_langevin_dynamics.ipynb`
# - Before this: lesson 01 (what a score is)

# %% tags=["parameters"]
seed = 0  # seed of everything random
chains = 2000  # chains run side by side on the plane
sigma_1 = 4.0  # largest noise level of the annealed chains
sigma_L = 0.05  # smallest noise level
L = 20  # number of noise levels
T = 100  # steps a level
ratio = 0.2  # step alpha/sigma^2 of Eq 11; stable below 4
size = 32  # side of the pictures of the film strip, pixels

# %%
from jgm_course.errors import begin
from jgm_course.nb02.card import CARD

card = begin(CARD, globals())

# %%
import itertools
import math

import numpy as np
import torch

from jgm_course import mixture, plots, stats
from jgm_lib.data.toy import PALETTE, ToyScenes
from jgm_lib.errors import JGMError
from jgm_lib.figures import show
from jgm_lib.metrics import psnr
from jgm_lib.noise import check_stability, sigma_ladder, step_sizes

torch.set_num_threads(1)  # small sums: threads only cost
torch.set_default_dtype(torch.float64)
default = card == CARD()  # what is asserted about random numbers holds for the default setting

# %% [markdown]
# ## Uphill and shaken
#
# The paper introduces Langevin dynamics as
#
# $$ X_{t+1} \leftarrow X_t + \alpha\, \nabla_X \log p(X_t) + \sqrt{\alpha}\, z_t, \qquad z_t \sim N(0, I) \tag{10} $$
#
# and one paragraph later, with a network for the [score](../docs/glossary.md#score), as
#
# $$ X_{t+1} \leftarrow X_t + \frac{\alpha_i}{2}\, s_\theta(X_t, \sigma_i) + \sqrt{\alpha_i}\, z_t \tag{11} $$
#
# The two differ by a factor two in the drift. They cannot both be right. Take $p = N(0,1)$, whose score
# is $-x$: one step multiplies $x$ by $1 - \alpha/2$ (Eq 11) or $1 - \alpha$ (Eq 10) and adds variance
# $\alpha$. A variance that stays the same under one step obeys $v = (1-\frac\alpha2)^2 v + \alpha$, hence
#
# $$ v_{11} = \frac{1}{1 - \alpha/4}, \qquad v_{10} = \frac{1}{2 - \alpha}. $$
#
# For small steps Eq 11 tends to variance 1, as it should; Eq 10 tends to 1/2. In general it samples from
# $p^2$, normalized: too sharp, too sure of itself. **Slip of the paper: use Eq 11**, as Algorithm 1 does.


# %%
def run(x, score, alpha, steps, g, drift=0.5):
    """Langevin steps of size alpha; drift 1/2 is Eq 11, drift 1 is Eq 10."""
    for _ in range(steps):
        z = torch.randn(x.shape, generator=g)
        x = x + drift * alpha * score(x) + math.sqrt(alpha) * z
    return x


# %%
def bell(x):
    """The score of N(0,1)."""
    return -x


g = torch.Generator().manual_seed(seed)
eq11 = run(torch.randn(20_000, generator=g), bell, 0.1, 200, g)
eq10 = run(torch.randn(20_000, generator=g), bell, 0.1, 200, g, drift=1.0)
for got, law in ((eq11.var(), 1 / (1 - 0.1 / 4)), (eq10.var(), 1 / (2 - 0.1))):
    assert abs(got / law - 1) < 5 * math.sqrt(2 / 20_000)  # five standard errors

# %%
# NBVAL_CHECK_OUTPUT
print(f"variance aimed at with alpha 0.1: Eq 11 {1 / (1 - 0.1 / 4):.4f}, Eq 10 {1 / (2 - 0.1):.4f}")

# %%
t = torch.linspace(-4, 4, 300)
fig, axis = plots.panels(1, 1, 5.0, 2.8)
for k, (name, sample, v) in enumerate((("Eq 11", eq11, 1.0), ("Eq 10", eq10, 0.5))):
    style = plots.line(k)
    axis.hist(sample, 60, density=True, histtype="step", label=f"{name}, 20,000 chains", **style)
    axis.plot(
        t, torch.exp(-(t**2) / (2 * v)) / math.sqrt(2 * math.pi * v), color="0.3", linewidth=0.8
    )
axis.set(xlabel="x", title="thin lines: p (wide) and p² normalized (narrow)", xlim=(-4, 4))
axis.legend(fontsize=8)
show(
    fig,
    "Two histograms. That of Eq 11 follows the standard bell curve; that of Eq 10, dashed, is "
    "taller and narrower and follows the bell of half the variance.",
)

# %% [markdown]
# ## Choosing the step
#
# The formula for $v_{11}$ shows the price of a large step: the chain is too wide by $\alpha/4$. The price
# of a small one is patience. After $t$ steps from variance $v_0$
#
# $$ v_t = v_{11} + (v_0 - v_{11})\Big(1 - \frac{\alpha}{2}\Big)^{2t}, $$
#
# so a chain needs about $1/\alpha$ steps to forget. From $\alpha = 4$ on, $|1 - \alpha/2| \geq 1$ and
# it explodes. If the data have noise $\sigma$, all three statements hold for the ratio
# $\alpha/\sigma^2$: the step must shrink with the noise.


# %%
def variance(alpha, steps, v0):
    """The exact variance after Langevin steps on N(0,1)."""
    limit = 1 / (1 - alpha / 4)
    return limit + (v0 - limit) * (1 - alpha / 2) ** (2 * steps)


for alpha in (0.05, 0.5, 2.0):
    x = run(3 * torch.randn(20_000, generator=g), bell, alpha, 15, g)
    assert abs(x.var() / variance(alpha, 15, 9) - 1) < 5 * math.sqrt(2 / 20_000)

# %%
fig, (a, b) = plots.panels(1, 2, 3.8, 2.7)
sizes, n = np.linspace(0.01, 3.9, 200), np.arange(61)
a.plot(sizes, 1 / (1 - sizes / 4), **plots.line(0))
a.axvline(4, **plots.line(2)), a.axhline(1, color="0.7", linewidth=0.8)
a.set(yscale="log", xlabel="alpha", ylabel="variance in the end", title="bias: the truth is 1")
for k, alpha in enumerate((0.05, 0.5, 3.5)):
    b.plot(n, variance(alpha, n, 9.0), label=f"alpha = {alpha:g}", **plots.line(k))
b.set(
    yscale="log",
    xlabel="steps",
    ylabel="variance",
    ylim=(0.8, 50),
    title="memory of a start with variance 9",
)
b.axhline(1, color="0.7", linewidth=0.8), b.legend(fontsize=8)
show(
    fig,
    "Left: the final variance grows from 1 with the step and diverges at step 4. Right: from variance "
    "9, step 0.5 comes close to 1 within ten steps; step 0.05 still stands at 1.4 after sixty; step "
    "3.5 forgets fast but settles at 8.",
)

# %% [markdown]
# The library refuses a step that would explode before the first evaluation and names the largest safe one.
# Here it counts the pull of the grey photograph (weight $\lambda$, lesson 05) as well.

# %%
# NBVAL_CHECK_OUTPUT
try:
    check_stability(epsilon=3e-4, sigma_L=0.01, lam=1.0)
except JGMError as error:
    print(error)

# %% [markdown]
# ## Where one noise level fails
#
# Three modes on a plane, with weights 0.6, 0.3 and 0.1. The score we use is *exact*. Chains start
# everywhere in the square and run at one small noise level for as many steps as the annealed ones will.

# %%
mix = mixture.Mixture([[-2.0, -1.0], [2.0, -1.0], [0.0, 2.0]], [0.6, 0.3, 0.1], spread=0.1)
truth, modes = mix.weights.numpy(), ["0.6", "0.3", "0.1"]


def scatter(n):
    """n starting points, even over the square."""
    return torch.rand(n, 2, generator=g) * 8 - 4


# %%
start = scatter(chains)
alone = run(start, lambda x: mix.score(x, sigma_L), ratio * (sigma_L**2 + mix.spread**2), L * T, g)
share_alone, error_alone = stats.shares(mix.nearest(alone), 3)
for name, s, e in zip(modes, share_alone, error_alone, strict=True):
    print(f"weight {name}: {s:.3f} ± {e:.3f}")

# %% [markdown]
# Each mode gets about a third, whatever its weight: every chain rolls into the valley it started in. Look
# at the score to see why. Between two modes that are far apart, near mode $k$,
#
# $$ \nabla \log p \approx \nabla \log \big(w_k\, N(x; m_k)\big) = \nabla \log N(x; m_k): $$
#
# the weight is a constant factor, and a logarithm's gradient forgets constant factors. The weights
# matter only where two modes overlap, and there is next to no density there. Chains must cross that
# desert, and the waiting time grows like $e^{\text{depth of the valley}}$. Let us measure it: start in the
# heaviest mode and count who has left after 1,000 steps.

# %%
levels = [0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0]
moved = []
for s in levels:
    x = mix.means[:1] + s * torch.randn(400, 2, generator=g)
    home = mix.nearest(run(x, lambda v, s=s: mix.score(v, s), ratio * s**2, 1000, g)) == 0
    moved.append(stats.shares(home.int(), 2)[0][0])

# %%
fig, axis = plots.panels(1, 1, 4.8, 2.6)
axis.semilogx(levels, moved, **plots.line(0, markers=True))
axis.axhline(1 - truth[0], label="share of the other modes in p", **plots.line(1))
axis.set(
    xlabel="noise level", ylabel="chains that left mode 0.6", xticks=levels, xticklabels=levels
)
axis.minorticks_off(), axis.legend(fontsize=8)
show(
    fig,
    "Share of chains that left their mode within 1,000 steps against the noise level: none at 0.3, under a "
    "tenth at 0.5, and from 0.7 on 40 per cent or more, the share that the other modes deserve; at large "
    "noise more, because the modes have melted.",
)
assert moved[0] == 0 and moved[1] < 0.2 and moved[3] > 0.3

# %% [markdown]
# ## Annealing
#
# So start at a noise that melts the modes together, let the chain settle, lower the noise, and go on from
# where it stands. Geometric levels $\sigma_1 > \dots > \sigma_L$, and the step of Algorithm 1,
#
# $$ \alpha_i = \varepsilon\, \sigma_i^2 / \sigma_L^2, $$
#
# which keeps the ratio $\alpha_i/\sigma_i^2 = \varepsilon/\sigma_L^2$ the same at all levels: by the
# section on steps, all levels have the same bias and the same patience.


# %%
def anneal(mix, x, sigmas, T, ratio, g):
    """Algorithm 1 without a photograph: yields the chains at the end of every level."""
    for s, alpha in zip(sigmas, step_sizes(sigmas, ratio * sigmas[-1] ** 2), strict=True):
        x = run(x, lambda v, s=s: mix.score(v, s), alpha, T, g)
        yield x


# %%
sigmas = sigma_ladder(sigma_1, sigma_L, L)
film = list(anneal(mix, start, sigmas, T, ratio, g))
share, error = stats.shares(mix.nearest(film[-1]), 3)
for name, s, e in zip(modes, share, error, strict=True):
    print(f"weight {name}: {s:.3f} ± {e:.3f}")

# %%
off_alone = np.abs(share_alone - truth) / error_alone
off = np.abs(share - truth) / error
print(
    "distance from the truth in standard errors:",
    off_alone.max().round(1),
    "alone,",
    off.max().round(1),
    "annealed",
)
if default:
    assert off_alone.max() > 10 and off.max() < 4

# %%
frames = [0, L // 4, L // 2, 5 * L // 8, 3 * L // 4, L - 1]
densities = [lambda v, s=s: mix.log_density(v, s) for s in sigmas]
fig = plots.cloud_strip(
    [start] + [film[i] for i in frames],
    [densities[0]] + [densities[i] for i in frames],
    ["start"] + [f"sigma = {sigmas[i]:.2g}" for i in frames],
    4.0,
)
show(
    fig,
    "A film strip of point clouds over the density of their noise level: evenly scattered at the start, "
    "one wide cloud at large noise, which shrinks and parts into three spots, the heaviest at the "
    "lower left, the lightest on top.",
)

# %% [markdown]
# With a live kernel, turn the pages yourself:

# %%
pages = range(0, L, 2)
plots.flipbook(
    [
        plots.cloud_strip([film[i]], [densities[i]], [f"sigma = {sigmas[i]:.2g}"], 4.0)
        for i in pages
    ],
    [f"{sigmas[i]:.2g}" for i in pages],
    "sigma",
    dpi=130,
)

# %%
fig, (a, b, c) = plots.panels(1, 3, 3.0, 2.7)
for axis, cloud, name in ((a, alone, "one noise level"), (b, film[-1], "annealed")):
    plots.draw_density(axis, densities[-1], 4.0)
    plots.draw_cloud(axis, cloud, 4.0, alpha=0.2)
    for k, (u, v) in enumerate(mix.means.tolist()):
        axis.annotate(f"{(mix.nearest(cloud) == k).sum():d}", (u, v + 0.5), ha="center", fontsize=9)
    axis.set_title(f"{name}: samples a mode")
plots.share_bars(
    c, truth, {"one level": (share_alone, error_alone), "annealed": (share, error)}, modes
)
c.set(xlabel="weight of the mode")
show(
    fig,
    "Left: samples with one noise level, the three modes about equally full. Middle: annealed samples, "
    "the modes unequally full, as numbers beside them tell. Right: grey bars of the true weights; the dots of one level stand at a "
    "third each, the squares of annealing lie on the bars within their error bars.",
)

# %% [markdown]
# ## Choosing $\sigma_1$, $L$ and $T$
#
# The measure is the share of samples that sit in the wrong mode (total variation). Even perfect
# samples are off by chance; the dotted line is what 95 % of perfect sample sets stay under.


# %%
def misplaced(sigmas, T, ratio=ratio, n=1000):
    """Share of n samples in the wrong mode after annealing."""
    *_, x = anneal(mix, scatter(n), sigmas, T, ratio, g)
    return stats.total_variation(stats.shares(mix.nearest(x), 3)[0], truth)


draws = np.random.default_rng(seed).multinomial(1000, truth, 2000) / 1000
chance = np.quantile(0.5 * np.abs(draws - truth).sum(1), 0.95)

# %%
sweeps = {
    "largest noise": {
        s: misplaced(sigma_ladder(s, sigma_L, 20), 30) for s in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    },
    "levels L (600 steps in all)": {
        n: misplaced(sigma_ladder(4.0, sigma_L, n), 600 // n) for n in (2, 3, 5, 10, 20, 50)
    },
    "steps a level T": {
        n: misplaced(sigma_ladder(4.0, sigma_L, 20), n) for n in (2, 5, 10, 30, 100)
    },
}

# %%
fig, axes = plots.panels(1, 3, 3.0, 2.6, sharey=True)
for axis, (name, found) in zip(axes, sweeps.items(), strict=True):
    axis.semilogx(list(found), list(found.values()), **plots.line(0, markers=True))
    axis.axhline(chance, **plots.line(2))
    axis.set(xlabel=name, xticks=list(found), xticklabels=list(found), ylim=(0, None))
    axis.minorticks_off()
axes[0].set_ylabel("share in the wrong mode")
show(
    fig,
    "Share of misplaced samples in three sweeps, each falling from about 0.2 or more down to the dotted chance line: "
    "with the largest noise, from 2 on; with the number of levels, from about 5 to 10 on; with the steps a "
    "level, from about 30 on.",
)

# %%
first, last = (
    (lambda name: list(sweeps[name].values())[0]),
    (lambda name: list(sweeps[name].values())[-1]),
)
if default:
    for name in ("largest noise", "steps a level T"):
        assert first(name) > 0.1 and last(name) < 0.06, name

# %% [markdown]
# - **$\sigma_1$**: of the order of the largest distance between data points (here about 4; half of it
#   does). Smaller, and chains stay where they started; larger costs levels, nothing else. (Song and
#   Ermon 2020, Technique 1: take the largest distance.)
# - **$L$**: neighbouring levels must overlap, or the chain lands outside the next density.
# - **$T$ times ratio**: patience. With $\varepsilon/\sigma_L^2 = 0.054$ and $T = 100$ a level, from the authors' code,
#   forgets by $(1 - 0.027)^{100} = 0.065$: what is undecided when the modes part stays a little wrong.

# %%
published = misplaced(sigma_ladder(4.0, sigma_L, 10), 100, ratio=0.054)
print(
    f"L = 10, T = 100, ratio 0.054: {published:.3f} misplaced (perfect samples: up to {chance:.3f})"
)

# %% [markdown]
# ## A film strip of pictures (Fig 4)
#
# The same ten lines colour pictures, if somebody hands us their score. Take one toy scene whose objects
# have several admissible colours with known probabilities: two skies, two kinds of hills, two trees,
# three roofs. All colourings together are a mixture of points in pixel space, and lesson 01 (exercise 3)
# gave its exact score. The settings are those of the authors' code (the paper gives none): $\sigma$ from 1 to 0.01, $L = 10$, $T = 100$, start
# even in $[-1,1]$.

# %%
objects = ["sky", "hills", "tree", "roof"]
choices = list(itertools.product(*[range(len(PALETTE[o])) for o in objects]))
odds = [
    math.prod(PALETTE[o][k].probability for o, k in zip(objects, c, strict=True)) for c in choices
]
maker = ToyScenes(size)
scenes = torch.cat(
    [maker.sample(1, seed=3, modes=dict(zip(objects, c, strict=True))).images for c in choices]
)
prior = mixture.Mixture(scenes.flatten(1), odds)
assert abs(sum(odds) - 1) < 1e-12 and len(scenes) == 24

# %%
x0 = 2 * torch.rand(4, prior.means.shape[1], generator=g) - 1
published_sigmas = sigma_ladder(1.0, 0.01, 10)
strip = [x0, *anneal(prior, x0, published_sigmas, 100, 0.054, g)]
goal = scenes[prior.nearest(strip[-1])]
images = [s.reshape(goal.shape) for s in strip]
quality = np.stack([psnr(i.clamp(0, 1).float(), goal) for i in images])  # (frames, chains)

# %%
keep = [0, 1, 3, 5, 7, 8, 10]
marks = [[f"{quality[f, r]:.1f} dB" for f in keep] for r in range(4)]
fig = plots.film_strip([[images[f][r] for f in keep] for r in range(4)], marks)
for axis, f in zip(fig.axes, keep, strict=False):
    axis.set_title("start" if f == 0 else f"sigma = {published_sigmas[f - 1]:.2g}", fontsize=8)
show(
    fig,
    "Four rows of a film strip: even noise at the left turns, as the noise level falls from 1 to 0.01, into a "
    "clean little landscape with sky, hill, trees, house and lake, in other colours in each row; "
    "numbers below each frame give the PSNR to the final scene, rising from about 6 to about 40 dB.",
)

# %%
assert (quality[-1] > 38).all()  # what remains is noise of 0.01, that is 40 dB
assert (np.diff(quality[1:], axis=0) > 0).all()

# %% [markdown]
# The score knows 24 pictures by heart, so this is a collage, not a painter; the networks of lessons 04
# and 05 have to generalize. But the experiment can answer a question about the settings: is
# $\sigma_1 = 1$ enough? The skies are further apart than that:

# %%
label = torch.tensor(choices)
one_sky = (prior.means[label[:, 0] == 0][0] - prior.means[label[:, 0] == 1][0]).norm().item()
print(
    f"distance of the same scene at noon and at dusk: {one_sky:.1f} ({prior.means.shape[1]} numbers a picture)"
)


# %%
def dusk(largest, n=24):
    """Start n chains at noon; share that has the other sky in the end."""
    noon = prior.means[:1].expand(n, -1)
    *_, x = anneal(prior, noon, sigma_ladder(largest, 0.01, 10), 20, 0.2, g)
    return stats.shares(label[prior.nearest(x), 0], 2)


# %%
for largest in (1.0, 20.0):
    p, e = dusk(largest)
    print(
        f"largest noise {largest:4.0f}: {p[1]:.2f} ± {e[1]:.2f} of the chains that start at noon end at dusk (fair: 0.40)"
    )
    assert p[1] == 0 if largest == 1.0 else p[1] > 0

# %% [markdown]
# With $\sigma_1 = 1$ a chain never changes its sky: whatever the random start says at large scale is
# kept, and the start was not drawn from the data. This is why the library's other samplers
# (lesson 06) begin at $\sigma = 10$ or 20.

# %% [markdown]
# ## What to expect
# - Eq 10 gives variance 0.526 instead of 1.026 at $\alpha = 0.1$.
# - With one level about a third in each mode, more than ten standard errors from the truth; annealed, all
#   within four.
# - Noise of 0.01 left on the last frame: about 40 dB.

# %% [markdown]
# ## Exercises

# %% [markdown]
# **Exercise 1.** One step of Langevin dynamics, the right one (Eq 11).


# %% tags=["solution"]
def langevin_step(x, score, alpha, z):
    """The next x; ``score`` is the score at x, ``z`` standard normal noise, all of one shape."""
    return x + alpha / 2 * score + alpha**0.5 * z


# %%
from jgm_course.nb02.checks import check_langevin_step

check_langevin_step(langevin_step)

# %% [markdown]
# **Exercise 2.** The ladder: $L$ noise levels from `first` down to `last` (both included), so that the
# quotient of neighbours is always the same.


# %% tags=["solution"]
def noise_ladder(first, last, L):
    """A list of L floats, largest first."""
    return [first * (last / first) ** (i / (L - 1)) for i in range(L)]


# %%
from jgm_course.nb02.checks import check_noise_ladder

check_noise_ladder(noise_ladder)

# %% [markdown]
# **Exercise 3.** Count modes with honest error bars: for each of $K$ mode numbers its share among the
# samples, and the standard error of that share.


# %% tags=["solution"]
def count_modes(index, K):
    """``index``: list of mode numbers 0..K-1. Returns two lists of K floats: share, standard error."""
    n = len(index)
    share = [sum(i == k for i in index) / n for k in range(K)]
    return share, [(p * (1 - p) / n) ** 0.5 for p in share]


# %%
from jgm_course.nb02.checks import check_count_modes

check_count_modes(count_modes)

# %% [markdown]
# **Exercise 4.** How long must a level be? Give the smallest number of steps after which a chain at noise
# `sigma` with step `alpha` remembers at most `rest` of its start (the factor of Eq 11 on a bell of
# width `sigma`).


# %% tags=["solution"]
def steps_needed(alpha, sigma, rest):
    """The smallest whole T with |1 - alpha/(2 sigma^2)|^T <= rest, for alpha < 2 sigma^2."""
    return math.ceil(math.log(rest) / math.log(1 - alpha / (2 * sigma**2)))


# %%
from jgm_course.nb02.checks import check_steps_needed

check_steps_needed(steps_needed)

# %% [markdown]
# ## On your own
# - Give one mode the weight 0.01. How many chains do you need before you can tell 0.01 from 0.02?
# - Use Eq 10 in `anneal` (drift 1). Which weights do the modes get, and why about $w^2$?
# - Replace the geometric ladder by an evenly spaced one. Which levels are wasted?
# - Put the network of lesson 01 in place of the exact score. Where do chains go astray at small noise?
# - Start the picture chains from `sigma_ladder(10.0, 0.01, 15)` and compare the shares of the skies.
#
# ## Further reading
# - Y. Song, S. Ermon, Generative modeling by estimating gradients of the data distribution, NeurIPS 2019
# - Y. Song, S. Ermon, Improved techniques for training score-based generative models, NeurIPS 2020
# - G. O. Roberts, R. L. Tweedie, Exponential convergence of Langevin distributions and their discrete
#   approximations, Bernoulli 1996

# %% tags=["status"]
import json

print(json.dumps({"nfe": 10 * 100, "standard_errors_annealed": round(float(off.max()), 2)}))
