"""The layout of PicoDet as PaddleDetection exports it without post-processing: undecoded, cells row by row.

First one output a stride (B, H x W, C) with class scores after the sigmoid, then one a stride (B, H x W, 32)
with 4 x 8 distribution logits (left, top, right, bottom). The strides are 8, 16, 32, 64 and a cell's centre
is (index + 0.5) x stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.detect.layouts.cells import boxes_of, levels
from surveil.detect.layouts.layout import Candidates, OutputShapes, expect_outputs, merge
from surveil.errors import ModelError

STRIDES = (8, 16, 32, 64)
_BINS = 8


class PicodetLayout:
    """See the module."""

    def __init__(self, outputs: OutputShapes, shape: tuple[int, int], classes: int) -> None:
        """Check the outputs for an input of (height, width) and so many classes. Raises ModelError."""
        if len(outputs) != 2 * len(STRIDES):
            raise ModelError(f"expected {2 * len(STRIDES)} outputs, two a stride, got {list(outputs)}")
        self._levels = levels(shape, STRIDES)
        cells = [level.rows * level.columns for level in self._levels]
        wanted = [(None, n, classes) for n in cells] + [(None, n, 4 * _BINS) for n in cells]
        expect_outputs(outputs, dict(zip(outputs, wanted, strict=True)))
        self._centres = [level.centres(shift=0.5) for level in self._levels]

    def decode(self, outputs: Sequence[NDArray[Any]], floor: float) -> Candidates:
        """See `Layout`."""
        count = len(STRIDES)
        pairs = zip(outputs[:count], outputs[count:], strict=True)
        return merge([self._level(k, scores, sides, floor) for k, (scores, sides) in enumerate(pairs)])

    def _level(
        self, k: int, scores_NC: NDArray[np.float32], sides_ND: NDArray[np.float32], floor: float
    ) -> Candidates:
        flat = np.flatnonzero(scores_NC >= floor)
        cells, class_ids = np.divmod(flat, scores_NC.shape[1])
        sides = sides_ND[cells].reshape(-1, 4, _BINS)
        return Candidates(
            boxes=boxes_of(sides, self._centres[k][cells], self._levels[k].stride),
            scores=scores_NC.ravel()[flat],
            class_ids=class_ids.astype(np.int32),
        )
