"""Measurements of speed, memory and quality; nothing here is asserted by a timer."""

import jgm_lib  # noqa: F401 -- the thread policy, before torch loads
