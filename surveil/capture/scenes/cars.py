"""Cars: three shapes lofted from profiles, with windows, lamps, wheels and mirrors.

What detectors need to see a car was measured: windows, a shadow and more than one colour; reflections in the
paint made no difference, but cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from surveil.capture.scenes.mesh import Floats, Material, Mesh, join, loft, tube

Colour = tuple[float, float, float]

PAINTS: Sequence[Colour] = (
    (0.45, 0.45, 0.46), (0.02, 0.02, 0.022), (0.6, 0.6, 0.6), (0.25, 0.01, 0.01),
    (0.02, 0.05, 0.18), (0.12, 0.125, 0.13), (0.03, 0.08, 0.05), (0.4, 0.33, 0.22),
)  # fmt: skip
DARK: Colour = (0.012, 0.012, 0.013)
BLACK: Colour = (0.006, 0.006, 0.006)
TYRE: Colour = (0.018, 0.018, 0.018)
RIM: Colour = (0.3, 0.3, 0.31)
LAMP: Colour = (0.75, 0.78, 0.8)
TAIL_LAMP: Colour = (0.35, 0.006, 0.006)
PLATE: Colour = (0.55, 0.55, 0.5)
PANE: Colour = (0.012, 0.014, 0.016)
SPOKES = 5


class CarShape(StrEnum):
    """The bodies that drive here."""

    HATCH = "hatch"
    SEDAN = "sedan"
    SUV = "suv"


@dataclass(frozen=True, slots=True)
class _Size:
    """Metres; the cabin's ends are where its windows stand, in front and behind, at belt line and roof."""

    length: float
    width: float
    height: float
    belt: float
    front_belt: float
    rear_belt: float
    front_roof: float
    rear_roof: float
    wheel: float


_SIZES = {
    CarShape.HATCH: _Size(4.0, 1.74, 1.48, 0.92, 1.15, -1.85, 0.25, -1.45, 0.31),
    CarShape.SEDAN: _Size(4.6, 1.80, 1.44, 0.92, 1.05, -1.65, 0.15, -0.95, 0.31),
    CarShape.SUV: _Size(4.5, 1.86, 1.68, 1.05, 1.15, -2.1, 0.45, -1.75, 0.335),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CarLook:
    """What a car looks like."""

    shape: CarShape
    paint: Colour

    @property
    def wheel_radius(self) -> float:
        """Metres."""
        return _SIZES[self.shape].wheel


def car_look(seed: tuple[int, ...]) -> CarLook:
    """The look that belongs to a seed."""
    rng = np.random.default_rng(seed)
    return CarLook(
        shape=tuple(CarShape)[int(rng.integers(len(CarShape)))],
        paint=PAINTS[int(rng.integers(len(PAINTS)))],
    )


def car_mesh(look: CarLook, roll: float, detail: float = 1.0) -> Mesh:
    """A car whose wheels are turned by `roll` radians, with fewer faces for `detail` below 1."""
    size = _SIZES[look.shape]
    wheels = [
        mesh
        for side in (1, -1)
        for axle in (size.length * 0.295, -size.length * 0.295)
        for mesh in _wheel(size, side, axle, roll)
    ]
    mirrors = [_mirror(size, side, look.paint) for side in (1, -1)]
    return join([_body(size, look.paint, detail), _cabin(size, look.paint, detail), *wheels, *mirrors])


def _perimeter(n: int, exponent: float) -> NDArray[np.float64]:
    """Points (n, 2) at equal distances on a superellipse: a rounded square from -1 to 1."""
    angle = np.linspace(0, 2 * np.pi, 721)
    square = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    square = np.sign(square) * np.abs(square) ** (2 / exponent)
    walked = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(square, axis=0), axis=1))])
    at = np.arange(n) * (walked[-1] / n)
    return np.stack([np.interp(at, walked, square[:, 0]), np.interp(at, walked, square[:, 1])], axis=1)


def _body(size: _Size, paint: Colour, detail: float) -> Mesh:
    """The lower body: rounded cross-sections from tail to nose."""
    length, belt = size.length, size.belt
    x = np.array(
        [-0.5, -0.498, -0.485, -0.46, -0.42, -0.36, -0.3, -0.2, -0.1, 0,
         0.1, 0.2, 0.26, 0.3, 0.36, 0.42, 0.46, 0.485, 0.498, 0.5]
    )  # fmt: skip
    rear, front = size.rear_belt / length, size.front_belt / length
    top = belt * np.interp(
        x,
        [-0.5, -0.47, -0.40, rear, 0, front, 0.40, 0.46, 0.485, 0.5],
        [0.80, 0.97, 1.03, 1.04, 1.01, 1.01, 0.90, 0.84, 0.76, 0.62],
    )
    bottom = np.interp(x, [-0.5, -0.47, -0.4, 0.4, 0.47, 0.5], [0.42, 0.3, 0.22, 0.2, 0.24, 0.34])
    wide = (size.width / 2) * np.interp(
        x,
        [-0.5, -0.485, -0.4, -0.2, 0.2, 0.4, 0.47, 0.49, 0.5],
        [0.70, 0.88, 0.97, 1, 1, 0.97, 0.90, 0.80, 0.62],
    )
    section = _perimeter(4 * round(14 * detail), 5.0)
    across, up = section.T
    tuck = 1 - 0.06 * np.clip(up, 0, 1) ** 2 - 0.05 * np.clip(-up, 0, 1) ** 2
    middle, half = (top + bottom) / 2, (top - bottom) / 2
    rings = np.stack(
        [
            np.repeat(x[:, None] * length, len(section), axis=1),
            wide[:, None] * (across * tuck),
            middle[:, None] + half[:, None] * up,
        ],
        axis=-1,
    )
    pinch = np.array([1, 0.02, 1])  # closes the tail and the nose
    rings = np.concatenate([rings[:1] * pinch, rings, rings[-1:] * pinch])

    def skin(centres: Floats) -> tuple[Floats, NDArray[np.int8]]:
        return _body_skin(size, paint, centres)

    return loft(rings, skin)


def _body_skin(size: _Size, paint: Colour, centres: Floats) -> tuple[Floats, NDArray[np.int8]]:
    """Paint with sills, grille, lamps, plates and the gaps of the doors."""
    x, y, z = centres[:, 0] / size.length, np.abs(centres[:, 1]) / (size.width / 2), centres[:, 2]
    belt = size.belt
    colours = np.tile(np.array(paint, np.float32), (len(centres), 1))
    materials = np.full(len(centres), Material.PAINT, np.int8)
    sill = (z < 0.33) | (x > 0.44) & (z < 0.40) | (x < -0.44) & (z < 0.45)
    grille = (x > 0.455) & (z > belt * 0.52) & (z < belt * 0.68) & (y < 0.55)
    head_lamps = (x > 0.43) & (y > 0.50) & (z > belt * 0.60) & (z < belt * 0.80)
    tail_lamps = (x < -0.455) & (y > 0.50) & (z > belt * 0.62) & (z < belt * 0.92)
    plates = (np.abs(x) > 0.49) & (y < 0.28) & (z > 0.45) & (z < 0.58)
    gaps = (
        (y > 0.8)
        & (z > 0.3)
        & np.logical_or.reduce(
            [
                np.abs(x - at) < 0.004
                for at in (size.front_belt / size.length - 0.03, -0.03, size.rear_belt / size.length + 0.09)
            ]
        )
    )
    for mask, colour, material in (
        (sill, DARK, Material.PLASTIC),
        (grille, DARK, Material.PLASTIC),
        (head_lamps, LAMP, Material.GLASS),
        (tail_lamps, TAIL_LAMP, Material.PAINT),
        (plates, PLATE, Material.MATT),
        (gaps, DARK, Material.PLASTIC),
    ):
        colours[mask], materials[mask] = colour, material
    return colours, materials


def _cabin(size: _Size, paint: Colour, detail: float) -> Mesh:
    """The cabin: rounded plan sections from the belt line up to the roof."""
    up = np.array([0, 0.06, 0.12, 0.25, 0.4, 0.55, 0.7, 0.82, 0.90, 0.955, 0.985, 1.0, 1.003])
    slope = up**1.05
    front = size.front_belt + (size.front_roof - size.front_belt) * slope
    rear = size.rear_belt + (size.rear_roof - size.rear_belt) * slope
    shrink = np.interp(up, [0, 0.82, 0.90, 0.955, 0.985, 1, 1.003], [1, 1, 0.985, 0.95, 0.87, 0.6, 0.02])
    half, middle = (front - rear) / 2 * shrink, (front + rear) / 2
    wide = size.width / 2 * (0.955 - 0.17 * up) * shrink
    plan = _perimeter(4 * round(24 * detail), 7.0)
    bow = 1 + 0.05 * (1 - plan[:, 1] ** 2) * (plan[:, 0] > 0)  # a slightly curved windscreen
    height = size.belt * 0.99 + (size.height - size.belt) * up
    rings = np.stack(
        [
            middle[:, None] + half[:, None] * (plan[:, 0] * bow),
            wide[:, None] * plan[:, 1],
            np.repeat(height[:, None], len(plan), axis=1),
        ],
        axis=-1,
    )

    def skin(centres: Floats) -> tuple[Floats, NDArray[np.int8]]:
        """Windows between the pillars, paint elsewhere."""
        level = (centres[:, 2] - size.belt) / (size.height - size.belt)
        along = (centres[:, 0] - np.interp(level, up, middle)) / np.interp(level, up, half)
        across = np.abs(centres[:, 1] / np.interp(level, up, wide))
        pillars = (np.abs(along - 0.06) > 0.035) & (np.abs(along + 0.52) > 0.03)
        sides = (across > 0.95) & (along > -0.80) & (along < 0.86) & pillars
        ends = (np.abs(along) > 0.93) & (across < 0.84)
        glass = (level > 0.10) & (level < 0.86) & (sides | ends)
        colours = np.where(glass[:, None], PANE, paint).astype(np.float32)
        return colours, np.where(glass, Material.GLASS, Material.PAINT).astype(np.int8)

    return loft(rings, skin, layer=1)


def _wheel(size: _Size, side: int, axle: float, roll: float) -> list[Mesh]:
    """Arch, tyre and rim as discs just outside the body; `side` is 1 at the left, -1 at the right."""
    angle = np.arange(24) * (2 * np.pi / 24)

    def disc(inner: float, outer: float, out: float) -> NDArray[np.float64]:
        rings = [
            np.stack(
                [
                    axle + radius * np.cos(angle),
                    np.full(24, (size.width / 2 * 0.995 + out) * side),
                    size.wheel + radius * np.sin(angle),
                ],
                axis=1,
            )
            for radius in (outer, inner)
        ]
        return np.stack(rings)[:, :: -1 if side > 0 else 1]  # outwards on both sides

    def spokes(centres: Floats) -> tuple[Floats, NDArray[np.int8]]:
        turned = np.arctan2(centres[:, 2] - size.wheel, centres[:, 0] - axle) + roll
        gap = np.sin(turned * SPOKES) > 0.35
        colours = np.where(gap[:, None], DARK, RIM).astype(np.float32)
        return colours, np.full(len(centres), Material.PAINT, np.int8)

    wheel = size.wheel
    return [
        loft(disc(0.001, wheel * 1.16, 0), BLACK, Material.PLASTIC, 2),
        loft(disc(wheel * 0.64, wheel, 0.012), TYRE, Material.PLASTIC, 3),
        loft(disc(0.02, wheel * 0.66, 0.02), spokes, layer=4),
    ]


def _mirror(size: _Size, side: int, paint: Colour) -> Mesh:
    half = size.width / 2
    line = [
        [size.front_belt - 0.15, side * y, size.belt + z]
        for y, z in ((half * 0.94, 0.06), (half + 0.03, 0.07), (half + 0.12, 0.08), (half + 0.16, 0.08))
    ]
    radius = [0.03, 0.06, 0.075, 0.02]

    def skin(centres: Floats) -> tuple[Floats, NDArray[np.int8]]:
        colours = np.tile(np.array(paint, np.float32), (len(centres), 1))
        return colours, np.full(len(centres), Material.PAINT, np.int8)

    return tube(line, (radius, radius), [0, 0, 1], skin, 8)
