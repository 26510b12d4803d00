from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from surveil.pipeline.camera import CameraStep
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
