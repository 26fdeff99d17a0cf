"""Votes on disk: letters only, one clear line for a foreign file, nothing lost by many writers."""

import csv
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from jgm_lib import study
from jgm_lib.errors import JGMError
from jgm_lib.study.ballots import SCHEMA

METHODS = ("first", "second", "third", "fourth")


def plan(pictures=3, methods=METHODS, seed=5):
    return study.Study("s", tuple(f"p{i}" for i in range(pictures)), methods, seed)


def screen(s, score=50):
    return {label: (score, score, score) for label in s.labels}


@pytest.fixture
def ballots(tmp_path):
    return study.Ballots(tmp_path / "v.sqlite", plan())


def rows(path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT count(*) FROM vote").fetchone()[0]


# -- one vote ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": (1, 2)}, "need 3, one an indicator"),
        ({"scores": (1, 101, 1)}, "picture 1, version A, semantic correctness: score 101; allowed"),
        ({"scores": (-1, 0, 0)}, "score -1; allowed are whole numbers 0 to 100"),
        ({"scores": (1, 2.5, 1)}, "score 2.5; allowed"),
        ({"scores": (1, True, 1)}, "score True; allowed"),
        ({"scores": (1, None, 1)}, "score None; allowed"),
        ({"label": "E"}, "need A to D"),
        ({"label": ""}, "need A to D"),
        ({"label": "AB"}, "need A to D"),
        ({"trial": 3}, "need 0 to 2"),
        ({"trial": 1.0}, "need 0 to 2"),
        ({"trial": True}, "need 0 to 2"),
        ({"observer": "Anna"}, "no name"),
    ],
)
def test_a_foreign_vote_is_named(change, message):
    good = study.Vote(0, 0, "A", (0, 100, 50))
    assert study.check_vote(good, plan()) is good
    with pytest.raises(JGMError, match=message):
        study.check_vote(good._replace(**change), plan())


def test_votes_come_back_unblinded_and_a_missing_one_is_missing():
    s = plan()
    scores = np.random.default_rng(0).integers(0, 101, (4, 3, 4, 3)).astype(float)
    votes = study.votes_of(s, scores)
    np.testing.assert_array_equal(study.unblind(s, votes), scores)
    with pytest.raises(JGMError, match="score 56.5; allowed"):
        study.votes_of(s, scores + 0.5)
    again = votes[0]._replace(scores=(7, 7, 7))
    got = study.unblind(s, [*votes[:-1], again])
    assert np.isnan(got).sum() == 3 and (got == 7).sum() - (scores == 7).sum() in (2, 3)


def test_simulated_votes_never_mix_with_peoples():
    s = plan()
    votes = study.votes_of(s, np.zeros((1, 3, 4, 3)))
    with pytest.raises(JGMError, match="keep them apart"):
        study.unblind(s, [*votes, votes[0]._replace(simulated=False)])
    with pytest.raises(JGMError, match="no votes"):
        study.unblind(s, [])


# -- the file ------------------------------------------------------------------------------------


def test_the_file_is_in_wal_mode_whole_commits_and_tells_no_method(ballots):
    seat = ballots.join()
    ballots.record(seat, 1, screen(plan(), 73))
    with closing(sqlite3.connect(ballots.path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with ballots._open() as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
    raw = ballots.path.read_bytes()
    assert not any(name.encode() in raw for name in (*METHODS, "p0", "p1", "p2"))
    assert ballots.votes() == [study.Vote(0, 1, k, (73,) * 3) for k in "ABCD"]


def test_observers_get_different_numbers(ballots):
    other = study.Ballots(ballots.path, plan())
    assert [b.join().observer for b in (ballots, other, ballots)] == [0, 1, 2]
    assert other.join(first=100).observer == 100 and ballots.join().observer == 101
    assert ballots.observers() == [0, 1, 2, 100, 101]
    with pytest.raises(JGMError, match="observer 7: this number was not given yet"):
        ballots.come_back(7)


def test_two_windows_of_one_number_cannot_overwrite_each_other(ballots):
    s, first = plan(), ballots.join()
    ballots.record(first, 0, screen(s, 10))
    second = ballots.come_back(first.observer)
    with pytest.raises(JGMError, match="observer 0 goes on in another window"):
        ballots.record(first, 0, screen(s, 99))
    ballots.record(second, 1, screen(s, 20))
    assert {v.scores[0] for v in ballots.votes()} == {10, 20}
    with pytest.raises(JGMError, match="another window"):
        ballots.record(study.Seat(5, "made up"), 0, screen(s))


def test_a_changed_vote_counts_and_the_old_one_stays(ballots):
    s, seat = plan(), ballots.join()
    for score in (10, 90):
        ballots.record(seat, 0, screen(s, score))
    assert {v.scores[0] for v in ballots.votes()} == {90} and rows(ballots.path) == 8
    assert ballots.given(0) == {0: screen(s, 90)} and ballots.given(1) == {}


def test_a_bad_screen_writes_nothing(ballots):
    s, seat = plan(), ballots.join()
    ballots.record(seat, 0, screen(s))
    for bad in ({**screen(s), "D": (1, 2, 101)}, {"A": (1, 2, 3)}, {**screen(s), "E": (1, 1, 1)}):
        with pytest.raises(JGMError):
            ballots.record(seat, 1, bad)
    assert rows(ballots.path) == 4


def damage(path, sql):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (f"PRAGMA user_version = {SCHEMA + 1}", "of version 2, this program reads version 1"),
        ("PRAGMA application_id = 1", "not a study database"),
        ("UPDATE study SET code = 'x-1'", "votes of study 'x-1', this is study 's-"),
        ("UPDATE study SET simulated = 1", "holds simulated votes, not people's votes"),
        ("DELETE FROM study", "names no study"),
    ],
)
def test_another_database_is_refused_in_one_line_and_left_alone(ballots, sql, message):
    ballots.record(ballots.join(), 0, screen(plan()))
    damage(ballots.path, sql)
    before = ballots.path.read_bytes()
    for refused in (lambda: study.Ballots(ballots.path, plan()), ballots.votes, ballots.join):
        with pytest.raises(JGMError, match=message) as error:
            refused()
        assert "\n" not in str(error.value) and "v.sqlite" in str(error.value)
    assert ballots.path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(200)])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "v.sqlite"
    path.write_bytes(content)
    with pytest.raises(JGMError, match=r"v\.sqlite: .*(not a study database|cannot be used)"):
        study.Ballots(path, plan())
    assert path.read_bytes() == content


def test_a_score_out_of_range_in_the_file_is_named(ballots):
    """Neither the program nor the database lets one in; a file changed by hand is told on."""
    ballots.record(ballots.join(), 0, screen(plan()))
    for value in ("101", "-1", "2.5", "NULL", "'x'"):
        with pytest.raises(sqlite3.IntegrityError):
            damage(ballots.path, f"UPDATE vote SET edges = {value}")
    with closing(sqlite3.connect(ballots.path)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = 1")
        db.execute("UPDATE vote SET edges = 101 WHERE label = 'B'")
    with pytest.raises(JGMError, match="v.sqlite: observer 0, picture 1, version B, edges: score"):
        ballots.votes()


def test_impossible_places_are_told(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "v.sqlite", tmp_path):
        with pytest.raises(JGMError, match="cannot be"):
            study.Ballots(path, plan())


def test_votes_are_not_read_with_another_plan(tmp_path):
    """Another seed means other letters: the votes would count for the wrong methods."""
    path = tmp_path / "v.sqlite"
    study.Ballots(path, plan(seed=5))
    for other in (plan(seed=6), plan(methods=METHODS[::-1]), plan(pictures=4)):
        with pytest.raises(JGMError, match="this is study"):
            study.Ballots(path, other)


def test_files_of_several_machines_are_read_together(tmp_path):
    s = plan()
    paths = study.path_of(tmp_path, s), tmp_path / f"{s.code}-2.sqlite"
    for path, first in zip(paths, (0, 100), strict=True):
        ballots = study.Ballots(path, s)
        ballots.record(ballots.join(first), 0, screen(s, first))
    study.Ballots(study.path_of(tmp_path, plan(seed=6)), plan(seed=6))  # another study's file
    assert {v.observer for v in study.read_votes(tmp_path, s)} == {0, 100}
    third = study.Ballots(tmp_path / f"{s.code}-3.sqlite", s)
    third.record(third.join(100), 0, screen(s))
    with pytest.raises(JGMError, match="observer 100 is in .*-2.sqlite and .*-3.sqlite"):
        study.read_votes(tmp_path, s)
    assert study.read_votes(tmp_path / "none", s) == []


def test_csv_has_a_line_a_version_and_letters_only(ballots, tmp_path):
    s = plan()
    ballots.record(ballots.join(), 2, {k: (i, 100 - i, 7) for i, k in enumerate("ABCD")})
    study.write_csv(tmp_path / "v.csv", s, ballots.votes())
    lines = list(csv.DictReader((tmp_path / "v.csv").open()))
    assert [line["label"] for line in lines] == list("ABCD")
    assert {**lines[1]} == {
        "study": s.code, "simulated": "0", "observer": "0", "trial": "2", "label": "B",
        "saturability": "1", "semantic correctness": "99", "edges": "7",
    }  # fmt: skip
    assert not any(name in (tmp_path / "v.csv").read_text() for name in METHODS)


# -- many writers, killed at any moment ----------------------------------------------------------

WRITER = """
import sys
from itertools import cycle
from jgm_lib import study
path, screens, forever = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "forever"
plan = study.Study("s", tuple(f"p{i}" for i in range(screens)), ("a", "b"), 5)
ballots = study.Ballots(path, plan)
seat = ballots.join()
for trial in cycle(range(screens)) if forever else range(screens):
    score = (31 * seat.observer + trial) % 101
    ballots.record(seat, trial, {k: (score,) * 3 for k in "AB"})
    print(seat.observer, trial, score, flush=True)  # acknowledged
"""


def storm(tmp_path, writers: int, screens: int, kills: int) -> None:
    """Writers at once, some killed in the middle; every acknowledged screen must be in the file.

    Those to be killed score their screens again and again, so that a kill always finds them at it.
    """
    path, rng = tmp_path / "v.sqlite", random.Random(0)
    doomed = rng.sample(range(writers), kills)
    command = [sys.executable, "-c", WRITER, str(path), str(screens)]
    ends_when = ["forever" if k in doomed else "done" for k in range(writers)]
    logs = [(tmp_path / f"{k}.log").open("w+") for k in range(writers)]
    running = [
        subprocess.Popen([*command, when], stdout=log, stderr=log)
        for log, when in zip(logs, ends_when, strict=True)
    ]
    for process, log in ((running[k], logs[k]) for k in doomed):
        while process.poll() is None and os.path.getsize(log.name) == 0:
            time.sleep(0.01)  # it has to be in the middle of its votes
        time.sleep(rng.random() * 0.5)
        process.send_signal(signal.SIGKILL)
    ends = [process.wait(500) for process in running]
    said = [Path(log.name).read_text() for log in logs]
    killed = sum(end == -signal.SIGKILL for end in ends)
    assert killed == kills and ends.count(0) == writers - kills, said
    lines = [tuple(map(int, line.split())) for text in said for line in text.splitlines()]
    acknowledged = set(lines)
    whole = study.Study("s", tuple(f"p{i}" for i in range(screens)), ("a", "b"), 5)
    votes = study.Ballots(path, whole).votes()
    kept = {(v.observer, v.trial, v.scores[0]) for v in votes}
    assert acknowledged <= kept and len(kept - acknowledged) <= killed, "at most one on its way"
    assert len(votes) == 2 * len(kept), "whole screens, each once"
    assert 0 <= rows(path) / 2 - len(lines) <= killed, "and every earlier vote on them"
    assert len({o for o, _, _ in acknowledged}) == writers, "everybody has a number of their own"
    assert len(acknowledged) >= (writers - killed) * screens
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    for log in logs:
        log.close()


def test_no_acknowledged_vote_is_lost_by_a_few_writers(tmp_path):
    storm(tmp_path, writers=4, screens=10, kills=2)


@pytest.mark.slow
def test_no_acknowledged_vote_is_lost_by_thirty_writers_of_forty_votes(tmp_path):
    storm(tmp_path, writers=30, screens=40, kills=10)
