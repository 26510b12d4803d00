"""Meshes of four-cornered faces, and the tubes that people and cars are made of.

Local axes: x forward, y left, z up, metres, the origin on the ground. Colours are linear RGB in 0-1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Painter = Callable[[Floats], tuple[Floats, NDArray[np.int8]]]
"""Face centres (F, 3) in, their colours (F, 3) and materials (F,) out."""


class Material(IntEnum):
    """What a face is made of: how it mirrors."""

    MATT = 0
    PAINT = 1
    GLASS = 2
    PLASTIC = 3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Mesh:
    """A surface of F faces over V vertices.

    Attributes:
        vertices: (V, 3) float32, metres.
        faces: (F, 4) int32 into `vertices`, counter-clockwise from outside.
        normals: (F, 3) float32, unit length, outwards.
        centres: (F, 3) float32, metres.
        colours: (F, 3) float32, linear RGB.
        materials: (F,) int8, values of `Material`.
        layers: (F,) int8: a higher layer is painted over a lower one whatever its distance.
        parts: first and last vertex (exclusive) of the nearly convex pieces, for shadows.
    """

    vertices: Floats
    faces: NDArray[np.int32]
    normals: Floats
    centres: Floats
    colours: Floats
    materials: NDArray[np.int8]
    layers: NDArray[np.int8]
    parts: tuple[tuple[int, int], ...]

    def placed(self, x: float, y: float, heading: float) -> Mesh:
        """The mesh at ground point (x, y), turned by `heading` (radians, 0 is towards +x)."""
        cos, sin = np.cos(heading), np.sin(heading)
        turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]], np.float32)
        to = np.array([x, y, 0], np.float32)
        return self._with(self.vertices @ turn + to, self.normals @ turn, self.centres @ turn + to)

    def scaled(self, factor: float, lift: float = 0.0) -> Mesh:
        """The mesh raised by `lift` metres, then made larger."""
        up, size = np.array([0, 0, lift], np.float32), np.float32(factor)
        return self._with((self.vertices + up) * size, self.normals, (self.centres + up) * size)

    def _with(self, vertices: Floats, normals: Floats, centres: Floats) -> Mesh:
        return Mesh(
            vertices=vertices,
            faces=self.faces,
            normals=normals,
            centres=centres,
            colours=self.colours,
            materials=self.materials,
            layers=self.layers,
            parts=self.parts,
        )


def join(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh out of several."""
    starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes]).tolist()
    pairs = list(zip(meshes, starts, strict=False))
    return Mesh(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        faces=np.concatenate([mesh.faces + np.int32(start) for mesh, start in pairs]),
        normals=np.concatenate([mesh.normals for mesh in meshes]),
        centres=np.concatenate([mesh.centres for mesh in meshes]),
        colours=np.concatenate([mesh.colours for mesh in meshes]),
        materials=np.concatenate([mesh.materials for mesh in meshes]),
        layers=np.concatenate([mesh.layers for mesh in meshes]),
        parts=tuple((a + start, b + start) for mesh, start in pairs for a, b in mesh.parts),
    )


def loft(
    rings: NDArray[np.floating],
    colour: ArrayLike | Painter,
    material: Material = Material.MATT,
    layer: int = 0,
) -> Mesh:
    """The skin over closed rings (R, n, 3).

    Args:
        rings: points of each ring, counter-clockwise seen from the end that the rings run to.
        colour: one RGB, one per gap between rings (R - 1, 3), or a `Painter`.
        material: of all faces, unless a painter says it.
        layer: see `Mesh.layers`.
    """
    count, n = rings.shape[:2]
    here = np.arange((count - 1) * n, dtype=np.int32).reshape(count - 1, n)
    beside = np.roll(here, -1, axis=1)
    faces = np.stack([here, beside, beside + n, here + n], axis=-1).reshape(-1, 4)
    vertices = rings.reshape(-1, 3).astype(np.float32)
    corners = vertices[faces]
    centres = corners.mean(axis=1)
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    if callable(colour):
        colours, materials = colour(centres)
    else:
        given = np.asarray(colour, np.float32)
        colours = np.repeat(given, n, axis=0) if given.ndim == 2 else np.tile(given, (len(faces), 1))
        materials = np.full(len(faces), material, np.int8)
    return Mesh(
        vertices=vertices,
        faces=faces,
        normals=normals,
        centres=centres,
        colours=colours,
        materials=materials,
        layers=np.full(len(faces), layer, np.int8),
        parts=((0, len(vertices)),),
    )


def tube(
    points: ArrayLike,
    radii: tuple[ArrayLike, ArrayLike],
    side: ArrayLike,
    colour: ArrayLike | Painter,
    corners: int = 12,
) -> Mesh:
    """A limb: ellipses along a polyline.

    Args:
        points: (R, 3) middle of each ellipse.
        radii: two times (R,): along `side`, and across it.
        side: (3,) direction of the first radius.
        colour: as in `loft`.
        corners: how many corners stand for an ellipse.
    """
    line, sideways = np.asarray(points, float), np.asarray(side, float)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    u = sideways - along * (along @ sideways)[:, None]
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    w = np.cross(along, u)
    angle = np.arange(corners) * (2 * np.pi / corners)
    first, second = (np.asarray(radius, float)[:, None] for radius in radii)
    rings = (first * np.cos(angle))[..., None] * u[:, None] + (second * np.sin(angle))[..., None] * w[:, None]
    return loft(line[:, None] + rings, colour)


def resample(
    points: ArrayLike, radii: Sequence[ArrayLike], count: int
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """A polyline (R, 3) and its radii on `count` rings, rounded at the joints."""
    line = np.asarray(points, float)
    knots, at = np.arange(len(line)), np.linspace(0, len(line) - 1, count)
    smooth = np.stack([np.interp(at, knots, line[:, axis]) for axis in range(3)], axis=1)
    smooth[1:-1] = (smooth[:-2] + 2 * smooth[1:-1] + smooth[2:]) / 4
    return smooth, [np.interp(at, knots, np.asarray(radius, float)) for radius in radii]
