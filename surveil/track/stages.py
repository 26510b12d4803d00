"""Who may be matched with whom, and in which order: the stages of one frame.

What is surest goes first, and what one stage has matched is out of the next:

1. good detections with the predictions of confirmed and lost tracks;
2. weak detections with tracks that were seen in the last frame (someone half hidden scores low);
3. good detections left over with the places where tracks were last seen (who stopped while hidden);
4. good detections left over with tentative tracks;
5. weak detections left over with tentative tracks, which go on then, but are no further confirmed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surveil.track.assignment import Array, Index, Pairs, assign, overlapping
from surveil.track.config import TrackerConfig
from surveil.track.lifecycle import CONFIRMED, TENTATIVE, TrackTable
from surveil.types import Detections

Mask = NDArray[np.bool_]
NOBODY = -1


def associate(tracks: TrackTable, found: Detections, now_s: float, config: TrackerConfig) -> Index:
    """For every track (N,) the row of its detection, or -1; a detection belongs to at most one track."""
    matching = _Matching(len(tracks), len(found))
    if len(tracks) == 0 or len(found) == 0:
        return matching.detection_of
    boxes = found.boxes.astype(np.float64)
    good = found.scores >= config.high
    weak = (found.scores >= config.low) & ~good
    known = tracks.states != TENTATIVE
    in_sight = tracks.states == CONFIRMED

    pairs = overlapping(tracks.boxes_at(now_s), boxes)
    plain = pairs.overlap * _class_factor(tracks, found, pairs, config)
    scored = plain * found.scores[pairs.detections]
    matching.run(pairs, scored, config.predicted_gate, known, good)
    matching.run(pairs, plain, config.low_gate, in_sight, weak)
    if np.any(known & matching.open_tracks) and np.any(good & matching.open_detections):
        where_seen = overlapping(tracks.observed, boxes)
        affinity = where_seen.overlap * _class_factor(tracks, found, where_seen, config)
        matching.run(where_seen, affinity, config.observed_gate, known, good)
    matching.run(pairs, scored, config.tentative_gate, ~known, good)
    matching.run(pairs, plain, config.low_gate, ~known, weak)
    return matching.detection_of


class _Matching:
    """What has been matched so far in one frame."""

    def __init__(self, tracks: int, detections: int) -> None:
        self.detection_of: Index = np.full(tracks, NOBODY, np.intp)
        self.open_detections = np.ones(detections, np.bool_)

    @property
    def open_tracks(self) -> Mask:
        return np.asarray(self.detection_of == NOBODY)

    def run(self, pairs: Pairs, affinity: Array, gate: float, tracks: Mask, detections: Mask) -> None:
        """Match the open ones of `tracks` (N,) and `detections` (M,), where the affinity reaches `gate`."""
        may = affinity >= gate
        may &= (tracks & self.open_tracks)[pairs.tracks]
        may &= (detections & self.open_detections)[pairs.detections]
        if not may.any():
            return
        i, j = pairs.tracks[may], pairs.detections[may]
        chosen = assign(i, j, affinity[may])
        self.detection_of[i[chosen]] = j[chosen]
        self.open_detections[j[chosen]] = False


def _class_factor(tracks: TrackTable, found: Detections, pairs: Pairs, config: TrackerConfig) -> Array:
    """What is left of a pair's affinity (P,), from 1 down, when the track has mostly been something else.

    Never 0: detectors take a van for a car now and then, and a hard rule would break the track each time.
    """
    share = tracks.votes[pairs.tracks, found.class_ids[pairs.detections]]
    return 1 - config.class_cost * (1 - share)
