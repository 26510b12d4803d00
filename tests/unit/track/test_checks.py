from __future__ import annotations

import numpy as np
import pytest

from surveil.errors import DataError
from surveil.track.checks import MAX_DETECTIONS, canonical, check_detections, check_motion, check_step
from tests.support.scenes import Box, found, frame, person

GOOD = person(10)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((float("nan"), 0, 1, 1), "finite"),
        ((0, 0, float("inf"), 1), "finite"),
        ((-float("inf"), 0, 1, 1), "finite"),
        ((0, 0, 3e6, 1), "within"),
        ((5, 5, 5, 9), "x1 < x2"),
        ((5, 5, 9, 5), "y1 < y2"),
        ((9, 5, 5, 9), "x1 < x2"),
    ],
)
def test_a_box_that_is_none_is_named(box: Box, message: str) -> None:
    with pytest.raises(DataError, match=rf"gate, frame 7: detection 1 of 3: expected .*{message}"):
        check_detections(frame(0, 7), found([GOOD, box, GOOD]))


@pytest.mark.parametrize("score", [-0.1, 1.01, float("nan"), float("inf")])
def test_a_score_out_of_range_is_named(score: float) -> None:
    with pytest.raises(DataError, match="a score in 0-1"):
        check_detections(frame(0), found([GOOD], score))


@pytest.mark.parametrize("class_id", [-1, 6])
def test_a_class_out_of_range_is_named(class_id: int) -> None:
    with pytest.raises(DataError, match="a class id in 0-5"):
        check_detections(frame(0), found([GOOD], 0.5, class_id))


def test_a_flood_is_refused() -> None:
    check_detections(frame(0), found([GOOD] * MAX_DETECTIONS))
    with pytest.raises(DataError, match="at most 10000 detections, got 10001"):
        check_detections(frame(0), found([GOOD] * (MAX_DETECTIONS + 1)))


def test_boxes_may_reach_out_of_the_frame_and_the_extremes_of_scores_are_scores() -> None:
    check_detections(frame(0), found([(-50, -60, 9000, 8000), GOOD], [0, 1]))


def test_steps() -> None:
    assert check_step(frame(5), None) == float("inf")
    assert check_step(frame(5), 5) == 0
    assert check_step(frame(5.5), 5) == 0.5
    with pytest.raises(DataError, match=r"steps back from 5\.\d* s to 4"):
        check_step(frame(4), 5)
    with pytest.raises(DataError, match="finite media time"):
        check_step(frame(float("nan")), None)


@pytest.mark.parametrize("motion", [np.eye(3), np.full((2, 3), np.nan), np.zeros((2, 3))])
def test_camera_motions_that_are_none(motion: np.ndarray) -> None:
    check_motion(frame(0), None)
    check_motion(frame(0), np.eye(2, 3))
    with pytest.raises(DataError, match="camera motion"):
        check_motion(frame(0), motion)


def test_order_of_its_own() -> None:
    boxes = [person(50), person(10), person(30, 20), person(30)]
    one, other = found(boxes), found(boxes[::-1])
    np.testing.assert_array_equal(one.boxes[canonical(one)], other.boxes[canonical(other)])
    assert one.boxes[canonical(one), 0].tolist() == [10, 30, 30, 50]
    assert canonical(found([person(50), person(10), person(30)])).tolist() == [1, 2, 0]
