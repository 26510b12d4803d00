"""What happens to every frame of one camera once its detections are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from surveil.geometry import Boxes
from surveil.labels import LabelMap
from surveil.pipeline.memory import Memory
from surveil.types import NO_TIMINGS, Detections, Frame, FrameResult

if TYPE_CHECKING:
    from surveil.events.rule import Rule
    from surveil.track.camera_motion import MotionEstimator
    from surveil.track.tracker import Tracker


class CameraStep:
    """The camera's motion, tracker, then rules, in a fixed order.

    It has no threads and no locks: one camera's frames pass it one by one. The live layout, the file layout
    and replays call the same `step`, so that the same detections give the same tracks and events everywhere.

    Attributes:
        last_id: the highest track id that was given so far.
    """

    def __init__(
        self,
        tracker: Tracker,
        labels: LabelMap,
        rules: Sequence[Rule] = (),
        *,
        motion: MotionEstimator | None = None,
        last_id: int = 0,
    ) -> None:
        """Put the parts together.

        Args:
            tracker: of this camera.
            labels: the detector's classes.
            rules: what looks at the tracks.
            motion: tells the tracker how the camera moves; None: it rests.
            last_id: the highest id that this camera's trackers have given before.
        """
        self._tracker, self._labels, self._rules = tracker, labels, tuple(rules)
        self._motion = motion
        self._boxes: Boxes = np.zeros((0, 4), np.float32)
        self._followed = 0  # tracks after the last frame
        self.last_id = last_id
        self._looked_wall_s = 0.0

    def step(
        self, frame: Frame, detections: Detections | None, timings_ms: Mapping[str, float] = NO_TIMINGS
    ) -> FrameResult:
        """The result of one frame; `detections` is None where the detector did not look at it."""
        info = frame.info
        if detections is not None:
            self._boxes = detections.boxes
        motion = None
        # Where nothing is followed and nobody looked, nobody asks how the camera moved.
        if self._motion is not None and (self._followed or detections is not None):
            motion = self._motion.look(frame.image, frame.pts_s, self._boxes)
        if detections is None:
            tracks = self._tracker.predict(info, motion)
        else:
            tracks = self._tracker.update(info, detections, motion)
            self._looked_wall_s = frame.wall_s
            if self._motion is not None:
                self._motion.mark()
        self._followed = len(tracks)
        self.last_id = max(self.last_id, int(tracks.ids.max(initial=0)))
        events = tuple(event for rule in self._rules for event in rule.update(info, tracks))
        return FrameResult(
            frame=frame,
            detections=Detections.empty(frame.size, self._labels) if detections is None else detections,
            tracks=tracks,
            events=events,
            detected=detections is not None,
            timings_ms=timings_ms,
        )

    def memory(self) -> Memory:
        """What the camera's next tracker takes over. Any thread; beside a running step one frame is open."""
        return Memory(last_id=self.last_id, tracker=self._tracker.snapshot(), wall_s=self._looked_wall_s)
