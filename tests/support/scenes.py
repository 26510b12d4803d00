"""Detections made by hand, for the tests of trackers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surveil.labels import SURVEIL_6, LabelMap
from surveil.types import Detections, FrameInfo, Tracks

SIZE = (640, 480)
Box = tuple[float, float, float, float]


def frame(pts_s: float, index: int = 0) -> FrameInfo:
    return FrameInfo(camera_id="gate", index=index, pts_s=pts_s, size=SIZE)


def found(
    boxes: Sequence[Box] | np.ndarray,
    scores: float | Sequence[float] | np.ndarray = 0.9,
    classes: int | Sequence[int] | np.ndarray = 0,
    labels: LabelMap = SURVEIL_6,
) -> Detections:
    """Detections of boxes xyxy; one score or class may stand for all."""
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(
        boxes=rows,
        scores=np.broadcast_to(np.asarray(scores, np.float32), len(rows)).copy(),
        class_ids=np.broadcast_to(np.asarray(classes, np.int32), len(rows)).copy(),
        frame_size=SIZE,
        labels=labels,
    )


def person(x: float, y: float = 100, width: float = 40, height: float = 100) -> Box:
    """A box whose left upper corner is (x, y)."""
    return (x, y, x + width, y + height)


def ids(tracks: Tracks) -> list[int]:
    return tracks.ids.tolist()


def crowd(n: int, frames: int, seed: int = 0) -> list[tuple[FrameInfo, Detections]]:
    """n people who walk about a large square at 30 fps, with noise, misses and false detections."""
    rng = np.random.default_rng(seed)
    width = rng.uniform(20, 60, n)
    place, pace = rng.uniform(0, [1920, 1080], (n, 2)), rng.normal(0, 60, (n, 2))
    size = np.stack([width, width * rng.uniform(2, 3, n)], axis=1)
    scene = []
    for k in range(frames):
        place = place + pace / 30
        centre = place + rng.normal(0, 0.03, (n, 2)) * size
        seen = np.concatenate([centre - size / 2, centre + size / 2], axis=1)[rng.random(n) > 0.08]
        corner = rng.uniform(0, [1920, 1080], (n // 20, 2))
        boxes = np.concatenate([seen, np.concatenate([corner, corner + np.array([30, 80])], axis=1)])
        scene.append((frame(k / 30, k), found(boxes, rng.uniform(0.3, 1, len(boxes)))))
    return scene
