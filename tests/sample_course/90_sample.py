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
# # 90 Sample
#
# The score of a Gaussian.
#
# ## What you will do
# - Compute a score.
#
# ## What you will learn
# - That it points to the mean.
#
# ## What you need
# - Time (CPU): not measured yet
# - Time (GPU): no GPU needed
# - Study time: about 10 min with the exercises
# - Blank exercise sheet: `notebooks/exercises/90_sample.ipynb`

# %% tags=["parameters"]
seed = 0
sigma = 0.5  # noise level

# %%
# ruff: noqa: E402
from sample_card import CARD

from jgm_course.errors import begin

card = begin(CARD, globals())

# %% [markdown]
# ## The score
# $$ s = -x / \sigma^2 \tag{11} $$
# as in Fig 4.

# %%
# NBVAL_CHECK_OUTPUT
import numpy as np

x = np.arange(3.0)
print("score at 1:", -1.0 / sigma**2)

# %%
from jgm_lib.figures import picture_row, show

show(
    picture_row([x[None] / 2], ["ramp"]),
    alt="Three grey squares, black to white from left to right",
)

# %% [markdown]
# ## What to expect
# The number -4.

# %% [markdown]
# ## Exercises
# **Exercise 1.** Write the score of a centred Gaussian.


# %% tags=["solution"]
def score(x, sigma):
    """The score at x."""
    return -x / sigma**2


# %%
from sample_checks import check_score

check_score(score)

# %% [markdown] tags=["solution"]
# It points downhill.


# %% tags=["solution"]
def mean(values):
    return float(np.mean(values))


# %%
from sample_checks import check_mean

check_mean(mean)

# %% [markdown]
# ## On your own
# Try two Gaussians.

# %% [markdown]
# ## Further reading
# The paper.

# %% tags=["status"]
print('{"nfe": 0, "score_at_1": -4.0}')
