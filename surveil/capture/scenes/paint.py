"""Painting meshes and their shadows over the street, far to near, with account of who covers whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.capture.scenes.camera import NEAR_M, Camera
from surveil.capture.scenes.light import SHADOW_RGB, SUN, shade
from surveil.capture.scenes.mesh import Floats, Mesh
from surveil.capture.scenes.street import NOTHING_M

_FIX = 4  # bits after the point in OpenCV's drawing coordinates
_FINE = 3  # supersampling of meshes
_FINE_SHADOW = 2
_LARGE_PX = 40_000  # a patch above this size is sampled less finely
_ABOVE: Floats = np.array([0.0, 0.0, 1.0], np.float32)
_CONTACT = 0.55
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Painted:
    """One mesh in the picture.

    Attributes:
        box: (4,) float64 xyxy px of the whole mesh, not clipped.
        visible: share of the mesh that is seen: not cut off by the picture's edge, not behind something, 0-1.
    """

    box: NDArray[np.float64]
    visible: float


@dataclass(frozen=True, slots=True)
class _Shown:
    """The part of the picture that a mesh was drawn into, and which of its pixels it took."""

    window: tuple[slice, slice]
    mask: NDArray[np.bool_]


def paint(light: Floats, walls: Floats, camera: Camera, meshes: Sequence[Mesh]) -> list[Painted]:
    """Draw shadows and meshes into `light` (H, W, 3; linear BGR), in place.

    Args:
        light: the picture of the empty street.
        walls: (H, W) metres to the wall or tree in each pixel: what is behind stays hidden.
        camera: where the picture is taken from.
        meshes: placed in the world.

    Returns:
        One `Painted` for each mesh.
    """
    _shadows(light, walls, camera, meshes)
    owner = np.full(light.shape[:2], NOBODY, np.int16)
    boxes, wholes = np.zeros((len(meshes), 4)), np.zeros(len(meshes))
    for index in sorted(range(len(meshes)), key=lambda i: -_away(meshes[i], camera)):
        boxes[index], wholes[index], shown = _paint_one(light, walls, camera, meshes[index])
        owner[shown.window][shown.mask] = index
    seen = np.bincount(owner.ravel() - NOBODY, minlength=len(meshes) + 1)[1:]
    inside = _inside(boxes, camera.size)
    visible = np.divide(seen, wholes, out=np.zeros(len(meshes)), where=wholes > 0) * inside
    return [Painted(box, float(share)) for box, share in zip(boxes, visible, strict=True)]


def _inside(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """The share (N,) of boxes (N, 4) that lies in the picture."""
    cut = np.clip(boxes, 0, [*size, *size])
    part, whole = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (cut, boxes))
    return np.asarray(np.divide(part, whole, out=np.zeros(len(boxes)), where=whole > 0))


def _away(mesh: Mesh, camera: Camera) -> float:
    """Metres from the camera to the middle of a mesh."""
    return float(np.linalg.norm(mesh.vertices.mean(axis=0) - camera.position))


def _paint_one(
    light: Floats, walls: Floats, camera: Camera, mesh: Mesh
) -> tuple[NDArray[np.float64], int, _Shown]:
    """Draw one mesh.

    Returns:
        Its box, how many pixels of the picture it would have if nothing stood before it, and those it has.
    """
    at, depth = camera.project(mesh.vertices)
    box = np.concatenate([at.min(axis=0), at.max(axis=0)]).astype(np.float64)
    left, top = np.maximum(np.floor(box[:2]).astype(int) - 1, 0).tolist()
    right, bottom = np.minimum(np.ceil(box[2:]).astype(int) + 1, camera.size).tolist()
    if right <= left or bottom <= top or depth.min() < NEAR_M:
        return box, 0, _Shown((slice(0, 0), slice(0, 0)), np.zeros((0, 0), np.bool_))
    patch = _patch(mesh, camera, at, depth, (left, top, right, bottom))
    window = slice(top, bottom), slice(left, right)
    free = walls[window] >= _away(mesh, camera)
    solid = patch[..., 3] > 0.5
    under = light[window]
    under += (patch[..., :3] - under * patch[..., 3:]) * free[..., None]
    return box, int(solid.sum()), _Shown(window, solid & free)


def _patch(
    mesh: Mesh, camera: Camera, at: Floats, depth: Floats, window: tuple[int, int, int, int]
) -> Floats:
    """The mesh alone, (h, w, 4): linear BGR multiplied by its cover, and the cover 0-1."""
    left, top, right, bottom = window
    width, height = right - left, bottom - top
    fine = _FINE if width * height < _LARGE_PX else _FINE - 1
    front, colours = shade(mesh, camera.position)
    order = np.lexsort((-depth[mesh.faces[front]].mean(axis=1), mesh.layers[front]))
    corner = np.array([left, top], np.float32)
    fixed = np.round(((at - corner) * fine - 0.5) * (1 << _FIX)).astype(np.int32)
    polygons = fixed[mesh.faces[front[order]]]
    paints = np.hstack([colours[order, ::-1], np.ones((len(order), 1), np.float32)]).tolist()
    layer = np.zeros((height * fine, width * fine, 4), np.float32)
    for polygon, bgra in zip(polygons, paints, strict=True):
        cv2.fillConvexPoly(layer, polygon, bgra, cv2.LINE_8, _FIX)
    return np.asarray(cv2.resize(layer, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _shadows(light: Floats, walls: Floats, camera: Camera, meshes: Sequence[Mesh]) -> None:
    """Darken the ground where meshes keep the sun off, and more softly where they touch it."""
    hard = _on_ground(camera, meshes, SUN)
    soft = _on_ground(camera, meshes, _ABOVE)
    rows = np.flatnonzero(hard.any(axis=1) | soft.any(axis=1))
    if not len(rows):
        return
    band = np.s_[max(rows[0] - 8, 0) : rows[-1] + 9]
    ground = walls[band] >= NOTHING_M
    sun = cv2.GaussianBlur(hard[band], (0, 0), 0.6) * ground
    contact = cv2.GaussianBlur(soft[band], (0, 0), 2.0) * ground
    dark = 1 - sun[..., None] * (1 - SHADOW_RGB[::-1])
    light[band] *= dark * (1 - np.float32(_CONTACT) * contact)[..., None]


def _on_ground(camera: Camera, meshes: Sequence[Mesh], towards: Floats) -> Floats:
    """The shadow (H, W), 0-1, of meshes on the ground for light from a direction (3,), piece by piece."""
    width, height = camera.size
    mask = np.zeros((height * _FINE_SHADOW, width * _FINE_SHADOW), np.uint8)
    for mesh in meshes:
        flat = mesh.vertices - towards * (mesh.vertices[:, 2:] / towards[2])
        at, depth = camera.project(flat)
        if depth.min() < NEAR_M:
            continue
        fixed = np.round((at * _FINE_SHADOW - 0.5) * (1 << _FIX)).astype(np.int32)
        for first, last in mesh.parts:
            cv2.fillConvexPoly(mask, cv2.convexHull(fixed[first:last]), (255,), cv2.LINE_8, _FIX)
    small = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) * np.float32(1 / 255)
