"""Where the camera looks."""

from __future__ import annotations

import numpy as np
import pytest

from surveil.capture.scenes.camera import PAN_PERIOD_S, Camera, Mount
from surveil.capture.scenes.config import SceneConfig

TIMES = np.linspace(0, 30, 301)
POINTS = np.array([[0, 12, 0], [-3, 18, 1.5], [4, 30, 0], [2, 15, 4.0]], float)


def test_what_is_farther_is_higher_and_smaller() -> None:
    camera = Camera.aimed((640, 360))
    (near, far, head), depth = camera.project(np.array([[0, 10, 0], [0, 20, 0], [0, 20, 1.7]], float))
    assert near[0] == far[0] == 320
    assert far[1] < near[1]
    assert head[1] < far[1]
    assert depth[1] > depth[0] > 0


def test_rays_go_through_the_points_that_are_seen_there() -> None:
    camera = Camera.aimed((640, 360), yaw=0.1, pitch=-0.02, roll=0.03)
    at, _ = camera.project(POINTS)
    for point, (x, y) in zip(POINTS, at, strict=True):
        ray = camera.directions(np.array([x]), np.array([y]))[0, 0]
        towards = point - camera.position
        assert ray == pytest.approx(towards / np.linalg.norm(towards), abs=1e-4)


def test_the_homography_takes_pixels_from_one_view_to_the_other() -> None:
    a, b = Camera.aimed((640, 360)), Camera.aimed((640, 360), yaw=0.05, pitch=0.01, roll=0.02)
    before, after = a.project(POINTS)[0], b.project(POINTS)[0]
    moved = np.hstack([before, np.ones((len(before), 1))]) @ a.seen_by(b).T
    assert moved[:, :2] / moved[:, 2:] == pytest.approx(after, abs=0.01)


def test_wind_moves_the_middle_by_no_more_than_shake() -> None:
    mount = Mount(SceneConfig(shake=5.0))
    middle = np.array([320.0, 180.0, 1.0])
    seen = [mount.rest.seen_by(mount.camera(float(t))) @ middle for t in TIMES]
    moved = [float(np.linalg.norm(p[:2] / p[2] - middle[:2])) for p in seen]
    assert 2.0 < max(moved) <= 5.05  # a pixel is a little more than its angle


def test_panning_turns_slowly_to_both_sides() -> None:
    mount = Mount(SceneConfig(pan=10.0))
    quarter = PAN_PERIOD_S / 4
    for t, degrees in ((0.0, 0.0), (quarter, 10.0), (3 * quarter, -10.0)):
        forward = mount.camera(t).rotation[2]
        assert np.degrees(np.arctan2(forward[0], forward[1])) == pytest.approx(degrees, abs=1e-6)


@pytest.mark.parametrize("size", [(640, 360), (360, 640)])
def test_the_panorama_holds_every_view(size: tuple[int, int]) -> None:
    mount = Mount(SceneConfig(size=size, shake=10.0, pan=20.0))
    panorama = mount.panorama()
    corners = np.array([[0, 0, 1], [size[0], 0, 1], [0, size[1], 1], [*size, 1]], float).T
    for t in TIMES:
        seen = mount.camera(float(t)).seen_by(panorama) @ corners
        at = seen[:2] / seen[2]
        assert (at >= 0).all()
        assert (at <= np.array(panorama.size)[:, None]).all()
