from __future__ import annotations

from dataclasses import replace

import numpy as np

from surveil.labels import SURVEIL_6
from surveil.render.shapes import Shape, Window, count_inside, draw_names, draw_shapes, with_counts
from surveil.render.style import sizes_for
from surveil.render.text import TextRenderer
from surveil.types import Tracks

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


def tracks(*boxes: tuple[float, float, float, float]) -> Tracks:
    n = len(boxes)
    return Tracks(
        ids=np.arange(1, n + 1),
        boxes=np.float32(boxes),
        smoothed_boxes=np.float32(boxes),
        scores=np.full(n, 0.9, np.float32),
        class_ids=np.arange(n, dtype=np.int32),
        states=np.ones(n, np.int8),
        velocity=np.zeros((n, 2), np.float32),
        age_s=np.ones(n, np.float32),
        unseen_s=np.zeros(n, np.float32),
        frame_size=(200, 120),
        labels=SURVEIL_6,
    )


def test_an_area_says_how_many_stand_in_it_with_their_feet():
    two = tracks((10, 10, 30, 60), (80, 10, 140, 60))  # the foot of the second is at 110, outside
    assert [shape.name for shape in with_counts([HALF, GATE], two, (200, 120))] == ["left: 1", ""]
    assert count_inside(two, (200, 120), HALF.points, ("person",)) == 1
    assert count_inside(two, (200, 120), HALF.points, ("car",)) == 0


def test_lost_objects_do_not_count():
    gone = replace(tracks((10, 10, 30, 60)), unseen_s=np.ones(1, np.float32))
    assert with_counts([HALF], gone, (200, 120)) == (HALF,)
