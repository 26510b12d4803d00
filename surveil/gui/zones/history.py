"""Undo and redo of values that never change themselves. No Qt here."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 500
"""Steps that are remembered."""


class History(Generic[T]):
    """A value, those before it, and those that were undone.

    >>> history = History("a")
    >>> history.do("b")
    >>> history.undo(), history.undo(), history.redo()
    ('a', 'a', 'b')
    """

    def __init__(self, first: T) -> None:
        self._past: list[T] = []
        self._future: list[T] = []
        self._now = first

    @property
    def now(self) -> T:
        """The value."""
        return self._now

    @property
    def can_undo(self) -> bool:
        """Whether there is one before."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether one was undone, and nothing done since."""
        return bool(self._future)

    def do(self, value: T) -> None:
        """Go on with another value; the same one again is no step."""
        if value == self._now:
            return
        self._past = [*self._past[1 - MOST :], self._now]
        self._future.clear()
        self._now = value

    def undo(self) -> T:
        """Go one step back, where there is one."""
        if self._past:
            self._future.append(self._now)
            self._now = self._past.pop()
        return self._now

    def redo(self) -> T:
        """Take the last undo back, where there is one."""
        if self._future:
            self._past.append(self._now)
            self._now = self._future.pop()
        return self._now
