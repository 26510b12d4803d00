"""Who looks at the cameras as a wall of tiles does, and writes down when each tile had a new picture."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from surveil.pipeline.session import Session
from surveil.render.style import OverlayStyle
from tests.support.live import CLOCK, longest_gap_s

LOOK_S = 0.004
TILE = (320, 180)


class Onlooker:
    """Small tiles of some cameras, looked at every few milliseconds in a thread of its own."""

    def __init__(self, session: Session, cameras: Sequence[str]) -> None:
        self._session, self._over = session, threading.Event()
        self._times: dict[str, list[float]] = {name: [] for name in cameras}
        self._thread = threading.Thread(target=self._look, name="onlooker")

    def __enter__(self) -> Self:
        for name in self._times:
            self._session.show(name, TILE, OverlayStyle(), wall="onlooker")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        for name in self._times:
            self._session.hide(name, "onlooker")

    def gap_ms(self, begin_s: float, end_s: float) -> float:
        """The longest time between two moments in which a tile had no new picture."""
        return max(1000 * longest_gap_s(list(times), begin_s, end_s) for times in self._times.values())

    def _look(self) -> None:
        seen = dict.fromkeys(self._times, 0)
        while not self._over.wait(LOOK_S):
            for name, times in self._times.items():
                preview = self._session.preview(name, "onlooker")
                if preview is not None and preview.seq != seen[name]:
                    seen[name] = preview.seq
                    times.append(CLOCK.monotonic())
