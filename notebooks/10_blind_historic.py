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
# - Colour one photograph under the paper's two guesses of F and see what differs (Fig 10).
# - Build a simulated film, so that the right answer is known, and measure the damage.
# - Undo the film's tone curve before colouring.
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
# (18) is the plain mean, (19) the luma of old television (BT.601), made for the human eye. Neither
# was made for film.

# %%
# NBVAL_CHECK_OUTPUT
import numpy as np

from jgm_lib.operators import gray_weights

for name in ("mean", "bt601"):
    print(name, [round(v, 3) for v in gray_weights(name).tolist()])

# %%
from jgm_course.nb10 import figures as lesson
from jgm_lib.figures import picture_row, show

x = lesson.colour_tensor(card.photo)
greys = lesson.grey_versions(x, card)
show(picture_row([lesson.thumbnail(im) for im in (x, *greys.values())], ["colour", *greys],
                 height=1.2),
     alt="A colour photograph and four grey versions of it: mean, BT.601, simulated film, and the "
     "film with its tone curve undone. The film is darker in the shadows and flat in the lights.")

# %% [markdown]
# ## Same grey, both guesses
#
# The prior is the same in both cases; F only says where the grey part of a colour goes. Write a pixel as
# its mean plus a chroma $c$ with $c_r + c_g + c_b = 0$. Given the same grey $y$ and the same chroma,
#
# $$ x = y\,\mathbf 1 + c - (f \cdot c)\,\mathbf 1 \tag{a} $$
#
# has $Fx = y$ for any weights $f$ that sum to one. (The smallest $x$ with that grey, $F^+ y = f y/\|f\|^2$,
# is something else: under (19) it is the green $(0.67, 1.31, 0.24)\,y$.) So the two answers differ by the *grey* amount $f\cdot c$:
# zero for (18), and for (19) a blue becomes lighter, a yellow darker. Hue and chroma stay. That is the
# "deviations in details such as brightness and saturation" of Section V.C.

# %%
# NBVAL_CHECK_OUTPUT
import torch

for name, chroma in (("blue", [-0.2, -0.1, 0.3]), ("yellow", [0.15, 0.1, -0.25])):
    c = torch.tensor(chroma, dtype=torch.float64).view(1, 3, 1, 1)
    first, second = lesson.same_chroma(c, torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64))
    print(f"{name:7s} Eq 18 {[round(v, 3) for v in first.flatten().tolist()]}   "
          f"Eq 19 {[round(v, 3) for v in second.flatten().tolist()]}")

# %%
from jgm_lib.colorize import Colorizer

colorizer = Colorizer.from_pretrained(card.weights)
y = greys["BT.601 (Eq 19)"]
row, (as_mean, as_bt601) = lesson.both_ways(colorizer, y, card)
show(lesson.rows_figure([row]),
     alt="A grey photograph, coloured under Eq 18 and under Eq 19: the same hues, slightly different "
     "brightness.")

# %% [markdown]
# Can the data tell which F was right? The residual $|Fx - y|$ cannot: both answers satisfy their own
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
rows, results = lesson.error_table(colorizer, x, greys, card)
print("mean Delta E 2000 to the true colours\n" + lesson.text_table(rows))

# %% [markdown]
# Read it by columns, then by rows. Between the two assumptions there is little, even when one of them is
# right. Between the rows there is more. But look at the column *replica* first, where nothing is coloured
# at all: a film picture has wrong lightnesses, and dE2000 counts them. How much of the film's cost is
# there before any colouring?

# %%
for name in list(rows)[2:]:
    in_grey, coloured = lesson.film_cost(rows, name)
    print(f"{name}: {in_grey:+.1f} in the grey replica, {coloured:+.1f} after colouring")

# %% [markdown]
# Most of it. Undoing the tone curve repairs the grey, and the coloured picture with it; what the prior
# itself loses by the film is the small rest. So scan old photographs with care for their tones before you
# worry about F.

# %%
shown = [results[name, "mean"].images[0] for name in list(greys)[2:]]
show(picture_row([lesson.thumbnail(im) for im in (greys[f"{card.film} film"], *shown, x)],
                 ["film", "coloured as it is", "curve undone first", "truth"], height=1.4),
     alt="The simulated film picture, coloured as it is, coloured after its tone curve was undone, and "
     "the true colours. The second colouring has lighter shadows and colours nearer to the truth.")

# %% [markdown]
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
# For the temple: the two F differ by a few tenths of dE2000. The film costs 2 to 3 against the plain
# mean, about 2 of them in its grey replica already, and undoing its curve wins back most of that.
# Colours are pale. Our small prior has seen mountains,
# forests, glaciers and streets; it has never seen a portrait, and colours one worse than grey would be:
# try `photo = "astronaut"`.

# %%
by_film, undone = rows[f"{card.film} film"], rows["film, curve undone"]
print(f"between the two F {abs(by_film[1] - by_film[2]):.1f}, film against undone "
      f"{by_film[1] - undone[1]:.1f}")
assert all(r >= 0 for row in rows.values() for r in row)
if card == CARD():
    assert undone[1] < by_film[1] and abs(by_film[1] - by_film[2]) < by_film[1] - undone[1]
    in_grey, coloured = lesson.film_cost(rows, f"{card.film} film")
    assert in_grey > 0.6 * coloured > 0

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
# **Exercise 2.** A colour photograph and a grey print of the same scene: which weights were used? Least
# squares under the condition that they sum to 1. (Put $f_b = 1 - f_r - f_g$ in.)

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
import json

print(json.dumps({"nfe": as_mean.nfe, "delta_e_film": round(by_film[1], 2),
                  "delta_e_undone": round(undone[1], 2)}))
