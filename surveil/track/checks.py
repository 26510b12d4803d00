"""What comes in is checked once, here: times that run backwards and boxes that are none."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from surveil.errors import DataError
from surveil.types import Detections, FrameInfo

MAX_DETECTIONS = 10_000  # in one frame
MAX_COORDINATE_PX = 1e6


def check_step(info: FrameInfo, before_s: float | None) -> float:
    """Seconds of media time since before_s (infinity where there was nothing before); 0 is allowed.

    Raises:
        DataError: the time is not finite, or steps back.
    """
    if not math.isfinite(info.pts_s):
        raise DataError(f"{_where(info)}: expected a finite media time, got {info.pts_s} s")
    if before_s is None:
        return math.inf
    if info.pts_s < before_s:
        raise DataError(
            f"{_where(info)}: media time steps back from {before_s:.6f} s to {info.pts_s:.6f} s; "
            "a tracker follows one camera, frame by frame: make a new one to begin again"
        )
    return info.pts_s - before_s


def check_detections(info: FrameInfo, detections: Detections) -> None:
    """Raise DataError unless every box is finite and of positive size, every score and class id in range.

    Detectors cut boxes to the frame and drop what is left of no size before they hand them over.
    """
    if len(detections) > MAX_DETECTIONS:
        raise DataError(
            f"{_where(info)}: expected at most {MAX_DETECTIONS} detections, got {len(detections)}; "
            "raise the detector's score floor"
        )
    boxes, scores, class_ids = detections.boxes, detections.scores, detections.class_ids
    inside: NDArray[np.bool_] = np.all(np.abs(boxes) <= MAX_COORDINATE_PX, axis=1)  # NaN, infinity are not
    sized: NDArray[np.bool_] = np.all(boxes[:, 2:] > boxes[:, :2], axis=1)
    fair = (scores >= 0) & (scores <= 1)
    known = (class_ids >= 0) & (class_ids < len(detections.labels))
    if (inside & sized & fair & known).all():
        return
    _require(info, detections, inside, f"finite corners within ±{MAX_COORDINATE_PX:g} px")
    _require(info, detections, sized, "x1 < x2 and y1 < y2")
    _require(info, detections, fair, "a score in 0-1")
    _require(info, detections, known, f"a class id in 0-{len(detections.labels) - 1}")


def canonical(detections: Detections) -> NDArray[np.intp]:
    """Rows (N,) of the detections in an order of their own, from left to right, however they came."""
    boxes = detections.boxes
    rows = np.argsort(boxes[:, 0])
    left = boxes[rows, 0]
    if (left[1:] > left[:-1]).all():
        return rows
    keys = (detections.class_ids, detections.scores, boxes[:, 3], boxes[:, 2], boxes[:, 1], boxes[:, 0])
    return np.lexsort(keys)


def check_motion(info: FrameInfo, motion: NDArray[np.float64] | None) -> None:
    """Raise DataError unless the camera motion is None or a finite (2, 3) affine that flattens nothing."""
    if motion is None:
        return
    if motion.shape != (2, 3) or not np.isfinite(motion).all():
        raise DataError(f"{_where(info)}: camera motion: expected a finite (2, 3) affine, got {motion!r}")
    if abs(float(np.linalg.det(motion[:, :2]))) < 1e-6:
        raise DataError(f"{_where(info)}: camera motion: expected an invertible affine, got {motion!r}")


def _require(info: FrameInfo, detections: Detections, good: NDArray[np.bool_], expected: str) -> None:
    """Raise DataError unless all detections are good (N,): says which one is not, and what it holds."""
    if not good.all():
        row = int(np.argmin(good))
        box = ", ".join(f"{value:g}" for value in detections.boxes[row])
        raise DataError(
            f"{_where(info)}: detection {row} of {len(detections)}: expected {expected}, got box [{box}], "
            f"score {detections.scores[row]:g}, class id {detections.class_ids[row]}"
        )


def _where(info: FrameInfo) -> str:
    return f"{info.camera_id}, frame {info.index}"
