"""What every compared system must show; each has a module of tests that calls these."""

import torch

from jgm_lib import checkpoints, systems
from jgm_lib.baselines import F
from jgm_lib.data.toy import ToyScenes
from jgm_lib.lab import lab_to_rgb, lightness
from jgm_lib.operators import gray
from jgm_lib.params import TrainCard
from jgm_lib.systems.base import Conditional, seen_and_wanted
from jgm_lib.training import fit
from jgm_lib.training.runs import averaged_model, export_run, start

ADVERSARIAL = {"optimizer": "adam", "beta1": 0.5}
TINY = {  # what a card of each takes, so small that it is quick
    "regression": {"settings": {"widths": [8, 16]}},
    "zhang": {"settings": {"width": 4, "grid": 20}},
    "cvae": {
        "settings": {
            **{"size": 32, "width": 4, "latent": 8, "components": 3},
            **{"principal": 5, "grid": 20},
        }
    },
    "chromagan": {
        "settings": {"width": 8, "classes": 4, "components": 3, "critic": 8},
        **ADVERSARIAL,
    },
    "memopainter": {
        "settings": {"width": 4, "emb": 8, "slots": 12, "key": 8, "grid": 20, "critic": 4},
        **ADVERSARIAL,
        "steps": 6,  # the memory changes with every one
    },
}


def card(network: str, settings=None, **changes) -> TrainCard:
    """A card of a few steps on ToyScenes."""
    values = dict(name="tiny", network=network, size=32, steps=4, batch=4, warmup=3, seed=5)
    changes |= {} if settings is None else {"settings": settings}
    return TrainCard(**{**values, **TINY.get(network, {}), **changes})


def trained(c: TrainCard, out, **options):
    """(averaged network, its progress) after the card's steps."""
    model, batches, _ = start(c)
    progress = list(fit(model, batches, c, out, **options))
    return averaged_model(out)[0], progress


def scenes(n: int, size: int = 32, seed: int = 10**6) -> torch.Tensor:
    """ToyScenes that no training sees."""
    return ToyScenes(size).sample(n, seed).images


def ab_error(x, truth) -> torch.Tensor:
    """Mean distance in the plane of a* and b*, one a picture."""
    a, b = (seen_and_wanted(p.clamp(0, 1))[1] for p in (x, truth))
    return (a - b).norm(dim=1).mean((1, 2))


def check_it_learns(model, untrained, mean_of: int = 1) -> None:
    """Better than its untrained self, and with its own grey better than with another's: by more
    than three standard errors, for the scenes are alike."""
    x = scenes(64)
    y = gray(x, F)

    def error(net, grey):
        draws = [net.colorize(grey, 100 + v) for v in range(mean_of)]
        return sum(ab_error(d, x) for d in draws) / mean_of

    own = error(model, y)
    assert own.mean() < 0.8 * error(untrained, y).mean()
    lost = error(model, y.roll(1, 0)) - own
    assert lost.mean() > 3 * lost.std() / len(x) ** 0.5


def check_weights_and_their_method(c: TrainCard, out) -> None:
    """Through a file and back as a method: the same colours, grey kept, any size."""
    model, _ = trained(c, out / "run")
    path = export_run(out / "run", out / "w" / "tiny")
    method = systems.method(path)
    assert isinstance(method, Conditional) and checkpoints.read_card(path)["network"] == c.network
    assert (method.draws, method.nfe) == (model.draws, model.nfe)
    y = gray(scenes(3), F)
    torch.testing.assert_close(method(y, 7), model.colorize(y, 7), rtol=0, atol=0.02)  # halves
    odd = y[..., :27, :31]
    x = method(odd, 7)
    assert x.shape == (3, 3, 27, 31) and bool(((x >= 0) & (x <= 1)).all())
    assert float((lightness(gray(x, F)) - lightness(odd)).abs().mean()) < 12  # L* kept, not F x


def check_resumed_equals_uninterrupted(c: TrainCard, out) -> None:
    whole, progress = trained(c, out / "whole", save_every=2)
    model, batches, _ = start(c)
    for p in fit(model, batches, c, out / "broken", save_every=2):
        if p.step == 3:
            break
    again, rest = trained(c, out / "broken", save_every=2, resume=True)
    assert [p.loss for p in rest] == [p.loss for p in progress[2:]]
    a, b = whole.state_dict(), again.state_dict()
    assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def check_no_colour_reaches_the_network(model, c: TrainCard) -> None:
    """Two pictures of one grey and other colours: training shows the network the same."""
    x = scenes(2) * 0.5 + 0.2
    other = gray(x, F).expand(-1, 3, -1, -1) + 0.1 * torch.tensor([1.0, -1.0, 0.0])[:, None, None]
    shown = []
    hook = model.register_forward_pre_hook(lambda module, args: shown.append(args[0].clone()))
    for picture in (x, other):
        model.objective(model, c)(picture, torch.Generator().manual_seed(0))
    hook.remove()
    torch.testing.assert_close(shown[0], shown[1], rtol=0, atol=1e-3)
    assert float((lightness(gray(x, F)) - shown[0]).abs().max()) < 1e-3


class Instead:
    """A network whose forward pass is another."""

    def __init__(self, model, forward):
        self._model, self._forward = model, forward

    def __getattr__(self, name):
        return getattr(self._model, name)

    def __call__(self, *args):
        return self._forward(*args)


def painted(L, ab):
    """The rgb of L* (B,1,H,W) and a*, b* (B,2,H,W)."""
    return lab_to_rgb(torch.cat([L, ab], dim=1))
