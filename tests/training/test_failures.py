"""False and missed boxes: their kinds, reasons and circumstances, and what is drawn of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("pycocotools", reason="the extra `train` is not installed")

from tests.support.onnx_models import colour_model
from tests.training.sets import coloured_set
from training import cli
from training.errors import DataError
from training.evaluate.failures import sort_failures
from training.evaluate.judge import JudgeConfig, judge
from training.evaluate.mistakes import FailureConfig, Scene, circumstances, compare, make_scene, pair_up
from training.evaluate.page import MARKS, failures_page, filled
from training.evaluate.truth import load_truth

CONFIG = FailureConfig(score=0.5)
BOX = [100, 100, 200, 200]
IMAGE = {"width": 640, "height": 480, "source": "street"}


def scene(
    objects: list[tuple[str, list[float]]],
    found: list[tuple[str, float, list[float]]],
    crowds: list[tuple[str, list[float]]] = [],  # noqa: B006 - never changed
) -> Scene:
    """Objects, detections best first, and regions of crowds."""
    return Scene(
        boxes=np.array([box for _, box in objects], np.float32).reshape(-1, 4),
        labels=np.array([label for label, _ in objects], object),
        crowds=np.array([box for _, box in crowds], np.float32).reshape(-1, 4),
        crowd_labels=np.array([label for label, _ in crowds], object),
        found=np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in found], np.float32),
        found_labels=np.array([label for label, _, _ in found], object),
        names=[label for label, _, _ in found],
    )


NEAR, FAR = [100, 100, 200, 140], [400, 100, 500, 200]  # IoU 0.4 and 0 with BOX


@pytest.mark.parametrize(
    ("found", "wrong", "missed"),
    [
        ([("a", 0.9, BOX)], [], []),
        ([], [], [(0, "not found", 0.0)]),
        ([("a", 0.3, BOX)], [], [(0, "low score", 0.3)]),
        ([("a", 0.9, FAR)], [(0, "background")], [(0, "not found", 0.0)]),
        ([("a", 0.9, NEAR)], [(0, "localisation")], [(0, "localisation", 0.0)]),
        ([("b", 0.9, BOX)], [(0, "confusion")], [(0, "confusion", 0.0)]),
        ([("b", 0.9, BOX), ("a", 0.3, BOX)], [(0, "confusion")], [(0, "confusion", 0.3)]),
        ([("a", 0.9, BOX), ("a", 0.8, BOX)], [(1, "duplicate")], []),
        ([("a", 0.9, BOX), ("a", 0.8, NEAR)], [(1, "localisation")], []),
        ([("b", 0.3, BOX), ("a", 0.3, FAR)], [], [(0, "not found", 0.0)]),
    ],
)
def test_kinds_and_reasons(
    found: list[tuple[str, float, list[float]]],
    wrong: list[tuple[int, str]],
    missed: list[tuple[int, str, float]],
) -> None:
    got = compare(scene([("a", BOX)], found), CONFIG)
    assert got[0] == wrong
    assert [(k, reason) for k, reason, _ in got[1]] == [(k, reason) for k, reason, _ in missed]
    assert [best for *_, best in got[1]] == pytest.approx([best for *_, best in missed])
    assert got[2] == sum(score >= 0.5 for _, score, _ in found)


def test_boxes_in_a_crowd_do_not_count() -> None:
    seen = scene([], [("a", 0.9, BOX), ("b", 0.8, BOX)], [("a", [0, 0, 300, 300])])
    wrong, missed, counted = compare(seen, CONFIG)
    assert (wrong, missed, counted) == ([(1, "background")], [], 1)


def test_each_object_has_one_box_and_the_best_first() -> None:
    overlap = np.array([[0.6, 0.9], [0.7, 0.8], [0.9, 0.4]])
    assert pair_up(overlap, np.ones((3, 2), bool), 0.5).tolist() == [1, 0, -1]
    assert pair_up(overlap, np.array([[1, 0], [0, 1], [1, 1]], bool), 0.5).tolist() == [0, 1, -1]
    assert pair_up(np.zeros((1, 0)), np.zeros((1, 0), bool), 0.5).tolist() == [-1]


@pytest.mark.parametrize(
    ("box", "others", "source", "light", "expected"),
    [
        ([100, 100, 131, 131], [], "street", 90, ("small",)),
        ([100, 100, 132, 132], [], "street", 90, ("medium",)),
        ([100, 100, 196, 196], [], "street", 59, ("large", "night")),
        ([100, 100, 140, 140], [[100, 100, 112, 140]], "street", 90, ("medium", "crowd")),
        ([100, 100, 140, 140], [[100, 100, 111, 140]], "topview_x", 90, ("medium", "from above")),
        ([600, 100, 639, 139], [], "street", 90, ("medium", "edge of the picture")),
    ],
)
def test_circumstances(
    box: list[float], others: list[list[float]], source: str, light: float, expected: tuple[str, ...]
) -> None:
    around = np.array(others, np.float32).reshape(-1, 4)
    got = circumstances(np.array(box, np.float32), around, {**IMAGE, "source": source}, light, CONFIG)
    assert got == expected


def test_members_of_a_group_count_as_the_group_where_only_that_is_labelled(tmp_path: Path) -> None:
    truth, archive = coloured_set(tmp_path)
    data = json.loads(truth.read_text())
    data["categories"].append({"id": 50, "name": "any"})
    for image in data["images"]:
        image["labelled"] = ["any"]
    for annotation in data["annotations"]:
        annotation["category_id"] = 50
    data["images"][1]["labelled"] = "all"  # the group is not among "all": its box is no object there
    truth.write_text(json.dumps(data))
    with pytest.raises(DataError, match="no class of"):
        judge(colour_model(tmp_path), None, load_truth(truth), [archive], JudgeConfig())
    data["annotations"] += [
        {"id": 100 + k, "image_id": 101, "category_id": 5, "bbox": [k, 0, 5, 5]} for k in range(10)
    ]
    truth.write_text(json.dumps(data))
    judged = judge(colour_model(tmp_path), None, load_truth(truth), [archive], JudgeConfig())
    config = FailureConfig(score=0.5, groups=(("any", ("blue", "red")),))
    entries = [a for a in judged.truth.annotations if a["image_id"] == 102]
    grouped = make_scene(judged, 2, entries, config)
    assert grouped.labels.tolist() == grouped.found_labels.tolist() == ["any", "any"]
    assert sorted(grouped.names) == ["blue", "red"]
    failures = sort_failures(judged, [archive], config)
    # the first picture's red cell is in no group's box
    assert {(f.image, f.kind, f.label) for f in failures.failures if f.image != 1} == {
        (0, "background", "red")
    }


def test_from_the_command_line_to_the_sheets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, archive = coloured_set(tmp_path)
    data = json.loads(truth.read_text())
    taken = data["annotations"].pop()  # what it showed is now background
    data["annotations"].append({**taken, "id": 500, "image_id": 105, "bbox": [40, 40, 20, 20]})  # missed
    truth.write_text(json.dumps(data))
    out = tmp_path / "failures"
    model = colour_model(tmp_path)
    options = ["--model", str(model), "--annotations", str(truth), "--images", str(archive)]
    assert cli.main(["failures", *options, "--out", str(out)]) == 0
    report = json.loads((out / "failures.json").read_text())
    assert report["objects"]["all"] == 23
    assert report["missed"]["all"] == 1
    assert report["false"]["all"] == 1
    assert report["boxes"] == 23  # the red cell of the first picture is not labelled: its box does not count
    assert {f["image"] for f in report["failures"]} == {"some/11.png", "some/5.png"}
    page = (out / "failures.md").read_text()
    assert page == failures_page(report) == capsys.readouterr().out
    assert "**1 are missed** (4 %)" in page
    assert "| red | 1 | 100 % | 11 | 9 % | 1 |" in page
    sheets = sorted(path.name for path in out.glob("*.png"))
    assert "false-in-small.png" in sheets
    assert any(name.startswith("missed-") for name in sheets)
    assert all((out / name).read_bytes().startswith(b"\x89PNG") for name in sheets)
    assert cli.main(["failures", *options, "--out", str(out), "--score", "1.5"]) == 2
    assert "--score must lie between 0 and 1" in capsys.readouterr().err


def test_a_page_keeps_what_stands_around_its_tables(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Head\n\n{MARKS[0]}\nold\n{MARKS[1]}\n\nTail\n")
    page.write_text(filled(page, "one\n"))
    assert page.read_text() == f"# Head\n\n{MARKS[0]}\n\none\n\n{MARKS[1]}\n\nTail\n"
    assert filled(page, "one\n") == page.read_text()
    page.write_text("no marks")
    with pytest.raises(DataError, match="expected the lines"):
        filled(page, "one")
    with pytest.raises(DataError, match="cannot be read"):
        filled(tmp_path / "none.md", "one")
