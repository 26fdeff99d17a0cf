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
# # 07 Ablations
#
# What does each part of the method bring: the joint prior, the gradient constraint, $\lambda_0$, $\beta$,
# the scale of the gradients? Take one away and measure.
#
# **In this lesson now:** Eq 17 in code and, for Gaussian pictures, its exact result beside the joint
# chain's; runs with and without the gradient constraint, $\lambda_0$ and $\beta$ sweeps, all with
# bundled weights on pictures whose truth is known; a first answer of trained networks, nine channels
# against three; and one factor at a time, at two settings. **To follow:** the row and the pictures of JGM-divide
# in Table III and Fig 9 of our own. They need priors of 3 and 6 channels trained apart for one noise level on all
# channels, and these are not there yet.
#
# ## What you will do
# - Run JGM-divide (Eq 17) and the joint chain on a prior whose scores are exact, without sampling
# - Read Table III of the paper with its slips
# - Switch the gradient constraint off, for nine free chains and for re-stacked ones
# - Sweep $\lambda_0$ and $\beta$, and compute what `gradient_scale` does
# - Read an ablation at two settings, with its intervals, and put $\beta$ into the loop
#
# ## What you will learn
# - what a divided prior does not know, and where that costs variance
# - why a chain that is too short hides the difference
# - that the gradient constraint matters exactly when the gradients are free
#
# ## What you need
# - Time (CPU): about 15 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Study time: about 25 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/07_ablations.ipynb`
# - Before this: lessons 02, 03 and 05

# %% tags=["parameters"]
seed = 0  # seed of everything random
weights = "toy-32"  # prior of the landscapes: bundled name or path
photo = "china"  # a photograph inside an installed package
scenes = 6  # landscapes that are coloured and measured
T = 6  # Langevin steps a level (the paper's code: 100)
epsilon = 9e-5  # step size; T epsilon is that of the code
steps = 12  # evaluations of the fused null-space sampler
lams = [0.0, 0.3, 1.0, 3.0]  # values of lambda_0
betas = [0.0, 0.25, 1.0, 5.9, 50.0]  # values of beta (Eq 14)
side = 4  # side of the exact Gaussian pictures, pixels

# %%
from jgm_course.errors import begin
from jgm_course.nb07.card import CARD

card = begin(CARD, globals())

# %%
import numpy as np
import torch

from jgm_course.nb07 import figures as lesson
from jgm_course.plots import line, panels
from jgm_course.strips import strips
from jgm_lib import checkpoints
from jgm_lib.constraint import Observation
from jgm_lib.divide import Divided
from jgm_lib.figures import show
from jgm_lib.fusion import dct, fuse, fusion_noise_gain, laplacian_eigenvalues
from jgm_lib.joint import join
from jgm_lib.metrics import bootstrap_interval, ciede2000
from jgm_lib.noise import SeededNoise, sigma_ladder
from jgm_lib.samplers import langevin

torch.set_num_threads(1)  # small sums: threads only cost
default = card == CARD()  # what is asserted about random pictures holds for the default setting

# %% [markdown]
# ## Joint or divided
#
# JGM trains one network on nine channels. Its variant *JGM-divide* trains two, $s_{\theta_1}$ on the
# picture and $s_{\theta_2}$ on its gradients, and lets two chains run side by side:
#
# $$ \begin{aligned}
# x_{t+1} &\leftarrow x_t + \frac{\alpha_t}{2}\,[s_{\theta_1}(x_t) - \lambda_1\, DC(x_t)] + \sqrt{\alpha_t}\, z_1 \\
# \nabla x_{t+1} &\leftarrow \nabla x_t + \frac{\alpha_t}{2}\,[s_{\theta_2}(\nabla x_t) - \lambda_2\, DC(\nabla x_t)] + \sqrt{\alpha_t}\, z_2
# \end{aligned} \tag{17} $$
#
# Stacked into one vector this is Algorithm 1 with a [score](../docs/glossary.md#score) that never looks across the two halves, and
# that is how the library writes it: `Divided(intensity, gradients)` is a model like any other, and
# `langevin(..., lam=a, lam_grad=b, feedback="none")` runs it with $\lambda_1 = a/\sigma_i^2$ and
# $\lambda_2 = b/\sigma_i^2$, as Eq 12 in lesson 05. "$\nabla x_t$" is a slip of notation: from the first step on
# the second chain is not the gradient of the first. So it is called $g$ here, and the method is two chains in
# one loop:

# %% tags=["method"]
def divided_chains(intensity, gradients, y, sigmas, T, epsilon, a, b, noise):
    """Eq 17 for grey pictures y (B,1,H,W), F the mean: x (B,3,H,W) and g (B,6,H,W), side by side."""
    Y = join(y)  # (B,3,H,W): y, d1 y, d2 y
    x, g = (2 * noise.uniform(y.expand(-1, 9, -1, -1)) - 1).split([3, 6], 1)
    for sigma in sigmas:
        alpha = epsilon * sigma**2 / sigmas[-1] ** 2  # Eq 11
        for _ in range(T):
            s1 = (intensity.denoise(x, sigma) - x) / sigma**2  # each score sees its own half
            s2 = (gradients.denoise(g, sigma) - g) / sigma**2
            dc_x = x.mean(1, keepdim=True) - Y[:, :1]  # Eq 13, alike for the three colours
            dc_g = (g.unflatten(1, (2, 3)).mean(2) - Y[:, 1:]).repeat_interleave(3, 1)
            z1, z2 = noise.normal(torch.cat([x, g], 1)).split([3, 6], 1)
            x = x + alpha / 2 * (s1 - a / sigma**2 * dc_x) + alpha**0.5 * z1
            g = g + alpha / 2 * (s2 - b / sigma**2 * dc_g) + alpha**0.5 * z2
    return x, g


# %% [markdown]
# Is `langevin` with a `Divided` model the same? On a [prior](../docs/glossary.md#prior) of tiny Gaussian pictures, with two different
# $\lambda$ and the same random numbers:

# %%
rat = lesson.Rat(card.side)
truth, y = rat.truth(card.seed + 1)
apart, sigmas = Divided(rat.divided.intensity, rat.divided.gradients), sigma_ladder(1.0, 0.01, 10)
x, g = divided_chains(apart.intensity, apart.gradients, y, sigmas, 5, 1e-4, 0.7, 1.3, SeededNoise([0]))
seen, settings = Observation(y, rat.f), dict(T=5, epsilon=1e-4, lam=0.7, lam_grad=1.3, feedback="none")
*_, end = langevin(apart, seen, SeededNoise([0]), **settings)
torch.testing.assert_close(torch.cat([x, g], 1), end.X)

# %% [markdown]
# ### An exact laboratory
#
# To see what is lost without the quarrel of two trainings, take pictures from a Gaussian law. Then all
# three scores are exact, and every step is linear, so that the *law* of the result can be computed, not
# only samples of it.

# %%
print(f"{rat.joint.channels} channels jointly, or "
      f"{rat.divided.intensity.channels} and {rat.divided.gradients.channels} apart")

# %% [markdown]
# ### What the joint denoiser knows more
#
# It sees noisy gradients beside the noisy picture: three measurements of one thing. So its estimate is
# better at every noise level, most of all at small noise. Both denoisers are affine, $D(X) = AX + b$, so an
# error is $(A-1)\,C\,(A-1)^T + \sigma^2 A A^T$ with the covariance $C$ of $[x, \nabla x]$; for the joint one that is
# the [posterior](../docs/glossary.md#posterior)'s covariance $C - C(C + \sigma^2)^{-1}C$, the least there is.

# %%
four = lesson.Rat(4)
C = lesson.joint_covariance(four)
one = torch.eye(len(C), dtype=C.dtype)


def error_covariance(model, sigma):
    A, _ = lesson.affine(lambda X: model.denoise(X, sigma), (9, 4, 4))
    return (A - one) @ C @ (A - one).T + sigma**2 * A @ A.T


best = C - C @ torch.linalg.solve(C + 0.1**2 * one, C)
torch.testing.assert_close(error_covariance(four.joint, 0.1), best, rtol=0, atol=1e-9)

# %% [markdown]
# RMS error of the picture (the first 48 numbers) and of its gradients:

# %%
# NBVAL_CHECK_OUTPUT
print("sigma   picture: joint, apart   gradients: joint, apart")
for sigma in (1.0, 0.3, 0.1, 0.03, 0.01):
    joint, divided = (torch.diag(error_covariance(m, sigma)) for m in (four.joint, four.divided))
    (jx, jg), (dx, dg) = ([float(e.mean().sqrt()) for e in (d[:48], d[48:])] for d in (joint, divided))
    assert jx < dx and jg < dg
    print(f"{sigma:<7g} {jx:14.4f}, {dx:.4f} {jg:16.4f}, {dg:.4f}")

# %% [markdown]
# ### What the divided chain does with it
#
# The target is the exact law of the colours given the grey picture. For each $\beta$ of the [fusion](../docs/glossary.md#fusion):
# the distance to it (Wasserstein, in units of the pixels) and the share of its variance. First with
# the step of the authors' code, then with one ten times larger, both 1,000 steps:

# %%
target = lesson.chroma_part(rat.posterior(y), card.side)


def fused_chroma(law, model, betas):
    """beta -> law of the fused picture's chroma."""
    pictures = {b: lesson.picture_law(law, model, card.side, b) for b in betas}
    return {b: lesson.chroma_part(p, card.side) for b, p in pictures.items()}


def share(law):
    """Chroma variance of a law over the right one."""
    return float(torch.trace(law.cov) / torch.trace(target.cov))


# %%
models = {"joint": rat.joint, "apart": rat.divided}
ends_of = {(name, e): lesson.chain_law(model, y, rat.f, epsilon=e)
           for e in (5.4e-6, 5.4e-5) for name, model in models.items()}
laws = {(name, e): fused_chroma(law, models[name], card.betas) for (name, e), law in ends_of.items()}
for (name, e), found in laws.items():
    print(f"{name}, epsilon {e:g}:  " + "   ".join(
        f"beta {b:g}: {lesson.wasserstein(q, target):.4f}, {share(q):.2f}" for b, q in found.items()))

# %%
fine = np.geomspace(0.02, 200, 21)
fig, axes = panels(1, 2, 4.0, 2.8, sharey=True)
for axis, e, title in zip(axes, (5.4e-6, 5.4e-5), ("the code's step", "ten times the step"), strict=True):
    for k, (name, model) in enumerate(models.items()):
        curve = fused_chroma(ends_of[name, e], model, fine)
        axis.semilogx(fine, [share(q) for q in curve.values()], label=name, **line(k))
    axis.axhline(1, color="0.6", linewidth=1)
    axis.set(xlabel="beta", title=title)
axes[0].set(ylabel="chroma variance / right one", ylim=(0.5, 1.4)), axes[1].legend(fontsize=8)
show(fig, alt="Chroma variance over the right one against beta. Joint: a flat line, a quarter too high with "
     "the code's step and nearly one with ten times the step. Apart: the same at both ends, with a dip "
     "by about a third to a quarter of the variance around beta 1.")

# %% [markdown]
# With the larger step the joint chain arrives, whatever $\beta$: its gradients *are* the gradients of its
# picture. Apart, each chain is right by itself, but they draw two *different* colourings, the picture
# one and the gradients another, and Eq 14 averages the two. Where the fusion weighs the gradients
# $b = \beta K$ times the picture ($K$: eigenvalue of the Laplacian),
#
# $$ \frac{\text{variance left}}{\text{variance}} = \frac{1 + b^2}{(1 + b)^2} \ge \frac12 . \tag{a} $$
#
# That is what *divide* loses, and it has a look: paler colours. A correlation between $x$ and $\nabla x$
# that no network has been told. The left panel holds a warning: after the authors' 1,000 small steps
# both chains still remember their start, which *adds* a quarter of the variance, and divide seems to be
# the better one. Compare only chains that have arrived.

# %%
patient = {name: laws[name, 5.4e-5] for name in ("joint", "apart")}
if default:
    for b in (0.25, 1.0, 5.9):
        near, far = (lesson.wasserstein(patient[n][b], target) for n in ("joint", "apart"))
        assert far > 5 * near, b
    assert share(patient["apart"][1.0]) < 0.8 < 0.97 < share(patient["joint"][1.0])

# %% [markdown]
# ## Table III as printed
#
# PSNR / SSIM of the paper's trained networks:
#
# | | Church | Bedroom | COCO-stuff | ImageNet |
# |---|---|---|---|---|
# | JGM-divide | 23.26 / .9269 | 22.23 / .9059 | 19.45 / .8477 | 15.13 / .8227 |
# | JGM | 23.76 / .8931 | 29.46 / .9365 | 20.72 / .7254 | 18.71 / .6821 |
#
# (Table III of Hong et al. 2020.)

# %%
show(lesson.table_iii_figure(),
     alt="Two bar charts of Table III. PSNR: JGM above JGM-divide on all four sets, by far on Bedroom. "
     "SSIM: JGM-divide above JGM on Church, COCO-stuff and ImageNet, below on Bedroom only.")

# %%
# NBVAL_CHECK_OUTPUT
rows = lesson.TABLE_III.values()
print("PSNR favours JGM on", sum(r["JGM"][0] > r["divide"][0] for r in rows), "of", len(rows))
print("SSIM favours divide on", sum(r["divide"][1] > r["JGM"][1] for r in rows), "of", len(rows))

# %% [markdown]
# - The text says that JGM is better; the SSIM column says the opposite on three of four sets, and
#   nothing in the paper explains it.
# - No intervals: a hundred test pictures a set, and the PSNR is an oracle over runs and steps (lesson 08).
# - No grey replica: lesson 08 puts it beside Table I, and it is above several entries.
# - ImageNet is in this table and not in Table I.
#
# ## With and without the gradient constraint
#
# Section V.B removes the gradient part of Eq 13 and reports colours that run over. The switch is
# `lam_grad = 0`. Landscapes with a known truth, the bundled prior, Algorithm 1 with few but large steps.
# The free chains (`none`) are fused at the end as by the authors' code, with two differences: the code fuses
# before it adds the last step's noise, and clips to [0, 1]; ours follows Eq 12 and 14 and projects.

# %%
model, about = checkpoints.load(card.weights)
bench = lesson.Bench(model, card.scenes, card.seed, about["size"])
chain = dict(T=card.T, epsilon=card.epsilon, beta=1.0)
ends = {(lam, on): bench.run("langevin", lam=lam, lam_grad=None if on else 0.0, feedback="none", **chain)
        for lam in card.lams for on in (True, False) if on or lam}
tied = {on: bench.run("langevin", lam=1.0, lam_grad=None if on else 0.0, feedback="level", **chain)
        for on in (True, False)}

# %%
print("RMS |Fx - y| of the fused picture, before the last projection puts it right")
for name, on, off in (("nine free chains (none)", ends.get((1.0, True)), ends.get((1.0, False))),
                      ("re-stacked (level)", tied[True], tied[False])):
    if on and off:
        print(f"{name:24s} with {bench.luma_gap(on.X, 1.0):.4f}   without {bench.luma_gap(off.X, 1.0):.4f}")

# %% [markdown]
# Free chains need the constraint: without it their grey gradients are somebody else's, and the fusion
# carries them into the picture. Re-stacked chains (Algorithm 1 as printed) hardly notice, for a reason
# that is one line long: there the gradients are always those of $x$, and $F\nabla x = \nabla F x$, so
# $Fx = y$ says all that the gradient constraint says.
#
# The manner of Fig 9, as far as these weights go (its column (b), JGM-divide, waits for the two priors):

# %%
if {(1.0, True), (1.0, False)} <= set(ends):
    free, held = (model.domain.picture(ends[1.0, on].X, 1.0) for on in (False, True))
    shown = bench.batch.images[:6]
    show(strips({"grey": bench.y[:6].expand(-1, 3, -1, -1), "without": free[:6], "with": held[:6],
                 "truth": shown}, width=6.4),
         alt="Rows of landscapes: grey; coloured without the gradient constraint, with grain all "
         "over; coloured with it, clean; and the truth.")

# %%
paired = ciede2000(ends[1.0, False].x, bench.batch.images) - ciede2000(ends[1.0, True].x, bench.batch.images)
low, high = bootstrap_interval(paired)
print(f"dE2000 without minus with, after the projection: {paired.mean():+.2f}, 95 % from {low:+.2f} to {high:+.2f}"
      f" ({len(paired)} scenes)")
if default:
    off, on = (bench.luma_gap(ends[1.0, k].X, 1.0) for k in (False, True))
    assert off > 3 * on

# %% [markdown]
# The grain is [luma](../docs/glossary.md#luma): gradients that belong to no picture at hand. The last projection puts $Fx = y$ right
# and takes it away, so the colour difference that stays is small, and six scenes can do no more than
# name its interval. The paper shows chosen failure cases and finds colours that overflow; how often they
# happen is what the trained comparison has to count.
#
# ## Sweeps of $\lambda_0$ and $\beta$
#
# Single draws, no choosing; the grey line is the [grey replica](../docs/glossary.md#grey-replica) on the left and the truth on the right, where
# the share of pixels in a colour that their object can have is shown (lesson 09), with 95 % intervals from
# a [bootstrap](../docs/glossary.md#bootstrap) over the scenes.
# Every $\lambda_0$ is a run of its own; with nine free chains $\beta$ only enters at the end, so one
# run serves all. The null-space sampler, which changes only what $F$ does not see (lesson 05), fuses its
# estimate in every step.

# %%
grey = bench.measure(bench.y.expand(-1, 3, -1, -1))
by_lam = {"with": (card.lams, [bench.measure(ends[lam, True].x) for lam in card.lams]),
          "without": ([v for v in card.lams if v], [bench.measure(ends[v, False].x) for v in card.lams if v])}
show(lesson.sweep_figure(by_lam, "lambda_0", grey),
     alt="Left, colour difference against lambda_0 with and without the gradient constraint, all "
     "below the grey replica's line. Right, the share of admissible pixels: lowest without any pull, "
     "higher with it, and higher with the gradient constraint than without by about an interval.")

# %%
free = ends[1.0, True].X if (1.0, True) in ends else ends[card.lams[-1], True].X
photo = Observation(bench.y, bench.f)
one_chain = [bench.measure(photo.finish(model.domain.picture(free, b))) for b in card.betas]
fused = [bench.measure(bench.run("nullspace", steps=card.steps, beta=b).x) for b in card.betas]
by_beta = {"Algorithm 1": (card.betas, one_chain), f"null space, {card.steps} NFE": (card.betas, fused)}
show(lesson.sweep_figure(by_beta, "beta", grey),
     alt="Left, colour difference against beta for Algorithm 1 and the null-space sampler: two nearly "
     "flat lines below the grey replica's. Right, the share of admissible pixels, as flat.")

# %%
table = {"grey replica": grey}
table |= {f"lambda {v:g}": r for v, r in zip(*by_lam["with"], strict=True)}
table |= {f"lambda {v:g}, no gradients": r for v, r in zip(*by_lam["without"], strict=True)}
table |= {f"null space, beta {b:g}": r for b, r in zip(card.betas, fused, strict=True)}
print(lesson.text_table(table))

# %% [markdown]
# Without any pull ($\lambda_0 = 0$) the chain paints a landscape of its own, and the projection presses it
# into ours. As all these landscapes have their sky above and grass below, the colour difference hardly
# tells; the admissible share does, for the trees and roofs stand elsewhere. With a pull, the flat lines of
# $\beta$ bear out the paper's "insensitive parameters"; $\lambda_0$ is freer only between no
# constraint and the bound of stability, which forbids 4 here. Few scenes cannot rank neighbours: for
# that, run `notebooks/params/07_ablations.laptop.yaml`.

# %%
if default:
    shares = [r["admissible"] for r in by_lam["with"][1]]
    assert shares[0] < max(shares) - 0.05
    assert all(r["delta_e"] < grey["delta_e"] for r in fused)

# %% [markdown]
# ## The scale of the gradients
#
# The nine channels carry the same noise, but gradients are smaller than intensities: `gradient_scale`
# decides how loud they speak. It enters twice. First, Eq 14: gradient noise is $\sigma/s$ after
# unscaling, and the fusion multiplies the noise's variance by the mean of
# $(1 + \beta^2 K/s^2)/(1 + \beta K)^2$ over the Laplacian's eigenvalues $K$, best at $\beta = s^2$.

# %%
def noise_gain(beta, scale, n=64):
    """Noise after Eq 14 over noise before, on a periodic n x n picture."""
    k = 2 - 2 * np.cos(2 * np.pi * np.arange(n) / n)
    K = k[:, None] + k  # eigenvalues of the Laplacian
    return ((1 + (beta / scale) ** 2 * K) / (1 + beta * K) ** 2).mean() ** 0.5


assert abs(noise_gain(5.9, 0.5) - fusion_noise_gain(5.9, 0.5, 64, 64, "periodic") ** 0.5) < 1e-9

# %%
fig, axis = panels(1, 1, 5.6, 2.9)
wide = np.geomspace(0.02, 100, 120)
for k, s in enumerate((0.5, 1.0, 2.0)):
    axis.semilogx(wide, [noise_gain(b, s) for b in wide], label=f"gradient_scale {s:g}", **line(k))
    axis.plot([s**2], [noise_gain(s**2, s)], line(k)["color"], marker="o", markersize=6)
axis.axhline(1, color="0.6", linewidth=1), axis.axvline(5.9, color="0.6", linewidth=1, linestyle=":")
axis.set(xlabel="beta (dotted: the authors' 5.9)", ylabel="noise after / before", ylim=(0, 2))
axis.legend(fontsize=8)
show(fig,
     alt="Noise after the fusion over noise before, against beta, for gradient scales 0.5, 1 and 2. Each "
     "falls from one to a minimum, marked at the square of the scale, and rises again; at 5.9 the curve "
     "of 0.5 is above one, those of 1 and 2 are below.")

# %%
# NBVAL_CHECK_OUTPUT
for scale in (0.5, 1.0, 2.0):
    gains = [noise_gain(b, scale) for b in (scale**2, 5.9)]
    print(f"gradient_scale {scale}: at its best beta {gains[0]:.3f}, at 5.9 {gains[1]:.3f}")

# %% [markdown]
# Second, the last noise level. A colour gradient that is weaker than $\sigma_L = 0.01$ is never seen by
# the network without being drowned. On a photograph, reduced to the prior's size:

# %%
from PIL import Image

from jgm_lib.data import samples

small = samples.load(card.photo).resize((64, 64), Image.Resampling.LANCZOS)
pixels = torch.from_numpy(np.array(small, np.float32) / 255).movedim(-1, 0)[None]
colours = pixels - pixels.mean(1, keepdim=True)
for scale in (0.5, 1.0, 2.0):
    deviation = float(join(colours, scale)[:, 3:].square().mean().sqrt())
    print(f"gradient_scale {scale}: standard deviation of the colour gradients {deviation:.4f}, sigma_L 0.0100")

# %% [markdown]
# The authors store half differences. The bundled weights store whole ones. Whether a prior trained at
# scale 2 colours better only a training can tell: scale belongs to the checkpoint.
#
# ## Do gradients help a trained network?
# Why should they: a picture and its gradients are the same thing. But their *noise* is not. At level
# $\sigma$ the network sees each frequency of the picture with noise $\sigma$, and its differences with
# noise of their own. The best combination of the two is Eq 14 with $\beta = 1$, and leaves
#
# $$ \sigma^2_{\mathrm{eff}}(\omega) = \frac{\sigma^2}{1 + |D(\omega)|^2}, \qquad 0 \le |D(\omega)|^2 \le 8 $$
#
# (the eigenvalues of lesson 03). So gradients say more about edges and fine detail, up to three times less
# noise, and nothing about the mean colour, $\omega = 0$, which decides whether the sky is blue. Checked with noise:

# %%
noisy = torch.randn(400, 1, 16, 16, generator=torch.Generator().manual_seed(card.seed))
g1, g2 = torch.randn(2, 400, 1, 16, 16, generator=torch.Generator().manual_seed(card.seed + 1))
left = fuse(noisy, g1, g2, beta=1.0)  # all noise, no picture: what Eq 14 leaves of it
frequencies = dct(dct(left, -1), -2)  # (400,1,16,16), unnormalized
before = dct(dct(noisy, -1), -2).square().mean((0, 1))
measured = frequencies.square().mean((0, 1)) / before
expected = 1 / (1 + laplacian_eigenvalues(16, 16, "neumann", left))
assert torch.allclose(measured, expected, rtol=0.5)  # 400 draws of each frequency
assert abs(float((measured / expected).mean()) - 1) < 0.02
assert abs(float(expected.mean()) - fusion_noise_gain(1.0, 1.0, 16, 16)) < 1e-6  # the library's, all together
print(f"noise left at frequency 0: {float(measured[0, 0]):.2f}, at the highest {float(measured[-1, -1]):.2f}")

# %% [markdown]
# Two priors of one width saw the same 256,000 landscapes with split noise (lesson 06), one in nine channels, one in
# three. `jgm experiment gradients` drew 4 colourings of 64 photographs that no training saw; the file holds
# the command, the seeds, the hashes of weights and pictures, and what nine minus three is on the same pictures.
# [Overflow](../docs/glossary.md#overflow): the share of the colours' edges that lie where the photograph has none, minus the truth's.

# %%
import json

from jgm_lib.experiments import gradients

found = json.loads(lesson.RESULTS.read_text(encoding="utf-8"))
for name, hashes in found["weights"].items():  # the numbers are those of the weights that come with this
    assert hashes == [checkpoints.load(f"{name}-64")[1]["sha256"]]
print(found["command"])

# %%
print(gradients.table(found["rows"]))

# %%
nine_minus_three = {p["of"][1]: p for p in found["pairs"] if p["of"][1] == p["minus"][1]}
for way, row in nine_minus_three.items():
    told = ("{} {:+.3f} ({:+.3f} to {:+.3f})".format(k, *row[k]) for k in ("psnr", "delta_e", "overflow"))
    print(f"nine minus three, {way}: " + ", ".join(told))
assert nine_minus_three["split"]["psnr"][1] > 0 > nine_minus_three["langevin"]["psnr"][1]
assert nine_minus_three["langevin"]["overflow"][2] < 0 < nine_minus_three["split"]["overflow"][1]

# %%
show(gradients.figure(found["rows"]),
     alt="Colour difference and edge overflow of two priors by three samplers, dots with 95 per cent bars "
     "over pictures. The bars of colour difference overlap; in overflow the nine channels lie lowest with "
     "Algorithm 1 and a little above the three channels with the other two samplers.")

# %% [markdown]
# **So far:** with split noise nine channels gain 0.7 dB, surely more than none. With Algorithm 1 the colours are no nearer
# to the truth, but stronger (31 against 22, the column *colour*) and better inside the edges, as the formula lets one expect.
# With the fast samplers they spill *more*, by a hundredth of the edges, which the formula does not explain. Without DC2
# nothing changes here, for this preset pulls weakly, $\lambda_0 = 0.11$. One training each tells nothing of the chance
# between trainings.

# %% [markdown]
# On ToyScenes the answer key is exact, and both priors were trained three times, from three seeds (64 landscapes, 4
# draws). Nine minus three again, now also in the share of admissible pixels, and of objects whose colour lies between two modes:

# %%
from jgm_course.nb07 import results

known = results.stored("gradients-toy-32")
print(known["command"])
for p in (p for p in known["pairs"] if p["of"][1] == p["minus"][1]):
    told = ("{} {:+.3f} ({:+.3f} to {:+.3f})".format(k, *p[k]) for k in ("delta_e", "overflow", "admissible", "in_between"))
    print(f"nine minus three, {p['of'][1]}: " + ", ".join(told))
    assert p["overflow"][1] > 0 > p["in_between"][2]  # by all three ways

# %% [markdown]
# On toys the gradient channels cost admissible colours and edges with the fast samplers, and nothing but edges with
# Algorithm 1; with all of them they decide more often for one of the possible colours. So whether gradients help hangs on the
# sampler and on the pictures: flat objects with sharp edges here, photographs above.

# %% [markdown]
# ## One factor at a time, at two settings
#
# An ablation at a setting that fails shows only the failure. So `jgm experiment ablation` starts from two settings
# of Algorithm 1, the authors' (in a few large steps of the same $T\epsilon$) and `presets.tempered` (lesson 05), and from each changes
# one factor: what Table III takes apart, the feedback, the edges, and $\lambda_0$, $\beta$, $\sigma_1$, $L$, $T$. Every run sees the same
# pictures and the same noise.
#
# With nine free chains $\beta$ enters only once, after the end. To see it work it has to stand in the loop:
# fuse after every step, then re-stack, as the text of Section III.C says.

# %% tags=["method"]
def fused_in_the_loop(model, y, sigmas, T, epsilon, lam, beta, noise):
    """Algorithm 1 for grey y (B,1,H,W), F the mean, Eq 14 after every step: x (B,3,H,W)."""
    X, Y = 2 * noise.uniform(y.expand(-1, 9, -1, -1)) - 1, join(y)  # (B,9,H,W), (B,3,H,W)
    for sigma in sigmas:
        alpha = epsilon * sigma**2 / sigmas[-1] ** 2  # Eq 11
        for _ in range(T):
            X = join(X[:, :3])  # the gradients of its own picture
            score = (model.denoise(X, sigma) - X) / sigma**2
            gap = X.unflatten(1, (3, 3)).mean(2) - Y  # (B,3,H,W): F X - Y
            dc = gap.repeat_interleave(3, 1) / sigma**2  # Eq 13
            X = X + alpha / 2 * (score - lam * dc) + alpha**0.5 * noise.normal(X)  # Eq 12
            X = torch.cat([fuse(*X.split(3, 1), beta), X[:, 3:]], 1)  # Eq 14
    return X[:, :3]


# %%
x = fused_in_the_loop(rat.joint, y, sigmas, 5, 1e-4, 1.0, 5.9, SeededNoise([0]))
*_, end = langevin(rat.joint, seen, SeededNoise([0]), T=5, epsilon=1e-4, lam=1.0, beta=5.9, feedback="step")
torch.testing.assert_close(seen.finish(x), end.x)

# %% [markdown]
# The file of the landscapes: command, weights, settings, and a row a run. Differences are above the setting's own row,
# with 95 % intervals over pictures; the columns are those of this lesson, single draws.

# %%
from jgm_course.nb07 import results
from jgm_lib.experiments import ablation

toys = results.stored("ablation-toy-32")
assert toys["weights"]["JGM"] == [checkpoints.load("toy-32")[1]["sha256"]]
print(toys["command"], *toys["left_out"], sep="\n")

# %%
print(ablation.table(toys["rows"]))

# %%
show(ablation.figure(toys["rows"]),
     alt="Small multiples, a panel a factor: colour difference above the setting's own, for the authors' setting and the "
     "tempered one. Beta at the end and the boundary have tiny bars; beta in the loop is lowest at 1; at the authors' setting "
     "few levels or steps cost most; rings mark the optima, crosses unstable values of lambda_0.")

# %%
print(results.optima(toys))

# %% [markdown]
# Mark what a colour difference is here: the sky is noon or dusk, and the truth has one of them. A change of setting
# throws that coin anew, and with 24 landscapes the sum of the coins moves by two units and more. The share of
# [admissible](../docs/glossary.md#plausibility) pixels accepts either, and has the narrower intervals:

# %%
def change(setting, factor, value, *keys):
    found = results.row(toys, setting, factor, value)["minus_base"]
    print(f"{setting}, {factor} {value}: " + ", ".join(f"{k} {results.told(found[k], 3)}" for k in keys))


for setting in ("authors'", "tempered"):
    change(setting, "parts", "without DC2", "admissible", "overflow", "luma_gap")
    change(setting, "feedback", "level", "admissible")
    change(setting, "feedback", "renoise", "admissible")
    change(setting, "boundary", "periodic", "admissible")
    for beta in (0.0, 50.0):
        change(setting, "beta", beta, "admissible")
        change(setting, "beta in the loop", beta, "admissible")
change("authors'", "T, same T epsilon", 50, "admissible")

# %%
def sure(setting, factor, value, key="admissible"):
    """-1 or 1 where the interval excludes 0, else 0."""
    _, low, high = results.row(toys, setting, factor, value)["minus_base"][key]
    return int(low > 0) - int(high < 0)


assert sure("authors'", "parts", "without DC2") == -1 and sure("tempered", "parts", "without DC2") == 0
assert sure("authors'", "parts", "without DC2", "overflow") == 1
assert sure("authors'", "feedback", "renoise") == 1 and sure("authors'", "feedback", "level") == -1
assert sure("authors'", "boundary", "periodic") == sure("tempered", "boundary", "periodic") == -1
assert sure("authors'", "T, same T epsilon", 50) == 0
for setting in ("authors'", "tempered"):
    assert results.row(toys, setting, "beta in the loop", 1.0)["optimum"]

# %% [markdown]
# **What it says**, for this prior and 24 landscapes, in hundredths of the judged pixels:
#
# - *Gradient constraint.* Without DC2 the authors' chains lose 6 (5 to 7), spill more over the edges (+0.030) and miss the
#   grey picture twelve times as far before the projection. The tempered chain, which puts the photograph into every
#   estimate, loses nothing that can be told from 0. So the paper's Section V.B is right about its own setting.
# - *Feedback.* Algorithm 1 as printed, fused once a level with $\beta = 5.9$, loses 14 (12 to 16) against the free chains of the
#   authors' code; `renoise` gains 3 (2 to 5). At the tempered setting none differs for sure.
# - *Edges.* Wrap-around costs 18 and 7. Part of it is the network's: it has only seen gradients without a seam.
# - *Fusion.* At the end of free chains $\beta$ moves less than 1, but for none at all (0), which costs 2 at the authors' setting. In
#   the loop it does more: there 25 and 10 are lost at 0 and 50, 3 and 1 at the tempered one. The least colour difference lies at $\beta = 1$ in both settings, which is
#   $s^2$, the best of the noise formula above; at the tempered setting 5.9 and 50 cannot be told from it.
# - *Pull, ladder, steps.* The authors' $\lambda_0 = 1$ is best where it is stable; the tempered chain does not care up to 1. A start at
#   $\sigma_1$ of 10 or 20 costs the authors' chain 4. Fewer
#   levels or steps cost the authors' chain up to 57 (3 levels), more of them gain nothing sure. Ten times as many
#   steps of a tenth of the size change nothing ($\pm 2$): the bundled steps stand for the code's.
#
# The optima describe these pictures; nothing was chosen by them, and the presets stay as they are. JGM-divide and a second
# gradient scale join in with `--weights rgb-isotropic=... --weights gradients=... --weights half=...`. The same on photographs,
# with few of them and still fewer steps:

# %%
taken = results.stored("ablation-scenes-64")
assert taken["weights"]["JGM"] == [checkpoints.load("scenes-64")[1]["sha256"]]
print(taken["command"])
for setting, factor, value in (("authors'", "parts", "without DC2"), ("tempered", "parts", "without DC2"),
                               ("authors'", "feedback", "level"), ("authors'", "beta in the loop", 5.9),
                               ("authors'", "T, same T epsilon", 40), ("tempered", "lambda_0", 1.0)):
    found = results.row(taken, setting, factor, value)["minus_base"]
    print(f"{setting}, {factor} {value}: " + ", ".join(f"{k} {results.told(found[k])}" for k in ("delta_e", "overflow")))
assert results.row(taken, "authors'", "T, same T epsilon", 40)["minus_base"]["delta_e"][2] < 0

# %% [markdown]
# Six photographs are a glimpse. But one line is a warning: here the small steps are *surely* better than the bundled ones, by 5 units
# of colour difference, so with $T = 4$ the authors' setting is a caricature of itself (farther from the truth than the grey replica,
# 16.7 against 12.1), and what is changed there is changed in a run that fails. The tempered one (10.5) is the one to read: nothing that
# Table III takes away moves it by more than 0.1.
#
# Fig 9 in columns, at both settings (in 50 and 40 evaluations): without the gradient constraint and with it.
# Column (b), JGM-divide, waits for its two priors.

# %%
show(strips(results.fig_nine(bench, T=5, nfe=40), width=6.4),
     alt="Rows of six landscapes: grey; coloured at the authors' setting without the gradient constraint and with it; the "
     "same at the tempered setting, with smoother colours; the truth.")

# %% [markdown]
# ## Learning curves at one budget
#
# `jgm experiment curves` trains three priors anew, of nine, three and six channels and the same widths, with the same landscapes in the
# same 600 steps of 16, and looks at each with the same noise: how well does the averaged network tell the picture, and its
# gradients, from the noisy ones? The exact laboratory above says that the joint one should win everywhere, in the end.

# %%
from jgm_lib.experiments import curves

learnt = results.stored("curves-toys")
print(learnt["command"], learnt["parameters"], sep="\n")
print(curves.table(learnt["rows"]))

# %%
show(curves.figure(learnt["rows"]),
     alt="Error against training steps, a panel a noise level. Picture: at sigma 1 nine channels lie below three; at smaller "
     "noise three channels fall under nine after 400 steps. Gradients: nine channels lie lowest at sigma 0.3 and 1, "
     "the six at 0.03.")

# %%
above = {(r["part"], r["sigma"]): r["minus_first"] for r in learnt["rows"] if r["step"] == 600 and "minus_first" in r}
assert min(above["picture", 1.0]) > 0 and min(above["gradients", 1.0]) > 0
assert max(above["picture", 0.1]) < 0

# %% [markdown]
# Not at this budget. At $\sigma = 1$, and for gradients at 0.3, nine channels are ahead, where gradients add to what can be seen. At small noise
# the three channels learn the picture faster: their network has one thing to learn, the nine-channel one three, with hardly
# more weights. One training each, a thirteenth of what the cards ask for: curves that still fall rank nothing for good.
#
# ## What to expect
# - Exact Gaussian pictures: with patient chains, at $\beta = 1$, the divided chain keeps about three
#   quarters of the chroma variance, the joint one all, at less than a fifth of the distance.
# - Without gradient consistency the fused free chains miss the grey picture by more than three times as
#   much; re-stacked chains hardly notice.
# - SSIM in Table III favours divide on three of four sets.
# - Without the gradient constraint the authors' setting loses 6 hundredths of admissible pixels, the tempered one none for sure;
#   in the loop $\beta = s^2$ is best.

# %% [markdown]
# ## Exercises

# %% [markdown]
# **Exercise 1.** How much of its start does a chain remember? For a prior $N(0, S)$ the score at noise $\sigma$
# is $-x/(S + \sigma^2)$. Follow an offset of $x$ through $T$ steps of Eq 11 with the step size $\alpha$, at one level.

# %% tags=["solution"]
def remembered(S, sigma, alpha, T):
    """The share of an offset that is left after T steps: a float."""
    return (1 - alpha / 2 / (S + sigma**2)) ** T


# %%
from jgm_course.nb07.checks import check_remembered

check_remembered(remembered)

# %% [markdown]
# With the code's step and $S = 0.05$: at $\sigma = 1$ a hundred steps leave 0.07 of an offset, at the last level,
# $\sigma = 0.01$, still 0.995. What the first levels have not forgotten stays.

# %% [markdown]
# **Exercise 2.** Two independent draws of variance 1 are averaged with weights $1$ and $b$ (divided by
# $1 + b$). How much variance is left?

# %% tags=["solution"]
def variance_left(b):
    """A float; 1 for b = 0."""
    return (1 + b**2) / (1 + b) ** 2


# %%
from jgm_course.nb07.checks import check_variance_left

check_variance_left(variance_left)

# %% [markdown]
# ## On your own
# - Give the two chains of Eq 17 the same noise ($z_2 = \nabla z_1$). Does the dip around $\beta = 1$ go away?
# - Lower `epsilon` in the exact laboratory by another ten. What does the chain remember?
# - Run the constraint switch with `feedback="renoise"`. Which of the two camps does it join, and why?
# - Set `weights = "scenes-64"`: what does a prior of photographs do to toy landscapes?
#
# ## Further reading
# - Hong et al. 2020, Sections V.A and V.B
# - Y. Song, S. Ermon, Improved techniques for training score-based generative models, NeurIPS 2020
# - C. R. Givens, R. M. Shortt, A class of Wasserstein metrics for probability distributions, Michigan
#   Mathematical Journal 1984 (the distance of two Gaussians)

# %% tags=["status"]
import json

lost = min(share(q) for q in patient["apart"].values())
print(json.dumps({"nfe": bench.nfe, "least_variance_divided": round(lost, 3)}))
