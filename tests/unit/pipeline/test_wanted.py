from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surveil.labels import LabelMap
from surveil.pipeline.wanted import Wanted, WantedDetector, foot_points
from surveil.types import Detections, Frame

LABELS = LabelMap("two", ("person", "car"))
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
BELOW = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))


def found(*boxes: tuple[float, float, float, float], classes: tuple[int, ...] = ()) -> Detections:
    return Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.ones(len(boxes), np.float32),
        class_ids=np.array(classes or (0,) * len(boxes), np.int32),
        frame_size=(200, 100),
        labels=LABELS,
    )


def test_feet_are_the_middle_of_the_lowest_row_of_pixels() -> None:
    feet = foot_points(found((20, 10, 40, 50), (100, 0, 200, 140)))
    assert feet.ravel().tolist() == pytest.approx([0.15, 0.495, 0.75, 0.995])


@pytest.mark.parametrize(
    ("box", "stays"),
    [
        ((10, 10, 30, 90), False),  # stands in the left half
        ((60, 10, 160, 90), True),  # reaches into it, stands outside
        ((150, 10, 170, 100), True),
        ((10, 10, 30, 100), False),  # cut off by the picture's lower edge
        ((-20, 10, 30, 130), False),
    ],
)
def test_the_foot_decides(box: tuple[float, float, float, float], stays: bool) -> None:
    assert len(Wanted([LEFT])(found(box))) == stays


def test_masks_and_classes_together_keep_the_order() -> None:
    detections = found(
        (110, 0, 130, 40), (110, 0, 130, 90), (0, 0, 9, 40), (120, 0, 140, 30), classes=(1, 1, 1, 0)
    )
    kept = Wanted([LEFT, BELOW], ["car", "nothing the model knows"])(detections)
    assert kept.boxes.tolist() == [[110, 0, 130, 40]]
    assert len(Wanted(classes=["person"])(detections)) == 1


def test_where_all_count_nothing_is_copied() -> None:
    detections = found((110, 0, 130, 40))
    assert Wanted()(detections) is detections
    assert Wanted([LEFT])(detections) is detections
    none = Detections.empty((200, 100), LABELS)
    assert Wanted([LEFT], ["car"])(none) is none


def test_a_detector_that_reports_only_what_counts() -> None:
    class Inner:
        labels, card, device, closed = LABELS, None, "CPU (fake)", False

        def prepare(self, frame: Frame) -> Any:
            return frame

        def detect(self, batch: Any) -> list[Detections]:
            return [found((10, 10, 30, 90), (110, 0, 130, 40), classes=(0, 1)) for _ in batch]

        def close(self) -> None:
            self.closed = True

    inner: Any = Inner()
    detector = WantedDetector(inner, Wanted([LEFT]))
    assert [len(one) for one in detector.detect([1, 2])] == [1, 1]  # type: ignore[list-item]
    assert (detector.labels, detector.card, detector.device) == (LABELS, None, "CPU (fake)")
    assert detector.prepare(inner) is inner
    detector.close()
    assert inner.closed
