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
# # 10 Blind colorization of historical photographs
#
# Until now we made the grey picture ourselves and knew how. Nobody knows how a film of 1937 turned
# colours into grey. What does a wrong guess cost?
#
# ## What you will do
# - Write out what F sees, and what it leaves open.
# - Colour one photograph under the paper's two guesses of [F](../docs/glossary.md#f) and see what differs (Fig 10).
# - Build a simulated film, so that the right answer is known, and measure the damage.
# - Fit F to a colour picture and its grey by least squares, and choose between the two guesses.
# - Undo the film's tone curve before colouring.
# - Read what a wrong F and a film cost over many pictures, with intervals, and whether the colours can tell F.
# - Colour a real grey photograph, and your own folder of old pictures.
#
# ## What you will learn
# - The two F of the paper give the same hues and differ in brightness only, and why.
# - A perfect agreement with the grey picture says nothing about the right F.
# - The film's spectrum and its tone curve matter more than the choice between the two, mostly
#   because they change the grey itself.
#
# ## What you need
# - Time (CPU): about 15 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Study time: about 25 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/10_blind_historic.ipynb`
# - Before this: lesson 05

# %% tags=["parameters"]
seed = 0
weights = "photos-64"
photo = "china"            # a colour photograph inside an installed package
film = "orthochromatic"    # or blue-sensitive, panchromatic
gamma = 1.2                # contrast of the film
toe = 0.5                  # contrast lost in the shadows
shoulder = 0.5             # contrast lost in the lights
grain = 0.02
n = 2                      # versions of each picture
steps = 12                 # evaluations of one version
folder = ""                # folder of your own black-and-white photographs
limit = 6                  # at most so many of them
out = ""                   # folder for the results; empty: show only

# %%
from jgm_course.errors import begin
from jgm_course.nb10.card import CARD

card = begin(CARD, globals())

# %% [markdown]
# ## Two guesses
#
# The paper tries two F, both weighted sums of the colour channels:
#
# $$ Fx = (x_r + x_g + x_b)/3 \tag{18} $$
#
# $$ Fx = 0.3\,x_r + 0.59\,x_g + 0.11\,x_b \tag{19} $$
#
# (18) is the plain mean, (19) the [luma](../docs/glossary.md#luma) of old television (BT.601), made for the human eye. Neither
# was made for film.

# %%
# NBVAL_CHECK_OUTPUT
import numpy as np
import torch

from jgm_lib.operators import gray, gray_pinv, gray_weights

F = {name: gray_weights(name) for name in ("mean", "bt601")}
for name, f in F.items():
    print(name, [round(v, 3) for v in f.tolist()])

# %% [markdown]
# What could have reached us of a colour photograph: its grey under either F, a film (explained below),
# and the film with its tone curve undone.

# %%
from jgm_course.nb10 import figures as lesson
from jgm_lib.data.film import film_response, film_weights, tone_inverse
from jgm_lib.figures import picture_row, show

x = lesson.colour_tensor(card.photo)  # (1,3,H,W)
curve = dict(gamma=card.gamma, toe=card.toe, shoulder=card.shoulder)
film = film_response(x, card.seed, grain=card.grain, f=card.film, **curve)
greys = {"mean (Eq 18)": gray(x, F["mean"]), "BT.601 (Eq 19)": gray(x, F["bt601"]),
         f"{card.film} film": film, "film, curve undone": tone_inverse(film.double(), **curve).float()}
show(picture_row([lesson.thumbnail(im) for im in (x, *greys.values())], ["colour", *greys],
                 height=1.2),
     alt="A colour photograph and four grey versions of it: mean, BT.601, simulated film, and the "
     "film with its tone curve undone. The film is darker in the shadows and flat in the lights.")

# %% [markdown]
# ## Same grey, both guesses
#
# One grey is one number and a colour has three, so F leaves two open. Its [*null space*](../docs/glossary.md#null-space) are the colours $c$
# that it does not see, $Fc = f \cdot c = 0$. Its [*pseudo-inverse*](../docs/glossary.md#pseudo-inverse)
# $F^+ y = f y/\|f\|^2$ is the smallest colour whose grey is $y$. Every colour is the sum of both,
# $x = F^+ F x + (x - F^+ F x)$: the photograph fixes the first part, and the [prior](../docs/glossary.md#prior) chooses the second.
#
# Both depend on F. Under (18) $F^+ y$ is the grey $(y, y, y)$ and the null space are the colours of sum 0,
# what we call [*chroma*](../docs/glossary.md#chroma). Under (19) $F^+ y = (0.67, 1.31, 0.24)\,y$ is green, and a blue of sum 0 is not
# in the null space. So to compare the two answers, do not use $F^+$. Write a pixel as its mean plus a chroma
# $c$ with $c_r + c_g + c_b = 0$. Given the same grey $y$ and the same chroma,
#
# $$ x = y\,\mathbf 1 + c - (f \cdot c)\,\mathbf 1 \tag{a} $$
#
# has $Fx = y$ for any weights $f$ that sum to one. So the two answers differ by the *grey* amount $f\cdot c$:
# zero for (18), and for (19) a blue becomes lighter, a yellow darker. Hue and chroma stay. That is the
# "deviations in details such as brightness and saturation" of Section V.C.

# %% tags=["method"]
def seen(x, f):
    """F x, the grey: (B,3,H,W) -> (B,1,H,W)."""
    return (f.view(1, 3, 1, 1) * x).sum(1, keepdim=True)


def pseudo_inverse(y, f):
    """F^+ y, the smallest colours of a grey: (B,1,H,W) -> (B,3,H,W)."""
    return f.view(1, 3, 1, 1) * y / (f @ f)


def unseen(x, f):
    """The part of x in the null space of F."""
    return x - pseudo_inverse(seen(x, f), f)


def with_chroma(c, y, f):
    """(a): the colours of chroma c (B,3,H,W) whose grey under f is y (B,1,H,W)."""
    return y + c - seen(c, f)

# %%
# NBVAL_CHECK_OUTPUT
y = torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64)
for name, f in F.items():
    print(name, "F^+ 1 =", [round(v, 2) for v in pseudo_inverse(2 * y, f).flatten().tolist()])
    assert torch.allclose(seen(x.double(), f), gray(x.double(), f))
    assert torch.allclose(pseudo_inverse(y, f), gray_pinv(y, f)) and seen(unseen(x, f), f).abs().max() < 1e-6
for name, chroma in (("blue", [-0.2, -0.1, 0.3]), ("yellow", [0.15, 0.1, -0.25])):
    c = torch.tensor(chroma, dtype=torch.float64).view(1, 3, 1, 1)
    both = [with_chroma(c, y, f) for f in F.values()]
    assert all(torch.allclose(gray(v, f), y) for v, f in zip(both, F.values(), strict=True))
    print(f"{name:7s}", *([round(v, 3) for v in one.flatten().tolist()] for one in both))

# %%
from jgm_lib.colorize import Colorizer

colorizer = Colorizer.from_pretrained(card.weights)
y = greys["BT.601 (Eq 19)"]
row, (as_mean, as_bt601) = lesson.both_ways(colorizer, y, card)
show(lesson.rows_figure([row]),
     alt="A grey photograph, coloured under Eq 18 and under Eq 19: the same hues, slightly different "
     "brightness.")

# %% [markdown]
# Does the network keep to (a)? Take the chroma of the first answer, put it into (a) with the weights of (19),
# and compare with the second answer (same seeds):

# %%
first, second = (result.samples.double() for result in (as_mean, as_bt601))  # (n,3,h,w)
c = first - first.mean(1, keepdim=True)
predicted = with_chroma(c, seen(first, F["mean"]), F["bt601"])
apart, missed = ((v - second).square().mean().sqrt() for v in (first, predicted))
print(f"the answers differ by {apart:.3f} RMS, (a) misses the second by {missed:.3f}")
assert missed < 0.5 * apart

# %% [markdown]
# Can the data tell which F was right? The [residual](../docs/glossary.md#consistency) $|Fx - y|$ cannot: both answers satisfy their own
# constraint perfectly. "The result agrees with the photograph" is true for any F.

# %%
from jgm_lib.metrics import consistency_rms
from jgm_lib.photo.enlarge import reduce

y_small = reduce(y[0], *as_mean.samples.shape[-2:])[None].clamp(0, 1)
for name, result in (("mean", as_mean), ("bt601", as_bt601)):
    worst = consistency_rms(result.samples, y_small, name).max()
    print(f"assumed {name:6s} RMS |Fx - y| {worst:.6f}")
    assert worst < 1e-4

# %% [markdown]
# ## The film between
#
# A film does two things that no F of the paper does. Its emulsion sees the spectrum in its own way:
# blue-sensitive plates until about 1880, orthochromatic ones (blind to red) until about 1930, then
# panchromatic. And its tone curve bends: shadows and lights lose contrast. `film_response` does both
# and adds grain. It is rough and imitates no product, but the true colours are known.

# %%
show(lesson.curve_figure(card),
     alt="Left: a tone curve, flatter than the diagonal in the shadows and in the lights. Right: bars "
     "with the shares of red, green and blue in the grey of five emulsions: the blue-sensitive one "
     "sees almost only blue, the orthochromatic one no red.")

# %%
from jgm_lib.metrics import ciede2000

rows, results = {}, {}
for name, grey in greys.items():
    results[name] = [lesson.colorize(colorizer, grey, assumed, card) for assumed in F]
    h, w = results[name][0].samples.shape[-2:]
    truth, replica = (reduce(v[0], h, w).clamp(0, 1).expand(card.n, 3, h, w) for v in (x, grey))
    pictures = [replica, *(result.samples for result in results[name])]  # (n,3,h,w) each
    rows[name] = [float(ciede2000(v, truth).mean()) for v in pictures]
print("mean Delta E 2000 to the true colours\n" + lesson.text_table(rows))

# %% [markdown]
# Read it by columns, then by rows. Between the two assumptions there is little, even when one of them is
# right. Between the rows there is more. (And against the [*grey replica*](../docs/glossary.md#grey-replica), no colour at all, single draws gain
# nothing on this temple: a wrong red costs more than none, lesson 09.) But look at the column *replica* first, where nothing is coloured
# at all: a film picture has wrong lightnesses, and dE2000 counts them. How much of the film's cost is
# there before any colouring?

# %%
cost = {name: np.subtract(row, rows["mean (Eq 18)"])[:2] for name, row in rows.items()}
for name in list(rows)[2:]:
    in_grey, coloured = cost[name]
    print(f"{name}: {in_grey:+.1f} in the grey replica, {coloured:+.1f} after colouring")

# %% [markdown]
# All of it. The colouring adds nothing to the damage, and undoing the tone curve repairs the grey and
# the coloured picture with it. So scan old photographs with care for their tones before you
# worry about F.

# %%
shown = [results[name][0].images[0] for name in list(greys)[2:]]
show(picture_row([lesson.thumbnail(im) for im in (greys[f"{card.film} film"], *shown, x)],
                 ["film", "coloured as it is", "curve undone first", "truth"], height=1.4),
     alt="The simulated film picture, coloured as it is, coloured after its tone curve was undone, and "
     "the true colours. The second colouring has lighter shadows and colours nearer to the truth.")

# %% [markdown]
# ## Which F was it?
#
# The grey alone cannot tell. A grey *and* its colours can: here we have them, and somebody who finds a
# painted house from an old picture still standing has them too. $N$ pixels give $N$ equations $f \cdot x_i = y_i$
# with three unknowns. Least squares asks for the $f$ of the smallest squared error, where its derivative is zero:
#
# $$ \sum_i x_i (f \cdot x_i - y_i) = 0, \qquad f = \Big(\sum_i x_i x_i^\top\Big)^{-1} \sum_i x_i y_i \tag{b} $$
#
# To choose between (18) and (19), compare what they leave of the grey unexplained.

# %% tags=["method"]
def fit(x, y):
    """(b): the weights f (3,) nearest to y = F x; x (1,3,H,W), y (1,1,H,W)."""
    X, Y = x[0].flatten(1).double(), y.flatten().double()  # (3,N), (N,)
    return torch.linalg.solve(X @ X.T, X @ Y)


def unexplained(x, y, f):
    """RMS of F x - y over all pixels."""
    return float((seen(x.double(), f) - y).square().mean().sqrt())

# %%
print(f"{'the grey was':24s} {'fitted weights':>22s}   RMS: fitted  Eq 18  Eq 19")
fitted = {name: fit(x, grey) for name, grey in greys.items()}
for name, f in fitted.items():
    left = [unexplained(x, greys[name], v) for v in (f, *F.values())]
    print(f"{name:24s} {np.round(f.numpy(), 3)!s:>22s} {left[0]:13.3f}  {left[1]:.3f}  {left[2]:.3f}")
print("the film's emulsion:", film_weights(card.film).tolist())
assert torch.allclose(fitted["mean (Eq 18)"], F["mean"], atol=1e-5)
assert torch.allclose(fitted["BT.601 (Eq 19)"], F["bt601"], atol=1e-5)
linear = film_response(x, f=card.film, gamma=1.0, toe=0.0, shoulder=0.0, grain=0.0)
assert torch.allclose(fit(x, linear), film_weights(card.film), atol=1e-5)

# %% [markdown]
# Where a weighted sum made the grey, (b) finds its weights, and the right guess leaves nothing. The film
# as it is has no such F: the bend of its tone curve is taken for a strange spectrum, here with a negative
# share of red. With the curve undone the fit finds the emulsion, through its grain. Neither (18) nor (19)
# is near it.

# %% [markdown]
# ## Over many pictures: what a wrong F costs
#
# One temple proves little. `jgm experiment blind` grays every picture with each F, colours it as if each had been the
# one, with the same noise, and takes the differences picture by picture. First landscapes, where F decides more than
# on any photograph: their modes have the same *mean*, so (18) hides them, and any other F lets them show.

# %%
import json

from jgm_lib import checkpoints
from jgm_lib.experiments import blind

stored = {name: json.loads((lesson.RESULTS / f"blind-{name}.json").read_text(encoding="utf-8"))
          for name in ("toy-32", "photos-64")}
for name, found in stored.items():  # the numbers are those of the weights that come with this
    assert list(found["weights"].values()) == [checkpoints.load(name)[1]["sha256"]]
    print(found["command"])

# %%
for name, found in stored.items():
    for way in dict.fromkeys(r["method"] for r in found["rows"]):
        print(f"\n{name}, {way}: dE2000 under the right F; what a wrong one adds, 95 % over pictures")
        print(lesson.cost_table([r for r in found["rows"] if r["method"] == way]))

# %% [markdown]
# The diagonal holds the colour difference itself. On landscapes every wrong guess costs, by `split` 1 to 8 units, by
# `nullspace` up to 21. The largest costs stand where the right F *tells the colours*: tints of one mean are not of one
# blue, so who knows that the film saw blue sees the roof. `nullspace` uses this for any F (8.4 on the diagonal,
# against 16.9 under the mean); `split` with weights that learned one F cannot (17.1).
#
# On ten photographs a wrong guess costs little: Eq 18 and 19 taken for each other 0.04 (-0.04 to 0.14) and 0.20 (0.06 to
# 0.35), less than the eye sees. To take a plain grey for a film blind to red costs 0.7 to 2.5. The other way round, where
# a film made the grey, the interval holds 0 for every guess: knowing the film wins nothing that ten pictures could show.
#
# Now the film, and age (blur, grain, scratches and a tone curve of its own, as the prior's training knew them), against
# the clean photograph. The column *in the grey* is what the grey replica loses by the same treatment.

# %%
for name, found in stored.items():
    films = [r for r in found["rows"] if "film" in r["made"] or r["made"] == "aged"]
    print(f"{name}\n{blind.table(films)}\n")

# %%
show(blind.figure(stored["photos-64"]["rows"]),
     alt="Costs of 17 cases on photographs, dots with 95 per cent bars. Plain greys taken for films lie 1 to 2 to "
     "the right of zero, films taken for others at zero, the film with its tone curve farthest right, and with "
     "the curve undone near zero.")

# %% [markdown]
# On the photographs the film's tone curve costs 2.8 (1.2 to 4.7), or 2.6 if its F is known, all of it in the grey already
# (3.5); with the curve undone no cost is left that the interval could tell from 0. So the temple's lesson holds. Age
# costs this prior little, 0.4 (-0.5 to 1.3): it was trained on such pictures, the landscapes' was not (3.4, 2.4 to 4.5).
#
# ## Can the colours tell F?
#
# Each F gives colours that fit the grey perfectly. But only some of them look like photographs. How much a picture $x$
# looks like the prior's is $\ln p(x)$, and a denoiser knows it: up to a constant, $-\ln p(x)$ is the integral over
# $\ln \sigma$ of what the denoiser misses, $|D(x + \sigma z) - x|^2/\sigma^2$, so a smaller loss means a likelier
# picture. Colour the grey under each candidate, take the mean loss at three levels, and guess the F of the smallest. No
# truth is needed.

# %%
for name, found in stored.items():
    print("\n".join([name, *(lesson.guess_text(g) for g in found["guesses"])]))

# %%
show(lesson.confusion_figure({f"{name}, {g['method']}": g["calibrated"]["single"]
                              for name, found in stored.items() for g in found["guesses"]}),
     alt="Three maps of the F that made the grey against the guessed one. Landscapes by split: only BT.601 and "
     "blue-sensitive stand on the diagonal. Landscapes by nullspace: a clear diagonal. Photographs: all rows "
     "alike.")

# %% [markdown]
# On landscapes: as they are, the losses guess half of the pictures right (chance is a quarter), and fail in one direction:
# the plain mean looks likeliest almost whatever made the grey, for its colours are those the prior knows best.
# *Calibrated* takes that away: what each candidate's loss is on average, measured on the other half of the pictures,
# where F is known. Then `nullspace` finds F in 85 % (78 to 90) of single landscapes, and in each roll of eight, but four
# rolls are few. It confuses the two blue films most. With `split`, whose colours are wrong under another F, calibration
# helps nobody: half are right, and orthochromatic film is found no more often than by chance.
#
# On photographs it **fails**: a quarter right is chance, calibrated or not, for the guess is nearly the same whatever made
# the grey. This prior was trained on pictures of any F and paints much the same chroma for all of them (a good thing for
# a blind colorizer), so its results hold little about F. On an old photograph only knowledge of its film can tell.
#
# ## A real grey photograph
# No colours are known here, so there is no number, only the look. In training some of the photographs
# were grayed by other weights than their mean, blurred, scratched and grained, as old ones are.

# %%
from jgm_lib.data import samples

camera = lesson.grey_of(samples.load("camera"))
row, _ = lesson.both_ways(colorizer, camera, card)
show(lesson.rows_figure([row]),
     alt="A photographer with a tripod on a lawn, grey, and coloured under Eq 18 and Eq 19.")

# %% [markdown]
# ## Your own photographs
# Set `folder` (and `out`, if you want files). Every picture of the folder is coloured with both F. A
# sepia scan is first turned into grey.
#
# Online, `python -m data_scripts.historic --out data/historic LC-USF34-018841` fetches pictures of the
# US Farm Security Administration from the Library of Congress by their call number, and
# `python -m data_scripts.historic --out data/historic scotts-run textile-mill` looks for the two series of
# the US National Archives that the paper's Fig 10 is from (the paper gives titles and dates but no
# numbers, so you choose among the finds).

# %%
fig = lesson.own_folder(colorizer, card)
if fig:
    show(fig, alt="Your photographs, one a row: as observed, coloured with Eq 18, coloured with Eq 19.")
print("your own folder: " + (card.folder or "none given"))

# %% [markdown]
# ## What to expect
# For the temple: the two F differ by half a unit of dE2000 at most. The film costs 1.5 against the plain
# mean, no more than its grey replica loses, and undoing its curve wins most of that back. The fit
# of F finds the weights of (18), of (19), and of the film whose curve was undone.

# %%
by_film, undone = rows[f"{card.film} film"], rows["film, curve undone"]
print(f"between the two F {abs(by_film[1] - by_film[2]):.1f}, film against undone "
      f"{by_film[1] - undone[1]:.1f}")
assert all(r >= 0 for row in rows.values() for r in row)
if card == CARD():
    assert undone[1] < by_film[1] and abs(by_film[1] - by_film[2]) < by_film[1] - undone[1]
    in_grey, coloured = cost[f"{card.film} film"]
    assert in_grey > coloured > 1 > cost["film, curve undone"][1]
    assert max(abs(row[1] - row[2]) for row in rows.values()) < 0.6
    assert fitted[f"{card.film} film"].min() < 0
    assert torch.allclose(fitted["film, curve undone"], film_weights(card.film), atol=0.01)

# %% [markdown]
# ## Exercises
# **Exercise 1.** The nearest colour with the right grey: move a pixel $x$ to the closest one with
# $f\cdot x = y$, for any weights.

# %% tags=["solution"]
def nearest(x, y, f):
    """x (3,), y a number, f (3,) numpy arrays -> (3,)."""
    return x - f * (f @ x - y) / (f @ f)

# %%
from jgm_course.nb10.checks import check_nearest

check_nearest(nearest)

# %% [markdown]
# **Exercise 2.** The weights in (b) need not sum to 1, so white need not stay white. Write the least
# squares under the condition that they do. (Put $f_b = 1 - f_r - f_g$ in.)

# %% tags=["solution"]
def fit_weights(x, y):
    """x (N,3) colours, y (N,) greys -> f (3,) with sum 1 and the least squared error."""
    pair = np.linalg.lstsq(x[:, :2] - x[:, 2:], y - x[:, 2], rcond=None)[0]
    return np.array([*pair, 1 - pair.sum()])

# %%
from jgm_course.nb10.checks import check_fit_weights

check_fit_weights(fit_weights)

# %% [markdown]
# **Exercise 3.** Colours that leave the screen. Clipping a channel changes the grey; shrink the chroma
# instead: $y + k(x - y)$ with the largest $k \le 1$ that fits into [0, 1].

# %% tags=["solution"]
def fit_into_screen(x, y):
    """x (3,) with grey y in [0,1] -> the shrunk pixel (3,)."""
    chroma = x - y
    room = np.where(chroma > 0, 1 - y, y)
    return y + np.min([1.0, *(room / np.maximum(abs(chroma), 1e-12))]) * chroma

# %%
from jgm_course.nb10.checks import check_fit_into_screen

check_fit_into_screen(fit_into_screen)

# %% [markdown]
# ## On your own
# - `film = "blue-sensitive"`: which objects go wrong first?
# - `photo = "rocket"`, `"flower"`, `"astronaut"`: where is the prior at home?
# - Raise `grain` to 0.1. What does the prior make of it?
# - Take a colour photo of yours and its black-and-white version from your phone. Estimate the phone's F
#   with exercise 2.
#
# ## Further reading
# - Hong et al. 2020, Section V.C and Fig 10
# - Iizuka, Simo-Serra and Ishikawa 2016, *Let there be color!* (the historical photographs)

# %% tags=["status"]
print(json.dumps({"nfe": as_mean.nfe, "delta_e_film": round(by_film[1], 2),
                  "delta_e_undone": round(undone[1], 2)}))
