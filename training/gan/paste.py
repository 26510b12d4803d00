"""One patch into one picture: where it may lie, how large it is there, and its soft edge."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.records import Record
from training.errors import ConfigError
from training.gan.patches import Patch

BLACK, SPECKS = 16, 0.02  # brighter pixels are no border, where they are a larger share of a row or column


@dataclass(frozen=True, kw_only=True)
class PasteConfig:
    """How patches are pasted.

    Attributes:
        pictures: How many are made.
        most: Objects pasted into one of them at most; at least one.
        smallest: Longer side of a pasted box in pixels of the picture, at least.
        enlarge: A patch is enlarged by this factor at most.
        margin: Width of the soft edge, as a share of the box's longer side: what the patches have around
            their boxes.
        overlap: A pasted box and one that is there share at most so much of the smaller of the two.
        doubtful: A teacher's detections from this score on are there as well.
        tries: Places that are tried for an object.
        seed: Of pictures, samples and places.
    """

    pictures: int = 1000
    most: int = 2
    smallest: float = 20.0
    enlarge: float = 1.5
    margin: float = 0.15
    overlap: float = 0.1
    doubtful: float = 0.3
    tries: int = 30
    seed: int = 1

    def __post_init__(self) -> None:
        """Check the ranges."""
        if min(self.pictures, self.most, self.tries) < 1 or self.enlarge <= 0 or not 0 <= self.overlap < 1:
            raise ConfigError(
                f"paste: pictures, most and tries are 1 or more, overlap is below 1, got {self}"
            )


def sizes_of(records: list[Record]) -> NDArray[np.float64]:
    """How real boxes stand in their pictures (R, 2): longer side / the picture's, lower edge / its height."""
    rows = [
        (max(x2 - x1, y2 - y1) / max(record.width, record.height), y2 / record.height)
        for record in records
        for x1, y1, x2, y2 in record.boxes.tolist()
    ]
    return np.array(rows, np.float64).reshape(-1, 2)


class Placer:
    """Finds places as real boxes have them: their size with their lower edge, so far ones are small."""

    def __init__(self, sizes: NDArray[np.float64], config: PasteConfig) -> None:
        """`sizes`: of `sizes_of`."""
        self.sizes, self.config = sizes, config

    def place(
        self,
        patch: Patch,
        size: tuple[int, int],
        taken: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> NDArray[np.float32] | None:
        """A free box (4,) xyxy for the patch in a picture of `size` (width, height); None if none is found.

        `taken`: (K, 4) boxes that are there.
        """
        (width, height), config = size, self.config
        wide, tall = (float(v) for v in patch.box[2:] - patch.box[:2])
        longer = self.sizes[:, 0] * max(size)
        fit = np.flatnonzero((longer >= config.smallest) & (longer <= config.enlarge * max(wide, tall)))
        if not len(fit):
            return None
        for row in rng.choice(fit, config.tries):
            scale = longer[row] / max(wide, tall)
            w, h, lower = scale * wide, scale * tall, self.sizes[row, 1] * height
            across = rng.random()
            if w >= width or lower < h:
                continue
            left = across * (width - w)
            box = np.array([left, lower - h, left + w, lower], np.float32)
            if not len(taken) or float(shared(box, taken).max()) <= config.overlap:
                return box
        return None


def borders(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The black borders (4, 4) xyxy of a picture (H, W, 3), empty where it has none: no place for objects."""
    bright = picture.max(2) > BLACK
    (top, bottom), (left, right) = (_ends(bright.mean(axis) > SPECKS) for axis in (1, 0))
    height, width = bright.shape
    return np.array(
        [[0, 0, width, top], [0, bottom, width, height], [0, 0, left, height], [right, 0, width, height]],
        np.float32,
    )


def _ends(inside: NDArray[np.bool_]) -> tuple[int, int]:
    """Where the first true value is, and behind the last one; all is border where there is none."""
    found = np.flatnonzero(inside)
    return (int(found[0]), int(found[-1]) + 1) if len(found) else (len(inside), len(inside))


def shared(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a box (4,) shares with each of others (K, 4), as a share (K,) of the smaller of the two."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    inter = np.clip(high - low, 0, None).prod(1)
    areas = np.clip(others[:, 2:] - others[:, :2], 0, None).prod(1)
    smaller = np.minimum(areas, (box[2:] - box[:2]).prod())
    return np.asarray(inter / np.maximum(smaller, 1e-6), np.float32)


def paste(
    picture: NDArray[np.uint8], patch: Patch, box: NDArray[np.float32], margin: float
) -> NDArray[np.float32]:
    """Paste a patch so that its box comes to lie at `box`, in place.

    The patch is opaque in its box and fades out over `margin` x the box's longer side around it.

    Args:
        picture: (H, W, 3) uint8 BGR, changed.
        patch: See there.
        box: (4,) xyxy in pixels of the picture, of the shape of the patch's box.
        margin: See `PasteConfig`.

    Returns:
        The box (4,) where it came to lie, cut to the picture: patches are moved by whole pixels.
    """
    side, longer = len(patch.pixels), float((patch.box[2:] - patch.box[:2]).max())
    count = max(2, round(side * float((box[2:] - box[:2]).max()) / longer))
    scale = count / side
    shrinks = cv2.INTER_AREA if count < side else cv2.INTER_CUBIC
    pixels = cv2.resize(patch.pixels, (count, count), interpolation=shrinks)
    left, top = (round(float(box[k] - patch.box[k] * scale)) for k in (0, 1))
    inner = patch.box * scale
    columns, rows = (_outside(inner[k], inner[k + 2], count) for k in (0, 1))
    away = np.hypot(rows[:, None], columns) / max(margin * scale * longer, 1e-6)
    alpha = (0.5 + 0.5 * np.cos(np.pi * np.clip(away, 0, 1)))[..., None]

    height, width = picture.shape[:2]
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + count, width), min(top + count, height)
    part = np.s_[y1 - top : y2 - top, x1 - left : x2 - left]
    below = picture[y1:y2, x1:x2]
    mixed = alpha[part] * pixels[part] + (1 - alpha[part]) * below
    picture[y1:y2, x1:x2] = np.round(mixed).astype(np.uint8)
    moved = inner + np.array([left, top] * 2)
    return np.asarray(np.clip(moved, 0, [width, height] * 2), np.float32)


def _outside(low: float, high: float, count: int) -> NDArray[np.float64]:
    """How far the middles of `count` pixels lie outside of an interval; 0 inside."""
    middle = np.arange(count) + 0.5
    return np.maximum(np.maximum(low - middle, middle - high), 0.0)
