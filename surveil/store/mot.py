"""Tracks in the text format of the MOT Challenge."""

from __future__ import annotations

from surveil.geometry import xyxy_to_xywh
from surveil.store.lines import LineWriter
from surveil.store.rows import reported
from surveil.types import FrameResult, Tracks


class MotWriter(LineWriter):
    """`frame,id,left,top,width,height,score,-1,-1,-1`, a line for each confirmed track; frames from 1.

    The boxes are the filter's, in pixels of the frame. Between two runs of the detector (every Nth frame) the
    predictions are written as well: a trajectory in this format has no other way to say where the object was.
    """

    def write(self, result: FrameResult) -> None:
        """Write one frame; nothing where no track is. Raises OutputError."""
        self._lines.write(mot_lines(result.frame.index + 1, reported(result)))


def mot_lines(frame: int, tracks: Tracks) -> str:
    """One line for each of the tracks: the filter's boxes; `frame` as it shall be written."""
    boxes = xyxy_to_xywh(tracks.smoothed_boxes).tolist()
    rows = zip(tracks.ids.tolist(), boxes, tracks.scores.tolist(), strict=True)
    return "".join(_line(frame, *row) for row in rows)


def _line(frame: int, track_id: int, box: list[float], score: float) -> str:
    left, top, width, height = box
    return f"{frame},{track_id},{left:.2f},{top:.2f},{width:.2f},{height:.2f},{score:.4f},-1,-1,-1\n"
