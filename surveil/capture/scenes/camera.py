"""The camera: a pinhole on a mast, and how wind and a slow motor turn it.

World axes: x to the right along the street, y away from the camera, z up, metres; the mast is at the origin.
Pixels: x to the right, y down, edges not centres (the picture's middle is (width / 2, height / 2)).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import tau
from typing import Self

import numpy as np
from numpy.typing import NDArray

from surveil.capture.scenes.config import SceneConfig
from surveil.capture.scenes.mesh import Floats

HEIGHT_M = 5.0
PITCH_DEG = 15.5
FIELD_DEG = (50.0, 40.0)
"""Largest angle of view across and down; the tighter one counts."""
NEAR_M = 0.3
"""Nothing is drawn that comes nearer to the camera's plane."""
PAN_PERIOD_S = 24.0
_WIND_HZ = (0.45, 1.1, 2.3, 4.1)
_WIND_SHARE = (0.35, 0.3, 0.2, 0.15)
_ROLL_SHARE = 0.15


def _turned(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """World to camera (x right, y down, z forward) for angles in radians: to the right, down, clockwise."""
    forward = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), -np.sin(pitch)])
    right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
    level = np.stack([right, np.cross(forward, right), forward])
    cos, sin = np.cos(roll), np.sin(roll)
    return np.asarray(np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]]) @ level)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Camera:
    """Where the camera looks at one moment.

    Attributes:
        size: (width, height) of its picture in pixels.
        focal: focal length in pixels.
        centre: (x, y) pixel of the optical axis.
        rotation: (3, 3) float64, world to camera (x right, y down, z forward).
    """

    size: tuple[int, int]
    focal: float
    centre: tuple[float, float]
    rotation: NDArray[np.float64]

    @classmethod
    def aimed(cls, size: tuple[int, int], yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Self:
        """The street's camera for a picture size, turned away from its rest by angles in radians."""
        across, down = (np.tan(np.radians(angle / 2)) for angle in FIELD_DEG)
        return cls(
            size=size,
            focal=float(max(size[0] / 2 / across, size[1] / 2 / down)),
            centre=(size[0] / 2, size[1] / 2),
            rotation=_turned(yaw, np.radians(PITCH_DEG) + pitch, roll),
        )

    @property
    def position(self) -> Floats:
        """(3,) metres."""
        return np.array([0.0, 0.0, HEIGHT_M], np.float32)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(3, 3): camera directions to homogeneous pixels."""
        x, y = self.centre
        return np.array([[self.focal, 0.0, x], [0.0, self.focal, y], [0.0, 0.0, 1.0]])

    def project(self, points: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Pixels (N, 2) of world points (N, 3), and their metres (N,) before the camera's plane."""
        seen = np.asarray((points - self.position) @ self.rotation.T, np.float32)
        depth = seen[:, 2]
        at = seen[:, :2] * (self.focal / np.maximum(depth, 0.1))[:, None] + np.array(self.centre)
        return at.astype(np.float32), depth

    def directions(self, x: Floats, y: Floats) -> Floats:
        """Unit world directions (h, w, 3) through the pixels of columns x (w,) and rows y (h,)."""
        across, down = np.meshgrid((x - self.centre[0]) / self.focal, (y - self.centre[1]) / self.focal)
        rays = np.stack([across, down, np.ones_like(across)], axis=-1) @ self.rotation
        return np.asarray(rays / np.linalg.norm(rays, axis=-1, keepdims=True), np.float32)

    def seen_by(self, other: Camera) -> NDArray[np.float64]:
        """Homography (3, 3): pixels of this camera to those of `other`, for the far and the near alike."""
        turn = other.rotation @ self.rotation.T
        through = other.matrix @ turn @ np.linalg.inv(self.matrix)
        return np.asarray(through / through[2, 2])

    def widened(self, left: int, top: int, right: int, bottom: int) -> Camera:
        """The same view with so many more pixels at its sides."""
        return Camera(
            size=(self.size[0] + left + right, self.size[1] + top + bottom),
            focal=self.focal,
            centre=(self.centre[0] + left, self.centre[1] + top),
            rotation=self.rotation,
        )


class Mount:
    """What holds the camera: where it looks at a time, and the wide view that holds all it can see."""

    def __init__(self, config: SceneConfig) -> None:
        self._size, self._moving = config.size, config.moving
        self.rest = Camera.aimed(config.size)
        self._pan = float(np.radians(config.pan))
        # The picture's middle is moved by two angles at once: together they stay below `shake` pixels.
        self._shake = config.shake / self.rest.focal / np.sqrt(2)
        self._wind = np.random.default_rng((config.seed, 0x57)).uniform(0, tau, (3, len(_WIND_HZ)))

    def camera(self, t: float) -> Camera:
        """Where the camera looks at media time `t` in seconds."""
        if not self._moving:
            return self.rest
        sway = np.sin(tau * np.multiply(_WIND_HZ, t) + self._wind) @ np.array(_WIND_SHARE) * self._shake
        swing = self._pan * np.sin(tau * t / PAN_PERIOD_S)
        return Camera.aimed(self._size, swing + float(sway[0]), float(sway[1]), float(sway[2]) * _ROLL_SHARE)

    def panorama(self) -> Camera:
        """A camera at rest, wide enough for every view of this mount."""
        if not self._moving:
            return self.rest
        width, height = self._size
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], float).T
        reach = []
        for yaw in (-self._pan - self._shake, self._pan + self._shake):
            for pitch in (-self._shake, self._shake):
                for roll in (-self._shake * _ROLL_SHARE, self._shake * _ROLL_SHARE):
                    seen = Camera.aimed(self._size, yaw, pitch, roll).seen_by(self.rest) @ corners
                    reach.append(seen[:2] / seen[2])
        low, high = np.min(reach, axis=(0, 2)), np.max(reach, axis=(0, 2))
        left, top = np.ceil(np.maximum(-low, 0)).astype(int) + 2
        right, bottom = np.ceil(np.maximum(high - self._size, 0)).astype(int) + 2
        return self.rest.widened(int(left), int(top), int(right), int(bottom))
