"""A lock by file: one training a folder, one sweep a run."""

from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def locked(path: Path, wait: bool = True):
    """Hold a lock on a file: yields whether we have it; with ``wait`` it always ends in True.

    The system frees it when the process ends, however it ends. Between processes of one machine.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=-1 if wait else 0, thread_local=False)  # a generator may end in
    try:  # another thread than it began in
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
