"""Labels of partly labelled images, augmentation geometry, decoding, and the feature cache."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from tests.training.tiny import CACHE, LABELS, SIZE, TinyData
from training.data.augment import letterbox
from training.data.cache import FeatureCache, draw_order, encode_score
from training.data.decode import decode_images
from training.data.layout import find_split, find_weights
from training.data.records import Labeller, Record, load_records
from training.errors import DataError
from training.grid import cell_grid

NAMES = {1: "person", 2: "car", 3: "bus", 4: "truck", 9: "vehicle_any"}
PERSON, CAR, BUS, TRUCK = range(4)


def labelled_record(labelled: object, annotations: list, seen: list, source: str = "good") -> Record:
    image = {
        "id": 7,
        "file_name": "a/7.jpg",
        "width": 100,
        "height": 80,
        "labelled": labelled,
        "source": source,
    }
    rows = [[7, category, x, y, w, h, score] for category, (x, y, w, h), score in seen]
    boxes = [
        {"id": k, "category_id": c, "bbox": b, "iscrowd": crowd}
        for k, (c, b, crowd) in enumerate(annotations)
    ]
    return Labeller(LABELS, NAMES).record(image, boxes, rows)


def test_an_unlabelled_class_is_filled_by_the_teacher_and_never_background() -> None:
    record = labelled_record(
        ["person"], [(1, [0, 0, 10, 20], 0)], [(2, [50, 50, 20, 10], 0.8), (2, [5, 60, 9, 9], 0.2)]
    )
    assert record.classes.tolist() == [PERSON, CAR]
    assert record.boxes[1].tolist() == [50, 50, 70, 60]
    assert record.ignore.tolist() == [[5, 60, 14, 69]]
    assert record.ignore_bits.tolist() == [1 << CAR]


def test_the_teacher_does_not_speak_for_a_labelled_class() -> None:
    seen = [(1, [30, 30, 10, 20], 0.9)]
    assert len(labelled_record(["person"], [], seen).boxes) == 0
    assert len(labelled_record("all", [], seen).ignore) == 0


def test_in_a_weak_source_a_missed_object_is_ignored() -> None:
    record = labelled_record(["person"], [], [(1, [30, 30, 10, 20], 0.9)], source="weak")
    assert len(record.boxes) == 0
    assert record.ignore_bits.tolist() == [1 << PERSON]


def test_crowds_are_ignored_and_empty_boxes_left_out(caplog: pytest.LogCaptureFixture) -> None:
    record = labelled_record(
        "all", [(1, [0, 0, 50, 50], 1), (2, [10, 10, 0, 5], 0), (2, [120, 10, 20, 5], 0)], []
    )
    assert len(record.boxes) == 0
    assert record.ignore_bits.tolist() == [1 << PERSON]
    assert caplog.text.count("empty box") == 2


def test_an_undivided_vehicle_is_named_by_the_teacher_and_leaves_the_others_open() -> None:
    box = [10, 10, 40, 30]
    named = labelled_record(
        ["vehicle_any"], [(9, box, 0)], [(3, [12, 11, 38, 30], 0.6), (2, [10, 10, 40, 30], 0.3)]
    )
    assert named.classes.tolist() == [BUS]
    assert int(named.ignore_bits[0]) == (1 << CAR) | (1 << TRUCK)
    unnamed = labelled_record(["vehicle_any"], [(9, box, 0)], [])
    assert unnamed.classes.tolist() == [CAR]


def test_bad_annotation_files_are_named(tmp_path: Path) -> None:
    file = tmp_path / "train.json"
    with pytest.raises(DataError, match=r"train\.json"):
        load_records(file, LABELS)
    file.write_text("{")
    with pytest.raises(DataError, match="not JSON"):
        load_records(file, LABELS)
    image = {"id": 1, "file_name": "a.png", "width": 5, "height": 5}
    data = {"images": [image, image], "annotations": [], "categories": [{"id": 1, "name": "person"}]}
    file.write_text(json.dumps(data))
    with pytest.raises(DataError, match="image id 1 occurs twice"):
        load_records(file, LABELS)
    file.write_text(json.dumps(data | {"categories": [{"id": 1, "name": "tree"}]}))
    with pytest.raises(DataError, match="none of the classes"):
        load_records(file, LABELS)


def test_decoding_from_a_tar_and_what_is_missing(tiny: TinyData, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "train-0.tar", "w") as archive:
        for k in range(1, 6):
            raw = (tiny.folder / "train" / f"{k}.png").read_bytes()
            info = tarfile.TarInfo(f"x/{k}.png")
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    got = decode_images(tiny.records[:5], [tmp_path / "train-0.tar"], tmp_path / "a.npy")
    assert np.array_equal(got, tiny.images[:5])
    with pytest.raises(DataError, match=r"1 pictures not found, first 6\.png"):
        decode_images(tiny.records, [tmp_path / "train-0.tar"], tmp_path / "b.npy")
    assert not (tmp_path / "b.npy").exists()


def test_a_broken_picture_is_named(tiny: TinyData, tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"1\.png \(image 1\): does not decode"):
        decode_images(tiny.records[:1], [tmp_path], tmp_path / "a.npy")


def test_split_and_weights_are_found_or_named(tiny: TinyData, tmp_path: Path) -> None:
    assert find_split(tiny.folder, "val").pictures == (tiny.folder / "val",)
    with pytest.raises(DataError, match=r"no train\.json"):
        find_split(tmp_path, "train")
    with pytest.raises(DataError, match="--weights"):
        find_weights("start.safetensors", tmp_path, None)


def test_letterbox_of_a_wide_picture() -> None:
    canvas, scale, x, y = letterbox(np.zeros((50, 200, 3), np.uint8), 64, 96)
    assert (scale, x, y) == (0.48, 0, 20)
    assert canvas[0, 0].tolist() == [114, 114, 114]
    assert canvas[32, 48].tolist() == [0, 0, 0]


def test_scores_survive_their_byte() -> None:
    scores = np.linspace(0, 1, 200, dtype=np.float32)
    decoded = (encode_score(scores) / 255.0) ** 2
    assert np.abs(decoded - scores).max() < 0.005


def test_the_order_of_views_follows_the_shares(tiny: TinyData) -> None:
    order = draw_order(tiny.records, CACHE, LABELS.labels)
    assert len(order) == CACHE.views
    assert np.bincount(order, minlength=6).tolist() == [4] * 6
    assert np.array_equal(order, draw_order(tiny.records, CACHE, LABELS.labels))


def test_a_cache_is_continued_but_not_mixed_up(tmp_path: Path) -> None:
    cache = FeatureCache.create(tmp_path / "c", CACHE, 4, {"a": 1})
    assert cache.missing == CACHE.views
    cache["index"][3] = 0
    assert FeatureCache.create(tmp_path / "c", CACHE, 4, {"a": 1}).missing == CACHE.views - 1
    with pytest.raises(DataError, match="another cache"):
        FeatureCache.create(tmp_path / "c", CACHE, 4, {"a": 2})
    assert cache["soft"].shape == (CACHE.views, len(cell_grid(*SIZE)[0]), 4)


def test_shared_labels_are_read(shared: Path) -> None:
    split = find_split(shared / "data", "val")
    assert len(split.pictures) == 1
    records = load_records(split.annotations, LABELS)
    assert len(records) == 870
    assert sum(int((r.classes == PERSON).sum()) for r in records) == pytest.approx(
        1957, abs=80
    )  # crowds are not boxes
    assert cv2.__version__
