"""What travels between the rooms: frozen, keyword-only, arrays read-only, shapes and dtypes checked at birth.

Empty is N = 0, never None. Boxes are xyxy float32 in pixels of the source frame. Sizes are (width, height).
Read-only arrays are views: who hands an array over does not write to it afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.errors import DataError
from surveil.labels import LabelMap

_NO_IDS = np.zeros(0, np.int64)
NO_TIMINGS: Mapping[str, float] = MappingProxyType({})


# Made once: comparing dtypes is then a comparison of identities, and a construction costs microseconds.
_U8, _I8, _I32, _I64, _F32 = (np.dtype(t) for t in (np.uint8, np.int8, np.int32, np.int64, np.float32))


def _checked(owner: object, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The field as a read-only array, or DataError that names it, what was expected and what was got."""
    value: NDArray[Any] | object = getattr(owner, name)
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.shape != shape:
        got = f"{value.shape} {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise DataError(f"{type(owner).__name__}.{name}: expected {shape} {dtype.name}, got {got}")
    if value.flags.writeable:
        value = value.view()
        value.setflags(write=False)
    return value


def _freeze(owner: object, **fields: tuple[tuple[int, ...], np.dtype[Any]]) -> None:
    """Check the owner's array fields against (shape, dtype) and make them read-only."""
    for name, (shape, dtype) in fields.items():
        object.__setattr__(owner, name, _checked(owner, name, shape, dtype))


def _rows(owner: Any, name: str) -> int:
    """How many rows the field that leads has; the others are measured against it."""
    value = getattr(owner, name)
    return len(value) if isinstance(value, np.ndarray) and value.ndim else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameInfo:
    """A frame without its picture.

    Attributes:
        camera_id: the camera's or file's name in this session.
        index: 0-based count of decoded frames since the start of the source.
        pts_s: media time in seconds, strictly rising within a camera.
        wall_s: seconds since 1970 UTC (for people).
        arrived_s: monotonic clock when the frame was decoded (for latency).
        epoch: how often the source was opened again before this frame.
        size: (width, height) in pixels; None where only stored tracks are at hand.
    """

    camera_id: str
    index: int
    pts_s: float
    wall_s: float = 0.0
    arrived_s: float = 0.0
    epoch: int = 0
    size: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One decoded picture with its clocks; fields as in `FrameInfo`.

    Attributes:
        image: (H, W, 3) uint8 BGR, read-only.
    """

    camera_id: str
    index: int
    pts_s: float
    wall_s: float
    arrived_s: float
    image: NDArray[np.uint8]
    epoch: int = 0

    def __post_init__(self) -> None:
        shape: tuple[int, ...] = getattr(self.image, "shape", ())
        if len(shape) != 3 or shape[2] != 3 or shape[0] < 1 or shape[1] < 1:
            raise DataError(f"Frame.image: expected (H, W, 3) uint8, got {shape}")
        _freeze(self, image=(shape, _U8))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def info(self) -> FrameInfo:
        """The same frame without its picture."""
        return FrameInfo(
            camera_id=self.camera_id,
            index=self.index,
            pts_s=self.pts_s,
            wall_s=self.wall_s,
            arrived_s=self.arrived_s,
            epoch=self.epoch,
            size=self.size,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Detections:
    """What a detector found in one frame.

    Attributes:
        boxes: (N, 4) float32 xyxy in pixels of the frame.
        scores: (N,) float32 in 0-1.
        class_ids: (N,) int32, into `labels`.
        frame_size: (width, height) of the frame in pixels.
        labels: the class names behind `class_ids`.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    frame_size: tuple[int, int]
    labels: LabelMap

    def __post_init__(self) -> None:
        n = _rows(self, "boxes")
        _freeze(self, boxes=((n, 4), _F32), scores=((n,), _F32), class_ids=((n,), _I32))

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def empty(cls, frame_size: tuple[int, int], labels: LabelMap) -> Detections:
        """No objects."""
        return cls(
            boxes=np.zeros((0, 4), np.float32),
            scores=np.zeros(0, np.float32),
            class_ids=np.zeros(0, np.int32),
            frame_size=frame_size,
            labels=labels,
        )

    def select(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> Detections:
        """The rows given by a mask (N,) or by indices."""
        return Detections(
            boxes=self.boxes[rows],
            scores=self.scores[rows],
            class_ids=self.class_ids[rows],
            frame_size=self.frame_size,
            labels=self.labels,
        )

    def to_supervision(self) -> Any:
        """The same as `supervision.Detections` (that library must be installed)."""
        import supervision

        names = np.array([self.labels[int(k)] for k in self.class_ids], dtype=str)
        return supervision.Detections(
            xyxy=self.boxes.copy(),
            confidence=self.scores.copy(),
            class_id=self.class_ids.astype(int),
            data={"class_name": names},
        )


class TrackState(IntEnum):
    """Where a track stands in its life."""

    TENTATIVE = 0
    CONFIRMED = 1
    LOST = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracks:
    """The tracks of one camera after one frame, in the order of their ids.

    Attributes:
        ids: (N,) int64, counted from 1, never reused.
        boxes: (N, 4) float32 xyxy px: the matched detection; the prediction where the track is coasting.
        smoothed_boxes: (N, 4) float32 xyxy px: the filter's boxes.
        scores: (N,) float32: of the last matched detection.
        class_ids: (N,) int32, into `labels`: the voted class.
        states: (N,) int8, values of `TrackState`.
        velocity: (N, 2) float32: of the box centre, px/s.
        age_s: (N,) float32: media time since the first detection.
        unseen_s: (N,) float32: media time since the last matched detection; above 0 the track is coasting.
        frame_size: (width, height) px, or None where it is not known.
        labels: the class names behind `class_ids`.
        removed: (R,) int64: tracks that were there after the frame before and have ended for good.
    """

    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    smoothed_boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    states: NDArray[np.int8]
    velocity: NDArray[np.float32]
    age_s: NDArray[np.float32]
    unseen_s: NDArray[np.float32]
    frame_size: tuple[int, int] | None
    labels: LabelMap
    removed: NDArray[np.int64] = field(default_factory=lambda: _NO_IDS)

    def __post_init__(self) -> None:
        n = _rows(self, "ids")
        _freeze(
            self,
            ids=((n,), _I64),
            boxes=((n, 4), _F32),
            smoothed_boxes=((n, 4), _F32),
            scores=((n,), _F32),
            class_ids=((n,), _I32),
            states=((n,), _I8),
            velocity=((n, 2), _F32),
            age_s=((n,), _F32),
            unseen_s=((n,), _F32),
            removed=((_rows(self, "removed"),), _I64),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def coasting(self) -> NDArray[np.bool_]:
        """(N,) bool: boxes that are predictions, because no detection was matched at this frame."""
        return self.unseen_s > 0

    @classmethod
    def empty(cls, frame_size: tuple[int, int] | None, labels: LabelMap) -> Tracks:
        """No tracks."""
        return cls(
            ids=np.zeros(0, np.int64),
            boxes=np.zeros((0, 4), np.float32),
            smoothed_boxes=np.zeros((0, 4), np.float32),
            scores=np.zeros(0, np.float32),
            class_ids=np.zeros(0, np.int32),
            states=np.zeros(0, np.int8),
            velocity=np.zeros((0, 2), np.float32),
            age_s=np.zeros(0, np.float32),
            unseen_s=np.zeros(0, np.float32),
            frame_size=frame_size,
            labels=labels,
        )

    def select(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> Tracks:
        """The rows given by a mask (N,) or by indices; `removed` stays whole."""
        return Tracks(
            ids=self.ids[rows],
            boxes=self.boxes[rows],
            smoothed_boxes=self.smoothed_boxes[rows],
            scores=self.scores[rows],
            class_ids=self.class_ids[rows],
            states=self.states[rows],
            velocity=self.velocity[rows],
            age_s=self.age_s[rows],
            unseen_s=self.unseen_s[rows],
            frame_size=self.frame_size,
            labels=self.labels,
            removed=self.removed,
        )


class Phase(StrEnum):
    """Where an event stands; the values are those that Frigate publishes."""

    NEW = "new"
    UPDATE = "update"
    END = "end"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One report of a rule about a track or a camera; `pts_s` in media seconds, `wall_s` in UTC seconds."""

    id: str
    camera_id: str
    rule: str
    kind: str
    phase: Phase
    track_id: int | None
    label: str
    score: float
    top_score: float
    box: tuple[float, float, float, float] | None
    current_zones: tuple[str, ...] = ()
    entered_zones: tuple[str, ...] = ()
    stationary: bool = False
    frame_index: int
    pts_s: float
    wall_s: float
    start_wall_s: float
    end_wall_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameResult:
    """Everything that is known of one frame after its walk through the house.

    Attributes:
        frame: the picture and its clocks.
        detections: what the detector found; empty where it did not run.
        tracks: all tracks, of every state.
        events: what the rules reported at this frame.
        detected: False where the detector did not run (every Nth frame), so that the tracks are predictions.
        timings_ms: milliseconds by stage name.
    """

    frame: Frame
    detections: Detections
    tracks: Tracks
    events: tuple[Event, ...] = ()
    detected: bool = True
    timings_ms: Mapping[str, float] = field(default_factory=lambda: NO_TIMINGS)
