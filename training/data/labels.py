"""What views show: boxes to learn and regions to ignore, of many plans at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.plan import AugmentConfig, Plan
from training.data.records import Record

NOWHERE = (0, 0, 0, 0)


@dataclass(frozen=True)
class Labels:
    """Boxes and regions in pixels of their views, xyxy.

    Attributes:
        view: (G,) int64 number of the plan.
        boxes: (G, 4) float32.
        classes: (G,) int64.
        ignore_view: (R,) int64 number of the plan.
        ignore: (R, 4) float32 regions.
        ignored: (R, C) bool: which classes are not to be learned in each region.
    """

    view: NDArray[np.int64]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    ignore_view: NDArray[np.int64]
    ignore: NDArray[np.float32]
    ignored: NDArray[np.bool_]


class _Runs:
    """Boxes of all records one after the other."""

    def __init__(self, boxes: Sequence[NDArray[np.float32]]) -> None:
        self.boxes = np.concatenate(boxes)
        self.count = np.array([len(b) for b in boxes])
        self.first = np.cumsum(self.count) - self.count

    def rows(self, records: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the boxes of several records, and which of `records` each belongs to."""
        count = self.count[records]
        run = np.repeat(np.arange(len(records)), count)
        return self.first[records][run] + np.arange(len(run)) - (np.cumsum(count) - count)[run], run


class LabelReader:
    """Carries the records' boxes along with the pixels."""

    def __init__(self, records: Sequence[Record], config: AugmentConfig) -> None:
        """`config`: says which boxes are too small or too hidden to be learned."""
        self.config = config
        self.truth, self.unknown = _Runs([r.boxes for r in records]), _Runs([r.ignore for r in records])
        self.classes = np.concatenate([r.classes for r in records])
        self.ignored = np.concatenate([r.ignored for r in records])

    def read(self, plans: Sequence[Plan]) -> Labels:
        """Labels of views, in the order of their plans and layers."""
        layers = [layer for plan in plans for layer in plan.layers]
        view = np.repeat(np.arange(len(plans)), [len(plan.layers) for plan in plans])
        record = np.array([layer.record for layer in layers])
        places = [layer.placement for layer in layers]
        affine = np.array([(p.sx, p.sy, p.tx, p.ty) for p in places])
        rect = np.array([p.rect for p in places])
        above = np.array([_patch(plan) if k < len(plan.layers) - 1 else NOWHERE for plan in plans
                          for k in range(len(plan.layers))])  # fmt: skip

        rows, run = self.truth.rows(record)
        boxes, full = _move(self.truth.boxes[rows], affine[run], rect[run])
        seen = (_area(boxes) - _area(_meet(boxes, above[run]))) / np.maximum(full, 1e-6)
        side = (boxes[:, 2:] - boxes[:, :2]).min(1)
        keep = (seen > self.config.min_seen) & (side >= self.config.min_side)
        classes, owner = self.classes[rows], view[run]

        rows, run = self.unknown.rows(record)
        regions, _ = _move(self.unknown.boxes[rows], affine[run], rect[run])
        own = np.eye(self.ignored.shape[1], dtype=bool)
        return Labels(
            view=owner[keep],
            boxes=boxes[keep],
            classes=classes[keep],
            ignore_view=np.concatenate([view[run], owner[~keep]]),
            ignore=np.concatenate([regions, boxes[~keep]]),
            ignored=np.concatenate([self.ignored[rows], own[classes[~keep]]]),
        )


def _patch(plan: Plan) -> tuple[int, int, int, int]:
    """What the highest layer hides of those below (the parts of a mosaic do not touch each other)."""
    return plan.layers[-1].placement.rect if plan.layers[-1].opacity == 1.0 else NOWHERE


def _move(
    boxes: NDArray[np.float32], affine: NDArray[np.float64], rect: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Boxes (G, 4) carried by (sx, sy, tx, ty) and cut to the rectangles; areas (G,) before the cut."""
    scale, offset = affine[:, :2], affine[:, 2:]
    a, b = boxes[:, :2] * scale + offset, boxes[:, 2:] * scale + offset
    full = np.concatenate([np.minimum(a, b), np.maximum(a, b)], 1)
    return _meet(full, rect), _area(full)


def _meet(boxes: NDArray[np.floating], rect: NDArray[np.int64]) -> NDArray[np.float32]:
    """Boxes (G, 4) cut to rectangles (G, 4)."""
    low, high = np.tile(rect[:, :2], 2), np.tile(rect[:, 2:], 2)
    return np.clip(boxes, low, high).astype(np.float32)


def _area(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(1), np.float64)
