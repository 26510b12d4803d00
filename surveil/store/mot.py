"""Tracks in the text format of the MOT Challenge."""

from __future__ import annotations

from pathlib import Path
from typing import Self, TextIO

from surveil.geometry import xyxy_to_xywh
from surveil.store.lines import LineFile
from surveil.store.rows import reported
from surveil.types import FrameResult


class MotWriter:
    """`frame,id,left,top,width,height,score,-1,-1,-1`, a line for each confirmed track; frames from 1.

    The boxes are the filter's, in pixels of the frame. Between two runs of the detector (every Nth frame) the
    predictions are written as well: a trajectory in this format has no other way to say where the object was.
    """

    def __init__(self, target: Path | TextIO) -> None:
        """Open a file, or use a text stream that stays open. Raises OutputError if it cannot be written."""
        self._lines = LineFile(target)

    def write(self, result: FrameResult) -> None:
        """Write one frame; nothing where no track is. Raises OutputError."""
        tracks, frame = reported(result), result.frame.index + 1
        boxes = xyxy_to_xywh(tracks.smoothed_boxes).tolist()
        rows = zip(tracks.ids.tolist(), boxes, tracks.scores.tolist(), strict=True)
        self._lines.write("".join(_line(frame, *row) for row in rows))

    def close(self) -> None:
        """Finish the file; a second call does nothing. Raises OutputError."""
        self._lines.close()

    def abort(self) -> None:
        """Stop after a failure; what is written stays."""
        self._lines.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._lines.__exit__(kind)


def _line(frame: int, track_id: int, box: list[float], score: float) -> str:
    left, top, width, height = box
    return f"{frame},{track_id},{left:.2f},{top:.2f},{width:.2f},{height:.2f},{score:.4f},-1,-1,-1\n"
