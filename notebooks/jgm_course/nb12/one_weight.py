"""The little lesson that lesson 12 sweeps: a notebook as jupytext, written where it is needed."""

ONE_WEIGHT = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 90 One weight
# The smallest denoiser there is: D(x) = w x, trained by gradient steps on the pixels of a packed set.

# %% tags=["parameters"]
sigma = 0.3
lr = 0.05
data = ""
seed = 0

# %%
import json

import numpy as np
from matplotlib.figure import Figure

from jgm_lib.errors import JGMError
from jgm_lib.figures import show

rng = np.random.default_rng(seed)
x = np.load(data, mmap_mode="r")[:40].ravel() / 255
x = x - x.mean()
best = x.var() / (x.var() + sigma**2)  # lesson 01: the exact answer for one weight

# %%
w, way = 0.0, []
for step in range(300):
    clean = rng.choice(x, 64)
    noisy = clean + sigma * rng.standard_normal(64)
    w -= lr * 2 * np.mean((w * noisy - clean) * noisy)
    way.append(w)
    if not abs(w) < 1e6:
        raise JGMError(f"the weight ran away at step {step + 1}")

# %%
fig = Figure(figsize=(3, 2), layout="constrained")
axis = fig.subplots()
axis.plot(way, color="black", linewidth=0.8)
axis.axhline(best, color="0.5", linestyle="--")
axis.set(xlabel="step", ylabel="w", ylim=(min(way) - 0.02, max(way) + 0.02))
show(fig, alt="The weight over 300 steps, and the exact answer as a dashed line.")

# %% tags=["status"]
off = abs(np.mean(way[-100:]) / best - 1)
print(json.dumps({"nfe": 0, "best": round(best, 3), "off": round(off, 3)}))
"""
