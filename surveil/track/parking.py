"""What stands for long and cannot walk away: a parked car keeps its id while a crowd passes in front of it.

A track has an anchor, about the box at which it has been since `anchored_s`. Of a class that parks, and
anchored for long enough, it is parked. A parked track that is lost waits at its anchor, much longer than
others live, and only what fits its place wakes it. While it is in sight, too, an object of another class
(labels flicker) is believed to be it only where it fits well: whoever passes by does not steal its id.
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


def follow(tracks: Any, gap_s: NDArray[np.float64], now_s: float, config: TrackerConfig) -> None:
    """Carry on the anchors of tracks (N,) that have just been seen, gap_s (N,) after the last time.

    Until something is parked its anchor is the mean of what was seen, as single detections are off; from then
    on it stays, as whatever creeps would take it along.
    """
    boxes, anchor = tracks["observed"], tracks["anchor"]
    overlap = height_modulated_iou(boxes, anchor)
    there_s = now_s - tracks["anchored_s"]
    long_there = there_s >= config.park_after_s
    moved = (overlap < np.where(long_there, WOKEN, MOVED_ON)) & ~_part(boxes, anchor, overlap)
    if moved.any():
        anchor[moved], tracks["anchored_s"][moved] = boxes[moved], now_s
    settles = ~long_there & (overlap >= MOVED_ON) & (gap_s > 0)
    if settles.any():
        weight = (gap_s / (there_s + gap_s))[settles, None]
        anchor[settles] += weight * (boxes[settles] - anchor[settles])


def fits(pairs: Pairs, parked: Mask, lost: Mask, same_class: Mask, tracks: Boxes, found: Boxes) -> Mask:
    """Mask (P,) of the pairs that may be: all but those of a parked track and what does not fit it.

    Args:
        pairs: P pairs of tracks and detections.
        parked: (N,) tracks that are parked.
        lost: (N,) tracks that are lost.
        same_class: (P,) pairs whose detection has the track's class.
        tracks: (N, 4) xyxy, where the tracks are.
        found: (M, 4) xyxy detections.
    """
    may = ~parked[pairs.tracks] | (pairs.overlap >= MOVED_ON) | (same_class & ~lost[pairs.tracks])
    asks = np.flatnonzero(~may & same_class)
    overlap = pairs.overlap[asks]
    part = _part(found[pairs.detections[asks]], tracks[pairs.tracks[asks]], overlap)
    may[asks] = (overlap >= WOKEN) | part
    return may


def _part(boxes: Boxes, anchor: Boxes, overlap: NDArray[np.float64]) -> Mask:
    """Mask (N,) of boxes that lie in their anchor: what is seen of an object that is partly hidden."""
    low, high = np.maximum(boxes[:, :2], anchor[:, :2]), np.minimum(boxes[:, 2:], anchor[:, 2:])
    common = np.maximum(high - low, 0).prod(axis=1)
    size = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray((common >= INSIDE * size) & (overlap >= PART))
