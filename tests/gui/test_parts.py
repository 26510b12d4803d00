"""Tasks, crash reports, figures: what works behind the window."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest

from surveil.clock import SystemClock
from surveil.errors import OutputError, StuckThreadError
from surveil.gui.crash import CrashReports
from surveil.gui.observer import Observer
from surveil.gui.stats import Stats, process_age_s
from surveil.gui.tasks import Tasks
from surveil.gui.yielding import yielding
from surveil.redact import Redactor

# ---- tasks


@pytest.fixture
def tasks(qtbot):
    made = Tasks(SystemClock())
    yield made
    made.stop(5.0)


def test_queued_work_is_done_in_order_and_answers_come_to_the_window(tasks, qtbot):
    seen = []

    def done(value):
        seen.append((value, threading.current_thread() is threading.main_thread()))

    for number in range(20):
        tasks.queue(lambda number=number: number, done, seen.append)
    qtbot.waitUntil(lambda: len(seen) == 20)
    assert seen == [(number, True) for number in range(20)]
    assert tasks.waiting == 0


def test_what_fails_is_said_and_the_next_is_done(tasks, qtbot):
    failed, seen = [], []
    tasks.queue(lambda: 1 / 0, seen.append, failed.append)
    tasks.queue(lambda: "fine", seen.append, failed.append)
    qtbot.waitUntil(lambda: seen == ["fine"])
    assert isinstance(failed[0], ZeroDivisionError)


def test_nothing_is_answered_after_the_end(qtbot):
    tasks, seen = Tasks(SystemClock()), []
    stop = tasks.aside("aside", lambda stop: stop.wait(10), seen.append, seen.append)
    tasks.stop(5.0)
    assert stop.is_set()
    qtbot.wait(50)
    assert seen == []


def test_who_does_not_end_is_named(qtbot):
    tasks, release = Tasks(SystemClock()), threading.Event()
    tasks.aside("stubborn", lambda stop: release.wait(10), print, print)
    with pytest.raises(StuckThreadError, match="stubborn"):
        tasks.stop(0.1)
    release.set()


# ---- crash reports


def test_an_unexpected_error_is_written_down_without_secrets(tmp_path):
    redactor, told = Redactor(), []
    redactor.register("hunter2hunter2")
    with CrashReports(tmp_path / "crashes", SystemClock(), redactor) as reports:
        reports.told = lambda line, place: told.append((line, place))
        before = sys.excepthook
        try:
            raise ValueError("rtsp://admin:hunter2hunter2@10.0.0.7 hunter2hunter2")
        except ValueError as error:
            before(type(error), error, error.__traceback__)
    line, place = told[0]
    text = Path(place).read_text()
    assert "hunter2" not in text + line
    assert "test_an_unexpected_error" in text
    assert "surveil: " in text
    assert sys.excepthook is not before


def test_an_error_in_a_thread_is_told_too_and_reports_do_not_fill_the_disk(tmp_path):
    told = []
    with CrashReports(tmp_path, SystemClock(), str) as reports:
        reports.told = lambda line, place: told.append(line)
        for _ in range(30):
            thread = threading.Thread(target=lambda: [][0])
            thread.start()
            thread.join()
    assert len(told) == len(list(tmp_path.iterdir())) == 20


def test_a_report_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    told = []
    with CrashReports(tmp_path / "file" / "x", SystemClock(), str) as reports:
        reports.told = lambda line, place: told.append(place)
        sys.excepthook(ValueError, ValueError("x"), None)
    assert "could not be written" in told[0]


# ---- figures


def test_figures_of_a_window(tmp_path):
    stats = Stats()
    for shown in (0, 40, 80):
        for _ in range(5):
            stats.beat()
        stats.sample({"a": (shown, shown * 2)}, shown / 1000)
    result = stats.result({"a": (120, 240)}, 0.12)
    assert result["event_loop_gap_ms"]["p50"] >= 0
    assert 0 <= result["window_to_first_picture_s"] <= result["seconds"] + 0.01
    rates = result["tiles"]["a"]
    assert rates["captured_fps"] == pytest.approx(2 * rates["shown_fps"], rel=0.01)
    stats.write(tmp_path / "stats.json", result)
    assert json.loads((tmp_path / "stats.json").read_text()) == json.loads(json.dumps(result))
    with pytest.raises(OutputError):
        stats.write(tmp_path / "no" / "stats.json", result)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="read from /proc")
def test_the_process_knows_its_age():
    assert 0 < process_age_s() < 1e6


# ---- beside the window


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="niceness of threads")
def test_detection_and_the_threads_it_begins_yield_to_the_window():
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def work() -> list[int]:
        found = [niceness()]
        child = threading.Thread(target=lambda: found.append(niceness()))
        child.start()
        child.join()
        return found

    mine = niceness()
    assert yielding(work) == [min(19, mine + 5)] * 2
    assert niceness() == mine
    with pytest.raises(ZeroDivisionError):
        yielding(lambda: 1 // 0)


def test_the_session_is_asked_beside_the_window(qtbot):
    asked = []

    class Session:
        def states(self):
            asked.append(threading.current_thread().name)
            return {"a": len(asked)}

    observer = Observer(Session(), SystemClock())
    qtbot.waitUntil(lambda: observer.states().get("a", 0) > 1)
    observer.stop(5.0)
    assert set(asked) == {"desktop-observer"}
