"""An error that nobody expected is written down without secrets and said; the window goes on."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from surveil.app.machine import describe_machine, versions
from surveil.clock import Clock, utc_text
from surveil.errors import OutputError
from surveil.files import write_atomic
from surveil.version import __version__

log = logging.getLogger(__name__)

MOST = 20
"""So many reports of one run; an error of a timer would fill the disk."""


def reports_folder() -> Path:
    """Where reports of this user go."""
    from platformdirs import user_log_path

    return user_log_path("surveil", appauthor=False) / "crashes"


class CrashReports:
    """Stands behind `sys.excepthook` and `threading.excepthook` while it is entered.

    Attributes:
        told: is called with a line and the report's place, from any thread.
    """

    def __init__(self, folder: Path, clock: Clock, hide: Callable[[str], str]) -> None:
        """`hide` takes secrets out of every text."""
        self._folder, self._clock, self._hide = folder, clock, hide
        self.told: Callable[[str, str], None] = lambda line, place: None
        self._count = 0
        self._lock = threading.Lock()

    def __enter__(self) -> CrashReports:
        self._before = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._take
        threading.excepthook = lambda args: self._take(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )
        return self

    def __exit__(self, *_: object) -> None:
        sys.excepthook, threading.excepthook = self._before

    def _take(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        line = self._hide(f"{kind.__name__}: {error}")
        log.error("internal error: %s", line, exc_info=(kind, error, trace))
        with self._lock:
            self._count += 1
            if self._count > MOST:
                return
        try:
            place = str(self.write(error, trace))
        except OutputError as failure:
            place = str(failure)
        self.told(line, place)

    def write(self, error: BaseException, trace: TracebackType | None) -> Path:
        """Put a report into a file. Raises OutputError."""
        now = utc_text(self._clock.wall())
        facts = {"surveil": __version__, "time": now, **describe_machine(), **versions()}
        text = "\n".join(
            [
                *(f"{name}: {value}" for name, value in facts.items()),
                "",
                "".join(traceback.format_exception(type(error), error, trace)),
            ]
        )
        path = self._folder / f"crash-{now.replace(':', '').replace('.', '')}-{self._count}.txt"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomic(path, self._hide(text).encode())
        except OSError as failure:
            raise OutputError(f"the report could not be written: {failure}") from failure
        return path
