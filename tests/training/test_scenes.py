"""Drawn street scenes as training pictures."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from tests.training.tiny import TinyData
from training import cli
from training.data.decode import decode_images
from training.data.layout import find_split
from training.data.records import LabelConfig, load_records
from training.data.scenes import draw_scenes
from training.recipes import recipe
from training.recipes.adapt import with_scenes
from training.workspace import Workspace

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


def test_scenes_join_the_training_pictures(
    tiny: TinyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def draw(folder: Path, split: str, count: int, seed: int = 0) -> Path:
        if not (folder / f"{split}.json").exists():
            drawn.append(count)
            shutil.copytree(tiny.folder / "val", folder / split)
            shutil.copy(tiny.folder / "val.json", folder / f"{split}.json")
            for file in (folder / split).iterdir():
                file.rename(file.with_name(f"scene-{file.name}"))
            text = (folder / f"{split}.json").read_text()
            (folder / f"{split}.json").write_text(re.sub(r'"(\d+\.png)"', r'"scene-\1"', text))
        return folder / f"{split}.json"

    monkeypatch.setattr("training.workspace.draw_scenes", draw)
    plain = Workspace(recipe=replace(recipe("own"), labels=LABELS), data=tiny.folder, out=tmp_path)
    space = replace(plain, recipe=with_scenes(plain.recipe, 12))
    assert len(plain.records("train")) == 6
    records, pictures = space.records("train"), space.pictures("train")
    assert drawn == [12]
    assert len(records) == len(pictures) == 18
    assert records[17].file_name == "scene-12.png"
    assert pictures[17, :64, :96].any()
    assert space.data_hash != plain.data_hash
    assert space.pictures_file("train") != plain.pictures_file("train")
    assert space.pictures_file("val") == plain.pictures_file("val")
    assert space.recipe.caches[0].source_views[-1] == ("scenes", 5.0)
