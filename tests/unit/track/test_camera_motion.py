from __future__ import annotations

import cv2
import numpy as np
import pytest

from surveil.track.camera_motion import MotionEstimator

SIZE = (640, 360)
NOTHING = np.zeros((0, 4), np.float32)
POINTS = np.array([[x, y, 1] for x in (60, 320, 580) for y in (40, 180, 320)], float)


def street(seed: int = 0) -> np.ndarray:
    """A large still picture with edges of all sizes."""
    rng = np.random.default_rng(seed)
    picture = np.full((600, 900, 3), 90, np.uint8)
    for _ in range(250):
        x, y, width, height = rng.integers(0, [900, 600, 90, 90])
        colour = rng.integers(0, 255, 3).tolist()
        cv2.rectangle(picture, (int(x), int(y)), (int(x + width), int(y + height)), colour, -1)
    return cv2.GaussianBlur(picture, (0, 0), 1.5)


def view(world: np.ndarray, affine: np.ndarray, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """What a camera sees of the world; `affine` (2, 3) maps world pixels to the picture's."""
    picture = cv2.warpAffine(world, affine, SIZE, flags=cv2.INTER_LINEAR).astype(float)
    picture += np.random.default_rng(seed).normal(0, noise, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def pose(x: float, y: float, degrees: float = 0.0, zoom: float = 1.0) -> np.ndarray:
    turn = cv2.getRotationMatrix2D((450, 300), degrees, zoom)
    turn[:, 2] += (x - 130, y - 120)
    return turn


def between(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where the points of one picture are in the other."""
    square = [np.vstack([one, [0, 0, 1]]) for one in (before, after)]
    return (POINTS @ (square[1] @ np.linalg.inv(square[0])).T)[:, :2]


@pytest.mark.parametrize(
    "after", [pose(5, -3), pose(-40, 20), pose(0.8, 0.6), pose(3, 2, 1.5), pose(0, 0, 0, 1.03)]
)
def test_shift_turn_and_zoom_are_found(after: np.ndarray) -> None:
    world, before = street(), pose(0, 0)
    estimator = MotionEstimator()
    assert estimator.look(view(world, before, 2), 0.0, NOTHING) is None
    estimator.mark()
    motion = estimator.look(view(world, after, 2, seed=1), 0.1, NOTHING)
    assert motion is not None
    np.testing.assert_allclose(POINTS @ motion.T, between(before, after), atol=0.7)


def test_a_long_pan_with_shake_adds_up_and_motions_are_told_from_the_marked_picture() -> None:
    world, estimator = street(), MotionEstimator()
    rng = np.random.default_rng(5)
    path = [pose(120 - 4 * k + rng.normal(0, 2), rng.normal(0, 2)) for k in range(60)]
    place = POINTS.copy()
    marked = path[0]
    for k, here in enumerate(path):
        motion = estimator.look(view(world, here, 2, seed=k), k / 10, NOTHING)
        if k:
            assert motion is not None
            np.testing.assert_allclose(POINTS @ motion.T, between(marked, here), atol=0.8)
        if k % 3 == 0:  # the detector looks at every third picture
            if motion is not None:
                place[:, :2] = place @ motion.T
            estimator.mark()
            marked = here
    np.testing.assert_allclose(place[:, :2], between(path[0], path[57]), atol=3)


def test_a_camera_that_rests_has_no_motion_by_night_either() -> None:
    world, estimator = street(), MotionEstimator()
    for k in range(40):
        assert estimator.look(view(world, pose(0, 0), 6, seed=k), k / 10, NOTHING) is None
        estimator.mark()


def test_a_bus_is_not_the_world() -> None:
    world, bus, estimator = street(), street(1), MotionEstimator()
    for k in range(10):
        picture = view(world, pose(0, 0), 2, seed=k)
        x = 20 + 12 * k
        picture[60:300, x : x + 380] = bus[60:300, :380]
        motion = estimator.look(picture, k / 10, np.array([[x, 60, x + 380, 300]], np.float32))
        assert motion is None
        estimator.mark()


def test_a_picture_without_corners_says_nothing() -> None:
    estimator, grey = MotionEstimator(), np.full((360, 640, 3), 128, np.uint8)
    assert [estimator.look(grey, k / 10, NOTHING) for k in range(4)] == [None] * 4


def test_a_cut_and_another_size_begin_anew() -> None:
    estimator, before = MotionEstimator(), pose(0, 0)
    estimator.look(view(street(), before), 0.0, NOTHING)
    estimator.mark()
    assert estimator.look(view(street(7), before), 0.1, NOTHING) is None
    estimator.mark()
    assert estimator.look(view(street(7), before)[::2, ::2].copy(), 0.2, NOTHING) is None
    estimator.mark()
    assert estimator.look(view(street(7), pose(6, 0))[::2, ::2].copy(), 0.3, NOTHING) is not None


def test_boxes_may_cover_everything() -> None:
    estimator = MotionEstimator()
    whole = np.array([[-50, -50, 900, 900]], np.float32)
    assert [estimator.look(view(street(), pose(k, 0)), k / 10, whole) for k in range(3)] == [None] * 3
