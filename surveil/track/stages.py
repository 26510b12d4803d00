"""Who may be matched with whom, and in which order: the stages of one frame.

What is surest goes first, and what one stage has matched is out of the next:

1. good detections with the predictions of confirmed and lost tracks;
2. weak detections with tracks that were seen in the last frame (someone half hidden scores low);
3. good detections left over with the places where tracks were last seen (who stopped while hidden);
4. good detections left over with tentative tracks;
5. weak detections left over with tentative tracks, which go on then, but are no further confirmed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from surveil.track import parking
from surveil.track.assignment import Array, Index, Pairs, assign, overlapping
from surveil.track.config import TrackerConfig
from surveil.track.lifecycle import CONFIRMED, LOST, TENTATIVE, Table, boxes_at
from surveil.types import Detections

Mask = NDArray[np.bool_]
NOBODY = -1
Likeness = Callable[[NDArray[np.int64], Index], Array]
"""See `Appearance.likeness`; detections by their row here."""


class Association:
    """One frame's tracks and detections, and what has been matched so far.

    Attributes:
        detection_of: (N,) for every track the row of its detection, or -1.
        open_detections: (M,) mask of detections that are no track's.
    """

    def __init__(
        self,
        tracks: Table,
        found: Detections,
        config: TrackerConfig,
        parks: Mask,
        likeness: Likeness | None = None,
    ) -> None:
        """Prepare it.

        Args:
            tracks: (N,) of the last frame.
            found: M detections.
            config: constants.
            parks: (C,) mask of the classes that park.
            likeness: a further factor of pairs; None: looks do not count.
        """
        self._tracks, self._found, self._config, self._likeness = tracks, found, config, likeness
        self._boxes = found.boxes.astype(np.float64)
        self._parked = parking.parked(tracks, parks, config)
        self.detection_of: Index = np.full(len(tracks), NOBODY, np.intp)
        self.open_detections = np.ones(len(found), np.bool_)

    def run(self, now_s: float) -> None:
        """All stages."""
        tracks, scores, config = self._tracks, self._found.scores, self._config
        if len(tracks) == 0 or len(scores) == 0:
            return
        good = scores >= config.high
        weak = (scores >= config.low) & ~good
        trial, in_sight = tracks["states"] == TENTATIVE, tracks["states"] == CONFIRMED

        pairs, plain = self._pairs(boxes_at(tracks, now_s))
        scored = plain * scores[pairs.detections]
        self._match(pairs, scored, config.predicted_gate, ~trial, good)
        self._match(pairs, plain, config.low_gate, in_sight, weak)
        if (~trial & (self.detection_of == NOBODY)).any() and (good & self.open_detections).any():
            self._match(*self._pairs(tracks["observed"]), config.observed_gate, ~trial, good)
        self._match(pairs, scored, config.tentative_gate, trial, good)
        self._match(pairs, plain, config.low_gate, trial, weak)

    def _pairs(self, where: Array) -> tuple[Pairs, Array]:
        """Pairs of the tracks at boxes (N, 4) and the detections, and their affinity (P,)."""
        tracks, class_ids = self._tracks, self._found.class_ids
        pairs = overlapping(where, self._boxes)
        if self._parked.any():
            same = tracks["class_ids"][pairs.tracks] == class_ids[pairs.detections]
            lost = tracks["states"] == LOST
            pairs = pairs.select(parking.fits(pairs, self._parked, lost, same, where, self._boxes))
        affinity = pairs.overlap
        if tracks["votes"].shape[1] > 1:
            affinity = affinity * self._class_factor(pairs)
        if self._likeness is not None:
            affinity = affinity * self._likeness(tracks["ids"][pairs.tracks], pairs.detections)
        return pairs, affinity

    def _class_factor(self, pairs: Pairs) -> Array:
        """What is left of a pair's affinity (P,), from 1 down, when that class is rather another track's.

        A label speaks for one track and against another, never against the detection: where detectors change
        their mind, a label that nobody had before costs nothing. Never 0: a hard rule would break tracks.
        """
        share = self._tracks["votes"][pairs.tracks, self._found.class_ids[pairs.detections]]
        best = np.zeros(len(self._found))
        np.maximum.at(best, pairs.detections, share)
        return np.asarray(1 - self._config.class_cost * (best[pairs.detections] - share))

    def _match(self, pairs: Pairs, affinity: Array, gate: float, tracks: Mask, detections: Mask) -> None:
        """Match the open ones of `tracks` (N,) and `detections` (M,), where the affinity reaches `gate`."""
        tracks = tracks & (self.detection_of == NOBODY)
        detections = detections & self.open_detections
        if not (tracks.any() and detections.any()):
            return
        may = affinity >= gate
        may &= tracks[pairs.tracks]
        may &= detections[pairs.detections]
        rows = np.flatnonzero(may)
        if len(rows) == 0:
            return
        i, j = pairs.tracks[rows], pairs.detections[rows]
        chosen = assign(i, j, affinity[rows])
        self.detection_of[i[chosen]] = j[chosen]
        self.open_detections[j[chosen]] = False
