from __future__ import annotations

from surveil.app.shapes import shapes_of
from surveil.config.camera import Camera, Input
from surveil.config.shapes import Line, Zone


def test_zones_and_lines_become_what_is_drawn():
    zone = Zone(name="yard", size_px=(200, 100), points=((0.0, 0.0), (100.0, 0.0), (100.0, 100.0)))
    line = Line(name="gate", points=((0.0, 0.5), (1.0, 0.5)), colour="#ff8000")
    camera = Camera(id="a", inputs=(Input(url="0"),), zones=(zone,), lines=(line,))
    area, gate = shapes_of(camera)
    assert (area.kind, area.name, area.points) == ("area", "yard", ((0, 0), (0.5, 0), (0.5, 1)))
    assert (gate.kind, gate.colour) == ("line", (0, 128, 255))
