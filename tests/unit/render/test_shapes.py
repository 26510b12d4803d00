from __future__ import annotations

import numpy as np

from surveil.render.shapes import Shape, Window, draw_names, draw_shapes
from surveil.render.style import sizes_for
from surveil.render.text import TextRenderer

GREEN = (0, 200, 0)
HALF = Shape(kind="area", name="left", points=((0, 0), (0.5, 0), (0.5, 1), (0, 1)), colour=GREEN)
GATE = Shape(kind="line", name="", points=((0.75, 0.2), (0.75, 0.8)), colour=(0, 0, 255))


def drawn(*shapes: Shape, window: Window | None = None) -> np.ndarray:
    image = np.full((120, 200, 3), 100, np.uint8)
    draw_shapes(image, shapes, (200, 120), sizes_for(120), window or Window())
    return image


def test_an_area_is_tinted_inside_and_nowhere_else():
    image = drawn(HALF)
    assert image[60, 50].tolist() == [82, 118, 82]
    assert (image[:, 110:] == 100).all()


def test_a_line_is_drawn_and_not_filled():
    image = drawn(GATE)
    assert image[60, 150].tolist() == [0, 0, 255]
    assert (image[60, 160:] == 100).all()


def test_a_part_of_the_frame_shows_its_part_of_the_area():
    right = drawn(HALF, window=Window(scale=2.0, origin=(150.0, 0.0)))  # the frame's columns 75 to 175
    assert right[60, 20].tolist() == [82, 118, 82]
    assert (right[:, 60:] == 100).all()
    assert (drawn(HALF, window=Window(scale=4.0, origin=(600.0, 0.0))) == 100).all()


def test_names_stay_in_the_picture():
    image = np.full((120, 200, 3), 100, np.uint8)
    corner = Shape(kind="area", name="N" * 500, points=((0.9, 0.95), (1, 1), (0.9, 1)), colour=GREEN)
    draw_names(image, [corner], (200, 120), sizes_for(120), Window(), TextRenderer())
    assert (image == 100).all()  # no room for a name this long
    draw_names(image, [HALF], (200, 120), sizes_for(120), Window(), TextRenderer())
    assert not (image[:16, :30] == 100).all()
