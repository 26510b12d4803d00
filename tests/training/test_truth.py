"""Annotation files that a model is judged by: what is read, what is refused, what is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from tests.training.sets import one_class, write_truth
from training.errors import DataError
from training.evaluate.truth import load_truth


def test_what_a_file_may_leave_out(tmp_path: Path) -> None:
    data = one_class(1)
    del data["images"][0]["labelled"], data["annotations"][0]["area"], data["annotations"][0]["iscrowd"]
    truth = write_truth(tmp_path, data)
    assert truth.images[0]["labelled"] == "all"
    assert truth.images[0]["source"] == ""
    assert truth.annotations[0]["area"] == 1600
    assert truth.annotations[0]["iscrowd"] == 0
    assert truth.categories == {"thing": 7, "other": 8}
    assert truth.indices() == {"0.png": 0}


def test_boxes_that_nobody_can_see_are_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = one_class(5)
    for k, box in enumerate([[10, 10, -4, 5], [10, 10, 5, 0], [100, 0, 9, 9], [-9, 5, 9, 9], [-9, 5, 10, 9]]):
        data["annotations"][k]["bbox"] = box
    truth = write_truth(tmp_path, data)
    assert [a["id"] for a in truth.annotations] == [4]
    for k, fault in enumerate((*["its bbox is inverted or empty"] * 2, *["no part of its bbox lies"] * 2)):
        assert f"truth.json: annotations[{k}] (image {k}, " in caplog.text
        assert fault in next(r.message for r in caplog.records if f"annotations[{k}]" in r.message)


def changed(key: str, index: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    """Put values into an entry."""
    return lambda data: data[key][index].update(values)


WRONG: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (changed("annotations", 2, id=1), r"annotations\[2\].id: 1 stands at annotations\[1\].id already"),
    (changed("images", 2, id=0), r"images\[2\].id: 0 stands at images\[0\].id already"),
    (changed("images", 1, file_name="x/0.png"), r"images\[1\].file_name: '0.png' stands at images\[0\]"),
    (changed("categories", 1, id=7), r"categories\[1\].id: 7 stands at"),
    (changed("categories", 1, name="thing"), r"categories\[1\].name: 'thing' stands at"),
    (
        changed("annotations", 0, category_id=99),
        r"annotations\[0\]: its category_id is of no category .*\(99\)",
    ),
    (changed("annotations", 1, image_id=99), r"annotations\[1\]: its image_id is of no image .*\(99\)"),
    (changed("annotations", 1, bbox=[1, 2, 3]), r"annotations\[1\]: its bbox is not x, y, width, height"),
    (changed("annotations", 1, bbox=[1, 2, 3, float("nan")]), r"annotations\[1\]: its bbox is not"),
    (changed("annotations", 1, iscrowd="no"), r"annotations\[1\]: its iscrowd is neither 0 nor 1 \('no'\)"),
    (changed("annotations", 1, area="wide"), r"annotations\[1\].area: expected square pixels, got 'wide'"),
    (changed("annotations", 1, id="1"), r"annotations\[1\].id: of a wrong type"),
    (
        changed("images", 0, labelled=["thing", "thnig"]),
        r"images\[0\].labelled: no such category: \['thnig'\]",
    ),
    (changed("images", 0, width="wide"), r"images\[0\].width: of a wrong type \('wide'\), expected int"),
    (changed("images", 0, height=0), r"images\[0\].height: expected 1 to 65536 pixels, got 0"),
    (lambda data: data["images"].__setitem__(1, 5), r"images\[1\]: expected an object, got int"),
    (lambda data: data.pop("categories"), "no list `categories`"),
    (lambda data: data["annotations"].clear(), "nothing to judge by: annotations is empty"),
    (lambda data: data["images"].clear(), "no images"),
    (
        lambda data: [a.update(bbox=[200, 0, 5, 5]) for a in data["annotations"]],
        "nothing to judge by: none of its boxes can be seen",
    ),
]


@pytest.mark.parametrize(("spoil", "message"), WRONG, ids=[message[:30] for _, message in WRONG])
def test_what_is_ambiguous_is_refused(
    spoil: Callable[[dict[str, Any]], None], message: str, tmp_path: Path
) -> None:
    data = one_class(3)
    spoil(data)
    with pytest.raises(DataError, match=message) as caught:
        write_truth(tmp_path, data)
    assert "truth.json" in str(caught.value)


def test_many_problems_are_counted(tmp_path: Path) -> None:
    data = one_class(20)
    for annotation in data["annotations"]:
        annotation["category_id"] = 99
    with pytest.raises(DataError, match="… and 12 more"):
        write_truth(tmp_path, data)


@pytest.mark.parametrize(
    ("text", "message"), [(None, "cannot be read"), ("{", "not JSON"), ("[]", "no list")]
)
def test_what_is_no_annotation_file(text: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        load_truth(path)
    assert str(path) in str(caught.value)


def test_the_shared_validation_set_is_in_order(shared: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = shared / "data" / "detection" / "val.json"
    truth = load_truth(path)
    assert (len(truth.images), len(truth.annotations)) == (
        870,
        len(json.loads(path.read_text())["annotations"]),
    )
    assert not caplog.records
