"""The carousel of the main window: it goes on by itself until somebody touches the wall."""

from __future__ import annotations

import json

import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QApplication

from .fakes import preview

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def wall(window, session, monkeypatch, qtbot):
    """Four cameras, one at a time; a second lasts 20 ms."""
    session.picture = preview()
    window.open(["a.mp4", "b.mp4", "c.mp4", "d.mp4"])
    window.actions_.layouts["1"].trigger()
    hurry(window.doing.screens.carousel, monkeypatch)
    return window


def hurry(carousel, monkeypatch):
    timer = carousel._timer
    start = timer.start
    monkeypatch.setattr(timer, "start", lambda milliseconds: start(milliseconds // 50))


def shown(window):
    return next(iter(window.grid.tiles))


def running(window):
    on = window.doing.screens.carousel.running
    assert on == window.actions_.by_name["carousel"].isChecked()
    return on


def goes_on(window, qtbot):
    before = shown(window)
    qtbot.waitUntil(lambda: shown(window) != before)


def stays(window, qtbot):
    before = shown(window)
    qtbot.wait(500)
    assert shown(window) == before


def test_a_key_starts_it_and_the_same_key_ends_it(wall, qtbot):
    qtbot.keyClick(wall, Qt.Key.Key_C)
    assert running(wall)
    assert "every 10 s" in wall.toasts.shown[-1].text.text()
    goes_on(wall, qtbot)
    goes_on(wall, qtbot)
    qtbot.keyClick(wall, Qt.Key.Key_C)
    assert not running(wall)
    stays(wall, qtbot)


def test_another_key_ends_it_and_does_what_it_does(wall, qtbot):
    qtbot.keyClick(wall, Qt.Key.Key_C)
    qtbot.keyClick(wall, Qt.Key.Key_3)
    assert not running(wall)
    assert shown(wall) == "c.mp4"
    stays(wall, qtbot)


def test_a_click_on_a_tile_ends_it_and_the_message_lets_it_go_on(wall, qtbot):
    qtbot.keyClick(wall, Qt.Key.Key_C)
    qtbot.mouseClick(next(iter(wall.grid.tiles.values())), LEFT)
    assert not running(wall)
    toast = next(toast for toast in wall.toasts.shown if "has stopped" in toast.text.text())
    qtbot.mouseClick(toast.act, LEFT)
    assert running(wall)
    goes_on(wall, qtbot)


def test_the_wheel_ends_it(wall, qtbot):
    qtbot.keyClick(wall, Qt.Key.Key_C)
    tile = next(iter(wall.grid.tiles.values()))
    at = QPointF(tile.rect().center())
    none, keys, phase = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    wheel = QWheelEvent(at, tile.mapToGlobal(at), QPoint(), QPoint(0, 120), none, keys, phase, False)
    QApplication.sendEvent(tile, wheel)
    assert not running(wall)


def test_a_click_elsewhere_does_not_end_it(wall, qtbot):
    qtbot.keyClick(wall, Qt.Key.Key_C)
    qtbot.mouseClick(wall.statusBar(), LEFT)
    assert running(wall)


def test_the_seconds_are_chosen_and_remembered(wall, qtbot, tmp_path):
    wall.actions_.carousels["20"].trigger()
    assert running(wall)
    assert "every 20 s" in wall.toasts.shown[-1].text.text()
    wall.save_memory()
    kept = json.loads((tmp_path / "state" / "desktop.json").read_text())
    assert (kept["carousel"], kept["carousel_s"]) == (True, 20)


def test_it_runs_again_at_the_next_start(new_window, tmp_path, session):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "desktop.json").write_text('{"carousel": true, "carousel_s": 5}')
    window = new_window()
    assert running(window)
    assert window.actions_.carousels["5"].isChecked()


@pytest.mark.parametrize("text", ['{"carousel": 1, "carousel_s": 5.0}', '{"carousel_s": [5]}', "[]"])
def test_nonsense_that_is_remembered_is_forgotten(new_window, tmp_path, text):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "desktop.json").write_text(text)
    window = new_window()
    assert not running(window)
    assert window.memory.now.carousel_s == 10


def test_it_waits_while_the_window_is_not_seen(wall, qtbot):
    qtbot.keyClick(wall, Qt.Key.Key_C)
    wall.hide()
    page = wall.desk.board.page
    qtbot.wait(500)
    assert wall.desk.board.page == page
    wall.show()
    qtbot.waitUntil(lambda: wall.desk.board.page != page)


def test_all_on_one_page_are_shown_one_by_one(wall, qtbot):
    wall.actions_.layouts["auto"].trigger()
    qtbot.keyClick(wall, Qt.Key.Key_C)
    qtbot.waitUntil(lambda: list(wall.grid.tiles) == ["b.mp4"])
    qtbot.keyClick(wall, Qt.Key.Key_Escape)
    assert not running(wall)
    assert len(wall.grid.tiles) == 4


def test_one_camera_has_nothing_to_go_on_to(window):
    window.open(["a.mp4"])
    window.refresh()
    assert not window.actions_.by_name["carousel"].isEnabled()
