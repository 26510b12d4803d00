from __future__ import annotations

import pytest
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QColor, QDropEvent
from PyQt6.QtWidgets import QFileDialog, QInputDialog

from surveil.gui.controller import Controller
from surveil.gui.window import MainWindow
from surveil.resources import demo_clip

from .fakes import FakeClock, FakeSession, configure, preview


@pytest.fixture
def session():
    return FakeSession()


@pytest.fixture
def window(qtbot, session):
    window = MainWindow(Controller(session, configure, FakeClock()))
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


def test_the_start_page_has_four_doors(window):
    assert window.centralWidget().currentWidget() is window.start_page
    assert list(window.start_page.doors) == ["demo", "file", "webcam", "network"]


def test_the_demo_door_plays_the_shipped_clip_again_and_again(window, session, qtbot):
    qtbot.mouseClick(window.start_page.doors["demo"], Qt.MouseButton.LeftButton)
    clip = str(demo_clip())
    assert session.named("add") == [("add", clip)]
    assert session.configs[clip].loop
    assert window.centralWidget().currentWidget() is window.tile


def test_the_file_door_opens_what_was_chosen(window, session, qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/clips/a.mp4", ""))
    qtbot.mouseClick(window.start_page.doors["file"], Qt.MouseButton.LeftButton)
    assert session.named("add") == [("add", "/clips/a.mp4")]


def test_a_cancelled_dialog_opens_nothing(window, session, qtbot, monkeypatch):
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("rtsp://x/1", False))
    qtbot.mouseClick(window.start_page.doors["network"], Qt.MouseButton.LeftButton)
    assert session.named("add") == []


def test_an_address_is_opened_as_typed(window, session, qtbot, monkeypatch):
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: (" rtsp://x/1 ", True))
    qtbot.mouseClick(window.start_page.doors["network"], Qt.MouseButton.LeftButton)
    assert session.named("add") == [("add", "rtsp://x/1")]


def test_bad_text_is_said_in_the_tile(window):
    window.open("bad:thing")
    assert window.tile.view.message == "This source cannot be shown"
    assert "bad:thing" in window.tile.view.detail


def test_the_picture_is_painted_in_the_middle(window, session, qtbot):
    session.picture = preview(colour=200)
    window.open("a.mp4")
    qtbot.waitUntil(lambda: window.tile.view.picture is not None)
    shot = window.tile.grab().toImage()
    assert QColor(shot.pixel(shot.width() // 2, shot.height() // 2)).red() == 200


def test_a_dead_camera_is_veiled(window, session, qtbot):
    session.picture = preview(colour=200, arrived_s=0.0)
    window.open("rtsp://x/1")
    qtbot.waitUntil(lambda: window.tile.view.message == "No new picture")
    shot = window.tile.grab().toImage()
    assert QColor(shot.pixel(shot.width() // 2, 40)).red() < 120


def test_space_pauses_and_letters_switch_the_overlay(window, session, qtbot):
    window.open("a.mp4")
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert session.named("pause") == [("pause", "a.mp4")]
    qtbot.keyClick(window, Qt.Key.Key_T)
    assert session.named("show")[-1][3].trails is False


def test_the_number_keys_choose_a_source(window, session, qtbot):
    window.open("a.mp4", "b.mp4")
    qtbot.keyClick(window, Qt.Key.Key_2)
    assert session.named("show")[-1][1] == "b.mp4"


def test_a_dropped_file_is_opened(window, session):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/clips/drop.mp4")])
    where, copy = QPointF(QPoint(5, 5)), Qt.DropAction.CopyAction
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(where, copy, mime, buttons, keys))
    assert session.named("add") == [("add", "/clips/drop.mp4")]


def test_pictures_are_asked_for_at_the_tiles_size(window, session, qtbot):
    window.open("a.mp4")
    window.resize(900, 600)
    qtbot.waitUntil(lambda: session.named("show")[-1][2][0] == window.tile.device_size().width())


def test_closing_the_source_leads_back_to_the_doors(window, session, qtbot):
    window.open("a.mp4")
    window.actions_by_name["home"].trigger()
    assert window.centralWidget().currentWidget() is window.start_page
    assert session.named("remove") == [("remove", "a.mp4")]
