"""How often the detector looks at a camera."""

from __future__ import annotations

from surveil.types import Frame

_EARLY_S = 0.001  # time stamps tremble


class Cadence:
    """Every `every`-th frame, and no more often than `max_rate_hz` in media time.

    The rate is kept on average: a camera of 30 frames a second that may be looked at 20 times is looked at
    at two of three frames, not at every second one.
    """

    def __init__(self, every: int = 1, max_rate_hz: float | None = None) -> None:
        self._every, self._period_s = every, 0.0 if max_rate_hz is None else 1 / max_rate_hz
        self._last_index: int | None = None
        self._due_s = float("-inf")

    def due(self, frame: Frame) -> bool:
        """Whether the detector is to look at this frame."""
        if self._last_index is not None and frame.index - self._last_index < self._every:
            return False
        return frame.pts_s >= self._due_s - _EARLY_S

    def looked(self, frame: Frame) -> None:
        """The detector has looked at this frame (a frame that is overwritten before does not count)."""
        self._last_index = frame.index
        late_s = frame.pts_s - self._due_s
        self._due_s = (self._due_s if late_s < self._period_s else frame.pts_s) + self._period_s
