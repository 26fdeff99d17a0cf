"""Training curves at equal budget: a joint prior beside one of pictures and one of gradients.

Each is trained anew on the same pictures in the same steps. Judged is what Eq 17 takes away: how
well the averaged network tells held-out pictures, and their gradients, from noisy ones, where the
joint one sees both. All see the same noise. Without ``data`` on ToyScenes, else a packed set.
"""

import tempfile
import time

import numpy as np
import torch
from matplotlib.figure import Figure

from ..cards import read_train_card
from ..data.toy import ToyScenes
from ..errors import JGMError
from ..figures import line, panels
from ..metrics import bootstrap_interval, paired_difference
from ..noise import SeededNoise, version_seeds
from ..params import TrainCard
from ..training import fit, make_accelerator
from ..training.runs import network_of, start
from .cards import CurvesCard
from .sources import Pictures

FIRST = 9 * 10**6  # landscapes that no training and no lesson shows
PARTS = {"picture": slice(0, 3), "gradients": slice(3, 9)}  # of the nine channels
HELD = {"joint": slice(0, 9), "intensity": PARTS["picture"], "gradients": PARTS["gradients"]}


def measure(card: CurvesCard, data=None) -> tuple[list[dict], dict]:
    """The rows, and the trainings and pictures. ``data``: a packed set, for the training and, its
    held-out part, for the judging; None for ToyScenes. Raises JGMError."""
    own = [trained(name, card) for name in card.cards]
    pictures = pictures_of(card, own[0].size, data)
    rows, errors = [], {}
    for one in own:
        for step, model, seconds in stages(one, card, data):
            for (part, sigma), found in errors_of(model, pictures, card).items():
                errors[one.name, step, part, sigma] = found
                head = {"prior": one.name, "step": step, "part": part, "sigma": sigma}
                rows.append(head | row_of(found, errors, head, card) | {"seconds": seconds})
    sizes = {c.name: sum(p.numel() for p in network_of(c).parameters()) for c in own}
    about = {"trainings": {c.name: c.model_dump() for c in own}, "parameters": sizes}
    return rows, about | pictures.about()


def trained(name: str, card: CurvesCard) -> TrainCard:
    """A training card with the budget of all. Raises JGMError for unknown ones."""
    own = read_train_card(name, steps=card.steps, batch=card.batch, seed=card.seed)
    kind = getattr(getattr(network_of(own), "domain", None), "name", own.network)
    if kind not in HELD:
        raise JGMError(f"cards: {name!r} trains {kind}; choose priors of {', '.join(HELD)}")
    return own


def pictures_of(card: CurvesCard, side: int, data=None) -> Pictures:
    if data is None:
        return Pictures.of_truth(ToyScenes(side).sample(card.pictures, FIRST + card.seed).images)
    return Pictures.of(data, side, card.pictures)


def stages(own: TrainCard, card: CurvesCard, data=None):
    """Train, and yield (step, the averaged network, seconds so far) every ``card.every`` steps. On
    the CPU, where a second run is the same."""
    model, batches, _ = start(own, data)
    begun, cpu = time.monotonic(), make_accelerator("no", cpu=True)
    with tempfile.TemporaryDirectory() as out:
        for p in fit(model, batches, own, out, save_every=own.steps, accelerator=cpu):
            if p.step % card.every == 0 or p.step == own.steps:
                mean = network_of(own)
                mean.load_state_dict(p.ema)
                yield p.step, mean.eval(), time.monotonic() - begun


@torch.no_grad()
def errors_of(model, pictures: Pictures, card: CurvesCard) -> dict:
    """(part, sigma) -> RMS error (N,) of what a network makes of X + sigma z, in the parts that it
    holds; z is that of the picture, whatever the network."""
    own, X = HELD[model.domain.name], model.domain.tensor(pictures.truth)  # (N,C,S,S)
    like = pictures.y.expand(-1, 9, -1, -1)
    z = SeededNoise(version_seeds(card.seed, 1, pictures.keys)).normal(like)[:, own]
    found = {}
    for sigma in card.levels:
        noisy = (X + sigma * z).split(card.batch)
        error = torch.cat([model.denoise(x, sigma) for x in noisy]) - X
        for part, held in PARTS.items():
            if own.start <= held.start and held.stop <= own.stop:
                inside = error[:, held.start - own.start : held.stop - own.start]
                found[part, sigma] = inside.square().mean((1, 2, 3)).sqrt().double().numpy()
    return found


def row_of(found: np.ndarray, errors: dict, head: dict, card: CurvesCard) -> dict:
    """Its mean error, and what it is above the first prior's at the same step on the same noise."""
    row = {
        "n": len(found),
        "rms": [float(found.mean()), *bootstrap_interval(found, seed=card.seed)],
    }
    first = next(iter(errors))[0]
    key = (first, head["step"], head["part"], head["sigma"])
    if head["prior"] != first and key in errors:
        row["minus_first"] = [*paired_difference(found, errors[key], card.seed)]
    return row


# -- to read -----------------------------------------------------------------------------------


def table(rows: list[dict]) -> str:
    """The last step of every training as text."""
    last = max(r["step"] for r in rows)
    lines = [
        f"{'prior':20s} {'part':9s} {'sigma':>6s} {'RMS error':>9s} {'above the first, 95 %':>31s}"
    ]
    for r in (r for r in rows if r["step"] == last):
        more = r.get("minus_first")
        gap = "{:+.5f} ({:+.5f} to {:+.5f})".format(*more) if more else ""
        text = f"{r['prior']:20s} {r['part']:9s} {r['sigma']:6g} {r['rms'][0]:9.5f} {gap:>31s}"
        lines.append(text)
    return "\n".join([*lines, f"after {last} steps"])


def figure(rows: list[dict]) -> Figure:
    """RMS error against steps, a row of panels a part, a panel a noise level, a curve a prior."""
    levels = list(dict.fromkeys(r["sigma"] for r in rows))
    priors = list(dict.fromkeys(r["prior"] for r in rows))
    fig, axes = panels(2, len(levels), 2.5, 2.3, sharex=True)
    for across, part in zip(axes.reshape(2, -1), PARTS, strict=True):
        across[0].set(ylabel=f"{part}, RMS error")
        for axis, sigma in zip(across, levels, strict=True):
            for k, prior in enumerate(priors):
                own = [
                    r for r in rows if (r["prior"], r["part"], r["sigma"]) == (prior, part, sigma)
                ]
                steps, rms = [r["step"] for r in own], [r["rms"][0] for r in own]
                axis.plot(steps, rms, label=prior, markersize=4, **line(k, markers=True))
            axis.set(title=f"sigma {sigma:g}")
    for axis in axes.reshape(2, -1)[1]:
        axis.set(xlabel="steps")
    axes.flat[0].legend(fontsize=7)
    return fig
