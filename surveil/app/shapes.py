"""From the areas and lines of a configuration to what is drawn."""

from __future__ import annotations

from surveil.config.camera import Camera
from surveil.config.shapes import Line, Zone
from surveil.render.palette import OKABE_ITO, Colour
from surveil.render.shapes import Shape


def shapes_of(camera: Camera) -> tuple[Shape, ...]:
    """Zones, then lines, in the order of the file; those without a colour take turns."""
    every: tuple[Zone | Line, ...] = (*camera.zones, *camera.lines)
    return tuple(
        Shape(
            kind="area" if isinstance(shape, Zone) else "line",
            name=shape.name,
            points=shape.relative,
            colour=OKABE_ITO[(number + 3) % len(OKABE_ITO)] if shape.colour is None else _bgr(shape.colour),
            classes=shape.classes,
        )
        for number, shape in enumerate(every)
    )


def _bgr(colour: str) -> Colour:
    """The colour that #rrggbb means."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return blue, green, red
