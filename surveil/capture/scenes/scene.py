"""A scene: frames by number, each with its truth."""

from __future__ import annotations

import threading
from functools import lru_cache
from math import tau

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.capture.scenes.camera import Camera, Mount
from surveil.capture.scenes.cars import SPOKES, car_look, car_mesh
from surveil.capture.scenes.config import SceneConfig
from surveil.capture.scenes.layout import LINES
from surveil.capture.scenes.mesh import Floats, Mesh
from surveil.capture.scenes.paint import Painted, paint
from surveil.capture.scenes.people import STRIDE, person_look, person_mesh
from surveil.capture.scenes.scenario import Kind, Scenario, Standing, crossing
from surveil.capture.scenes.sensor import Sensor
from surveil.capture.scenes.street import NOTHING_M, build_street
from surveil.capture.scenes.truth import CrossingTruth, FrameTruth, ObjectTruth

LEAST_VISIBLE = 0.02
_GAIT_STEPS = 32
_ROLL_STEPS = 8
# Detail by the height in pixels that a person has at the place: (from, detail of people, detail of cars).
_DETAIL = ((150.0, 1.0, 1.0), (75.0, 0.7, 0.8), (40.0, 0.5, 0.6), (0.0, 0.35, 0.45))
_PERSON_M = 1.75
_REACH_M = {"person": 2.6, "car": 4.2}


class Scene:
    """Draws the frames of a config in any order, one number always the same. For one thread at a time."""

    def __init__(self, config: SceneConfig, stop: threading.Event | None = None) -> None:
        """Build the empty street. Raises Unfinished soon after `stop` was set."""
        self.config = config
        self._mount = Mount(config)
        self._street = build_street(self._mount.panorama(), config.seed, stop)
        self._scenario = Scenario(config.seed, config.people)
        self._sensor = Sensor(config.size, config.seed)
        self._model = lru_cache(maxsize=512)(_model)

    def frame(self, index: int) -> tuple[NDArray[np.uint8], FrameTruth]:
        """The picture (H, W, 3) uint8 BGR of frame `index` (from 0), and what is in it."""
        t = index / self.config.fps
        camera = self._mount.camera(t)
        standing = self._scenario.at(t)
        near = [item for item in standing if _in_view(item, camera)]
        light, walls = self._background(camera)
        painted = paint(light, walls, camera, [self._mesh(item, camera) for item in near])
        truth = FrameTruth(
            index=index,
            pts_s=t,
            objects=_objects(near, painted, self.config.size),
            crossings=self._crossings(index, standing),
            motion=self._motion(index, camera),
        )
        return self._sensor.expose(light, index), truth

    def _background(self, camera: Camera) -> tuple[Floats, Floats]:
        """Light and walls of the empty street as the camera sees them now; the caller may draw into both."""
        street = self._street
        if not self.config.moving:
            return street.light.copy(), street.walls
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV counts from the middle of a pixel
        to_street = np.linalg.inv(half) @ camera.seen_by(street.camera) @ half
        flags = cv2.WARP_INVERSE_MAP
        light = cv2.warpPerspective(street.light, to_street, camera.size, flags=flags | cv2.INTER_LINEAR)
        walls = cv2.warpPerspective(
            street.walls, to_street, camera.size, flags=flags | cv2.INTER_NEAREST, borderValue=(NOTHING_M,)
        )
        return np.asarray(light, np.float32), np.asarray(walls, np.float32)

    def _mesh(self, item: Standing, camera: Camera) -> Mesh:
        distance = float(np.linalg.norm([*item.ground, camera.position[2]]))
        height_px = _PERSON_M * camera.focal / distance
        level = next(i for i, (least, _, _) in enumerate(_DETAIL) if height_px >= least)
        return self._model(item.kind, item.look, _step(item), level).placed(*item.ground, item.heading)

    def _crossings(self, index: int, standing: list[Standing]) -> tuple[CrossingTruth, ...]:
        if index == 0:
            return ()
        before = {item.id: item.ground for item in self._scenario.at((index - 1) / self.config.fps)}
        return tuple(
            CrossingTruth(id=item.id, label=item.kind, line=name, way=way)
            for item in standing
            if item.id in before
            for name, line in LINES.items()
            if (way := crossing(line, before[item.id], item.ground))
        )

    def _motion(self, index: int, camera: Camera) -> NDArray[np.float64]:
        if index == 0 or not self.config.moving:
            return np.eye(3)
        return self._mount.camera((index - 1) / self.config.fps).seen_by(camera)


def _in_view(item: Standing, camera: Camera) -> bool:
    """Whether any of the object or of its shadow may be in the picture: a ball round both touches it."""
    middle = np.array([[*item.ground, 1.0]])
    at, depth = camera.project(middle)
    reach = _REACH_M[item.kind] * camera.focal / max(float(depth[0]) - _REACH_M[item.kind], 0.1)
    return bool((at[0] > -reach).all() and (at[0] < np.array(camera.size) + reach).all())


def _step(item: Standing) -> int:
    """The number of the pose in the gait, or of the wheels' turn, which repeats with every spoke."""
    if item.kind == "person":
        turns, steps = item.walked_m / (STRIDE * person_look(item.look).height), _GAIT_STEPS
    else:
        around = tau * car_look(item.look).wheel_radius
        turns, steps = item.walked_m / around * SPOKES, _ROLL_STEPS
    return int(turns * steps) % steps


def _model(kind: Kind, look: tuple[int, ...], step: int, level: int) -> Mesh:
    _, person_detail, car_detail = _DETAIL[level]
    if kind == "person":
        return person_mesh(person_look(look), tau * step / _GAIT_STEPS, person_detail)
    return car_mesh(car_look(look), -tau / SPOKES * step / _ROLL_STEPS, car_detail)


def _objects(
    standing: list[Standing], painted: list[Painted], size: tuple[int, int]
) -> tuple[ObjectTruth, ...]:
    found = []
    for item, shape in zip(standing, painted, strict=True):
        if shape.visible >= LEAST_VISIBLE:
            x1, y1, x2, y2 = np.clip(shape.box, 0, [*size, *size]).tolist()
            entry = ObjectTruth(
                id=item.id,
                label=item.kind,
                box=(x1, y1, x2, y2),
                visibility=min(shape.visible, 1.0),
                ground=item.ground,
            )
            found.append(entry)
    return tuple(sorted(found, key=lambda entry: entry.id))
