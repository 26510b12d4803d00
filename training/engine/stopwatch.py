"""Time spent on training, without what was spent on looking at it."""

from collections.abc import Iterator
from contextlib import contextmanager

from surveil.clock import Clock


class Stopwatch:
    """Runs from the start on; a pause does not count."""

    def __init__(self, clock: Clock, before_s: float = 0.0) -> None:
        """`before_s`: seconds of former runs."""
        self.clock = clock
        self._start_s = clock.monotonic() - before_s

    @property
    def spent_s(self) -> float:
        """Seconds, pauses left out."""
        return self.clock.monotonic() - self._start_s

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The time inside the block does not count."""
        began = self.clock.monotonic()
        try:
            yield
        finally:
            self._start_s += self.clock.monotonic() - began
