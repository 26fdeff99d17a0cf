"""How a training goes: a bar in a terminal, a line a minute elsewhere."""

import sys
import time

from tqdm import tqdm


class Watch:
    """Call it with every Progress of a run of ``steps``; ``every``: seconds between lines."""

    def __init__(self, steps: int, stream=None, every: float = 60.0, clock=time.monotonic):
        self.steps, self.stream = steps, stream or sys.stderr
        self.every, self.clock = every, clock
        self.losses: list[float] = []  # since the last line
        self.last, self.bar = clock(), None

    def __call__(self, p) -> None:
        if self.stream.isatty():
            self._draw(p)
            return
        self.losses.append(p.loss)
        if self.clock() - self.last >= self.every:
            loss = sum(self.losses) / len(self.losses)
            print(f"step {p.step} of {self.steps}: {told(p, loss)}", file=self.stream, flush=True)
            self.losses, self.last = [], self.clock()

    def _draw(self, p) -> None:
        if self.bar is None:
            self.bar = tqdm(total=self.steps, initial=p.step - 1, unit="step", file=self.stream)
        self.bar.update(p.step - self.bar.n)
        self.bar.set_postfix_str(told(p, p.loss), refresh=False)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def told(p, loss: float) -> str:
    """Loss, pictures a second, time left."""
    return f"loss {loss:.3f}, {p.images_per_second:.1f} pictures/s, {duration(p.seconds_left)} left"


def duration(seconds: float) -> str:
    """Seconds as they are spoken of: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
