"""Who moves in a training step: the network alone, or its opponents before it.

Adversarial training (Goodfellow et al. 2014) in one step: each player in turn lowers its own loss
by its own parameters on the same pictures, and the next one meets what it has become.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from ..noise import mix_seed


@dataclass
class Opponent:
    """A network that only training needs, without buffers, and its loss: (x, generator) -> scalar."""

    module: nn.Module
    loss: Callable


@dataclass
class Game:
    """What an ``objective`` gives in place of a loss: the network's own loss, (x (B,3,H,W) in [0,1],
    generator) -> scalar, and by name the opponents that move before it. Called, it is that loss."""

    loss: Callable
    opponents: dict[str, Opponent] = field(default_factory=dict)

    def __call__(self, x, generator):
        return self.loss(x, generator)


@dataclass
class Player:
    """A network in training with its loss and its optimizer. ``name``: "" is the network itself."""

    name: str
    module: nn.Module
    loss: Callable
    optimizer: torch.optim.Optimizer

    def move(self, x, generator, lr: float, clip: float, accelerator) -> float:
        """One optimizer step on pictures x; the loss, or the gradient's norm if only that is not
        finite. A bad loss or gradient, in any process, touches no weight."""
        own = [p for p in self.module.parameters() if p.requires_grad]
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        loss = self.loss(x, generator)
        accelerator.backward(loss, inputs=own)  # the others' parameters get no gradient
        if self.name and accelerator.num_processes > 1:  # the network's wrapper does this itself
            for p in own:
                p.grad = accelerator.reduce(p.grad, "mean")
        norm = float(accelerator.clip_grad_norm_(own, clip or float("inf")))
        value = float(accelerator.reduce(loss.detach(), "mean"))  # all processes stop together
        if not math.isfinite(norm):  # a finite loss can have such gradients
            value = norm
        if math.isfinite(value):
            self.optimizer.step()
        self.optimizer.zero_grad()
        return value


class _Through:
    """The prepared (perhaps distributed) network for the forward pass, the bare one for the rest."""

    def __init__(self, prepared, model):
        self._prepared, self._model = prepared, model

    def __getattr__(self, name):
        return getattr(self._model, name)

    def __call__(self, *args):
        return self._prepared(*args)


def make_optimizer(model, card):
    kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[card.optimizer]
    return kind(model.parameters(), lr=card.lr, betas=(card.beta1, 0.999))


def seeded(seed: int, make: Callable) -> nn.Module:
    """``make()`` with weights from this seed: layers know only the global state, on the CPU here."""
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(seed)
        return make()


def players_of(model, card, accelerator) -> list[Player]:
    """The card's players on the accelerator's device, in the order of their turns, the network last."""
    model.to(accelerator.device, memory_format=model.memory_format)
    game = model.objective(_Through(accelerator.prepare_model(model), model), card)
    game = game if isinstance(game, Game) else Game(game)
    for opponent in game.opponents.values():
        opponent.module.to(accelerator.device, memory_format=model.memory_format)
    ours = {"": Opponent(model, game.loss)}
    return [
        Player(name, p.module, p.loss, make_optimizer(p.module, card))
        for name, p in {**game.opponents, **ours}.items()
    ]


def train_step(players, batches, card, accelerator, step: int, lr: float) -> dict[str, float]:
    """Each player moves once on one batch: its loss by its name, up to the first not finite."""
    seed = mix_seed(card.seed, step, accelerator.process_index)
    generator = torch.Generator().manual_seed(seed)
    x = batches(card.batch, generator).to(accelerator.device)
    x = x.contiguous(memory_format=players[-1].module.memory_format)
    ours = [accelerator.device] if accelerator.device.type == "cuda" else []  # not the others' GPUs
    losses = {}
    with torch.random.fork_rng(ours):  # dropout knows only the global state: give it this seed
        torch.manual_seed(seed)
        for player in players:
            player.module.train()
            losses[player.name] = player.move(x, generator, lr, card.clip, accelerator)
            if not math.isfinite(losses[player.name]):
                break
    return losses
