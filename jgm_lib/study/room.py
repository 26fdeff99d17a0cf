"""A simulated room of observers whose preferences are known: it proves the machinery."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from .plan import HIGHEST, LOWEST, Study
from .votes import Vote, check_vote


@dataclass(frozen=True)
class Room:
    """SIMULATED observers with known preferences, for tests of the analysis and nothing else.

    ``points`` (methods, indicators): the score by the average observer on the average picture,
    before it is rounded to a whole number 0 to 100. Deviations, all Gaussian, in points: some
    people are lenient, have a taste for a method; some pictures are hard, or hard for a method; and
    ``noise`` is what one answer adds.
    """

    points: np.ndarray
    pictures: int
    leniency: float = 12.0
    taste: float = 5.0
    difficulty: float = 6.0
    fit: float = 3.0
    noise: float = 14.0
    seed: int = 0

    def expected(self) -> np.ndarray:
        """(pictures, methods, indicators) by the average observer; the pictures stay the same."""
        points, rng = np.asarray(self.points, np.float64), np.random.default_rng(self.seed)
        hard = rng.normal(0, self.difficulty, (self.pictures, 1, 1))
        return points + hard + rng.normal(0, self.fit, (self.pictures, len(points), 1))

    def vote(self, observers: int, seed: int) -> np.ndarray:
        """Scores (observers, pictures, methods, indicators) of a room of people drawn anew."""
        rng, mean = np.random.default_rng(seed), self.expected()
        lenient = rng.normal(0, self.leniency, (observers, 1, 1, 1))
        taste = rng.normal(0, self.taste, (observers, 1, mean.shape[1], 1))
        noise = rng.normal(0, self.noise, (observers, *mean.shape))
        return np.clip(np.rint(mean + lenient + taste + noise), LOWEST, HIGHEST)

    def truth(self) -> np.ndarray:
        """(methods, indicators + 1): the mean score of infinitely many such observers.

        The mean of a whole number from 0 to 100 is the sum of P(score >= k) over k = 1 to 100.
        """
        spread = (self.leniency**2 + self.taste**2 + self.noise**2) ** 0.5
        steps = np.arange(LOWEST + 1, HIGHEST + 1) - 0.5  # where rounding goes up to k
        above = (self.expected()[..., None] - steps) / spread
        score = np.vectorize(NormalDist().cdf)(above).sum(-1).mean(0)  # (methods, indicators)
        return np.concatenate([score, score.mean(-1, keepdims=True)], axis=-1)


def votes_of(study: Study, scores) -> list[Vote]:
    """Simulated scores (observers, pictures, methods, indicators) as votes, blinded by the study's
    plan and marked as simulated. JGMError for a score that is no whole number 0 to 100."""
    out = []
    for observer, given in enumerate(np.asarray(scores)):
        for t, trial in enumerate(study.trials(observer)):
            p = study.pictures.index(trial.picture)
            for label, method in zip(study.labels, trial.methods, strict=True):
                said = [
                    int(v) if v == int(v) else float(v)
                    for v in given[p, study.methods.index(method)]
                ]
                out.append(check_vote(Vote(observer, t, label, tuple(said), True), study))
    return out
