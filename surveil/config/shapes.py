"""Areas and lines in a camera's picture: masks now, zones and lines for the rules to come."""

from __future__ import annotations

import itertools
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from surveil.config.base import Section, Size, Text
from surveil.geometry import Polygon

MOST_CORNERS = 200

Point = tuple[float, float]
Points = Annotated[tuple[Point, ...], Field(max_length=MOST_CORNERS)]
Name = Annotated[Text, Field(max_length=200)]

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class Shape(Section):
    """Points in a picture."""

    name: Name = Field(default="", description="What people call it.")
    size_px: Size | None = Field(
        default=None,
        description="Width and height of the picture whose pixels the points count; without it they are "
        "0-1 of the picture's width and height, and fit a stream of any size.",
    )
    points: Points = Field(description="Corners [x, y], from the top left of the picture.")

    @field_validator("points")
    @classmethod
    def _in_the_picture(cls, points: tuple[Point, ...], info: ValidationInfo) -> tuple[Point, ...]:
        size = info.data.get("size_px") or (1, 1)
        for number, (x, y) in enumerate(points):
            if not (0 <= x <= size[0] and 0 <= y <= size[1]):
                limits = f"0 to {size[0]} and 0 to {size[1]}"
                hint = "" if info.data.get("size_px") else "; for pixels give size_px: [width, height], too"
                raise ValueError(f"corner {number + 1} ({x:g}, {y:g}) lies outside of {limits}{hint}")
        return points

    @property
    def relative(self) -> Polygon:
        """The points in 0-1."""
        width, height = self.size_px or (1, 1)
        return tuple((x / width, y / height) for x, y in self.points)


class Area(Shape):
    """A polygon; may be written as its list of points alone."""

    @field_validator("points")
    @classmethod
    def _is_an_area(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        if len(points) < 3:
            raise ValueError(f"an area has at least 3 corners, got {len(points)}")
        from shapely import Polygon as Ring
        from shapely.validation import explain_validity

        ring = Ring(points)
        if not ring.is_valid:
            raise ValueError(f"the polygon {_crossing(explain_validity(ring))}")
        if ring.area == 0:
            raise ValueError("the polygon has no area: its corners lie on one line")
        return points


def _crossing(said: str) -> str:
    """Shapely's `Self-intersection[0.5 0.5]` in words."""
    place = re.search(r"\[(\S+) (\S+)\]", said)
    where = f" at ({float(place[1]):.4g}, {float(place[2]):.4g})" if place else ""
    return f"crosses or touches itself{where}: put the corners in the order of its border"


class Zone(Area):
    """An area with a meaning: what is inside is told to the rules and shown."""

    name: Name = Field(min_length=1, description="What people, events and files call it.")
    colour: Text | None = Field(default=None, description="How it is drawn: #rrggbb.")
    classes: tuple[Text, ...] = Field(default=(), description="The classes that count in it; none: all.")

    @field_validator("colour")
    @classmethod
    def _is_a_colour(cls, colour: str | None) -> str | None:
        return _checked_colour(colour)


class Line(Shape):
    """A line that is crossed; its sides are seen when one goes from its first to its last point."""

    name: Name = Field(min_length=1, description="What people, events and files call it.")
    direction: Literal["both", "to_left", "to_right"] = Field(
        default="both", description="Which crossings count, seen along the line from its first point."
    )
    colour: Text | None = Field(default=None, description="How it is drawn: #rrggbb.")
    classes: tuple[Text, ...] = Field(default=(), description="The classes that count at it; none: all.")

    @field_validator("points")
    @classmethod
    def _is_a_line(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        if len(points) < 2:
            raise ValueError(f"a line has at least 2 points, got {len(points)}")
        if any(a == b for a, b in itertools.pairwise(points)):
            raise ValueError("two points of the line that follow each other are equal")
        return points

    @field_validator("colour")
    @classmethod
    def _is_a_colour(cls, colour: str | None) -> str | None:
        return _checked_colour(colour)


def _checked_colour(colour: str | None) -> str | None:
    if colour is not None and not _COLOUR.fullmatch(colour):
        raise ValueError("expected #rrggbb, e.g. '#ffcc00' (in quotes: # begins a comment)")
    return colour


def _from_points(value: Any) -> Any:
    return {"points": value} if isinstance(value, tuple | list) else value


AreaOrPoints = Annotated[Area, BeforeValidator(_from_points, json_schema_input_type=Area | Points)]
