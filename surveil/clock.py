"""Time comes in through this door: rooms take a `Clock`, tests give them a false one.

Three clocks are told apart everywhere: `monotonic` for intervals and latency, `wall` (UTC) for people, and
media time (`pts_s`, from the stream) for everything that depends on the video.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a room may ask of time. All values are seconds."""

    def monotonic(self) -> float:
        """Seconds that never step back, from an arbitrary start."""

    def wall(self) -> float:
        """Seconds since 1970 UTC; may step."""

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Wait until `event` is set or the time is over; True when it is set."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def wall(self) -> float:
        """See `Clock`."""
        return time.time()

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """See `Clock`."""
        return event.wait(timeout_s)


def utc_text(wall_s: float) -> str:
    """ISO-8601 in UTC with milliseconds.

    >>> utc_text(0.5)
    '1970-01-01T00:00:00.500Z'
    """
    moment = datetime.fromtimestamp(wall_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
