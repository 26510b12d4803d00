"""Recordings played at the speed of life, as a camera would send them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

from surveil.capture.around import SourceAround
from surveil.capture.source import Source
from surveil.clock import Clock
from surveil.types import Frame


class PacedSource(SourceAround):
    """Another source's frames, each held back until its media time has come.

    `arrived_s` and `wall_s` are those of the moment it is given out. A consumer that was away for longer than
    `patience_s` (a pause) finds the film where it left it: the time is not caught up.
    """

    def __init__(self, source: Source, *, clock: Clock, patience_s: float = 0.5) -> None:
        super().__init__(source)
        self._clock, self._patience_s = clock, patience_s

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """See `Source`."""
        origin_s: float | None = None
        for frame in self._source.frames(stop):
            now_s = self._clock.monotonic()
            if origin_s is None or now_s - (origin_s + frame.pts_s) > self._patience_s:
                origin_s = now_s - frame.pts_s
            early_s = origin_s + frame.pts_s - now_s
            if early_s > 0 and self._clock.wait(stop, early_s):
                return
            yield replace(frame, arrived_s=self._clock.monotonic(), wall_s=self._clock.wall())
