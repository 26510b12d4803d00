"""The life of a track: tentative -> confirmed -> lost -> gone, for all tracks of a camera at once.

birth --(second hit)--> CONFIRMED --(miss)--> LOST --(unseen for its life)--> gone
  └ TENTATIVE --(miss)--> gone        ^--(hit)--┘
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from surveil.labels import LabelMap
from surveil.track import classes, kalman
from surveil.track.assignment import Index, overlapping
from surveil.track.config import TrackerConfig
from surveil.types import Detections, TrackState

Mask = NDArray[np.bool_]
TENTATIVE, CONFIRMED, LOST = (state.value for state in TrackState)  # plain numbers: enum look-ups are slow


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackTable:
    """All living tracks of a camera, one row each, in the order of their ids.

    The filters stand where they were at each track's last detection: what a track looks like at another time
    is predicted from there whenever it is asked for, and asking changes nothing.

    Attributes:
        ids: (N,) int64.
        states: (N,) int8, values of `TrackState`.
        hits: (N,) int64, detections so far, weak ones of a tentative track not counted.
        born_s: (N,) float64, media time of the first detection.
        seen_s: (N,) float64, media time of the last detection.
        scores: (N,) float32, of the last detection.
        class_ids: (N,) int32, the voted class.
        votes: (N, C) float64, shares of the classes.
        observed: (N, 4) float64 xyxy px, the last detection.
        blocks: the filters at seen_s.
    """

    ids: NDArray[np.int64]
    states: NDArray[np.int8]
    hits: NDArray[np.int64]
    born_s: NDArray[np.float64]
    seen_s: NDArray[np.float64]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    votes: NDArray[np.float64]
    observed: NDArray[np.float64]
    blocks: kalman.Blocks

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, rows: Mask | Index) -> TrackTable:
        """The tracks given by a mask (N,) or by indices."""
        if rows.dtype == np.bool_ and rows.all():  # nearly every frame
            return self
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS}
        return TrackTable(**columns, blocks=self.blocks.select(rows))

    def append(self, other: TrackTable) -> TrackTable:
        """These tracks, then the others."""
        if len(other) == 0 or len(self) == 0:
            return self if len(other) == 0 else other
        columns = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _COLUMNS}
        return TrackTable(**columns, blocks=self.blocks.append(other.blocks))

    def relabelled(self, votes: NDArray[np.float64], class_ids: NDArray[np.int32]) -> TrackTable:
        """The same tracks in the words of another label map."""
        return replace(self, votes=votes, class_ids=class_ids)

    def moved(self, motion: NDArray[np.float64]) -> TrackTable:
        """The tracks seen by a camera that moved by `motion` (2, 3) since the last frame."""
        corners = kalman.to_measurements(self.observed)
        seen = kalman.warp(kalman.birth(corners), motion)
        return replace(
            self, observed=kalman.to_boxes(seen.x, seen.scale), blocks=kalman.warp(self.blocks, motion)
        )

    def boxes_at(self, now_s: float) -> NDArray[np.float64]:
        """Smoothed or predicted boxes xyxy (N, 4) at a time not before the last detections."""
        blocks = self.blocks
        return kalman.to_boxes(blocks.x + blocks.v * (now_s - self.seen_s)[:, None], blocks.scale)


_COLUMNS = tuple(column.name for column in fields(TrackTable) if column.name != "blocks")


def born(
    found: Detections, first_id: int, now_s: float, labels: LabelMap, confirmed: Mask | bool
) -> TrackTable:
    """New tracks, one from each detection, with ids from first_id on; confirmed (N,): who skips the trial."""
    n = len(found)
    return TrackTable(
        ids=np.arange(first_id, first_id + n, dtype=np.int64),
        states=np.where(confirmed, CONFIRMED, np.full(n, TENTATIVE)).astype(np.int8),
        hits=np.ones(n, np.int64),
        born_s=np.full(n, now_s),
        seen_s=np.full(n, now_s),
        scores=found.scores,
        class_ids=found.class_ids,
        votes=classes.first_votes(found.class_ids, len(labels)),
        observed=found.boxes.astype(np.float64),
        blocks=kalman.birth(kalman.to_measurements(found.boxes)),
    )


def hit(tracks: TrackTable, found: Detections, now_s: float, config: TrackerConfig) -> TrackTable:
    """The tracks after one detection each (both N rows): filter, vote and state carried on."""
    gap_s = now_s - tracks.seen_s
    z = kalman.to_measurements(found.boxes)
    blocks = kalman.update(kalman.predict(tracks.blocks, gap_s), z)
    again = (tracks.states == LOST) & (gap_s > config.restart_gap_s)
    if again.any():
        fresh = kalman.restart(z[again], kalman.to_measurements(tracks.observed[again]), gap_s[again])
        for field, new in zip(blocks, fresh, strict=True):
            field[again] = new  # made by `update` a moment ago: nobody else has them
    votes = classes.vote(tracks.votes, tracks.hits, found.class_ids)
    known = tracks.states != TENTATIVE
    hits = tracks.hits + (known | (found.scores >= config.high))  # a weak detection proves no new track
    on_trial = ~known & (hits < config.confirm_hits)
    return TrackTable(
        ids=tracks.ids,
        states=np.where(on_trial, TENTATIVE, CONFIRMED).astype(np.int8),
        hits=hits,
        born_s=tracks.born_s,
        seen_s=np.full(len(tracks), now_s),
        scores=found.scores,
        class_ids=classes.elect(votes, tracks.class_ids),
        votes=votes,
        observed=found.boxes.astype(np.float64),
        blocks=blocks,
    )


def missed(tracks: TrackTable, now_s: float, lives_s: NDArray[np.float64]) -> TrackTable:
    """What is left of tracks without a detection: the confirmed, lost from now on, as long as they may."""
    stays = (tracks.states != TENTATIVE) & ~overdue(tracks, now_s, lives_s)
    left = tracks.select(stays)
    lost = np.full(len(left), LOST, np.int8)
    return replace(left, states=lost, blocks=kalman.hold_size(left.blocks))


def overdue(tracks: TrackTable, now_s: float, lives_s: NDArray[np.float64]) -> Mask:
    """Mask (N,) of tracks that have been unseen for longer than their class may be (lives_s (C,))."""
    return np.asarray(now_s - tracks.seen_s > lives_s[tracks.class_ids])


def duplicates(tracks: TrackTable, now_s: float, most_overlap: float) -> Mask:
    """Mask (N,) of lost tracks that lie upon an older one that is seen: the same object counted twice."""
    twice = np.zeros(len(tracks), np.bool_)
    lost = np.flatnonzero(tracks.states == LOST)
    if len(lost):
        live = np.flatnonzero(tracks.states == CONFIRMED)
        boxes = tracks.boxes_at(now_s)
        pairs = overlapping(boxes[lost], boxes[live])
        i, j = lost[pairs.tracks], live[pairs.detections]
        twice[i[(pairs.overlap > most_overlap) & (tracks.ids[i] > tracks.ids[j])]] = True
    return twice
