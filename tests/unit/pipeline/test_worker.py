from __future__ import annotations

import threading

import pytest

from surveil.errors import StuckThreadError
from surveil.pipeline.channel import Closed
from surveil.pipeline.worker import Worker


def test_error_reaches_whoever_joins() -> None:
    ends: list[BaseException | None] = []

    def run() -> None:
        raise ValueError("broken")

    worker = Worker("w", run, ends.append)
    worker.start()
    with pytest.raises(ValueError, match="broken"):
        worker.join(2.0)
    assert ends == [worker.error]
    assert not worker.alive


def test_closed_is_a_good_end() -> None:
    def run() -> None:
        raise Closed

    ends: list[BaseException | None] = []
    worker = Worker("w", run, ends.append)
    worker.start()
    worker.join(2.0)
    assert ends == [None]


def test_thread_that_does_not_end_is_named() -> None:
    release = threading.Event()
    worker = Worker("sleeper", lambda: release.wait() and None)  # type: ignore[func-returns-value]
    worker.start()
    assert worker.alive
    with pytest.raises(StuckThreadError, match=r"'sleeper' still runs 0\.01 s"):
        worker.join(0.01)
    release.set()
    worker.join(2.0)


def test_waiting_for_one_that_never_started_is_no_error() -> None:
    Worker("w", lambda: None).join(0.01)
