"""AP on partly labelled data, suppression, thresholds."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("pycocotools", reason="the extra `train` is not installed")

from training.evaluate.detect import DetectConfig, pick, suppress
from training.evaluate.protocol import ClassResult, Evaluation, evaluate
from training.evaluate.thresholds import ThresholdRule, choose_thresholds, precision_at

NAMES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")


def made_up_set(seed: int = 0) -> tuple[dict, list[dict]]:
    """Annotations of 30 partly labelled images, and detections that are sometimes right."""
    rng = np.random.default_rng(seed)
    images, truth, found = [], [], []
    for k in range(1, 31):
        labelled = ["all", ["person"], ["person", "car"]][k % 3]
        images.append(
            {"id": k, "width": 200, "height": 200, "labelled": labelled, "source": "ab"[k % 2] + "_set"}
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
    (tmp_path / "a.json").write_text(json.dumps(data))
    expected = tool["run"](data, found, source or None)
    got = evaluate(data, found, NAMES, source)
    assert {k: tuple(round(v, 1) for v in r.figures) for k, r in got.classes.items()} == {
        k: v[:6] for k, v in expected.items()
    }
    assert {k: (r.images, r.boxes) for k, r in got.classes.items()} == {k: v[6:] for k, v in expected.items()}


def test_a_class_counts_only_where_it_is_labelled() -> None:
    data, found = made_up_set()
    before = evaluate(data, found, NAMES).classes["car"].figures
    noise = {"image_id": 1, "category_id": 3, "bbox": [0.0, 0, 9, 9], "score": 0.99}  # image 1: persons only
    assert evaluate(data, [*found, noise], NAMES).classes["car"].figures == before
    seen = {**noise, "image_id": 2}
    assert evaluate(data, [*found, seen], NAMES).classes["car"].figures[0] < before[0]


def test_the_mean_leaves_bicycles_out_and_nothing_found_is_zero() -> None:
    data, found = made_up_set()
    result = evaluate(data, found, NAMES)
    assert set(result.classes) == {"person", "bicycle", "car"}
    expected = (result.classes["person"].figures[0] + result.classes["car"].figures[0]) / 2
    assert result.mean[0] == pytest.approx(expected)
    assert result.to_json()["mean_over"] == ["person", "car"]
    assert evaluate(data, [], NAMES).mean[0] == 0.0
    assert "mean of 2" in result.table()


def test_suppression_by_hand() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 0, 10, 5]], np.float32)
    scores = np.array([0.5, 0.9, 0.4, 0.3], np.float32)
    assert suppress(boxes, scores, 0.6).tolist() == [1, 2, 3]  # 9/11 overlaps, 1/2 does not


def test_picking_is_class_wise_best_first_and_limited() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60]], np.float32)
    scores = np.array([[0.9, 0.3], [0.8, 0.01], [0.1, 0.5]], np.float32)
    rows = pick(boxes, scores, DetectConfig())
    assert rows[:, 4].tolist() == pytest.approx([0.9, 0.5, 0.3, 0.1])
    assert rows[:, 5].tolist() == [0, 1, 1, 0]
    assert len(pick(boxes, scores, DetectConfig(limit=2))) == 2
    assert pick(boxes, scores, DetectConfig(floor=0.95)).shape == (0, 6)


def straight_curve() -> Evaluation:
    """Recall r is reached at score 1 - r with precision 1 - r / 2."""
    recall = np.linspace(0, 1, 101)
    figures = (0.0,) * 6
    result = ClassResult(figures=figures, images=1, boxes=50, precision=1 - recall / 2, scores=1 - recall)
    return Evaluation(classes={"person": result, "bicycle": ClassResult(
        figures=figures, images=1, boxes=15, precision=recall * 0, scores=1 - recall)})  # fmt: skip


def test_thresholds_are_read_off_the_curve() -> None:
    assert precision_at(straight_curve(), 0.4) == pytest.approx(0.7)
    cuts = choose_thresholds(straight_curve(), ThresholdRule(low=0.6, high=0.75, birth=0.85))
    assert (cuts.low, cuts.high, cuts.birth, cuts.display) == pytest.approx((0.2, 0.5, 0.7, 0.5), abs=0.011)
