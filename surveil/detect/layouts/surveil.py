"""The layout of the project's own models: decoded inside the graph.

`boxes` (B, N, 4) float32 xyxy in pixels of the input, `scores` (B, N, C) float32 after the sigmoid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.detect.layouts.layout import Candidates, OutputShapes, expect_outputs


class SurveilLayout:
    """See the module."""

    def __init__(self, outputs: OutputShapes, shape: tuple[int, int], classes: int) -> None:
        """Check the outputs for an input of (height, width) and so many classes. Raises ModelError."""
        expect_outputs(outputs, {"boxes": (None, None, 4), "scores": (None, None, classes)})
        expect_outputs(outputs, {"scores": (None, outputs["boxes"][1], classes)})
        names = list(outputs)
        self._boxes, self._scores = names.index("boxes"), names.index("scores")

    def decode(self, outputs: Sequence[NDArray[Any]], floor: float) -> Candidates:
        """See `Layout`."""
        scores_NC = outputs[self._scores]
        flat = np.flatnonzero(scores_NC >= floor)
        cells, class_ids = np.divmod(flat, scores_NC.shape[1])
        return Candidates(
            boxes=outputs[self._boxes][cells],
            scores=scores_NC.ravel()[flat],
            class_ids=class_ids.astype(np.int32),
        )
