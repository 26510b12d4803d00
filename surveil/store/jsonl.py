"""Tracks and detections as JSON Lines: one object a frame, flushed, empty ones too; pure ASCII."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from surveil.store.lines import LineWriter
from surveil.store.rows import reported
from surveil.types import FrameResult, Tracks, TrackState


class _JsonlWriter(LineWriter):
    """What both writers share: one object a line."""

    def _write(self, row: dict[str, Any]) -> None:
        self._lines.write(json.dumps(row, separators=(", ", ": "), allow_nan=False) + "\n")


class TracksJsonlWriter(_JsonlWriter):
    """One object a frame, see below.

    `{camera, frame, pts_s, tracks: [{id, label, score, box, smoothed_box, state, coasting}], removed: [id]}`

    `frame` counts from 0 at the start of the source. Boxes are [x1, y1, x2, y2] in pixels of the frame: `box`
    is the matched detection, `smoothed_box` the filter's. Boxes are rounded to 0.01 px, scores to 0.0001,
    times to a microsecond. `removed` are tracks that have ended: each that a line told of is told once, also
    where a line was lost or an earlier file told of it.
    """

    def __init__(self, target: Path | TextIO, *, all_states: bool = False) -> None:
        """Open the target.

        Args:
            target: a file, or a text stream that stays open.
            all_states: write tentative, lost and coasting tracks too.

        Raises:
            OutputError: it cannot be written.
        """
        super().__init__(target)
        self._all_states = all_states
        self._told: dict[str, set[int]] = {}  # ids that lines have told of, and that live, by camera

    def write(self, result: FrameResult) -> None:
        """Write one frame. Raises OutputError."""
        tracks = reported(result, all_states=self._all_states)
        boxes, smoothed = _rounded(tracks.boxes, 2), _rounded(tracks.smoothed_boxes, 2)
        scores, coasting = _rounded(tracks.scores, 4), tracks.coasting.tolist()
        rows = [
            {
                "id": track_id,
                "label": tracks.labels[int(tracks.class_ids[row])],
                "score": scores[row],
                "box": boxes[row],
                "smoothed_box": smoothed[row],
                "state": TrackState(int(tracks.states[row])).name.lower(),
                "coasting": coasting[row],
            }
            for row, track_id in enumerate(tracks.ids.tolist())
        ]
        frame = result.frame
        self._write(
            {
                "camera": frame.camera_id,
                "frame": frame.index,
                "pts_s": round(frame.pts_s, 6),
                "tracks": rows,
                "removed": self._ended(result, tracks),
            }
        )

    def _ended(self, result: FrameResult, told: Tracks) -> list[int]:
        """Ids that lines have told of, and that are no more; `told` are the tracks of this line."""
        alive = set(result.tracks.ids.tolist())
        known = self._told.get(result.frame.camera_id)
        if known is None:  # an earlier file may have told of all that is older than this one
            known = alive | set(result.tracks.removed.tolist())
        self._told[result.frame.camera_id] = (known & alive) | set(told.ids.tolist())
        return sorted(known - alive)


class DetectionsJsonlWriter(_JsonlWriter):
    """`{camera, frame, pts_s, size: [w, h], detections: [{label, score, box}]}` a frame that was looked at.

    Nothing is rounded: every number reads back as the very float32 (times: float64) it was, so that tracking
    from the file equals tracking live. Frames where the detector did not run have no line: an empty one would
    say that there was nothing.
    """

    def write(self, result: FrameResult) -> None:
        """Write one frame. Raises OutputError."""
        if not result.detected:
            return
        found, frame = result.detections, result.frame
        boxes, scores = _shortest(found.boxes), _shortest(found.scores)
        rows = [
            {"label": found.labels[class_id], "score": scores[row], "box": boxes[row]}
            for row, class_id in enumerate(found.class_ids.tolist())
        ]
        self._write(
            {
                "camera": frame.camera_id,
                "frame": frame.index,
                "pts_s": frame.pts_s,
                "size": list(found.frame_size),
                "detections": rows,
            }
        )


def _rounded(values: NDArray[np.float32], digits: int) -> Any:
    # In float64, whose shortest text has no more than the digits asked for.
    return np.round(values.astype(np.float64), digits).tolist()


def _shortest(values: NDArray[np.float32]) -> Any:
    """Nested lists of floats whose shortest text is the shortest that still gives the same float32."""
    flat = [float(str(value)) for value in values.ravel()]
    return flat if values.ndim == 1 else [flat[start : start + 4] for start in range(0, len(flat), 4)]
