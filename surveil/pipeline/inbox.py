"""The newest frame of every camera, taken in fair turns by the one inference thread."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Generic, TypeVar

from surveil.pipeline.channel import Closed

T = TypeVar("T")


class Inbox(Generic[T]):
    """One place a camera. A live camera overwrites its place; a recording waits until it is emptied.

    `take` serves the cameras that were served longest ago. (Serving the oldest frames starves cameras: 1.6
    against 12.9 turns a second were measured.) All methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._places: dict[str, T] = {}
        self._served: dict[str, int] = {}  # camera -> number of its last turn; only open cameras are in it
        self._turn = 0
        self._overwritten: Counter[str] = Counter()
        self._closed = False

    def open(self, camera_id: str) -> None:
        """Give a camera its place; it will be served first."""
        with self._changed:
            self._served[camera_id] = -1
            self._overwritten[camera_id] = 0

    def close(self, camera_id: str) -> None:
        """Take a camera's place away, with what is in it; its producer gets Closed. May be called twice."""
        with self._changed:
            self._served.pop(camera_id, None)
            self._places.pop(camera_id, None)
            self._changed.notify_all()

    def put(self, camera_id: str, item: T, *, wait: bool) -> None:
        """Make `item` the camera's newest; with `wait`, only after the one before was taken.

        Raises:
            Closed: the camera's place, or the inbox, was closed.
        """
        with self._changed:
            while wait and camera_id in self._places and not self._closed:
                self._changed.wait()
            if self._closed or camera_id not in self._served:
                raise Closed
            self._overwritten[camera_id] += camera_id in self._places
            self._places[camera_id] = item
            self._changed.notify_all()

    def take(self, limit: int = 1) -> list[T]:
        """The items of at most `limit` cameras, least recently served first; waits for one.

        Raises:
            Closed: the inbox was aborted.
        """
        with self._changed:
            while not self._places and not self._closed:
                self._changed.wait()
            if self._closed:
                raise Closed
            cameras = sorted(self._places, key=self._served.__getitem__)[:limit]
            for camera_id in cameras:
                self._turn += 1
                self._served[camera_id] = self._turn
            items = [self._places.pop(camera_id) for camera_id in cameras]
            self._changed.notify_all()
            return items

    def overwritten(self, camera_id: str) -> int:
        """How many of a camera's items were replaced before they were taken."""
        with self._changed:
            return self._overwritten[camera_id]

    def abort(self) -> None:
        """Throw everything away and wake all sides with Closed. May be called twice."""
        with self._changed:
            self._closed = True
            self._places.clear()
            self._changed.notify_all()
