"""A tracker follows one camera: the detections of a frame in, all its tracks out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from surveil.labels import LabelMap
from surveil.track import classes, lifecycle
from surveil.track.checks import canonical, check_detections, check_motion, check_step
from surveil.track.config import Thresholds, TrackerConfig
from surveil.track.lifecycle import LOST, TrackTable
from surveil.track.stages import NOBODY, associate
from surveil.types import Detections, FrameInfo, Tracks

__all__ = ["SurveilTracker", "Thresholds", "Tracker", "TrackerConfig"]


class Tracker(Protocol):
    """What follows objects; one instance per camera, called frame by frame from one thread."""

    def update(
        self, info: FrameInfo, detections: Detections, motion: NDArray[np.float64] | None = None
    ) -> Tracks:
        """All tracks of every state after a frame on which the detector ran.

        A track matched at this frame has unseen_s = 0, and its box is the detection; the others are
        predictions. dt = 0 since the last update associates without predicting. After a step of more than 3 s
        all tracks have ended; their ids do not come back. When the detections come with another label map
        than before (the model was swapped), living tracks keep their class by name, and `Tracks.labels` is
        the new map from then on.

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


class SurveilTracker:
    """The house's tracker: SORT's idea with the best of its successors, for all tracks of a camera at once.

    Times are media seconds, so that skipped and irregular frames cost nothing. Ids count from 1, are handed
    out from left to right within a frame, and do not depend on the order of the detections.
    """

    def __init__(self, config: TrackerConfig, labels: LabelMap) -> None:
        self._config = config
        self._labels = labels  # of the tracks
        self._spoken = labels  # of the detections; the same until a swapped model forgets living classes
        self._lives_s = config.lives_s(labels)
        self._next_id = 1
        self._now_s: float | None = None
        self._tracks = _no_tracks(labels)

    def update(
        self, info: FrameInfo, detections: Detections, motion: NDArray[np.float64] | None = None
    ) -> Tracks:
        """See `Tracker`."""
        step_s = check_step(info, self._now_s)
        check_detections(info, detections)
        check_motion(info, motion)
        found = classes.best_guesses(canonical(detections), self._config.same_overlap)
        self._speak(found.labels)
        now_s, anew = info.pts_s, step_s > self._config.max_step_s
        tracks = _no_tracks(self._labels) if anew else self._tracks
        if motion is not None:
            tracks = tracks.moved(motion)
        tracks = tracks.select(self._alive(tracks, now_s))

        row = associate(tracks, found, now_s, self._config)
        matched = row != NOBODY
        after = lifecycle.hit(tracks.select(matched), found.select(row[matched]), now_s, self._config)
        if not matched.all():
            after = after.append(lifecycle.missed(tracks.select(~matched), now_s, self._lives_s))
            after = after.select(np.argsort(after.ids))
        fitting_none = found.scores >= self._config.birth
        fitting_none[row[matched]] = False
        if fitting_none.any():
            after = after.append(self._births(found.select(fitting_none), now_s, anew))
        self._tracks = after.select(~lifecycle.duplicates(after, now_s, self._config.same_overlap))
        self._now_s = now_s
        return self._report(self._tracks, now_s, found.frame_size)

    def predict(self, info: FrameInfo, motion: NDArray[np.float64] | None = None) -> Tracks:
        """See `Tracker`."""
        step_s = check_step(info, self._now_s)
        check_motion(info, motion)
        tracks = self._tracks
        if step_s > self._config.max_step_s:
            tracks = _no_tracks(self._labels)
        if motion is not None:
            tracks = tracks.moved(motion)
        tracks = tracks.select(self._alive(tracks, info.pts_s))
        return self._report(tracks, info.pts_s, info.size)

    def _alive(self, tracks: TrackTable, now_s: float) -> NDArray[np.bool_]:
        """Mask (N,) without lost tracks whose life is over; who was seen at the last update has a chance."""
        return np.asarray((tracks.states != LOST) | ~lifecycle.overdue(tracks, now_s, self._lives_s))

    def _births(self, first: Detections, now_s: float, anew: bool) -> TrackTable:
        """Tracks from detections that fit none; without trial in a first frame, which had none before it."""
        sure = self._config.sure_score
        confirmed = anew if anew or sure is None else first.scores >= sure
        newborn = lifecycle.born(first, self._next_id, now_s, self._labels, confirmed)
        self._next_id += len(newborn)
        return newborn

    def _speak(self, labels: LabelMap) -> None:
        """Carry the living tracks over to the label map of the detections, when that is another one."""
        if labels != self._spoken:
            old, tracks = self._labels, self._tracks
            self._labels, votes, ids = classes.adopt(labels, old, tracks.votes, tracks.class_ids)
            self._tracks = tracks.relabelled(votes, ids)
            self._spoken, self._lives_s = labels, self._config.lives_s(self._labels)

    def _report(self, tracks: TrackTable, now_s: float, frame_size: tuple[int, int] | None) -> Tracks:
        """The tracks as the other rooms see them, at a time not before the last update."""
        smoothed = tracks.boxes_at(now_s).astype(np.float32)
        unseen_s = now_s - tracks.seen_s
        matched = (unseen_s == 0)[:, None]
        return Tracks(
            ids=tracks.ids,
            boxes=np.where(matched, tracks.observed.astype(np.float32), smoothed),
            smoothed_boxes=smoothed,
            scores=tracks.scores,
            class_ids=tracks.class_ids,
            states=tracks.states,
            velocity=tracks.blocks.v[:, :2].astype(np.float32),
            age_s=(now_s - tracks.born_s).astype(np.float32),
            unseen_s=unseen_s.astype(np.float32),
            frame_size=frame_size,
            labels=self._labels,
        )


def _no_tracks(labels: LabelMap) -> TrackTable:
    """A camera at its beginning."""
    return lifecycle.born(Detections.empty((0, 0), labels), 1, 0.0, labels, confirmed=False)
