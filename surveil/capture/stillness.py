"""Whether a camera has been sending the same picture for too long: packets come, and nothing is seen.

A sensor has noise, so two pictures of the most quiet scene differ; an encoder that hangs repeats one to the
pixel.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from surveil.types import Frame

LOOK_S = 1.0  # between two looks: they cost 0.1 ms each, and nothing hurries
ROWS = 180  # about so many rows are compared, and as much of each


class Stillness:
    """Looks at the frames of one camera, over all its connections. For the thread that captures."""

    def __init__(self, after_s: float | None) -> None:
        """`after_s`: how long the picture may stay the same; None: for ever."""
        self._after_s = after_s
        self._looked_s = float("-inf")
        self._print: tuple[object, ...] = ()
        self._since_s = 0.0

    def __call__(self, frame: Frame) -> bool:
        """Whether this and all frames of the last `after_s` seconds show the same, to the pixel."""
        if self._after_s is None:
            return False
        if frame.arrived_s - self._looked_s >= LOOK_S:
            self._looked_s = frame.arrived_s
            seen = fingerprint(frame.image)
            if seen != self._print:
                self._print, self._since_s = seen, frame.arrived_s
        return self._looked_s - self._since_s >= self._after_s


def fingerprint(image: NDArray[np.uint8]) -> tuple[object, ...]:
    """A few bytes that are equal for equal pictures; evenly spread pixels are looked at, as they are.

    Pixels are left out, not averaged: averaging would take away the noise that tells a living camera.
    """
    step = max(1, image.shape[0] // ROWS)
    return (image.shape, zlib.crc32(np.ascontiguousarray(image[::step, ::step]).data))
