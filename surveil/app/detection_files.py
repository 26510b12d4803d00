"""Detections from files that others wrote: MOT text, COCO results, JSON Lines; one video a file.

What stands in a file counts as it stands: nothing is clipped, capped or left out, and a wrong line is an
error that names it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveil.app.number_files import number_rows, read_text
from surveil.errors import DataError, UsageError
from surveil.geometry import xywh_to_xyxy
from surveil.labels import LabelMap
from surveil.types import Detections, FrameInfo

PEOPLE = LabelMap("people", ("person",))
UNKNOWN_SIZE = (0, 0)
MOST_FRAMES = 30 * 86_400  # a day; a wrong frame number must not fill the memory with empty frames


class Row(NamedTuple):
    """One detection: left, top, width, height in pixels."""

    xywh: tuple[float, float, float, float]
    score: float
    class_id: int


class StoredVideo(NamedTuple):
    """The detections of one video.

    Attributes:
        labels: the classes.
        frames: every frame in order of time, empty ones too; `index + 1` is the number that MOT text shows.
    """

    labels: LabelMap
    frames: tuple[tuple[FrameInfo, Detections], ...]


def read_video(path: Path, fps: float | None, times: Path | None = None) -> StoredVideo:
    """A file of detections: `.jsonl` JSON Lines, `.json` COCO results, anything else MOT text.

    JSON Lines are as `surveil run --save-detections` writes them, and hold their own times. The others count
    frames: `fps` gives the time from the first number on, and a number between first and last that has no
    detection is a frame in which nothing was found. Where `times` is given, it says which frames there are.
    MOT text counts from 1 and holds people; the categories of COCO results have numbers and no names.

    Args:
        path: the file.
        fps: frames a second.
        times: a file with a line `frame seconds` for every frame.

    Raises:
        UsageError: a file cannot be read, a line is wrong (the message holds FILE:LINE), or nothing says how
            much time passes.
    """
    if path.suffix == ".jsonl":
        return _from_jsonl(path)
    labels, rows = _coco_rows(path) if path.suffix == ".json" else (PEOPLE, _mot_rows(path))
    seconds = _times_of(path, rows, fps) if times is None else read_times(times)
    unknown = sorted(rows.keys() - seconds.keys())
    if unknown:
        raise UsageError(f"{times}: has no time for frame {unknown[0]}, which {path} holds")
    frames = tuple(
        (
            FrameInfo(camera_id=path.stem, index=number - 1, pts_s=pts_s),
            _detections(rows.get(number, ()), labels),
        )
        for number, pts_s in seconds.items()
    )
    return StoredVideo(labels, frames)


def read_times(path: Path) -> dict[int, float]:
    """Seconds by frame number, in their order, from lines `frame seconds`. Raises UsageError."""
    seconds: dict[int, float] = {}
    for line, (frame, pts_s) in number_rows(path, None, 2, 2):
        number = _frame_number(f"{path}:{line}", frame)
        if number in seconds:
            raise DataError(f"{path}:{line}: frame {number} has a time already")
        seconds[number] = pts_s
    ordered = sorted(seconds)
    if any(seconds[a] > seconds[b] for a, b in pairwise(ordered)):
        raise DataError(f"{path}: expected times that rise with the frames")
    return {number: seconds[number] for number in ordered}


def read_motions(path: Path) -> dict[int, NDArray[np.float64]]:
    """Camera motion (2, 3) by frame number, from lines `frame a b tx c d ty`. Raises UsageError.

    It maps pixels of the frame before to this one.
    """
    return {
        _frame_number(f"{path}:{line}", row[0]): np.array(row[1:]).reshape(2, 3)
        for line, row in number_rows(path, None, 7, 7)
    }


def _times_of(path: Path, numbers: Iterable[int], fps: float | None) -> dict[int, float]:
    if fps is None:
        raise UsageError(f"{path}: nothing says how much time passes between frames: give --fps or --times")
    if not (math.isfinite(fps) and fps > 0):
        raise UsageError(f"fps: expected more than 0, got {fps:g}")
    first, last = min(numbers, default=1), max(numbers, default=0)
    if last - first >= MOST_FRAMES:
        raise DataError(
            f"{path}: expected at most {MOST_FRAMES} frames, got the numbers {first} to {last}; cut it into "
            "pieces, or name the frames with --times"
        )
    return {number: (number - first) / fps for number in range(first, last + 1)}


def _mot_rows(path: Path) -> dict[int, list[Row]]:
    """Detections by frame from lines `frame,id,left,top,width,height,score,…`."""
    rows: dict[int, list[Row]] = {}
    for line, (number, _, left, top, width, height, score, *_) in number_rows(path, ",", 7, 10):
        _check(f"{path}:{line}", width, height, score)
        frame = _frame_number(f"{path}:{line}", number)
        rows.setdefault(frame, []).append(Row((left, top, width, height), score, 0))
    return rows


def _coco_rows(path: Path) -> tuple[LabelMap, dict[int, list[Row]]]:
    """Detections by image number from a list of `{image_id, category_id, bbox, score}`."""
    try:
        found = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: expected JSON: {error}") from error
    if not isinstance(found, list):
        raise DataError(f"{path}: expected COCO results, a list, got {type(found).__name__}")
    read = [_coco_row(value, f"{path}: result {k}") for k, value in enumerate(found)]
    categories = sorted({category for _, category, _, _ in read})
    names = tuple(f"category {category}" for category in categories) or PEOPLE.names
    rows: dict[int, list[Row]] = {}
    for number, category, box, score in read:
        rows.setdefault(number, []).append(Row(box, score, categories.index(category)))
    return LabelMap(f"coco-{len(names)}", names), rows


def _coco_row(value: Any, where: str) -> tuple[int, int, tuple[float, float, float, float], float]:
    try:
        number, category, score = int(value["image_id"]), int(value["category_id"]), float(value["score"])
        left, top, width, height = map(float, value["bbox"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{where}: expected image_id and category_id (whole numbers), bbox [left, top, width, height] "
            f"and score, got {json.dumps(value)[:120]}"
        ) from error
    if not all(map(math.isfinite, (left, top))):
        raise DataError(f"{where}: expected finite numbers, got bbox {value['bbox']}")
    _check(where, width, height, score)
    return number, category, (left, top, width, height), score


def _from_jsonl(path: Path) -> StoredVideo:
    from surveil.detect.recorded import labels_of, read_detections

    recorded = sorted(read_detections(path), key=lambda frame: frame.frame)
    cameras = sorted({frame.camera for frame in recorded})
    if len(cameras) > 1:
        raise UsageError(f"{path}: holds {len(cameras)} cameras ({', '.join(cameras)}); give one a file")
    labels = labels_of(recorded)
    frames = tuple(
        (
            FrameInfo(camera_id=frame.camera, index=frame.frame, pts_s=frame.pts_s, size=frame.size),
            Detections(
                boxes=np.array(frame.boxes, np.float32).reshape(-1, 4),
                scores=np.array(frame.scores, np.float32),
                class_ids=np.array(labels.ids_of(frame.labels), np.int32),
                frame_size=frame.size,
                labels=labels,
            ),
        )
        for frame in recorded
    )
    return StoredVideo(labels, frames)


def _detections(rows: Sequence[Row], labels: LabelMap) -> Detections:
    xywh = np.array([row.xywh for row in rows], np.float64).reshape(-1, 4)
    return Detections(
        boxes=xywh_to_xyxy(xywh).astype(np.float32),
        scores=np.array([row.score for row in rows], np.float32),
        class_ids=np.array([row.class_id for row in rows], np.int32),
        frame_size=UNKNOWN_SIZE,
        labels=labels,
    )


def _frame_number(where: str, number: float) -> int:
    if number < 1 or number != int(number):
        raise DataError(f"{where}: expected a frame number from 1, got {number:g}")
    return int(number)


def _check(where: str, width: float, height: float, score: float) -> None:
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise DataError(f"{where}: expected width and height above 0, got {width:g} and {height:g}")
    if not 0 <= score <= 1:
        raise DataError(f"{where}: expected a score in 0-1, got {score:g}")
