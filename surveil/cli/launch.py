"""What all commands share: words to people on stderr, data on stdout, logging, signals."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from surveil.redact import redact

INTERRUPTED = 130
"""The exit code after Ctrl-C or SIGTERM."""


def say(text: str) -> None:
    """One line for people, on stderr."""
    print(text, file=sys.stderr, flush=True)


def forget_stdout() -> None:
    """Nobody reads standard output any more: what is still in its buffer goes nowhere, without an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def put(text: str) -> None:
    """Data, on stdout."""
    print(text, flush=True)


class _PlainHandler(logging.Handler):
    """One line a message, without secrets, on what stderr is at that moment: a progress bar takes it over."""

    def __init__(self, hide: Callable[[str], str]) -> None:
        super().__init__()
        self._hide = hide

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
            say(self._hide(f"{level}{self.format(record)}"))
        except Exception:  # noqa: BLE001 - logging's own rule: a message that cannot be shown breaks nothing
            self.handleError(record)


def setup_logging(*, verbose: bool, quiet: bool, hide: Callable[[str], str] = redact) -> None:
    """Messages of this program to stderr: warnings, with `verbose` everything, with `quiet` errors only.

    `hide` takes secrets out of every line.
    """
    logger = logging.getLogger("surveil")
    for old in list(logger.handlers):
        logger.removeHandler(old)
    logger.addHandler(_PlainHandler(hide))
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING)


class StopOnSignal:
    """While it is entered, Ctrl-C and SIGTERM ask for a good end; a second one ends at once.

    Attributes:
        stop: set by the first signal.
        caught: whether there was one.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.caught = False
        self._before: dict[int, Any] = {}  # as signal.signal gave them

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # Python's rule for signal handlers
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.caught:
            raise KeyboardInterrupt
        self.caught = True
        self.stop.set()
