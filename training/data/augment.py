"""Training views painted by OpenCV: plans of `data.plan`, their pixels, boxes and cells to ignore.

Geometry is applied without the pixels being touched twice; the colours are changed last, so that the dense
teacher can look at the clean view while the student sees the distorted one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.distort import distort
from training.data.labels import LabelReader
from training.data.plan import AugmentConfig, Layer, Placement, Planner
from training.data.records import Record
from training.grid import cell_grid

GREY = 114  # the letterbox colour, also of `surveil.detect`


@dataclass(frozen=True)
class View:
    """One training view of H x W pixels.

    Attributes:
        clean: (H, W, 3) uint8 BGR before distortion, for the teacher.
        image: (H, W, 3) uint8 BGR, for the student.
        boxes: (G, 4) float32 xyxy pixels of the view.
        classes: (G,) int64.
        ignore: (N, C) bool: which classes are not to be learned in each cell.
    """

    clean: NDArray[np.uint8]
    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    ignore: NDArray[np.bool_]


def warp(image: NDArray[np.uint8], place: Placement) -> NDArray[np.uint8]:
    """The picture (h, w, 3) as it appears in its rectangle of the canvas, grey outside."""
    h, w = image.shape[:2]
    if place.sy < 0.5:  # linear interpolation would skip pixels
        image = np.asarray(cv2.resize(image, (w // 2, h // 2), interpolation=cv2.INTER_AREA), np.uint8)
    kx, ky = place.sx * w / image.shape[1], place.sy * h / image.shape[0]
    x1, y1, x2, y2 = place.rect
    # OpenCV's matrix maps pixel centres: + 0.5 on one side, - 0.5 on the other
    matrix = np.array([[kx, 0, place.tx + 0.5 * kx - 0.5 - x1], [0, ky, place.ty + 0.5 * ky - 0.5 - y1]])
    size = (x2 - x1, y2 - y1)
    out = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(GREY, GREY, GREY))
    return np.asarray(out, np.uint8)


def ignored_cells(
    centres: NDArray[np.float32], regions: NDArray[np.float32], ignored: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Classes (N, C) to ignore in cells with `centres` (N, 2): those of all regions around them."""
    ignore = np.zeros((len(centres), ignored.shape[1]), bool)
    for box, classes in zip(regions, ignored, strict=True):
        inside = ((centres > box[:2]) & (centres < box[2:])).all(1)
        ignore[inside] |= classes
    return ignore


class Augmenter:
    """Draws training views of `height` x `width` pixels from decoded pictures."""

    def __init__(
        self,
        images: NDArray[np.uint8],
        records: Sequence[Record],
        config: AugmentConfig,
        size: tuple[int, int],
    ) -> None:
        """`images`: (n, side, side, 3) uint8 of `decode_images`; `size`: (height, width) of a view."""
        self.images, self.records = images, records
        self.planner, self.reader = Planner(records, config, size), LabelReader(records, config)
        self.height, self.width = size
        self.centres, _ = cell_grid(*size)

    def view(self, i: int, rng: np.random.Generator) -> View:
        """One view around picture i; the same generator state gives the same view."""
        plan = self.planner.plan(i, rng)
        canvas = np.full((self.height, self.width, 3), GREY, np.uint8)
        for layer in plan.layers:
            self._paint(canvas, layer)
        labels = self.reader.read([plan])
        ignore = ignored_cells(self.centres, labels.ignore, labels.ignored)
        return View(canvas, distort(canvas, plan.distortion, rng), labels.boxes, labels.classes, ignore)

    def _paint(self, canvas: NDArray[np.uint8], layer: Layer) -> None:
        record, (x1, y1, x2, y2) = self.records[layer.record], layer.placement.rect
        part = warp(self.images[layer.record][: record.height, : record.width], layer.placement)
        below = canvas[y1:y2, x1:x2]
        canvas[y1:y2, x1:x2] = (
            part
            if layer.opacity == 1.0
            else cv2.addWeighted(part, layer.opacity, below, 1 - layer.opacity, 0)
        )


def letterbox(image: NDArray[np.uint8], height: int, width: int) -> tuple[NDArray[np.uint8], float, int, int]:
    """Resize with the aspect kept onto a grey canvas, centred.

    Returns:
        The canvas (height, width, 3), the scale, and the offset x, y of the picture on it in pixels.
    """
    h, w = image.shape[:2]
    scale = min(width / w, height / h)
    nw, nh = round(w * scale), round(h * scale)
    x, y = (width - nw) // 2, (height - nh) // 2
    out = np.full((height, width, 3), GREY, np.uint8)
    out[y : y + nh, x : x + nw] = cv2.resize(image, (nw, nh), interpolation=cv2.INTER_LINEAR)
    return out, scale, x, y
