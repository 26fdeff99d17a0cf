"""A blinded study of colourings: who sees what in which order, the votes on disk, their analysis.

Every observer judges every method's version of every picture, with yes or no on three indicators
(saturability, semantic correctness, edge keeping; naturalness is their equally weighted mean, as in
Section IV.C of the paper). Observers are numbers, never names. Nothing leaves the machine.
"""

from .analysis import COLUMNS, analyse, observer_means, paired_test, share_interval
from .plan import FIELDS, INDICATORS, LABELS, QUESTIONS, Study, Trial, check_observer, latin_square
from .room import Room, votes_of
from .votes import append_votes, check_vote, read_file, read_votes, unblind, vote

__all__ = [
    "COLUMNS",
    "FIELDS",
    "INDICATORS",
    "LABELS",
    "QUESTIONS",
    "Room",
    "Study",
    "Trial",
    "analyse",
    "append_votes",
    "check_observer",
    "check_vote",
    "latin_square",
    "observer_means",
    "paired_test",
    "read_file",
    "read_votes",
    "share_interval",
    "unblind",
    "vote",
    "votes_of",
]
