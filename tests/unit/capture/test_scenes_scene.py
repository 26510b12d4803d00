"""Whole frames: the same for the same seed, with a truth that fits them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from surveil.capture.scenes.config import SceneConfig
from surveil.capture.scenes.layout import LINES
from surveil.capture.scenes.scenario import Scenario, crossing
from surveil.capture.scenes.scene import LEAST_VISIBLE, Scene

CONFIG = SceneConfig(seed=4, size=(240, 136), fps=5.0)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(CONFIG)


def test_the_same_seed_gives_the_same_pictures_in_any_order(scene: Scene) -> None:
    other = Scene(CONFIG)
    late, _ = other.frame(31)
    early, truth = other.frame(3)
    again, same = scene.frame(3)
    assert np.array_equal(early, again)
    assert np.array_equal(late, scene.frame(31)[0])
    assert truth.objects == same.objects
    assert early.shape == (136, 240, 3)
    assert early.dtype == np.uint8


def test_another_seed_gives_another_picture(scene: Scene) -> None:
    other, _ = Scene(SceneConfig(seed=5, size=CONFIG.size, fps=CONFIG.fps)).frame(3)
    assert np.abs(other.astype(int) - scene.frame(3)[0]).mean() > 2


def test_truth_fits_the_frame(scene: Scene) -> None:
    standing = {item.id: item for item in Scenario(CONFIG.seed).at(40 / CONFIG.fps)}
    _, truth = scene.frame(40)
    assert truth.index == 40
    assert truth.pts_s == 8.0
    assert truth.objects
    assert [item.id for item in truth.objects] == sorted(item.id for item in truth.objects)
    for item in truth.objects:
        x1, y1, x2, y2 = item.box
        assert 0 <= x1 < x2 <= 240
        assert 0 <= y1 < y2 <= 136
        assert LEAST_VISIBLE <= item.visibility <= 1
        assert item.label == standing[item.id].kind
        assert item.ground == standing[item.id].ground
    assert np.array_equal(truth.motion, np.eye(3))


def test_objects_show_in_the_picture(scene: Scene) -> None:
    """Between two frames more changes inside the boxes than elsewhere."""
    (a, before), (b, after) = scene.frame(40), scene.frame(45)
    change = np.abs(a.astype(int) - b).mean(axis=2)
    inside = np.zeros(change.shape, bool)
    for item in (*before.objects, *after.objects):
        x1, y1, x2, y2 = np.round(item.box).astype(int)
        inside[y1:y2, x1:x2] = True
    assert change[inside].mean() > 2 * change[~inside].mean()


def test_crossings_are_those_of_the_ground_points() -> None:
    config = SceneConfig(seed=4, size=(64, 64), fps=1.5)
    scene, scenario, expected, found = Scene(config), Scenario(config.seed), [], []
    for index in range(30):
        found += [(index, c.id, c.line, c.way) for c in scene.frame(index)[1].crossings]
        if index:
            now = {item.id: item for item in scenario.at(index / config.fps)}
            last = {item.id: item for item in scenario.at((index - 1) / config.fps)}
            for number in now.keys() & last.keys():
                for name, line in LINES.items():
                    way = crossing(line, last[number].ground, now[number].ground)
                    expected += [(index, number, name, way)] if way else []
    assert sorted(found) == sorted(expected)
    assert {line for _, _, line, _ in found} == set(LINES)


def test_motion_says_how_a_shaking_panning_camera_moved_the_picture() -> None:
    config = SceneConfig(seed=4, size=(240, 136), fps=5.0, shake=6.0, pan=15.0)
    scene = Scene(config)
    (before, _), (after, truth) = scene.frame(1), scene.frame(2)
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    carried = cv2.warpPerspective(before, np.linalg.inv(half) @ truth.motion @ half, config.size)
    seen = carried.max(axis=2) > 0

    def difference(picture: np.ndarray) -> float:
        return float(np.abs(picture.astype(int) - after).mean(axis=2)[seen].mean())

    assert np.abs(truth.motion[:2, 2]).max() > 2
    assert difference(carried) < 0.55 * difference(before)


def test_a_moving_camera_sees_what_a_still_one_sees_at_the_same_moment() -> None:
    """At t = 0 the panning camera looks straight ahead."""
    still, truth = Scene(CONFIG).frame(0)
    panning, same = Scene(SceneConfig(seed=4, size=CONFIG.size, fps=5.0, pan=10.0)).frame(0)
    assert [item.box for item in same.objects] == [item.box for item in truth.objects]
    assert np.abs(still.astype(int) - panning).mean() < 4
