from __future__ import annotations

from surveil.config.camera import Camera, Input, Masks
from surveil.config.shapes import Area, Line, Zone
from surveil.gui.zones.sketch import (
    Sketch,
    colour_in,
    drawing_of,
    fault_of,
    faults_of,
    free_colour,
    free_name,
    title_of,
)

TRIANGLE = ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5))


def zone(**more):
    return Sketch(**{"key": 0, "kind": "zone", "points": TRIANGLE, "name": "Yard", **more})


def test_a_camera_is_drawn_with_its_masks_below():
    camera = Camera(
        id="door",
        inputs=(Input(url="rtsp://10.0.0.1/1"),),
        masks=Masks(privacy=(Area(points=((0, 0), (100, 0), (100, 50)), size_px=(200, 100)),)),
        zones=(Zone(name="Yard", points=TRIANGLE, colour="#112233", classes=("car",)),),
        lines=(Line(name="Gate", points=((0.0, 0.5), (1.0, 0.5)), direction="to_left"),),
    )
    mask, yard, gate = drawing_of(camera)
    assert (mask.kind, mask.points) == ("privacy", ((0, 0), (0.5, 0), (0.5, 0.5)))
    assert (yard.colour, yard.classes) == ("#112233", ("car",))
    assert (gate.kind, gate.direction) == ("line", "to_left")
    assert len({mask.key, yard.key, gate.key}) == 3


def test_faults_are_said_in_words():
    assert fault_of(zone()) == ""
    assert fault_of(zone(name="")) == "It has no name."
    assert "at least 3 corners, got 2" in fault_of(zone(points=TRIANGLE[:2]))
    assert "the order of its border" in fault_of(zone(points=((0.0, 0.5), (0.5, 0.5), (0.0, 0.5))))
    assert "200 are the most" in fault_of(zone(points=tuple((n / 300, 0.5) for n in range(201))))
    assert "equal" in fault_of(zone(kind="line", points=((0.1, 0.1), (0.1, 0.1))))


def test_two_of_one_name_are_both_at_fault():
    found = faults_of((zone(), zone(key=1), zone(key=2, kind="line", points=TRIANGLE[:2])))
    assert set(found) == {0, 1}
    assert "Yard" in found[0]


def test_masks_need_no_name_and_have_titles_all_the_same():
    masks = tuple(zone(key=key, kind="privacy", name="") for key in range(2))
    assert faults_of(masks) == {}
    assert title_of(masks, masks[1]) == "Privacy mask 2"


def test_new_ones_get_names_and_colours_that_are_free():
    assert free_name((zone(name="Zone 1"),), "zone") == "Zone 2"
    assert free_name((), "detection") == ""
    first = free_colour((), "zone")
    assert free_colour((zone(colour=first),), "zone") not in (first, None)
    assert free_colour((), "privacy") is None


def test_colours_without_one_are_those_of_the_tile():
    from surveil.app.shapes import shapes_of

    camera = Camera(
        id="door",
        inputs=(Input(url="0"),),
        zones=(Zone(name="a", points=TRIANGLE), Zone(name="b", points=TRIANGLE, colour="#010203")),
        lines=(Line(name="c", points=TRIANGLE[:2]),),
    )
    drawing = drawing_of(camera)
    shown = [f"#{r:02x}{g:02x}{b:02x}" for b, g, r in (shape.colour for shape in shapes_of(camera))]
    assert [colour_in(drawing, sketch) for sketch in drawing] == shown
