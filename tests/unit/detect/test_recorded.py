from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surveil.detect.recorded import RecordedDetector, read_detections
from surveil.errors import DataError, UsageError
from surveil.labels import SURVEIL_6, LabelMap
from tests.support.frames import frame_of

PERSON = {"label": "person", "score": 0.9, "box": [1, 2, 30.25, 40]}
CAR = {"label": "car", "score": 0.3, "box": [5, 5, 50, 20]}


def _row(frame: int, *detections: dict[str, Any], camera: str = "a") -> dict[str, Any]:
    return {
        "camera": camera,
        "frame": frame,
        "pts_s": frame / 25,
        "size": [64, 48],
        "detections": list(detections),
    }


def _file(folder: Path, *rows: object) -> Path:
    path = folder / "found.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def _boxes(detector: RecordedDetector, index: int, camera: str = "a") -> list[list[float]]:
    frame = frame_of((64, 48), index=index, camera=camera)
    return detector.detect([detector.prepare(frame)])[0].boxes.tolist()


def test_gives_back_what_was_recorded(tmp_path: Path) -> None:
    detector = RecordedDetector(_file(tmp_path, _row(0, PERSON, CAR), _row(2)))
    frame = frame_of((64, 48), index=0, camera="a")
    found = detector.detect([detector.prepare(frame)])[0]
    assert found.boxes.tolist() == [PERSON["box"], CAR["box"]]
    assert found.scores.tolist() == np.array([0.9, 0.3], np.float32).tolist()
    assert found.class_ids.tolist() == [0, 2]
    assert found.labels == SURVEIL_6
    assert detector.card is None


def test_frames_that_are_missing_are_empty(tmp_path: Path) -> None:
    detector = RecordedDetector(_file(tmp_path, _row(0, PERSON), _row(2)))
    assert _boxes(detector, 1) == _boxes(detector, 2) == _boxes(detector, 99) == []


def test_a_file_of_one_camera_serves_any_name(tmp_path: Path) -> None:
    assert _boxes(RecordedDetector(_file(tmp_path, _row(0, PERSON))), 0, camera="other") == [PERSON["box"]]


def test_a_file_of_two_cameras_keeps_them_apart(tmp_path: Path) -> None:
    detector = RecordedDetector(_file(tmp_path, _row(0, PERSON), _row(0, CAR, camera="b")))
    assert _boxes(detector, 0, "a") == [PERSON["box"]]
    assert _boxes(detector, 0, "b") == [CAR["box"]]
    assert _boxes(detector, 0, "c") == []


def test_classes_and_scores_are_chosen(tmp_path: Path) -> None:
    path = _file(tmp_path, _row(0, PERSON, CAR))
    assert _boxes(RecordedDetector(path, classes=("car",)), 0) == [CAR["box"]]
    assert _boxes(RecordedDetector(path, min_score=0.5), 0) == [PERSON["box"]]
    with pytest.raises(UsageError, match="unknown class 'cat'"):
        RecordedDetector(path, classes=("cat",))


def test_other_labels_make_a_map_of_their_own(tmp_path: Path) -> None:
    path = _file(tmp_path, _row(0, PERSON, {**CAR, "label": "dog"}))
    assert RecordedDetector(path).labels.names == ("dog", "person")
    given = LabelMap("three", ("person", "cat", "dog"))
    assert RecordedDetector(path, labels=given).labels is given
    with pytest.raises(DataError, match=r"found\.jsonl:1: unknown class 'dog'"):
        RecordedDetector(path, labels=SURVEIL_6)


def test_an_empty_file_has_no_objects(tmp_path: Path) -> None:
    detector = RecordedDetector(_file(tmp_path))
    assert _boxes(detector, 0) == []
    assert detector.labels == SURVEIL_6


def test_boxes_are_clipped_to_the_frame(tmp_path: Path) -> None:
    assert _boxes(RecordedDetector(_file(tmp_path, _row(0, {**CAR, "box": [-5, -5, 99, 99]}))), 0) == [
        [0, 0, 64, 48]
    ]


def test_boxes_outside_the_frame_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outside = [{**CAR, "box": box} for box in ([-9, 5, -2, 20], [64, 0, 70, 9], [5, 5, 5, 20])]
    detector = RecordedDetector(_file(tmp_path, _row(0, outside[0], PERSON), _row(1, *outside[1:])))
    assert (len(_boxes(detector, 0)), len(_boxes(detector, 1))) == (1, 0)
    said = f"{tmp_path / 'found.jsonl'}: detections left out as they lie outside their frame: 3"
    assert caplog.messages == [said]


def test_another_frame_size_is_another_video(tmp_path: Path) -> None:
    detector = RecordedDetector(_file(tmp_path, _row(0, PERSON)))
    prepared = detector.prepare(frame_of((32, 48), index=0, camera="a"))
    with pytest.raises(
        DataError, match=r"found\.jsonl:1: recorded in frames of 64x48, but frame 0 of a has 32x48"
    ):
        detector.detect([prepared])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "Expecting property name"),
        ("", "Expecting value"),
        ("[]", "the line: expected an object, got list"),
        ({"camera": "a"}, r"missing keys \['detections', 'frame', 'pts_s', 'size'\], unknown keys \[\]"),
        (_row(0) | {"colour": 1}, r"missing keys \[\], unknown keys \['colour'\]"),
        (_row(0) | {"frame": 1.5}, "frame: expected a whole number"),
        (_row(-1), "frame: expected a whole number"),
        (_row(0) | {"size": [64]}, "size: expected 2 numbers"),
        (_row(0) | {"size": [0, 5]}, "size: expected .* in whole pixels"),
        (_row(0) | {"pts_s": "now"}, "pts_s: expected finite numbers, got 'now'"),
        (_row(0) | {"camera": 3}, "camera: expected a text"),
        (_row(0) | {"detections": {}}, "detections: expected a list"),
        (_row(0, PERSON, {"label": "car"}), r"detections\[1\]: missing keys \['box', 'score'\]"),
        (_row(0, {**CAR, "score": 1.5}), r"detections\[0\]\.score: expected 0 to 1, got 1.5"),
        (_row(0, {**CAR, "box": [5, 5, 4, 6]}), r"detections\[0\]\.box: expected x1, y1, x2, y2"),
        (_row(0, {**CAR, "box": [5, 5, 4]}), r"detections\[0\]\.box: expected 4 numbers"),
        (_row(0, {**CAR, "box": [5, 5, 4, True]}), "expected finite numbers, got True"),
        (json.dumps(_row(0)).replace("0.0", "NaN"), "NaN is not a JSON number"),
        (_row(7), "frame 7 stands on line 1 already"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: object, reason: str) -> None:
    with pytest.raises(DataError, match=rf"found\.jsonl:2: .*{reason}"):
        RecordedDetector(_file(tmp_path, _row(7), row))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.jsonl: the file of detections cannot be read: No such file"):
        RecordedDetector(tmp_path / "none.jsonl")
    (tmp_path / "junk").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="junk"):
        list(read_detections(tmp_path / "junk"))
