from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveil.track import kalman
from surveil.track.kalman import Blocks

RNG = np.random.default_rng(3)


class Oracle:
    """filterpy's 8x4 filter of one box, with the block-diagonal matrices of the design written out."""

    def __init__(self, z: np.ndarray) -> None:
        from filterpy.kalman import KalmanFilter

        self.filter = KalmanFilter(dim_x=8, dim_z=4)
        self.scale = np.array([z[2], z[3], z[2], z[3]])
        self.filter.H = np.eye(4, 8)
        self.filter.x = np.concatenate([z, np.zeros(4)])[:, None]
        self.filter.P = np.diag(np.concatenate([4 * (self.scale / 20) ** 2, (1.875 * self.scale) ** 2]))

    def predict(self, dt: float) -> None:
        eye, s2 = np.eye(4), np.diag(self.scale**2)
        self.filter.F = np.block([[eye, dt * eye], [0 * eye, eye]])
        self.filter.Q = np.block(
            [
                [s2 * (0.075 * dt + 1.055 * dt**3 / 3), s2 * 1.055 * dt**2 / 2],
                [s2 * 1.055 * dt**2 / 2, s2 * 1.055 * dt],
            ]
        )
        self.filter.predict()

    def update(self, z: np.ndarray) -> None:
        self.filter.R = np.diag((self.scale / 20) ** 2)
        self.filter.update(z[:, None])
        width, height = np.maximum(self.filter.x[2:4, 0], z[2:] / 2)
        self.scale = np.array([width, height, width, height])


def walk(steps: int) -> list[np.ndarray]:
    """Boxes of three objects (3, 4) as cx, cy, w, h, that wander."""
    z = np.array([[100.0, 200, 30, 80], [600, 50, 200, 90], [5, 5, 3, 3]])
    return [z + RNG.normal(0, 0.1, (3, 4)) * z[:, [2, 3, 2, 3]] * [1, 1, 0.5, 0.5] for _ in range(steps)]


def test_filterpy_agrees_over_irregular_steps_with_misses() -> None:
    path = walk(60)
    blocks, oracles = kalman.birth(path[0]), [Oracle(z) for z in path[0]]
    for z in path[1:]:
        dt = np.full(3, RNG.choice([0.01, 1 / 30, 0.2, 0.7]))
        blocks = kalman.predict(blocks, dt)
        seen = RNG.random(3) > 0.3
        updated = kalman.update(blocks.select(seen), z[seen])
        blocks = Blocks(*(field.copy() for field in blocks))
        for field, new in zip(blocks, updated, strict=True):
            field[seen] = new
        for row, oracle in enumerate(oracles):
            oracle.predict(dt[row])
            if seen[row]:
                oracle.update(z[row])
            state, covariance = oracle.filter.x[:, 0], oracle.filter.P
            np.testing.assert_allclose(
                np.concatenate([blocks.x[row], blocks.v[row]]), state, rtol=1e-9, atol=1e-9
            )
            p = [np.diag(field[row]) for field in (blocks.p11, blocks.p12, blocks.p12, blocks.p22)]
            np.testing.assert_allclose(np.block([p[:2], p[2:]]), covariance, rtol=1e-9, atol=1e-9)


SIZES = st.floats(0.01, 1e4)
TIMES = st.floats(0, 3)


@given(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), SIZES, SIZES), TIMES, TIMES)
def test_a_long_step_equals_two_short_ones(z: tuple[float, ...], a: float, b: float) -> None:
    start = kalman.birth(np.array([z]))
    moving = kalman.update(kalman.predict(start, np.array([0.1])), np.array([z]) * 1.01)
    once = kalman.predict(moving, np.array([a + b]))
    twice = kalman.predict(kalman.predict(moving, np.array([a])), np.array([b]))
    for one, two in zip(once, twice, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)


@settings(max_examples=50)
@given(st.lists(st.tuples(TIMES, st.floats(-100, 100), SIZES), min_size=1, max_size=30))
def test_covariances_stay_positive(path: list[tuple[float, float, float]]) -> None:
    blocks = kalman.birth(np.array([[0.0, 0.0, 10.0, 10.0]]))
    for dt, x, size in path:
        blocks = kalman.update(kalman.predict(blocks, np.array([dt])), np.array([[x, x, size, size]]))
        assert (blocks.p11 > 0).all()
        assert (blocks.p22 > 0).all()
        assert (blocks.p11 * blocks.p22 > blocks.p12**2).all()
        assert (blocks.scale > 0).all()


def test_no_time_changes_nothing() -> None:
    blocks = kalman.update(kalman.birth(walk(1)[0]), walk(1)[0])
    for before, after in zip(blocks, kalman.predict(blocks, np.zeros(3)), strict=True):
        np.testing.assert_array_equal(before, after)


def test_restart_lies_on_the_line_through_both_ends() -> None:
    before, now = np.array([[0.0, 0, 10, 20]]), np.array([[30.0, -15, 10, 20]])
    blocks = kalman.restart(now, before, np.array([0.5]))
    np.testing.assert_allclose(blocks.v, [[60, -30, 0, 0]])
    np.testing.assert_allclose(kalman.predict(blocks, np.array([-0.5])).x, before)
    assert (blocks.p11 * blocks.p22 > blocks.p12**2).all()


def test_an_object_out_of_sight_moves_on_but_keeps_its_size() -> None:
    blocks = kalman.restart(np.array([[30.0, 0, 5, 5]]), np.array([[0.0, 0, 10, 10]]), np.array([0.5]))
    later = kalman.predict(kalman.hold_size(blocks), np.array([1.0]))
    np.testing.assert_allclose(later.x, [[90, 0, 5, 5]])


def test_boxes_have_a_size_even_where_it_was_predicted_through_zero() -> None:
    shrinking = kalman.restart(np.array([[30.0, 0, 5, 5]]), np.array([[30.0, 0, 50, 50]]), np.array([0.5]))
    later = kalman.predict(shrinking, np.array([1.0]))
    assert (later.x[:, 2:] < 0).all()
    np.testing.assert_allclose(kalman.to_boxes(later.x, later.scale), [[29.75, -0.25, 30.25, 0.25]])


def test_boxes_and_measurements_are_each_others_inverse() -> None:
    boxes = np.array([[1, 2, 11, 42]], np.float32)
    z = kalman.to_measurements(boxes)
    assert z.tolist() == [[6, 22, 10, 40]]
    np.testing.assert_array_equal(kalman.to_boxes(z, z), boxes)


def test_a_zooming_and_turning_camera_takes_the_filters_along() -> None:
    blocks = kalman.restart(np.array([[30.0, 10, 5, 8]]), np.array([[20.0, 10, 5, 8]]), np.array([0.5]))
    affine = np.array([[0.0, -2, 7], [2, 0, 9]])  # a quarter turn, twice as large, shifted
    moved = kalman.warp(blocks, affine)
    np.testing.assert_allclose(moved.x, [[-13, 69, 10, 16]])
    np.testing.assert_allclose(moved.v, [[0, 40, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(moved.p11, 4 * blocks.p11)
    later = kalman.warp(kalman.predict(blocks, np.array([0.3])), affine)
    for one, two in zip(later, kalman.predict(moved, np.array([0.3])), strict=True):
        np.testing.assert_allclose(one, two)


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_any_number_of_filters(n: int) -> None:
    blocks = kalman.birth(np.ones((n, 4)))
    blocks = kalman.update(kalman.predict(blocks, np.full(n, 0.1)), np.ones((n, 4)))
    assert all(field.shape == (n, 4) for field in blocks)
    assert blocks.append(blocks).x.shape == (2 * n, 4)
