"""The layout of NanoDet-Plus as it is exported for ncnn and ONNX: one map a stride, undecoded.

Each output is (B, C + 32, H, W): C class logits, then 4 x 8 distribution logits (left, top, right, bottom).
The strides are 8, 16, 32, 64 and a cell's centre is its index x stride.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.detect.layouts.cells import boxes_of, levels
from surveil.detect.layouts.layout import Candidates, OutputShapes, expect_outputs, merge
from surveil.errors import ModelError

STRIDES = (8, 16, 32, 64)
_BINS = 8


class NanodetLayout:
    """See the module."""

    def __init__(self, outputs: OutputShapes, shape: tuple[int, int], classes: int) -> None:
        """Check the outputs for an input of (height, width) and so many classes. Raises ModelError."""
        if len(outputs) != len(STRIDES):
            raise ModelError(f"expected {len(STRIDES)} outputs, one a stride, got {list(outputs)}")
        self._classes, self._levels = classes, levels(shape, STRIDES)
        depth = classes + 4 * _BINS
        wanted = [(None, depth, level.rows, level.columns) for level in self._levels]
        expect_outputs(outputs, dict(zip(outputs, wanted, strict=True)))
        self._centres = [level.centres(shift=0.0) for level in self._levels]

    def decode(self, outputs: Sequence[NDArray[Any]], floor: float) -> Candidates:
        """See `Layout`."""
        return merge([self._level(k, output, floor) for k, output in enumerate(outputs)])

    def _level(self, k: int, map_DHW: NDArray[np.float32], floor: float) -> Candidates:
        map_DN = map_DHW.reshape(len(map_DHW), -1)
        logits_CN = map_DN[: self._classes]
        # Logits are compared, so that only candidates pay for exponentials.
        flat = np.flatnonzero(logits_CN >= _logit(floor))
        class_ids, cells = np.divmod(flat, logits_CN.shape[1])
        sides = map_DN[self._classes :, cells].T.reshape(-1, 4, _BINS)
        return Candidates(
            boxes=boxes_of(sides, self._centres[k][cells], self._levels[k].stride),
            scores=_sigmoid(logits_CN.ravel()[flat]),
            class_ids=class_ids.astype(np.int32),
        )


def _logit(score: float) -> float:
    if not 0 < score < 1:
        return math.copysign(math.inf, score - 0.5)
    return math.log(score / (1 - score))


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    # tanh does not overflow where exp does.
    return np.asarray(0.5 * (1 + np.tanh(x / 2)), np.float32)
