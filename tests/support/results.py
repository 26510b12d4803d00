"""Results with tracks and detections of one's own choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surveil.labels import SURVEIL_6, LabelMap
from surveil.types import Detections, Frame, FrameResult, Tracks, TrackState

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class A:
    """A track: `A(3, (10, 20, 30, 60))` is person 3, confirmed and matched."""

    id: int
    box: Box
    score: float = 0.75
    class_id: int = 0
    state: TrackState = TrackState.CONFIRMED
    unseen_s: float = 0.0
    smoothed: Box | None = None


def tracks_of(
    rows: Sequence[A], *, size: tuple[int, int] = (320, 240), labels: LabelMap = SURVEIL_6
) -> Tracks:
    n = len(rows)
    return Tracks(
        ids=np.array([row.id for row in rows], np.int64),
        boxes=np.array([row.box for row in rows], np.float32).reshape(n, 4),
        smoothed_boxes=np.array([row.smoothed or row.box for row in rows], np.float32).reshape(n, 4),
        scores=np.array([row.score for row in rows], np.float32),
        class_ids=np.array([row.class_id for row in rows], np.int32),
        states=np.array([row.state for row in rows], np.int8),
        velocity=np.zeros((n, 2), np.float32),
        age_s=np.ones(n, np.float32),
        unseen_s=np.array([row.unseen_s for row in rows], np.float32),
        frame_size=size,
        labels=labels,
    )


def result_of(
    rows: Sequence[A] = (),
    *,
    index: int = 0,
    pts_s: float | None = None,
    size: tuple[int, int] = (320, 240),
    detected: bool = True,
    detections: Detections | None = None,
    labels: LabelMap = SURVEIL_6,
    camera_id: str = "door",
) -> FrameResult:
    frame = Frame(
        camera_id=camera_id,
        index=index,
        pts_s=index / 10 if pts_s is None else pts_s,
        wall_s=0.0,
        arrived_s=0.0,
        image=np.full((size[1], size[0], 3), 90, np.uint8),
    )
    return FrameResult(
        frame=frame,
        detections=detections or Detections.empty(size, labels),
        tracks=tracks_of(rows, size=size, labels=labels),
        detected=detected,
    )
