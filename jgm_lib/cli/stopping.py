"""How a long command is stopped: the first signal asks for an end, the second one is the end."""

import os
import shlex
import signal
import sys
from pathlib import Path

ASKED = b"\njgm: stopping after this step; once more stops at once\n"


class Stopping:
    """SIGINT (Ctrl-C) or SIGTERM in the block: the first one is noted, for a loop to ask; the next
    one raises KeyboardInterrupt. What the caller of the process ignores stays ignored."""

    def __init__(self):
        self.signal = 0

    def __enter__(self):
        ours = (signal.SIGINT, signal.SIGTERM)
        heard = [s for s in ours if signal.getsignal(s) != signal.SIG_IGN]
        self._before = {s: signal.signal(s, self._note) for s in heard}
        return self

    def __exit__(self, *_):
        for number, before in self._before.items():
            signal.signal(number, before)

    def __call__(self) -> bool:
        return bool(self.signal)

    @property
    def status(self) -> int:
        """The exit status of a process that a signal ended; another process's SIGTERM ends us too."""
        return 128 + (self.signal or signal.SIGTERM)

    def _note(self, number, _frame):
        if self.signal:
            raise KeyboardInterrupt
        self.signal = number
        os.write(2, ASKED)  # not print: the signal may have come in the middle of one


def resuming(words: list[str], resume: bool = True) -> str:
    """The command line of this process as it is typed, with --resume if wanted."""
    ours = [sys.executable, "-m", "jgm_lib.cli"]
    if Path(sys.argv[0]).stem == "jgm":
        ours = ["jgm"]
    rest = [w for w in words if w != "--resume"]
    return shlex.join([*ours, *rest, *(["--resume"] if resume else [])])
