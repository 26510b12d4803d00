"""Garbage is collected in the window's thread alone."""

from __future__ import annotations

import gc
import threading
from typing import Any

from surveil.gui.collecting import Collecting, collect_due


class Knot:
    """Refers to itself: only the collector frees it."""

    def __init__(self, freed_by: list[str]) -> None:
        self.myself = self
        self.freed_by = freed_by

    def __del__(self) -> None:
        self.freed_by.append(threading.current_thread().name)


def test_another_thread_frees_nothing_and_the_windows_thread_does(qtbot: Any) -> None:
    freed_by: list[str] = []

    def busy() -> None:
        for _ in range(2000):  # far above the limit: Python would collect here
            Knot(freed_by)

    with Collecting():
        other = threading.Thread(target=busy, name="other")
        other.start()
        other.join()
        assert freed_by == []
        qtbot.waitUntil(lambda: len(freed_by) == 2000, timeout=20_000)
    assert set(freed_by) == {"MainThread"}


def test_python_collects_again_afterwards(qtbot: Any) -> None:
    gc.enable()
    with Collecting():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    gc.disable()


def test_the_oldest_generation_that_is_due_is_collected() -> None:
    gc.collect()
    assert collect_due() is None
    keep = [[] for _ in range(5000)]
    assert collect_due() == 0
    assert collect_due() is None
    del keep
