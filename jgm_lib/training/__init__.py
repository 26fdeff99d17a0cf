"""Training: what a card asks of its network, the loop as a generator, its state on disk."""

from .loop import ema_decay, fit, learning_rate, make_accelerator, update_ema
from .state import states_in
from .turns import Game, Opponent, make_optimizer, seeded

__all__ = [
    "Game",
    "Opponent",
    "ema_decay",
    "fit",
    "learning_rate",
    "make_accelerator",
    "make_optimizer",
    "seeded",
    "states_in",
    "update_ema",
]
