"""Run Algorithm 1 on pictures and keep its last states, also where some runs diverge."""

from dataclasses import dataclass

import torch

from ..baselines import Sampled
from ..constraint import Observation
from ..errors import JGMError
from ..noise import version_seeds
from .cards import AblationCard
from .factors import Variation
from .sources import F, Pictures


@dataclass(frozen=True)
class Ends:
    """The last states X (n,C,S,S) of the pictures ``own`` that arrived; ``nfe`` of a run,
    ``diverged`` the share of the pictures that did not, ``why`` the first of them did not."""

    X: torch.Tensor
    own: list[int]
    nfe: int
    diverged: float
    why: str

    def fused(self, domain, settings: dict) -> torch.Tensor:
        """The pictures (n,3,S,S) of the states by Eq 14; where the chain fuses itself, after each
        step or level, the states hold them already."""
        inside = settings["feedback"] in ("level", "step") and not settings["consistent"]
        return domain.at(settings["boundary"]).picture(self.X, 0.0 if inside else settings["beta"])

    def finished(self, x, y) -> torch.Tensor:
        """The nearest colours with F x = y (y: (n,1,S,S)), as every sampler ends."""
        return Observation(y, F).finish(x)


def ends_of(model, v: Variation, pictures: Pictures, card: AblationCard) -> Ends:
    """The ends of a run on all pictures, one draw each, ``card.batch`` at a time."""
    states, own, faults, nfe = [], [], [], 0
    for first in range(0, len(pictures), card.batch):
        batch = list(range(first, min(first + card.batch, len(pictures))))
        for at, found in attempts(model, v.settings, pictures, batch, card.seed):
            if isinstance(found, JGMError):
                faults.append(str(found))
            else:
                states.append(found.X)
                own += at
                nfe = found.nfe
    X = torch.cat(states) if states else torch.empty(0)
    return Ends(X, own, nfe, len(faults) / len(pictures), faults[0] if faults else "")


def attempts(model, settings: dict, pictures: Pictures, own: list[int], seed: int):
    """(indices, the last State or the JGMError) of pictures together, or of each where one of them
    diverges: a batch is refused as a whole."""
    try:
        yield own, last_state(model, settings, pictures.some(own), seed)
    except JGMError as fault:
        if len(own) == 1:
            yield own, fault
        else:
            for i in own:
                yield from attempts(model, settings, pictures, [i], seed)


def last_state(model, settings: dict, pictures: Pictures, seed: int):
    """The last State of one draw of each picture. Raises JGMError if it diverges."""
    seeds = version_seeds(seed, 1, pictures.keys)
    for state in Sampled(model, "langevin", settings).states(pictures.y, seeds):
        pass
    return state
