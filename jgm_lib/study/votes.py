"""The votes of a study on disk: one line each, checked when written and when read."""

import json
from pathlib import Path

import numpy as np

from ..errors import JGMError
from ..files import write_text
from .plan import FIELDS, INDICATORS, LABELS, Study, check_observer


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
