"""One thread that does the newest request and forgets the older ones.

A slider sends thirty values a second, a colorization takes seconds. So callbacks only leave a
request here and return; a single thread takes the newest one, and the work asks ``wanted()`` at
every step whether it is still the newest. Nothing is assumed about the thread of a callback.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Request:
    """What was asked, when, and whether a coarse answer comes first."""

    generation: int
    value: object
    coarse: bool
    at: float  # time.monotonic()


class LatestWorker:
    """Calls ``run(value, coarse, wanted)`` in one thread, latest request wins.

    A coarse request is answered coarsely at once, and fully when ``settle`` seconds have passed
    without a newer one. ``runs`` counts the calls. The thread starts with the first request and
    ends after ``linger`` idle seconds. ``run`` reports its own errors: one that escapes goes to
    ``failed(error)``.
    """

    def __init__(self, run: Callable, failed: Callable, settle: float = 0.35, linger: float = 2.0):
        self._run, self._failed, self.settle, self.linger = run, failed, settle, linger
        self._condition = threading.Condition()
        self._generation = 0
        self._pending: Request | None = None
        self._errands: dict[Callable, None] = {}  # each once, in the order given
        self._thread: threading.Thread | None = None
        self._busy = False
        self.runs = {"coarse": 0, "full": 0}

    def submit(self, value, coarse: bool = False) -> None:
        """Ask for ``value``; whatever was asked before is no longer wanted."""
        with self._condition:
            self._generation += 1
            self._pending = Request(self._generation, value, coarse, time.monotonic())
            self._wake()

    def errand(self, call: Callable) -> None:
        """Something small to do when idle, such as drawing again; once, however often asked."""
        with self._condition:
            self._errands[call] = None
            self._wake()

    def stop(self) -> None:
        """Nothing is wanted any more; the work under way ends at its next step."""
        with self._condition:
            self._generation += 1
            self._pending = None
            self._condition.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until there is nothing left to do; False if ``timeout`` seconds were not enough."""
        with self._condition:
            return self._condition.wait_for(
                lambda: not (self._busy or self._pending or self._errands), timeout
            )

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="jgm-worker", daemon=True)
            self._thread.start()
        self._condition.notify_all()

    def _loop(self) -> None:
        with torch.no_grad():  # a thread starts with gradients on
            while (task := self._take()) is not None:
                try:
                    task()
                except Exception as error:  # or the thread would die, and the panel with it
                    self._failed(error)
                with self._condition:
                    self._busy = False
                    self._condition.notify_all()

    def _take(self) -> Callable | None:
        with self._condition:
            self._condition.wait_for(lambda: self._pending or self._errands, self.linger)
            if self._pending:
                request, self._pending = self._pending, None
                self._busy = True
                return lambda: self._answer(request)
            if self._errands:
                call = next(iter(self._errands))
                del self._errands[call]
                self._busy = True
                return call
            self._thread = None
            return None

    def _answer(self, request: Request) -> None:
        def wanted() -> bool:
            return self._generation == request.generation

        if request.coarse:
            self.runs["coarse"] += 1
            self._run(request.value, True, wanted)
            if not self._settled(request):
                return
        self.runs["full"] += 1
        self._run(request.value, False, wanted)

    def _settled(self, request: Request) -> bool:
        """Wait until the hand rests: True if no newer request came within ``settle`` seconds."""
        left = request.at + self.settle - time.monotonic()
        with self._condition:
            return not self._condition.wait_for(
                lambda: self._generation != request.generation, max(0.0, left)
            )


class Throttle:
    """At most ``rate`` times a second; ``clock`` can be replaced in tests."""

    def __init__(self, rate: float = 12.0, clock: Callable = time.monotonic):
        self.gap, self.clock, self.last = 1 / rate, clock, float("-inf")

    def ready(self) -> bool:
        """True, and the time is noted, if the last True is long enough ago."""
        now = self.clock()
        if now - self.last < self.gap:
            return False
        self.last = now
        return True
