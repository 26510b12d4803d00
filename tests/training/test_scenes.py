"""Drawn street scenes as training pictures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from training import cli
from training.data.decode import decode_images
from training.data.layout import find_split
from training.data.records import LabelConfig, load_records
from training.data.scenes import draw_scenes

LABELS = LabelConfig(labels=("person", "car"), groups=())


def test_scenes_are_a_data_folder_with_exact_boxes(tmp_path: Path) -> None:
    assert cli.main(["draw-scenes", str(tmp_path), "--train", "3", "--val", "1"]) == 0
    split = find_split(tmp_path, "train")
    records = load_records(split.annotations, LABELS)
    assert len(records) == 3
    assert {r.source for r in records} == {"scenes"}
    boxes = np.concatenate([r.boxes for r in records])
    assert len(boxes) > 3
    assert (boxes[:, 2:] - boxes[:, :2]).min() > 2
    assert decode_images(records, split.pictures, tmp_path / "a.npy").any()
    assert len(load_records(find_split(tmp_path, "val").annotations, LABELS)) == 1


def test_equal_seeds_draw_equal_frames_and_what_is_there_stays(tmp_path: Path) -> None:
    files = [draw_scenes(tmp_path / name, "train", 1, seed=4) for name in "ab"]
    pictures = [cv2.imread(str(next((tmp_path / name / "train").iterdir()))) for name in "ab"]
    assert np.array_equal(*pictures)
    assert files[0].read_text() == files[1].read_text()
    files[0].write_text(json.dumps({"images": []}))
    assert draw_scenes(tmp_path / "a", "train", 1, seed=4).read_text() == json.dumps({"images": []})
