"""A patch: a small square picture of one object, and where the object lies in it.

Four channels of one size: blue, green, red, and the mask of the object's box. A network that draws patches
draws the mask as well, so every sample brings its box.
"""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from training.errors import DataError

FILLED = 0.75  # share of a readable box that its mask fills at least, and of the mask that lies in the box
LARGEST, LEAST = 0.45, 0.12  # of the patch's side: a readable box's longer and shorter side at least


@dataclass(frozen=True)
class Patch:
    """One object.

    Attributes:
        pixels: (S, S, 3) uint8 BGR.
        box: (4,) float32 xyxy in pixels of the patch.
    """

    pixels: NDArray[np.uint8]
    box: NDArray[np.float32]


class Patches(Protocol):
    """Where patches come from: cut out of pictures, or drawn by a network."""

    def draw(self, rng: np.random.Generator) -> Patch:
        """A patch; equal states of the generator give equal patches."""


def covered(low: float, high: float, count: int) -> NDArray[np.float32]:
    """How much of each of `count` pixels in a row an interval covers, 0 to 1.

    >>> covered(0.5, 2.0, 3).tolist()
    [0.5, 1.0, 0.0]
    """
    at = np.arange(count)
    return np.clip(np.minimum(at + 1, high) - np.maximum(at, low), 0, 1).astype(np.float32)


def cut(picture: NDArray[np.uint8], box: NDArray[np.floating], side: int, margin: float) -> NDArray[np.uint8]:
    """The square around a box, (side, side, 4) uint8: BGR and the mask; what lies outside is mirrored.

    Args:
        picture: (H, W, 3) BGR.
        box: (4,) xyxy in its pixels.
        side: Of the patch, in pixels.
        margin: Surroundings on each side, as a share of the box's longer side.
    """
    x1, y1, x2, y2 = (float(v) for v in box)
    square = max(2, round((1 + 2 * margin) * max(x2 - x1, y2 - y1)))
    left, top = round((x1 + x2 - square) / 2), round((y1 + y2 - square) / 2)
    height, width = picture.shape[:2]
    pads = max(0, -top), max(0, top + square - height), max(0, -left), max(0, left + square - width)
    wide = cv2.copyMakeBorder(picture, *pads, cv2.BORDER_REFLECT)
    part = wide[top + pads[0] : top + pads[0] + square, left + pads[2] : left + pads[2] + square]
    shrinks = square > side
    pixels = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    scale = side / square
    columns = covered((x1 - left) * scale, (x2 - left) * scale, side)
    rows = covered((y1 - top) * scale, (y2 - top) * scale, side)
    mask = np.round(255 * rows[:, None] * columns).astype(np.uint8)
    return np.asarray(np.dstack([pixels, mask]), np.uint8)


def box_of(mask: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """The box (4,) xyxy that a mask (S, S) shows; None if it shows no box, or a tiny one."""
    side, seen = len(mask), mask.astype(np.float32) / 255
    low, high = [], []
    for profile in (seen.mean(0), seen.mean(1)):
        inside = np.flatnonzero(profile > max(float(profile.max()) / 2, 1e-3))
        if not len(inside):
            return None
        low.append(int(inside[0]))
        high.append(int(inside[-1]) + 1)
    sides = sorted(b - a for a, b in zip(low, high, strict=True))
    within = float(seen[low[1] : high[1], low[0] : high[0]].sum())
    clear = within >= FILLED * sides[0] * sides[1] and within >= FILLED * float(seen.sum())
    if not clear or sides[1] < LARGEST * side or sides[0] < LEAST * side:
        return None
    return np.array([*low, *high], np.float32)


class RealPatches:
    """Patches that were cut out of pictures."""

    def __init__(self, crops: NDArray[np.uint8]) -> None:
        """`crops`: (N, S, S, 4) of `cut`, N at least 1."""
        self.crops = crops

    def draw(self, rng: np.random.Generator) -> Patch:
        """See `Patches`; half of them are mirrored. Raises DataError: the crop is none of `read_crops`."""
        crop = self.crops[int(rng.integers(len(self.crops)))]
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        box = box_of(crop[..., 3])
        if box is None:
            raise DataError("a crop's mask shows no box: it was cut with another margin or aspect")
        return Patch(np.ascontiguousarray(crop[..., :3]), box)
