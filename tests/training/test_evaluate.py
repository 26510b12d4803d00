"""AP on partly labelled data, calibration, thresholds."""

from __future__ import annotations

import contextlib
import io
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("pycocotools", reason="the extra `train` is not installed")

from tests.training.sets import one_class, write_truth
from training.evaluate.plots import calibration, draw_plots
from training.evaluate.protocol import FIGURES, ClassResult, Evaluation, evaluate
from training.evaluate.thresholds import ThresholdRule, choose_thresholds, precision_at

NAMES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")


def made_up_set(seed: int = 0) -> tuple[dict, list[dict]]:
    """Annotations of 30 partly labelled images, and detections that are sometimes right."""
    rng = np.random.default_rng(seed)
    images, truth, found = [], [], []
    for k in range(1, 31):
        labelled = ["all", ["person"], ["person", "car"]][k % 3]
        images.append(
            {
                "id": k,
                "file_name": f"{k}.png",
                "width": 200,
                "height": 200,
                "labelled": labelled,
                "source": "ab"[k % 2] + "_set",
            }
        )
        for _ in range(3):
            category = int(rng.integers(0, 3)) + 1
            x, y, w, h = (float(v) for v in rng.uniform((0, 0, 10, 10), (120, 120, 80, 80)))
            box = {"image_id": k, "category_id": category, "bbox": [x, y, w, h], "area": w * h, "iscrowd": 0}
            truth.append({"id": len(truth) + 1, **box})
            if rng.random() < 0.8:
                bbox = [float(v) for v in np.array([x, y, w, h]) + rng.normal(0, 3, 4)]
                score = float(rng.uniform(0.2, 1))
                found.append({"image_id": k, "category_id": category, "bbox": bbox, "score": score})
        wild = {"image_id": k, "category_id": int(rng.integers(0, 3)) + 1, "bbox": [5.0, 5, 30, 30]}
        found.append({**wild, "score": float(rng.uniform(0.02, 0.8))})
    return {
        "images": images,
        "annotations": truth,
        "categories": [{"id": i + 1, "name": n} for i, n in enumerate(NAMES)],
    }, found


@pytest.mark.parametrize("source", ["", "a_"])
def test_agrees_with_the_projects_measuring_tool(shared: Path, source: str, tmp_path: Path) -> None:
    tool = runpy.run_path(str(shared / "tools" / "ap_labelled.py"))
    data, found = made_up_set()
    expected = tool["run"](data, found, source or None)
    got = evaluate(write_truth(tmp_path, data), found, NAMES, source)
    assert {k: tuple(round(v, 1) for v in r.figures[:6]) for k, r in got.classes.items()} == {
        k: v[:6] for k, v in expected.items()
    }
    assert {k: (r.images, r.boxes) for k, r in got.classes.items()} == {k: v[6:] for k, v in expected.items()}


def test_all_classes_together_are_cocos_own_figures(tmp_path: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    data, found = made_up_set()
    for image in data["images"]:
        image["labelled"] = "all"
    kept = [c for c in data["categories"] if c["name"] in ("person", "bicycle", "car")]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {**data, "categories": kept}
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes([dict(r) for r in found]), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    got = evaluate(write_truth(tmp_path, data), found, NAMES)
    assert got.overall == pytest.approx(tuple(100 * run.stats))
    named = got.to_json()["all"]
    assert list(named) == list(FIGURES)
    assert named["AR100"] == pytest.approx(100 * run.stats[8], abs=0.06)


def right(image: int, score: float, box: tuple[float, ...] = (10, 10, 40, 40)) -> dict[str, Any]:
    """A detection of class `thing`; by default where the object is."""
    return {"image_id": image, "category_id": 7, "bbox": list(box), "score": score}


def test_ap_by_hand(tmp_path: Path) -> None:
    truth = write_truth(tmp_path, one_class(10))
    # five of ten objects, exactly: precision 1 at the recalls 0, 0.01 … 0.5, which are 51 of 101
    found = [right(k, 0.9 - k / 100) for k in range(5)]
    result = evaluate(truth, found, ["thing"]).classes["thing"]
    assert result.figures[:3] == pytest.approx((5100 / 101,) * 3)
    assert result.figures[FIGURES.index("AR100")] == pytest.approx(50)
    assert (result.boxes, result.images) == (10, 10)
    # a false box above them all: precision at the fifth is 5 / 6, and the curve is filled from the right
    wrong = right(9, 0.99, (60, 60, 20, 20))
    worse = evaluate(truth, [*found, wrong], ["thing"]).classes["thing"]
    assert worse.figures[0] == pytest.approx(5100 / 101 * 5 / 6)
    scores, matched = worse.found
    assert sorted(zip(scores.tolist(), matched.tolist(), strict=True))[-2:] == [(0.9, True), (0.99, False)]
    # half as wide: IoU 0.5, right at that threshold alone
    narrow = [right(k, 0.9, (10, 10, 20, 40)) for k in range(10)]
    half = evaluate(truth, narrow, ["thing"]).classes["thing"]
    assert half.figures[:3] == pytest.approx((10, 100, 0))


def test_a_crowd_hides_false_boxes(tmp_path: Path) -> None:
    data = one_class(11)
    data["annotations"][10]["iscrowd"] = 1
    found = [right(k, 0.5) for k in range(10)] + [right(10, 0.9, (12, 12, 9, 9))]
    result = evaluate(write_truth(tmp_path, data), found, ["thing"]).classes["thing"]
    assert result.figures[0] == pytest.approx(100)
    assert len(result.found[0]) == 10


def test_a_class_counts_only_where_it_is_labelled(tmp_path: Path) -> None:
    data, found = made_up_set()
    truth = write_truth(tmp_path, data)
    before = evaluate(truth, found, NAMES).classes["car"].figures
    noise = {"image_id": 1, "category_id": 3, "bbox": [0.0, 0, 9, 9], "score": 0.99}  # image 1: persons only
    assert evaluate(truth, [*found, noise], NAMES).classes["car"].figures == before
    seen = {**noise, "image_id": 2}
    assert evaluate(truth, [*found, seen], NAMES).classes["car"].figures[0] < before[0]


def test_the_mean_leaves_bicycles_out_and_nothing_found_is_zero(tmp_path: Path) -> None:
    data, found = made_up_set()
    truth = write_truth(tmp_path, data)
    result = evaluate(truth, found, NAMES)
    assert set(result.classes) == {"person", "bicycle", "car"}
    expected = (result.classes["person"].figures[0] + result.classes["car"].figures[0]) / 2
    assert result.mean[0] == pytest.approx(expected)
    assert result.counted == ("person", "car")
    assert evaluate(truth, [], NAMES).mean[0] == 0.0
    assert "mean of 2" in result.table()
    assert result.to_json(("AP", "AP50"))["mean"].keys() == {"AP", "AP50"}


def test_calibration_by_hand(tmp_path: Path) -> None:
    scores = np.array([0.11, 0.19, 0.55, 1.0])
    mean, share, count = calibration(scores, np.array([False, True, True, True]))
    assert count.tolist() == [0, 2, 0, 0, 0, 1, 0, 0, 0, 1]
    assert mean[[1, 5, 9]].tolist() == pytest.approx([0.15, 0.55, 1.0])
    assert share[[1, 5, 9]].tolist() == [0.5, 1.0, 1.0]
    assert np.isnan(mean[0])


def test_plots_are_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `train` is not installed")
    data, found = made_up_set()
    whole = evaluate(write_truth(tmp_path, data), found, NAMES)
    for path in draw_plots(whole, "made up", tmp_path / "plots"):
        assert path.read_bytes().startswith(b"\x89PNG")


def straight_curve() -> Evaluation:
    """Recall r is reached at score 1 - r with precision 1 - r / 2."""
    recall = np.linspace(0, 1, 101)
    figures = (0.0,) * 6
    result = ClassResult(figures=figures, images=1, boxes=50, precision=1 - recall / 2, scores=1 - recall)
    return Evaluation(classes={"person": result, "bicycle": ClassResult(
        figures=figures, images=1, boxes=15, precision=recall * 0, scores=1 - recall)})  # fmt: skip


def test_thresholds_are_read_off_the_curve() -> None:
    assert precision_at(straight_curve(), 0.4) == pytest.approx(0.7)
    chosen = choose_thresholds(straight_curve(), ThresholdRule(low=0.6, high=0.75, birth=0.85))
    cuts = chosen.thresholds
    assert chosen.notes == ()
    assert (cuts.low, cuts.high, cuts.birth, cuts.display) == pytest.approx((0.2, 0.5, 0.7, 0.5), abs=0.011)


def weak_curve(most: float, precision: float) -> ClassResult:
    """Recall r, up to 0.5, is reached at score most * (1 - r), always with the same precision."""
    recall = np.linspace(0, 1, 101)
    there = recall <= 0.5
    scores, right = np.where(there, most * (1 - recall), 0.0), np.where(there, precision, 0.0)
    return ClassResult(figures=(0.0,) * 12, images=1, boxes=50, precision=right, scores=scores)


def test_a_model_that_reaches_no_precision_is_cut_where_it_shows_most(
    caplog: pytest.LogCaptureFixture,
) -> None:
    weak = Evaluation(classes={"person": weak_curve(0.95, 0.7), "car": weak_curve(0.9, 0.5)})
    assert precision_at(weak, 0.5) == pytest.approx(0.6)
    assert precision_at(weak, 0.99) == 0  # nothing is left: that is no precision of 1
    chosen = choose_thresholds(weak, ThresholdRule(low=0.55))
    cuts = chosen.thresholds
    # recall falls from 0.45 on (car) and from 0.475 on (person): there F1 is still that of the whole curves
    assert (cuts.low, cuts.high, cuts.birth, cuts.display) == (0.1, 0.45, 0.45, 0.45)
    (note,) = chosen.notes
    assert (
        "no score reaches the mean precision wanted for high 0.75, birth 0.86; the most is 0.60 at 0.10"
        in note
    )
    assert "(by class: person 0.70, car 0.50)" in note
    assert note in caplog.text


def test_a_class_of_which_no_track_can_begin_is_named() -> None:
    chosen = choose_thresholds(
        Evaluation(classes={"person": weak_curve(0.9, 0.9), "car": weak_curve(0.3, 0.1)})
    )
    assert chosen.thresholds.birth == 0.31  # from there on only people are left
    assert chosen.notes == ("Thresholds: no right box of car has a score of 0.31, where tracks begin",)


def test_a_model_that_finds_nothing_has_thresholds_and_a_note() -> None:
    chosen = choose_thresholds(Evaluation(classes={"person": weak_curve(0.0, 0.0)}))
    assert chosen.thresholds.birth == 0.1
    assert "the most is 0.00" in chosen.notes[0]
    assert "no right box of person" in chosen.notes[1]
