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
# # 12 Scale up
#
# From sixty pictures to the paper's 150,000 and on to millions: what has to be stored, what has to be
# computed, how long that takes on how many GPUs, and how to try many settings without losing track.
# Everything is tried small first, then worked out on paper.
#
# ## What you will do
# - Pack pictures into one memory-mapped file, break it, and see it refused
# - Open 150,000 pictures, 7.4 GB, and use less than a thousandth of that in memory
# - Count the arithmetic of a training step and compare it with the 20 hours that the paper reports
# - Sweep a grid of settings with two processes at once, stop, go on, and repeat what failed
#
# ## What you will learn
# - why a data set on disk is bytes, and what its card must say
# - how to predict hours, memory and storage before renting anything
# - what changes, and what must not, when several GPUs train one model
#
# ## What you need
# - Time (CPU): about 25 s, measured on 2 cores
# - Time (GPU): nobody measured this notebook on a GPU; on one, `12_scale_up.paper.yaml` measures the
#   paper's network instead of the small one
# - Study time: about 30 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/12_scale_up.ipynb`
# - Before this: lesson 04 (training), lesson 01 for the sweep's example

# %% tags=["parameters"]
seed = 0           # seed of everything random
device = "auto"    # auto, cpu or cuda
pictures = 60      # toy scenes to make and pack
size = 64          # side of the packed pictures, pixels
data = ""          # a packed set to train on; empty: the one made here
training = ""      # training card to measure; empty: a small UNet
steps = 20         # training steps to measure
tflops = 5.3       # sustained speed of a GPU, assumed, TFLOP/s
scaling = 1.0      # share of that speed left when several GPUs work together
sigma = [0.3, 3.0] # noise levels of the sweep
lr = [0.05, 0.5]   # learning rates of the sweep
out = ""           # folder of the sweep; empty: a temporary one

# %%
from jgm_course.errors import begin
from jgm_course.nb12.card import CARD

card = begin(CARD, globals())

# %%
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch

from jgm_course.nb04 import figures as nb04
from jgm_course.nb12 import figures as lesson
from jgm_lib.errors import JGMError
from jgm_lib.figures import picture_row, show

room = tempfile.TemporaryDirectory(prefix="jgm-scale-")
folder = Path(room.name)
default = card == CARD()
print(nb04.check_device(lesson.device_wish(card)))

# %% [markdown]
# ## The sets of the paper
#
# Section IV.A trains on "150,000 images randomly picked from each dataset", reshaped to 128 x 128.
#
# | set | pictures there are | how they come | one command |
# |---|---|---|---|
# | LSUN bedroom | 3,033,042 | LMDB, 43 GB | `jgm data lsun --category bedroom --source PATH --name bedroom ...` |
# | LSUN church_outdoor | 126,227 | LMDB, 2 GB | `jgm data lsun --category church_outdoor --source PATH --name church ...` |
# | COCO-Stuff | 118,287 train, 5,000 val | zip of JPEG | `jgm data coco-stuff --source train2017.zip --name coco ...` |
# | ImageNet (ILSVRC2012) | 1,281,167 train | tar of 1,000 tars | `jgm data imagenet --source ILSVRC2012_img_train.tar --name imagenet ...` |
#
# where `...` is `--size 128 --count 150000 --seed 0 --out data`. ImageNet asks for an account and leave;
# you bring the files yourself. `jgm data flower-photos` (3,670 flowers) and `jgm data folder` (your own
# photographs) are the quick ones. Each ends in the same packed form.
#
# **Slips of the paper.** LSUN has no 150,000 churches to pick from, and COCO-Stuff's 164k pictures only
# reach 150,000 if its 41,000 test pictures are counted in. A `--count` larger than the set takes what is
# there and the card says how many. And ImageNet's "3.2 million" is the figure of its first paper (2009),
# not of the challenge set.
#
# ## Packing, for real
#
# A folder as folders are: toy scenes, package photographs of all shapes, and one download that broke
# off after a third.

# %%
from data_scripts.folder import pack_folder
from jgm_lib.data.packed import PackedSet, file_sha256

album = lesson.write_pictures(folder / "album", card.pictures, card.size, card.seed)
npy = pack_folder(album, out=folder, name="album", size=card.size, licence="see the packages")
packed = PackedSet(npy)
print(packed.summary().replace(f"{folder}/", ""))

# %%
some = [0, 1, 2, 3, 4, 6, 7, 8]  # folders are packed in the order of their names
show(picture_row([packed[i] for i in some], [packed.classes[packed.labels[i]] for i in some], 1.0),
     alt="Eight square pictures from the packed set: first photographs from packages, a woman, a cat, "
     "a pagoda, a cup of coffee, a flower, cut to the middle square; then drawn landscapes.")

# %% [markdown]
# Two files. The array holds nothing but bytes: $N \times S \times S \times 3$ of them after a header of
# 128. The card says where they come from, what was left out, and which pictures training must not see.

# %%
facts = json.loads(npy.with_suffix(".json").read_text())
for key in ("count", "size", "licence", "skipped", "skipped_examples", "holdout", "groups"):
    print(f"{key}: {facts[key]}")
assert npy.stat().st_size == 128 + len(packed) * card.size**2 * 3
assert facts["sha256"] == file_sha256(npy)

# %% [markdown]
# The held-out pictures are drawn by a permutation with a seed, not the last ones: files often come
# sorted by subject. And equal pictures are packed once, or one of two twins could end up on either side.
#
# ## Files break
#
# A copy that ended early, and one with a single changed byte. The first is seen at once, by its length;
# the second only by the SHA-256, which reads the whole file and is therefore asked for (`verify=True`).

# %%
def attempt(path, **options):
    """Open a set; say in one line why not."""
    try:
        PackedSet(path, **options)
        print(f"{path.name}: opened")
    except JGMError as error:
        print(str(error).replace(f"{folder}/", ""))

# %%
for name in ("short", "changed"):
    for suffix in (".npy", ".json"):
        shutil.copy(npy.with_suffix(suffix), folder / f"{name}{suffix}")
whole = npy.read_bytes()
(folder / "short.npy").write_bytes(whole[:-1000])
(folder / "changed.npy").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

# %%
attempt(folder / "short.npy")
attempt(folder / "changed.npy")
attempt(folder / "changed.npy", verify=True)
attempt(npy, verify=True)

# %% [markdown]
# ## 7.4 GB in a thousandth of the memory
#
# `PackedSet` maps the file instead of reading it: the system loads a page when somebody touches it, and
# may drop it again at any time. To try that with 150,000 pictures without having them, we let the file
# system keep a file of that length with nothing in it (it reads as zeros and takes next to no disk).

# %%
hollow = PackedSet(lesson.hollow_set(folder, 150_000, 128))
before = lesson.resident_bytes(hollow.path)
pick = torch.randint(len(hollow), (8,), generator=torch.Generator().manual_seed(card.seed))
batch = hollow.batch(pick.numpy(), 128, augment=False)
after = lesson.resident_bytes(hollow.path)
print(f"file {hollow.path.stat().st_size / 1e9:.2f} GB, batch {tuple(batch.shape)}")

# %%
if after is None:
    print("this system does not tell which pages are in memory (Linux does)")
else:
    print(f"in memory before {before / 1e6:.1f} MB, after a batch of 8: {after / 1e6:.1f} MB")
    assert before < after < hollow.path.stat().st_size / 1000

# %% [markdown]
# Eight pictures are 0.4 MB; a page is loaded with its neighbours, so it may be a little more. Reading
# `np.load(path)` without a map, or `array / 255` on all of it, would ask for 7.4 or 29 GB.

# %%
sets = {
    "church_outdoor, all": 126_227,
    "the paper's share": 150_000,
    "ImageNet": 1_281_167,
    "bedroom, all": 3_033_042,
}
show(lesson.storage_figure(sets, 128),
     alt="Bars of storage at 128 x 128 on a logarithmic axis, packed as bytes and as float32: churches 6 "
     "and 25 GB, the paper's 150,000 pictures 7.4 and 29, ImageNet 63 and 252, all bedrooms 149 and "
     "596. A dotted line at 16 GB: only the first two fit in a laptop's memory, and only as bytes.")

# %%
# NBVAL_CHECK_OUTPUT
for name, n in sets.items():
    print(f"{name}: {n:,} pictures, {n * 128 * 128 * 3 / 1e9:.1f} GB")

# %% [markdown]
# ## From the file into training
#
# `start` takes the set's path where lesson 04 gave it none, and `fit` is the same generator. We time it
# from the third step on (the first ones set things up).

# %%
import time

from jgm_lib.training import fit
from jgm_lib.training.runs import start

plan = lesson.training_card(card)
accelerator = nb04.accelerator_of(lesson.device_wish(card, plan.precision))
model, batches, about = start(plan, card.data or npy)
print(about["data"] | {"sha256": about["data"]["sha256"][:12] + "..."})

# %%
stamps, losses = [], []
for p in fit(model, batches, plan, folder / "run", accelerator=accelerator):
    stamps.append(time.perf_counter())
    losses.append(p.loss)
seconds = float(np.median(np.diff(stamps)[2:]))
print(f"{plan.batch / seconds:.0f} pictures a second; loss {losses[0]:.2f} at first")
assert len(losses) == plan.steps and np.isfinite(losses).all()

# %% [markdown]
# Pictures a second are a property of this machine at this hour. What can be carried elsewhere is the
# arithmetic. PyTorch counts it: every multiplication and every addition in matrix products and
# convolutions (FLOP), once through a real training step, once for the forward pass on paper, where
# the network runs with shapes only and no numbers at all.

# %%
from torch.utils.flop_counter import FlopCounterMode

generator = torch.Generator().manual_seed(card.seed)
x = batches(plan.batch, generator).to(accelerator.device)
with FlopCounterMode(display=False) as counter:
    model.objective(model, plan)(x, generator).backward()
step_flop, paper_cost = counter.get_total_flops(), lesson.cost_of(plan)
print(f"step {step_flop / 1e9:.2f} GFLOP, forward {plan.batch * paper_cost.forward / 1e9:.2f}")

# %%
print(f"a step is {step_flop / (plan.batch * paper_cost.forward):.2f} forward passes")
print(f"this machine sustained {step_flop / seconds / 1e9:.1f} GFLOP/s in this training")
assert 2.7 < step_flop / (plan.batch * paper_cost.forward) < 3.1

# %% [markdown]
# Why three? The backward pass computes two gradients in each layer, with respect to its input and to
# its weights, and each costs as much as the layer itself. (The very first layer needs only one.)
#
# ## The paper's 20 hours, checked
#
# Section IV.A: 100,000 steps of batch 8 "takes around 20 hours" on two Titan Xp with 12 GB. Does that
# fit the network? The cards that the library brings for it:

# %%
from jgm_lib.cards import card_names, read_train_card

gpu_cards = {n: read_train_card(n) for n in card_names() if read_train_card(n).device == "cuda"}
for name, c in gpu_cards.items():
    print(f"{name:15s} {c.network:10s} batch {c.batch:2d}  {c.steps:6d} steps  {c.optimizer} {c.lr:g} "
          f"{c.schedule}, precision {c.precision}")

# %%
refinenet, unet = (lesson.cost_of(gpu_cards[n]) for n in ("paper-128", "unet-128"))
for name, c in (("RefineNet", refinenet), ("UNet", unet)):
    print(f"{name}: {c.parameters:,} weights, {c.forward / 1e9:.2f} GFLOP forward, "
          f"{c.step / 1e9:.2f} forward and backward")
assert abs(refinenet.forward / 317.03e9 - 1) < 1e-3 and refinenet.parameters == 30_131_465

# %%
# NBVAL_CHECK_OUTPUT
total = 3 * 317.03e9 * 8 * 100_000  # FLOP of the whole training
implied = total / (20 * 3600) / 1e12
print(f"{total:.2e} FLOP; in 20 h {implied:.1f} TFLOP/s, {implied / 2:.1f} a GPU")
print(f"{8 * 100_000 / 150_000:.1f} times through 150,000 pictures")

# %% [markdown]
# Believable: a Titan Xp is specified with about 12 TFLOP/s in float32, so 5.3 is under half of its peak,
# which is what convolutions usually get. 5.3 is this lesson's default for `tflops`. **It is an
# assumption, not a measurement of ours**; put in what your own GPU sustains (the cell above prints it).
#
# ## Memory
#
# Weights, gradients, Adam's two running averages and the averaged weights take 20 bytes a weight,
# whatever the batch. The rest is what autograd keeps of the forward pass for the way back, and that
# grows with the batch. The paper run's book-keeping, counted on paper:

# %%
plan_of = {"RefineNet, 8 pictures": ("paper-128", 8), "RefineNet, 4 pictures": ("paper-128", 4),
           "UNet, 32 pictures": ("unet-128", 32)}
bars = {k: lesson.memory_parts(gpu_cards[n], b) for k, (n, b) in plan_of.items()}
show(lesson.memory_figure(bars, 12),
     alt="Stacked bars of memory: RefineNet with 8 pictures 12.3 GB, past the dashed line of 12 GB, nearly "
     "all of it activations; with 4 pictures 6.4 GB; the UNet with 32 pictures 1.1 GB.")

# %%
# NBVAL_CHECK_OUTPUT
print(f"20 bytes a weight: {20 * 30_131_465 / 1e6:.0f} MB for RefineNet")

# %%
gigabytes = {k: sum(b.values()) / 1e9 for k, b in bars.items()}
assert gigabytes["RefineNet, 8 pictures"] > 12 > gigabytes["RefineNet, 4 pictures"]

# %% [markdown]
# The figure explains the paper's two GPUs: eight pictures do not fit on one with 12 GB, four do. (Counted
# for our implementation in float32; the convolutions' own workspace comes on top. bfloat16 about
# halves the activations.)
#
# ## Two learning rates that are not the same
#
# The paper: 0.005, halved every 5,000 steps. Its published code: 0.001 throughout. Both are cards,
# `paper-128` and `code-128`. Draw them before you choose.

# %% tags=["method"]
def rate(step, steps, card):
    """The learning rate before a step, counted from 0: warm-up, then what the card's schedule says."""
    warm = min(1.0, (step + 1) / card.warmup) if card.warmup else 1.0
    if card.schedule == "halve":
        return card.lr * warm / 2 ** (step // card.halve_every)
    if card.schedule == "decay":  # constant, then straight down to 0 over the last share of the steps
        return card.lr * warm * min(1.0, (steps - step) / (card.decay_share * steps))
    return card.lr * warm

# %%
from jgm_lib.training import learning_rate

at = range(100_000)
for own in gpu_cards.values():
    assert all(abs(rate(s, 100_000, own) / learning_rate(s, 100_000, own) - 1) < 1e-12 for s in at[::7])
rates = {n: np.array([rate(s, 100_000, gpu_cards[n]) for s in at]) for n in ("paper-128", "code-128")}
show(lesson.rates_figure(rates),
     alt="Left: the paper's rate falls in twenty steps from 0.005 to below 1e-8, the code's stays at 0.001. "
     "Right: of all that the paper's rate adds up to, 90 % is spent within the first 17,000 of "
     "100,000 steps; the code's grows as a straight line.")

# %%
# NBVAL_CHECK_OUTPUT
way = rates["paper-128"].cumsum() / rates["paper-128"].sum()
print(f"after half of the steps: {100 * way[49_999]:.1f} % of the way, rate {rates['paper-128'][50_000]:.1e}")

# %% [markdown]
# Adam's steps are as long as its rate. Taken at its word, the paper's second half changes next to
# nothing, and 10 hours would have bought what 20 did.
#
# ## Hours on one GPU, on eight, for millions
#
# $$ \text{hours} = \frac{3 \cdot \text{FLOP}_{\text{forward}} \cdot \text{pictures seen}}
#    {\text{GPUs} \cdot \text{TFLOP/s} \cdot 10^{12} \cdot 3600} \tag{a} $$
#
# Pictures seen, not pictures owned: batch times steps. A larger set costs disk; more passes cost hours.

# %%
flops = {"RefineNet": refinenet.forward, "UNet": unet.forward}
show(lesson.cost_figure(flops, (1, 2, 8), card.tflops, card.scaling, (8e5, 20)),
     alt="Hours against pictures seen, both logarithmic, straight parallel lines for 1, 2 and 8 GPUs: "
     "RefineNet's about a hundred times above the UNet's. A star at 800,000 pictures and 20 hours, the "
     "paper, lies on RefineNet's line for two GPUs.")

# %%
passes = 8 * 100_000 / 150_000  # the paper's
print(f"assumed: {card.tflops:g} TFLOP/s a GPU, {passes:.1f} passes; hours on 1, 4, 8 GPUs")
for n in (150_000, 1_000_000, 3_033_042):
    for name, f in flops.items():
        t = [lesson.hours(f, passes * n, g, card.tflops, card.scaling) for g in (1, 4, 8)]
        print(f"{n:9,d} pictures, {name:9s}: {t[0]:8.1f} {t[1]:7.1f} {t[2]:7.1f}")

# %%
here = step_flop / seconds / 1e12
days = lesson.hours(refinenet.forward, 8e5, 1, here) / 24
print(f"the paper's training at this machine's {here * 1e3:.0f} GFLOP/s: {days:,.0f} days")
assert abs(lesson.hours(317.03e9, 8e5, 2, implied / 2) - 20) < 1e-6

# %% [markdown]
# These are lower bounds. A GPU waits for pictures (one core decodes nothing here, it only copies, crops and
# resizes), for the other GPUs, and at small batches for itself. Between GPUs each step moves about
# $2 \cdot 4$ bytes a weight, 241 MB for RefineNet: over a link of 10 GB/s 24 ms, against 0.7 s of
# computing. `scaling` is where you put what you measured.
#
# ## Launching
#
# One GPU, or this CPU:
#
# ```
# jgm train paper-128 --data data/bedroom-128 --out runs/paper-128
# jgm train unet-128  --data data/bedroom-128 --out runs/unet-128
# ```
#
# Two and eight GPUs of one machine, one process each:
#
# ```
# accelerate launch --multi_gpu --num_processes 2 -m jgm_lib.cli train paper-128-2gpu \
#     --data data/bedroom-128 --out runs/paper-128
# accelerate launch --multi_gpu --num_processes 8 --mixed_precision bf16 -m jgm_lib.cli train \
#     unet-128-8gpu --data data/bedroom-128 --out runs/unet-128-8gpu
# ```
#
# From a notebook: lesson 04 with `processes` above 1 calls accelerate's `notebook_launcher`
# (`jgm_course.nb04.figures.launch`), in a kernel that has not touched a GPU yet. `--resume` goes on
# from the newest checkpoint. A card for GPUs on a machine without one:

# %%
try:
    start(gpu_cards["paper-128"])
    print("this machine has a GPU: the card would start")
except JGMError as error:
    print(error)

# %% [markdown]
# ## What several processes do
#
# Each process draws its own pictures and noise, from (seed, step, process), and computes its own gradient;
# then all take the mean and the same step. So the batch that counts is the **global batch**, `batch`
# times processes: the paper's 8 is two times 4. In numbers: the gradient over eight pictures is the mean
# of the gradients over two halves, as long as no layer looks across the batch (ours normalize each
# picture for itself) and the loss is a plain mean.

# %%
from jgm_lib.networks import build

torch.manual_seed(card.seed)
tiny = build("unet", widths=[8, 16]).double()
U, z = torch.randn(2, 8, 9, 16, 16, generator=generator, dtype=torch.float64)
s = torch.linspace(0.1, 1.0, 8, dtype=torch.float64)
torch.nn.init.normal_(tiny.head.weight, std=0.1)  # it starts at zero, which would hide the rest

# %%
def gradient(rows):
    """Gradient of the mean squared error over some of the pictures, as one vector."""
    guess = tiny(U[rows] + s[rows, None, None, None] * z[rows], s[rows], s[rows])
    loss = (guess - U[rows]).square().mean()
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(tiny.parameters()))])

first, second, all_eight = gradient(range(4)), gradient(range(4, 8)), gradient(range(8))
print(f"halves differ by {(first - second).norm() / all_eight.norm():.1f} of the gradient's length")
assert torch.allclose((first + second) / 2, all_eight, rtol=1e-9, atol=1e-12)

# %% [markdown]
# - **Learning rate.** A larger global batch has a quieter gradient, and fewer steps see as many pictures.
#   Usual starting points: the rate grows with the batch for SGD (Goyal et al. 2017), with its square root
#   for Adam (Malladi et al. 2022); then sweep. `unet-128-8gpu` takes the root.
# - **Resuming.** With the same number of processes a run goes on as if nothing had happened. With another
#   number it goes on too, but with other pictures and another global batch: another training.
# - **One writes.** Only the first process writes checkpoints and log. If the loss of any process stops
#   being finite, all stop before they touch the weights.
# - **Proven** with two processes on a CPU, which talk through gloo as GPUs do through NCCL:
#   `pytest tests/test_scale_lesson.py`. They train the model of the mean gradient, also across a stop.
#
# ## Appendix: a sweep and its registry
#
# This section may be skipped: it is for those who want to run many settings.
#
# Which learning rate? Ask a grid. `jgm_course.sweep` runs a lesson through papermill once for every
# combination of values. Any notebook with a `parameters` cell and a `status` cell will do. Ours is the
# smallest [denoiser](../docs/glossary.md#denoiser) there is, $D(x) = w\,x$ for single pixels of the packed set, whose exact answer
# $w = d^2/(d^2 + \sigma^2)$ lesson 01 gave.

# %%
lessons_here = lesson.write_one_weight(folder / "lessons")
text = (lessons_here / "90_one_weight.py").read_text()
print(text[text.index("# %% tags"):text.index("# %%\nfig")])

# %%
from jgm_course.sweep import SweepCard, data_hash, points
from jgm_lib.params import validate

results = Path(card.out) if card.out else folder / "sweep"
grid = {"sigma": card.sigma, "lr": card.lr}
sweep_card = validate(SweepCard, {"lesson": "90", "grid": grid, "fixed": {"data": str(npy)},
                                  "data": [str(npy)]})
print(f"{len(points(sweep_card))} runs; data {data_hash(sweep_card.data)}")

# %% [markdown]
# First somebody in a hurry allows each run a twentieth of a second. Every run that fails is a line in the
# registry with its reason, and the others go on.

# %%
hurried = sweep_card.model_copy(update={"timeout": 0.05})
records, said = lesson.sweep_by_two(hurried, results, lessons_here)
for r in records:
    print(r["parameters"]["sigma"], r["parameters"]["lr"], r["ok"], r["error"])

# %% [markdown]
# Now with time, and `retry`. Two sweeps work at once on one folder, as they would on two GPUs:
#
# ```
# CUDA_VISIBLE_DEVICES=0 python -m jgm_course.sweep grid.yaml --out out/sweep --retry &
# CUDA_VISIBLE_DEVICES=1 python -m jgm_course.sweep grid.yaml --out out/sweep --retry &
# ```
#
# Each takes a lock on the run it works at, so no run is done twice; the system frees the lock of a process
# that dies. (Processes of one machine. On several machines give each its own folder and part of the
# grid.)

# %%
records, said = lesson.sweep_by_two(sweep_card, results, lessons_here, retry=True)
for r in records:
    print(r["parameters"]["sigma"], r["parameters"]["lr"], r["ok"], r["metrics"] or r["error"])

# %%
registry = (results / "registry.jsonl").read_text().splitlines()
line = json.loads(registry[-1]) | {"parameters": {"data": "...", **grid}}
print({k: line[k] for k in ("key", "lesson", "data", "ok", "metrics", "picture")})
print(sorted(line))
if default:
    assert len(registry) == 8 and [r["ok"] for r in records] == [True, True, True, False]

# %% [markdown]
# One line a run: parameters, code version (`git describe`), hash of the data, numbers, or why it failed. The
# key is the hash of lesson text, parameters, code and data: change any of them and it is another run (so
# a line's `off`, the distance from the exact weight, can be traced to what made it). Change nothing, and
# nothing is run:

# %%
again, said = lesson.sweep_by_two(sweep_card, results, lessons_here)
print(len((results / "registry.jsonl").read_text().splitlines()) - len(registry), "new lines", said)
assert again == records or again[0]["code"] != records[0]["code"]  # somebody committed meanwhile

# %%
import csv

columns = ("sigma", "lr", "best", "off", "error")  # some of table.csv
with open(results / "table.csv", newline="") as file:
    for row in [dict(zip(columns, columns, strict=True)), *csv.DictReader(file)]:
        print("".join(f"{row[c]:8s}" for c in columns))

# %%
pictures_of, titles = lesson.thumbnails(records, results)
show(picture_row(pictures_of, titles, 2.0),
     alt="Thumbnails of the runs that ended well: at sigma 0.3 the weight climbs slowly to the dashed line "
     "with the small rate and at once with the large one, then trembles; at sigma 3 it trembles around "
     "a line near zero.")

# %% [markdown]
# `gallery.html` in the same folder is the page for people: every run with its last picture, a link to its
# executed notebook, failed ones framed. Read across: the rate that suits $\sigma = 0.3$ blows up
# $\sigma = 3$, because the curvature of the unweighted loss in $w$ is $2(d^2 + \sigma^2)$.
#
# Does the weight $\lambda(\sigma)$ of Eq 9 cure that? Not the one of lesson 04: it multiplies the loss by
# $(\sigma^2 + d^2)/(\sigma^2 d^2)$, so the curvature becomes $2(d^2 + \sigma^2)^2/(\sigma^2 d^2)$, and at
# $\sigma = 3$ it is larger still. The cure is how that lesson's network is built. It sees
# $c_{in}\tilde X$ of size 1 and its answer is multiplied by $c_{out}$; the weight is $1/c_{out}^2$. For
# $D = c_{skip}\tilde X + c_{out}\, w\, c_{in} \tilde X$ the curvature in $w$ is 2 at every level, and one
# rate suits all.

# %%
page = (results / "gallery.html").read_text()
print(page[page.index("<h1>"):page.index("</h1>")], page.count("<figure"), "figures")
d2 = (np.load(npy, mmap_mode="r")[:40] / 255).var()
for name, row in lesson.curvatures(float(d2), card.sigma).items():
    print(f"{name:28s} curvature {row}: a mean gradient runs away from lr = {[round(2 / c, 4) for c in row]} on")

# %% [markdown]
# A hint for large sets: the hash reads every byte of what you list under `data`. List the set's card,
# `data/bedroom-128.json`, instead: it holds the SHA-256 of the array. And commit before you sweep: all
# uncommitted states have the same name, `...-dirty`.

# %% [markdown]
# ## What to expect
# - 7.37 GB for 150,000 pictures, about 1 MB of it in memory after a batch.
# - A training step costs three forward passes; the paper's training is $7.6 \cdot 10^{17}$ FLOP, and its 20
#   hours mean 5.3 TFLOP/s on each of two GPUs.
# - Eight pictures need more than 12 GB, four do not.
# - Four runs: three end near the exact weight, one runs away; eight lines in the registry.

# %% [markdown]
# ## Exercises

# %% [markdown]
# **Exercise 1.** How many bytes does the npy file of a packed set have? (Header: 128.)


# %% tags=["solution"]
def packed_bytes(count, size):
    """Bytes of the file with ``count`` RGB pictures of ``size`` x ``size`` pixels."""
    return 128 + count * size * size * 3


# %%
from jgm_course.nb12.checks import check_packed_bytes

check_packed_bytes(packed_bytes)

# %% [markdown]
# **Exercise 2.** Equation (a): hours of a training, from the FLOP of one forward pass for one picture.


# %% tags=["solution"]
def training_hours(forward_flop, batch, steps, gpus, tflops):
    """Hours; ``batch`` is the global one, ``tflops`` the sustained TFLOP/s of each GPU."""
    return 3 * forward_flop * batch * steps / (gpus * tflops * 1e12) / 3600


# %%
from jgm_course.nb12.checks import check_training_hours

check_training_hours(training_hours)

# %% [markdown]
# **Exercise 3.** Which pictures are held out? Draw them with a seed, so that everybody who packs the set
# draws the same ones.


# %% tags=["solution"]
def held_out(count, share, seed):
    """A sorted list of round(share * count) different indices below ``count``."""
    order = np.random.default_rng(seed).permutation(count)
    return sorted(order[: round(share * count)].tolist())


# %%
from jgm_course.nb12.checks import check_held_out

check_held_out(held_out)

# %% [markdown]
# **Exercise 4.** The key of a run in the registry: any hashable value that is the same for the same run and
# different as soon as lesson text, parameters, code or data differ.


# %% tags=["solution"]
def run_key(text, parameters, code, data):
    """``parameters``: a dict of numbers and strings; the others are strings."""
    return json.dumps([text, parameters, code, data], sort_keys=True)


# %%
from jgm_course.nb12.checks import check_run_key

check_run_key(run_key)

# %% [markdown]
# ## On your own
# - Pack your own photographs: `jgm data folder --source PATH --size 128 --out data`, and give the full
#   path as `data` (a short one starts in the notebook's folder). What was skipped, and why?
# - Set `training = "scenes-64"` and measure it. How many pictures a second does your machine train?
# - Put your GPU's sustained TFLOP/s into `tflops`. What does an hour of it cost, and what the paper's training?
# - Sweep lesson 06: `python -m jgm_course.sweep --lesson 06 --set seed=0,1,2 --out out/seeds`.
# - Add 1.5 to `lr`. Which runs fail, and which did you expect from the last printed line?
#
# ## Further reading
# - F. Yu et al., LSUN, arXiv 1506.03365; counts a class: github.com/genforce/genforce
# - J. Deng et al., ImageNet, CVPR 2009; O. Russakovsky et al., the challenge, IJCV 2015
# - H. Caesar et al., COCO-Stuff, CVPR 2018
# - P. Goyal et al., Accurate, large minibatch SGD, arXiv 1706.02677
# - S. Malladi et al., On the SDEs and scaling rules for adaptive gradient algorithms, arXiv 2205.10287
# - NVIDIA, Titan Xp: 3,840 cores, 12 TFLOP/s, 12 GB

# %% tags=["status"]
numbers = {"nfe": 0, "pictures_per_second": round(plan.batch / seconds, 1)}
print(json.dumps(numbers | {"gflops": round(here * 1e3, 1), "runs": len(records)}))
