"""A USB camera for tests, in place of `cv2.VideoCapture`."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray


class FakeUsbCamera:
    """Gives a picture every `period_s`, for ever or `pictures` times; then reads fail, as when pulled out.

    `hang` makes reads block, as a driver may do, until it is cleared with `wake`.
    """

    def __init__(self, *, period_s: float = 0.005, pictures: int | None = None, opened: bool = True) -> None:
        self.period_s, self.pictures, self.opened = period_s, pictures, opened
        self.given = 0
        self.released = threading.Event()
        self.threads: set[str] = set()
        self._awake = threading.Event()
        self._awake.set()
        self._never = threading.Event()
        self.wishes: dict[int, float] = {}

    def __call__(self, device: str) -> FakeUsbCamera:
        """The factory that `WebcamSource` takes."""
        self._touch()
        return self

    def hang(self) -> None:
        self._awake.clear()

    def wake(self) -> None:
        self._awake.set()

    def isOpened(self) -> bool:
        return self.opened

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        self._touch()
        self._awake.wait()
        self._never.wait(self.period_s)
        if self.pictures is not None and self.given >= self.pictures:
            return False, None
        self.given += 1
        return True, np.full((24, 32, 3), self.given % 256, np.uint8)

    def get(self, prop: int) -> float:
        return 0.0

    def set(self, prop: int, value: float) -> bool:
        self.wishes[prop] = value
        return True

    def release(self) -> None:
        self._touch()
        self.released.set()

    def _touch(self) -> None:
        self.threads.add(threading.current_thread().name)
