"""Settings for every test."""

import jgm_lib  # noqa: F401, I001 -- the thread policy, before torch loads
import torch

# Tiny tensors: a second thread costs more than it brings, and one thread adds up sums in one order,
# so that seeded results do not depend on the machine's number of cores.
torch.set_num_threads(1)
