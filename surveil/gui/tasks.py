"""The one way to leave the window's thread: work goes out, its result comes back by Qt's event loop.

Work on the file and the session goes through one thread, in the order in which it was asked for (`queue`).
What may wait for a camera or a disk for long gets a thread of its own, and an event that tells it to end
(`aside`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from PyQt6.QtCore import QObject, pyqtSignal

from surveil.clock import Clock
from surveil.errors import StuckThreadError
from surveil.pipeline.channel import Channel
from surveil.pipeline.worker import Worker

log = logging.getLogger(__name__)
T = TypeVar("T")
Failed = Callable[[Exception], None]
WAITING = 256  # more commands than anybody gives before the first of them is done


class Tasks(QObject):
    """Background work of the window.

    `done` and `failed` are called in the window's thread; after `stop` they are not called any more.
    """

    _finished = pyqtSignal(object)

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._finished.connect(_call)
        self._queue: Channel[Callable[[], None]] = Channel(WAITING)
        self._closed = False
        self._aside: list[tuple[Worker, threading.Event]] = []
        self._worker = Worker("desktop-tasks", self._run)
        self._worker.start()
        self.waiting = 0
        """Results that have not come back yet."""

    def queue(self, work: Callable[[], T], done: Callable[[T], None], failed: Failed) -> None:
        """Do `work` after all that was queued before."""
        self.waiting += 1
        if not self._queue.offer(lambda: self._do(work, done, failed)):
            self._answer(lambda: failed(RuntimeError("the desktop is too busy")))

    def aside(
        self, name: str, work: Callable[[threading.Event], T], done: Callable[[T], None], failed: Failed
    ) -> threading.Event:
        """Do `work` at once in a thread of its own; setting the event that is returned asks it to end."""
        stop = threading.Event()
        worker = Worker(name, lambda: self._do(lambda: work(stop), done, failed))
        self._aside = [entry for entry in self._aside if entry[0].alive]
        self._aside.append((worker, stop))
        self.waiting += 1
        worker.start()
        return stop

    def stop(self, timeout_s: float) -> None:
        """End all threads. Raises StuckThreadError that names those which did not within `timeout_s`."""
        self._closed = True
        self._queue.abort()
        end_s = self._clock.monotonic() + timeout_s
        for _, stop in self._aside:
            stop.set()
        stuck = []
        for worker in [self._worker, *(worker for worker, _ in self._aside)]:
            try:
                worker.wait(max(0.05, end_s - self._clock.monotonic()))
            except StuckThreadError:
                stuck.append(worker.name)
        if stuck:
            raise StuckThreadError(f"still running {timeout_s:g} s after the stop: {', '.join(stuck)}")

    def _run(self) -> None:
        while True:
            self._queue.get()()

    def _do(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Failed) -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - handed to `failed`, in the window's thread
            failure = error
            self._answer(lambda: failed(failure))
        else:
            self._answer(lambda: done(result))

    def _answer(self, call: Callable[[], None]) -> None:
        def in_window() -> None:
            self.waiting -= 1
            if not self._closed:
                call()

        self._finished.emit(in_window)


def _call(answer: Callable[[], None]) -> None:
    answer()
