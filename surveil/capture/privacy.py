"""Privacy masks: parts of the picture are painted black before anything else sees it.

It is called in the capture thread with every frame, first of all; what nobody gets nobody can show, detect,
record or send. Compressed packets hold the whole picture: a recorder that copies packets (`packet_sink`)
must not be used with a camera that has such masks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.capture.around import SourceAround
from surveil.capture.source import Source
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


class MaskedSource(SourceAround):
    """Another source's frames with areas painted black: whoever plays it never sees what is private."""

    def __init__(self, source: Source, areas: Sequence[Polygon]) -> None:
        super().__init__(source)
        self._mask = PrivacyMask(areas)

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """See `Source`."""
        for frame in self._source.frames(stop):
            yield self._mask(frame)
