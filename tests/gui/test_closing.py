"""What would be lost is asked about, kept, or there again at the next start."""

from __future__ import annotations

import json

import pytest
from PyQt6.QtCore import Qt

from surveil.config.load import load_config
from surveil.gui.dialogs.closing import ClosingDialog
from surveil.gui.zones.drafts import noted, restored
from surveil.gui.zones.sketch import Sketch

from .fakes import preview
from .filed import workspace_of, write

FILE = """\
version: 1
cameras:
  - id: gate
    name: Gate <b>1</b>
    inputs: [rtsp://10.0.0.1/1]
    zones:
      - name: Yard  # where lorries wait
        points: [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]]
display:
  trail_s: 4.0
"""
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def path(tmp_path):
    return tmp_path / "surveil.yaml"


@pytest.fixture
def start(new_window, session, path, qtbot):
    """Opens a window upon the file as it is now, and counts its ends."""

    def make(text=None):
        session.picture = preview()
        session.state.clear()
        window = new_window(workspace_of(path, text or path.read_text(), session))
        window.resize(1200, 800)
        qtbot.waitUntil(lambda: "gate" in session.state and "gate" in window.grid.tiles)
        qtbot.waitUntil(lambda: window.grid.tiles["gate"].view.picture is not None)
        window.ends = []
        window.closed.connect(lambda: window.ends.append(1))
        return window

    return make


@pytest.fixture
def window(start):
    return start(FILE)


def edit(window, qtbot):
    window.actions_.by_name["edit_zones"].trigger()
    zones = window.doing.tools.zones
    qtbot.waitUntil(lambda: zones.overlay is not None and zones.overlay.width() > 500)
    return zones


def drag(zones, qtbot, start, end):
    glass = zones.overlay
    qtbot.mousePress(glass, LEFT, pos=glass.place(start).toPoint())
    qtbot.mouseMove(glass, glass.place(end).toPoint())
    qtbot.mouseRelease(glass, LEFT, pos=glass.place(end).toPoint())


@pytest.fixture
def zones(window, qtbot):
    zones = edit(window, qtbot)
    drag(zones, qtbot, (0.4, 0.4), (0.5, 0.5))
    assert zones.unsaved
    return zones


def question(window):
    return next((one for one in window.findChildren(ClosingDialog) if one.isVisible()), None)


def corner(path):
    return load_config(path).config.camera("gate").zones[0].points[0]


# ---- zones


def test_the_window_stays_until_there_is_an_answer(zones, window, qtbot):
    window.close()
    asked = question(window)
    assert asked.isVisible()
    assert window.ends == []
    window.close()  # once more: the same question
    assert window.findChildren(ClosingDialog) == [asked]
    qtbot.mouseClick(asked.stay, LEFT)
    assert window.ends == []
    assert window.isVisible()
    assert zones.unsaved


def test_escape_means_do_not_close(zones, window, qtbot):
    qtbot.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(question(window), Qt.Key.Key_Escape)
    assert window.ends == []
    assert zones.unsaved


def test_keep_writes_them_and_closes(zones, window, path, qtbot):
    window.close()
    qtbot.mouseClick(question(window).keep, LEFT)
    qtbot.waitUntil(lambda: window.ends == [1])
    assert corner(path) == pytest.approx((0.3, 0.3), abs=0.004)
    assert "# where lorries wait" in path.read_text()


def test_close_without_lets_them_go(zones, window, path, start, qtbot):
    window.close()
    qtbot.mouseClick(question(window).drop, LEFT)
    assert window.ends == [1]
    assert path.read_text() == FILE
    assert not edit(start(), qtbot).unsaved


def test_what_cannot_be_kept_says_why_and_can_be_put_right(zones, window, path, qtbot):
    drag(zones, qtbot, (0.3, 0.3), (0.9, 0.45))  # the corner, across the opposite side
    window.close()
    asked = question(window)
    assert not asked.keep.isEnabled()
    words = [label.text() for label in asked.findChildren(type(zones.dock.words))]
    assert any("crosses or touches itself" in text for text in words)
    assert "The zones of Gate <b>1</b>, as they are drawn now." in words
    qtbot.mouseClick(asked.stay, LEFT)
    qtbot.keyClick(zones.overlay, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    window.close()
    qtbot.mouseClick(question(window).keep, LEFT)
    qtbot.waitUntil(lambda: window.ends == [1])


def test_a_shape_that_is_not_finished_counts(window, qtbot):
    zones = edit(window, qtbot)
    qtbot.mouseClick(zones.dock.tools["zone"], LEFT)
    for place in ((0.7, 0.1), (0.9, 0.1)):
        qtbot.mouseClick(zones.overlay, LEFT, pos=zones.overlay.place(place).toPoint())
    qtbot.mouseClick(zones.dock.finish, LEFT)
    assert "at least 3 corners" in zones.dock.words.text()
    window.close()
    assert not question(window).keep.isEnabled()
    qtbot.mouseClick(question(window).stay, LEFT)
    qtbot.mouseClick(zones.overlay, LEFT, pos=zones.overlay.place((0.9, 0.3)).toPoint())
    qtbot.mouseClick(zones.dock.finish, LEFT)  # Done also ends what is being drawn
    qtbot.waitUntil(lambda: window.doing.tools.zones is None)
    window.close()
    assert window.ends == [1]


def test_where_keeping_fails_nothing_closes(zones, window, path, qtbot):
    window.close()
    write(path, "cameras: [nonsense: [\n")
    qtbot.mouseClick(question(window).keep, LEFT)
    qtbot.waitUntil(lambda: any("not kept" in toast.text.text() for toast in window.toasts.shown))
    assert window.ends == []
    assert zones.unsaved


# ---- settings, exports, nothing


def test_settings_that_were_typed_are_asked_about_and_kept(window, path, qtbot):
    window.actions_.by_name["settings"].trigger()
    dialog = window.doing.tools.settings
    dialog.pages.setCurrentRow(3)
    (row,) = [one for one in dialog.rows if one.row.setting.key[-1] == "trail_s"]
    row.field.selectAll()
    qtbot.keyClicks(row.field, "2.5")
    window.close()
    qtbot.mouseClick(question(window).keep, LEFT)
    qtbot.waitUntil(lambda: window.ends == [1])
    assert load_config(path).config.display.trail_s == 2.5


def test_nothing_unsaved_closes_at_once(window, qtbot):
    edit(window, qtbot)
    window.close()
    assert window.ends == [1]


def test_into_the_tray_nothing_is_lost_and_nothing_asked(zones, window, monkeypatch):
    monkeypatch.setattr(type(window.tray), "there", property(lambda self: True))
    window.memory.note(keep_running=True)
    window.close()
    assert not window.isVisible()
    assert question(window) is None
    assert zones.unsaved


# ---- an end that asks nobody


def test_a_drawing_comes_back_after_an_end_that_asked_nobody(zones, window, path, start, tmp_path, qtbot):
    window.end()
    assert window.ends == [1]
    assert path.read_text() == FILE
    again = start()
    toasts = [toast for toast in again.toasts.shown if "drawn and not kept" in toast.text.text()]
    qtbot.mouseClick(toasts[0].act, LEFT)
    back = again.doing.tools.zones
    assert back.unsaved
    assert "not kept" in back.dock.words.text()
    qtbot.waitUntil(lambda: back.overlay is not None and back.overlay.width() > 500)
    qtbot.mouseClick(back.dock.finish, LEFT)
    qtbot.waitUntil(lambda: again.doing.tools.zones is None)
    assert corner(path) == pytest.approx((0.3, 0.3), abs=0.004)
    assert "# where lorries wait" in path.read_text()
    again.end()
    assert json.loads((tmp_path / "state" / "desktop.json").read_text())["drafts"] == {}


def test_it_can_be_let_go_then(zones, window, path, start, qtbot):
    window.end()
    again = start()
    back = edit(again, qtbot)
    qtbot.keyClick(back.overlay, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not back.unsaved
    assert path.read_text() == FILE


KEPT = (Sketch(key=0, kind="zone", name="Yard", points=((0.1, 0.1), (0.5, 0.1), (0.5, 0.5))),)
DRAWN = (
    Sketch(key=0, kind="zone", name="Yard", points=((0.2, 0.1), (0.5, 0.1), (0.5, 0.5)), classes=("car",)),
    Sketch(key=7, kind="line", name="Kerb", points=((0.0, 0.0), (1.0, 1.0)), direction="to_left"),
)


def test_notes_survive_json():
    note = json.loads(json.dumps(noted(KEPT, DRAWN)))
    assert restored(note, KEPT) == DRAWN


def test_where_the_file_is_another_now_all_of_it_is_new():
    there = (Sketch(key=0, kind="line", name="Kerb", points=((0.0, 0.0), (1.0, 1.0))),)
    drawn = restored(noted(KEPT, DRAWN), there)
    assert [sketch.key for sketch in drawn] == [1, 2]
    assert [sketch.name for sketch in drawn] == ["Yard", "Kerb"]


@pytest.mark.parametrize(
    "note",
    [
        None,
        7,
        {"kept": []},
        {"kept": [], "drawing": [{"kind": "zone"}]},
        {"kept": [], "drawing": [{**noted((), DRAWN)["drawing"][0], "points": [[0.5, 7.0]]}]},
        {"kept": [], "drawing": [{**noted((), DRAWN)["drawing"][0], "kind": "circle"}]},
    ],
)
def test_a_note_that_makes_no_sense_is_none(note):
    assert restored(note, KEPT) is None
