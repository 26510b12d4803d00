"""Boxes and visibility against the pixels that were really painted."""

from __future__ import annotations

from math import tau

import numpy as np
import pytest

from surveil.capture.scenes.camera import Camera
from surveil.capture.scenes.cars import CarShape, car_look, car_mesh
from surveil.capture.scenes.mesh import Mesh
from surveil.capture.scenes.paint import Painted, paint
from surveil.capture.scenes.people import person_look, person_mesh
from surveil.capture.scenes.street import NOTHING_M

SIZE = (640, 360)
CAMERA = Camera.aimed(SIZE)


def painted(*meshes: Mesh, wall_m: float = NOTHING_M) -> tuple[list[Painted], np.ndarray]:
    """Meshes on black ground before a wall; what was painted, and the mask of its pixels."""
    light = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    walls = np.full((SIZE[1], SIZE[0]), wall_m, np.float32)
    return paint(light, walls, CAMERA, meshes), light.sum(axis=2) > 0


ROUNDING_PX = 1.25
"""A pixel counts where the smallest part of it is painted, and OpenCV paints the samples on an edge too."""


def extent(mask: np.ndarray) -> np.ndarray:
    """xyxy px around the set pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


def person(x: float, y: float, *, seed: int = 0, phase: float = 1.0, heading: float = 0.0) -> Mesh:
    return person_mesh(person_look((seed,)), phase).placed(x, y, heading)


@pytest.mark.parametrize("seed", range(6))
def test_a_persons_box_is_that_of_its_pixels(seed: int) -> None:
    mesh = person(-2 + 0.7 * seed, 9 + 2 * seed, seed=seed, phase=seed, heading=0.9 * seed)
    (item,), mask = painted(mesh)
    assert np.abs(extent(mask) - item.box).max() < ROUNDING_PX
    assert item.visible == pytest.approx(1.0)


@pytest.mark.parametrize("heading", [0.0, 0.7, tau / 4, 3.0, 5.0])
def test_a_cars_box_is_that_of_its_pixels(heading: float) -> None:
    mesh = car_mesh(car_look((1,)), roll=0.3).placed(1, 16, heading)
    (item,), mask = painted(mesh)
    assert np.abs(extent(mask) - item.box).max() < ROUNDING_PX


def test_looks_differ_by_seed_and_all_shapes_drive() -> None:
    assert len({person_look((seed,)) for seed in range(30)}) > 25
    assert {car_look((seed,)).shape for seed in range(30)} == set(CarShape)


def test_less_detail_keeps_the_outline() -> None:
    look = person_look((3,))
    full, coarse = (person_mesh(look, 2.0, detail).placed(0, 20, 0) for detail in (1.0, 0.35))
    assert len(coarse.faces) < len(full.faces) / 3
    (fine,), _ = painted(full)
    (rough,), _ = painted(coarse)
    assert np.abs(fine.box - rough.box).max() < 1


def test_who_stands_behind_is_seen_less() -> None:
    car, walker = car_mesh(car_look((1,)), 0.0).placed(0, 13, 0), person(0, 15)
    (front, behind), _ = painted(car, walker)
    assert front.visible == pytest.approx(1.0)
    assert 0.1 < behind.visible < 0.8
    (swapped, _), _ = painted(walker, car)
    assert swapped.visible == behind.visible  # whatever the order


def test_who_is_behind_a_wall_is_not_seen() -> None:
    (item,), mask = painted(person(0, 20), wall_m=12.0)
    assert item.visible == 0
    assert not mask.any()


def test_who_leaves_the_picture_is_seen_less() -> None:
    at, _ = CAMERA.project(np.array([[3.0, 10, 1], [5.0, 10, 1]]))
    edge = 3 + 2 * (SIZE[0] - at[0, 0]) / (at[1, 0] - at[0, 0])  # where x meets the right edge
    (item,), mask = painted(person(float(edge), 10, heading=tau / 4))
    assert 0.3 < item.visible < 0.7
    assert item.box[2] > SIZE[0]
    assert extent(mask)[2] == SIZE[0]
    (away,), _ = painted(person(30, 10))
    assert away.visible == 0


def test_shadows_darken_the_ground_but_not_the_walls() -> None:
    light = np.ones((SIZE[1], SIZE[0], 3), np.float32)
    walls = np.full((SIZE[1], SIZE[0]), NOTHING_M, np.float32)
    walls[:, : SIZE[0] // 2] = 500.0  # a wall far behind, left
    mesh = person(0, 12)
    paint(light, walls, CAMERA, [mesh])
    dark = light.max(axis=2) < 0.5
    (item,), mask = painted(mesh)
    ground = dark & ~mask
    assert ground[:, SIZE[0] // 2 :].sum() > 100
    assert not ground[:, : int(item.box[0]) - 2].any()
