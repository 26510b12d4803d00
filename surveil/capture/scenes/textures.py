"""What ground, walls and sky look like, point by point: albedo in linear RGB from coordinates in metres."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from surveil.capture.scenes import layout
from surveil.capture.scenes.mesh import Floats

PAINT_RGB = (0.55, 0.55, 0.53)
FRAME_RGB = (0.5, 0.5, 0.48)
STONE_M, BRICK_M, COURSE_M = 0.5, 0.26, 0.09
BAY_M, STOREY_M, SILL_Z = 3.2, 3.1, 0.9


class Noise:
    """Smooth value noise over the plane in several octaves; zero mean and about unit amplitude."""

    def __init__(self, seed: int) -> None:
        self._table = np.random.default_rng(seed).uniform(-1, 1, (256, 256)).astype(np.float32)

    def __call__(self, x: Floats, y: Floats, scale: float, octaves: int = 4) -> Floats:
        """Values at points x, y (h, w) in metres, with features of about `scale` metres and below."""
        total, weight = np.zeros(x.shape, np.float32), np.float32(1)
        for octave in range(octaves):
            u, v = _wrapped(x, scale, 17.3 * octave), _wrapped(y, scale, 5.1 * octave)
            wave = cv2.remap(self._table, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
            total += weight * np.asarray(wave, np.float32)
            scale, weight = scale / 2.03, weight * np.float32(0.55)
        return total


def _wrapped(metres: Floats, scale: float, offset: float) -> Floats:
    """Places in a table of 256 cells that repeats without end."""
    cells = np.asarray(metres, np.float32) * np.float32(1 / scale) + np.float32(offset)
    cells -= np.floor(cells * np.float32(1 / 256)) * np.float32(256)  # a third of the cost of %
    return cells


def mix(a: ArrayLike, b: ArrayLike, share: ArrayLike) -> Floats:
    """Colours a (..., 3) with `share` (...) of b."""
    first = np.asarray(a, np.float32)
    return first + (np.asarray(b, np.float32) - first) * np.asarray(share, np.float32)[..., None]


def ground(x: Floats, y: Floats, noise: Noise) -> Floats:
    """Paving, kerbs, asphalt, lawn: albedo (h, w, 3) at ground points x, y (h, w)."""
    stain, fine = noise(x, y, 6, 5), noise(x, y, 0.09, 2)
    middle = (layout.SIDE_ROAD[0] + layout.SIDE_ROAD[1]) / 2
    main = (y > layout.ROAD[0]) & (y < layout.ROAD[1])
    side = (x > layout.SIDE_ROAD[0]) & (x < layout.SIDE_ROAD[1]) & (y >= layout.ROAD[1])
    lawn = (y > layout.LAWN_Y) & ~side & (np.abs(x - middle) > 4.6)
    road = main | side
    colour = np.zeros((*x.shape, 3), np.float32)
    if not (road | lawn).all():
        colour = _paving(x, y, noise)
    if road.any():
        colour[road] = _asphalt(x, y, noise, main, side)[road]
    colour *= (1 + 0.12 * stain + 0.10 * fine)[..., None]
    if lawn.any():
        colour[lawn] = _grass(x, y, noise)[lawn]
    along = (np.abs(y - layout.ROAD[0] + 0.1) < 0.1) | (np.abs(y - layout.ROAD[1] - 0.1) < 0.1) & ~side
    beside = [np.abs(x - edge + 0.1) < 0.1 for edge in layout.SIDE_ROAD]
    kerb = along | (beside[0] | beside[1]) & (y > layout.ROAD[1])
    return mix(colour, (0.42, 0.41, 0.39), kerb * 0.9)


def _paving(x: Floats, y: Floats, noise: Noise) -> Floats:
    tone = noise(np.floor(x / STONE_M) * 7.1, np.floor(y / STONE_M) * 3.7, 1, 1) * 0.5 + 0.5
    joint = (np.abs((x / STONE_M) % 1 - 0.5) > 0.475) | (np.abs((y / STONE_M) % 1 - 0.5) > 0.475)
    return mix(mix((0.30, 0.285, 0.26), (0.36, 0.34, 0.31), tone), (0.12, 0.11, 0.1), joint * 0.55)


def _asphalt(x: Floats, y: Floats, noise: Noise, main: NDArray[np.bool_], side: NDArray[np.bool_]) -> Floats:
    """Patched and cracked tar with worn markings and a darker track where oil drips."""
    fine = noise(x, y, 0.11, 2)
    patch = noise(np.floor(x / 3.1), np.floor(y / 1.7), 0.37, 1) > 0.72
    tar = mix(
        np.array([0.075, 0.076, 0.08]) * (1 + 0.22 * fine)[..., None], (0.045, 0.045, 0.047), patch * 0.6
    )
    tar = mix(tar, (0.02, 0.02, 0.02), (np.abs(noise(x + 0.3 * fine, y, 2.6, 4)) < 0.012) * 0.8)
    near, far = layout.ROAD
    mid = (near + far) / 2
    outside = (x < layout.SIDE_ROAD[0]) | (x > layout.SIDE_ROAD[1])
    dash = (np.abs(y - mid) < 0.07) & ((x % 6) < 3)
    edge = (np.abs(y - near - 0.35) < 0.06) | (np.abs(y - far + 0.35) < 0.06) & outside
    stripes = (((y - near) % 1.0) < 0.5) & (y > near + 0.3) & (y < far - 0.3)
    zebra = (np.abs(x - layout.ZEBRA_X) < layout.ZEBRA_HALF_M) & stripes
    middle = (layout.SIDE_ROAD[0] + layout.SIDE_ROAD[1]) / 2
    side_dash = (np.abs(x - middle) < 0.07) & ((y % 6) < 3) & (y > far + 1.5)
    worn = np.clip(0.85 + 0.5 * fine, 0, 1)
    tar = mix(tar, PAINT_RGB, (((dash | edge | zebra) & main) | (side_dash & side)) * worn)
    oil = 0.25 * np.exp(-(((np.abs(y - mid) - 1.75) / 0.5) ** 2))
    return np.asarray(tar * (1 - oil)[..., None], np.float32)


def _grass(x: Floats, y: Floats, noise: Noise) -> Floats:
    tone = np.clip(noise(x, y, 1.2, 5) * 0.5 + 0.5, 0, 1)
    blades = 1 + 0.35 * noise(x, y * np.float32(0.6), 0.12, 2)
    return mix((0.05, 0.085, 0.02), (0.10, 0.12, 0.035), tone) * blades[..., None]


def facade(
    u: Floats, z: Floats, noise: Noise, tone: tuple[float, float, float]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Bricks, windows, a dark base: albedo (h, w, 3) at u along and z up the wall; where glass is (h, w)."""
    wall = np.array(tone, np.float32) * (1 + 0.10 * noise(u, z, 3, 4) + 0.08 * noise(u, z, 0.1, 2))[..., None]
    course = np.floor(z / COURSE_M)
    upright = np.abs(((u + (course % 2) * BRICK_M / 2) / BRICK_M) % 1 - 0.5) > 0.47
    mortar = (np.abs((z / COURSE_M) % 1 - 0.5) > 0.43) | upright
    wall = mix(wall, np.array(tone, np.float32) * 1.5, mortar * 0.35)
    across, up = np.abs(u % BAY_M - BAY_M / 2), (z - SILL_Z) % STOREY_M
    window = (across < 0.62) & (up > 0.2) & (up < 1.75) & (z > SILL_Z)
    frame = (across < 0.72) & (up > 0.1) & (up < 1.85) & (z > SILL_Z)
    sash = window & ((across < 0.03) | (np.abs(up - 1.2) < 0.03))
    blind = noise(np.floor(u / BAY_M) * 3.3, np.floor((z - SILL_Z) / STOREY_M) * 5.7, 1, 1)
    glass = mix((0.02, 0.025, 0.03), (0.30, 0.28, 0.24), np.clip(blind, 0, 1) * (up > 1.0))
    wall = np.where(window[..., None], glass, wall)
    wall = mix(wall, FRAME_RGB, (frame & ~window) | sash)
    base = 1 - 0.35 * np.exp(-np.clip(z, 0, 9) / 0.35)
    return wall * base[..., None], window & ~sash


def sky(direction: Floats, noise: Noise) -> Floats:
    """Blue with clouds: light (h, w, 3) from unit directions (h, w, 3)."""
    up = np.clip(direction[..., 2], 0, 1)
    x, y = direction[..., 0] / (up + 0.15) * 3, direction[..., 1] / (up + 0.15) * 3
    cloud = np.clip(noise(x, y, 1.2, 5) * 0.6 + 0.1, 0, 1)
    return mix(mix((0.80, 0.86, 0.92), (0.28, 0.46, 0.80), np.clip(up * 3, 0, 1)), (0.95, 0.95, 0.95), cloud)
