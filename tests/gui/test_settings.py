"""The settings window, driven with mouse and keys."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QLineEdit

from surveil.config.load import load_config

from .filed import workspace_of, write

FILE = """\
version: 1
cameras:
  - id: gate
    name: Gate <b>1</b>
    inputs: [rtsp://10.0.0.1/1]
    username: anna
    password: keyring:gate
  - id: shed
    inputs: [rtsp://10.0.0.2/1]
display:
  trail_s: 4.0  # long enough
"""
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def path(tmp_path):
    return tmp_path / "surveil.yaml"


@pytest.fixture
def window(new_window, session, path, qtbot):
    return new_window(workspace_of(path, FILE, session))


@pytest.fixture
def dialog(window, qtbot, monkeypatch):
    window.actions_.by_name["settings"].trigger()
    dialog = window.doing.tools.settings
    qtbot.waitExposed(dialog)
    return dialog


def row(dialog, name):
    (found,) = [one for one in dialog.rows if one.row.setting.key[-1] == name]
    return found


def type_into(qtbot, field, text):
    field.setFocus()
    field.selectAll()
    qtbot.keyClick(field, Qt.Key.Key_Delete)
    qtbot.keyClicks(field, text)


def save(dialog, qtbot):
    qtbot.mouseClick(dialog.save, LEFT)
    qtbot.waitUntil(lambda: not dialog.form.unsaved, timeout=10_000)


def test_every_page_is_drawn_from_the_models(dialog):
    for page in range(dialog.pages.count()):
        dialog.pages.setCurrentRow(page)
        assert dialog.rows
        for widget in dialog.rows:
            assert widget.field.accessibleName()
            assert widget.field.accessibleDescription()
    assert dialog.camera.itemText(0) == "Gate <b>1</b>"


def test_a_number_is_changed_kept_with_its_comment_and_in_force(dialog, window, qtbot, path):
    dialog.pages.setCurrentRow(3)
    type_into(qtbot, row(dialog, "trail_s").field, "7")
    save(dialog, qtbot)
    assert "trail_s: 7.0  # long enough" in path.read_text()
    assert window.desk.style.trail_s == 7.0
    assert dialog.banner.text() == "Kept and in force."


def test_switches_turn_the_overlay_and_its_actions(dialog, window, qtbot):
    dialog.pages.setCurrentRow(3)
    boxes = row(dialog, "boxes").field
    boxes.setFocus()
    qtbot.keyClick(boxes, Qt.Key.Key_Space)
    save(dialog, qtbot)
    assert window.desk.style.boxes is False
    assert not window.actions_.by_name["boxes"].isChecked()


def test_a_mistake_is_said_beside_its_field_and_nothing_can_be_kept(dialog, qtbot, path):
    dialog.pages.setCurrentRow(1)
    score = row(dialog, "min_score")
    type_into(qtbot, score.field, "7")
    assert "less than or equal to 1" in score.fault.text()
    assert score.fault.isVisible()
    assert not dialog.save.isEnabled()
    type_into(qtbot, score.field, "0.7")
    assert not score.fault.isVisible()
    save(dialog, qtbot)
    assert load_config(path).config.model.min_score == 0.7


def test_the_cameras_follow_the_choice(dialog, qtbot, path, session):
    dialog.camera.setFocus()
    qtbot.keyClick(dialog.camera, Qt.Key.Key_Down)
    type_into(qtbot, row(dialog, "max_rate_hz").field, "5")
    save(dialog, qtbot)
    config = load_config(path).config
    assert (config.cameras[0].detect.max_rate_hz, config.cameras[1].detect.max_rate_hz) == (None, 5)
    assert session.configs["shed"].max_rate_hz == 5


def test_a_password_is_never_shown(dialog):
    field = row(dialog, "password").field
    assert (field.text(), field.placeholderText()) == ("", "unchanged")
    assert field.echoMode() == QLineEdit.EchoMode.Password


def test_reset_takes_the_key_out_of_the_file(dialog, qtbot, path):
    dialog.pages.setCurrentRow(3)
    qtbot.mouseClick(row(dialog, "trail_s").back, LEFT)
    assert row(dialog, "trail_s").field.text() == "2"
    save(dialog, qtbot)
    assert "trail_s" not in path.read_text()


def test_search_finds_over_all_pages(dialog, qtbot):
    qtbot.keyClicks(dialog.search, "trail")
    assert [widget.row.setting.key[-1] for widget in dialog.rows] == ["trails", "trail_s"]
    qtbot.keyClicks(dialog.search, " no such thing")
    assert dialog.rows == []
    dialog.pages.setCurrentRow(2)
    assert dialog.search.text() == ""
    assert [widget.row.setting.key[-1] for widget in dialog.rows] == ["tracker"]


def test_undo_all(dialog, qtbot):
    dialog.pages.setCurrentRow(3)
    type_into(qtbot, row(dialog, "trail_s").field, "9")
    qtbot.mouseClick(dialog.undo, LEFT)
    assert row(dialog, "trail_s").field.text() == "4"
    assert not dialog.save.isEnabled()


def test_the_yaml_is_opened(dialog, qtbot, monkeypatch, path):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    qtbot.mouseClick(dialog.yaml, LEFT)
    assert opened == [str(path)]
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: False)
    qtbot.mouseClick(dialog.yaml, LEFT)
    assert "No program could be opened" in dialog.banner.text()


def test_the_file_is_changed_by_hand_and_what_was_typed_stays(dialog, qtbot, path):
    dialog.pages.setCurrentRow(3)
    boxes = row(dialog, "boxes").field
    boxes.setFocus()
    qtbot.keyClick(boxes, Qt.Key.Key_Space)
    write(path, FILE.replace("trail_s: 4.0", "trail_s: 6.0"))
    qtbot.waitUntil(lambda: row(dialog, "trail_s").field.text() == "6", timeout=10_000)
    assert not row(dialog, "boxes").field.isChecked()
    save(dialog, qtbot)
    assert load_config(path).config.display.trail_s == 6.0
    assert load_config(path).config.display.boxes is False


def test_nonsense_in_the_file_is_said_and_not_written_over(dialog, qtbot, path):
    dialog.pages.setCurrentRow(3)
    type_into(qtbot, row(dialog, "trail_s").field, "9")
    write(path, "cameras: [nonsense: [\n")
    qtbot.waitUntil(lambda: "mistakes" in dialog.banner.text(), timeout=10_000)
    qtbot.mouseClick(dialog.save, LEFT)
    qtbot.waitUntil(lambda: "Nothing was kept" in dialog.banner.text(), timeout=10_000)
    assert path.read_text() == "cameras: [nonsense: [\n"
    write(path, FILE)
    qtbot.mouseClick(dialog.save, LEFT)
    qtbot.waitUntil(lambda: not dialog.form.unsaved, timeout=10_000)
    assert load_config(path).config.display.trail_s == 9


def test_a_camera_is_removed_while_its_settings_are_open(dialog, window, qtbot):
    type_into(qtbot, row(dialog, "max_rate_hz").field, "5")
    window.filing.remove("gate")
    qtbot.waitUntil(lambda: dialog.camera.count() == 1, timeout=10_000)
    assert not dialog.form.unsaved
    assert row(dialog, "max_rate_hz").row.key[1] == "shed"


def test_one_window_at_most_and_none_without_a_file(dialog, window, new_window):
    window.doing.run("settings")
    assert window.doing.tools.settings is dialog
    other = new_window()
    other.doing.run("settings")
    assert other.doing.tools.settings is None
    assert any("without one" in toast.text.text() for toast in other.toasts.shown)


def test_closing_asks_once_where_something_would_be_lost(dialog, window, qtbot):
    dialog.pages.setCurrentRow(3)
    type_into(qtbot, row(dialog, "trail_s").field, "9")
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert "not applied" in dialog.banner.text()
    qtbot.mouseClick(dialog.close_, LEFT)
    qtbot.waitUntil(lambda: window.doing.tools.settings is None)
