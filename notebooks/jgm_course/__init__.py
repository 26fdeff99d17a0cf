"""The machinery of the course: pairs, lint, exercises, register, proof runs, sweeps.

Lessons are written in notebooks/NN_name.py; docs/notebook_style.md says how.
"""

import jgm_lib  # noqa: F401 -- the thread policy, before torch loads
