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
# # 01 Score matching
#
# How can a network learn the slope of a probability density that nobody can write down?
# By learning to remove noise. This lesson derives that fact, checks it to ten digits on a density
# whose score is known, and ends with a small network that has learned a vector field.
#
# ## What you will do
# - Blur a density with noise and look at its score (Section II.C of the paper)
# - Derive the best denoiser and read the score off it (Eq 2, 3, 5)
# - Show that denoising score matching differs from score matching by a constant (Eq 4, 6)
# - Train a tiny network at several noise levels (Eq 7) and draw its field beside the exact one
#
# ## What you will learn
# - why a denoising autoencoder and denoising score matching are the same thing
# - three slips in the paper's formulas, and how a number exposes each
# - why a loss that never reaches zero can still belong to a perfect network
#
# ## What you need
# - Time (CPU): about 15 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Study time: about 20 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/01_score_matching.ipynb`
# - Before this: nothing but derivatives and expectations; lesson 00 shows where it leads

# %% tags=["parameters"]
seed = 0  # seed of everything random
sigma = 0.5  # noise level of the one-dimensional experiments
sigma_1 = 1.0  # largest noise level of the trained network
sigma_L = 0.05  # smallest noise level of the trained network
L = 6  # number of noise levels
steps = 1000  # training steps
batch = 256  # points a training step
width = 64  # hidden units of the network

# %%
from jgm_course.errors import begin
from jgm_course.nb01.card import CARD

card = begin(CARD, globals())

# %%
import math

import torch
from torch import nn

from jgm_course import mixture, plots
from jgm_lib.figures import show
from jgm_lib.losses import dae_loss, dsm_levels_loss, dsm_loss
from jgm_lib.noise import sigma_ladder
from jgm_lib.score import denoiser_from_score, score_from_denoiser

torch.set_num_threads(1)  # small sums: threads only cost
torch.set_default_dtype(torch.float64)  # we want to compare to twelve digits

# %% [markdown]
# ## A density and its score
#
# The **score** of a density is the gradient of its logarithm, $\nabla_x \log p(x)$: the direction in
# which the data become more likely. It needs no normalizing constant, because the constant vanishes
# under the derivative. For pictures nobody knows $p$; so we begin with one we do know, a mixture of
# two bells on a line. Adding Gaussian noise of level $\sigma$ blurs it:
#
# $$ p_\sigma(\tilde x) = \int p(x)\, g_\sigma(\tilde x - x)\, dx, \qquad
#    g_\sigma = N(0, \sigma^2 I). $$
#
# For a mixture of bells of width $s$ the blur only widens each bell to $\sqrt{s^2 + \sigma^2}$, so
# everything stays exact.

# %%
line_mix = mixture.Mixture([[-1.2], [1.0]], [0.3, 0.7], spread=0.25)
t = torch.linspace(-3.5, 3.5, 1401)[:, None]  # (points,1)


def blurred(s):
    """Density and score at noise level s, as one figure."""
    fig, (a, b) = plots.panels(1, 2, 3.6, 2.3)
    a.plot(t, line_mix.log_density(t, s).exp(), **plots.line(0))
    a.set(title=f"density, sigma = {s:g}", xlabel="x", ylim=(0, 1.2))
    b.plot(t, line_mix.score(t, s), **plots.line(1))
    b.axhline(0, color="0.6", linewidth=0.8)
    b.set(title="its score", xlabel="x", ylim=(-12, 12))
    return fig


# %%
fig, (a, b) = plots.panels(1, 2, 4.0, 2.6)
for k, s in enumerate((0.0, 0.5, 1.5)):
    a.plot(t, line_mix.log_density(t, s).exp(), label=f"sigma = {s:g}", **plots.line(k))
    b.plot(t, line_mix.score(t, s), **plots.line(k))
a.set(title="density with noise", xlabel="x"), a.legend(fontsize=8)
b.set(title="score: where to go to become more likely", xlabel="x", ylim=(-12, 12))
b.axhline(0, color="0.6", linewidth=0.8)
show(
    fig,
    "Left: a density of two bells at -1.2 and 1.0; noise 0.5 merges their feet, noise 1.5 makes "
    "one hill. Right: the scores; each falls through zero at a bell's top, and more noise makes "
    "the curve flatter.",
)

# %% [markdown]
# With a live kernel, drag the noise level and watch two hills become one.

# %%
dials = [0.0, 0.15, 0.3, 0.5, 0.8, 1.5]
plots.flipbook([blurred(s) for s in dials], [f"{s:g}" for s in dials], "sigma")

# %% [markdown]
# The formula in `Mixture.score` is checked against automatic differentiation of its log density.

# %%
probe = t.clone().requires_grad_()
(slope,) = torch.autograd.grad(line_mix.log_density(probe, sigma).sum(), probe)
assert torch.allclose(slope, line_mix.score(t, sigma), atol=1e-12)

# %% [markdown]
# ## What a denoising autoencoder learns
#
# Take a clean $x$, add noise $\eta$, and ask a function $A_\sigma$ to give $x$ back:
#
# $$ L_{DAE}(A) = E_{x,\eta}\big[\,\|A_\sigma(x+\eta) - x\|^2\,\big] \tag{2} $$
#
# Which $A_\sigma$ is best? Sort the pairs by what the function sees, $\tilde x = x + \eta$. For one
# $\tilde x$ it answers once, and the mean squared error to many possible $x$ is least at their mean:
#
# $$ A^*_\sigma(\tilde x) = E[x \mid \tilde x]
#    = \frac{\int x\, p(x)\, g_\sigma(\tilde x - x)\, dx}{\int p(x)\, g_\sigma(\tilde x - x)\, dx}. $$
#
# Now $\nabla_{\tilde x}\, g_\sigma(\tilde x - x) = -\frac{\tilde x - x}{\sigma^2}\, g_\sigma(\tilde x - x)$.
# Differentiate $p_\sigma$ under the integral and divide by it:
#
# $$ \nabla \log p_\sigma(\tilde x) = \frac{E[x \mid \tilde x] - \tilde x}{\sigma^2}
#    \quad\Longrightarrow\quad
#    A_\sigma(x) = x + \sigma^2\, \nabla \log \int g_\sigma(\eta)\, p(x+\eta)\, d\eta \tag{3} $$
#
# This is Tweedie's formula. **First slip of the paper:** its Eq 3 lacks the $\sigma^2$. Units show
# it: if $x$ is measured in metres, a [score](../docs/glossary.md#score) is in 1/metres, and the two cannot be added.

# %%
clean = torch.linspace(-4, 4, 4001)  # integrate over the clean x by brute force
seen = torch.linspace(-3, 3, 241)[:, None]
joint = line_mix.log_density(clean[:, None]) - (seen - clean) ** 2 / (2 * sigma**2)
posterior = torch.softmax(joint, dim=1)  # (seen, clean): p(x | x~) on the grid
brute = posterior @ clean[:, None]

# %%
slope = line_mix.score(seen, sigma)
tweedie, printed = seen + sigma**2 * slope, seen + slope
assert (
    brute - tweedie
).abs().max() < 1e-10  # twelve digits would need a finer grid, not a better law
assert (brute - printed).abs().max() > 1.0

# %%
fig, axis = plots.panels(1, 1, 5.2, 3.2)
axis.plot(seen, seen, color="0.75", linewidth=1, label="do nothing")
axis.plot(seen, tweedie, label="x + sigma² score (Tweedie)", **plots.line(0))
axis.plot(
    seen[::12], brute[::12], "o", color="black", markersize=4, label="E[x | noisy x], brute force"
)
axis.plot(seen, printed, label="x + score (as printed)", **plots.line(1))
axis.set(xlabel="noisy x", ylabel="denoised x", ylim=(-3.2, 3.2), title=f"sigma = {sigma:g}")
axis.legend(fontsize=8, loc="lower left")
show(
    fig,
    "The denoised value against the noisy one: dots of the brute-force posterior mean lie on the "
    "curve of Tweedie's formula, a staircase between the two bells; the printed Eq 3 without "
    "sigma squared overshoots far beyond both.",
)

# %% [markdown]
# ## From the denoiser to the score
#
# Read the same equation the other way round: any [denoiser](../docs/glossary.md#denoiser) *is* a score,
#
# $$ s(x) = \frac{A(x) - x}{\sigma^2} \tag{5} $$
#
# and if the denoiser is the best one, this is exactly $\nabla \log p_\sigma$.

# %%
recovered = score_from_denoiser(brute, seen, sigma)
assert torch.allclose(recovered, line_mix.score(seen, sigma), atol=1e-9)
assert torch.allclose(denoiser_from_score(recovered, seen, sigma), brute)  # and back

# %% [markdown]
# ## Two losses that cannot be computed, and one that can
#
# What we would like to minimize is the distance to the true score,
#
# $$ L_{DSM}(s) = E_{\tilde x \sim p_\sigma}\big[\,\|s(\tilde x) - \nabla \log p_\sigma(\tilde x)\|^2\,\big]
#    \tag{4} $$
#
# but the target is unknown. Denoising score matching replaces it by the score of the noise alone:
#
# $$ \begin{aligned}
#    \ell(\theta;\sigma)
#    &\triangleq \tfrac12 E_{p_\sigma(\tilde x)}\|s_\theta(\tilde x,\sigma) - \nabla_{\tilde x} \log p_\sigma(\tilde x)\|^2
#      \qquad\qquad\quad\;\; \text{(a)}\\
#    &\;=\; \tfrac12 E_{p(x)} E_{p_\sigma(\tilde x|x)}\|s_\theta(\tilde x,\sigma) - \nabla_{\tilde x} \log p_\sigma(\tilde x|x)\|^2
#      + \text{const} \quad \text{(b)}\\
#    &\;=\; \tfrac12 E_{p(x)} E_{p_\sigma(\tilde x|x)}\Big\|s_\theta(\tilde x,\sigma) + \frac{\tilde x - x}{\sigma^2}\Big\|^2
#      + \text{const} \quad\quad\;\;\, \text{(c)}
#    \end{aligned} \tag{6} $$
#
# **Why.** Write (b) out as $\|s\|^2 - 2\, s\cdot\nabla\log p_\sigma(\tilde x|x) + \dots$ The first term
# has the same mean as in (a). For the second, average the target over the $x$ that could have made
# this $\tilde x$: $E[-(\tilde x - x)/\sigma^2 \mid \tilde x] = (E[x|\tilde x] - \tilde x)/\sigma^2
# = \nabla \log p_\sigma(\tilde x)$. So the cross terms agree too, and only the squares of the targets
# differ, in which no $\theta$ occurs. In $D$ dimensions
#
# $$ \text{(c)} - \text{(a)} = \tfrac12\Big(\frac{D}{\sigma^2} - E_{p_\sigma}\|\nabla \log p_\sigma\|^2\Big)
#    = C(\sigma). $$
#
# **Second slip:** the paper writes "=" between (a) and (b) without the constant.
# **Third slip:** it averages (a), and Eq 4, over the clean $x$; the identity needs $\tilde x \sim p_\sigma$.
# Let us test all three readings on scores $s_\theta$ that are deliberately wrong, by integrals instead of
# samples.

# %%
x, z = torch.linspace(-3.2, 3.2, 641), torch.linspace(-8, 8, 321)  # clean point and unit noise
dx, dz = x[1] - x[0], z[1] - z[0]
p_x = line_mix.log_density(x[:, None]).exp() * dx  # (x,)
p_z = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * dz  # (z,)
noisy = (x[:, None] + sigma * z).reshape(-1, 1)  # every pair, as a list of points


# %%
def line_c(s):
    """Eq 6, last line: the target is the noise that was added."""
    error = s(noisy).reshape(len(x), len(z)) + z / sigma
    return 0.5 * (p_x[:, None] * p_z * error**2).sum()


def line_a(s, noise):
    """Eq 6, first line: the target is the true score; averaged over p at level ``noise``."""
    u = torch.linspace(-8, 8, 6401)[:, None]
    error = s(u) - line_mix.score(u, sigma)
    return (
        0.5 * (line_mix.log_density(u, noise).exp() * error[:, 0] ** 2).sum() * (u[1, 0] - u[0, 0])
    )


# %%
def family(theta):
    """A score with three knobs; no setting of them is the true one."""
    return lambda u: theta[0] + theta[1] * u + theta[2] * torch.tanh(2 * u)


g = torch.Generator().manual_seed(seed)
thetas = torch.randn(6, 3, generator=g) * 2
c = torch.stack([line_c(family(th)) for th in thetas])
a_noisy = torch.stack([line_a(family(th), sigma) for th in thetas])
a_clean = torch.stack([line_a(family(th), 0.0) for th in thetas])

# %%
for row in zip(c, a_noisy, c - a_noisy, c - a_clean, strict=True):
    print("(c) {:8.4f}   (a) {:8.4f}   (c)-(a) {:.10f}   with clean x {:9.4f}".format(*row))

# %% [markdown]
# The third column is the same number in every row, though the scores are wrong in six different
# ways. With clean $x$ (as printed) the difference moves with $\theta$: that equation is no equation.
# And the constant is what the derivation says:

# %%
u = torch.linspace(-8, 8, 6401)[:, None]
fisher = (line_mix.log_density(u, sigma).exp() * line_mix.score(u, sigma)[:, 0] ** 2).sum() * (
    u[1, 0] - u[0, 0]
)
C = 0.5 * (1 / sigma**2 - fisher)
assert (c - a_noisy - C).abs().max() < 1e-10
assert (c - a_clean).std() > 0.1

# %% [markdown]
# For Gaussian data of variance $S$ the score is $-\tilde x/(S+\sigma^2)$ and
# $C = \frac12\big(\frac1{\sigma^2} - \frac1{S+\sigma^2}\big)$: at $S = 1$, $\sigma = \frac12$ exactly 1.6.

# %%
# NBVAL_CHECK_OUTPUT
print(f"C for unit Gaussian data at sigma 0.5: {0.5 * (1 / 0.25 - 1 / 1.25):.4f}")

# %%
theta2 = torch.linspace(-6, 3, 61)
moving = [family((0.0, 0.0, v)) for v in theta2]
curves = {
    "(c) denoising: computable": [line_c(s) for s in moving],
    "(a) true score, noisy x": [line_a(s, sigma) for s in moving],
    "(a) as printed, clean x": [line_a(s, 0.0) for s in moving],
}
assert max(curves["(c) denoising: computable"]) > 2 * C

# %%
fig, axis = plots.panels(1, 1, 5.2, 3.0)
for k, (name, values) in enumerate(curves.items()):
    axis.plot(theta2, values, label=name, **plots.line(k))
    axis.plot(
        theta2[torch.stack(values).argmin()],
        min(values),
        plots.LINES[k]["marker"],
        color=plots.LINES[k]["color"],
    )
axis.set(
    xlabel="third knob of the score",
    ylabel="loss",
    ylim=(0, 10),
    title="the same valley, shifted by a constant",
)
axis.legend(fontsize=8)
show(
    fig,
    "Three loss curves over one parameter. The denoising loss and the loss to the true score have "
    "the same shape and lowest point, one lifted by a constant; the curve with clean points has "
    "its lowest point elsewhere.",
)

# %% [markdown]
# ## DAE and DSM: not even a constant apart
#
# Between Eq 2 and the last line of Eq 6 there is less than a constant. Put Eq 5 into Eq 2:
# $A - x = \tilde x + \sigma^2 s - x = \sigma^2\big(s + (\tilde x - x)/\sigma^2\big)$, so pair by pair
#
# $$ \|A_\sigma(\tilde x) - x\|^2 = 2\sigma^4 \cdot \tfrac12 \Big\|s + \frac{\tilde x - x}{\sigma^2}\Big\|^2 .$$
#
# With the same noise the two losses of the library must agree to the last digit, for any $s$.

# %%
points = line_mix.sample(1000, torch.Generator().manual_seed(seed))
wrong = family((0.3, -1.0, 0.7))
dsm = dsm_loss(lambda v, s: wrong(v), points, sigma, torch.Generator().manual_seed(1))
dae = dae_loss(
    lambda v, s: denoiser_from_score(wrong(v), v, s),
    points,
    sigma,
    torch.Generator().manual_seed(1),
)
assert torch.isclose(dae, 2 * sigma**4 * dsm, rtol=1e-12)

# %% [markdown]
# ## Many noise levels in one network
#
# Little noise: an exact target, but hardly any training points between the modes. Much noise: points
# everywhere, but a blurred target. So one network learns all levels $\sigma_1 > \dots > \sigma_L$ at once:
#
# $$ L(\theta; \{\sigma_i\}_{i=1}^L) \triangleq \frac1L \sum_{i=1}^L \lambda(\sigma_i)\, \ell(\theta;\sigma_i) \tag{7} $$
#
# Which $\lambda$? Even a perfect network keeps the loss $C(\sigma)$, which grows like $D/2\sigma^2$.
# Unweighted, the smallest level would drown all others. With $\lambda = \sigma^2$ each level costs
# between 0 and $D/2$. On a plane, with three modes of weights 0.5, 0.3 and 0.2:

# %%
plane_mix = mixture.Mixture([[0.0, 1.0], [-0.9, -0.6], [0.9, -0.6]], [0.5, 0.3, 0.2], spread=0.15)
sigmas = sigma_ladder(sigma_1, sigma_L, L)
held = plane_mix.sample(20_000, torch.Generator().manual_seed(seed + 1))
floor = [dsm_loss(plane_mix.score, held, s, torch.Generator().manual_seed(2)) for s in sigmas]
weighted = [s**2 * f for s, f in zip(sigmas, floor, strict=True)]
assert all(w <= 1.02 for w in weighted)  # D/2 = 1

# %%
fig, axis = plots.panels(1, 1, 4.8, 2.6)
axis.loglog(sigmas, floor, label="weight 1", **plots.line(0, markers=True))
axis.loglog(sigmas, weighted, label="weight sigma²", **plots.line(1, markers=True))
axis.set(xlabel="sigma", ylabel="loss of the exact score")
axis.legend(fontsize=8)
show(
    fig,
    "Loss of the perfect score at each noise level, both axes logarithmic: unweighted it rises from "
    "below 1 at large noise to hundreds at small noise; weighted by sigma squared it stays near "
    "1 and below.",
)

# %% [markdown]
# ## Training
#
# The network sees $(\tilde x, \ln\sigma)$ and its answer is divided by $\sigma$, because a score has
# the size $1/\sigma$. (The paper's network does not divide; the library's `UNet` does the like.)


# %%
class ScoreNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2)
        )

    def forward(self, v, s):
        level = torch.full_like(v[:, :1], math.log(s))
        return self.body(torch.cat([v, level], 1)) / s


# %%
torch.manual_seed(seed)
net, g = ScoreNet().float(), torch.Generator().manual_seed(seed)
adam = torch.optim.Adam(net.parameters(), lr=1e-2)
fade = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
data = plane_mix.sample(20_000, g).float()
trace = []

# %%
for _ in range(steps):
    x_batch = data[torch.randint(len(data), (batch,), generator=g)]
    loss = dsm_levels_loss(net, x_batch, sigmas, g)
    adam.zero_grad(), loss.backward(), adam.step(), fade.step()
    trace.append(loss.item())

# %%
smooth = torch.tensor(trace).unfold(0, min(50, steps), 1).mean(1)
limit = dsm_levels_loss(plane_mix.score, held, sigmas, torch.Generator().manual_seed(2))
fig, axis = plots.panels(1, 1, 4.8, 2.6)
axis.plot(trace, color="0.8", linewidth=0.5)
axis.plot(smooth, label="mean of 50 steps", **plots.line(0))
axis.axhline(limit, label="the exact score", **plots.line(1))
(
    axis.set(xlabel="step", ylabel="loss (Eq 7)", ylim=(0.5 * limit, 2.2 * limit)),
    axis.legend(fontsize=8),
)
show(
    fig,
    "The training loss falls within a few hundred steps onto a dashed line, the loss of the exact "
    "score, and stays there: it does not go to zero.",
)

# %% [markdown]
# On the same held-out points and the same noise the two losses differ by the error of the field alone.


# %%
def learned(v, s):
    """The network without gradients, in double precision outside."""
    with torch.no_grad():
        return net(v.float(), s).double()


final = dsm_levels_loss(learned, held, sigmas, torch.Generator().manual_seed(2))
print(f"loss {final:.4f}, floor {limit:.4f}")
if steps >= CARD().steps:
    assert 0.99 < final / limit < 1.05

# %% [markdown]
# The loss stops at its floor, not at zero: what remains is noise that no function of $\tilde x$ can predict.
# How good the network is, only the distance to the floor can tell. Here we can also compare with the
# true score, relative to its size, both where the data are and over the whole square.


# %%
def relative_error(v, s):
    """E |learned - exact|^2 / E |exact|^2 over the points v."""
    exact = plane_mix.score(v, s)
    return ((learned(v, s) - exact).square().sum() / exact.square().sum()).item()


square = plots.plane(2.0, 60)
for s in sigmas:
    near = held + s * torch.randn(held.shape, generator=torch.Generator().manual_seed(3))
    print(
        f"sigma {s:5.3f}: error {relative_error(near, s):6.1%} near the data, {relative_error(square, s):6.1%} over the square"
    )

# %%
if steps >= CARD().steps:
    assert relative_error(held + sigma_1 * torch.randn(held.shape, generator=g), sigma_1) < 0.05

# %% [markdown]
# ## The learned field beside the exact one
#
# Arrows show $(s^2+\sigma^2)\,\nabla\log p_\sigma$, the way to the mean of the modes that could have
# made this point; so all panels share one unit.


# %%
def arrows(score, s):
    """A score as a field for drawing: its length is a distance on the plane."""
    return lambda v: (plane_mix.spread**2 + s**2) * score(v, s)


# %%
chosen = [sigmas[0], sigmas[L // 2], sigmas[-1]]
fig, axes = plots.panels(2, 3, 2.7, 2.8)
for column, s in zip(axes.T, chosen, strict=True):
    for axis, name, score, style in zip(
        column, ("exact", "learned"), (plane_mix.score, learned), (0, 1), strict=True
    ):
        plots.draw_density(axis, lambda v, s=s: plane_mix.log_density(v, s), 2.0)
        plots.draw_field(
            axis, arrows(score, s), 2.0, unit=1.5, color=plots.LINES[style]["color"]
        )
        axis.set_title(f"{name}, sigma = {s:.3g}")
show(
    fig,
    "Two rows of arrow fields over a density with three modes at large, middle and small noise. "
    "Upper row exact, lower row learned. At large noise all arrows point to the centre, at small "
    "noise each to its own mode; the learned fields agree where the data are dark and stray in "
    "the empty corners at small noise.",
)

# %% [markdown]
# And the error itself, in the same unit. It is small wherever training points fall, which at little
# noise is nearly nowhere: this is the low-density problem that lesson 02 has to live with.

# %%
fig, axes = plots.panels(1, 3, 2.7, 2.6)
for axis, s in zip(axes, chosen, strict=True):
    gap = (
        (arrows(learned, s)(square) - arrows(plane_mix.score, s)(square))
        .norm(dim=1)
        .reshape(60, 60)
    )
    image = axis.imshow(
        gap, origin="lower", extent=(-2, 2, -2, 2), cmap="cividis", vmin=0, vmax=0.6
    )
    density = plane_mix.log_density(square, s).exp().reshape(60, 60)
    axis.contour(
        density,
        extent=(-2, 2, -2, 2),
        levels=[0.01 * density.max()],
        colors="white",
        linestyles="--",
    )
    axis.set(title=f"error, sigma = {s:.3g}", xticks=[], yticks=[])
fig.colorbar(image, ax=axes, shrink=0.8)
show(
    fig,
    "Maps of the learned field's error. At large noise the map is dark, almost no error. At middle "
    "noise bright bands run along the borders between the modes; at small noise the map is dark "
    "only around the dashed contour of each mode and bright everywhere else.",
)

# %% [markdown]
# ## What to expect
# - Differences (c) - (a) equal to ten decimals, and a last column that moves with $\theta$.
# - A loss that comes down to the floor within 5 per cent and stays there.
# - At $\sigma_1$ the field's error is below 5 %, near the data it stays small at every level, and over
#   the whole square it grows as the noise shrinks.

# %%
far, close_by = relative_error(square, sigmas[-1]), relative_error(near, sigmas[-1])
assert far > close_by, "the network should know less where no data fall"

# %% [markdown]
# ## Exercises

# %% [markdown]
# **Exercise 1.** Turn a denoiser's answer into a score (Eq 5).


# %% tags=["solution"]
def denoiser_to_score(denoised, noisy, sigma):
    """The score at ``noisy``, given the denoiser's answer there and the noise level."""
    return (denoised - noisy) / sigma**2


# %%
from jgm_course.nb01.checks import check_denoiser_to_score

check_denoiser_to_score(denoiser_to_score)

# %% [markdown]
# **Exercise 2.** The computable loss: Eq 6, last line, for a batch of clean points and given unit noise.
# Sum over the dimensions, average over the batch.


# %% tags=["solution"]
def denoising_loss(score, x, sigma, z):
    """Eq 6 (c) for x (n,D) and standard normal z (n,D); ``score(noisy, sigma)`` returns (n,D)."""
    residual = score(x + sigma * z, sigma) + z / sigma
    return 0.5 * residual.square().sum(1).mean()


# %%
from jgm_course.nb01.checks import check_denoising_loss

check_denoising_loss(denoising_loss)

# %% [markdown]
# **Exercise 3.** If the training set is a finite list of points, the best denoiser is known: the mean of
# the points, each weighted by how likely it made this noisy value. Write it. (Lesson 02 samples with
# it. A network that reached this optimum would have learned its training set by heart.)


# %% tags=["solution"]
def best_denoiser(noisy, points, sigma):
    """E[x | noisy] for noisy (n,D) when x is one of points (K,D), all equally likely: (n,D)."""
    squared = torch.cdist(noisy, points) ** 2
    return torch.softmax(-squared / (2 * sigma**2), dim=1) @ points


# %%
from jgm_course.nb01.checks import check_best_denoiser

check_best_denoiser(best_denoiser)

# %% [markdown]
# ## On your own
# - Train with `weight=lambda s: 1.0` in `dsm_levels_loss`. Which level suffers?
# - Set `L = 2`. Which part of the field gets worse, and why does lesson 02 want more levels?
# - Replace $\tilde x \sim p_\sigma$ by clean $x$ in (a) and find the $\theta$ that minimizes it for a
#   family that contains the true score. Why does the slip then do no harm?
# - Use 30 training points instead of 20,000 and train long. What does the field at small noise learn?
#
# ## Further reading
# - P. Vincent, A connection between score matching and denoising autoencoders, Neural Computation 2011
# - A. Hyvärinen, Estimation of non-normalized statistical models by score matching, JMLR 2005
# - Y. Song, S. Ermon, Generative modeling by estimating gradients of the data distribution, NeurIPS 2019
# - B. Efron, Tweedie's formula and selection bias, JASA 2011

# %% tags=["status"]
import json

print(json.dumps({"nfe": 0, "field_error": round(close_by, 3)}))
