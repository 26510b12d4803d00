"""USB cameras through OpenCV.

A driver may hang in any call, and a capture that is closed from another thread crashes: so one thread of its
own opens, reads and closes the device, and hands the newest picture over.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.capture.described import Described
from surveil.capture.source import SourceInfo
from surveil.capture.tally import Tally
from surveil.capture.timeline import Timeline
from surveil.capture.usb import check_device, device_path
from surveil.clock import Clock
from surveil.errors import SourceCause, SourceError, UsageError
from surveil.types import Frame

POLL_S = 0.1
_DEFAULT_RATE_HZ = 30.0
_FAILED_READS = 10  # in a row; a device that was pulled out fails at once each time


class Capture(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def isOpened(self) -> bool:
        """Whether the device is open."""

    def read(self) -> tuple[bool, Any]:
        """Whether a picture came, and the picture (H, W, 3) uint8 BGR. Blocks until the next one."""

    def get(self, prop: int) -> float:
        """A property, 0 where the driver does not know it."""

    def set(self, prop: int, value: float) -> bool:
        """Whether the driver took the value."""

    def release(self) -> None:
        """Close the device."""


CaptureFactory = Callable[[str], Capture]
"""Opens the device of that name (`0` or `/dev/video0`); may raise SourceError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebcamConfig:
    """What is asked of a USB camera; it may give something else.

    Attributes:
        size: (width, height) in pixels; None: the driver's choice.
        rate_hz: frames a second; None: the driver's choice.
        open_timeout_s: for opening and the first picture.
        read_timeout_s: for each further picture.
    """

    size: tuple[int, int] | None = None
    rate_hz: float | None = None
    open_timeout_s: float = 8.0
    read_timeout_s: float = 3.0


class WebcamSource(Described):
    """One playing of a USB camera.

    It counts `overwritten_frames`, which came too fast, and `failed_reads`, which gave no picture.
    """

    def __init__(  # noqa: PLR0913 - what a camera is given once, each with its name
        self,
        device: str,
        *,
        camera_id: str,
        clock: Clock,
        stop: threading.Event | None = None,
        config: WebcamConfig | None = None,
        capture_factory: CaptureFactory | None = None,
        in_use: threading.Lock | None = None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            device: `0` or `/dev/video0`.
            camera_id: its name.
            clock: of its threads.
            stop: ends the opening, before `frames` gets its own event.
            config: what is asked of it.
            capture_factory: opens it; None: OpenCV.
            in_use: held while a thread is in the device's driver; kept from one playing to the next, so that
                no more than one ever hangs there.
        """
        self._device, self._camera_id, self._clock = device, camera_id, clock
        self._opening_stop = stop or threading.Event()
        self._config = config or WebcamConfig()
        self._factory = capture_factory or open_device
        self._in_use = in_use or threading.Lock()
        self._reader: _Reader | None = None
        super().__init__(f"camera {device}", "overwritten_frames", "failed_reads")

    def __enter__(self) -> Self:
        if not self._in_use.acquire(blocking=False):
            raise SourceError(
                f"camera {self._device}: its driver has not come back from the call before",
                SourceCause.TIMEOUT,
                "Unplug it and plug it in again.",
            )
        reader = _Reader(self._device, self._factory, self._config, self._tally, self._clock)
        self._reader = reader
        reader.start(self._camera_id, self._in_use.release)
        try:
            if not self._await(self._opening_stop, self._config.open_timeout_s):
                raise SourceError(f"camera {self._device}: stopped while opening", SourceCause.ENDED)
        except BaseException:
            reader.leave.set()
            raise
        self._info = SourceInfo(
            name=self._camera_id,
            size=reader.size,
            rate_hz=reader.rate_hz,
            duration_s=None,
            live=True,
            frame_count=None,
            decoder="USB camera (OpenCV)",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.end()
            self._reader = None

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """See `Source`. USB cameras tell no time: `pts_s` is the time of arrival. Raises SourceError."""
        timeline, index = Timeline(self.info.rate_hz, longest_ahead_s=0.0), 0
        while self._reader is not None and self._await(stop, self._config.read_timeout_s):
            image, arrived_s, wall_s = self._reader.take()
            yield Frame(
                camera_id=self._camera_id,
                index=index,
                pts_s=timeline.stamp(None, arrived_s),
                wall_s=wall_s,
                arrived_s=arrived_s,
                image=image,
            )
            index += 1

    def _await(self, stop: threading.Event, timeout_s: float) -> bool:
        """True when a picture is there, False when a stop was asked. Raises SourceError."""
        reader = self._reader
        if reader is None:
            raise UsageError(f"camera {self._device}: open the source before playing it")
        end_s = self._clock.monotonic() + timeout_s
        while not stop.is_set():
            if self._clock.wait(reader.ready, POLL_S):
                if reader.error is not None:
                    raise reader.error
                return True
            if self._clock.monotonic() >= end_s:
                raise SourceError(
                    f"camera {self._device}: gave no picture for {timeout_s:g} s",
                    SourceCause.TIMEOUT,
                    "Unplug it and plug it in again, or close other programs that use it.",
                )
        return False


class _Reader:
    """The thread that owns the device; keeps the newest picture only."""

    def __init__(
        self, device: str, factory: CaptureFactory, config: WebcamConfig, tally: Tally, clock: Clock
    ) -> None:
        self._device, self._factory, self._config = device, factory, config
        self._tally, self._clock = tally, clock
        self._lock = threading.Lock()
        self._newest: tuple[NDArray[np.uint8], float, float] | None = None
        self._thread: threading.Thread | None = None
        self.leave, self.ready = threading.Event(), threading.Event()
        self.error: Exception | None = None
        self.size: tuple[int, int] | None = None
        self.rate_hz = _DEFAULT_RATE_HZ

    def start(self, camera_id: str, at_end: Callable[[], None]) -> None:
        # A daemon: a driver that hangs for ever must not keep the program from ending.
        self._thread = threading.Thread(
            target=self._run, args=(at_end,), name=f"webcam-{camera_id}", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """Ask the thread to close the device; wait a moment, so that it can be opened again at once."""
        self.leave.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def take(self) -> tuple[NDArray[np.uint8], float, float]:
        """The picture, its arrival on the monotonic clock, and on the wall clock. Only after `ready`."""
        with self._lock:
            newest, self._newest = self._newest, None
            if self.error is None:
                self.ready.clear()
        if newest is None:
            raise UsageError(f"camera {self._device}: no picture to take")
        return newest

    def _run(self, at_end: Callable[[], None]) -> None:
        try:
            capture = self._factory(self._device)
            try:
                self._read(capture)
            except cv2.error as error:
                raise SourceError(
                    f"camera {self._device}: OpenCV fails on it ({' '.join(str(error).split())})",
                    SourceCause.DEVICE,
                    "Unplug it and plug it in again.",
                ) from error
            finally:
                capture.release()
        except Exception as error:  # noqa: BLE001 (raised again in the thread that iterates)
            with self._lock:
                self.error = error
            self.ready.set()
        finally:
            at_end()

    def _read(self, capture: Capture) -> None:
        if not capture.isOpened():
            raise SourceError(
                f"camera {self._device}: could not be opened",
                SourceCause.DEVICE,
                "Check that it is plugged in and that no other program uses it.",
            )
        if self._config.size is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._config.size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._config.size[1])
        if self._config.rate_hz is not None:
            capture.set(cv2.CAP_PROP_FPS, self._config.rate_hz)
        rate_hz = capture.get(cv2.CAP_PROP_FPS)
        self.rate_hz = rate_hz if 1 <= rate_hz <= 240 else _DEFAULT_RATE_HZ
        failed = 0
        while not self.leave.is_set():
            ok, image = capture.read()
            if ok and image is not None:
                failed = 0
                self._put(image)
                continue
            failed += 1
            self._tally.add("failed_reads")
            if failed >= _FAILED_READS:
                raise SourceError(
                    f"camera {self._device}: gives no pictures any more",
                    SourceCause.ENDED,
                    "Check that it is still plugged in.",
                )
            self._clock.wait(self.leave, POLL_S)

    def _put(self, image: NDArray[np.uint8]) -> None:
        image.flags.writeable = False
        self.size = image.shape[1], image.shape[0]
        with self._lock:
            if self._newest is not None:
                self._tally.add("overwritten_frames")
            self._newest = image, self._clock.monotonic(), self._clock.wall()
        self.ready.set()


def open_device(device: str) -> Capture:
    """The device through OpenCV. Raises SourceError (DEVICE, REFUSED) that says what is wrong with it."""
    if platform.system() == "Linux":
        check_device(device_path(device))
        return cv2.VideoCapture(str(device_path(device)), cv2.CAP_V4L2)
    return cv2.VideoCapture(int(device) if device.isdecimal() else device)
