"""A tracker follows one camera: the detections of a frame in, all its tracks out."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from surveil.labels import LabelMap
from surveil.track import classes, lifecycle, parking
from surveil.track.appearance import Appearance
from surveil.track.assignment import Index
from surveil.track.checks import canonical, check_detections, check_motion, check_step
from surveil.track.config import Thresholds, TrackerConfig
from surveil.track.lifecycle import LOST, TENTATIVE, Table
from surveil.track.report import NOBODY_LEFT, Whereabouts, report, whereabouts
from surveil.track.snapshot import TrackerState, continued, dump, load
from surveil.track.stages import NOBODY, Association, Likeness
from surveil.types import Detections, FrameInfo, Tracks

__all__ = ["SurveilTracker", "Thresholds", "Tracker", "TrackerConfig"]


class Tracker(Protocol):
    """What follows objects; one instance per camera, called frame by frame from one thread."""

    def update(
        self, info: FrameInfo, detections: Detections, motion: NDArray[np.float64] | None = None
    ) -> Tracks:
        """All tracks of every state after a frame on which the detector ran.

        A track matched at this frame has unseen_s = 0, and its box is the detection; the others are
        predictions. What has ended since the last update is `removed`. dt = 0 since the last update
        associates without predicting. After a step of more than 3 s all tracks have ended; their ids do not
        come back. When the detections come with another label map than before (the model was swapped), living
        tracks keep their class by name, and `Tracks.labels` is the new map from then on.

        Args:
            info: the frame's place and media time.
            detections: what was found, in any order.
            motion: (2, 3) affine that maps pixels of the last updated frame to this one; None: the camera
                rests.

        Raises:
            DataError: the time steps back; a box is not finite or has no size; a score or class id is out of
                its range; more than 10,000 detections. Nothing has changed then.
        """

    def predict(self, info: FrameInfo, motion: NDArray[np.float64] | None = None) -> Tracks:
        """All tracks at a frame on which the detector did not run: predictions. The tracker does not change.

        `motion` is the camera's since the last update, as in `update`.

        Raises:
            DataError: the time lies before the last update, or the motion is none.
        """

    def snapshot(self) -> str | None:
        """All that is known, for `open_tracker` to go on from; None: this tracker forgets. Any thread."""


class SurveilTracker:
    """The house's tracker: SORT's idea with the best of its successors, for all tracks of a camera at once.

    Times are media seconds, so that skipped and irregular frames cost nothing. Ids count from 1, are handed
    out from left to right within a frame, and do not depend on the order of the detections.
    """

    def __init__(
        self,
        config: TrackerConfig,
        labels: LabelMap,
        *,
        ids_after: int = 0,
        appearance: Appearance | None = None,
    ) -> None:
        """`ids_after`: the last id that was given before, by whatever; none up to it comes again."""
        self._config = config
        self._appearance = appearance
        self._state = TrackerState(
            next_id=ids_after + 1,
            now_s=None,
            labels=labels,
            spoken=labels,
            tracks=np.zeros(0, lifecycle.table_type(len(labels))),
        )
        self._know(labels)

    @classmethod
    def resume(
        cls,
        snapshot: str,
        config: TrackerConfig,
        *,
        ids_after: int = 0,
        at_s: float | None = None,
        appearance: Appearance | None = None,
    ) -> SurveilTracker:
        """A tracker that goes on where another one was when it gave `snapshot`, bit for bit.

        Args:
            snapshot: see `snapshot`.
            config: constants.
            ids_after: no id up to it is given, even where the snapshot's next one is smaller.
            at_s: what the media time of the snapshot's last update is in the frames that follow; None: they
                count as those before.
            appearance: see `Appearance`.

        Raises:
            DataError: the snapshot is damaged, or of another version.
        """
        state = continued(load(snapshot), ids_after, at_s)
        tracker = cls(config, state.labels, appearance=appearance)
        tracker._state = state
        return tracker

    def snapshot(self) -> str:
        """All that is known, as JSON, for `resume`. Any thread: what is known is exchanged, never changed."""
        return dump(self._state)

    def update(
        self, info: FrameInfo, detections: Detections, motion: NDArray[np.float64] | None = None
    ) -> Tracks:
        """See `Tracker`."""
        step_s = check_step(info, self._state.now_s)
        check_detections(info, detections)
        check_motion(info, motion)
        rows = canonical(detections)
        found = detections.select(rows)
        best = classes.best_guesses(found, self._config.same_overlap)
        if not best.all():
            found, rows = found.select(best), rows[best]
        self._speak(found.labels)
        state, now_s, anew = self._state, info.pts_s, step_s > self._config.max_step_s
        tracks = state.tracks[:0] if anew else state.tracks
        if motion is not None:
            tracks = lifecycle.moved(tracks, motion)
        tracks = self._alive(tracks, now_s)

        association = Association(tracks, found, self._config, self._parks, self._likeness(rows))
        association.run(now_s)
        first = np.flatnonzero(association.open_detections & (found.scores >= self._config.birth))
        newborn = self._births(found, first, now_s, anew)
        after = self._carried(tracks, found, association.detection_of, now_s)
        twice = lifecycle.duplicates(after, now_s, self._config.same_overlap)
        after = lifecycle.joined(after[~twice] if twice.any() else after, newborn)
        removed = NOBODY_LEFT
        if len(after) - len(newborn) < len(state.tracks):
            removed = np.setdiff1d(state.tracks["ids"], after["ids"], assume_unique=True)
        self._state = replace(state, now_s=now_s, tracks=after, next_id=state.next_id + len(newborn))
        if self._appearance is not None:
            seen = association.detection_of != NOBODY
            ids = np.concatenate([tracks["ids"][seen], newborn["ids"]])
            self._appearance.learn(ids, rows[np.concatenate([association.detection_of[seen], first])])
            self._appearance.forget(removed)
        return report(after, now_s, found.frame_size, self._state.labels, removed)

    def predict(self, info: FrameInfo, motion: NDArray[np.float64] | None = None) -> Tracks:
        """See `Tracker`."""
        check_motion(info, motion)
        tracks = self._at(info)
        if motion is not None:
            tracks = lifecycle.moved(tracks, motion)
        return report(tracks, info.pts_s, info.size, self._state.labels)

    def boxes_at(self, pts_s: float) -> Whereabouts:
        """Where the tracks are thought to be at a media time not before the last update, and how surely.

        Raises:
            DataError: the time lies before the last update.
        """
        return whereabouts(self._at(FrameInfo(camera_id="boxes_at", index=0, pts_s=pts_s)), pts_s)

    def _at(self, info: FrameInfo) -> Table:
        """The tracks that are alive at a later moment."""
        step_s = check_step(info, self._state.now_s)
        tracks = self._state.tracks
        if step_s > self._config.max_step_s:
            return tracks[:0]
        return self._alive(tracks, info.pts_s)

    def _alive(self, tracks: Table, now_s: float) -> Table:
        """Without lost tracks whose life is over; who was seen at the last update has a chance."""
        lost = tracks["states"] == LOST
        if not lost.any():
            return tracks
        over = lifecycle.overdue(tracks, now_s, self._lives(tracks)) & lost
        return tracks[~over] if over.any() else tracks

    def _lives(self, tracks: Table) -> NDArray[np.float64]:
        """How long each track (N,) may stay unseen."""
        parked = parking.parked(tracks, self._parks, self._config)
        kinds = tracks["class_ids"]
        return np.asarray(np.where(parked, self._parked_lives_s[kinds], self._lives_s[kinds]))

    def _carried(self, tracks: Table, found: Detections, row: Index, now_s: float) -> Table:
        """The tracks after this frame: `row` (N,) is the detection of each, or NOBODY."""
        config, seen = self._config, np.flatnonzero(row != NOBODY)
        after = lifecycle.hit(tracks[seen], found, row[seen], now_s, self._parks, config)
        if len(seen) == len(tracks):
            return after
        all_tracks = tracks.copy()
        all_tracks[seen] = after
        known = np.flatnonzero((row == NOBODY) & (tracks["states"] != TENTATIVE))
        missed = lifecycle.miss(tracks[known], self._parks, config)
        all_tracks[known] = missed
        stays = row != NOBODY
        stays[known] = ~lifecycle.overdue(missed, now_s, self._lives(missed))
        carried: Table = all_tracks[stays]
        return carried

    def _births(self, found: Detections, rows: Index, now_s: float, anew: bool) -> Table:
        """Tracks from detections that fit none; without trial in a first frame, which had none before it."""
        if len(rows) == 0:
            return self._state.tracks[:0]
        first, sure = found.select(rows), self._config.sure_score
        confirmed = anew if anew or sure is None else first.scores >= sure
        return lifecycle.born(first, self._state.next_id, now_s, len(self._state.labels), confirmed)

    def _speak(self, labels: LabelMap) -> None:
        """Carry the living tracks over to the label map of the detections, when that is another one."""
        state = self._state
        if labels == state.spoken:
            return
        old = state.tracks
        known, votes, ids = classes.adopt(labels, state.labels, old["votes"], old["class_ids"])
        tracks = np.zeros(len(ids), lifecycle.table_type(len(known)))
        for name in set(tracks.dtype.names or ()) - {"votes", "class_ids"}:
            tracks[name] = old[name]
        tracks["votes"], tracks["class_ids"] = votes, ids
        self._state = replace(state, labels=known, spoken=labels, tracks=tracks)
        self._know(known)

    def _know(self, labels: LabelMap) -> None:
        self._lives_s = self._config.lives_s(labels)
        self._parked_lives_s = self._config.parked_lives_s(labels)
        self._parks = self._parked_lives_s > 0

    # ---- appearance

    def _likeness(self, rows: Index) -> Likeness | None:
        """What the looks say of pairs; `rows` (M,) are the detections' places where they came from."""
        looks = self._appearance
        return None if looks is None else lambda ids, found: looks.likeness(ids, rows[found])
