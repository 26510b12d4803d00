"""From the areas and lines of a configuration to what is drawn."""

from __future__ import annotations

from surveil.config.camera import Camera
from surveil.render.palette import OKABE_ITO, Colour
from surveil.render.shapes import Shape


def shapes_of(camera: Camera) -> tuple[Shape, ...]:
    """Zones, then lines, in the order of the file; those without a colour take turns."""
    zones = [("area", zone.name, zone.relative, zone.colour) for zone in camera.zones]
    lines = [("line", line.name, line.relative, line.colour) for line in camera.lines]
    return tuple(
        Shape(
            kind="area" if kind == "area" else "line",
            name=name,
            points=points,
            colour=OKABE_ITO[(number + 3) % len(OKABE_ITO)] if colour is None else _bgr(colour),
        )
        for number, (kind, name, points, colour) in enumerate(zones + lines)
    )


def _bgr(colour: str) -> Colour:
    """The colour that #rrggbb means."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return blue, green, red
