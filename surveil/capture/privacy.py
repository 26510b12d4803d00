"""Privacy masks: parts of the picture are painted black before anything else sees it.

It is called in the capture thread with every frame, first of all; what nobody gets nobody can show, detect,
record or send. Compressed packets hold the whole picture: a recorder that copies packets (`packet_sink`)
must not be used with a camera that has such masks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.capture.source import Source, SourceInfo
from surveil.geometry import Polygon
from surveil.types import Frame


class PrivacyMask:
    """Paints areas black, with every pixel that they touch. For one thread."""

    def __init__(self, areas: Sequence[Polygon]) -> None:
        self._areas = tuple(areas)
        self._kept: tuple[tuple[int, int], NDArray[np.uint8]] | None = None

    def __call__(self, frame: Frame) -> Frame:
        """The frame with its areas in black; the frame given stays as it was."""
        if not self._areas:
            return frame
        if self._kept is None or self._kept[0] != frame.size:
            self._kept = frame.size, self._seen(*frame.size)
        # Where the mask is 0, copyTo leaves the zeros of a new picture.
        image = np.asarray(cv2.copyTo(frame.image, self._kept[1]), np.uint8)
        return replace(frame, image=image)

    def _seen(self, width: int, height: int) -> NDArray[np.uint8]:
        """(H, W) uint8: 255 where the picture is shown, 0 where it is hidden."""
        hidden = np.zeros((height, width), np.uint8)
        for area in self._areas:
            corners = np.asarray(area, np.float64) * (width, height)
            cv2.fillPoly(hidden, [np.floor(corners).astype(np.int32)], 255)
        # One pixel more all around: the border passes through pixels that the filling rounds away.
        return np.asarray(255 - cv2.dilate(hidden, np.ones((3, 3), np.uint8)), np.uint8)


class MaskedSource:
    """Another source's frames with areas painted black: whoever plays it never sees what is private."""

    def __init__(self, source: Source, areas: Sequence[Polygon]) -> None:
        self._source, self._mask = source, PrivacyMask(areas)

    def __enter__(self) -> Self:
        self._source.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.__exit__(kind, error, trace)

    @property
    def info(self) -> SourceInfo:
        """See `Source`."""
        return self._source.info

    @property
    def counters(self) -> Mapping[str, int]:
        """See `Source`."""
        return self._source.counters

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """See `Source`."""
        for frame in self._source.frames(stop):
            yield self._mask(frame)
