"""Progress lines on the log: what, how far, how fast, how long still."""

import logging

from surveil.clock import Clock, SystemClock

log = logging.getLogger(__name__)


class Progress:
    """Logs a line at most every `every_s` seconds."""

    def __init__(self, what: str, unit: str, every_s: float = 15.0, clock: Clock | None = None) -> None:
        """`what` and `unit` are words for the line."""
        self.what, self.unit, self.every_s = what, unit, every_s
        self.clock = clock or SystemClock()
        self.start_s = self.clock.monotonic()
        self.last_s = self.start_s

    @property
    def spent_s(self) -> float:
        """Seconds since the start."""
        return self.clock.monotonic() - self.start_s

    def at(self, done: int, total: int, note: str = "") -> None:
        """`done` of `total` units are finished; the last one is always logged."""
        now = self.clock.monotonic()
        if done < total and now - self.last_s < self.every_s:
            return
        self.last_s = now
        rate = done / max(now - self.start_s, 1e-9)
        left = (total - done) / max(rate, 1e-9)
        log.info("%s: %d/%d %s, %.0f/s, %.0f s left %s", self.what, done, total, self.unit, rate, left, note)
