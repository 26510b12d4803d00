"""Boxes as numbers, against hand-counted values and the laws they obey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from surveil import geometry

coordinates = st.integers(-2000, 4000).map(float)
boxes = hnp.arrays(np.float32, st.tuples(st.integers(0, 6), st.just(4)), elements=coordinates)


def ordered(raw: np.ndarray) -> np.ndarray:
    return np.concatenate([np.minimum(raw[:, :2], raw[:, 2:]), np.maximum(raw[:, :2], raw[:, 2:])], axis=1)


def test_hand_counted() -> None:
    a = np.array([[0, 0, 4, 2]], np.float32)
    b = np.array([[2, 1, 6, 3], [4, 0, 8, 2], [0, 0, 4, 2], [1, 1, 2, 2]], np.float32)
    assert geometry.area(a).tolist() == [8]
    assert geometry.intersection(a, b).tolist() == [[2, 0, 8, 1]]
    assert geometry.iou(a, b)[0] == pytest.approx([2 / 14, 0, 1, 1 / 8])


def test_inverted_and_empty_boxes_have_no_area() -> None:
    odd = np.array([[4, 4, 0, 0], [1, 1, 1, 5]], np.float32)
    assert geometry.area(odd).tolist() == [0, 0]
    assert geometry.iou(odd, odd).tolist() == [[0, 0], [0, 0]]


@given(boxes, boxes)
def test_iou_is_symmetric_and_between_0_and_1(left: np.ndarray, right: np.ndarray) -> None:
    a, b = ordered(left), ordered(right)
    values = geometry.iou(a, b)
    assert values.shape == (len(a), len(b))
    assert ((values >= 0) & (values <= 1)).all()
    assert np.array_equal(values, geometry.iou(b, a).T)


@given(boxes)
def test_iou_with_itself_is_one(raw: np.ndarray) -> None:
    solid = ordered(raw)
    solid = solid[geometry.area(solid) > 0]
    assert np.diagonal(geometry.iou(solid, solid)) == pytest.approx(np.ones(len(solid)))


@given(boxes)
def test_clipped_boxes_lie_in_the_frame(raw: np.ndarray) -> None:
    size = (640, 360)
    clipped = geometry.clip_boxes(ordered(raw), size)
    assert clipped.dtype == np.float32
    assert (clipped >= 0).all()
    assert (clipped[:, 0::2] <= 640).all()
    assert (clipped[:, 1::2] <= 360).all()
    assert np.array_equal(geometry.clip_boxes(clipped, size), clipped)


@given(boxes)
def test_corners_and_sides_are_inverse(raw: np.ndarray) -> None:
    assert np.array_equal(geometry.xywh_to_xyxy(geometry.xyxy_to_xywh(raw)), raw)


def test_objects_stand_on_the_middle_of_the_lower_edge() -> None:
    assert geometry.bottom_centres(np.array([[10, 20, 30, 60]], np.float32)).tolist() == [[20, 60]]


def test_sides_as_good_as_level_are_no_trouble() -> None:
    polygon = ((0.0, 0.0), (0.0, 0.0), (1.0, 5e-324))
    assert not geometry.inside(np.array([[0.5, 0.5], [0.5, 1e-300]]), polygon).any()


def test_inside_does_not_care_which_way_round() -> None:
    square = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    points = np.random.default_rng(1).uniform(-0.5, 1.5, (200, 2))
    truth = ((points > 0) & (points < 1)).all(axis=1)
    assert (
        geometry.inside(points, square).tolist()
        == geometry.inside(points, square[::-1]).tolist()
        == truth.tolist()
    )
