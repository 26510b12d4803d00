"""What the eye sees between two detections."""

from __future__ import annotations

import numpy as np

from surveil.labels import SURVEIL_6
from surveil.pipeline.live import coasted
from surveil.types import Detections, Frame, FrameResult, Tracks


def frame(index: int) -> Frame:
    image = np.zeros((60, 80, 3), np.uint8)
    return Frame(camera_id="a", index=index, pts_s=index / 10, wall_s=0, arrived_s=index / 10, image=image)


def result(*, unseen_s: float) -> FrameResult:
    box = np.float32([[10, 10, 20, 30]])
    tracks = Tracks(
        ids=np.array([1]), boxes=box, smoothed_boxes=box + 1, scores=np.float32([0.9]),
        class_ids=np.int32([0]), states=np.int8([1]), velocity=np.float32([[20, -10]]),
        age_s=np.float32([1]), unseen_s=np.float32([unseen_s]), frame_size=(80, 60), labels=SURVEIL_6,
    )  # fmt: skip
    detections = Detections(
        boxes=box, scores=np.float32([0.9]), class_ids=np.int32([0]), frame_size=(80, 60), labels=SURVEIL_6
    )
    return FrameResult(frame=frame(3), detections=detections, tracks=tracks)


def test_boxes_move_on_with_the_picture():
    shown = coasted(result(unseen_s=0), frame(5))
    assert shown.frame.index == 5
    np.testing.assert_allclose(shown.tracks.boxes, [[14, 8, 24, 28]], atol=1e-5)
    np.testing.assert_allclose(shown.tracks.smoothed_boxes, [[15, 9, 25, 29]], atol=1e-5)
    assert not shown.detected
    assert len(shown.detections) == 0


def test_an_object_that_nobody_looked_for_since_does_not_look_lost():
    assert not coasted(result(unseen_s=0), frame(5)).tracks.coasting.any()
    assert coasted(result(unseen_s=0.2), frame(5)).tracks.coasting.all()
