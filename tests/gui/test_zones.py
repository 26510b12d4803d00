"""The editor of zones, driven with mouse and keys on the picture of a camera of the file."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QApplication

from surveil.config.load import load_config

from .fakes import preview
from .filed import workspace_of, write

FILE = """\
version: 1
cameras:
  - id: gate
    inputs: [rtsp://10.0.0.1/1]
    zones:
      - name: Yard  # where lorries wait
        points: [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]]
  - id: shed
    inputs: [rtsp://10.0.0.2/1]
"""
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def path(tmp_path):
    return tmp_path / "surveil.yaml"


@pytest.fixture
def window(new_window, session, path, qtbot):
    session.picture = preview()
    window = new_window(workspace_of(path, FILE, session))
    window.resize(1200, 800)
    qtbot.waitUntil(lambda: "gate" in session.state and "gate" in window.grid.tiles)
    return window


@pytest.fixture
def zones(window, qtbot):
    qtbot.waitUntil(lambda: window.grid.tiles["gate"].view.picture is not None)
    window.actions_.by_name["edit_zones"].trigger()
    zones = window.doing.tools.zones
    qtbot.waitUntil(lambda: zones.overlay is not None and zones.overlay.width() > 500)
    return zones


class Hand:
    """Does what a hand does, at places in 0-1 of the picture."""

    def __init__(self, qtbot, zones):
        self._qtbot, self._zones = qtbot, zones

    def _at(self, place) -> QPoint:
        return self._zones.overlay.place(place).toPoint()

    def click(self, *places):
        for place in places:
            self._qtbot.mouseMove(self._zones.overlay, self._at(place))
            self._qtbot.mouseClick(self._zones.overlay, LEFT, pos=self._at(place))

    def double(self, place):
        self._qtbot.mouseDClick(self._zones.overlay, LEFT, pos=self._at(place))

    def drag(self, start, end):
        glass = self._zones.overlay
        self._qtbot.mousePress(glass, LEFT, pos=self._at(start))
        for part in (0.5, 1.0):
            place = tuple(a + (b - a) * part for a, b in zip(start, end, strict=True))
            self._qtbot.mouseMove(glass, self._at(place))
        self._qtbot.mouseRelease(glass, LEFT, pos=self._at(end))

    def key(self, key, modifier=Qt.KeyboardModifier.NoModifier):
        self._qtbot.keyClick(self._zones.overlay, key, modifier)


@pytest.fixture
def hand(qtbot, zones):
    return Hand(qtbot, zones)


def kept(path):
    return load_config(path).config.camera("gate")


def near(points, expected):
    return len(points) == len(expected) and all(
        abs(a - b) < 0.004
        for one, other in zip(points, expected, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def test_the_tile_of_the_camera_fills_the_window_and_its_zones_are_not_drawn_twice(zones, window, session):
    assert window.desk.board.full == "gate"
    assert session.named("show")[-1][3].zones is False
    assert zones.dock.list.count() == 1


def test_a_zone_is_drawn_kept_and_applied_without_a_restart(zones, hand, window, session, path, qtbot):
    qtbot.mouseClick(zones.dock.tools["zone"], LEFT)
    hand.click((0.7, 0.1), (0.9, 0.1), (0.9, 0.4))
    hand.double((0.9, 0.4))
    zones.dock.properties.name.setFocus()
    zones.dock.properties.name.selectAll()
    qtbot.keyClicks(zones.dock.properties.name, "Door <b>1</b>")
    qtbot.mouseClick(zones.dock.finish, LEFT)
    qtbot.waitUntil(lambda: window.doing.tools.zones is None)
    _, door = kept(path).zones
    assert door.name == "Door <b>1</b>"
    assert near(door.points, ((0.7, 0.1), (0.9, 0.1), (0.9, 0.4)))
    assert "# where lorries wait" in path.read_text()
    assert session.named("change") == [("change", "gate")]
    assert [shape.name for shape in session.configs["gate"].shapes] == ["Yard", "Door <b>1</b>"]
    assert session.named("show")[-1][3].zones is True


def test_apply_ends_what_is_being_drawn_and_keeps_it(zones, hand, path, qtbot):
    qtbot.mouseClick(zones.dock.tools["zone"], LEFT)
    hand.click((0.7, 0.1), (0.9, 0.1))
    qtbot.mouseClick(zones.dock.apply, LEFT)
    assert "at least 3 corners" in zones.dock.words.text()
    hand.click((0.9, 0.4))
    qtbot.mouseClick(zones.dock.apply, LEFT)
    qtbot.waitUntil(lambda: not zones.unsaved)
    assert [zone.name for zone in kept(path).zones] == ["Yard", "Zone 1"]


def test_corners_are_dragged_made_and_removed_and_all_of_it_undone(zones, hand):
    hand.drag((0.2, 0.2), (0.1, 0.1))
    hand.drag((0.6, 0.4), (0.7, 0.4))
    assert near(zones.editor.drawing[0].points, ((0.1, 0.1), (0.6, 0.2), (0.7, 0.4), (0.6, 0.6), (0.2, 0.6)))
    hand.double((0.4, 0.6))
    assert len(zones.editor.drawing[0].points) == 6
    hand.click((0.6, 0.2))
    hand.key(Qt.Key.Key_Delete)
    assert len(zones.editor.drawing[0].points) == 5
    for _ in range(4):
        hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert zones.editor.drawing[0].points == ((0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6))
    assert not zones.unsaved
    hand.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert near(zones.editor.drawing[0].points[:1], ((0.1, 0.1),))


def test_the_list_selects_deletes_and_undoes_by_keys(zones, window, qtbot):
    window.activateWindow()
    listed = zones.dock.list
    listed.setFocus()
    qtbot.keyClick(listed, Qt.Key.Key_Down)
    assert zones.editor.selected == 0
    qtbot.keyClick(listed, Qt.Key.Key_Delete)
    assert zones.editor.drawing == ()
    qtbot.keyClick(listed, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(zones.editor.drawing) == 1


def test_the_picture_has_the_keys_while_something_is_drawn(zones, window, qtbot):
    qtbot.mouseClick(zones.dock.tools["line"], LEFT)
    assert zones.overlay.hasFocus()


def test_arrow_keys_move_the_corner_by_pixels(zones, hand):
    hand.click((0.4, 0.4))
    hand.key(Qt.Key.Key_N)
    hand.key(Qt.Key.Key_Right)
    (x, y), *rest = zones.editor.drawing[0].points
    assert x == pytest.approx(0.2 + zones.overlay.pixel[0], abs=1e-4)
    assert (y, rest) == (0.2, [(0.6, 0.2), (0.6, 0.6), (0.2, 0.6)])


def test_what_crosses_itself_is_said_and_not_kept(zones, hand, qtbot, path):
    qtbot.mouseClick(zones.dock.tools["zone"], LEFT)
    hand.click((0.7, 0.1), (0.9, 0.3), (0.9, 0.1), (0.7, 0.3))
    hand.key(Qt.Key.Key_Return)
    assert "crosses or touches itself" in zones.dock.words.text()
    assert not zones.dock.finish.isEnabled()
    assert not zones.dock.apply.isEnabled()
    hand.key(Qt.Key.Key_Delete)
    assert zones.dock.finish.isEnabled()


def test_a_zone_of_two_points_is_said(zones, hand, qtbot):
    qtbot.mouseClick(zones.dock.tools["privacy"], LEFT)
    hand.click((0.7, 0.1), (0.9, 0.1))
    hand.key(Qt.Key.Key_Return)
    assert zones.dock.words.text() == "An area has at least 3 corners, this one has 2."
    hand.key(Qt.Key.Key_Escape)
    assert zones.editor.tool is None


def test_masks_and_a_line_with_its_direction(zones, hand, qtbot, window, session, path):
    for kind, places in (
        ("privacy", ((0.7, 0.1), (0.9, 0.1), (0.9, 0.3))),
        ("detection", ((0.7, 0.5), (0.9, 0.5), (0.9, 0.7))),
    ):
        qtbot.mouseClick(zones.dock.tools[kind], LEFT)
        hand.click(*places)
        hand.key(Qt.Key.Key_Return)
    qtbot.mouseClick(zones.dock.tools["line"], LEFT)
    hand.drag((0.1, 0.9), (0.9, 0.9))
    direction = zones.dock.properties.direction
    assert direction.isVisible()
    direction.setFocus()
    qtbot.keyClick(direction, Qt.Key.Key_Down)
    qtbot.mouseClick(zones.dock.properties.reverse, LEFT)
    qtbot.mouseClick(zones.dock.apply, LEFT)
    qtbot.waitUntil(lambda: not zones.unsaved)
    camera = kept(path)
    assert camera.lines[0].direction == "to_left"
    assert near(camera.lines[0].points, ((0.9, 0.9), (0.1, 0.9)))
    assert len(camera.masks.privacy) == len(camera.masks.detection) == 1
    assert len(session.configs["gate"].privacy) == 1


def test_classes_and_colour(zones, hand, qtbot, path):
    hand.click((0.4, 0.4))
    properties = zones.dock.properties
    names = [action.text() for action in properties.menu.actions()]
    assert names[:3] == ["all", "", "person"]
    properties.menu.actions()[2].trigger()
    qtbot.mouseClick(properties.swatches["#009e73"], LEFT)
    qtbot.mouseClick(zones.dock.apply, LEFT)
    qtbot.waitUntil(lambda: not zones.unsaved)
    (yard,) = kept(path).zones
    assert (yard.classes, yard.colour) == (("person",), "#009e73")


def test_discard_keeps_nothing(zones, hand, qtbot, window, path):
    hand.drag((0.4, 0.4), (0.5, 0.5))
    assert zones.dock.discard.text() == "Discard"
    qtbot.mouseClick(zones.dock.discard, LEFT)
    assert window.doing.tools.zones is None
    assert path.read_text() == FILE


def test_the_camera_is_removed_meanwhile(zones, hand, window, path, qtbot):
    hand.drag((0.4, 0.4), (0.5, 0.5))
    window.filing.remove("gate")
    qtbot.waitUntil(lambda: window.doing.tools.zones is None)
    assert any("its zones went with it" in toast.text.text() for toast in window.toasts.shown)
    assert list(window.grid.tiles) == ["shed"]


def test_the_file_is_changed_by_hand_meanwhile(zones, hand, window, path, qtbot):
    hand.drag((0.4, 0.4), (0.5, 0.5))
    extra = "      - name: Mine\n        points: [[0, 0], [1, 0], [1, 1]]\n"
    write(path, FILE.replace("  - id: shed", extra + "  - id: shed"))
    qtbot.waitUntil(lambda: "changed in the file meanwhile" in zones.dock.words.text(), timeout=10_000)
    qtbot.mouseClick(zones.dock.apply, LEFT)
    qtbot.waitUntil(lambda: zones.dock.list.count() == 2)
    assert [zone.name for zone in kept(path).zones] == ["Yard", "Mine"]
    assert near(kept(path).zones[0].points[:1], ((0.3, 0.3),))


def test_nonsense_in_the_file_meanwhile_is_said_and_nothing_is_lost(zones, hand, window, path, qtbot):
    hand.drag((0.4, 0.4), (0.5, 0.5))
    write(path, "cameras: [nonsense: [\n")
    qtbot.mouseClick(zones.dock.apply, LEFT)
    qtbot.waitUntil(lambda: any("not kept" in toast.text.text() for toast in window.toasts.shown))
    assert zones.unsaved
    assert path.read_text() == "cameras: [nonsense: [\n"
    write(path, FILE)
    qtbot.mouseClick(zones.dock.apply, LEFT)
    qtbot.waitUntil(lambda: not zones.unsaved)
    assert near(kept(path).zones[0].points[:1], ((0.3, 0.3),))


def test_the_wheel_goes_into_the_picture_and_the_zones_stay_on_it(zones, hand, window, qtbot):
    before = zones.overlay.place((0.2, 0.2))
    at = zones.overlay.place((0.2, 0.2))
    event = QWheelEvent(
        at, zones.overlay.mapToGlobal(at), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(zones.overlay, event)
    assert window.desk.wall.region("gate") != (0.0, 0.0, 1.0, 1.0)
    after = zones.overlay.place((0.2, 0.2))
    assert abs(after.x() - before.x()) < 2
    hand.drag((0.2, 0.2), (0.25, 0.25))
    assert near(zones.editor.drawing[0].points[:1], ((0.25, 0.25),))


def test_the_drawing_goes_on_when_the_tile_is_another_one(zones, hand, window, qtbot):
    hand.drag((0.4, 0.4), (0.5, 0.5))
    window.doing.run("camera:2")
    qtbot.waitUntil(lambda: "not on screen" in zones.dock.words.text())
    window.doing.run("camera:1")
    qtbot.waitUntil(lambda: zones.overlay is not None)
    assert zones.unsaved
    assert near(zones.editor.drawing[0].points[:1], ((0.3, 0.3),))


def test_a_recording_is_kept_first(window, qtbot, session, path):
    window.open(["/clips/a.mp4"])
    window.desk.board.select("/clips/a.mp4")
    window.actions_.by_name["edit_zones"].trigger()
    (toast,) = [toast for toast in window.toasts.shown if "To keep its zones" in toast.text.text()]
    qtbot.mouseClick(toast.act, LEFT)
    qtbot.waitUntil(lambda: window.doing.tools.zones is not None)
    assert load_config(path).config.cameras[2].inputs[0].url == "/clips/a.mp4"
    assert window.doing.tools.zones.camera_id == load_config(path).config.cameras[2].id
    assert "/clips/a.mp4" not in [entry.id for entry in window.desk.entries]


def test_without_a_file_it_is_said(new_window, session):
    window = new_window()
    window.open(["rtsp://10.0.0.1/1"])
    window.actions_.by_name["edit_zones"].trigger()
    assert any("without one" in toast.text.text() for toast in window.toasts.shown)
