"""Folders and patterns of still pictures, played as a recording in their natural order."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.capture.described import Described
from surveil.capture.order import natural_key
from surveil.capture.source import SourceInfo
from surveil.capture.span import WHOLE, Span
from surveil.clock import Clock
from surveil.errors import SourceCause, SourceError, UsageError
from surveil.types import Frame


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagesConfig:
    """How pictures become a recording.

    Attributes:
        rate_hz: pictures a second of media time.
        span: the part that is given out.
    """

    rate_hz: float = 10.0
    span: Span = WHOLE

    def __post_init__(self) -> None:
        if not 0 < self.rate_hz < float("inf"):
            raise UsageError(f"rate of images: expected more than 0 Hz, got {self.rate_hz}")


class ImagesSource(Described):
    """A list of image files. A file that cannot be read is left out; its time stays free.

    It counts such files as `unreadable_images`.
    """

    def __init__(
        self, paths: Sequence[Path], *, camera_id: str, clock: Clock, config: ImagesConfig | None = None
    ) -> None:
        """`paths` are played in natural order (`2.png` before `10.png`)."""
        self._paths = sorted(paths, key=natural_key)
        self._camera_id, self._clock, self._config = camera_id, clock, config or ImagesConfig()
        super().__init__(camera_id, "unreadable_images")

    def __enter__(self) -> Self:
        if not self._paths:
            raise SourceError(
                f"{self._camera_id}: no images to play", SourceCause.EMPTY, "Give a folder that holds images."
            )
        first = next((image for image in map(_read, self._paths) if image is not None), None)
        if first is None:
            raise SourceError(
                f"{self._paths[0].parent}: not one of {len(self._paths)} images could be read",
                SourceCause.DAMAGED,
                "Check that an image viewer can open them.",
            )
        rate_hz, count = self._config.rate_hz, len(self._paths)
        self._info = SourceInfo(
            name=self._camera_id,
            size=(first.shape[1], first.shape[0]),
            rate_hz=rate_hz,
            duration_s=count / rate_hz,
            live=False,
            frame_count=self._config.span.frames(count / rate_hz, rate_hz),
            decoder="images (OpenCV)",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open between two pictures."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """See `Source`. Raises UsageError for a start past the end."""
        span, index, pts_s, given = self._config.span, -1, 0.0, 0
        for place, path in enumerate(self._paths):
            pts_s = place / self._config.rate_hz
            if stop.is_set() or span.is_over(pts_s):
                break
            image = _read(path)
            if image is None:
                self._tally.add("unreadable_images")
                continue
            index += 1
            if span.is_before(pts_s):
                continue
            given += 1
            yield Frame(
                camera_id=self._camera_id,
                index=index,
                pts_s=pts_s,
                wall_s=self._clock.wall(),
                arrived_s=self._clock.monotonic(),
                image=image,
            )
        if not given and not stop.is_set():
            raise span.nothing_in(self._camera_id, index + 1, pts_s)


def _read(path: Path) -> NDArray[np.uint8] | None:
    """(H, W, 3) uint8 BGR, turned as its EXIF mark says; None where it cannot be read."""
    try:
        # Through bytes: OpenCV's own reader cannot open every Unicode path on every system.
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    if image is None:
        return None
    image.flags.writeable = False
    return np.asarray(image, np.uint8)
