"""Anchors: the shapes that boxes have most often; k-means with IoU (Redmon and Farhadi 2017, section 2)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.cache import CacheConfig
from training.data.labels import LabelReader
from training.data.plan import AugmentConfig, Planner
from training.data.records import Record
from training.errors import DataError

LEVELS = 3
FEWEST = 10  # boxes for each anchor
ROUNDS = 300


def shape_iou(sides: NDArray[np.floating], anchors: NDArray[np.floating]) -> NDArray[np.float64]:
    """IoU (G, A) of boxes with sides (G, 2) and anchors (A, 2) that share their centres.

    >>> shape_iou(np.array([[10, 10]]), np.array([[10, 20]])).tolist()
    [[0.5]]
    """
    common = np.minimum(sides[:, None], anchors[None]).prod(2)
    both = sides.prod(1)[:, None] + anchors.prod(1)[None]
    return np.asarray(common / (both - common), np.float64)


def cluster(sides: NDArray[np.floating], count: int, seed: int = 0) -> NDArray[np.float64]:
    """So many anchors (count, 2), width and height, by rising area; the medians of boxes that fit them best.

    Args:
        sides: (G, 2) widths and heights.
        count: Number of anchors.
        seed: Of the first choice.

    Raises:
        DataError: There are too few boxes, or too few different ones.
    """
    needed = FEWEST * count
    if len(sides) < needed:
        raise DataError(
            f"anchors: {count} need at least {needed} boxes, but there are {len(sides)}: "
            "label more pictures, draw more views, or keep YOLOv3's anchors"
        )
    different = np.unique(sides, axis=0)
    if len(different) < count:
        raise DataError(f"anchors: {count} wanted, but boxes have only {len(different)} different shapes")
    anchors = np.random.default_rng(seed).choice(different, count, replace=False)
    owner = np.full(len(sides), -1)
    for _ in range(ROUNDS):
        closest = shape_iou(sides, anchors).argmax(1)
        if (closest == owner).all():
            break
        owner = closest
        for k in range(count):
            if (owner == k).any():  # one that nobody likes stays where it is
                anchors[k] = np.median(sides[owner == k], axis=0)
    return anchors[np.argsort(anchors.prod(1))]


def drawn_sides(
    records: Sequence[Record], order: Sequence[int], augment: AugmentConfig, cache: CacheConfig
) -> NDArray[np.float32]:
    """Widths and heights (G, 2), in pixels, of the boxes of training views; no pixel is drawn.

    `order`: which record each view shows, of `cache.draw_order`.
    """
    planner, reader = Planner(records, augment, cache.size), LabelReader(records, augment)
    plans = [planner.plan(int(i), np.random.default_rng((cache.seed, k))) for k, i in enumerate(order)]
    boxes = reader.read(plans).boxes
    return boxes[:, 2:] - boxes[:, :2]


def levels_of(anchors: NDArray[np.floating]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Anchors in whole pixels, the smallest third on the finest level."""
    whole = [(max(1, round(w)), max(1, round(h))) for w, h in anchors.tolist()]
    each = len(whole) // LEVELS
    return tuple(tuple(whole[k * each : (k + 1) * each]) for k in range(LEVELS))


def report(sides: NDArray[np.floating], anchors: NDArray[np.floating]) -> str:
    """How well anchors fit boxes, in words."""
    best = shape_iou(sides, anchors).max(1)
    return (
        f"{len(sides)} boxes; mean IoU with the best anchor {best.mean():.3f}, "
        f"above 0.5 for {100 * (best > 0.5).mean():.1f} %"
    )
