"""Truth on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from surveil.capture.scenes.config import SceneConfig
from surveil.capture.scenes.truth import (
    CrossingTruth,
    FrameTruth,
    ObjectTruth,
    mot_text,
    read_truth,
    truth_json,
    write_truth,
)
from surveil.errors import DataError, OutputError

CONFIG = SceneConfig(seed=9, fps=5.0, shake=1.0)
WALKER = ObjectTruth(id=3, label="person", box=(1.5, 2.0, 11.5, 32.25), visibility=0.5, ground=(1.25, 9.0))
CAR = ObjectTruth(id=12, label="car", box=(0.0, 5.0, 40.0, 25.0), visibility=1.0, ground=(-3.0, 13.5))
FRAMES = (
    FrameTruth(index=0, pts_s=0.0, objects=(WALKER, CAR), crossings=(), motion=np.eye(3)),
    FrameTruth(index=1, pts_s=0.2, objects=(), crossings=(), motion=np.eye(3)),
    FrameTruth(
        index=2,
        pts_s=0.4,
        objects=(CAR,),
        crossings=(CrossingTruth(id=12, label="car", line="main road", way=-1),),
        motion=np.array([[1, 0, 2.5], [0, 1, -1], [0, 0, 1]]),
    ),
)


def test_mot_text_counts_frames_from_one() -> None:
    assert mot_text(FRAMES).splitlines() == [
        "1,3,1.50,2.00,10.00,30.25,1,1,0.500",
        "1,12,0.00,5.00,40.00,20.00,1,3,1.000",
        "3,12,0.00,5.00,40.00,20.00,1,3,1.000",
    ]


def test_json_has_a_head_and_a_line_a_frame() -> None:
    text = truth_json(CONFIG, FRAMES)
    content = json.loads(text)
    assert content["size"] == [640, 360]
    assert content["seed"] == 9
    assert content["lines"]["kerb"][0] == [-20.0, 11.6]
    assert len(text.splitlines()) == len(FRAMES) + 2


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    as_json, as_mot = write_truth(tmp_path / "clip.mp4", CONFIG, FRAMES)
    assert (as_json.name, as_mot.name) == ("clip.json", "clip.mot.txt")
    assert as_mot.read_text() == mot_text(FRAMES)
    for read, written in zip(read_truth(as_json), FRAMES, strict=True):
        assert (read.index, read.pts_s, read.objects, read.crossings) == (
            written.index,
            written.pts_s,
            written.objects,
            written.crossings,
        )
        assert np.array_equal(read.motion, written.motion)


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write the truth"):
        write_truth(tmp_path / "missing" / "clip.mp4", CONFIG, FRAMES)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1}', '{"schema": 7, "frames": []}'])
def test_other_files_are_no_truth(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clip.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"clip\.json: expected"):
        read_truth(path)
