from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from surveil.pipeline.camera import CameraStep
from surveil.pipeline.memory import Memory
from surveil.types import Event, FrameInfo, Phase, Tracks


class Rule:
    """Reports the number of tracks."""

    def __init__(self, name: str) -> None:
        self.name = name

    def update(self, info: FrameInfo, tracks: Tracks) -> tuple[Event, ...]:
        event = Event(
            id=f"{info.index}", camera_id=info.camera_id, rule=self.name, kind="count", phase=Phase.NEW,
            track_id=None, label="person", score=1.0, top_score=1.0, box=None, frame_index=info.index,
            pts_s=info.pts_s, wall_s=info.wall_s, start_wall_s=info.wall_s,
        )  # fmt: skip
        return (event,) * len(tracks)


def test_tracker_then_rules_in_their_order(fakes: SimpleNamespace) -> None:
    detector: Any = fakes.Detector()
    step = CameraStep(fakes.Tracker(), fakes.LABELS, [Rule("first"), Rule("second")])
    frame = fakes.Source().picture(0)
    result = step.step(frame, detector.detect([detector.prepare(frame)])[0], {"detect": 1.0})
    assert [event.rule for event in result.events] == ["first", "second"]
    assert result.detected
    assert result.timings_ms == {"detect": 1.0}
    coasting = step.step(fakes.Source().picture(1), None)
    assert not coasting.detected
    assert len(coasting.detections) == 0
    assert coasting.detections.frame_size == (32, 24)
    assert coasting.tracks.coasting.all()


class Motion:
    """An estimator that says how often it was asked since the last mark."""

    def __init__(self) -> None:
        self.asked = 0
        self.boxes: list[int] = []

    def look(self, image: Any, pts_s: float, boxes: Any) -> Any:
        self.asked += 1
        self.boxes.append(len(boxes))
        return self.asked

    def mark(self) -> None:
        self.asked = 0


class Told:
    """A tracker that keeps what it is told of the camera's motion."""

    def __init__(self, tracker: Any) -> None:
        self._tracker = tracker
        self.motions: list[Any] = []

    def update(self, info: FrameInfo, detections: Any, motion: Any = None) -> Tracks:
        self.motions.append(("update", motion))
        return self._tracker.update(info, detections)

    def predict(self, info: FrameInfo, motion: Any = None) -> Tracks:
        self.motions.append(("predict", motion))
        return self._tracker.predict(info)


def test_the_tracker_is_told_the_motion_since_its_last_update(fakes: SimpleNamespace) -> None:
    detector, told, motion = fakes.Detector(), Told(fakes.Tracker()), Motion()
    step = CameraStep(told, fakes.LABELS, motion=motion)
    for k in range(5):
        frame = fakes.Source().picture(k)
        found = detector.detect([detector.prepare(frame)])[0] if k % 2 == 0 else None
        step.step(frame, found)
    expected = [("update", 1), ("predict", 1), ("update", 2), ("predict", 1), ("update", 2)]
    assert told.motions == expected
    assert len(set(motion.boxes)) == 1  # of the last detections, also where there are no new ones


def test_what_the_next_tracker_of_a_camera_takes_over(fakes: SimpleNamespace) -> None:
    detector: Any = fakes.Detector()
    step = CameraStep(fakes.Tracker(ids_after=7), fakes.LABELS, last_id=7)
    assert step.memory().last_id == 7
    frame = replace(fakes.Source().picture(0), wall_s=1000.0)
    step.step(frame, detector.detect([detector.prepare(frame)])[0])
    step.step(replace(fakes.Source().picture(1), wall_s=1000.1), None)
    assert step.memory() == Memory(last_id=8, tracker="2 frames", wall_s=1000.0)
