"""What travels between the rooms is checked where it is made, and cannot be changed afterwards."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveil.errors import DataError
from surveil.labels import SURVEIL_6
from surveil.types import Detections, Event, Frame, FrameResult, Phase, Tracks, TrackState

SIZE = (640, 360)


def frame(image: Any = None) -> Frame:
    picture = np.zeros((360, 640, 3), np.uint8) if image is None else image
    return Frame(camera_id="door", index=7, pts_s=0.7, wall_s=1e9, arrived_s=5.0, image=picture, epoch=2)


def detection_fields(n: int = 3) -> dict[str, Any]:
    return {
        "boxes": np.arange(4 * n, dtype=np.float32).reshape(n, 4),
        "scores": np.linspace(0, 1, n, dtype=np.float32),
        "class_ids": np.arange(n, dtype=np.int32),
        "frame_size": SIZE,
        "labels": SURVEIL_6,
    }


def track_fields(n: int = 3) -> dict[str, Any]:
    return {
        "ids": np.arange(1, n + 1, dtype=np.int64),
        "boxes": np.zeros((n, 4), np.float32),
        "smoothed_boxes": np.ones((n, 4), np.float32),
        "scores": np.full(n, 0.5, np.float32),
        "class_ids": np.zeros(n, np.int32),
        "states": np.full(n, TrackState.CONFIRMED, np.int8),
        "velocity": np.zeros((n, 2), np.float32),
        "age_s": np.arange(n, dtype=np.float32),
        "unseen_s": np.arange(n, dtype=np.float32),
        "frame_size": SIZE,
        "labels": SURVEIL_6,
    }


ARRAYS = [
    (kind, fields, name)
    for kind, fields in ((Detections, detection_fields), (Tracks, track_fields))
    for name, value in fields().items()
    if isinstance(value, np.ndarray)
]
each_array = pytest.mark.parametrize(
    ("kind", "fields", "name"), ARRAYS, ids=[f"{kind.__name__}.{name}" for kind, _, name in ARRAYS]
)


@each_array
def test_wrong_dtype_is_named(kind: Any, fields: Any, name: str) -> None:
    values = fields()
    values[name] = values[name].astype(np.float64)
    with pytest.raises(DataError, match=rf"{kind.__name__}\.{name}: expected .*got .* float64"):
        kind(**values)


@each_array
def test_wrong_shape_is_named(kind: Any, fields: Any, name: str) -> None:
    values = fields()
    values[name] = np.stack([values[name], values[name]])
    with pytest.raises(DataError, match=rf"{kind.__name__}\.\w+: expected \(\d, ?\d?\).*got \("):
        kind(**values)


@each_array
def test_a_list_is_no_array(kind: Any, fields: Any, name: str) -> None:
    values = fields()
    values[name] = values[name].tolist()
    with pytest.raises(DataError, match=kind.__name__):
        kind(**values)


@each_array
def test_arrays_are_read_only(kind: Any, fields: Any, name: str) -> None:
    array = getattr(kind(**fields()), name)
    with pytest.raises(ValueError, match="read-only"):
        array[...] = 0


@pytest.mark.parametrize(("kind", "fields"), [(Detections, detection_fields), (Tracks, track_fields)])
def test_fields_cannot_be_set_and_arguments_have_names(kind: Any, fields: Any) -> None:
    value = kind(**fields())
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.scores = np.zeros(3, np.float32)
    with pytest.raises(TypeError):
        kind(*fields().values())


def test_construction_does_not_copy() -> None:
    fields = detection_fields()
    assert np.shares_memory(Detections(**fields).boxes, fields["boxes"])


def test_the_message_says_what_was_expected_and_got() -> None:
    with pytest.raises(DataError) as caught:
        Detections(**{**detection_fields(), "scores": np.zeros(5)})
    assert str(caught.value) == "Detections.scores: expected (3,) float32, got (5,) float64"


def test_empty_is_no_rows() -> None:
    detections, tracks = Detections.empty(SIZE, SURVEIL_6), Tracks.empty(None, SURVEIL_6)
    assert len(detections) == len(tracks) == 0
    assert detections.boxes.shape == tracks.boxes.shape == (0, 4)
    assert tracks.velocity.shape == (0, 2)
    assert tracks.coasting.dtype == bool


@given(st.lists(st.booleans(), min_size=3, max_size=3))
def test_select_takes_masks_and_indices_alike(mask: list[bool]) -> None:
    rows = np.array(mask, dtype=bool)
    for value in (Detections(**detection_fields()), Tracks(**track_fields())):
        by_mask, by_index = value.select(rows), value.select(np.flatnonzero(rows))
        assert len(by_mask) == rows.sum()
        for field in dataclasses.fields(value):
            left, right = getattr(by_mask, field.name), getattr(by_index, field.name)
            assert np.array_equal(left, right) if isinstance(left, np.ndarray) else left == right


def test_select_keeps_rows_together() -> None:
    chosen = Detections(**detection_fields()).select(np.array([2, 0]))
    assert chosen.class_ids.tolist() == [2, 0]
    assert chosen.boxes[:, 0].tolist() == [8.0, 0.0]
    assert (chosen.frame_size, chosen.labels) == (SIZE, SURVEIL_6)


def test_coasting_means_unseen() -> None:
    assert Tracks(**track_fields()).coasting.tolist() == [False, True, True]


@pytest.mark.parametrize("shape", [(), (3,), (4, 4), (4, 4, 1), (4, 4, 4), (0, 4, 3), (4, 0, 3)])
def test_a_frame_is_a_colour_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"Frame.image: expected \(H, W, 3\) uint8"):
        frame(np.zeros(shape, np.uint8))


def test_a_frame_is_uint8_and_read_only() -> None:
    with pytest.raises(DataError, match=r"uint8, got .* float32"):
        frame(np.zeros((4, 4, 3), np.float32))
    with pytest.raises(ValueError, match="read-only"):
        frame().image[0, 0] = 1


def test_info_is_the_frame_without_its_picture() -> None:
    info = frame().info
    assert info.size == frame().size == SIZE
    names = ("camera_id", "index", "pts_s", "wall_s", "arrived_s", "epoch")
    assert [getattr(info, name) for name in names] == ["door", 7, 0.7, 1e9, 5.0, 2]


def test_results_begin_without_events_and_timings() -> None:
    detections, tracks = Detections.empty(SIZE, SURVEIL_6), Tracks.empty(SIZE, SURVEIL_6)
    result = FrameResult(frame=frame(), detections=detections, tracks=tracks)
    assert (result.events, dict(result.timings_ms), result.detected) == ((), {}, True)
    with pytest.raises(TypeError):
        result.timings_ms["detect"] = 1.0  # type: ignore[index]


def test_event_phases_are_frigates() -> None:
    assert [str(phase) for phase in Phase] == ["new", "update", "end"]
    event = Event(
        id="1",
        camera_id="door",
        rule="front",
        kind="zone",
        phase=Phase.NEW,
        track_id=4,
        label="person",
        score=0.7,
        top_score=0.8,
        box=(0, 0, 1, 1),
        frame_index=3,
        pts_s=0.1,
        wall_s=1.0,
        start_wall_s=1.0,
    )
    assert event.current_zones == event.entered_zones == ()
    assert (event.stationary, event.end_wall_s) == (False, None)


def test_to_supervision_hands_over_copies() -> None:
    library = mock.Mock()
    with mock.patch.dict(sys.modules, supervision=library):
        Detections(**detection_fields()).to_supervision()
    handed = library.Detections.call_args.kwargs
    assert handed["xyxy"].flags.writeable
    assert handed["class_id"].dtype == int
    assert handed["data"]["class_name"].tolist() == ["person", "bicycle", "car"]
