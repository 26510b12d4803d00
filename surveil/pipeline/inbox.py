"""The newest frame of every camera, taken in fair turns by those who detect."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from surveil.pipeline.channel import Closed

T = TypeVar("T")

PATIENCE = 200  # turns; some seconds on a machine that has too much to do


@dataclass(frozen=True, slots=True)
class _Place(Generic[T]):
    """A camera's newest item; its turn takes it on by `step`. `number` counts all items."""

    item: T
    step: float
    number: int


class Inbox(Generic[T]):
    """One place a camera. A live camera overwrites its place; a recording waits until it is emptied.

    `take` serves equal cameras in rounds, each once, the freshest frame first. (Serving the oldest frames
    starves cameras: 1.6 against 12.9 turns a second were measured. Serving who was served longest ago is as
    even as rounds are, but then half of all frames have waited for more than half a period; the freshest of
    four cameras have waited for a third of one, of sixteen for a tenth.) Where not all can be served, each
    step of priority is worth twice the turns; where all can, it changes nothing. Who was passed over for
    `PATIENCE` turns goes before everybody, so nobody starves. A camera that was taken is not taken again
    before it is given back, so that its frames are in nobody else's hands. Who takes sits on a numbered seat;
    those whose seats are not there now wait for them. All methods may be called from any thread.

    This is weighted fair queueing (Demers, Keshav and Shenker, 1989): a turn moves a camera on by the
    inverse of its weight in a time of their own, and next is one of those who are less than a turn of theirs
    from the least far. Who had nothing to be served for a while begins where the others are.
    """

    def __init__(self, seats: int = 1) -> None:
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        self._seated = threading.Condition(lock)  # apart: who has no seat is not woken by every frame
        self._seats = seats
        self._places: dict[str, _Place[T]] = {}
        self._served: dict[str, int] = {}  # camera -> number of its last turn; only open cameras are in it
        self._far: dict[str, float] = {}  # camera -> how far it is
        self._turn, self._puts = 0, 0
        self._now = 0.0  # how far the least far of those was who could be served
        self._taken: set[str] = set()
        self._overwritten: Counter[str] = Counter()
        self._closed = False

    def open(self, camera_id: str) -> None:
        """Give a camera its place; it will be served first."""
        with self._changed:
            self._served[camera_id] = self._turn
            self._far[camera_id] = float("-inf")
            self._overwritten[camera_id] = 0

    def close(self, camera_id: str) -> None:
        """Take a camera's place away, with what is in it; its producer gets Closed. May be called twice."""
        with self._changed:
            self._served.pop(camera_id, None)
            self._far.pop(camera_id, None)
            self._places.pop(camera_id, None)
            self._changed.notify_all()

    def put(self, camera_id: str, item: T, *, wait: bool, priority: int = 0) -> None:
        """Make `item` the camera's newest; with `wait`, only after the one before was taken.

        `priority` is the camera's from now on.

        Raises:
            Closed: the camera's place, or the inbox, was closed.
        """
        with self._changed:
            while wait and camera_id in self._places and not self._closed:
                self._changed.wait()
            if self._closed or camera_id not in self._served:
                raise Closed
            self._overwritten[camera_id] += camera_id in self._places
            self._puts += 1
            place = self._places[camera_id] = _Place(item, 2.0**-priority, self._puts)
            # Further ahead is who was of lower priority before.
            self._far[camera_id] = min(self._far[camera_id], self._now + 2 * place.step)
            self._changed.notify_all()

    def seat(self, seats: int) -> None:
        """From now on the first `seats` of those who take are served."""
        with self._changed:
            self._seats = seats
            self._seated.notify_all()

    def take(self, limit: int = 1, *, seat: int = 0) -> list[T]:
        """The items of at most `limit` cameras, in the order in which it is their turn; waits for one.

        Each of these cameras is to be given back.

        Raises:
            Closed: the inbox was aborted.
        """
        with self._changed:
            while not self._closed:
                if seat >= self._seats:
                    self._seated.wait()
                elif free := self._free():
                    break
                else:
                    self._changed.wait()
            else:
                raise Closed
            self._now = min(map(self._begin, free))
            cameras = sorted(free, key=self._order)[:limit]
            self._taken.update(cameras)
            items = [self._serve(camera_id) for camera_id in cameras]
            self._changed.notify_all()
            return items

    def give_back(self, cameras: Iterable[str]) -> None:
        """These cameras may be taken again."""
        with self._changed:
            self._taken.difference_update(cameras)
            self._changed.notify_all()

    def _free(self) -> list[str]:
        return [camera_id for camera_id in self._places if camera_id not in self._taken]

    def _begin(self, camera_id: str) -> float:
        return max(self._far[camera_id], self._now)

    def _order(self, camera_id: str) -> tuple[bool, bool, float]:
        place, begin = self._places[camera_id], self._begin(camera_id)
        if self._turn - self._served[camera_id] >= PATIENCE:
            return False, False, self._served[camera_id]
        in_turn = begin < self._now + place.step
        return True, not in_turn, -place.number if in_turn else begin

    def _serve(self, camera_id: str) -> T:
        place = self._places.pop(camera_id)
        self._far[camera_id] = self._begin(camera_id) + place.step
        self._turn += 1
        self._served[camera_id] = self._turn
        return place.item

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
            self._seated.notify_all()
