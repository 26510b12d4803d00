"""Which detections of a camera count: not in its detection masks, and of its classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from surveil.geometry import Polygon, inside
from surveil.labels import LabelMap
from surveil.types import Detections, Frame

if TYPE_CHECKING:
    from surveil.detect.card import ModelCard
    from surveil.detect.detector import Detector
    from surveil.detect.preprocess import Prepared


class Wanted:
    """Drops what does not count, before the tracker sees it.

    An object stands where its foot is: the middle of the lowest row of pixels of its box. A head that reaches
    into a masked tree from the path below is reported, a branch of that tree is not.
    """

    def __init__(self, ignored: Sequence[Polygon] = (), classes: Sequence[str] = ()) -> None:
        """`classes`: the only ones; none: all. Names that the model does not know are never found."""
        self._ignored, self._classes = tuple(ignored), frozenset(classes)

    def __call__(self, detections: Detections) -> Detections:
        """Those that count, in their order."""
        if not len(detections) or not (self._ignored or self._classes):
            return detections
        keep = np.ones(len(detections), np.bool_)
        if self._classes:
            names = [detections.labels[int(k)] for k in detections.class_ids]
            keep &= np.array([name in self._classes for name in names], np.bool_)
        feet = foot_points(detections)
        for area in self._ignored:
            keep &= ~inside(feet, area)
        return detections if keep.all() else detections.select(keep)


class WantedDetector:
    """Another detector that reports only what counts for one camera."""

    def __init__(self, detector: Detector, wanted: Wanted) -> None:
        self._detector, self._wanted = detector, wanted

    @property
    def labels(self) -> LabelMap:
        """See `Detector`."""
        return self._detector.labels

    @property
    def card(self) -> ModelCard | None:
        """See `Detector`."""
        return self._detector.card

    @property
    def device(self) -> str:
        """See `Detector`."""
        return self._detector.device

    def prepare(self, frame: Frame) -> Prepared:
        """See `Detector`."""
        return self._detector.prepare(frame)

    def detect(self, batch: Sequence[Prepared]) -> list[Detections]:
        """See `Detector`."""
        return [self._wanted(found) for found in self._detector.detect(batch)]

    def close(self) -> None:
        """See `Detector`."""
        self._detector.close()


def foot_points(detections: Detections) -> NDArray[np.float64]:
    """Where objects stand (N, 2), in 0-1 of the frame."""
    width, height = detections.frame_size
    x = (detections.boxes[:, 0] + detections.boxes[:, 2]) / 2
    # Half a pixel up: a box that ends with the picture stands in its last row, not below it.
    y = np.clip(detections.boxes[:, 3], 0, height) - 0.5
    return np.stack([x / width, y / height], axis=1).astype(np.float64)
