"""Boxes as numbers: xyxy, float32, pixels of the source frame (x right, y down, edges not pixel centres)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
"""(N, 4) float32: x1, y1, x2, y2."""

Polygon = tuple[tuple[float, float], ...]
"""Corners (x, y) of an area, in 0-1 of the frame's width and height; the last is joined to the first."""


def area(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Areas (N,) in square pixels; an inverted box has none."""
    sides = np.clip(boxes[:, 2:4] - boxes[:, 0:2], 0.0, None)
    return np.asarray(sides[:, 0] * sides[:, 1])


def intersection(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """Common areas (N, M) of boxes a (N, 4) and b (M, 4), in square pixels."""
    width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    return np.asarray(np.clip(width, 0.0, None) * np.clip(height, 0.0, None))


def iou(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """Intersection over union (N, M) of boxes a (N, 4) and b (M, 4); 0 where both are empty.

    >>> iou(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2]])).round(3).tolist()
    [[0.333]]
    """
    common = intersection(a, b)
    union = area(a)[:, None] + area(b)[None, :] - common
    return np.asarray(common / np.maximum(union, np.finfo(np.float32).tiny))


def clip_boxes(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Boxes (N, 4) cut to a frame of `size` (width, height) in pixels."""
    limits = np.array([*size, *size], np.float32)
    return np.clip(boxes, 0, limits).astype(np.float32, copy=False)


def xyxy_to_xywh(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Left, top, width, height of boxes (N, 4), as MOT and COCO files write them."""
    return np.concatenate([boxes[:, :2], boxes[:, 2:4] - boxes[:, :2]], axis=1)


def xywh_to_xyxy(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Corners of boxes (N, 4) given as left, top, width, height."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:4]], axis=1)


def bottom_centres(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """The points (N, 2) where objects stand: the middle of each box's lower edge, in pixels."""
    return np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)


def inside(points: NDArray[np.floating], polygon: Polygon) -> NDArray[np.bool_]:
    """Which points (N, 2) lie in a polygon of the same unit (even-odd rule): (N,) bool.

    >>> inside(np.array([[0.5, 0.5], [1.5, 0.5]]), ((0, 0), (1, 0), (1, 1), (0, 1))).tolist()
    [True, False]
    """
    start = np.asarray(polygon, np.float64)
    end = np.roll(start, -1, axis=0)
    x, y = points[:, 0, None], points[:, 1, None]
    crossed = (start[:, 1] > y) != (end[:, 1] > y)
    along, rise = end[:, 0] - start[:, 0], end[:, 1] - start[:, 1]
    # left of the side, without a division: sides may be as good as level
    left = ((x - start[:, 0]) * rise - along * (y - start[:, 1])) * np.sign(rise) < 0
    return np.asarray((crossed & left).sum(axis=1) % 2 == 1)
