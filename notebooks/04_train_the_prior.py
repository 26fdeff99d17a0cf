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
# # 04 Train the prior
#
# A network looks at pictures with noise on them and learns to guess the pictures. That is all the
# training there is, and it is enough to know what colours a landscape can have.
#
# ## What you will do
# - Stack a picture and its gradients into the nine channels of the paper and measure them.
# - Train a small network on ToyScenes, watching the loss and the samples, and pull the plug halfway.
# - Go on from the checkpoint, read the curves, and write weights that lesson 05 can load.
#
# ## What you will learn
# - What Eq 9 asks for, which weight hides in it, and why the loss starts at exactly 1.
# - What goes into the network, and why most pictures keep their luma clean.
# - What a healthy training looks like and which pictures warn you.
# - How the same notebook trains on one GPU or on several.
#
# ## What you need
# - Time (CPU): about 50 s, measured on 2 cores
# - Time (GPU): nobody measured this notebook on a GPU; `04_train_the_prior.paper.yaml` is the paper's
#   setting, for which its authors report 20 hours on two 12 GB GPUs
# - Study time: about 25 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/04_train_the_prior.ipynb`
# - Before this: lessons 01 and 03

# %% tags=["parameters"]
seed = 0
device = "auto"         # auto, cpu or cuda
processes = 1           # GPUs that train together
precision = "no"        # bf16 or fp16 on GPUs
data = "toy"            # or the path of a packed set (lesson 12)
network = "unet"        # or refinenet, the paper's
settings = {"widths": [24, 48, 72]}
size = 32               # pixels
steps = 500
batch = 16
optimizer = "adamw"
lr = 2e-3
schedule = "decay"
warmup = 50
save_every = 250        # steps between checkpoints
run = ""                # folder of the run; empty: a temporary one
resume = False          # go on from the newest checkpoint in that folder
weights = "runs/first-prior"

# %%
from jgm_course.errors import begin
from jgm_course.nb04.card import CARD

card = begin(CARD, globals())

# %%
from jgm_course.nb04 import figures as lesson
from jgm_lib.figures import picture_row, show

print(lesson.check_device(card))
training = lesson.training_card(card)
folder = lesson.run_folder(card.run)

# %% [markdown]
# A card that asks for a GPU on a machine without one stops here, with one line. With `processes`
# above 1 the next cell starts one process a GPU through accelerate's `notebook_launcher`; they write
# the same checkpoints, and the rest of the notebook only reads them.

# %%
if card.processes > 1:
    lesson.launch(card, folder)
going_on = card.resume or card.processes > 1

# %% [markdown]
# ## Where the prior stands (Fig 2)
#
# A CVAE learns from grey and colour pairs how to draw a short code. iGM and JGM learn from colour
# pictures alone what pictures look like (blue boxes), and use it when a grey picture comes along. iGM
# has to invent first colours before it can use more channels; the gradients of JGM are known for the
# grey part from the start. This lesson trains the blue box of the last row.

# %%
from jgm_course.nb04.diagrams import three_generative_ways

show(three_generative_ways(),
     alt="Three rows of boxes. CVAE: grey, mixture density network, code z, decoder, colour. iGM: "
     "grey, prior on RGB, first colours and their YCbCr, prior on six channels, colour. JGM: grey "
     "and its gradients, prior on nine channels, consistency of all nine, fusion by Eq 14, colour, "
     "with an arrow from the fusion back to the prior.")

# %% [markdown]
# ## The pictures, and what the network sees of them
#
# ToyScenes are drawn by a program, as many as we like. Grass is always green, but a roof is red,
# slate or brown and the sky noon or dusk, and the grey picture cannot tell which.

# %%
import torch

from jgm_course.strips import side_by_side, strips

pictures = lesson.held_out(card, 6)
fig = picture_row([side_by_side(pictures)], ["six of the pictures"], height=1.2)
show(fig, alt="Six small landscapes with hills, trees and houses: some skies are blue, some are "
     "orange; the roofs are red, blue-grey or brown.")

# %% [markdown]
# The network gets the joint tensor $X = [x, \nabla_1 x, \nabla_2 x]$ of Eq 8, nine channels. `start`
# builds the network from the card and measures the channels on 1,024 pictures, in a colour basis
# whose first axis is luma (black to white) and whose other two are [chroma](../docs/glossary.md#chroma) (red against blue, magenta
# against green).

# %%
from jgm_lib.training.runs import start

accelerator = lesson.accelerator_of(card)
model, batches, about = start(training, lesson.packed_path(card))
model.to(accelerator.device)
count = sum(p.numel() for p in model.parameters())
print(f"{card.network}, {model.channels} channels, {count:,} numbers to learn")

# %%
if hasattr(model, "spread"):
    for name, row in zip(("x", "d1 x", "d2 x"), model.spread.view(3, 3).tolist(), strict=True):
        print(f"{name:5s} luma {row[0]:.3f}   chroma {row[1]:.3f}  {row[2]:.3f}")

# %% [markdown]
# The spread differs by five between the channels here, and by forty on photographs. A network wants numbers of size 1, so each
# channel is divided by its own spread before it enters and multiplied again when it leaves. These
# nine means and spreads belong to the checkpoint: another set of pictures has others.
#
# ## Eq 9: the loss
#
# For every noise level, add noise of that level and ask for the [score](../docs/glossary.md#score):
#
# $$ \frac{1}{2L} \sum_{i=1}^{L} \lambda(\sigma_i)\; E_{p(X)} E_{p_{\sigma_i}(\tilde X | X)}
#    \left\| s_\theta(\tilde X, \sigma_i) + \frac{\tilde X - X}{\sigma_i^2} \right\|^2 \tag{9} $$
#
# (The paper writes $\tilde x | x$ under the expectation where $\tilde X | X$ is meant.) Our network
# is a [denoiser](../docs/glossary.md#denoiser) $D(\tilde X, \sigma) = \tilde X + \sigma^2 s_\theta$, so the bracket is
# $(D - X)/\sigma^2$ and Eq 9 is a denoising loss with the weight $\lambda/(2\sigma^4)$.
#
# Which $\lambda$? Suppose a channel were Gaussian with variance $d^2$, every pixel for itself. The
# best guess is then a straight line, with the mean squared error $\sigma^2 d^2/(\sigma^2 + d^2)$.
# Divide by that, and **1 means "no better than a straight line" at every level and in every channel**:
#
# $$ \frac{\sigma^2 + d^2}{\sigma^2 d^2}\,\|D - X\|^2 \quad\Longleftrightarrow\quad
#    \lambda(\sigma) = \frac{2\sigma^2(\sigma^2 + d^2)}{d^2} \tag{a} $$
#
# (Karras et al. 2022). For $\sigma \ll d$ it is the $\lambda \propto \sigma^2$ of the authors' code.
# Checked on random numbers, both sides of (a):

# %%
from jgm_lib.losses import lambda_c

gen = torch.Generator().manual_seed(card.seed)
X, noise, guess = torch.randn(3, 1000, generator=gen, dtype=torch.float64)
for sigma, d in ((0.01, 0.4), (0.5, 0.02), (3.0, 0.1)):
    score = (guess - (X + sigma * noise)) / sigma**2
    eq9 = 0.5 * lambda_c(sigma, d) * (score + noise / sigma).square().mean()
    ours = (sigma**2 + d**2) / (sigma * d) ** 2 * (guess - X).square().mean()
    assert torch.isclose(eq9, ours, rtol=1e-9)

# %% [markdown]
# ## Which noise levels
#
# The authors' code takes ten levels, from 1 to 0.01; the paper gives no numbers. We draw $\ln\sigma$ from a
# normal density for every picture, so that any level can be used later. Two pictures in three get *split
# noise*: $\sigma$ on the chroma channels, nearly none ($\sigma_y = 0.002$) on the [luma](../docs/glossary.md#luma) channels. Why?
#
# - The luma is what we shall know: the photograph is it. Noise on it hides edges and shapes, and with them
#   what tells a roof from a tree.
# - Under equal noise the photograph can only pull from outside, with a weight that is never right at all
#   levels at once (lesson 05).
# - Beside a clean luma the chroma's score is that of $p(\text{colour} \mid \text{grey})$: nothing is left to be
#   pulled, and twenty evaluations do (lesson 06 proves it).
# - The price: it learns pairs of one graying $F$, while the paper's prior knows of none (lesson 10).
# - So one picture in three keeps the same noise on all nine channels, as in the paper. One network learns
#   both.

# %%
from jgm_lib.losses import draw_sigmas

sigma_c, sigma_y = draw_sigmas(5000, gen)
equal = float((sigma_c == sigma_y).float().mean())
print(f"equal noise on all channels: {equal:.0%} of the pictures")
assert 0.3 < equal < 0.4

# %%
from jgm_course.plots import panels

fig, ax = panels(1, 1, 6, 2.2)
ax.hist(sigma_c.log10(), 60, color="#0072B2", label="sigma of the chroma")
ax.hist(sigma_y.log10(), 60, histtype="step", color="black", label="sigma_y of the luma")
ax.set(xlabel="log10 of the noise level", ylabel="pictures", ylim=(0, 700))
ax.legend(fontsize=8)
show(fig, alt="Histogram of noise levels: a bell from 0.002 to 20 around 0.16 for the chroma; for "
     "the luma a high bar at 0.002 and a low bell for the pictures with equal noise.")

# %% [markdown]
# ## What goes into the network, and what comes out
#
# A UNet sees the nine noisy channels and is told both noise levels. A noisy channel has the variance
# $\sigma^2 + d^2$, so $c_{in} = 1/\sqrt{\sigma^2 + d^2}$ gives it size 1 at any level. The levels enter as
# $\ln\sigma/4$ and $\ln\sigma_y/4$, turned into sines and cosines, and scale and shift the features of every
# block. Inside: squares of four pixels folded into channels, down to an eighth of the size and up
# again, attention at the lowest, where the sky at one edge can meet the sky at the other.
#
# What comes out is not the picture but a correction to the straight line:
# $D = \mu + c_{skip}(\tilde X - \mu) + c_{out}\,\mathrm{net}$ with
# $c_{skip} = d^2/(\sigma^2 + d^2)$, $c_{out} = \sigma d/\sqrt{\sigma^2 + d^2}$. At small noise the network is
# asked for the noise, at large noise for the picture, and never for anything but numbers of size 1.

# %% tags=["method"]
def channel_levels(sigma, sigma_y):
    """(B,), (B,) -> (B,9,1,1): sigma_y on the luma of each group, channels 0, 3 and 6; else sigma."""
    s = sigma[:, None].repeat(1, 9)
    s[:, 0::3] = sigma_y[:, None]
    return s[:, :, None, None]


def denoiser(model, noisy, sigma, sigma_y):
    """D of noisy (B,9,H,W) in the basis luma, chroma, chroma; sigma and sigma_y (B,)."""
    s, d, mu = channel_levels(sigma, sigma_y), model.spread, model.mean  # d and mu (1,9,1,1)
    total = (s**2 + d**2).sqrt()
    c_in, c_skip, c_out = 1 / total, (d / total) ** 2, s * d / total
    net = model.padded(c_in * (noisy - mu), sigma_y.log() / 4, sigma.log() / 4)  # the UNet
    return mu + c_skip * (noisy - mu) + c_out * net


# %% [markdown]
# The library's `denoise` is the same in the usual colours. Compared on weights that come with it, for in a
# fresh network the last layer is zero and would hide a mistake in $c_{in}$ and $c_{out}$:

# %%
from jgm_lib import checkpoints
from jgm_lib.operators import from_basis, to_basis

bundled, _ = checkpoints.load("toy-32")
noisy = torch.randn(4, 9, 32, 32, generator=gen)
sigma, sigma_y = torch.tensor([0.01, 0.1, 1.0, 10.0]), torch.tensor([0.002, 0.002, 0.002, 10.0])
with torch.no_grad():
    ours = from_basis(denoiser(bundled, to_basis(noisy), sigma, sigma_y))
    torch.testing.assert_close(ours, bundled.denoise(noisy, sigma, sigma_y))

# %% [markdown]
# That zero has a use: before its first step our network *is* the straight line, and the curve below starts
# at 1, whatever the data. (The authors' code trains its RefineNet on Eq 9 as it stands, $\lambda =
# \sigma^2$ and the mean over channels: its loss starts near one half, and it has no such line to start
# from.)

# %%
from jgm_lib.losses import gaussian, log_uniform_levels


def error_by_level(model, x, levels):
    """Squared error over that of the best straight line, pixel by pixel, one number a level."""
    X, ratios = model.domain.tensor(x), []
    d2 = to_basis(X).var((0, 2, 3))  # (C,) of these pictures
    for i, s in enumerate(levels):
        noisy = X + s * gaussian(X, torch.Generator().manual_seed(i))
        parts = [model.denoise(n.to(accelerator.device), s).cpu() for n in noisy.split(16)]
        error = to_basis(torch.cat(parts) - X).square().mean((0, 2, 3))
        ratios.append(float(error.sum() / (s**2 * d2 / (s**2 + d2)).sum()))
    return ratios


# %%
unseen = lesson.held_out(card, 32)
levels = getattr(model, "sigmas", None) or log_uniform_levels(12, 5.0, 0.005)
with torch.no_grad():
    before = error_by_level(model, unseen, levels)
print(f"error against the straight line before training: {min(before):.2f} to {max(before):.2f}")
assert not hasattr(model, "spread") or abs(torch.tensor(before) - 1).max() < 0.1

# %% [markdown]
# ## One training step, whole
#
# Levels, noise, guess, weight. Where the luma is clean it is given, not guessed, and its error is left out.

# %% tags=["method"]
from jgm_lib.operators import grad


def training_loss(model, x, gen):
    """Eq 9 by (a) with split noise, on pictures x (B,3,H,W) in [0,1]: a scalar to differentiate."""
    U = to_basis(torch.cat([x, *grad(x)], 1))  # Eq 8: (B,9,H,W), luma, chroma, chroma a group
    sigma = (-1.8 + 1.6 * torch.randn(len(x), generator=gen)).exp().clamp(0.002, 20.0)
    equal = torch.rand(len(x), generator=gen) < 0.35
    sigma_y = torch.where(equal, sigma, torch.full_like(sigma, 0.002))
    s, d = channel_levels(sigma, sigma_y), model.spread
    noisy = U + s * torch.randn(U.shape, generator=gen)
    weight = (s**2 + d**2) / (s * d) ** 2  # lambda/(2 sigma^4)
    weight = weight * (s >= sigma.view(-1, 1, 1, 1))  # 0 for a clean luma
    error = (weight * (denoiser(model, noisy, sigma, sigma_y) - U) ** 2).mean((2, 3))  # (B,9)
    return error.sum() / (weight > 0).sum()


# %% [markdown]
# The library's loss, with the same generator, is the same number and has the same gradient:

# %%
from jgm_lib.losses import split_noise_loss

weights_of = list(bundled.requires_grad_().parameters())
ours, theirs = (loss(bundled, pictures, torch.Generator().manual_seed(card.seed))
                for loss in (training_loss, split_noise_loss))
torch.testing.assert_close(ours, theirs)
for a, b in zip(*(torch.autograd.grad(v, weights_of) for v in (ours, theirs)), strict=True):
    torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)
print(f"loss of the bundled weights on six pictures: {float(ours.detach()):.3f}")

# %% [markdown]
# ## Train, and pull the plug
#
# `fit` is a generator: it yields after every step, and we stop by not asking for the next one. Here
# we walk away at the first checkpoint. (When a card says `resume`, nobody pulls the plug. You can
# interrupt the kernel at any time yourself: at most `save_every` steps are lost.)

# %%
from jgm_lib.operators import gray, gray_weights
from jgm_lib.training import fit

grey = gray(pictures, gray_weights())
view = lesson.LiveView(training, grey, every=max(1, card.steps // 5))
for p in fit(model, batches, training, folder, resume=going_on, save_every=card.save_every,
             accelerator=accelerator):
    view.update(p)
    if p.step == card.save_every and not going_on:
        break

# %% [markdown]
# Now a fresh network, as after a restart of the computer. `resume=True` finds the newest checkpoint:
# weights, their average, the optimizer's memory and the step. The random numbers of a step come
# from (seed, step, process) and every schedule goes by the step count, so nothing else is needed.

# %%
model, batches, _ = start(training, lesson.packed_path(card))
for p in fit(model, batches, training, folder, resume=True, save_every=card.save_every,
             accelerator=accelerator):
    view.update(p)

# %%
if view.looks:
    chosen = [view.looks[i] for i in sorted({0, 1, 3, len(view.looks) - 1}) if i < len(view.looks)]
    show(strips({f"step {s}": x for s, x in chosen} | {"truth": pictures}),
         alt="Samples for the same six grey landscapes at four steps of the training, the truth "
         "below: first smears of colour, then coloured objects, at the end blue or orange skies and "
         "green grass. Not every sky has the colour of the truth, as it should be.")

# %% [markdown]
# Is a stopped training really the same as one in a single go? On one CPU to the last bit, shown on a
# tiny network that trains in a second:

# %%
from jgm_lib.params import TrainCard, validate

tiny = validate(TrainCard, {"settings": {"widths": [8, 16]}, "size": 16, "batch": 2, "steps": 6})


def train(where, stops):
    for last in stops:
        net, fresh, _ = start(tiny)
        for p in fit(net, fresh, tiny, where, resume=True, save_every=3):
            if p.step == last:
                break
    return {k: v.clone() for k, v in p.ema.items()}


# %%
whole, stopped = train(lesson.run_folder(""), [6]), train(lesson.run_folder(""), [3, 6])
assert all(torch.equal(whole[k], stopped[k]) for k in whole)
print("six steps in one go and three + three steps: all weights equal, bit for bit")

# %% [markdown]
# ## Read the curves

# %%
from jgm_lib.training.runs import averaged_model

prior, _, step = averaged_model(folder)
prior.to(accelerator.device)
with torch.no_grad():
    after = error_by_level(prior, unseen, levels)
log = lesson.read_log(folder)

# %%
show(lesson.curves(log, levels, before, after, card.steps),
     alt="Left: the loss falls from 1 steeply in the first hundred steps, then ever more slowly. "
     "Right: error by noise level against a straight line, near 1 before training; after it a "
     "valley, lowest at middle noise levels and rising towards both ends.")

# %% [markdown]
# - **Left**: a steep fall in the first hundred steps (flat areas exist), then a slow one (objects
#   have colours). Single batches jump up and down because each draws other noise levels; only the
#   mean tells. In the last fifth the learning rate falls to zero and the loss takes a last small dip.
# - **Right**: the gain is in the middle. At very large noise nothing can be seen, so the straight
#   line is nearly the best there is. At very small noise nearly everything can be seen already.
# - **Warnings**: a loss that stays at 1 (learning rate too small, or the pictures are noise); one that
#   climbs (too large); `loss is nan` stops the training by itself and keeps the last good checkpoint;
#   samples with one colour cast everywhere (the average has not caught up yet: more steps).
#
# ## What the gradient channels are good for
#
# After so short a training the nine channels are still noisy guesses. But they guess the same picture
# three times: once as colours, twice as differences. Eq 14 (lesson 03) puts the three together. Left
# the colours alone ($\beta = 0$), right the same samples fused.

# %%
plain, fused = (lesson.colour_strip(prior, grey.cpu(), beta=b) for b in (0.0, 5.9))
show(picture_row([side_by_side(plain[:4]), side_by_side(fused[:4])],
                 ["colour channels alone", "fused with the gradients, beta = 5.9"], height=1.1),
     alt="Four landscapes twice: on the left with coloured grain everywhere, on the right the same "
     "colours, smooth inside the objects and sharp at their edges.")

# %%
rough = (plain - fused).square().mean().sqrt()
print(f"RMS of what the fusion took away: {rough:.3f}")

# %% [markdown]
# ## The weights that we keep are an average
#
# Every step pulls the weights this way and that. What we sample from is their running average with the
# decay $\min(0.999, (1+n)/(10+n))$ at update $n$: short memory first, so that the early weights are
# forgotten, long memory later. Without it the samples get colour casts.

# %%
from jgm_lib.training import ema_decay

print([round(ema_decay(n), 3) for n in (0, 10, 100, 1000, 10_000)])

# %% [markdown]
# ## A checkpoint with a card
#
# The finished weights go into one `.safetensors` file (no program code inside, only numbers) beside a
# JSON card that says what they are: network, data, steps, a SHA-256 of the file. Loading refuses
# whatever does not fit. Lesson 05 takes the path as its `weights` parameter.

# %%
from jgm_lib.training.runs import export_run

path = export_run(folder, card.weights, {**about, "loss": round(log[-1][1], 4)})
print(f"wrote {card.weights}.safetensors, {path.stat().st_size / 1e6:.1f} MB")

# %%
from jgm_lib.colorize import Colorizer

colorizer = Colorizer.from_pretrained(path, device="cpu")
same = colorizer.model.state_dict()
assert all(torch.allclose(same[k].float(), v.cpu(), rtol=1e-2, atol=1e-3)
           for k, v in prior.state_dict().items())
print({k: colorizer.card[k] for k in ("network", "steps", "pictures_seen", "loss")})

# %% [markdown]
# ## What to expect
# With the quick values the mean loss ends near 0.6, and most samples have blue or orange skies and
# green grass. Without the [fusion](../docs/glossary.md#fusion) they are grainy: 8,000 pictures are little. The `laptop` card
# (`notebooks/params`) takes 14 times as many.

# %%
first, last = log[0][1], log[-1][1]
print(f"mean loss of the first 50 steps {first:.2f}, of the last {last:.2f}")
assert step == card.steps and (last < first or len(log) == 1)
assert card.steps < 400 or last < 0.75

# %% [markdown]
# ## Exercises
# **Exercise 1.** One term of Eq 9, for one noise level and a batch: half the squared norm, summed
# over channels and pixels, averaged over the batch, times the weight.

# %% tags=["solution"]
def joint_dsm(score, X, z, sigma, weight):
    """score: function of (noisy X, sigma); X, z (B,C,H,W), z standard normal -> scalar tensor."""
    residual = score(X + sigma * z, sigma) + z / sigma
    return weight * 0.5 * residual.square().flatten(1).sum(1).mean()

# %%
from jgm_course.nb04.checks import check_joint_dsm

check_joint_dsm(joint_dsm)

# %% [markdown]
# **Exercise 2.** The best straight line. For $x \sim N(\mu, d^2)$ and $\tilde x = x + \sigma z$, what
# is $E[x | \tilde x]$? It is what our network answers before its first step.

# %% tags=["solution"]
def best_line(noisy, sigma, mean, spread):
    """E[x | noisy] for a Gaussian x with that mean and standard deviation ``spread``."""
    keep = spread**2 / (sigma**2 + spread**2)
    return mean + keep * (noisy - mean)

# %%
from jgm_course.nb04.checks import check_best_line

check_best_line(best_line)

# %% [markdown]
# **Exercise 3.** One update of the averaged weights at update number $n$ (from 0), with the warm-up
# $\min(limit, (1+n)/(10+n))$.

# %% tags=["solution"]
def average(ema, new, n, limit):
    """The new average: a share ``decay`` of the old one, the rest of the new weights."""
    decay = min(limit, (1 + n) / (10 + n))
    return decay * ema + (1 - decay) * new

# %%
from jgm_course.nb04.checks import check_average

check_average(average)

# %% [markdown]
# ## On your own
# - Run the laptop card: set the values of `notebooks/params/04_train_the_prior.laptop.yaml`, or, in the
#   project's folder, `.venv/bin/papermill notebooks/04_train_the_prior.ipynb 04_laptop.ipynb -f
#   notebooks/params/04_train_the_prior.laptop.yaml`.
# - Set `lr` to 0.1, then to 1e-5, and look at both curves.
# - Give a packed folder of your own photos as `data` (lesson 12 packs it; write the full path, for a
#   short one starts in the notebook's folder) and watch what the network learns first.
# - Extend the run: same `run` folder, `resume = True`, more `steps`. What happens to the learning rate?
#
# ## Further reading
# - Song and Ermon 2019, *Generative modeling by estimating gradients of the data distribution*
# - Karras et al. 2022, *Elucidating the design space of diffusion-based generative models* (arXiv
#   2206.00364), Section 5 and Table 1
# - Vincent 2011, *A connection between score matching and denoising autoencoders*

# %% tags=["status"]
import json

print(json.dumps({"nfe": 10 * (len(view.looks) + 2), "loss": round(last, 3)}))
