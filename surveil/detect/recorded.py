"""Stored detections as a detector: tracker and rules are exact from them, on any processor.

The format is JSON Lines, one object a frame: `{camera, frame, pts_s, size: [w, h], detections: [{label,
score, box: [x1, y1, x2, y2]}]}`; `frame` counts from 0, boxes are pixels of the frame.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from surveil.detect.preprocess import Placement, Prepared
from surveil.detect.strict import parse_json
from surveil.errors import DataError, UsageError
from surveil.geometry import Boxes, clip_boxes
from surveil.labels import SURVEIL_6, LabelMap
from surveil.types import Detections, Frame

log = logging.getLogger(__name__)

_KEYS: Final = frozenset(("camera", "frame", "pts_s", "size", "detections"))
_DETECTION_KEYS: Final = frozenset(("label", "score", "box"))
_AS_IT_IS: Final = Placement(scale_x=1.0, scale_y=1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedFrame:
    """One line of a file.

    Attributes:
        line: its number, counted from 1.
        camera: the camera's name.
        frame: the frame's index, counted from 0.
        pts_s: media time in seconds.
        size: (width, height) of the frame in pixels.
        labels: (N) class names.
        scores: (N) in 0-1.
        boxes: (N) times x1, y1, x2, y2 in pixels of the frame.
    """

    line: int
    camera: str
    frame: int
    pts_s: float
    size: tuple[int, int]
    labels: tuple[str, ...]
    scores: tuple[float, ...]
    boxes: tuple[tuple[float, float, float, float], ...]


def read_detections(path: Path) -> Iterator[RecordedFrame]:
    """The frames of a file of detections, in its order.

    Raises:
        UsageError: the file cannot be read, or a line is wrong; the message holds FILE:LINE and the reason.
    """
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, start=1):
                try:
                    yield _frame_of(text, number)
                except (ValueError, RecursionError) as error:
                    raise DataError(f"{path}:{number}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: the file of detections cannot be read: {reason}") from error


class RecordedDetector:
    """See `Detector`. A frame that the file does not hold is empty.

    Frames are found by camera and index; in a file of one camera by the index alone, so that a recording can
    be replayed under another name.
    """

    def __init__(
        self,
        path: Path,
        *,
        labels: LabelMap | None = None,
        classes: Sequence[str] | None = None,
        min_score: float = 0.0,
    ) -> None:
        """Read the whole file.

        Args:
            path: JSON Lines.
            labels: the classes of the model that was recorded; by default the project's own six where they
                suffice, else those that occur, in the order of the alphabet.
            classes: names of the classes that are kept; by default all.
            min_score: detections below it are dropped.

        Raises:
            UsageError: the file cannot be read or is wrong, or a class is unknown.
        """
        self._path = path
        recorded = list(read_detections(path))
        self._labels = labels or labels_of(recorded)
        wanted = None if classes is None else frozenset(self._labels.ids_of(classes))
        self._cameras = frozenset(frame.camera for frame in recorded)
        self._frames: dict[tuple[str, int], tuple[int, Detections]] = {}
        self._outside = 0
        for frame in recorded:
            key = self._key(frame.camera, frame.frame)
            if key in self._frames:
                first, _ = self._frames[key]
                raise DataError(f"{path}:{frame.line}: frame {frame.frame} stands on line {first} already")
            self._frames[key] = frame.line, self._detections(frame, wanted, min_score)
        if self._outside:
            log.warning("%s: detections left out as they lie outside their frame: %d", path, self._outside)

    @property
    def labels(self) -> LabelMap:
        """See `Detector`."""
        return self._labels

    @property
    def card(self) -> None:
        """None: the file does not name its model."""
        return

    @property
    def device(self) -> str:
        """See `Detector`."""
        return f"recorded detections ({self._path.name})"

    def prepare(self, frame: Frame) -> Prepared:
        """See `Detector`: nothing is resized, the tensor is empty."""
        return Prepared(info=frame.info, tensor=np.zeros(0, np.uint8), placement=_AS_IT_IS)

    def detect(self, batch: Sequence[Prepared]) -> list[Detections]:
        """See `Detector`.

        Raises:
            DataError: a frame has another size than the recorded one.
        """
        return [self._of(prepared) for prepared in batch]

    def close(self) -> None:
        """See `Detector`."""

    def _of(self, prepared: Prepared) -> Detections:
        info = prepared.info
        if info.size is None:
            raise DataError("Prepared.info.size: expected (width, height), got None")
        line, found = self._frames.get(self._key(info.camera_id, info.index), (0, None))
        if found is None:
            return Detections.empty(info.size, self._labels)
        if found.frame_size != info.size:
            (w, h), (width, height) = found.frame_size, info.size
            raise DataError(
                f"{self._path}:{line}: recorded in frames of {w}x{h}, but frame {info.index} of "
                f"{info.camera_id} has {width}x{height}: these detections belong to another video"
            )
        return found

    def _key(self, camera: str, frame: int) -> tuple[str, int]:
        return (camera if len(self._cameras) > 1 else "", frame)

    def _detections(
        self, frame: RecordedFrame, wanted: frozenset[int] | None, min_score: float
    ) -> Detections:
        try:
            class_ids = self._labels.ids_of(frame.labels)
        except UsageError as error:
            raise DataError(f"{self._path}:{frame.line}: {error}") from error
        rows = [
            row
            for row, class_id in enumerate(class_ids)
            if frame.scores[row] >= min_score and (wanted is None or class_id in wanted)
        ]
        boxes: Boxes = np.array([frame.boxes[row] for row in rows], np.float32).reshape(-1, 4)
        cut = clip_boxes(boxes, frame.size)
        inside = np.all(cut[:, 2:] > cut[:, :2], axis=1)  # other programs write boxes that nobody could see
        self._outside += int(np.count_nonzero(~inside))
        return Detections(
            boxes=cut,
            scores=np.array([frame.scores[row] for row in rows], np.float32),
            class_ids=np.array([class_ids[row] for row in rows], np.int32),
            frame_size=frame.size,
            labels=self._labels,
        ).select(inside)


def labels_of(recorded: Iterable[RecordedFrame]) -> LabelMap:
    """The project's own six classes where they suffice, else those that occur, in order of the alphabet."""
    names = {label for frame in recorded for label in frame.labels}
    if names <= set(SURVEIL_6.names):
        return SURVEIL_6
    return LabelMap(f"recorded-{len(names)}", tuple(sorted(names)))


def _frame_of(text: str, number: int) -> RecordedFrame:
    """One line. Raises ValueError that says what is wrong."""
    row = _object(parse_json(text), "the line", _KEYS)
    found = [_detection(value, k) for k, value in enumerate(_list(row["detections"], "detections"))]
    width, height = _numbers(row["size"], "size", 2)
    if not (width >= 1 and height >= 1 and width.is_integer() and height.is_integer()):
        raise ValueError(f"size: expected [width, height] in whole pixels, got {row['size']}")
    if not isinstance(row["frame"], int) or isinstance(row["frame"], bool) or row["frame"] < 0:
        raise ValueError(f"frame: expected a whole number from 0, got {row['frame']!r}")
    return RecordedFrame(
        line=number,
        camera=_text(row["camera"], "camera"),
        frame=row["frame"],
        pts_s=_numbers([row["pts_s"]], "pts_s", 1)[0],
        size=(int(width), int(height)),
        labels=tuple(label for label, _, _ in found),
        scores=tuple(score for _, score, _ in found),
        boxes=tuple(box for _, _, box in found),
    )


def _detection(value: object, k: int) -> tuple[str, float, tuple[float, float, float, float]]:
    where = f"detections[{k}]"
    row = _object(value, where, _DETECTION_KEYS)
    (score,) = _numbers([row["score"]], f"{where}.score", 1)
    if not 0 <= score <= 1:
        raise ValueError(f"{where}.score: expected 0 to 1, got {score:g}")
    x1, y1, x2, y2 = _numbers(row["box"], f"{where}.box", 4)
    if x2 < x1 or y2 < y1:
        raise ValueError(f"{where}.box: expected x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, got {row['box']}")
    return _text(row["label"], f"{where}.label"), score, (x1, y1, x2, y2)


def _object(value: object, where: str, keys: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected an object, got {type(value).__name__}")
    if value.keys() != keys:
        missing, unknown = sorted(keys - value.keys()), sorted(value.keys() - keys)
        raise ValueError(f"{where}: missing keys {missing}, unknown keys {unknown}")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{where}: expected a list, got {type(value).__name__}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where}: expected a text that is not empty, got {value!r}")
    return value


def _numbers(value: object, where: str, count: int) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f"{where}: expected {count} numbers, got {value!r}")
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise ValueError(f"{where}: expected finite numbers, got {number!r}")
    return tuple(float(number) for number in value)
