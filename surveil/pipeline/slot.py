"""The newest value of something, for readers that want no older one."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Slot(Generic[T]):
    """One place that is overwritten: the writer never waits, the reader pulls the newest.

    All methods may be called from any thread.

    Attributes:
        overwritten: values that were replaced before anybody had taken them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: T | None = None
        self._taken = True
        self.overwritten = 0

    def put(self, value: T) -> None:
        """Make `value` the newest."""
        with self._lock:
            self.overwritten += not self._taken
            self._value, self._taken = value, False

    def latest(self) -> T | None:
        """The newest value, again and again; None before the first."""
        with self._lock:
            self._taken = True
            return self._value

    def clear(self) -> None:
        """Forget the value (not the count)."""
        with self._lock:
            self._value, self._taken = None, True
