"""A blinded study of colourings: who sees what in which order, the votes on disk, their analysis.

Every observer judges every method's version of every picture, with yes or no on three indicators
(saturability, semantic correctness, edge keeping; naturalness is their equally weighted mean, as in
Section IV.C of the paper). Observers are numbers, never names. Nothing leaves the machine.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import JGMError
from .files import write_text
from .metrics import bootstrap_interval

INDICATORS = ("saturability", "semantic correctness", "edges")
QUESTIONS = {
    "saturability": "Are the colours vivid?",
    "semantic correctness": "Can these things have these colours?",
    "edges": "Do the colours keep to the edges?",
}
LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FIELDS = ("study", "observer", "trial", "label", "answers", "simulated")


@dataclass(frozen=True)
class Trial:
    """One screen: a picture and its versions from left to right; ``methods[0]`` is shown as A."""

    picture: str
    methods: tuple[str, ...]

    def method(self, label: str) -> str:
        return self.methods[LABELS.index(label)]


@dataclass(frozen=True)
class Study:
    """The plan: ``trials(observer)`` is the same for a seed on any machine.

    The key from labels to methods is this plan; the votes on disk carry labels and ``code``, so that
    they are never read with another plan. Raises JGMError for fewer than two methods, no picture,
    or doubled names.
    """

    name: str
    pictures: tuple[str, ...]
    methods: tuple[str, ...]
    seed: int = 0

    def __post_init__(self):
        for what, names, least in (("pictures", self.pictures, 1), ("methods", self.methods, 2)):
            if len(names) < least or len(set(names)) != len(names):
                raise JGMError(f"{what}={names}: need at least {least} different names")
        if len(self.methods) > len(LABELS):
            raise JGMError(f"{len(self.methods)} methods: at most {len(LABELS)} have a letter")

    @property
    def code(self) -> str:
        """The name and a fingerprint of everything that decides who sees what where."""
        text = json.dumps([self.name, self.pictures, self.methods, self.seed])
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def trials(self, observer: int) -> list[Trial]:
        """The screens of one observer, in order.

        Pictures start at another place for each observer, methods follow a Latin square: over as
        many observers as there are methods each stands equally often at each place of each picture.
        """
        check_observer(observer)
        rng = np.random.default_rng(self.seed)
        pictures = rng.permutation(len(self.pictures))
        square = latin_square(len(self.methods))[rng.permutation(len(self.methods))]
        start = rng.permutation(len(self.pictures))  # each picture enters the square elsewhere
        names = rng.permutation(len(self.methods))  # which method is number 0 of the square
        out = []
        for k in range(len(pictures)):
            p = pictures[(k + observer) % len(pictures)]
            row = square[(observer + start[p]) % len(square)]
            out.append(Trial(self.pictures[p], tuple(self.methods[names[m]] for m in row)))
        return out


def latin_square(n: int) -> np.ndarray:
    """(n,n): each number once a row and once a column; for even n each number also follows each
    other one equally often (Williams 1949)."""
    first = [0]
    for k in range(1, n):
        first.append((k + 1) // 2 if k % 2 else n - k // 2)
    return (np.array(first)[None] + np.arange(n)[:, None]) % n


def check_observer(observer) -> int:
    """A whole number from 0; JGMError else, so that nobody's name gets into the file."""
    if isinstance(observer, bool) or not isinstance(observer, (int, np.integer)) or observer < 0:
        raise JGMError(f"observer={observer!r}: need a whole number from 0, no name")
    return int(observer)


# -- votes on disk -------------------------------------------------------------------------------


def vote(study: Study, observer: int, trial: int, label: str, answers, simulated=False) -> dict:
    """One line of the file: the answers (three times True or False) to one version."""
    return check_vote(
        {
            "study": study.code,
            "observer": observer,
            "trial": trial,
            "label": label,
            "answers": [a if isinstance(a, bool) else bool(a) for a in answers],
            "simulated": bool(simulated),
        },
        study,
    )


def check_vote(line, study: Study) -> dict:
    """The line itself, or JGMError that says what is wrong with it."""
    if not isinstance(line, dict) or set(line) != set(FIELDS):
        raise JGMError(f"a vote needs exactly the fields {', '.join(FIELDS)}")
    if line["study"] != study.code:
        raise JGMError(f"study={line['study']!r}: this is study {study.code!r}; keep votes apart")
    check_observer(line["observer"])
    if type(line["trial"]) is not int or line["trial"] not in range(len(study.pictures)):
        raise JGMError(f"trial={line['trial']!r}: need 0 to {len(study.pictures) - 1}")
    if line["label"] not in list(LABELS[: len(study.methods)]):
        raise JGMError(f"label={line['label']!r}: need A to {LABELS[len(study.methods) - 1]}")
    answers = line["answers"]
    if not isinstance(answers, list) or len(answers) != len(INDICATORS):
        raise JGMError(f"answers={answers!r}: need {len(INDICATORS)} times true or false")
    if not all(isinstance(a, bool) for a in [*answers, line["simulated"]]):
        raise JGMError("answers and simulated must be true or false")
    return line


def append_votes(path, votes: list[dict]) -> None:
    """Add lines to a JSON lines file, written anew as a whole, so that a crash leaves the old file
    or the new one, never half a line. Raises JGMError where it cannot be written."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    write_text(path, old + "".join(json.dumps(v) + "\n" for v in votes))


def read_votes(folder, study: Study) -> list[dict]:
    """All votes of a folder's .jsonl files, checked. JGMError names file and line."""
    return [v for path in sorted(Path(folder).glob("*.jsonl")) for v in read_file(path, study)]


def read_file(path: Path, study: Study) -> list[dict]:
    """The votes of one file, checked. JGMError names file and line."""
    votes = []
    for number, text in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            votes.append(check_vote(json.loads(text), study))
        except JGMError as error:
            raise JGMError(f"{path.name} line {number}: {error}") from None
        except ValueError:  # no JSON, or no UTF-8
            raise JGMError(f"{path.name} line {number}: not JSON") from None
    return votes


def unblind(study: Study, votes: list[dict]) -> np.ndarray:
    """(observers, pictures, methods, indicators) of 0 and 1; NaN where there is no vote.

    A second vote on the same screen and label replaces the first. JGMError if simulated votes and
    people's are mixed, or there is none.
    """
    if not votes:
        raise JGMError("no votes yet")
    if len({v["simulated"] for v in votes}) > 1:
        raise JGMError("simulated votes and people's lie in one folder: keep them apart")
    observers = sorted({v["observer"] for v in votes})
    plans = {o: study.trials(o) for o in observers}
    shape = (len(observers), len(study.pictures), len(study.methods), len(INDICATORS))
    out = np.full(shape, np.nan)
    for v in votes:
        trial = plans[v["observer"]][v["trial"]]
        p = study.pictures.index(trial.picture)
        m = study.methods.index(trial.method(v["label"]))
        out[observers.index(v["observer"]), p, m] = v["answers"]
    return out


# -- analysis ------------------------------------------------------------------------------------


def observer_means(answers) -> np.ndarray:
    """(observers, methods, indicators + 1): each observer's share of yes; last is naturalness.

    Observers who did not see every method at least once are left out. JGMError if nobody is left.
    """
    answers = np.asarray(answers, np.float64)
    seen = (~np.isnan(answers)).sum(1)  # (observers, methods, indicators)
    whole = (seen > 0).all((1, 2))
    if not whole.any():
        raise JGMError("no observer has judged all methods yet")
    means = np.nanmean(answers[whole], axis=1)
    return np.concatenate([means, means.mean(-1, keepdims=True)], axis=-1)


COLUMNS = (*INDICATORS, "naturalness")


def analyse(answers, methods, level=0.95, resamples=2000, seed=0, columns=COLUMNS) -> dict:
    """method -> column -> (mean, low, high); ``columns``: the indicators and "naturalness".

    ``answers`` as from ``unblind``. The interval is a bootstrap over observers: votes of one person
    are not independent, people are. (What other pictures would give it cannot tell.)
    """
    means = observer_means(answers)
    out = {}
    for m, method in enumerate(methods):
        out[method] = {}
        for column in columns:
            values = means[:, m, COLUMNS.index(column)]
            ends = bootstrap_interval(values, level, resamples, seed)
            out[method][column] = (float(values.mean()), *ends)
    return out


def paired_test(answers, methods, a: str, b: str, column=-1, rounds=5000, seed=0) -> tuple:
    """(mean difference a - b, p): are the observers' differences more than chance?

    Paired sign-flip test: if the methods are alike, every observer's difference could as well have
    the other sign. Two-sided; p is never 0. ``column``: number of the indicator, -1 naturalness.
    """
    means = observer_means(answers)[:, :, column]
    d = means[:, methods.index(a)] - means[:, methods.index(b)]
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (rounds, len(d)))
    as_far = np.abs(signs @ d) >= abs(d.sum()) - 1e-9
    return float(d.mean()), float((1 + as_far.sum()) / (1 + rounds))


def share_interval(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share of n independent yes-or-no votes (Wilson 1927)."""
    if not 0 <= share <= 1 or n < 1:
        raise JGMError(f"share={share}, n={n}: need 0 <= share <= 1 and n >= 1")
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


# -- a simulated room, to prove the machinery ----------------------------------------------------


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
