"""The machine's clocks, and how times are shown."""

from __future__ import annotations

import threading

from surveil.clock import Clock, SystemClock, utc_text


def test_the_system_clock() -> None:
    clock: Clock = SystemClock()
    first = clock.monotonic()
    assert clock.wall() > 1_700_000_000
    assert clock.monotonic() >= first


def test_waiting_ends_with_the_event_or_the_time() -> None:
    clock, event = SystemClock(), threading.Event()
    assert clock.wait(event, 0.001) is False
    event.set()
    begin = clock.monotonic()
    assert clock.wait(event, 60.0) is True
    assert clock.monotonic() - begin < 5


def test_times_are_shown_in_utc() -> None:
    assert utc_text(0) == "1970-01-01T00:00:00.000Z"
    assert utc_text(951_782_400.1235) == "2000-02-29T00:00:00.123Z"
