"""Annotation files with every kind of fault: named with file and entry, whatever stands in them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="the extra `train` is not installed")

from training import cli
from training.data.coco import SIDE, Fault, fault_of, read_coco, read_json
from training.data.layout import find_split
from training.data.records import LabelConfig, check_learnable, load_records
from training.errors import DataError
from training.evaluate.truth import load_truth

LABELS = LabelConfig(labels=("person", "car"))
ROW = [1, 2, 30.0, 30.0, 20.0, 10.0, 0.9]


def content() -> dict[str, Any]:
    """Two pictures: one with both classes labelled, one with persons alone."""
    images = [
        {"id": k, "file_name": f"{k}.png", "width": 96, "height": 64, "labelled": labelled, "source": "s"}
        for k, labelled in ((1, "all"), (2, ["person"]))
    ]
    boxes = [(1, 1, [4, 4, 20, 30]), (1, 2, [40, 10, 30, 20]), (2, 1, [4, 4, 20, 30])]
    annotations = [
        {"id": k, "image_id": i, "category_id": c, "bbox": b, "area": 600, "iscrowd": 0}
        for k, (i, c, b) in enumerate(boxes)
    ]
    categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "car"}]
    return {"images": images, "annotations": annotations, "categories": categories}


def written(folder: Path, data: Any, rows: Any = None) -> tuple[Path, Path | None]:
    """The annotation file, and a teacher's if there are rows."""
    (folder / "train.json").write_text(json.dumps(data))
    if rows is None:
        return folder / "train.json", None
    (folder / "teacher_train.json").write_text(json.dumps(rows))
    return folder / "train.json", folder / "teacher_train.json"


def changed(key: str, index: int, **values: Any) -> Callable[[dict[str, Any]], Any]:
    """Put values into an entry."""
    return lambda data: data[key][index].update(values)


READERS: list[Callable[[Path], Any]] = [load_truth, lambda path: load_records(path, LABELS)]
AMBIGUOUS: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (changed("images", 1, labelled=["persn"]), r"images\[1\]\.labelled: no such category: \['persn'\]"),
    (changed("images", 1, labelled=[["person"]]), r"images\[1\]\.labelled: no such category"),
    (changed("images", 1, labelled="person"), r'images\[1\]\.labelled: expected "all" or a list of categor'),
    (changed("images", 1, width=0), r"images\[1\]\.width: expected 1 to 65536 pixels, got 0"),
    (changed("images", 1, height=SIDE + 1), r"images\[1\]\.height: expected 1 to 65536 pixels"),
    (changed("images", 1, width="96"), r"images\[1\]\.width: of a wrong type \('96'\), expected int"),
    (changed("images", 1, width=True), r"images\[1\]\.width: of a wrong type \(True\)"),
    (changed("images", 1, file_name="/"), r"images\[1\]\.file_name: names no file"),
    (changed("images", 1, source=3), r"images\[1\]\.source: expected a text, got 3"),
    (lambda data: data["images"].__setitem__(1, "2.png"), r"images\[1\]: expected an object, got str"),
    (lambda data: data["categories"].append(7), r"categories\[2\]: expected an object, got int"),
    (changed("categories", 1, id=1), r"categories\[1\]\.id: 1 stands at categories\[0\]\.id already"),
    (changed("categories", 1, name="person"), r"categories\[1\]\.name: 'person' stands at categories\[0\]"),
    (changed("categories", 1, name=["car"]), r"categories\[1\]\.name: of a wrong type"),
]


@pytest.mark.parametrize(("spoil", "message"), AMBIGUOUS, ids=[message[:40] for _, message in AMBIGUOUS])
@pytest.mark.parametrize("read", READERS, ids=["judge", "train"])
def test_what_is_ambiguous_ends_the_reading(
    spoil: Callable[[dict[str, Any]], Any], message: str, read: Callable[[Path], Any], tmp_path: Path
) -> None:
    data = content()
    spoil(data)
    with pytest.raises(DataError, match=rf"train\.json: {message}"):
        read(written(tmp_path, data)[0])


def test_several_problems_are_shown_at_once(tmp_path: Path) -> None:
    data = content()
    for image in data["images"]:
        image.update(width=None, height=-1)
    with pytest.raises(DataError) as caught:
        read_coco(written(tmp_path, data)[0])
    assert str(caught.value).count("\n") == 2
    assert "images[0].width: of a wrong type (None)" in str(caught.value)


FAULTS = {
    Fault.ENTRY: "a box",
    Fault.IMAGE: {"image_id": 9},
    Fault.CATEGORY: {"category_id": [1]},
    Fault.NUMBERS: {"bbox": [1, 2, 10**400, 4]},
    Fault.CROWD: {"iscrowd": "yes"},
    Fault.INVERTED: {"bbox": [30, 30, -10, 5]},
    Fault.OUTSIDE: {"bbox": [96.5, 10, 5, 5]},
}


@pytest.mark.parametrize("fault", Fault)
def test_training_goes_on_without_what_is_faulty_and_names_it(
    fault: Fault, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data, wrong = content(), FAULTS[fault]
    data["annotations"].insert(
        1, {**data["annotations"][0], "id": 77, **wrong} if wrong != "a box" else wrong
    )
    records = load_records(written(tmp_path, data)[0], LABELS)
    assert [len(r.boxes) for r in records] == [2, 1]
    (said,) = [r.message for r in caplog.records if "annotations[1]" in r.message]
    assert said.startswith(f"{tmp_path / 'train.json'}: annotations[1] (")
    assert said.endswith(f": {fault}, left out")


def test_a_box_that_is_cut_to_nothing_in_float32_is_outside() -> None:
    images = {1: {"width": SIDE, "height": 10}}
    box = {"image_id": 1, "category_id": 1, "bbox": [SIDE - 1e-3, 0, 50, 5]}
    found = fault_of(box, images, {1: "person"})
    assert found is not None
    assert found[0] is Fault.OUTSIDE
    assert fault_of({**box, "bbox": [SIDE - 1, 0, 50, 5]}, images, {1: "person"}) is None


def test_boxes_of_a_class_that_their_image_does_not_label_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = content()
    data["annotations"][2]["category_id"] = 2
    records = load_records(written(tmp_path, data)[0], LABELS)
    assert [len(r.boxes) for r in records] == [2, 0]
    assert (
        "annotations[2] (image 2, car): of a class that `labelled` of its image does not name" in caplog.text
    )


def test_ids_that_come_twice(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = content()
    first, second, third = data["annotations"]
    data["annotations"] = [first, copy.deepcopy(first), {**second, "id": 0}, third]
    records = load_records(written(tmp_path, data)[0], LABELS)
    assert [len(r.boxes) for r in records] == [2, 1]
    assert "annotations[1] (as annotations[0]): stands in the file twice, counted once" in caplog.text
    assert "annotations[2] (annotations[0]): another annotation has its id, both are kept" in caplog.text


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (5, "not seven numbers"),
        (ROW[:6], "not seven numbers"),
        ([*ROW[:6], "0.9"], "not seven numbers"),
        ([*ROW[:6], float("nan")], "not seven numbers"),
        ([7, *ROW[1:]], r"of an image that is not in train\.json"),
        ([1, 9, *ROW[2:]], r"of a category that is not in train\.json"),
        ([*ROW[:4], -20.0, 10.0, 0.9], "its box is inverted or empty"),
        ([*ROW[:6], 90.0], "its score is not from 0 to 1"),
    ],
)
def test_rows_of_a_teacher_that_cannot_be_used_are_left_out(
    row: Any, fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = content()
    data["images"][0]["labelled"] = ["person"]
    del data["annotations"][1]
    file, teacher = written(tmp_path, data, [ROW, row])
    records = load_records(file, LABELS, teacher)
    assert [r.classes.tolist() for r in records] == [[0, 1], [0]]
    (said,) = [r.message for r in caplog.records if "teacher_train.json: [1]" in r.message]
    assert fault.replace("\\", "") in said


def test_a_teacher_that_is_no_list_is_refused(tmp_path: Path) -> None:
    file, teacher = written(tmp_path, content(), {"rows": []})
    with pytest.raises(DataError, match=r"teacher_train\.json: expected a list of detections, got dict"):
        load_records(file, LABELS, teacher)


def test_pictures_without_any_box_are_refused(tmp_path: Path) -> None:
    data = content()
    data["annotations"] = []
    file, _ = written(tmp_path, data)
    records = load_records(file, LABELS)
    with pytest.raises(DataError, match=r"train\.json: no box of person, car in any of the 2 pictures"):
        check_learnable(records, LABELS, [file])
    check_learnable(load_records(written(tmp_path, content())[0], LABELS), LABELS, [file])


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b"", b"{'a': 1}"],
    ids=["bytes", "deep", "long", "", "py"],
)
def test_what_is_no_json_is_named(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(raw)
    with pytest.raises(DataError, match=r"a\.json: not JSON"):
        read_json(tmp_path / "a.json")


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(tmp_path / "a.json") == [1]


def test_pictures_that_are_no_list_are_named(tmp_path: Path) -> None:
    for named in ({"a": 1}, [1], "folder"):
        written(tmp_path, {**content(), "pictures": named})
        with pytest.raises(DataError, match="`pictures` is not a list of folders and tars"):
            find_split(tmp_path, "train")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -1, 0, 1, 2, 96])
    | st.floats()
    | st.sampled_from(["", "all", "person", "1.png", "/"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "bbox", "name", "images", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything in a JSON value."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [here, *(path for key in keys for path in places(value[key], (*here, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with something else at a path."""
    if not path:
        return new
    inside = value[path[0]]
    value[path[0]] = put(inside, path[1:], new)
    return value


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_the_files_ends_in_records_or_in_a_message(
    data: st.DataObject, tmp_path: Path
) -> None:
    files: Any = [content(), [list(ROW), [2, 1, 4.0, 4.0, 20.0, 30.0, 0.5]]]
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([p for p in places(files) if p]))
        put(files, path, data.draw(JSON))
    file, teacher = written(tmp_path, *files) if files[1] is not None else written(tmp_path, files[0])
    for read in (lambda: load_records(file, LABELS, teacher), lambda: load_truth(file)):
        with suppress(DataError):
            assert read() is not None


@given(value=JSON)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_of_anything_is_named(value: Any, tmp_path: Path) -> None:
    file, _ = written(tmp_path, value)
    for read in READERS:
        with pytest.raises(DataError, match=r"train\.json: "):
            read(file)


def test_training_on_nothing_and_judging_by_nonsense_are_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = content()
    (tmp_path / "data" / "train").mkdir(parents=True)
    (tmp_path / "data" / "val").mkdir()
    train, val = (tmp_path / "data" / f"{name}.json" for name in ("train", "val"))
    train.write_text(json.dumps({**data, "annotations": []}))
    val.write_text(json.dumps(data))
    options = ["--labels", "all", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "run")]
    for command in ("cache", "train"):
        assert cli.main([command, "own", *options]) == 2
        assert "train.json: no box of person, car in any of the 2 pictures" in capsys.readouterr().err
    val.write_text(json.dumps({**data, "annotations": []}))
    assert cli.main(["train", "own", *options]) == 2
    assert "val.json: nothing to judge by: annotations is empty" in capsys.readouterr().err
    assert {file.suffix for file in (tmp_path / "run").iterdir()} == {".lock"}
