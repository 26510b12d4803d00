from __future__ import annotations

import json
from pathlib import Path

import pytest

from surveil.app.detection_files import read_motions, read_times, read_video
from surveil.errors import DataError, UsageError

MOT = "1,-1,10,20,30,60,0.9,-1,-1,-1\n\n3,-1,12,20,30,60,0.8,-1,-1,-1\n3,-1,90,20,30,60,0.7\n"


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_mot_text_counts_from_one_and_gaps_are_empty_frames(tmp_path: Path) -> None:
    labels, frames = read_video(written(tmp_path, "det.txt", MOT), 10)
    assert labels.names == ("person",)
    assert [(info.index, info.pts_s, len(found)) for info, found in frames] == [
        (0, 0, 1),
        (1, 0.1, 0),
        (2, 0.2, 2),
    ]
    assert frames[0][1].boxes.tolist() == [[10, 20, 40, 80]]


def test_times_say_which_frames_there_are(tmp_path: Path) -> None:
    times = written(tmp_path, "times.txt", "1 0.0\n3 0.5\n4 0.75\n")
    _, frames = read_video(written(tmp_path, "det.txt", MOT), None, times)
    assert [(info.index, info.pts_s, len(found)) for info, found in frames] == [
        (0, 0.0, 1),
        (2, 0.5, 2),
        (3, 0.75, 0),
    ]


def test_coco_results_hold_categories_without_names(tmp_path: Path) -> None:
    rows = [
        {"image_id": 7, "category_id": 18, "bbox": [1, 2, 3, 4], "score": 0.5},
        {"image_id": 9, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.6},
    ]
    labels, frames = read_video(written(tmp_path, "det.json", json.dumps(rows)), 4)
    assert labels.names == ("category 1", "category 18")
    assert [(info.index + 1, info.pts_s, found.class_ids.tolist()) for info, found in frames] == [
        (7, 0, [1]),
        (8, 0.25, []),
        (9, 0.5, [0]),
    ]


def test_json_lines_hold_their_own_times_and_what_was_not_looked_at_is_no_frame(tmp_path: Path) -> None:
    lines = [
        {
            "camera": "gate",
            "frame": k,
            "pts_s": k / 8,
            "size": [640, 480],
            "detections": [{"label": "car", "score": 0.5, "box": [1, 2, 3, 4]}],
        }
        for k in (0, 5)
    ]
    path = written(tmp_path, "det.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    labels, frames = read_video(path, None)
    assert [(info.index, info.pts_s, info.size) for info, _ in frames] == [
        (0, 0.0, (640, 480)),
        (5, 0.625, (640, 480)),
    ]
    assert labels[int(frames[0][1].class_ids[0])] == "car"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "d.txt",
            "1,-1,1,1,5,5,0.5\n1,-1,1,1,0,5,0.5",
            r"d.txt:2: expected width and height above 0, got 0 and 5",
        ),
        ("d.txt", "1,-1,1,1,5,5,1.5", r"d.txt:1: expected a score in 0-1, got 1.5"),
        ("d.txt", "1,-1,nan,1,5,5,0.5", r"d.txt:1: expected 7 to 10 finite numbers"),
        ("d.txt", "1,-1,1", r"d.txt:1: expected 7 to 10 finite numbers"),
        ("d.txt", "one,-1", r"d.txt:1: expected numbers, got 'one,-1'"),
        ("d.txt", "0,-1,1,1,5,5,0.5", r"d.txt:1: expected a frame number from 1, got 0"),
        ("d.txt", "1.5,-1,1,1,5,5,0.5", r"d.txt:1: expected a frame number from 1, got 1.5"),
        (
            "d.txt",
            "1,-1,1,1,5,5,0.5\n1e12,-1,1,1,5,5,0.5",
            r"expected at most 2592000 frames, got the numbers 1 to 1000000000000",
        ),
        ("d.json", "{", r"d.json: expected JSON"),
        ("d.json", "[" * 100_000, r"d.json: expected JSON"),
        ("d.json", "{}", r"d.json: expected COCO results, a list, got dict"),
        ("d.json", '[{"image_id": 1}]', r"d.json: result 0: expected image_id"),
        (
            "d.json",
            '[{"image_id": 1, "category_id": 1, "bbox": [NaN, 0, 1, 1], "score": 0}]',
            r"finite numbers",
        ),
        ("d.json", '[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, -1], "score": 0}]', r"above 0"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_video(written(tmp_path, name, text), 30)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    det = written(tmp_path, "det.txt", MOT)
    with pytest.raises(UsageError, match=r"none\.txt: cannot be read: No such file"):
        read_video(tmp_path / "none.txt", 30)
    with pytest.raises(UsageError, match="give --fps or --times"):
        read_video(det, None)
    with pytest.raises(UsageError, match="fps: expected more than 0, got 0"):
        read_video(det, 0)
    with pytest.raises(UsageError, match=r"has no time for frame 3"):
        read_video(det, None, written(tmp_path, "times.txt", "1 0\n2 1\n"))
    with pytest.raises(DataError, match="expected times that rise"):
        read_times(written(tmp_path, "times.txt", "1 0\n2 -1\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 0\n1.5 1\n", r"times.txt:2: expected a frame number from 1, got 1.5"),
        ("0 0\n", r"times.txt:1: expected a frame number from 1, got 0"),
        ("1 0\n1 1\n", r"times.txt:2: frame 1 has a time already"),
        ("1 inf\n", r"times.txt:1: expected 2 finite numbers"),
    ],
)
def test_times_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_times(written(tmp_path, "times.txt", text))


def test_an_empty_file_is_a_video_without_frames(tmp_path: Path) -> None:
    assert read_video(written(tmp_path, "det.txt", ""), 30).frames == ()


def test_motions_are_affines_by_frame(tmp_path: Path) -> None:
    motions = read_motions(written(tmp_path, "cmc.txt", "2 1 0 5 0 1 -3\n"))
    assert motions[2].tolist() == [[1, 0, 5], [0, 1, -3]]
    assert read_motions(written(tmp_path, "none.txt", "")) == {}
    with pytest.raises(DataError, match=r"cmc.txt:1: expected a frame number from 1, got -2"):
        read_motions(written(tmp_path, "cmc.txt", "-2 1 0 5 0 1 -3\n"))
