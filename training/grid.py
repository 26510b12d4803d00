"""The cells that the head predicts from: one grid per stride, level after level."""

import numpy as np
from numpy.typing import NDArray

STRIDES = (8, 16, 32, 64)


def level_shapes(height: int, width: int, strides: tuple[int, ...] = STRIDES) -> list[tuple[int, int]]:
    """Rows and columns of each level of an input of `height` x `width` pixels (rounded up)."""
    return [(-(-height // s), -(-width // s)) for s in strides]


def cell_grid(
    height: int, width: int, strides: tuple[int, ...] = STRIDES
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centres and strides of all cells.

    Returns:
        Centres (N, 2) as x, y in input pixels, at (index + 0.5) x stride, and the stride of each cell (N,);
        the finest level first, row after row.
    """
    centres, steps = [], []
    for stride, (rows, columns) in zip(strides, level_shapes(height, width, strides), strict=True):
        y, x = np.mgrid[:rows, :columns]
        centres.append(np.stack([(x.ravel() + 0.5) * stride, (y.ravel() + 0.5) * stride], 1))
        steps.append(np.full(rows * columns, stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(steps).astype(np.float32)
