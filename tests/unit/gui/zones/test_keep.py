from __future__ import annotations

from dataclasses import replace

import pytest

from surveil.config.edit import ConfigEditor
from surveil.config.load import load_config
from surveil.errors import UsageError
from surveil.gui.zones.keep import keep, kept_of
from surveil.gui.zones.sketch import Sketch, drawing_of

FILE = """\
version: 1
cameras:
  # at the gate
  - id: gate
    inputs: [rtsp://10.0.0.1/1]
    masks:
      privacy:
        - [[0, 0], [0.1, 0], [0.1, 0.1]]  # the neighbour
    zones:
      - name: Yard  # where lorries wait
        points: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]  # drawn in May
        classes: [truck]
      - name: Path
        size_px: [100, 100]
        points: [[10, 10], [50, 10], [50, 50]]
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "surveil.yaml"
    path.write_text(FILE)
    path.chmod(0o600)
    return path


def camera_of(path):
    return load_config(path).config.cameras[0]


def write(path, change):
    """Keep what `change` makes of the file's drawing; the file's text."""
    drawing = drawing_of(camera_of(path))
    keep_now(path, drawing, change(drawing))
    return path.read_text()


def keep_now(path, kept, drawing):
    editor = ConfigEditor(path)
    keep(editor, "gate", kept_of(kept), drawing)
    editor.save()


def named(drawing, name):
    return next(sketch for sketch in drawing if sketch.name == name)


def changed(drawing, which, **fields):
    return tuple(replace(one, **fields) if one.name == which else one for one in drawing)


def test_nothing_changed_writes_nothing(path):
    assert write(path, lambda drawing: drawing) == FILE


def test_moved_corners_leave_every_comment(path):
    points = ((0.2, 0.1), (0.5, 0.1), (0.5, 0.5))
    text = write(path, lambda drawing: changed(drawing, "Yard", points=points))
    assert text == FILE.replace(
        "[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]", "[[0.2, 0.1], [0.5, 0.1], [0.5, 0.5]]"
    )


def test_a_new_name_and_no_classes(path):
    text = write(path, lambda drawing: changed(drawing, "Yard", name="Yard 2", classes=()))
    assert camera_of(path).zones[0].name == "Yard 2"
    assert "# where lorries wait" in text
    assert "classes" not in text


def test_two_zones_exchange_their_names(path):
    def swap(drawing):
        names = {"Yard": "Path", "Path": "Yard"}
        return tuple(replace(one, name=names.get(one.name, one.name)) for one in drawing)

    write(path, swap)
    assert [zone.name for zone in camera_of(path).zones] == ["Path", "Yard"]
    assert camera_of(path).zones[0].classes == ("truck",)


def test_what_was_in_pixels_is_in_parts_once_it_is_moved(path):
    points = ((0.2, 0.2), (0.5, 0.1), (0.5, 0.5))
    text = write(path, lambda drawing: changed(drawing, "Path", points=points))
    assert "size_px" not in text
    assert camera_of(path).zones[1].points == points


def test_a_mask_is_moved_one_is_taken_away_and_one_comes(path):
    line = Sketch(key=50, kind="line", points=((0.0, 0.5), (1.0, 0.5)), name="Gate", direction="to_left")
    spot = Sketch(key=51, kind="detection", points=((0.0, 0.5), (1.0, 0.5), (1.0, 0.6)))

    def change(drawing):
        moved = replace(drawing[0], points=((0.0, 0.0), (0.2, 0.0), (0.2, 0.2)))
        return (moved, *(one for one in drawing[1:] if one.name != "Path"), line, spot)

    text = write(path, change)
    camera = camera_of(path)
    assert camera.masks.privacy[0].points == ((0.0, 0.0), (0.2, 0.0), (0.2, 0.2))
    assert camera.masks.detection[0].points == spot.points
    assert [zone.name for zone in camera.zones] == ["Yard"]
    assert camera.lines[0].direction == "to_left"
    assert "# at the gate" in text
    assert "# where lorries wait" in text


def test_the_last_one_leaves_no_empty_list(path):
    text = write(path, lambda drawing: tuple(one for one in drawing if one.kind != "privacy"))
    assert "masks" not in text


def test_what_somebody_added_meanwhile_stays(path):
    drawing = drawing_of(camera_of(path))
    path.write_text(FILE + "      - name: Mine\n        points: [[0, 0], [1, 0], [1, 1]]\n")
    keep_now(path, drawing, changed(drawing, "Path", colour="#112233"))
    zones = camera_of(path).zones
    assert [zone.name for zone in zones] == ["Yard", "Path", "Mine"]
    assert zones[1].colour == "#112233"


def test_what_somebody_removed_meanwhile_comes_back_only_where_it_was_changed_here(path):
    drawing = drawing_of(camera_of(path))
    path.write_text(FILE[: FILE.index("    zones:")])
    keep_now(path, drawing, changed(drawing, "Path", colour="#112233"))
    assert [zone.name for zone in camera_of(path).zones] == ["Path"]


def test_again_and_again_with_undone_steps(path):
    first = drawing_of(camera_of(path))
    second = changed(first, "Yard", points=((0.3, 0.1), (0.5, 0.1), (0.5, 0.5)))
    third = tuple(one for one in second if one.name != "Path")
    keep_now(path, first, second)
    keep_now(path, second, third)
    keep_now(path, third, first)  # all of it undone
    now = drawing_of(camera_of(path))
    assert {(one.name, one.points) for one in now} == {(one.name, one.points) for one in first}


def test_a_camera_that_is_gone_is_said(path):
    drawing = drawing_of(camera_of(path))
    path.write_text("version: 1\n")
    with pytest.raises(UsageError, match="gate"):
        keep_now(path, drawing, changed(drawing, "Yard", colour="#112233"))
