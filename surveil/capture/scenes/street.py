"""The empty street: every pixel of the camera's widest view cast onto ground, walls and sky, once."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.capture.scenes import layout
from surveil.capture.scenes.camera import Camera
from surveil.capture.scenes.layout import Tree, Wall
from surveil.capture.scenes.light import BOUNCE_RGB, SKY_RGB, SUN, SUN_RGB
from surveil.capture.scenes.mesh import Floats
from surveil.capture.scenes.textures import Noise, facade, ground, mix, sky

NOTHING_M = 1e4
"""The distance where no wall is."""
_HORIZON_M = 300.0
_STRIP = 24
_LEAVES = 1600
_FIX = 4  # bits after the point in OpenCV's drawing coordinates


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Street:
    """The picture without people and cars.

    Attributes:
        camera: the view it was made for.
        light: (H, W, 3) float32, linear BGR.
        walls: (H, W) float32, metres along the ray to the wall or tree in that pixel, else `NOTHING_M`.
    """

    camera: Camera
    light: Floats
    walls: Floats


class Unfinished(Exception):
    """A stop was asked while a street was being built; it ends here and is never seen outside of scenes."""


def build_street(camera: Camera, seed: int, stop: threading.Event | None = None) -> Street:
    """The street as `camera` sees it; a strip of rows at a time, so that memory stays small at any size.

    Raises Unfinished soon after `stop` was set: a large picture takes many seconds.
    """
    width, height = camera.size
    fine = 3 if width * height < 1_000_000 else 2
    noise = Noise(seed)
    light = np.empty((height, width, 3), np.float32)
    walls = np.empty((height, width), np.float32)
    columns = ((np.arange(width * fine) + 0.5) / fine).astype(np.float32)
    for top in range(0, height, _STRIP):
        _go_on(stop)
        rows = min(_STRIP, height - top)
        lines = (top + (np.arange(rows * fine) + 0.5) / fine).astype(np.float32)
        seen, far = _strip(camera.directions(columns, lines), camera.position, noise)
        light[top : top + rows] = cv2.resize(seen, (width, rows), interpolation=cv2.INTER_AREA)
        walls[top : top + rows] = far[fine // 2 :: fine, fine // 2 :: fine]
    light = np.ascontiguousarray(light[..., ::-1])
    rng = np.random.default_rng(seed)
    for tree in layout.TREES:
        _go_on(stop)
        _draw_tree(light, walls, camera, tree, rng)
    return Street(camera=camera, light=light, walls=walls)


def _go_on(stop: threading.Event | None) -> None:
    if stop is not None and stop.is_set():
        raise Unfinished


def _strip(rays: Floats, eye: Floats, noise: Noise) -> tuple[Floats, Floats]:
    """Linear RGB (h, w, 3) and distances to walls (h, w) along unit directions (h, w, 3)."""
    down = rays[..., 2] < -1e-4
    distance = np.where(down, -eye[2] / np.minimum(rays[..., 2], -1e-4), NOTHING_M).astype(np.float32)
    near = distance <= _HORIZON_M
    light = np.zeros_like(rays)
    walls = np.full(distance.shape, NOTHING_M, np.float32)
    if near.any():
        light[near] = _lit_ground(rays, eye, distance, noise)[near]
    if not near.all():
        light[~near] = sky(rays, noise)[~near]
    for wall in layout.WALLS:
        to_wall, u, z = _onto(wall, rays, eye)
        hit = (to_wall > 0) & (to_wall < np.minimum(distance, walls)) & (z > 0) & (z < wall.height)
        hit &= (u > wall.span[0]) & (u < wall.span[1])
        columns = np.flatnonzero(hit.any(axis=0))
        if len(columns):
            part = np.s_[:, columns[0] : columns[-1] + 1]
            light[part][hit[part]] = _lit_wall(wall, u[part], z[part], noise)[hit[part]]
            walls[hit] = to_wall[hit]
    return light, walls


def _lit_ground(rays: Floats, eye: Floats, distance: Floats, noise: Noise) -> Floats:
    reach = np.minimum(distance, _HORIZON_M)
    x, y = (eye[axis] + rays[..., axis] * reach for axis in (0, 1))
    shadow = _tree_shadows(x, y, noise)[..., None]
    lit = ground(x, y, noise) * (SKY_RGB * (1 - 0.25 * shadow) + SUN_RGB * SUN[2] * (1 - shadow))
    return mix(lit, (0.75, 0.8, 0.85), np.clip(reach / 400, 0, 0.6))  # haze


def _tree_shadows(x: Floats, y: Floats, noise: Noise) -> Floats:
    """How much of the sun the crowns take from ground points (h, w), dappled."""
    leaf, shadow = noise(x, y, 0.5, 3), np.zeros(x.shape, np.float32)
    fall = SUN[:2] / SUN[2] * layout.CROWN_Z
    for tree in layout.TREES:
        off = (x - tree.x + fall[0]) ** 2 + (y - tree.y + fall[1]) ** 2
        inside = off < (tree.radius * (1 + 0.35 * leaf)) ** 2
        shadow = np.maximum(shadow, inside * np.clip(0.9 + 0.4 * leaf, 0.5, 1))
    return shadow


def _onto(wall: Wall, rays: Floats, eye: Floats) -> tuple[Floats, Floats, Floats]:
    """Where rays (h, w, 3) meet the plane of a wall: distance, place along and up the wall, each (h, w)."""
    across = rays[..., wall.axis]
    to_wall = (wall.at - eye[wall.axis]) / np.where(np.abs(across) < 1e-5, 1e-5, across)
    # Points far outside the wall are cut off: the textures need coordinates of a sensible size.
    u = np.clip(eye[1 - wall.axis] + rays[..., 1 - wall.axis] * to_wall, -200, 200).astype(np.float32)
    z = np.clip(eye[2] + rays[..., 2] * to_wall, -50, 50).astype(np.float32)
    return to_wall.astype(np.float32), u, z


def _lit_wall(wall: Wall, u: Floats, z: Floats, noise: Noise) -> Floats:
    colour, glass = facade(u, z, noise, wall.tone)
    outwards = np.zeros(3, np.float32)
    outwards[wall.axis] = -1.0 if wall.axis == 1 or wall.at > layout.SIDE_ROAD[1] else 1.0
    sun = max(float(outwards @ SUN), 0.0)
    return mix(colour * (SKY_RGB * 0.7 + BOUNCE_RGB + SUN_RGB * sun), (0.35, 0.42, 0.5), glass * 0.35)


def _draw_tree(light: Floats, walls: Floats, camera: Camera, tree: Tree, rng: np.random.Generator) -> None:
    """A trunk and leaves (small discs, lit by the sun) over `light`; `walls` takes the tree's distance."""
    away = float(np.hypot(tree.x, tree.y))
    trunk, depth = camera.project(np.array([[tree.x, tree.y, 0], [tree.x, tree.y, layout.TRUNK_Z]]))
    if depth.min() < 1:
        return
    ends = _fixed(trunk)
    thick = max(1, int(0.3 * camera.focal / depth[0]))
    cv2.line(light, ends[0], ends[1], (0.03, 0.04, 0.05), thick, cv2.LINE_AA, _FIX)
    cv2.line(walls, ends[0], ends[1], (away,), thick, cv2.LINE_8, _FIX)
    leaves = rng.standard_normal((_LEAVES, 3))
    leaves *= (rng.uniform(0.35, 1, _LEAVES) ** 0.5 / np.linalg.norm(leaves, axis=1))[:, None]
    leaves *= 1 + 0.2 * np.sin(leaves[:, :1] * 5) * np.cos(leaves[:, 2:] * 4)
    lit = np.clip(leaves @ SUN * 0.6 + 0.45, 0.08, 1) * rng.uniform(0.6, 1.3, _LEAVES)
    colours = np.outer(lit, [0.066, 0.264, 0.165]) + np.array([0.02, 0.03, 0.02])  # BGR
    at, depth = camera.project(leaves * tree.radius * [1, 1, 0.85] + [tree.x, tree.y, layout.CROWN_Z])
    radii = (rng.uniform(0.10, 0.22, _LEAVES) * camera.focal / depth * (1 << _FIX)).astype(int).tolist()
    places = _fixed(at)
    for i in np.argsort(-depth).tolist():
        cv2.circle(light, places[i], radii[i], colours[i].tolist(), -1, cv2.LINE_AA, _FIX)
        cv2.circle(walls, places[i], radii[i], (away,), -1, cv2.LINE_8, _FIX)


def _fixed(pixels: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Pixel positions (N, 2), edges, as OpenCV draws them: centres, with `_FIX` binary digits."""
    return [(int(x), int(y)) for x, y in np.round((pixels - 0.5) * (1 << _FIX)).astype(int).tolist()]
