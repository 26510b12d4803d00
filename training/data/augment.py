"""Training views: one picture, or a mosaic of four, scaled, moved, flipped and distorted, with its boxes.

Geometry is drawn and applied without the pixels being touched twice; the colours are changed last, so that
the dense teacher can look at the clean view while the student sees the distorted one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.records import Record
from training.grid import cell_grid

GREY = 114  # the letterbox colour, also of `surveil.detect`


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How views are drawn; probabilities are per view.

    Attributes:
        scale: Range of sizes relative to the letterboxed picture, drawn evenly in the logarithm.
        aspect: Largest stretch, as the logarithm of the factor.
        mosaic: Share of views made of four pictures.
        mosaic_scale: Range of sizes inside a mosaic's parts.
        colour: Share with shifted hue, saturation and brightness.
        grey: Share without colour (infrared cameras).
        blur: Share blurred.
        compress: Share compressed by JPEG of quality 18 to 55 (low bit-rates).
        noise: Share with sensor noise.
        min_seen: A box that is cut to less than this share of its area is ignored instead of learned.
        min_side: So is a box with a side under this many pixels.
    """

    scale: tuple[float, float] = (0.55, 1.6)
    aspect: float = 0.12
    mosaic: float = 0.25
    mosaic_scale: tuple[float, float] = (0.9, 2.0)
    colour: float = 0.6
    grey: float = 0.07
    blur: float = 0.05
    compress: float = 0.04
    noise: float = 0.03
    min_seen: float = 0.25
    min_side: float = 3.0


@dataclass(frozen=True)
class View:
    """One training view of H x W pixels.

    Attributes:
        clean: (H, W, 3) uint8 BGR before distortion, for the teacher.
        image: (H, W, 3) uint8 BGR, for the student.
        boxes: (G, 4) float32 xyxy pixels of the view.
        classes: (G,) int64.
        ignore: (N,) uint8, bit c set in the cells where class c is not to be learned.
    """

    clean: NDArray[np.uint8]
    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    ignore: NDArray[np.uint8]


@dataclass(frozen=True)
class Placement:
    """Scale and offset that carry a picture's pixels into a rectangle (x1, y1, x2, y2) of the canvas.

    A negative `sx` mirrors. Coordinates are continuous: pixel k covers k to k + 1.
    """

    rect: tuple[int, int, int, int]
    sx: float
    sy: float
    tx: float
    ty: float

    def move(self, boxes: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (G, 4) of the picture on the canvas, cut to the rectangle; share of area left (G,)."""
        xs = np.sort(boxes[:, 0::2] * self.sx + self.tx, 1)
        ys = boxes[:, 1::2] * self.sy + self.ty
        full = np.stack([xs[:, 0], ys[:, 0], xs[:, 1], ys[:, 1]], 1)
        x1, y1, x2, y2 = self.rect
        cut = np.clip(full, [x1, y1, x1, y1], [x2, y2, x2, y2]).astype(np.float32)
        return cut, _area(cut) / np.maximum(_area(full), 1e-6)

    def warp(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (h, w, 3) as it appears in the rectangle, grey outside."""
        h, w = image.shape[:2]
        if self.sy < 0.5:  # linear interpolation would skip pixels
            image = np.asarray(cv2.resize(image, (w // 2, h // 2), interpolation=cv2.INTER_AREA), np.uint8)
        kx, ky = self.sx * w / image.shape[1], self.sy * h / image.shape[0]
        x1, y1, x2, y2 = self.rect
        # OpenCV's matrix maps pixel centres: + 0.5 on one side, - 0.5 on the other
        matrix = np.array([[kx, 0, self.tx + 0.5 * kx - 0.5 - x1], [0, ky, self.ty + 0.5 * ky - 0.5 - y1]])
        size = (x2 - x1, y2 - y1)
        out = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(GREY, GREY, GREY))
        return np.asarray(out, np.uint8)


def _area(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return (boxes[:, 2:] - boxes[:, :2]).prod(1)


def draw_placement(
    size: tuple[int, int],
    rect: tuple[int, int, int, int],
    scale: float,
    aspect: float,
    rng: np.random.Generator,
) -> Placement:
    """Place a picture of `size` (width, height) somewhere in the rectangle, `scale` 1 filling it.

    A smaller picture lies anywhere inside, a larger one covers the rectangle; half of them are mirrored.
    """
    (w, h), (x1, y1, x2, y2) = size, rect
    base = min((x2 - x1) / w, (y2 - y1) / h) * scale
    stretch = np.exp(rng.uniform(-aspect, aspect))
    sx, sy = base * stretch, base / stretch
    tx = x1 + rng.uniform(*sorted((0.0, x2 - x1 - sx * w)))
    ty = y1 + rng.uniform(*sorted((0.0, y2 - y1 - sy * h)))
    if rng.random() < 0.5:
        sx, tx = -sx, tx + sx * w
    return Placement(rect, sx, sy, tx, ty)


def distort(image: NDArray[np.uint8], config: AugmentConfig, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Colour, then at most one of blur, compression and noise; returns a new picture or the same."""
    if rng.random() < config.colour:
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV).astype(np.float32)
        hsv[..., 0] = (hsv[..., 0] + rng.uniform(-9, 9)) % 180
        hsv[..., 1] *= rng.uniform(0.5, 1.4)
        hsv[..., 2] = hsv[..., 2] * rng.uniform(0.55, 1.35) + rng.uniform(-15, 15)
        image = np.asarray(cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2BGR), np.uint8)
    if rng.random() < config.grey:
        image = np.asarray(
            cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8
        )
    kind = rng.random()
    if kind < config.blur:
        return np.asarray(cv2.GaussianBlur(image, (3, 3), 0), np.uint8)
    kind -= config.blur
    if kind < config.compress:
        _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(18, 55))])
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    if kind - config.compress < config.noise:
        grain = rng.normal(0, rng.uniform(3, 12), image.shape)
        return np.clip(image + grain, 0, 255).astype(np.uint8)
    return image


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
        self.images, self.records, self.config = images, records, config
        self.height, self.width = size
        self.centres, _ = cell_grid(*size)

    def _place(
        self, canvas: NDArray[np.uint8], ignore: NDArray[np.uint8], i: int, placement: Placement
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Draw picture i, mark its cells to ignore; returns the boxes and classes that can be learned."""
        record = self.records[i]
        x1, y1, x2, y2 = placement.rect
        canvas[y1:y2, x1:x2] = placement.warp(self.images[i][: record.height, : record.width])
        boxes, seen = placement.move(record.boxes)
        side = (boxes[:, 2:] - boxes[:, :2]).min(1, initial=np.inf)
        keep = (seen > self.config.min_seen) & (side >= self.config.min_side)
        regions, _ = placement.move(record.ignore)
        self._mark(ignore, regions, record.ignore_bits)
        self._mark(ignore, boxes[~keep], (1 << record.classes[~keep]).astype(np.uint8))
        return boxes[keep], record.classes[keep]

    def _mark(self, ignore: NDArray[np.uint8], regions: NDArray[np.float32], bits: NDArray[np.uint8]) -> None:
        for box, bit in zip(regions, bits, strict=True):
            inside = ((self.centres > box[:2]) & (self.centres < box[2:])).all(1)
            ignore[inside] |= bit

    def _rects(self, rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
        """The whole canvas, or the four parts of a mosaic."""
        h, w = self.height, self.width
        if rng.random() >= self.config.mosaic:
            return [(0, 0, w, h)]
        cx, cy = int(rng.uniform(0.35, 0.65) * w), int(rng.uniform(0.35, 0.65) * h)
        return [(0, 0, cx, cy), (cx, 0, w, cy), (0, cy, cx, h), (cx, cy, w, h)]

    def view(self, i: int, rng: np.random.Generator) -> View:
        """One view around picture i; the same generator state gives the same view."""
        canvas = np.full((self.height, self.width, 3), GREY, np.uint8)
        ignore = np.zeros(len(self.centres), np.uint8)
        rects = self._rects(rng)
        low, high = self.config.scale if len(rects) == 1 else self.config.mosaic_scale
        boxes, classes = [], []
        for k, rect in enumerate(rects):
            j = i if k == 0 else int(rng.integers(len(self.records)))
            scale = float(np.exp(rng.uniform(np.log(low), np.log(high))))
            size = (self.records[j].width, self.records[j].height)
            placement = draw_placement(size, rect, scale, self.config.aspect, rng)
            part = self._place(canvas, ignore, j, placement)
            boxes.append(part[0])
            classes.append(part[1])
        image = distort(canvas, self.config, rng)
        return View(canvas, image, np.concatenate(boxes), np.concatenate(classes), ignore)


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
