"""A simulated room of observers whose preferences are known: it proves the machinery."""

from dataclasses import dataclass

import numpy as np

from .plan import LABELS, Study
from .votes import vote


@dataclass(frozen=True)
class Room:
    """SIMULATED observers with known preferences, for tests of the analysis and nothing else.

    ``approval`` (methods, indicators): log odds of a yes by the average observer; observers differ
    by a leniency N(0, leniency^2) and pictures by N(0, difficulty^2), both in log odds.
    """

    approval: np.ndarray
    pictures: int
    leniency: float = 1.2
    difficulty: float = 0.5
    seed: int = 0

    def odds(self) -> np.ndarray:
        """(pictures, methods, indicators); the pictures are the same for all observers."""
        hard = np.random.default_rng(self.seed).normal(0, self.difficulty, (self.pictures, 1, 1))
        return np.asarray(self.approval, float)[None] + hard

    def vote(self, observers: int, seed: int) -> np.ndarray:
        """Answers (observers, pictures, methods, indicators) of a room of people drawn anew."""
        rng = np.random.default_rng(seed)
        lenient = rng.normal(0, self.leniency, (observers, 1, 1, 1))
        p = 1 / (1 + np.exp(-(self.odds()[None] + lenient)))
        return (rng.random(p.shape) < p).astype(float)

    def truth(self) -> np.ndarray:
        """(methods, indicators + 1): the share of yes of infinitely many such observers."""
        t, w = np.polynomial.hermite_e.hermegauss(60)  # integrates over the leniency
        odds = self.odds()[..., None] + self.leniency * t
        share = ((1 / (1 + np.exp(-odds))) @ (w / w.sum())).mean(0)  # (methods, indicators)
        return np.concatenate([share, share.mean(-1, keepdims=True)], axis=-1)


def votes_of(study: Study, answers) -> list[dict]:
    """Simulated answers as votes, blinded by the study's plan and marked as simulated."""
    out = []
    for observer, given in enumerate(np.asarray(answers)):
        for t, trial in enumerate(study.trials(observer)):
            p = study.pictures.index(trial.picture)
            for label, method in zip(LABELS, trial.methods, strict=False):
                yes = [bool(v) for v in given[p, study.methods.index(method)]]
                out.append(vote(study, observer, t, label, yes, simulated=True))
    return out
