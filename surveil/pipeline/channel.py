"""A bounded hand-over between two threads that loses nothing."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from surveil.errors import DataError

T = TypeVar("T")


class Closed(Exception):
    """Nothing more will pass: the other side has finished, or everything is being stopped.

    It steers threads to their end and never reaches a user, so it stands outside the tree of
    `surveil.errors`.
    """


class Channel(Generic[T]):
    """First in, first out, at most `capacity` items: a fast producer waits for its consumer.

    No wait has a time limit because none needs one: whoever stops a layout calls `abort` on every channel,
    and that wakes both sides at once. (A `queue.Queue` with a sentinel cannot promise this: a full queue
    blocks the sentinel.) All methods may be called from any thread.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise DataError(f"Channel.capacity: expected at least 1, got {capacity}")
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Hand over `item`; waits while the channel is full. Raises Closed after `close` or `abort`."""
        with self._changed:
            while len(self._items) >= self._capacity and not self._closed:
                self._changed.wait()
            if self._closed:
                raise Closed
            self._items.append(item)
            self._changed.notify_all()

    def offer(self, item: T) -> bool:
        """Hand over `item` if there is room, without waiting; False when it was not taken."""
        with self._changed:
            if self._closed or len(self._items) >= self._capacity:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def get(self, timeout_s: float | None = None) -> T:
        """The oldest item; waits for one.

        Raises:
            Closed: the channel was closed and everything in it was taken, or it was aborted.
            TimeoutError: nothing came within `timeout_s`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._items or self._closed, timeout_s):
                raise TimeoutError(f"nothing arrived within {timeout_s} s")
            if not self._items:
                raise Closed
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """No more items will be put; what is inside can still be taken. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abort(self) -> None:
        """Throw away what is inside and wake both sides with Closed. May be called twice."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()
