"""What stands for long and cannot walk away: a parked car keeps its id while a crowd passes in front of it.

A track has an anchor, the box at which it has been since `anchored_s`. Of a class that parks, and anchored
for long enough, it is parked. A parked track that is lost waits at its anchor, much longer than others live,
and only what fits its place wakes it, an object of another class (labels flicker) only where it fits well:
whoever passes by does not steal its id.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.track.assignment import Pairs, height_modulated_iou
from surveil.track.config import TrackerConfig

Mask = NDArray[np.bool_]
Boxes = NDArray[np.float64]

MOVED_ON = 0.7  # a box that overlaps its anchor less has moved on; one that overlaps it more fits well
WOKEN = 0.5  # once parked, it takes more: detections of what is half hidden jump about
INSIDE = 0.8  # of a box's area; that much within the anchor makes it a part of what stands there
PART = 0.15  # the smallest part that is believed


def parked(tracks: Any, parks: Mask, config: TrackerConfig) -> Mask:
    """Mask (N,) of the tracks that were parked when they were last seen."""
    if not parks.any():
        return np.zeros(len(tracks), np.bool_)
    long_there = tracks["seen_s"] - tracks["anchored_s"] >= config.park_after_s
    return np.asarray(parks[tracks["class_ids"]] & long_there)


def follow(tracks: Any, now_s: float, config: TrackerConfig) -> None:
    """Move the anchors of tracks (N,) that have just been seen elsewhere."""
    boxes, anchor = tracks["observed"], tracks["anchor"]
    overlap = height_modulated_iou(boxes, anchor)
    least = np.where(now_s - tracks["anchored_s"] >= config.park_after_s, WOKEN, MOVED_ON)
    moved = (overlap < least) & ~_part(boxes, anchor, overlap)
    if moved.any():
        anchor[moved], tracks["anchored_s"][moved] = boxes[moved], now_s


def wakes(pairs: Pairs, waiting: Mask, same_class: Mask, tracks: Boxes, detections: Boxes) -> Mask:
    """Mask (P,) of the pairs that may be: all but those of a track that waits and what does not fit it.

    Args:
        pairs: P pairs of tracks and detections.
        waiting: (N,) tracks that are parked and lost.
        same_class: (P,) pairs whose detection has the track's class.
        tracks: (N, 4) xyxy, where the tracks are.
        detections: (M, 4) xyxy.
    """
    may = ~waiting[pairs.tracks]
    asks = np.flatnonzero(~may & same_class)
    overlap = pairs.overlap[asks]
    part = _part(detections[pairs.detections[asks]], tracks[pairs.tracks[asks]], overlap)
    may[asks] = (overlap >= WOKEN) | part
    return may | (pairs.overlap >= MOVED_ON)


def _part(boxes: Boxes, anchor: Boxes, overlap: NDArray[np.float64]) -> Mask:
    """Mask (N,) of boxes that lie in their anchor: what is seen of an object that is partly hidden."""
    low, high = np.maximum(boxes[:, :2], anchor[:, :2]), np.minimum(boxes[:, 2:], anchor[:, 2:])
    common = np.maximum(high - low, 0).prod(axis=1)
    size = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray((common >= INSIDE * size) & (overlap >= PART))
