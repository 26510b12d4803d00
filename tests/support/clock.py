"""A clock that only moves when somebody waits."""

from __future__ import annotations

import threading


class StepClock:
    """Waiting takes no time but counts; `step_s` passes with each look, as work would take it."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.now_s, self.step_s, self.waits = 100.0, step_s, []  # type: float, float, list[float]

    def monotonic(self) -> float:
        self.now_s += self.step_s
        return self.now_s

    def wall(self) -> float:
        return 1_700_000_000.0 + self.now_s

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        self.waits.append(timeout_s)
        if not event.is_set():
            self.now_s += timeout_s
        return event.is_set()
