"""Progress of long work: how far, how fast, how long still; a bar on a terminal, else lines of the log."""

import logging
import sys
from typing import TextIO

from surveil.clock import Clock, SystemClock

log = logging.getLogger(__name__)

CLEAR = "\r\x1b[K"  # back to the start of the terminal's line, and wipe it
WIDTH = 24


class ClearingHandler(logging.StreamHandler[TextIO]):
    """Log lines on stderr that wipe a progress bar before they are written."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        if self.stream.isatty():
            self.stream.write(CLEAR)
        super().emit(record)


def log_to_stderr() -> None:
    """Set up the log of a process of the training tool."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=[ClearingHandler(sys.stderr)],
    )


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(42.4), duration(100), duration(7384)
    ('42 s', '1:40 min', '2:03 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds) // 60
    return f"{minutes}:{int(seconds) % 60:02} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02} h"


class Progress:
    """Draws a bar on a terminal, or logs a line at most every `every_s` seconds."""

    def __init__(
        self,
        what: str,
        unit: str,
        every_s: float = 15.0,
        clock: Clock | None = None,
        stream: TextIO | None = None,
    ) -> None:
        """`what` and `unit` are words for the line; `stream`: the terminal, by default stderr."""
        self.what, self.unit = what, unit
        self.clock, self.stream = clock or SystemClock(), stream or sys.stderr
        self.bar = self.stream.isatty()
        self.every_s = 0.2 if self.bar else every_s
        self.start_s = self.clock.monotonic()
        self.last_s = self.start_s

    @property
    def spent_s(self) -> float:
        """Seconds since the start."""
        return self.clock.monotonic() - self.start_s

    def at(self, done: int, total: int, note: str = "") -> None:
        """`done` of `total` units are finished; the last one is always told."""
        now = self.clock.monotonic()
        if done < total and now - self.last_s < self.every_s:
            return
        self.last_s = now
        rate = done / max(now - self.start_s, 1e-9)
        left = f"{duration((total - done) / max(rate, 1e-9))} left"
        told = f"{done}/{total} {self.unit}, {rate:.3g}/s, {left}{', ' if note else ''}{note}"
        if not self.bar:
            log.info("%s: %s", self.what, told)
            return
        filled = WIDTH * min(done, total) // max(total, 1)
        end = "\n" if done >= total else ""
        self.stream.write(f"{CLEAR}{self.what} [{'#' * filled}{'.' * (WIDTH - filled)}] {told}{end}")
        self.stream.flush()
