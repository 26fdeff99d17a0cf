"""Training: what a card asks of its network, the loop as a generator, its state on disk."""

from .loop import ema_decay, fit, learning_rate, make_accelerator, make_optimizer, update_ema
from .state import states_in

__all__ = [
    "ema_decay",
    "fit",
    "learning_rate",
    "make_accelerator",
    "make_optimizer",
    "states_in",
    "update_ema",
]
