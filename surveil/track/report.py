"""What other rooms see of the tracks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveil.labels import LabelMap
from surveil.track import kalman
from surveil.track.lifecycle import Table, blocks_of, boxes_at
from surveil.types import Tracks

NOBODY_LEFT = np.zeros(0, np.int64)


class Whereabouts(NamedTuple):
    """Where tracks are thought to be at some moment.

    Attributes:
        ids: (N,) int64.
        boxes: (N, 4) float32 xyxy px.
        std: (N, 4) float32: standard deviations of centre x, centre y, width and height, px.
    """

    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    std: NDArray[np.float32]


def whereabouts(tracks: Table, now_s: float) -> Whereabouts:
    """Predicted boxes at a time not before the last detections, and how sure they are."""
    filters = kalman.predict(blocks_of(tracks), now_s - tracks["seen_s"])
    boxes = kalman.to_boxes(filters.x, filters.scale).astype(np.float32)
    return Whereabouts(tracks["ids"].copy(), boxes, np.sqrt(filters.p11).astype(np.float32))


def report(
    tracks: Table,
    now_s: float,
    frame_size: tuple[int, int] | None,
    labels: LabelMap,
    removed: NDArray[np.int64] = NOBODY_LEFT,
) -> Tracks:
    """The tracks at a time not before their last detections; who is seen then has the detection's box."""
    smoothed = boxes_at(tracks, now_s).astype(np.float32)
    unseen_s = now_s - tracks["seen_s"]
    matched = (unseen_s == 0)[:, None]
    return Tracks(
        ids=tracks["ids"].copy(),
        boxes=np.where(matched, tracks["observed"].astype(np.float32), smoothed),
        smoothed_boxes=smoothed,
        scores=tracks["scores"].copy(),
        class_ids=tracks["class_ids"].copy(),
        states=tracks["states"].copy(),
        velocity=tracks["v"][:, :2].astype(np.float32),
        age_s=(now_s - tracks["born_s"]).astype(np.float32),
        unseen_s=unseen_s.astype(np.float32),
        frame_size=frame_size,
        labels=labels,
        removed=removed,
    )
