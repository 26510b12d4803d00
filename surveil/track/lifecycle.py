"""The life of a track: tentative -> confirmed -> lost -> gone, for all tracks of a camera at once.

birth --(second hit)--> CONFIRMED --(miss)--> LOST --(unseen for its life)--> gone
  └ TENTATIVE --(miss)--> gone        ^--(hit)--┘
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surveil.track import classes, kalman, parking
from surveil.track.assignment import Index, overlapping
from surveil.track.config import TrackerConfig
from surveil.types import Detections, TrackState

Mask = NDArray[np.bool_]
Table = NDArray[np.void]
"""(N,) all living tracks of a camera in the order of their ids, one record each; see `table_type`.

The filters stand where they were at each track's last detection: what a track looks like at another time is
predicted from there whenever it is asked for, and asking changes nothing.
"""
TENTATIVE, CONFIRMED, LOST = (state.value for state in TrackState)  # plain numbers: enum look-ups are slow


def table_type(classes: int) -> np.dtype[np.void]:
    """The fields of a track; boxes are xyxy px, times are media seconds."""
    return np.dtype(
        [
            ("ids", np.int64),
            ("hits", np.int64),  # detections so far, weak ones of a tentative track not counted
            ("born_s", np.float64),  # time of the first detection
            ("seen_s", np.float64),  # time of the last detection
            ("anchored_s", np.float64),  # since when it has been at its anchor
            ("votes", np.float64, (classes,)),  # shares of the classes
            ("observed", np.float64, (4,)),  # the last detection
            ("anchor", np.float64, (4,)),  # where it stands, or began to move on from
            *((name, np.float64, (4,)) for name in kalman.Blocks._fields),  # the filters at seen_s
            ("scores", np.float32),  # of the last detection
            ("class_ids", np.int32),  # the voted class
            ("states", np.int8),  # values of `TrackState`
        ],
        align=True,
    )


def blocks_of(tracks: Table) -> kalman.Blocks:
    """The filters of tracks, as views."""
    return kalman.Blocks(*(tracks[name] for name in kalman.Blocks._fields))


def boxes_at(tracks: Table, now_s: float) -> NDArray[np.float64]:
    """Smoothed or predicted boxes xyxy (N, 4) at a time not before the last detections."""
    ahead_s = (now_s - tracks["seen_s"])[:, None]
    return kalman.to_boxes(tracks["x"] + tracks["v"] * ahead_s, tracks["scale"])


def moved(tracks: Table, motion: NDArray[np.float64]) -> Table:
    """The tracks seen by a camera that moved by `motion` (2, 3) since the last frame."""
    tracks = tracks.copy()
    for name in ("observed", "anchor"):
        seen = kalman.warp(kalman.birth(kalman.to_measurements(tracks[name])), motion)
        tracks[name] = kalman.to_boxes(seen.x, seen.scale)
    _put(tracks, kalman.warp(blocks_of(tracks), motion))
    return tracks


def born(found: Detections, first_id: int, now_s: float, classes_known: int, confirmed: Mask | bool) -> Table:
    """New tracks, one from each detection, with ids from first_id on; confirmed (N,): who skips the trial."""
    tracks = np.zeros(len(found), table_type(classes_known))
    tracks["ids"] = np.arange(first_id, first_id + len(found))
    tracks["states"] = np.where(confirmed, CONFIRMED, TENTATIVE)
    tracks["hits"] = 1
    for name in ("born_s", "seen_s", "anchored_s"):
        tracks[name] = now_s
    tracks["scores"], tracks["class_ids"] = found.scores, found.class_ids
    tracks["votes"] = classes.first_votes(found.class_ids, classes_known)
    tracks["observed"] = tracks["anchor"] = found.boxes
    _put(tracks, kalman.birth(kalman.to_measurements(found.boxes)))
    return tracks


def hit(
    tracks: Table, found: Detections, rows: Index, now_s: float, parks: Mask, config: TrackerConfig
) -> Table:
    """The tracks (N,) after one detection each, given by its row (N,): filter, vote and state carried on.

    `parks` (C,) are the classes that park.
    """
    boxes, scores, class_ids = found.boxes[rows], found.scores[rows], found.class_ids[rows]
    before, tracks = tracks, tracks.copy()
    gap_s = now_s - before["seen_s"]
    z = kalman.to_measurements(boxes)
    blocks = kalman.update(kalman.predict(blocks_of(before), gap_s), z)
    known = before["states"] != TENTATIVE
    again = (before["states"] == LOST) & (gap_s > config.restart_gap_s)
    if again.any():
        last = kalman.to_measurements(before["observed"][again])
        for field, new in zip(blocks, kalman.restart(z[again], last, gap_s[again]), strict=True):
            field[again] = new  # made by `update` a moment ago: nobody else has them
    _put(tracks, blocks)
    tracks["hits"] += known | (scores >= config.high)  # a weak detection proves no new track
    tracks["states"] = np.where(known | (tracks["hits"] >= config.confirm_hits), CONFIRMED, TENTATIVE)
    if tracks["votes"].shape[1] > 1:
        tracks["votes"] = classes.vote(before["votes"], before["hits"], class_ids)
        tracks["class_ids"] = classes.elect(tracks["votes"], before["class_ids"])
    tracks["seen_s"], tracks["scores"], tracks["observed"] = now_s, scores, boxes
    if parks.any() and parks[tracks["class_ids"]].any():
        parking.follow(tracks, gap_s, now_s, config)
    return tracks


def miss(tracks: Table, parks: Mask, config: TrackerConfig) -> Table:
    """Tracks (N,) that were known and have no detection: they are lost from now on.

    They move on, but grow and shrink no more (as in BoT-SORT): the last boxes before an occlusion shrink
    because less is seen of the object, not because it does. What is parked stays where it is parked.
    """
    tracks = tracks.copy()
    tracks["states"] = LOST
    tracks["v"][:, 2:] = 0
    parked = parking.parked(tracks, parks, config)
    if parked.any():
        tracks["x"][parked] = kalman.to_measurements(tracks["anchor"][parked])
        tracks["v"][parked] = 0
    return tracks


def overdue(tracks: Table, now_s: float, lives_s: NDArray[np.float64]) -> Mask:
    """Mask (N,) of tracks that have been unseen for longer than they may be, lives_s (N,)."""
    return np.asarray(now_s - tracks["seen_s"] > lives_s)


def duplicates(tracks: Table, now_s: float, most_overlap: float) -> Mask:
    """Mask (N,) of lost tracks that lie upon an older one that is seen: the same object counted twice."""
    twice = np.zeros(len(tracks), np.bool_)
    lost = np.flatnonzero(tracks["states"] == LOST)
    live = np.flatnonzero(tracks["states"] == CONFIRMED)
    if len(lost) and len(live):
        boxes = boxes_at(tracks, now_s)
        pairs = overlapping(boxes[lost], boxes[live])
        i, j = lost[pairs.tracks], live[pairs.detections]
        twice[i[(pairs.overlap > most_overlap) & (i > j)]] = True  # rows are in the order of ids
    return twice


def joined(one: Table, other: Table) -> Table:
    """These tracks, then the others; `np.concatenate` takes long to compare their types."""
    if len(other) == 0:
        return one
    both = np.empty(len(one) + len(other), one.dtype)
    both[: len(one)], both[len(one) :] = one, other
    return both


def _put(tracks: Table, blocks: kalman.Blocks) -> None:
    for name, field in zip(kalman.Blocks._fields, blocks, strict=True):
        tracks[name] = field
