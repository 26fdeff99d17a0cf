"""Parameters of lesson 05, which is also `make demo`."""

from ...params import DemoCard

CARD = DemoCard
