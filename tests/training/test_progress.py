"""Progress on a terminal and in a log."""

from __future__ import annotations

import io
import logging
import threading

import pytest

from training.progress import CLEAR, ClearingHandler, Progress


class HandClock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.now_s

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        return event.is_set()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    clock = HandClock()
    progress = Progress("stage head", "images", every_s=15.0, clock=clock, stream=io.StringIO())
    with caplog.at_level(logging.INFO):
        for done in range(0, 101, 10):
            clock.now_s = done / 2
            progress.at(done, 100, "loss 1.234")
    assert [r.getMessage() for r in caplog.records] == [
        "stage head: 30/100 images, 2/s, 35 s left, loss 1.234",
        "stage head: 60/100 images, 2/s, 20 s left, loss 1.234",
        "stage head: 90/100 images, 2/s, 5 s left, loss 1.234",
        "stage head: 100/100 images, 2/s, 0 s left, loss 1.234",
    ]


def test_a_terminal_gets_a_bar_that_log_lines_wipe(caplog: pytest.LogCaptureFixture) -> None:
    clock, terminal = HandClock(), Terminal()
    progress = Progress("cache", "views", clock=clock, stream=terminal)
    clock.now_s = 60.0
    progress.at(50, 100)
    assert terminal.getvalue() == f"{CLEAR}cache [{'#' * 12}{'.' * 12}] 50/100 views, 0.833/s, 1:00 min left"
    ClearingHandler(terminal).emit(logging.makeLogRecord({"msg": "saved"}))
    assert terminal.getvalue().endswith(f"left{CLEAR}saved\n")
    progress.at(100, 100)
    assert terminal.getvalue().endswith("100/100 views, 1.67/s, 0 s left\n")
    assert not caplog.records
