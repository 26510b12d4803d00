"""What the peers' layouts share: cells that hold class scores and a distribution for each side of the box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveil.geometry import Boxes


@dataclass(frozen=True, kw_only=True)
class Level:
    """One map of a feature pyramid.

    Attributes:
        stride: pixels of the input between cells.
        rows: cells from top to bottom.
        columns: cells from left to right.
    """

    stride: int
    rows: int
    columns: int

    def centres(self, shift: float) -> NDArray[np.float32]:
        """(rows * columns, 2) float32 x and y of the cells, row by row: (index + shift) * stride, in px."""
        y, x = np.divmod(np.arange(self.rows * self.columns), self.columns)
        return ((np.stack([x, y], axis=1) + shift) * self.stride).astype(np.float32)


def levels(shape: tuple[int, int], strides: tuple[int, ...]) -> tuple[Level, ...]:
    """The pyramid over an input of (height, width) pixels; a last cell may reach beyond its edge."""
    height, width = shape
    return tuple(Level(stride=s, rows=-(-height // s), columns=-(-width // s)) for s in strides)


def boxes_of(sides_K4B: NDArray[np.float32], centres: NDArray[np.float32], stride: float) -> Boxes:
    """Boxes from distributions (GFL, equation 6: a side is the expectation over its bins).

    Args:
        sides_K4B: (K, 4, bins) float32 logits of left, top, right, bottom.
        centres: (K, 2) float32 x and y of the cells in pixels of the input.
        stride: pixels a bin.

    Returns:
        (K, 4) float32 xyxy in pixels of the input.
    """
    weights = np.exp(sides_K4B - sides_K4B.max(axis=2, keepdims=True))
    bins = np.arange(sides_K4B.shape[2], dtype=np.float32)
    distance = (weights @ bins) / weights.sum(axis=2) * np.float32(stride)
    return np.concatenate([centres - distance[:, :2], centres + distance[:, 2:]], axis=1)
