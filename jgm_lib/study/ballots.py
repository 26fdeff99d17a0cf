"""The votes of a study on disk: one SQLite file, many observers at the same time.

An acknowledged vote survives the end of its process and of the machine's power: the file is in WAL
mode (readers and a writer do not wait for each other) with synchronous=FULL (the log is on the disk
before a commit returns). Nothing is overwritten: a changed vote is a new row, and the last counts.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from ..errors import JGMError
from ..files import replacing
from ..locks import locked
from .plan import HIGHEST, INDICATORS, LOWEST, Study, check_observer
from .votes import Vote, check_vote

APPLICATION = int.from_bytes(b"JGMV")  # written into the file's head: these are our votes
SCHEMA = 1
PATIENCE = 60.0  # seconds that a writer waits for the others
COLUMNS = tuple(name.replace(" ", "_") for name in INDICATORS)
SCORE = "INTEGER NOT NULL CHECK (typeof({0}) = 'integer' AND {0} BETWEEN {1} AND {2})"
TABLES = f"""
CREATE TABLE study (code TEXT NOT NULL, simulated INTEGER NOT NULL);
CREATE TABLE observer (number INTEGER PRIMARY KEY, window TEXT NOT NULL);
CREATE TABLE vote (id INTEGER PRIMARY KEY, observer INTEGER NOT NULL REFERENCES observer,
  trial INTEGER NOT NULL, label TEXT NOT NULL,
  {", ".join(f"{c} {SCORE.format(c, LOWEST, HIGHEST)}" for c in COLUMNS)});
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {SCHEMA};
"""
LATEST = f"""SELECT observer, trial, label, {", ".join(COLUMNS)} FROM vote WHERE id IN
  (SELECT max(id) FROM vote GROUP BY observer, trial, label) ORDER BY observer, trial, label"""
INSERT = f"""INSERT INTO vote (observer, trial, label, {", ".join(COLUMNS)})
  VALUES (?, ?, ?{", ?" * len(COLUMNS)})"""


class Seat(NamedTuple):
    """The right to vote as one observer, from one window; the newest window has it."""

    observer: int
    window: str


class Ballots:
    """The file of votes of one study, made if it is missing (its folder too).

    Raises JGMError in one line, and touches nothing, for a file that is no study's, of another
    version, of another plan, or of the other kind (``simulated`` votes lie apart from people's).
    """

    def __init__(self, path, study: Study, simulated: bool = False):
        self.path, self.study, self.simulated = Path(path), study, bool(simulated)
        try:
            if not self.path.exists():
                self._create()
        except (OSError, sqlite3.Error) as error:
            raise JGMError(f"{self.path}: cannot be written ({error})") from None
        with self._open():
            pass

    def _create(self) -> None:
        """One maker at a time; the file gets its name when all is in it."""
        with locked(self.path.with_name(f"{self.path.name}.lock")):
            if self.path.exists():
                return
            with (
                replacing(self.path) as part,
                closing(sqlite3.connect(part, isolation_level=None)) as db,
            ):
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(TABLES)
                db.execute("INSERT INTO study VALUES (?, ?)", (self.study.code, self.simulated))

    @contextmanager
    def _open(self, write: bool = False) -> Iterator[sqlite3.Connection]:
        """A checked connection; with ``write`` in a transaction that is on the disk at the end."""
        try:
            uri = f"{self.path.resolve().as_uri()}?mode=rw"  # never makes a file
            with closing(sqlite3.connect(uri, PATIENCE, isolation_level=None, uri=True)) as db:
                db.execute("PRAGMA synchronous = FULL")
                self._check(db)
                with db:  # commits, or rolls back on an error
                    db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                    yield db
        except sqlite3.Error as error:
            raise JGMError(f"{self.path}: the votes cannot be used ({error})") from None

    def _check(self, db) -> None:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION:
            raise JGMError(f"{self.path}: not a study database; choose another file")
        if version != SCHEMA:
            says = f"of version {version}, this program reads version {SCHEMA}"
            raise JGMError(f"{self.path}: a study database {says}; choose another file")
        row = db.execute("SELECT code, simulated FROM study").fetchone()
        if row is None:
            raise JGMError(f"{self.path}: a study database that names no study; choose another")
        code, simulated = row
        if code != self.study.code:
            says = f"votes of study {code!r}, this is study {self.study.code!r}"
            raise JGMError(f"{self.path}: {says}; keep votes apart")
        if bool(simulated) != self.simulated:
            kinds = "people's votes", "simulated votes"
            says = f"holds {kinds[simulated]}, not {kinds[self.simulated]}"
            raise JGMError(f"{self.path}: {says}; keep them apart")

    # -- observers ---------------------------------------------------------------------------------

    def join(self, first: int = 0) -> Seat:
        """A seat under a new number: one above the highest so far, at least ``first``."""
        first = check_observer(first)
        with self._open(write=True) as db:
            (highest,) = db.execute("SELECT max(number) FROM observer").fetchone()
            number = first if highest is None else max(first, highest + 1)
            seat = Seat(number, secrets.token_hex(8))
            db.execute("INSERT INTO observer VALUES (?, ?)", seat)
        return seat

    def come_back(self, observer: int) -> Seat:
        """The seat of a known observer, taken over from its last window. JGMError if unknown."""
        seat = Seat(check_observer(observer), secrets.token_hex(8))
        with self._open(write=True) as db:
            found = db.execute("UPDATE observer SET window = ? WHERE number = ?", seat[::-1])
            if not found.rowcount:
                raise JGMError(f"observer {observer}: this number was not given yet")
        return seat

    def observers(self) -> list[int]:
        """All numbers given so far, with votes or without."""
        with self._open() as db:
            return [n for (n,) in db.execute("SELECT number FROM observer ORDER BY number")]

    # -- votes -------------------------------------------------------------------------------------

    def record(self, seat: Seat, trial: int, scores: dict) -> None:
        """Put one whole screen on the disk: ``scores`` label -> one score an indicator.

        When this returns, the votes are safe. JGMError, and nothing written, for a missing version,
        a score outside 0 to 100, or a seat that another window has taken over.
        """
        if set(scores) != set(self.study.labels):
            raise JGMError(f"versions {', '.join(scores)}: need A to {self.study.labels[-1]}")
        votes = [
            check_vote(Vote(seat.observer, trial, k, tuple(scores[k])), self.study)
            for k in self.study.labels
        ]
        with self._open(write=True) as db:
            holder = db.execute("SELECT window FROM observer WHERE number = ?", seat[:1]).fetchone()
            if holder != (seat.window,):
                raise JGMError(f"observer {seat.observer} goes on in another window; use that one")
            db.executemany(INSERT, [(*v[:3], *v.scores) for v in votes])

    def votes(self) -> list[Vote]:
        """The last vote on every version judged, in the order of observers, screens and letters.

        JGMError names a vote that the program cannot have written.
        """
        with self._open() as db:
            rows = db.execute(LATEST).fetchall()
        votes = [Vote(*row[:3], row[3:], self.simulated) for row in rows]
        for vote in votes:
            try:
                check_vote(vote, self.study)
            except JGMError as error:
                raise JGMError(f"{self.path}: observer {vote.observer}, {error}") from None
        return votes

    def given(self, observer: int) -> dict:
        """trial -> label -> scores: what one observer has said."""
        out = {}
        for v in self.votes():
            if v.observer == observer:
                out.setdefault(v.trial, {})[v.label] = v.scores
        return out


def path_of(folder, study: Study) -> Path:
    """Where the votes of a study lie: another plan has another file."""
    return Path(folder) / f"{study.code}.sqlite"


def read_votes(folder, study: Study, simulated: bool = False) -> list[Vote]:
    """The votes of a study in a folder; several files (CODE-2.sqlite) if several machines voted.

    JGMError names a file that cannot be read, and a number that two files hold.
    """
    votes, owner = [], {}
    for path in sorted(Path(folder).glob("*.sqlite")):
        if not path.name.startswith(study.code):
            continue
        for vote in Ballots(path, study, simulated).votes():
            if owner.setdefault(vote.observer, path) != path:
                both = f"{owner[vote.observer].name} and {path.name}"
                raise JGMError(f"observer {vote.observer} is in {both}: numbers must differ")
            votes.append(vote)
    return votes
