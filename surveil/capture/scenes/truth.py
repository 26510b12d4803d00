"""What is in a scene's frames, exactly; written as JSON and as MOT text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.capture.scenes.config import SceneConfig
from surveil.capture.scenes.layout import LINES
from surveil.errors import DataError, OutputError

SCHEMA = 1
MOT_CLASSES = {"person": 1, "car": 3}
"""Class numbers of the MOTChallenge ground truth."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectTruth:
    """One object in one frame.

    Attributes:
        id: from 1, the same in all frames, never used again.
        label: `person` or `car`.
        box: xyxy px of the whole object, hidden parts too, cut at the frame's edges.
        visibility: share of the object that is seen, 0-1: neither outside the frame nor behind something.
        ground: where it stands, metres: x to the right of the camera, y away from it.
    """

    id: int
    label: str
    box: Box
    visibility: float
    ground: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class CrossingTruth:
    """An object went over a line of `layout.LINES` since the last frame; `way` as in `scenario.crossing`."""

    id: int
    label: str
    line: str
    way: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FrameTruth:
    """Everything about one frame.

    Attributes:
        index: of the frame, from 0.
        pts_s: media time.
        objects: of which at least a fiftieth is seen, in the order of their ids.
        crossings: since the frame before, seen or not.
        motion: (3, 3) float64: homography from pixels of the last frame to this one's, of what stands still.
    """

    index: int
    pts_s: float
    objects: tuple[ObjectTruth, ...]
    crossings: tuple[CrossingTruth, ...]
    motion: NDArray[np.float64]


def mot_text(frames: Sequence[FrameTruth]) -> str:
    """MOTChallenge ground truth: `frame,id,left,top,width,height,1,class,visibility`, frames from 1."""
    lines = []
    for frame in frames:
        for item in frame.objects:
            x1, y1, x2, y2 = item.box
            place = f"{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f}"
            kind = MOT_CLASSES[item.label]
            lines.append(f"{frame.index + 1},{item.id},{place},1,{kind},{item.visibility:.3f}\n")
    return "".join(lines)


def truth_json(config: SceneConfig, frames: Sequence[FrameTruth]) -> str:
    """The same and more as JSON, one line a frame, so that it can be read and compared."""
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "size": list(config.size),
        "fps": config.fps,
        "seed": config.seed,
        "shake": config.shake,
        "pan": config.pan,
        "lines": LINES,
    }
    rows = ",\n".join(json.dumps(_frame_json(frame, config.moving)) for frame in frames)
    return f'{json.dumps(head)[:-1]}, "frames": [\n{rows}\n]}}\n'


def _frame_json(frame: FrameTruth, moving: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "frame": frame.index,
        "pts_s": round(frame.pts_s, 6),
        "objects": [
            {
                "id": item.id,
                "label": item.label,
                "box": [round(edge, 2) for edge in item.box],
                "visibility": round(item.visibility, 3),
                "ground": [round(metres, 3) for metres in item.ground],
            }
            for item in frame.objects
        ],
        "crossings": [
            {"id": step.id, "label": step.label, "line": step.line, "way": step.way}
            for step in frame.crossings
        ],
    }
    if moving:
        row["motion"] = [[round(value, 9) for value in line] for line in frame.motion.tolist()]
    return row


def write_truth(video: Path, config: SceneConfig, frames: Sequence[FrameTruth]) -> tuple[Path, Path]:
    """Write `NAME.json` and `NAME.mot.txt` beside `NAME.mp4`; their paths.

    Raises:
        OutputError: a file could not be written.
    """
    texts = {
        video.with_suffix(".json"): truth_json(config, frames),
        video.with_suffix(".mot.txt"): mot_text(frames),
    }
    for path, text in texts.items():
        try:
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise OutputError(f"cannot write the truth {path}: {error.strerror}") from error
    first, second = texts
    return first, second


def read_truth(path: Path) -> list[FrameTruth]:
    """The frames of a JSON that `write_truth` made.

    Raises:
        DataError: no such JSON.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise DataError(f"{path}: expected truth of schema {SCHEMA}, got {content['schema']!r}")
        return [_frame_of(row) for row in content["frames"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: expected the truth of a scene as JSON, got {error!r}") from error


def _frame_of(row: dict[str, Any]) -> FrameTruth:
    objects = (
        ObjectTruth(**{**item, "box": tuple(item["box"]), "ground": tuple(item["ground"])})
        for item in row["objects"]
    )
    return FrameTruth(
        index=row["frame"],
        pts_s=row["pts_s"],
        objects=tuple(objects),
        crossings=tuple(CrossingTruth(**step) for step in row["crossings"]),
        motion=np.array(row.get("motion", np.eye(3)), np.float64),
    )
