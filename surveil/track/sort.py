"""SORT as in the textbook (Bewley et al., arXiv 1602.00763), with one filterpy filter per track.

The reference to compare with (`--tracker sort`). It counts in frames, as its paper does: one update is one
step, whatever time has passed. What a predict-only frame shows lies on the line through the last step, in
proportion of the media time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from surveil.geometry import iou
from surveil.labels import LabelMap
from surveil.track.checks import canonical, check_detections, check_motion, check_step
from surveil.track.kalman import to_measurements
from surveil.types import Detections, FrameInfo, Tracks, TrackState

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class SortConfig:
    """Constants of `SortTracker`.

    Attributes:
        min_score: detections below are not looked at.
        max_age: frames that a track may stay unseen (the paper: 1; its successors: 30).
        min_hits: detections in a row, after the first, that confirm a track.
        min_iou: least overlap of a detection with a prediction.
        max_step_s: after a longer step all tracks end.
    """

    min_score: float = 0.6
    max_age: int = 30
    min_hits: int = 3
    min_iou: float = 0.3
    max_step_s: float = 3.0


class SortTracker:
    """The textbook; see `Tracker` for the protocol. The label of a track is that of its last detection.

    As in the paper a track that was lost has to be confirmed anew, and everything is confirmed in the first
    `min_hits` frames. The camera's motion is not used.
    """

    def __init__(self, config: SortConfig, labels: LabelMap, *, ids_after: int = 0) -> None:
        """`ids_after`: the last id that was given before; none up to it comes again."""
        self._config = config
        self._labels = labels
        self._tracks: list[_BoxFilter] = []
        self._next_id = ids_after + 1
        self._frames = 0
        self._now_s: float | None = None
        self._step_s = 0.0

    def update(
        self, info: FrameInfo, detections: Detections, motion: NDArray[np.float64] | None = None
    ) -> Tracks:
        """See `Tracker`; after dt = 0 the filters are updated without being predicted."""
        step_s = check_step(info, self._now_s)
        check_detections(info, detections)
        check_motion(info, motion)
        found = detections.select(canonical(detections))
        before = {track.id for track in self._tracks}
        if found.labels != self._labels:
            self._tracks = _renamed(self._tracks, self._labels, found.labels)
            self._labels = found.labels
        if step_s > self._config.max_step_s:
            self._tracks, self._frames = [], 0
        else:
            self._step_s = step_s
        if step_s > 0:
            self._frames += 1
            for track in self._tracks:
                track.predict()
        self._match(found.select(found.scores >= self._config.min_score), info.pts_s)
        self._tracks = [t for t in self._tracks if t.misses <= self._config.max_age]
        self._now_s = info.pts_s
        removed = before - {track.id for track in self._tracks}
        tracks = self._report(info.pts_s, 0.0, found.frame_size)
        return replace(tracks, removed=np.array(sorted(removed), np.int64))

    def predict(self, info: FrameInfo, motion: NDArray[np.float64] | None = None) -> Tracks:
        """See `Tracker`."""
        check_motion(info, motion)
        ahead_s = check_step(info, self._now_s)
        if ahead_s > self._config.max_step_s:
            return Tracks.empty(info.size, self._labels)
        steps = ahead_s / self._step_s if self._step_s > 0 else 0.0
        return self._report(info.pts_s, steps, info.size)

    def snapshot(self) -> None:
        """See `Tracker`: the textbook knows no restart."""

    def _match(self, found: Detections, now_s: float) -> None:
        """Pair detections with predictions; what is left of the detections begins new tracks."""
        predicted = np.array([track.box() for track in self._tracks]).reshape(-1, 4)
        overlap = iou(found.boxes.astype(np.float64), predicted)
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        partner = dict(zip(columns.tolist(), rows.tolist(), strict=True))
        taken = set()
        for k, track in enumerate(self._tracks):
            row = partner.get(k)
            if row is not None and overlap[row, k] >= self._config.min_iou:
                track.update(found, row, now_s)
                taken.add(row)
            else:
                track.miss()
        for row in range(len(found)):
            if row not in taken:
                self._tracks.append(_BoxFilter(self._next_id, found, row, now_s))
                self._next_id += 1

    def _state(self, track: _BoxFilter) -> TrackState:
        early = self._frames <= self._config.min_hits
        if track.misses == 0:
            sure = early or track.hits_in_a_row >= self._config.min_hits
            track.confirmed |= sure
            return TrackState.CONFIRMED if sure else TrackState.TENTATIVE
        return TrackState.LOST if track.confirmed else TrackState.TENTATIVE

    def _report(self, now_s: float, steps: float, frame_size: tuple[int, int] | None) -> Tracks:
        """The tracks as the other rooms see them, `steps` frames after the last update."""
        tracks = self._tracks
        smoothed = np.array([t.box(steps) for t in tracks], np.float32).reshape(-1, 4)
        seen = np.array([t.observed for t in tracks], np.float32).reshape(-1, 4)
        unseen_s = np.array([now_s - t.seen_s for t in tracks], np.float32)
        velocity = np.array([t.velocity() for t in tracks], np.float32).reshape(-1, 2)
        return Tracks(
            ids=np.array([t.id for t in tracks], np.int64),
            boxes=np.where((unseen_s == 0)[:, None], seen, smoothed),
            smoothed_boxes=smoothed,
            scores=np.array([t.score for t in tracks], np.float32),
            class_ids=np.array([t.class_id for t in tracks], np.int32),
            states=np.array([self._state(t) for t in tracks], np.int8),
            velocity=velocity / np.float32(self._step_s) if self._step_s > 0 else velocity * 0,
            age_s=np.array([now_s - t.born_s for t in tracks], np.float32),
            unseen_s=unseen_s,
            frame_size=frame_size,
            labels=self._labels,
        )


class _BoxFilter:
    """One track: centre, area and width/height of a box, with velocities of the first three per frame."""

    def __init__(self, track_id: int, found: Detections, row: int, now_s: float) -> None:
        self.id, self.born_s = track_id, now_s
        self.misses = self.hits_in_a_row = 0
        self.confirmed = False
        self._filter = _new_filter(_to_z(found.boxes[row]))
        self._note(found, row, now_s)

    def predict(self) -> None:
        """One frame ahead; an area that would fall below zero stops shrinking."""
        x = self._filter.x
        if x[2, 0] + x[6, 0] <= 0:
            x[6, 0] = 0.0
        self._filter.predict()

    def update(self, found: Detections, row: int, now_s: float) -> None:
        """Take a detection."""
        self.misses = 0
        self.hits_in_a_row += 1
        self._filter.update(_to_z(found.boxes[row]))
        self._note(found, row, now_s)

    def miss(self) -> None:
        """No detection at this frame."""
        self.misses += 1
        self.hits_in_a_row = 0

    def box(self, steps: float = 0.0) -> Array:
        """Box xyxy (4,) so many frames after the last one."""
        x = self._filter.x[:, 0]
        cx, cy = x[:2] + steps * x[4:6]
        area = max(x[2] + steps * x[6], x[2] / 100, 1e-9)
        width = np.sqrt(area * max(x[3], 1e-3))
        height = area / width
        return np.array([cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2])

    def velocity(self) -> Array:
        """Velocity of the centre (2,) in pixels per frame."""
        return np.asarray(self._filter.x[4:6, 0])

    def _note(self, found: Detections, row: int, now_s: float) -> None:
        self.seen_s, self.observed = now_s, found.boxes[row]
        self.score, self.class_id = float(found.scores[row]), int(found.class_ids[row])


def _new_filter(z: Array) -> Any:
    """The paper's filter: constant velocity, and large variances of what cannot be seen at first."""
    from filterpy.kalman import KalmanFilter

    f = KalmanFilter(dim_x=7, dim_z=4)
    f.F = np.eye(7) + np.eye(7, k=4)
    f.H = np.eye(4, 7)
    f.R[2:, 2:] *= 10.0
    f.P[4:, 4:] *= 1000.0
    f.P *= 10.0
    f.Q[-1, -1] *= 0.01
    f.Q[4:, 4:] *= 0.01
    f.x[:4] = z
    return f


def _to_z(box: NDArray[np.float32]) -> Array:
    """Centre x, centre y, area, width / height (4, 1) of a box."""
    cx, cy, width, height = to_measurements(box[None])[0]
    return np.array([[cx], [cy], [width * height], [width / height]])


def _renamed(tracks: list[_BoxFilter], old: LabelMap, new: LabelMap) -> list[_BoxFilter]:
    """Tracks with the new map's class ids; what it has no name for ends, as the new model will not see it."""
    kept = [track for track in tracks if old[track.class_id] in new.names]
    for track in kept:
        track.class_id = new.id_of(old[track.class_id])
    return kept
