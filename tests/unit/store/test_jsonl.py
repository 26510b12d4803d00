from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from surveil.labels import SURVEIL_6, LabelMap
from surveil.store.jsonl import DetectionsJsonlWriter, TracksJsonlWriter
from surveil.types import Detections, FrameResult, TrackState
from tests.support.results import A, result_of


def tracks_line(result: FrameResult, **options: bool) -> dict:
    stream = io.StringIO()
    TracksJsonlWriter(stream, **options).write(result)
    assert stream.getvalue().endswith("\n")
    return json.loads(stream.getvalue())


def detections_line(result: FrameResult) -> dict:
    stream = io.StringIO()
    DetectionsJsonlWriter(stream).write(result)
    return json.loads(stream.getvalue())


def test_a_frame_of_tracks() -> None:
    row = A(7, (1.006, 2, 30.333, 40), 0.876543, class_id=2, smoothed=(1.5, 2.5, 30.5, 40.5))
    assert tracks_line(result_of([row], index=12, pts_s=1.23456789)) == {
        "camera": "door",
        "frame": 12,
        "pts_s": 1.234568,
        "tracks": [
            {
                "id": 7,
                "label": "car",
                "score": 0.8765,
                "box": [1.01, 2.0, 30.33, 40.0],
                "smoothed_box": [1.5, 2.5, 30.5, 40.5],
                "state": "confirmed",
                "coasting": False,
            }
        ],
        "removed": [],
    }


def test_a_frame_without_tracks_is_a_line_too() -> None:
    line = {"camera": "door", "frame": 3, "pts_s": 0.3, "tracks": [], "removed": []}
    assert tracks_line(result_of(index=3)) == line


def test_states_on_request() -> None:
    box = (0.0, 0.0, 9.0, 9.0)
    rows = [A(1, box), A(2, box, state=TrackState.TENTATIVE), A(3, box, state=TrackState.LOST, unseen_s=0.4)]
    line = tracks_line(result_of(rows), all_states=True)
    assert [(t["state"], t["coasting"]) for t in line["tracks"]] == [
        ("confirmed", False),
        ("tentative", False),
        ("lost", True),
    ]
    assert [t["id"] for t in tracks_line(result_of(rows))["tracks"]] == [1]


def test_predictions_are_flagged() -> None:
    line = tracks_line(result_of([A(1, (0, 0, 9, 9), unseen_s=0.1)], detected=False))
    assert [t["coasting"] for t in line["tracks"]] == [True]


BOX = (0.0, 0.0, 9.0, 9.0)
LOST = {"state": TrackState.LOST, "unseen_s": 0.4}


def removed(*results: FrameResult, **options: bool) -> list[list[int]]:
    """What each line says has ended."""
    stream = io.StringIO()
    writer = TracksJsonlWriter(stream, **options)
    for result in results:
        writer.write(result)
    return [json.loads(line)["removed"] for line in stream.getvalue().splitlines()]


def test_what_was_told_of_is_told_when_it_ends_and_nothing_else() -> None:
    trial = A(2, BOX, state=TrackState.TENTATIVE)
    frames = [
        result_of([A(1, BOX)]),
        result_of([A(1, BOX), trial]),
        result_of([A(1, BOX, **LOST)]),  # not in the line, but it lives
        result_of([A(3, BOX)]),
        result_of([]),
        result_of([]),
    ]
    assert removed(*frames) == [[], [], [], [1], [3], []]
    assert removed(*frames, all_states=True) == [[], [], [2], [1], [3], []]


def test_a_line_that_was_lost_hides_no_end() -> None:
    assert removed(result_of([A(1, BOX), A(2, BOX)]), result_of([A(2, BOX)])) == [[], [1]]


def test_a_new_file_ends_what_an_older_one_told_of() -> None:
    first = result_of([A(1, BOX, **LOST)])
    before = replace(first, tracks=replace(first.tracks, removed=np.array([7])))
    assert removed(before, result_of([])) == [[7], [1]]


def test_every_camera_has_its_own_ends() -> None:
    lines = removed(
        result_of([A(1, BOX)], camera_id="a"),
        result_of([A(2, BOX)], camera_id="b"),
        result_of([], camera_id="a"),
        result_of([], camera_id="b"),
    )
    assert lines == [[], [], [1], [2]]


def test_names_in_any_script_survive_any_stream(tmp_path: Path) -> None:
    name = 'Вход "入口" \udcff\n🚗'
    result = result_of([A(1, (0, 0, 9, 9))], camera_id=name, labels=LabelMap("own", ("Fußgänger",)))
    path = tmp_path / "tracks.jsonl"
    with TracksJsonlWriter(path) as writer:
        writer.write(result)
    assert path.read_bytes().isascii()
    line = json.loads(path.read_text(encoding="ascii"))
    assert (line["camera"], line["tracks"][0]["label"]) == (name, "Fußgänger")
    assert path.read_bytes().count(b"\n") == 1


def found(boxes: np.ndarray, scores: np.ndarray) -> Detections:
    return Detections(
        boxes=boxes,
        scores=scores,
        class_ids=(np.arange(len(boxes)) % 6).astype(np.int32),
        frame_size=(320, 240),
        labels=SURVEIL_6,
    )


def test_a_frame_of_detections() -> None:
    detections = found(np.float32([[0.1, 2, 3.3, 4]]), np.float32([0.7]))
    assert detections_line(result_of(index=4, pts_s=0.1 + 0.2, detections=detections)) == {
        "camera": "door",
        "frame": 4,
        "pts_s": 0.1 + 0.2,  # exact: the tracker's filter lives by it
        "size": [320, 240],
        "detections": [{"label": "person", "score": 0.7, "box": [0.1, 2.0, 3.3, 4.0]}],
    }


@settings(deadline=None, max_examples=50)
@given(
    hnp.arrays(np.float32, (3, 5), elements=st.floats(-1e5, 1e5, width=32)),
    st.floats(0, 1e7, allow_nan=False),
)
def test_detections_read_back_exactly(values: np.ndarray, pts_s: float) -> None:
    detections = found(values[:, :4].copy(), values[:, 4].copy())
    line = detections_line(result_of(pts_s=pts_s, detections=detections, size=(32, 24)))
    boxes = np.array([row["box"] for row in line["detections"]], np.float32)
    scores = np.array([row["score"] for row in line["detections"]], np.float32)
    assert np.array_equal(boxes, detections.boxes)
    assert np.array_equal(scores, detections.scores)
    assert line["pts_s"] == pts_s


def test_numbers_are_as_short_as_they_can_be() -> None:
    stream = io.StringIO()
    detections = found(np.float32([[0.1, 123.456, 1e-3, 7]]), np.float32([1 / 3]))
    DetectionsJsonlWriter(stream).write(result_of(detections=detections))
    assert "[0.1, 123.456, 0.001, 7.0]" in stream.getvalue()
    assert '"score": 0.33333334,' in stream.getvalue()


def test_frames_that_nobody_looked_at_have_no_detections(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    with DetectionsJsonlWriter(path) as writer:
        for index in range(4):
            writer.write(result_of(index=index, detected=index % 2 == 0))
    assert [json.loads(line)["frame"] for line in path.read_text().splitlines()] == [0, 2]
