from __future__ import annotations

import numpy as np
import pytest

from surveil.detect.layouts.surveil import SurveilLayout
from surveil.errors import ModelError

SHAPES = {"scores": (1, 3, 2), "boxes": (1, 3, 4)}


def test_a_cell_may_be_several_classes() -> None:
    boxes = np.arange(12, dtype=np.float32).reshape(3, 4)
    scores = np.array([[0.1, 0.2], [0.9, 0.5], [0.0, 0.6]], np.float32)
    found = SurveilLayout(SHAPES, (64, 64), 2).decode([scores, boxes], 0.5)
    assert found.boxes.tolist() == [boxes[1].tolist(), boxes[1].tolist(), boxes[2].tolist()]
    assert found.scores.tolist() == pytest.approx([0.9, 0.5, 0.6])
    assert found.class_ids.tolist() == [0, 1, 1]
    assert found.class_ids.dtype == np.int32


def test_nothing_above_the_floor() -> None:
    layout = SurveilLayout(SHAPES, (64, 64), 2)
    found = layout.decode([np.zeros((3, 2), np.float32), np.zeros((3, 4), np.float32)], 0.5)
    assert found.boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"scores": (1, 3, 2)}, "output 'boxes'.*got none"),
        ({"scores": (1, 3, 80), "boxes": (1, 3, 4)}, r"'scores': expected \(any, any, 2\), got \(1, 3, 80\)"),
        ({"scores": (1, 5, 2), "boxes": (1, 3, 4)}, r"'scores': expected \(any, 3, 2\), got \(1, 5, 2\)"),
        ({"scores": (1, 3, 2), "boxes": (3, 4)}, r"'boxes': expected \(any, any, 4\), got \(3, 4\)"),
    ],
)
def test_refuses_other_outputs(shapes: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        SurveilLayout(shapes, (64, 64), 2)
