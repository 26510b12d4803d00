"""Labels of partly labelled images, augmentation geometry, decoding, and the feature cache."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from tests.training.tiny import CACHE, LABELS, PLAIN, SIZE, TinyData
from tests.training.tiny_families import view_job
from training.data import cache as cache_module
from training.data.augment import letterbox
from training.data.cache import FeatureCache, draw_order, encode_score, fill_part, identity, layout
from training.data.complaints import Complaints
from training.data.decode import LARGEST, decode_images, stored_records
from training.data.layout import find_split, find_weights
from training.data.records import Labeller, Record, load_records
from training.data.teacher import Dense
from training.engine.batches import CachedBatches
from training.engine.config import StageConfig
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
    assert record.ignored.nonzero()[1].tolist() == [CAR]


def test_the_teacher_does_not_speak_for_a_labelled_class() -> None:
    seen = [(1, [30, 30, 10, 20], 0.9)]
    assert len(labelled_record(["person"], [], seen).boxes) == 0
    assert len(labelled_record("all", [], seen).ignore) == 0


def test_in_a_weak_source_a_missed_object_is_ignored() -> None:
    record = labelled_record(["person"], [], [(1, [30, 30, 10, 20], 0.9)], source="weak")
    assert len(record.boxes) == 0
    assert record.ignored.nonzero()[1].tolist() == [PERSON]


def test_crowds_are_ignored_and_boxes_end_with_the_picture() -> None:
    record = labelled_record("all", [(1, [0, 0, 50, 50], 1), (2, [90, -10, 30, 30], 0)], [])
    assert record.boxes.tolist() == [[90, 0, 100, 20]]
    assert record.ignored.nonzero()[1].tolist() == [PERSON]


def test_an_undivided_vehicle_is_named_by_the_teacher_and_leaves_the_others_open() -> None:
    box = [10, 10, 40, 30]
    named = labelled_record(
        ["vehicle_any"], [(9, box, 0)], [(3, [12, 11, 38, 30], 0.6), (2, [10, 10, 40, 30], 0.3)]
    )
    assert named.classes.tolist() == [BUS]
    assert named.ignored[0].nonzero()[0].tolist() == [CAR, TRUCK]
    unnamed = labelled_record(["vehicle_any"], [(9, box, 0)], [])
    assert unnamed.classes.tolist() == [CAR]


IMAGE = {"id": 1, "file_name": "a.png", "width": 50, "height": 50}
PERSONS = {"images": [IMAGE], "annotations": [], "categories": [{"id": 1, "name": "person"}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "no list `images`"),
        (json.dumps(PERSONS | {"annotations": None}), "no list `annotations`"),
        (json.dumps(PERSONS | {"images": []}), "no images"),
        (
            json.dumps(PERSONS | {"images": [{"id": 1, "width": 5, "height": 5}]}),
            r"images\[0\]\.file_name: missing",
        ),
        (
            json.dumps(PERSONS | {"images": [IMAGE, IMAGE | {"file_name": "b.png"}]}),
            r"images\[1\]\.id: 1 stands at images\[0\]\.id already",
        ),
        (
            json.dumps(PERSONS | {"images": [IMAGE, IMAGE | {"id": 2, "file_name": "x/a.png"}]}),
            r"images\[1\]\.file_name: 'a\.png' stands at images\[0\]\.file_name already",
        ),
        (json.dumps(PERSONS | {"categories": [{"id": 1}]}), r"categories\[0\]\.name: missing"),
        (json.dumps(PERSONS | {"categories": [{"id": 1, "name": "tree"}]}), "none of the classes"),
    ],
)
def test_annotation_files_that_cannot_be_used_are_named(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "train.json"
    file.write_text(content)
    with pytest.raises(DataError, match=rf"train\.json: .*{message}"):
        load_records(file, LABELS)


def test_a_missing_annotation_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.json: cannot be read"):
        load_records(tmp_path / "train.json", LABELS)


def test_bad_annotations_are_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20]}
    bad = [
        {"image_id": 9},
        {"category_id": 77},
        {"bbox": [1, 2, 3]},
        {"bbox": [1, 2, "3", 4]},
        {"bbox": [1, 2, float("nan"), 4]},
        {"bbox": [30, 30, -10, 5]},
        {"bbox": [60, 10, 5, 5]},
    ]
    cut = good | {"bbox": [40, 40, 30, 30]}
    file = tmp_path / "train.json"
    entries = [good, *(good | change for change in bad), cut]
    entries = [entry | {"id": k} for k, entry in enumerate(entries)]
    file.write_text(json.dumps(PERSONS | {"annotations": entries}))
    (record,) = load_records(file, LABELS)
    assert record.boxes.tolist() == [[10, 10, 30, 30], [40, 40, 50, 50]]
    said = caplog.text
    assert "annotations[1] (9): its image_id is of no image in the file, left out" in said
    assert "annotations[2] (77): its category_id is of no category in the file, left out" in said
    assert said.count("its bbox is not x, y, width, height: four finite numbers, left out") == 3
    assert "annotations[6] (image 1, [30, 30, -10, 5]): its bbox is inverted or empty" in said
    assert "annotations[7] (image 1, 50x50, [60, 10, 5, 5]): no part of its bbox lies in the picture" in said
    assert "no box of car, bus, truck" in said


def test_many_faults_of_a_kind_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    complaints = Complaints(shown=2)
    for k in range(7):
        complaints.add("is odd", f"file {k}")
    complaints.sum_up()
    assert [r.message for r in caplog.records] == ["file 0: is odd", "file 1: is odd", "7 in all: is odd"]


def test_decoding_from_a_tar_and_what_is_missing(tiny: TinyData, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "train-0.tar", "w") as archive:
        for k in range(1, 6):
            raw = (tiny.folder / "train" / f"{k}.png").read_bytes()
            info = tarfile.TarInfo(f"x/{k}.png")
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    got = decode_images(tiny.records[:5], [tmp_path / "train-0.tar"], tmp_path / "a.npy")
    assert np.array_equal(got, tiny.images[:5])
    with pytest.raises(DataError, match=r"1 of 6 pictures cannot be used, first 6\.png \(not found\)"):
        decode_images(tiny.records, [tmp_path / "train-0.tar"], tmp_path / "b.npy")
    assert not (tmp_path / "b.npy").exists()


def test_broken_pictures_are_named_and_nothing_is_learned_from_them(
    tiny: TinyData, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "train"
    folder.mkdir()
    records = [replace(tiny.records[0], image_id=k, file_name=f"{k}.png") for k in range(40)]
    for k in range(3, 40):
        shutil.copy(tiny.folder / "train" / "1.png", folder / f"{k}.png")
    (folder / "1.png").write_bytes(b"no picture")
    cv2.imwrite(str(folder / "2.png"), np.zeros((64, 32, 3), np.uint8))
    images = decode_images(records, [folder], tmp_path / "a.npy")
    assert "0.png (image 0) not found: nothing is learned from it" in caplog.text
    assert "1.png (image 1) does not decode" in caplog.text
    assert "2.png (image 2) is 32x64, its annotation says 96x64" in caplog.text
    stored = stored_records(records, tmp_path / "a.npy")
    assert [len(r.boxes) for r in stored[:4]] == [0, 0, 0, 2]
    assert stored[0].ignore.tolist() == [[0, 0, 96, 64]]
    assert stored[0].ignored.tolist() == [[True] * 4]
    assert not images[:3].any()
    assert images[3].any()


def test_large_pictures_are_stored_small_with_their_boxes(tmp_path: Path) -> None:
    picture = np.full((900, 1600, 3), 90, np.uint8)
    cv2.rectangle(picture, (400, 300), (799, 599), (40, 40, 220), -1)
    cv2.imwrite(str(tmp_path / "big.png"), picture)
    record = labelled_record("all", [(1, [0, 0, 10, 20], 0)], [])
    box = np.array([[400, 300, 800, 600]], np.float32)
    record = replace(record, file_name="big.png", width=1600, height=900, boxes=box)
    images = decode_images([record], [tmp_path], tmp_path / "a.npy")
    (stored,) = stored_records([record], tmp_path / "a.npy")
    assert images.shape == (1, LARGEST, LARGEST, 3)
    assert (stored.width, stored.height) == (640, 360)
    x1, y1, x2, y2 = (round(float(v)) for v in stored.boxes[0])
    assert (x1, y1, x2, y2) == (160, 120, 320, 240)
    assert images[0, y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].reshape(-1, 3).mean(0).tolist() == [40, 40, 220]


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
    with pytest.raises(DataError, match=r"another cache: a is 1 there and 2 here\. .*alone.*--caches"):
        FeatureCache.create(tmp_path / "c", CACHE, 4, {"a": 2})
    assert cache["soft"].shape == (CACHE.views, len(cell_grid(*SIZE)[0]), 4)


def test_a_run_makes_do_with_the_first_views_of_a_cache(tmp_path: Path) -> None:
    some = replace(CACHE, used=5)
    made_of = identity(some, LABELS, PLAIN, "data")
    assert made_of == identity(CACHE, LABELS, PLAIN, "data")
    assert "used" not in made_of["cache"]
    first = FeatureCache.create(tmp_path, some, 4, made_of)
    assert (len(first), first.missing) == (5, 5)
    first["index"][:] = 7
    whole = FeatureCache.create(tmp_path, CACHE, 4, made_of)  # the same cache: what is there is gone on with
    assert (len(whole), whole.missing) == (CACHE.views, CACHE.views - 5)
    whole["index"][:] = 7
    assert FeatureCache.create(tmp_path, some, 4, made_of).missing == 0
    with pytest.raises(DataError, match=r"another cache: cache\.views is 24 there and 5 here"):
        FeatureCache.create(tmp_path, CACHE, 4, identity(replace(CACHE, views=5), LABELS, PLAIN, "data"))


def test_the_first_views_are_those_of_the_whole_cache(
    tiny: TinyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = [shape for shape, _ in list(layout(CACHE, 4).values())[:3]]

    def taps(pixels: np.ndarray) -> list[np.ndarray]:
        return [np.tile(pixels.mean((1, 2, 3)).reshape(-1, 1, 1, 1), (1, *shape)) for shape in shapes]

    def teacher(*_: object) -> Callable[[np.ndarray], Dense]:
        cells = len(cell_grid(*SIZE)[0])
        rows = np.linspace(0, 1, cells, dtype=np.float32)[:, None]
        return lambda views: Dense(
            scores=np.tile(rows, (len(views), 1, 4)), distributions=np.zeros((len(views), cells, 32))
        )

    monkeypatch.setattr(cache_module, "backbone_runner", lambda *_: taps)
    monkeypatch.setattr(cache_module, "DenseTeacher", teacher)
    job = replace(view_job(tiny), teachers=(Path("unread"),))
    some = replace(job, cache=replace(CACHE, used=7))
    for name, each in (("whole", job), ("some", some)):
        FeatureCache.create(tmp_path / name, each.cache, 4, {})
        fill_part(0, 1, tmp_path / name, each)
    whole, first = FeatureCache.open(tmp_path / "whole"), FeatureCache.open(tmp_path / "some", 7)
    assert whole.missing == first.missing == 0
    assert FeatureCache.open(tmp_path / "some").missing == CACHE.views - 7
    for field, values in first.fields.items():
        assert np.array_equal(values, whole[field][:7]), field
    stage = StageConfig(name="all", entry="taps", trains=("rest",), images=70, batch=7)
    seen = {row for step in range(10) for row in CachedBatches(first, stage).rows(step)}
    assert seen == set(range(7))


def test_shared_labels_are_read(shared: Path) -> None:
    split = find_split(shared / "data", "val")
    assert len(split.pictures) == 1
    records = load_records(split.annotations, LABELS)
    assert len(records) == 870
    assert sum(int((r.classes == PERSON).sum()) for r in records) == pytest.approx(
        1957, abs=80
    )  # crowds are not boxes
    assert cv2.__version__
