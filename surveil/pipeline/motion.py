"""Whether anything moves in a camera's picture: a background of each pixel, learned from small pictures.

Zivkovic's mixture of Gaussians (OpenCV's MOG2) on the green channel at about 160 pixels width. A change that
stays, of light or of place, is background after a tenth of the memory, so nothing moves for ever because it
moved once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.pipeline.cadence import Cadence
from surveil.types import Frame


@dataclass(frozen=True, kw_only=True, slots=True)
class MotionConfig:
    """Constants of `MotionDetector`; pixels are those of the small picture.

    Attributes:
        width: of the small picture, roughly; larger pictures are thinned to it.
        rate_hz: pictures that are looked at a second; a change between two of them is seen in the later one.
        memory_s: how long the background remembers; what stays for a tenth of it belongs to it.
        deviations: how far from the background a pixel has moved, in standard deviations of its noise.
        window: side of the square in which changed pixels are counted.
        fewest: changed pixels in a window that are motion; fewer are noise.
        learn_s: so long after its first picture it knows no background, and everything may be moving.
        gap_s: after a longer gap it begins anew.
    """

    width: int = 160
    rate_hz: float = 10.0
    memory_s: float = 10.0
    deviations: float = 4.0
    window: int = 6
    fewest: int = 5
    learn_s: float = 1.0
    gap_s: float = 5.0


class MotionDetector:
    """Looks at one camera, picture by picture; called from one thread."""

    def __init__(self, config: MotionConfig | None = None) -> None:
        self._config = config or MotionConfig()
        self._size = (0, 0)
        self._began_s = self._last_s = float("-inf")
        self._cadence = Cadence(max_rate_hz=self._config.rate_hz)

    def moves(self, frame: Frame) -> bool:
        """Whether something moved since the picture before; False, too, where this one was passed over."""
        now_s, config = frame.pts_s, self._config
        if frame.size != self._size or not 0 <= now_s - self._last_s <= config.gap_s:
            self._begin(frame)
        if not self._cadence.due(frame):
            return False
        self._cadence.looked(frame)
        changed = self._changed(small(frame.image, config.width), now_s - self._last_s)
        self._last_s = now_s
        if now_s - self._began_s < config.learn_s:
            return True
        counts = cv2.boxFilter(changed, cv2.CV_16U, (config.window, config.window), normalize=False)
        return int(counts.max()) >= config.fewest * 255

    def _begin(self, frame: Frame) -> None:
        # Shadows are motion, too; two mixtures less than MOG2 has by default do as well and cost less.
        deviations = self._config.deviations
        self._background = cv2.createBackgroundSubtractorMOG2(varThreshold=deviations**2, detectShadows=False)
        self._background.setNMixtures(3)
        self._size = frame.size
        self._began_s = self._last_s = frame.pts_s
        self._cadence = Cadence(max_rate_hz=self._config.rate_hz)

    def _changed(self, image: NDArray[np.uint8], passed_s: float) -> NDArray[np.uint8]:
        """255 where a pixel is not as the background was; which then learns, the more the longer it was."""
        rate = 1 - np.exp(-passed_s / self._config.memory_s)
        return np.asarray(self._background.apply(image, learningRate=float(rate)), np.uint8)


def small(image: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """A picture (H, W, 3) in grey (h, w), thinned to about `width` and smoothed against its noise.

    Every n-th pixel of the green channel: a resize that averages costs more than all the rest.
    """
    step = max(1, round(image.shape[1] / width))
    return np.asarray(cv2.blur(np.ascontiguousarray(image[::step, ::step, 1]), (3, 3)), np.uint8)
