"""Asks the session how all cameras are doing, in a thread of its own: the window never waits for it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from surveil.clock import Clock
from surveil.pipeline.session import Session
from surveil.pipeline.state import State
from surveil.pipeline.worker import Worker

PERIOD_S = 0.2


class Observer:
    """Keeps the newest answer; asking takes a few locks that busy threads hold, up to 20 ms in all."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session, self._clock = session, clock
        self._stop = threading.Event()
        self._states: Mapping[str, State] = {}
        self._worker = Worker("desktop-observer", self._run)
        self._worker.start()

    def states(self) -> Mapping[str, State]:
        """How the cameras were doing a moment ago. Any thread."""
        return self._states

    def stop(self, timeout_s: float) -> None:
        """End the thread; what it raised is raised here. Raises StuckThreadError."""
        self._stop.set()
        self._worker.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._states = self._session.states()
            self._clock.wait(self._stop, PERIOD_S)
