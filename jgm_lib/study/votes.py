"""Votes: what one observer says of one version, checked, laid out for the analysis, and as CSV."""

import csv
import io
from typing import NamedTuple

import numpy as np

from ..errors import JGMError
from ..files import write_text
from .plan import HIGHEST, INDICATORS, LOWEST, Study, check_observer


class Vote(NamedTuple):
    """One version judged: ``scores`` are whole numbers 0 to 100, in the order of INDICATORS."""

    observer: int
    trial: int  # number of the screen in the observer's own order
    label: str
    scores: tuple[int, ...]
    simulated: bool = False


def check_vote(vote: Vote, study: Study) -> Vote:
    """The vote itself, or JGMError that says what is wrong with it."""
    check_observer(vote.observer)
    if type(vote.trial) is not int or vote.trial not in range(len(study.pictures)):
        raise JGMError(f"trial={vote.trial!r}: need 0 to {len(study.pictures) - 1}")
    if vote.label not in tuple(study.labels):
        raise JGMError(f"label={vote.label!r}: need A to {study.labels[-1]}")
    if len(vote.scores) != len(INDICATORS):
        raise JGMError(f"scores={vote.scores!r}: need {len(INDICATORS)}, one an indicator")
    for name, score in zip(INDICATORS, vote.scores, strict=True):
        if type(score) is not int or not LOWEST <= score <= HIGHEST:
            where = f"picture {vote.trial + 1}, version {vote.label}, {name}"
            raise JGMError(
                f"{where}: score {score!r}; allowed are whole numbers {LOWEST} to {HIGHEST}"
            )
    return vote


def unblind(study: Study, votes: list[Vote]) -> np.ndarray:
    """Scores (observers, pictures, methods, indicators), 0 to 100; NaN where there is no vote.

    Observers come in the order of their numbers. A second vote on the same screen and label
    replaces the first. JGMError if simulated votes and people's are mixed, or there is none.
    """
    if not votes:
        raise JGMError("no votes yet")
    if len({v.simulated for v in votes}) > 1:
        raise JGMError("simulated votes and people's together: keep them apart")
    observers = sorted({v.observer for v in votes})
    plans = {o: study.trials(o) for o in observers}
    shape = (len(observers), len(study.pictures), len(study.methods), len(INDICATORS))
    out = np.full(shape, np.nan)
    for v in votes:
        trial = plans[v.observer][v.trial]
        p, m = study.pictures.index(trial.picture), study.methods.index(trial.method(v.label))
        out[observers.index(v.observer), p, m] = v.scores
    return out


def finished(scores) -> np.ndarray:
    """(observers,) True where nothing is missing. ``scores`` as from ``unblind``."""
    return ~np.isnan(np.asarray(scores, np.float64)).any((1, 2, 3))


def csv_text(study: Study, votes: list[Vote]) -> str:
    """The votes as CSV, one line a version, under letters: without the plan nobody sees methods."""
    page = io.StringIO()
    out = csv.writer(page, lineterminator="\n")
    out.writerow(["study", "simulated", "observer", "trial", "label", *INDICATORS])
    for v in votes:
        out.writerow([study.code, int(v.simulated), v.observer, v.trial, v.label, *v.scores])
    return page.getvalue()


def write_csv(path, study: Study, votes: list[Vote]) -> None:
    """``csv_text`` as a file, whole or not at all. Raises JGMError where it cannot be written."""
    write_text(path, csv_text(study, votes))
