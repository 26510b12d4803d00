"""What lies under the mouse: corners, then middles of sides, then sides, then bodies. No Qt here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from surveil.config.shapes import Point
from surveil.geometry import inside
from surveil.gui.zones.sketch import Drawing, Sketch


@dataclass(frozen=True, slots=True)
class Touch:
    """What was touched.

    Attributes:
        key: of the sketch.
        what: a corner, the handle in the middle of a side, a side, or what lies inside.
        corner: its place; of a side, that of the corner where it begins; -1: none.
    """

    key: int
    what: Literal["corner", "middle", "side", "body"]
    corner: int = -1


def touched(drawing: Drawing, selected: int | None, at: Point, reach: Point) -> Touch | None:
    """What is nearest: of the selected sketch, then of the others from above; of areas the smallest."""
    first = [sketch for sketch in drawing if sketch.key == selected]
    order = first + [sketch for sketch in reversed(drawing) if sketch.key != selected]
    looks: tuple[Callable[[Sketch], Touch | None], ...] = (
        lambda sketch: _corner(sketch, at, reach),
        lambda sketch: _middle(sketch, at, reach) if sketch.key == selected else None,
        lambda sketch: _side(sketch, at, reach),
    )
    for look in looks:
        for sketch in order:
            touch = look(sketch)
            if touch is not None:
                return touch
    bodies = [sketch for sketch in drawing if _holds(sketch, at)]
    return Touch(min(bodies, key=_size).key, "body") if bodies else None


def near(a: Point, b: Point, reach: Point) -> bool:
    """Whether two places are as good as one."""
    return _off(a, b, reach) <= 1


def clipped(point: Point) -> Point:
    """The nearest place in the picture."""
    return min(1.0, max(0.0, point[0])), min(1.0, max(0.0, point[1]))


def middle(a: Point, b: Point) -> Point:
    """Half way."""
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _corner(sketch: Sketch, at: Point, reach: Point) -> Touch | None:
    offs = [(_off(at, point, reach), place) for place, point in enumerate(sketch.points)]
    off, place = min(offs)
    return Touch(sketch.key, "corner", place) if off <= 1 else None


def _middle(sketch: Sketch, at: Point, reach: Point) -> Touch | None:
    offs = [(_off(at, middle(a, b), reach), place) for place, a, b in sketch.sides()]
    off, place = min(offs, default=(2.0, -1))
    return Touch(sketch.key, "middle", place) if off <= 1 else None


def _side(sketch: Sketch, at: Point, reach: Point) -> Touch | None:
    offs = [(_off_side(at, a, b, reach), place) for place, a, b in sketch.sides()]
    off, place = min(offs, default=(2.0, -1))
    return Touch(sketch.key, "side", place) if off <= 0.7 else None


def _holds(sketch: Sketch, at: Point) -> bool:
    return sketch.closed and bool(inside(np.array([at]), sketch.points)[0])


def _size(sketch: Sketch) -> float:
    xs, ys = zip(*sketch.points, strict=True)
    return float((max(xs) - min(xs)) * (max(ys) - min(ys)))


def _off(a: Point, b: Point, reach: Point) -> float:
    """Distance in reaches: 1 is as far as a hand may be off."""
    return math.hypot((a[0] - b[0]) / reach[0], (a[1] - b[1]) / reach[1])


def _off_side(at: Point, a: Point, b: Point, reach: Point) -> float:
    ax, ay = (a[0] - at[0]) / reach[0], (a[1] - at[1]) / reach[1]
    bx, by = (b[0] - at[0]) / reach[0], (b[1] - at[1]) / reach[1]
    along = (bx - ax) ** 2 + (by - ay) ** 2
    part = 0.0 if along == 0 else min(1.0, max(0.0, -(ax * (bx - ax) + ay * (by - ay)) / along))
    return math.hypot(ax + part * (bx - ax), ay + part * (by - ay))
