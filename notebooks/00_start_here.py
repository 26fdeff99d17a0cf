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
# # 00 Start here
#
# A grey photograph has lost two numbers of every three. Which colours could it have had?
#
# ## What you will do
# - Colour a photograph in a minute.
# - Move one slider.
# - Look at the map of the course.
#
# ## What you will learn
# - Colorization has many right answers; this project draws them from a learned distribution.
# - What the paper adds: the colour gradients as six more channels (Fig 1).
#
# ## What you need
# - Time (CPU): about 10 s, measured on 2 cores
# - Time (GPU): no GPU needed
# - Study time: about 10 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/00_start_here.ipynb`
# - Before this: nothing; some Python helps

# %% tags=["parameters"]
photo = "china"          # a package photograph, toy-1, or the path of a picture of yours
weights = "photos-64"    # the prior: what the network has learned of photographs
n = 3                    # colour versions
seed = 0                 # the same seed gives the same colours
steps = 20               # noise levels from pure noise to the picture

# %%
from jgm_course.errors import begin
from jgm_course.nb00.card import CARD

card = begin(CARD, globals())

# %% [markdown]
# ## Colour a photograph
#
# Three lines. The photograph is in colour, so that you can compare; the colorizer sees its grey
# version only.

# %%
from jgm_course.nb00 import figures as lesson
from jgm_lib.colorize import Colorizer
from jgm_lib.figures import picture_row, show

c = Colorizer.from_pretrained(card.weights)
picture = lesson.open_photo(card.photo)
result = c.colorize(picture, n=card.n, seed=card.seed, steps=card.steps)

# %%
small = [p.resize((300, 300 * p.height // p.width)) for p in result.images]
titles = ["1 (consensus)", *map(str, range(2, card.n + 1))]
show(picture_row([result.y, picture.rgb(), *small], ["grey: the input", "truth", *titles], height=1.5),
     alt="The grey photograph, the true colours, and colour versions drawn by the network: the same "
     "shapes, different plausible colours.", dpi=75)

# %% [markdown]
# Every version, grayed again, is the photograph: that much is known and is never violated. The rest is
# the network's taste, and it says so by drawing several. Whether a colour is *right*, the photograph
# does not tell.

# %%
import numpy as np

gray_again = np.asarray(result.images[0], float)[..., :3].mean(-1) / 255
worst = np.abs(gray_again - result.y[0].numpy()).max()
print(f"largest difference after graying: {worst * 255:.1f} of 255 levels")
assert worst < 1 / 255 or picture.bits != 8

# %% [markdown]
# ## Move one slider
#
# Below is the panel of lesson 05. Move *steps*: how few evaluations of the network will do? Then
# change *seed*, choose another picture, or upload your own. Everything else can wait. (No sliders? Open
# the notebook with `make lab`; the still picture shows what you would see.)

# %%
from jgm_lib.params import ColorizeCard
from jgm_lib.widgets import ColorizePanel

settings = ColorizeCard(weights=card.weights, n=1, seed=card.seed, steps=card.steps)
panel = ColorizePanel(settings, picture=picture if lesson.Path(card.photo).is_file() else card.photo)
shown = panel.run_sync()
panel

# %%
show(panel.snapshot(), jpeg=85,
     alt="The panel as a still: grey photograph and truth at the left, one coloured version large, and "
     "below it the noise level falling step by step.")

# %% [markdown]
# ## What the paper does (Fig 1)
#
# A network that has seen many pictures knows which pictures are likely. Not as a list, but as a
# slope: from any noisy picture it points to where likely pictures are (lesson 01). Follow the slope
# with a little noise, and you draw a new picture (lesson 02); tie it to the grey photograph, and you
# draw its colours (lesson 05).
#
# The paper's idea is where to learn that slope. Others learn it on the three channels of $x$, the
# *intensity domain*. Here the network also sees the differences of neighbouring pixels, $\nabla_1 x$
# and $\nabla_2 x$: sparse, alike in all pictures, and for colour the place where objects end.

# %%
x = result.samples[0]
show(lesson.channels_figure(x), dpi=85,
     alt="Left, a colour picture, the intensity domain. Right, channels of the joint domain: red, green "
     "and blue, the grey photograph, and the vertical and horizontal differences of red and of blue, "
     "nearly flat except at edges.")

# %% [markdown]
# ## The map
#
# Follow the solid road; the dashed lessons are for those who want to prove things to others.

# %%
show(lesson.map_figure(), dpi=85,
     alt="Map of the course: the main road goes from 01 score matching through 02, 03 and 04 to 05 "
     "colorize, then 06 fast samplers, 09 diversity and 10 historic photographs; 07, 08, 11 and 12 "
     "stand beside it.")

# %% [markdown]
# ## What to expect
#
# A few versions of one photograph, clearly coloured where the [prior](../docs/glossary.md#prior) knows what it sees (sky, leaves,
# fur, skin) and guessing elsewhere: the colour of a painted wall or a cup is anybody's choice. The numbers below say how colourful: 0 is grey, 109 the most colourful
# pictures of the study that made the scale.

# %%
from jgm_lib.metrics import colourfulness

print("versions", colourfulness(result.samples).round(0), "the mean of them",
      colourfulness(result.samples.mean(0, keepdim=True)).round(0))
assert result.trace[-1]["residual"] < 1e-4

# %% [markdown]
# ## Exercises
#
# Each exercise has a checker: run the cell below your answer, it says *correct* or gives a hint. In the lessons
# the answers are folded up; in JupyterLab a click on the three dots opens one.
#
# **Exercise 1.** Write $F$, the graying with equal weights: (B,3,H,W) to (B,1,H,W).

# %% tags=["solution"]
def gray_out(x):
    """The grey photograph of colour pictures x (B,3,H,W), values in [0,1]: (B,1,H,W)."""
    return x.mean(1, keepdim=True)

# %%
from jgm_course.nb00.checks import check_gray_out

check_gray_out(gray_out)

# %% [markdown]
# **Exercise 2.** How many numbers does a colorizer have to invent?

# %% tags=["solution"]
def unknowns(height, width):
    """How many numbers of a colour picture its grey photograph does not determine."""
    return 2 * height * width

# %%
from jgm_course.nb00.checks import check_unknowns

check_unknowns(unknowns)

# %% [markdown]
# ## On your own
#
# - Put the path of a photograph of yours into `photo` and run all cells again.
# - `jgm colorize photo.jpg -o out/` does the same from the command line, at full size.
# - Try `rocket` and `coffee`. Where does the network know nothing, and how does it show?
#
# ## Further reading
#
# - Hong et al. 2020, *Joint Intensity-Gradient Guided Generative Modeling for Colorization*.
# - Song and Ermon 2019 (arXiv 1907.05600), *Generative Modeling by Estimating Gradients of the Data
#   Distribution*: the idea underneath.

# %% tags=["status"]
import json

print(json.dumps({"nfe": result.nfe + shown.nfe}))
