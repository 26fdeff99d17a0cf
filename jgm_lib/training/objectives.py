"""What a training card asks of its network: the loss, and how tensors lie in memory."""

import torch

from ..losses import photograph_loss, random_level_loss, split_noise_loss


def objective(model, card):
    """The loss that belongs to a network: (x, generator) -> scalar."""
    if card.network == "refinenet":
        return lambda x, g: random_level_loss(model, x, g)
    density = dict(
        isotropic=card.isotropic,
        p_mean=card.p_mean,
        p_std=card.p_std,
        sigma_y=card.sigma_y,
        clip=(card.sigma_min, card.sigma_max),
    )
    if card.photographs:
        told = dict(any_gray=card.any_gray, aged=card.aged, draws=card.draws)
        return lambda x, g: photograph_loss(model, x, g, **told, **density)
    return lambda x, g: split_noise_loss(model, x, g, **density)


def memory_format(card):
    """Convolutions like the channels last; RefineNet's instance norms take twice as long there."""
    return torch.contiguous_format if card.network == "refinenet" else torch.channels_last
