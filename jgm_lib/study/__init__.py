"""A blinded study of colourings: who sees what in which order, the votes on disk, their analysis.

Every observer judges every method's version of every picture, 0 to 100 points on three indicators
(saturability, semantic correctness, edge keeping; naturalness is their equally weighted mean, as in
Section IV.C of the paper). Observers are numbers, never names. Nothing leaves the machine, and
nothing here loads torch: a page for voting starts quickly.
"""

from .agreement import Agreement, agreement, intraclass, krippendorff_alpha
from .analysis import (
    COLUMNS,
    Paired,
    analyse,
    holm,
    observer_means,
    paired_tests,
    share_interval,
    sign_flip_p,
)
from .ballots import Ballots, Seat, path_of, read_votes
from .pictures import read_versions, study_of, write_versions
from .plan import (
    HIGHEST,
    INDICATORS,
    LABELS,
    LOWEST,
    QUESTIONS,
    Study,
    Trial,
    check_observer,
    latin_square,
)
from .power import (
    Components,
    components,
    design_effect,
    differences,
    observers_needed,
    simulated_power,
    standard_error,
)
from .room import Room, votes_of
from .votes import Vote, check_vote, csv_text, finished, unblind, write_csv

__all__ = [
    "COLUMNS",
    "HIGHEST",
    "INDICATORS",
    "LABELS",
    "LOWEST",
    "QUESTIONS",
    "Agreement",
    "Ballots",
    "Components",
    "Paired",
    "Room",
    "Seat",
    "Study",
    "Trial",
    "Vote",
    "agreement",
    "analyse",
    "check_observer",
    "check_vote",
    "components",
    "csv_text",
    "design_effect",
    "differences",
    "finished",
    "holm",
    "intraclass",
    "krippendorff_alpha",
    "latin_square",
    "observer_means",
    "observers_needed",
    "paired_tests",
    "path_of",
    "read_versions",
    "read_votes",
    "share_interval",
    "sign_flip_p",
    "simulated_power",
    "standard_error",
    "study_of",
    "unblind",
    "votes_of",
    "write_csv",
    "write_versions",
]
