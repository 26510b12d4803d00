"""From a model's candidates to the detections of one frame: back to frame pixels, one box an object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.detect.layouts.layout import Candidates
from surveil.detect.preprocess import Placement, unplace
from surveil.geometry import Boxes, iou
from surveil.labels import LabelMap
from surveil.types import Detections

_THINNEST_PX = 1e-3


@dataclass(frozen=True, kw_only=True)
class SelectionConfig:
    """Which candidates become detections.

    Attributes:
        min_score: candidates below it are dropped.
        nms_iou: of two boxes of one class that overlap more, the one with the lower score is dropped.
        voting_sigma: see `vote`; None: boxes stay as the model gave them.
        classes: class ids that are kept; None: all.
        max_boxes: the best so many are kept.
        max_candidates: the best so many enter the suppression, whose time grows with their square.
    """

    min_score: float
    nms_iou: float = 0.6
    voting_sigma: float | None = None
    classes: tuple[int, ...] | None = None
    max_boxes: int = 100
    max_candidates: int = 1000


def select(
    found: Candidates, placement: Placement, size: tuple[int, int], labels: LabelMap, config: SelectionConfig
) -> Detections:
    """The detections of one frame, best first; equal scores in the order of the model's output.

    Boxes are clipped to the frame before they are compared: what counts is what can be seen.

    Args:
        found: candidates in pixels of the input.
        placement: where the frame lies in the input.
        size: (width, height) of the frame in pixels.
        labels: the model's classes.
        config: which candidates are kept.
    """
    boxes = unplace(found.boxes, placement, size)
    fit = (boxes[:, 2:] - boxes[:, :2] > _THINNEST_PX).all(axis=1) & (found.scores >= config.min_score)
    if config.classes is not None:
        fit &= np.isin(found.class_ids, config.classes)
    rows = np.flatnonzero(fit)
    # `stable`: the same input gives the same output everywhere.
    rows = rows[np.argsort(-found.scores[rows], kind="stable")][: config.max_candidates]
    boxes, scores, class_ids = boxes[rows], found.scores[rows], found.class_ids[rows]
    kept = nms(boxes, scores, class_ids, config.nms_iou)[: config.max_boxes]
    placed = boxes[kept]
    if config.voting_sigma is not None:
        placed = vote(boxes, scores, class_ids, kept, config.voting_sigma)
    return Detections(
        boxes=placed,
        scores=scores[kept],
        class_ids=class_ids[kept],
        frame_size=size,
        labels=labels,
    )


def nms(
    boxes: Boxes, scores: NDArray[np.float32], class_ids: NDArray[np.int32], nms_iou: float
) -> NDArray[np.intp]:
    """Greedy suppression within each class.

    Args:
        boxes: (N, 4) float32 xyxy, none negative.
        scores: (N,) float32 in 0-1.
        class_ids: (N,) int32.
        nms_iou: of two boxes of a class that overlap more, the one with the lower score goes.

    Returns:
        The rows that stay, best score first.
    """
    if not len(boxes):
        return np.zeros(0, np.intp)
    corners_sides = boxes.astype(np.float64)
    corners_sides[:, 2:] -= corners_sides[:, :2]
    # OpenCV sorts stably, and keeps classes apart by moving each to a place of its own: hence float64.
    suppress: Any = cv2.dnn.NMSBoxesBatched  # its stub asks for lists; arrays need no copy
    return np.asarray(suppress(corners_sides, scores, class_ids, -1.0, nms_iou), np.intp).reshape(-1)


def vote(
    boxes: Boxes,
    scores: NDArray[np.float32],
    class_ids: NDArray[np.int32],
    kept: NDArray[np.intp],
    sigma: float,
) -> Boxes:
    """Box voting: every kept box becomes the weighted mean of the boxes of its class on the same spot.

    The weight of a box is its score times exp(-(1 - IoU)^2 / sigma), IoU with the one that was kept (He et
    al. 2019, "Bounding box regression with uncertainty for accurate object detection", section 3.4, with
    equal variances).

    Args:
        boxes: (N, 4) float32 xyxy, before the suppression.
        scores: (N,) float32 in 0-1.
        class_ids: (N,) int32.
        kept: (K,) rows that stay.
        sigma: the larger, the more boxes have a say.

    Returns:
        (K, 4) float32 xyxy.
    """
    overlap = iou(boxes[kept], boxes)
    same = (class_ids[kept, None] == class_ids) & (overlap > 0)
    votes = np.maximum(scores, np.finfo(np.float32).tiny) * np.exp(-((1 - overlap) ** 2) / sigma)
    weights = np.where(same, votes, 0).astype(np.float64)
    placed: Boxes = ((weights @ boxes) / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return placed
