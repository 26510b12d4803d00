"""Further windows: cameras of their own choice, remembered, kept on screens that exist."""

from __future__ import annotations

import json

import pytest
from PyQt6.QtCore import QPoint, QPointF, QRect, Qt
from PyQt6.QtGui import QGuiApplication, QWheelEvent
from PyQt6.QtWidgets import QApplication, QDialogButtonBox

from surveil.gui.monitors.dialog import MonitorDialog

from .fakes import preview

LEFT = Qt.MouseButton.LeftButton
NAMES = ["a.mp4", "b.mp4", "c.mp4"]


@pytest.fixture
def wall(window, session):
    session.picture = preview()
    window.open(NAMES)
    return window


@pytest.fixture
def monitors(wall):
    return wall.doing.screens.monitors


def ok(dialog):
    return dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok)


def opened(wall, monitors, qtbot, *, only=(), layout="auto"):
    """One more window, by the command and its dialog."""
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    key(qtbot, wall, Qt.Key.Key_N, both)
    dialog = wall.findChild(MonitorDialog)
    choose(dialog, qtbot, only=only, layout=layout)
    monitor = monitors.open[-1]
    qtbot.waitExposed(monitor)
    return monitor


def key(qtbot, window, *keys):
    """Press keys in a window that was made the active one: shortcuts of others do nothing."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, *keys)


def choose(dialog, qtbot, *, only=(), layout="auto"):
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    if only:
        dialog.all.setFocus()
        if dialog.all.isChecked():
            qtbot.keyClick(dialog.all, Qt.Key.Key_Space)
        for row in range(dialog.cameras.count()):
            item = dialog.cameras.item(row)
            if (item.text() in only) != (item.checkState() == Qt.CheckState.Checked):
                dialog.cameras.setCurrentRow(row)
                qtbot.keyClick(dialog.cameras, Qt.Key.Key_Space)
    dialog.layout_.setCurrentIndex(dialog.layout_.findData(layout))
    qtbot.mouseClick(ok(dialog), LEFT)


def kept(tmp_path):
    return json.loads((tmp_path / "state" / "desktop.json").read_text())["monitors"]


# ---- what it shows


def test_a_window_shows_all_cameras_and_those_to_come(wall, monitors, qtbot):
    monitor = opened(wall, monitors, qtbot)
    assert list(monitor.grid.tiles) == NAMES
    assert monitor.windowTitle() == "3 cameras – surveil"
    wall.open(["d.mp4"])
    qtbot.waitUntil(lambda: len(monitor.grid.tiles) == 4)
    wall.desk.close("a.mp4")
    wall.arrange()
    qtbot.waitUntil(lambda: list(monitor.grid.tiles) == ["b.mp4", "c.mp4", "d.mp4"])


def test_a_window_shows_the_chosen_cameras_alone(wall, monitors, session, qtbot):
    monitor = opened(wall, monitors, qtbot, only=("c.mp4",), layout="1")
    assert list(monitor.grid.tiles) == ["c.mp4"]
    assert monitor.windowTitle() == "c.mp4 – surveil"
    wall.open(["d.mp4"])
    qtbot.wait(350)
    assert list(monitor.grid.tiles) == ["c.mp4"]
    tile = monitor.grid.tiles["c.mp4"]
    qtbot.waitUntil(lambda: tile.view.picture is not None)
    assert session.named("showmonitor-1")[-1][1:3] == ("c.mp4", tile.device_size())


def test_it_has_a_zoom_of_its_own(wall, monitors, session, qtbot):
    monitor = opened(wall, monitors, qtbot, only=("a.mp4",))
    tile = monitor.grid.tiles["a.mp4"]
    at = QPointF(tile.rect().center())
    none, keys, phase = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    wheel = QWheelEvent(at, tile.mapToGlobal(at), QPoint(), QPoint(0, 480), none, keys, phase, False)
    QApplication.sendEvent(tile, wheel)
    left, _, right, _ = session.named("showmonitor-1")[-1][4]
    assert right - left < 0.5
    assert wall.desk.wall.region("a.mp4") == (0.0, 0.0, 1.0, 1.0)
    key(qtbot, monitor, Qt.Key.Key_0)
    assert session.named("showmonitor-1")[-1][4] == (0.0, 0.0, 1.0, 1.0)


def test_the_overlays_switches_hold_for_it_too(wall, monitors, session, qtbot):
    opened(wall, monitors, qtbot)
    key(qtbot, wall, Qt.Key.Key_T)
    qtbot.waitUntil(lambda: session.named("showmonitor-1")[-1][3].trails is False)


def test_full_tile_pages_and_full_screen_by_keys(wall, monitors, qtbot):
    monitor = opened(wall, monitors, qtbot, layout="1")
    key(qtbot, monitor, Qt.Key.Key_PageDown)
    assert list(monitor.grid.tiles) == ["b.mp4"]
    assert len(wall.grid.tiles) == 3
    key(qtbot, monitor, Qt.Key.Key_F11)
    assert monitor.isFullScreen()
    key(qtbot, monitor, Qt.Key.Key_Escape)
    assert not monitor.isFullScreen()
    qtbot.mouseDClick(monitor.grid.tiles["b.mp4"], LEFT)
    key(qtbot, monitor, Qt.Key.Key_Escape)
    assert wall.desk.board.full is None


def test_tiles_that_change_places_stay_so_and_the_main_window_as_it_was(wall, monitors, tmp_path, qtbot):
    monitor = opened(wall, monitors, qtbot)
    first, last = monitor.grid.tiles["a.mp4"], monitor.grid.tiles["c.mp4"]
    qtbot.mousePress(first, LEFT, pos=QPoint(20, 20))
    target = first.mapFromGlobal(last.mapToGlobal(QPoint(20, 20)))
    qtbot.mouseMove(first, QPoint(60, 60))
    qtbot.mouseMove(first, target)
    qtbot.waitUntil(lambda: last.target)
    qtbot.mouseRelease(first, LEFT, pos=target)
    assert list(monitor.grid.tiles) == ["c.mp4", "b.mp4", "a.mp4"]
    assert list(wall.grid.tiles) == NAMES
    wall.save_memory()
    assert kept(tmp_path)[0]["cameras"] == ["c.mp4", "b.mp4", "a.mp4"]
    wall.open(["d.mp4"])
    qtbot.waitUntil(lambda: list(monitor.grid.tiles) == ["c.mp4", "b.mp4", "a.mp4", "d.mp4"])


def test_it_is_edited_from_its_menu(wall, monitors, qtbot):
    monitor = opened(wall, monitors, qtbot)
    monitor.menu.actions()[0].trigger()
    dialog = monitor.findChild(MonitorDialog)
    choose(dialog, qtbot, only=("b.mp4", "c.mp4"), layout="2x2")
    assert list(monitor.grid.tiles) == ["b.mp4", "c.mp4"]
    assert monitor.plan.layout == "2x2"


def test_a_window_that_would_show_nothing_cannot_be_had(wall, monitors, qtbot):
    wall.doing.run("monitor")
    dialog = wall.findChild(MonitorDialog)
    qtbot.keyClick(dialog.all, Qt.Key.Key_Space)
    for row in range(3):
        dialog.cameras.setCurrentRow(row)
        qtbot.keyClick(dialog.cameras, Qt.Key.Key_Space)
    assert not ok(dialog).isEnabled()
    qtbot.keyClick(dialog.all, Qt.Key.Key_Space)
    assert ok(dialog).isEnabled()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert monitors.open == []


def test_it_goes_on_by_itself_and_a_key_in_it_ends_that(wall, monitors, qtbot, monkeypatch):
    monitor = opened(wall, monitors, qtbot, layout="1")
    timer = monitor._carousel._timer
    start = timer.start
    monkeypatch.setattr(timer, "start", lambda milliseconds: start(milliseconds // 50))
    monitor.menu.actions()[0].trigger()
    dialog = monitor.findChild(MonitorDialog)
    dialog.carousel.setCurrentIndex(dialog.carousel.findData(5))
    choose(dialog, qtbot, layout="1")
    qtbot.waitUntil(lambda: list(monitor.grid.tiles) == ["b.mp4"])
    key(qtbot, wall, Qt.Key.Key_T)  # in another window
    assert monitor._carousel.running
    key(qtbot, monitor, Qt.Key.Key_F)
    assert not monitor._carousel.running
    assert monitor.plan.carousel_s == 0


# ---- closing and coming back


def test_closing_it_closes_it_alone(wall, monitors, session, tmp_path, qtbot):
    one, other = (opened(wall, monitors, qtbot) for _ in range(2))
    key(qtbot, one, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert monitors.open == [other]
    assert wall.isVisible()
    assert session.named("remove") == []
    assert {command[1] for command in session.named("hidemonitor-1")} == set(NAMES)
    wall.save_memory()
    assert len(kept(tmp_path)) == 1


def test_they_go_with_the_main_window_and_come_back_with_it(new_window, session, tmp_path, qtbot):
    session.picture = preview()
    window = new_window()
    window.open(NAMES)
    monitors = window.doing.screens.monitors
    monitor = opened(window, monitors, qtbot, only=("b.mp4",), layout="2x2")
    monitor.setGeometry(40, 60, 500, 320)
    window.quit()
    assert monitors.open == []
    again = new_window()
    (back,) = again.doing.screens.monitors.open
    assert (back.plan.cameras, back.plan.layout) == (("b.mp4",), "2x2")
    assert back.size().width() == 500
    assert list(back.grid.tiles) == []  # the guest is gone; the window waits for it


def test_one_that_filled_its_screen_does_so_again(wall, monitors, new_window, qtbot):
    monitor = opened(wall, monitors, qtbot)
    key(qtbot, monitor, Qt.Key.Key_F11)
    wall.quit()
    (back,) = new_window().doing.screens.monitors.open
    assert back.isFullScreen()


@pytest.mark.parametrize(
    "text", ['{"monitors": 7}', '{"monitors": [[], 3, {"geometry": "%%%", "layout": 9}]}']
)
def test_nonsense_that_is_remembered(new_window, tmp_path, text):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "desktop.json").write_text(text)
    assert len(new_window().doing.screens.monitors.open) in (0, 1)


# ---- screens


def test_a_new_one_fills_a_screen_that_is_free(wall, monitors, monkeypatch, qtbot):
    class Second:
        def name(self):
            return "second"

        def geometry(self):
            return QRect(40, 50, 700, 500)

        availableGeometry = geometry

    screens = [*QApplication.screens(), Second()]
    with monkeypatch.context() as patch:
        patch.setattr("surveil.gui.monitors.monitors.QApplication.screens", lambda: screens)
        monitor = opened(wall, monitors, qtbot)
    assert monitor.geometry() == QRect(40, 50, 700, 500)


def test_it_comes_back_into_sight_when_its_screen_is_unplugged(wall, monitors, qtbot):
    monitor = opened(wall, monitors, qtbot)
    screen = QGuiApplication.primaryScreen()
    monitor.move(screen.geometry().right() + 3000, 100)
    QApplication.instance().screenRemoved.emit(screen)
    qtbot.waitUntil(lambda: screen.geometry().contains(monitor.frameGeometry().center()))
    assert wall.isVisible()


def test_one_that_was_left_on_a_screen_that_is_gone_opens_on_another(wall, monitors, new_window, qtbot):
    monitor = opened(wall, monitors, qtbot)
    monitor.move(9000, 9000)
    wall.quit()
    (back,) = new_window().doing.screens.monitors.open
    assert QGuiApplication.primaryScreen().geometry().contains(back.frameGeometry().center())


def test_no_more_than_anybody_has_screens(wall, monitors, monkeypatch, qtbot):
    monkeypatch.setattr("surveil.gui.monitors.monitors.MOST", 1)
    opened(wall, monitors, qtbot)
    wall.doing.run("monitor")
    assert "No more than 1" in wall.toasts.shown[-1].text.text()
