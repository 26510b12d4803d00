from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveil.detect.layouts.layout import Candidates
from surveil.detect.postprocess import SelectionConfig, nms, select, vote
from surveil.detect.preprocess import Placement
from surveil.geometry import iou
from surveil.labels import SURVEIL_6
from surveil.types import Detections

PLACEMENT = Placement(scale_x=0.5, scale_y=0.5, offset_y=10)
SIZE = (200, 100)


def _found(*rows: tuple[float, float, float, float, float, int]) -> Candidates:
    """Candidates from x1, y1, x2, y2, score, class."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    return Candidates(
        boxes=table[:, :4].astype(np.float32),
        scores=table[:, 4].astype(np.float32),
        class_ids=table[:, 5].astype(np.int32),
    )


def _select(found: Candidates, **config: object) -> Detections:
    options = {"min_score": 0.1} | config
    return select(found, PLACEMENT, SIZE, SURVEIL_6, SelectionConfig(**options))  # type: ignore[arg-type]


def test_boxes_come_back_in_frame_pixels_best_first() -> None:
    found = _select(_found((0, 10, 10, 20, 0.5, 0), (50, 30, 60, 60, 0.9, 2), (0, 10, 10, 20, 0.05, 0)))
    assert found.boxes.tolist() == [[100, 40, 120, 100], [0, 0, 20, 20]]
    assert found.scores.tolist() == pytest.approx([0.9, 0.5])
    assert found.class_ids.tolist() == [2, 0]
    assert (found.frame_size, found.labels) == (SIZE, SURVEIL_6)


def test_boxes_in_the_border_are_dropped() -> None:
    assert len(_select(_found((0, 0, 100, 9, 0.9, 0), (100, 10, 120, 60, 0.9, 0)))) == 0


def test_suppression_is_within_a_class() -> None:
    box = (10, 20, 40, 50)
    found = _select(_found((*box, 0.8, 0), (*box, 0.9, 0), (*box, 0.7, 5)))
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])


def test_what_sticks_out_of_the_frame_is_compared_by_what_is_seen() -> None:
    # 30 of 40 px of width are visible for the first, 30 of 90 for the second: the same picture of one object.
    found = _select(_found((70, 20, 110, 50, 0.9, 0), (70, 20, 160, 50, 0.8, 0)))
    assert len(found) == 1


def test_only_the_classes_that_are_wanted() -> None:
    box = (10, 20, 40, 50)
    found = _select(_found((*box, 0.8, 0), (*box, 0.9, 2), (*box, 0.7, 5)), classes=(0, 5))
    assert found.class_ids.tolist() == [0, 5]


def test_the_best_are_kept_where_there_are_too_many() -> None:
    rows = [(k, 20, k + 0.5, 50, 0.2 + k / 200, 0) for k in range(90)]
    assert _select(_found(*rows), max_boxes=3).scores.tolist() == pytest.approx([0.645, 0.64, 0.635])
    assert len(_select(_found(*rows), max_candidates=7)) == 7


def test_equal_scores_keep_the_order_of_the_model() -> None:
    rows = [(k, 20, k + 0.5, 50, 0.5, 0) for k in (30, 10, 20)]
    assert _select(_found(*rows)).boxes[:, 0].tolist() == [60, 20, 40]


def test_nothing_found_is_empty() -> None:
    found = _select(_found())
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def _plain_nms(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, limit: float) -> list[int]:
    """The definition, box by box."""
    overlap, kept = iou(boxes.astype(np.float64), boxes.astype(np.float64)), []
    for k in np.argsort(-scores, kind="stable").tolist():
        if all(classes[k] != classes[j] or overlap[k, j] <= limit for j in kept):
            kept.append(k)
    return kept


@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.sampled_from([0.3, 0.6, 0.9]))
def test_nms_is_greedy_suppression(seed: int, count: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    corner, sides = rng.uniform(0, 60, (count, 2)), rng.uniform(5, 60, (count, 2))
    boxes = np.concatenate([corner, corner + sides], axis=1).astype(np.float32)
    scores = rng.choice([0.0, 0.25, 0.5, 0.75], count).astype(np.float32)
    classes = rng.integers(0, 3, count).astype(np.int32)
    assert nms(boxes, scores, classes, limit).tolist() == _plain_nms(boxes, scores, classes, limit)


def test_voting_moves_a_box_towards_its_kind_on_the_same_spot() -> None:
    boxes = np.array([[0, 0, 100, 100], [10, 0, 110, 100], [10, 0, 110, 100], [300, 0, 400, 100]], np.float32)
    scores = np.array([0.8, 0.4, 0.7, 0.5], np.float32)
    class_ids = np.array([0, 0, 1, 0], np.int32)
    moved = vote(boxes, scores, class_ids, np.array([0, 3]), 0.05)
    weight = 0.4 * np.exp(-((1 - 9 / 11) ** 2) / 0.05)
    shift = 10 * weight / (0.8 + weight)
    assert moved[0] == pytest.approx([shift, 0, 100 + shift, 100])
    assert moved[1].tolist() == [300, 0, 400, 100]  # alone on its spot


def test_voting_without_scores_and_without_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10]], np.float32)
    nothing = np.zeros(2, np.float32)
    assert vote(boxes, nothing, np.zeros(2, np.int32), np.array([0]), 0.05).tolist() == [[0, 0, 10, 10]]
    empty = np.zeros((0, 4), np.float32)
    assert vote(empty, nothing[:0], np.zeros(0, np.int32), np.zeros(0, np.intp), 0.05).shape == (0, 4)


def test_voting_is_what_the_selection_says() -> None:
    found = _found((0, 10, 50, 60, 0.8, 0), (5, 10, 55, 60, 0.4, 0))
    without, voted = _select(found), _select(found, voting_sigma=0.05)
    assert without.boxes.tolist() == [[0, 0, 100, 100]]
    assert 0 < voted.boxes[0, 0] < 10
    assert voted.scores.tolist() == without.scores.tolist()
