"""The street's plan in metres: x to the right, y away from the camera, which stands at the origin.

From near to far: a broad pavement, the main road (traffic keeps right), the far pavement, lawn and facades; a
side road leads away between the facades.
"""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float]
Line = tuple[Point, Point]

ROAD = (12.0, 18.0)
"""The main road between these y."""
SIDE_ROAD = (6.0, 12.0)
"""The side road between these x, from the main road on."""
ZEBRA_X = -4.5
ZEBRA_HALF_M = 1.5
LAWN_Y = ROAD[1] + 2.8
LANES_Y = (13.5, 16.5)
"""Middle of the lanes to the right and to the left."""
LANES_X = (7.5, 10.5)
"""Middle of the side road's lanes towards the camera and away from it."""
FACADE_Y = 29.0
FAR_END_Y = 60.0
"""Where the side road bends out of sight, before the last facade."""

BRICK = (0.27, 0.13, 0.085)
PLASTER = (0.42, 0.37, 0.28)
CONCRETE = (0.30, 0.30, 0.32)

LINES: dict[str, Line] = {
    "kerb": ((-20.0, 11.6), (20.0, 11.6)),
    "side road": ((SIDE_ROAD[0], 21.0), (SIDE_ROAD[1], 21.0)),
    "main road": ((1.0, 12.0), (1.0, 18.0)),
}
"""Lines on the ground whose crossings are counted, by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wall:
    """A facade.

    Attributes:
        axis: 0 where the wall stands across x, at one x; 1 where it stands across y.
        at: where it stands on that axis.
        span: from where to where on the other one.
        height: metres.
        tone: albedo of the plain wall, linear RGB.
    """

    axis: int
    at: float
    span: tuple[float, float]
    height: float
    tone: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree at (x, y) with a crown of `radius` metres."""

    x: float
    y: float
    radius: float


WALLS = (
    Wall(axis=1, at=FACADE_Y, span=(-70.0, SIDE_ROAD[0] - 2.5), height=11.5, tone=BRICK),
    Wall(axis=1, at=FACADE_Y + 1, span=(SIDE_ROAD[1] + 3.5, 70.0), height=9.0, tone=PLASTER),
    Wall(axis=0, at=SIDE_ROAD[0] - 2.5, span=(FACADE_Y, FAR_END_Y - 2), height=11.5, tone=BRICK),
    Wall(axis=0, at=SIDE_ROAD[1] + 3.5, span=(FACADE_Y + 1, FAR_END_Y - 2), height=9.0, tone=PLASTER),
    Wall(axis=1, at=FAR_END_Y + 4, span=(-60.0, 80.0), height=14.0, tone=CONCRETE),
)
TREES = (Tree(-19, 25, 2.5), Tree(-8.2, 23.5, 2.1), Tree(0.9, 24.3, 1.9), Tree(18.5, 26, 2.3))
CROWN_Z = 4.2
TRUNK_Z = 2.6
