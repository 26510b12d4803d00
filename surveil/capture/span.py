"""A part of a recording: where playing starts and ends, in media time."""

from __future__ import annotations

from dataclasses import dataclass

from surveil.errors import UsageError


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From `start_s` (included) to `end_s` (not included; None: the end), seconds from the first frame.

    Frames before the start are decoded and counted: `Frame.index` counts from the recording's first frame.
    """

    start_s: float = 0.0
    end_s: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < float("inf"):
            raise UsageError(f"start: expected seconds from 0 on, got {self.start_s:g}")
        if self.end_s is not None and not self.end_s > self.start_s:
            raise UsageError(f"end: expected more than the start ({self.start_s:g} s), got {self.end_s:g} s")

    def __str__(self) -> str:
        return f"{self.start_s:g} s to " + ("the end" if self.end_s is None else f"{self.end_s:g} s")

    def is_before(self, pts_s: float) -> bool:
        """Whether a frame comes too early to be given out."""
        return pts_s < self.start_s

    def is_over(self, pts_s: float) -> bool:
        """Whether this frame and all later ones lie behind the end."""
        return self.end_s is not None and pts_s >= self.end_s

    def frames(self, duration_s: float, rate_hz: float) -> int:
        """About how many frames of a recording of `duration_s` seconds are given out."""
        end_s = duration_s if self.end_s is None else min(duration_s, self.end_s)
        return max(0, round((end_s - self.start_s) * rate_hz))

    def nothing_in(self, recording: str, frames: int, last_s: float) -> UsageError:
        """The error where no frame lies between start and end."""
        return UsageError(
            f"no frame from {self}: {recording} has {frames} frames up to there, the last at {last_s:.2f} s"
        )


WHOLE = Span()
"""All of a recording."""
