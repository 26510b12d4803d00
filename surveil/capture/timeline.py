"""Media time made trustworthy: first frame at 0, strictly rising, whatever the container says."""

from __future__ import annotations

import math

LEAST_STEP_S = 1e-6
LONGEST_GAP_S = 1e6
"""A recording's longest gap, 11 days; more is damage, and would cost the float its small steps."""


class Timeline:
    """Turns raw time stamps into `pts_s`; one instance a playing.

    A stamp that is missing or does not rise becomes "the last + 1 / rate". After a long step back (a clock
    set, a counter wrapped) the following stamps count from the new place and keep their spacing. A live
    timeline also mistrusts jumps forward: media time must not run away from arrival time.
    """

    def __init__(
        self, rate_hz: float, *, longest_back_s: float = 1.0, longest_ahead_s: float | None = None
    ) -> None:
        """`longest_ahead_s`: how far a live step may exceed the time that really passed; None: recording."""
        self._period_s = 1.0 / rate_hz
        self._longest_back_s, self._longest_ahead_s = longest_back_s, longest_ahead_s
        self._origin: float | None = None
        self._last: float | None = None
        self._last_arrived_s = 0.0
        self.repaired = 0

    def begin_at(self, raw_s: float) -> None:
        """Count from this stamp, though the first frame may come from far behind it."""
        self._origin, self._last = raw_s, -2 * LEAST_STEP_S

    def stamp(self, raw_s: float | None, arrived_s: float = 0.0) -> float:
        """The media time in seconds of the next frame.

        Args:
            raw_s: the stream's own stamp, seconds; None where it has none.
            arrived_s: monotonic seconds at which the frame came; only looked at by a live timeline.
        """
        if raw_s is not None and not math.isfinite(raw_s):
            raw_s = None
        passed_s, self._last_arrived_s = arrived_s - self._last_arrived_s, arrived_s
        if self._last is None:
            self._origin, self._last = raw_s, 0.0
        else:
            self._last = self._next(self._last, raw_s, passed_s)
        return self._last

    def _next(self, last: float, raw_s: float | None, passed_s: float) -> float:
        live = self._longest_ahead_s is not None
        # Live frames may come in a burst, and their nominal rate may be wrong: half a period is a safe step.
        guess = last + (max(passed_s, self._period_s / 2) if live else self._period_s)
        if raw_s is None:
            self.repaired += 1
            return guess
        if self._origin is None:  # the first frames had no stamp: the first that has one joins on
            self._origin = raw_s - guess
        step = raw_s - self._origin - last
        limit_s = LONGEST_GAP_S if self._longest_ahead_s is None else passed_s + self._longest_ahead_s
        ahead = step > limit_s
        if step >= LEAST_STEP_S and not ahead:
            return last + step
        if ahead or step < -self._longest_back_s:
            self._origin = raw_s - guess
        self.repaired += 1
        return guess
