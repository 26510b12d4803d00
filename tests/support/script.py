"""A source that plays what a test wrote down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from surveil.capture.source import SourceInfo
from surveil.types import Frame


class ScriptedSource:
    """Frames at the given media seconds; `fault` is raised at the end, `open_fault` when it is opened.

    `now` stamps the arrival; `stay` keeps it open and silent after the last frame until a stop.
    """

    def __init__(
        self,
        pts_s: Sequence[float],
        *,
        fault: Exception | None = None,
        open_fault: Exception | None = None,
        now: Callable[[], float] = lambda: 0.0,
        live: bool = False,
        stay: bool = False,
        counters: Mapping[str, int] | None = None,
    ) -> None:
        self.pts_s, self.fault, self.open_fault = pts_s, fault, open_fault
        self.now, self.live, self.stay = now, live, stay
        self.counters: Mapping[str, int] = counters or {"corrupt_frames": 0}
        self.opened = self.closed = 0

    def __enter__(self) -> ScriptedSource:
        self.opened += 1
        if self.open_fault is not None:
            raise self.open_fault
        return self

    def __exit__(self, *_: object) -> None:
        self.closed += 1

    @property
    def info(self) -> SourceInfo:
        return SourceInfo(
            name="script",
            size=(8, 6),
            rate_hz=10,
            duration_s=None,
            live=self.live,
            frame_count=None,
            decoder="script",
        )

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for index, pts_s in enumerate(self.pts_s):
            if stop.is_set():
                return
            yield Frame(
                camera_id="script",
                index=index,
                pts_s=pts_s,
                wall_s=0.0,
                arrived_s=self.now(),
                image=np.zeros((6, 8, 3), np.uint8),
            )
        if self.stay:
            stop.wait()
        if self.fault is not None:
            raise self.fault
