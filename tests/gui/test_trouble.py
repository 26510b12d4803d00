"""What goes wrong around the window: the application goes on and says what happened."""

from __future__ import annotations

import errno
import logging

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QLabel,
    QLineEdit,
    QListWidget,
    QSlider,
)

from surveil.config.load import load_config
from surveil.gui.dialogs.camera import CameraDialog

from .fakes import preview
from .filed import workspace_of

LEFT = Qt.MouseButton.LeftButton
NAMES = ["<b>bold</b><img src=x>", "Haustür 🚪 & Hof", "x" * 200]
FILE = """\
version: 1
cameras:
  - id: gate
    name: {name}
    inputs: [rtsp://10.0.0.1/1]
    zones:
      - name: {name}
        points: [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]]
"""


@pytest.fixture
def open_on(new_window, session, tmp_path, qtbot):
    def make(name="Gate"):
        session.picture = preview()
        text = FILE.format(name=f'"{name}"')
        window = new_window(workspace_of(tmp_path / "surveil.yaml", text, session))
        qtbot.waitUntil(lambda: "gate" in session.state and "gate" in window.grid.tiles)
        return window

    return make


def texts(window):
    return [toast.text.text() for toast in window.toasts.shown]


def everything(window, qtbot):
    """All panels and dialogs that can be open at once."""
    for dock in window.findChildren(QDockWidget):
        dock.show()
    for name in ("edit_zones", "export", "models", "settings", "keys", "add"):
        window.actions_.by_name[name].trigger()
    window.doing.edit("gate")
    qtbot.waitUntil(lambda: bool(window.doing.tools.models.cards), timeout=20_000)
    window.refresh()


# ---- names


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_plain_text_everywhere(open_on, qtbot, name):
    window = open_on(name)
    window.resize(1300, 850)
    everything(window, qtbot)
    labels = [label for label in window.findChildren(QLabel) if name in label.text()]
    assert all(label.textFormat() is Qt.TextFormat.PlainText for label in labels)
    tips = [widget.toolTip() for widget in window.findChildren(QAbstractButton)]
    assert not any(name in tip for tip in tips)
    window.grab()
    assert window.width() == 1300


def test_a_name_of_500_characters_is_refused_in_words_and_cut_in_the_dialog(open_on, qtbot, tmp_path):
    window = open_on()
    path = tmp_path / "surveil.yaml"
    path.write_text(path.read_text().replace('name: "Gate"', f"name: {'y' * 500}", 1))
    qtbot.waitUntil(lambda: any("mistakes" in text for text in texts(window)), timeout=10_000)
    assert window.desk.entry("gate").title == "Gate"
    window.actions_.by_name["add"].trigger()
    dialog = window.findChild(CameraDialog)
    qtbot.keyClicks(dialog.name, "y" * 220)
    assert len(dialog.name.text()) == 200


# ---- what can be read aloud


def test_everything_that_can_be_operated_has_a_name(open_on, qtbot):
    window = open_on()
    everything(window, qtbot)
    kinds = (QAbstractButton, QLineEdit, QComboBox, QSlider, QAbstractSpinBox, QListWidget)
    nameless = [
        f"{type(widget).__name__} in {type(widget.parent()).__name__}"
        for kind in kinds
        for widget in window.findChildren(kind)
        if widget.isVisibleTo(widget.window())
        and not widget.objectName().startswith("qt_")  # parts of Qt's own widgets
        and not (widget.accessibleName() or getattr(widget, "text", str)() or widget.toolTip())
    ]
    assert nameless == []


# ---- the disk


def test_a_full_disk_keeps_what_was_typed_until_there_is_room(open_on, qtbot, tmp_path, monkeypatch):
    window = open_on()
    window.actions_.by_name["add"].trigger()
    dialog = window.findChild(CameraDialog)
    qtbot.keyClicks(dialog.name, "Shed")
    qtbot.keyClicks(dialog.url, "rtsp://10.0.0.2/1")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("surveil.config.edit.write_atomic", full)
        qtbot.mouseClick(dialog.save, LEFT)
        qtbot.waitUntil(lambda: any("No space left" in text for text in texts(window)))
    (toast,) = [one for one in window.toasts.shown if "No space left" in one.text.text()]
    assert window.desk.board.ids == ("gate",)
    qtbot.mouseClick(toast.act, LEFT)  # Try again
    qtbot.waitUntil(lambda: window.desk.board.ids == ("gate", "Shed"))
    assert len(load_config(tmp_path / "surveil.yaml").config.cameras) == 2


def test_what_cannot_be_remembered_hinders_no_end(open_on, monkeypatch, caplog):
    window = open_on()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("surveil.gui.memory.write_atomic", full)
    with caplog.at_level(logging.WARNING):
        window.quit()
    assert not window.isVisible()
    assert "No space left" in caplog.text


# ---- the screen


def on_a_screen(window):
    return any(one.availableGeometry().intersects(window.frameGeometry()) for one in QApplication.screens())


def test_a_screen_that_was_unplugged_takes_no_window_along(open_on, qtbot):
    window = open_on()
    window.move(9000, 7000)
    assert not on_a_screen(window)
    app = QApplication.instance()
    app.screenRemoved.emit(app.primaryScreen())
    qtbot.waitUntil(lambda: on_a_screen(window))
    place = window.pos()
    app.screenRemoved.emit(app.primaryScreen())
    qtbot.wait(50)
    assert window.pos() == place


def test_a_window_that_was_left_on_another_screen_comes_back_on_one_that_is_there(new_window, qtbot):
    window = new_window()
    window.move(QPoint(9000, 7000))
    window.quit()
    assert on_a_screen(new_window())


def test_the_theme_of_the_system_is_followed_only_where_it_was_chosen(open_on, monkeypatch):
    window = open_on()
    dressed = []
    monkeypatch.setattr(window, "dress", lambda: dressed.append(1))
    hints = QApplication.instance().styleHints()
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert dressed == []
    window.memory.note(theme="system")
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert dressed == [1]


# ---- cameras


def test_a_recording_that_the_file_took_away_a_moment_ago_disturbs_nothing(new_window, session, qtbot):
    window = new_window()
    session.picture = preview()
    window.open(["a.mp4"])
    qtbot.waitUntil(window.player_bar.isVisible)
    session.playbacks.clear()  # as the tasks' thread does, before the window is told
    session.picture = preview(seq=2)
    qtbot.wait(400)  # an error in a timer fails the test
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert any("there is no camera" in text for text in texts(window))
