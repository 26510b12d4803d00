"""The light of a sunny afternoon (sun, sky, and what the ground throws back) on the faces of a mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surveil.capture.scenes.mesh import Floats, Material, Mesh

_TOWARDS_SUN = np.array([-0.50, -0.42, 0.76])
SUN: Floats = (_TOWARDS_SUN / np.linalg.norm(_TOWARDS_SUN)).astype(np.float32)
"""Direction towards the sun, unit length."""
SUN_RGB: Floats = np.array([2.3, 2.15, 1.9], np.float32)
SKY_RGB: Floats = np.array([0.62, 0.72, 0.88], np.float32)
BOUNCE_RGB: Floats = np.array([0.30, 0.28, 0.25], np.float32)
SHADOW_RGB: Floats = SKY_RGB * np.float32(0.75) / (SKY_RGB + SUN_RGB * SUN[2])
"""What is left of the ground's light in a hard shadow."""

# Reflectance head-on and at a grazing angle, by `Material`.
_HEAD_ON: Floats = np.array([0.0, 0.05, 0.07, 0.02], np.float32)
_GRAZING: Floats = np.array([0.0, 1.0, 1.0, 0.25], np.float32)
_SHINE: Floats = np.array([1.0, 1.06, 1.12], np.float32)
_FACADE: Floats = np.array([0.22, 0.19, 0.16], np.float32)
_STREET: Floats = np.array([0.13, 0.13, 0.135], np.float32)


def shade(mesh: Mesh, eye: Floats) -> tuple[NDArray[np.intp], Floats]:
    """The faces that look towards `eye` (3,), as indices (K,), and their colours (K, 3)."""
    towards = eye - mesh.centres
    front = np.flatnonzero((mesh.normals * towards).sum(axis=1) > 0)
    normals, centres, towards = mesh.normals[front], mesh.centres[front], towards[front]
    sun = np.clip(normals @ SUN, 0, 1)[:, None]
    up = normals[:, 2:] * np.float32(0.5) + np.float32(0.5)
    near_ground = 1 - np.float32(0.45) * np.exp(np.clip(centres[:, 2:], 0, 9) * np.float32(-4))
    ambient = (SKY_RGB * up + BOUNCE_RGB * (1 - up)) * near_ground
    colours: Floats = mesh.colours[front] * (ambient + SUN_RGB * sun)
    shiny = np.flatnonzero(mesh.materials[front] != Material.MATT)
    if len(shiny):
        view = towards[shiny] / np.linalg.norm(towards[shiny], axis=1, keepdims=True)
        facing = (normals[shiny] * view).sum(axis=1, keepdims=True)
        material = mesh.materials[front][shiny]
        mirror = _HEAD_ON[material][:, None]
        mirror = mirror + (_GRAZING[material][:, None] - mirror) * (1 - facing) ** 5  # Schlick
        seen = _mirrored(2 * facing * normals[shiny] - view)
        colours[shiny] = colours[shiny] * (1 - mirror) + mirror * seen
    return front, colours


def _mirrored(direction: Floats) -> Floats:
    """What a mirror sees in `direction` (K, 3): a bright sky over a dark street, facades at the horizon."""
    up = direction[:, 2:]
    sky = _SHINE * np.clip(np.float32(1.1) - up * np.float32(0.75), 0.3, 1.1)
    sun = 6 * np.clip(direction @ SUN, 0, 1)[:, None] ** 90
    return np.asarray(np.where(up > 0.22, sky, np.where(up > 0, _FACADE, _STREET)) + sun, np.float32)
