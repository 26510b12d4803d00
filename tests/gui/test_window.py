from __future__ import annotations

import json

import numpy as np
import pytest
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QColor, QDropEvent, QWheelEvent
from PyQt6.QtWidgets import QApplication, QFileDialog

from surveil.gui.dialogs.keys import AboutDialog, KeysDialog
from surveil.gui.dialogs.layout import LayoutDialog
from surveil.pipeline.state import State
from surveil.resources import demo_clip

from .fakes import preview

LEFT = Qt.MouseButton.LeftButton


def stack(window):
    return window.centralWidget().currentIndex()


def texts(window):
    return [toast.text.text() for toast in window.toasts.shown]


# ---- first run


def test_the_start_page_has_four_doors(window):
    assert stack(window) == 0
    assert list(window.start_page.doors) == ["demo", "open", "webcam", "add"]


def test_the_demo_door_plays_the_shipped_clip_again_and_again(window, session, qtbot):
    qtbot.mouseClick(window.start_page.doors["demo"], LEFT)
    assert [config.source.text for config in session.configs.values()] == [str(demo_clip())]
    assert next(iter(session.configs.values())).loop
    assert stack(window) == 1


def test_keys_go_to_the_tiles_as_soon_as_there_are_any(window, qtbot):
    window.activateWindow()
    qtbot.mouseClick(window.start_page.doors["demo"], LEFT)
    (tile,) = window.grid.tiles.values()
    assert tile.hasFocus()


def test_the_file_door_opens_what_was_chosen_and_remembers_the_folder(window, session, qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (["/clips/a.mp4"], ""))
    qtbot.mouseClick(window.start_page.doors["open"], LEFT)
    assert session.named("add") == [("add", "/clips/a.mp4")]
    assert window.memory.now.folder == "/clips"


def test_a_cancelled_dialog_opens_nothing(window, session, qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([], ""))
    qtbot.mouseClick(window.start_page.doors["open"], LEFT)
    assert session.named("add") == []


def test_a_dropped_file_is_opened(window, session):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/clips/drop.mp4")])
    where, copy = QPointF(QPoint(5, 5)), Qt.DropAction.CopyAction
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(where, copy, mime, buttons, keys))
    assert session.named("add") == [("add", "/clips/drop.mp4")]


def test_bad_text_is_said_and_nothing_else_happens(window):
    window.open(["bad:thing"])
    assert texts(window) == ["bad:thing: this is no source"]
    assert stack(window) == 0


def test_closing_the_recording_leads_back_to_the_doors(window, session, qtbot):
    window.open(["a.mp4"])
    qtbot.keyClick(window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert stack(window) == 0
    assert session.named("remove") == [("remove", "a.mp4")]


# ---- pictures


def test_the_picture_is_painted_in_the_middle(window, session, qtbot):
    session.picture = preview(colour=200)
    window.open(["a.mp4"])
    tile = window.grid.tiles["a.mp4"]
    qtbot.waitUntil(lambda: tile.view.picture is not None)
    shot = tile.grab().toImage()
    assert QColor(shot.pixel(shot.width() // 2, shot.height() // 2)).red() == 200
    assert tile.accessibleName() == "Camera a.mp4"


def test_a_dead_camera_is_grey_and_veiled(window, session, qtbot):
    picture = preview(arrived_s=0.0)
    picture.image[:] = (0, 0, 255, 255)
    session.picture = picture
    window.open(["rtsp://x/1"])
    tile = window.grid.tiles["rtsp://x/1"]
    qtbot.waitUntil(lambda: tile.view.message == "No new picture")
    shot = tile.grab().toImage()
    colour = QColor(shot.pixel(shot.width() // 2, shot.height() // 4))
    assert colour.red() == pytest.approx(colour.blue(), abs=8)
    assert colour.red() < 120


def test_pictures_are_asked_for_at_the_tiles_size(window, session, qtbot):
    window.open(["a.mp4"])
    window.resize(900, 600)
    qtbot.waitUntil(lambda: session.named("show")[-1][2] == window.grid.tiles["a.mp4"].device_size())


@pytest.mark.parametrize("name", ["<b>bold</b><img src=x>", "🚪 Haustür", "x" * 500, "a\nb"])
def test_any_name_is_plain_text(window, session, qtbot, name):
    from surveil.gui.desk import Entry

    session.state["door"] = State(name="live", since_s=0)
    session.picture = preview()
    width = window.width()
    window.desk.adopt([Entry(id="door", title=name, kept=True)])
    window.arrange()
    assert window.grid.tiles["door"].view.title == name
    assert window.status.textFormat() is Qt.TextFormat.PlainText
    window.toasts.note(name)
    assert window.toasts.shown[0].text.textFormat() is Qt.TextFormat.PlainText
    window.grab()
    assert window.width() == width


# ---- the wall


@pytest.fixture
def wall(window, session):
    session.picture = preview()
    window.open(["a.mp4", "b.mp4", "c.mp4", "d.mp4"])
    return window


def test_automatic_layout_shows_all_of_them(wall):
    rects = [tile.geometry() for tile in wall.grid.tiles.values()]
    assert len(rects) == 4
    assert not any(one.intersects(other) for one in rects for other in rects if one is not other)


def test_a_double_click_fills_the_window_and_escape_leads_back(wall, session, qtbot):
    qtbot.mouseDClick(wall.grid.tiles["b.mp4"], LEFT)
    assert list(wall.grid.tiles) == ["b.mp4"]
    assert wall.grid.tiles["b.mp4"].size() == wall.grid.size()
    assert ("hide", "a.mp4") in session.commands
    qtbot.keyClick(wall, Qt.Key.Key_Escape)
    assert len(wall.grid.tiles) == 4


def test_numbers_show_one_camera_alone(wall, qtbot):
    qtbot.keyClick(wall, Qt.Key.Key_3)
    assert list(wall.grid.tiles) == ["c.mp4"]
    qtbot.keyClick(wall, Qt.Key.Key_3)
    assert len(wall.grid.tiles) == 4
    qtbot.keyClick(wall, Qt.Key.Key_9)
    assert len(wall.grid.tiles) == 4


def test_a_click_selects_and_a_drag_changes_places(wall, qtbot):
    first, last = wall.grid.tiles["a.mp4"], wall.grid.tiles["d.mp4"]
    qtbot.mouseClick(last, LEFT)
    assert wall.desk.board.selected == "d.mp4"
    qtbot.mousePress(first, LEFT, pos=QPoint(50, 50))
    target = first.mapFromGlobal(last.mapToGlobal(QPoint(40, 40)))
    qtbot.mouseMove(first, QPoint(80, 80))
    qtbot.mouseMove(first, target)
    qtbot.waitUntil(lambda: last.target)
    qtbot.mouseRelease(first, LEFT, pos=target)
    assert wall.desk.board.ids == ("d.mp4", "b.mp4", "c.mp4", "a.mp4")
    assert not last.target


def test_layouts_pages_and_a_layout_of_ones_own(wall, qtbot):
    wall.actions_.layouts["1"].trigger()
    assert list(wall.grid.tiles) == ["a.mp4"]
    qtbot.keyClick(wall, Qt.Key.Key_PageDown)
    assert list(wall.grid.tiles) == ["b.mp4"]
    wall.actions_.layouts["custom"].trigger()
    dialog = wall.findChild(LayoutDialog)
    dialog.columns.setValue(2)
    dialog.rows.setValue(1)
    dialog.accept()
    assert wall.desk.board.layout == "2x1"
    assert len(wall.grid.tiles) == 2
    assert wall.actions_.layouts["custom"].isChecked()


def wheel(tile, delta, at):
    point = QPointF(at)
    buttons, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    phase = Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(
        point, tile.mapToGlobal(point), QPoint(), QPoint(0, delta), buttons, keys, phase, False
    )
    QApplication.sendEvent(tile, event)


def test_the_wheel_goes_into_the_picture_and_a_drag_moves_it(window, session, qtbot):
    session.picture = preview()
    window.open(["a.mp4"])
    tile = window.grid.tiles["a.mp4"]
    qtbot.waitUntil(lambda: tile.view.picture is not None)
    wheel(tile, 480, tile.picture_rect().center().toPoint())
    left, _, right, _ = session.named("show")[-1][4]
    assert right - left == pytest.approx(1 / 1.25**4)
    assert (left + right) / 2 == pytest.approx(0.5, abs=0.01)
    qtbot.waitUntil(lambda: tile.view.zoomed)
    middle = tile.rect().center()
    qtbot.mousePress(tile, LEFT, pos=middle)
    qtbot.mouseMove(tile, middle - QPoint(60, 0))
    qtbot.waitUntil(lambda: session.named("show")[-1][4][0] > left)
    qtbot.mouseRelease(tile, LEFT, pos=middle)
    qtbot.keyClick(window, Qt.Key.Key_0)
    assert session.named("show")[-1][4] == (0.0, 0.0, 1.0, 1.0)


def test_full_screen_hides_everything_else(wall, qtbot):
    qtbot.keyClick(wall, Qt.Key.Key_F11)
    assert wall.isFullScreen()
    assert not wall.menuBar().isVisible()
    qtbot.keyClick(wall, Qt.Key.Key_Escape)
    assert not wall.isFullScreen()
    assert wall.menuBar().isVisible()


def test_letters_switch_the_overlay_one_by_one_and_all_at_once(wall, session, qtbot):
    qtbot.keyClick(wall, Qt.Key.Key_T)
    assert session.named("show")[-1][3].trails is False
    assert not wall.actions_.by_name["trails"].isChecked()
    qtbot.keyClick(wall, Qt.Key.Key_D)
    assert not any(wall.desk.switched(name) for name in ("boxes", "labels", "ids", "trails", "zones"))
    qtbot.keyClick(wall, Qt.Key.Key_D)
    assert wall.desk.switched("boxes")


# ---- recordings


def test_the_keys_of_the_player(window, session, qtbot):
    session.picture = preview(index=50)
    window.open(["a.mp4"])
    qtbot.waitUntil(
        lambda: window.player_bar.isVisible() and window.player_bar.time.text().startswith("0:05")
    )
    for key in (Qt.Key.Key_Space, Qt.Key.Key_K, Qt.Key.Key_Comma, Qt.Key.Key_Period, Qt.Key.Key_BracketRight):
        qtbot.keyClick(window, key)
    assert session.playback("a.mp4").commands == [
        ("pause",),
        ("resume",),
        ("step", -1),
        ("step", 1),
        ("play_at", 2.0),
    ]
    session.playback("a.mp4").commands.clear()
    for key in (Qt.Key.Key_J, Qt.Key.Key_L, Qt.Key.Key_Home):
        qtbot.keyClick(window, key)
    assert session.playback("a.mp4").commands == [("seek", -5.0), ("seek", 15.0), ("seek", 0.0)]


def test_the_bar_seeks_where_it_is_clicked_and_its_buttons_work(window, session, qtbot):
    window.open(["a.mp4"])
    qtbot.waitUntil(window.player_bar.isVisible)
    bar = window.player_bar
    qtbot.mouseClick(bar.seek_bar, LEFT, pos=QPoint(bar.seek_bar.width() // 2, 20))
    qtbot.mouseClick(bar.buttons["frame_on"], LEFT)
    qtbot.mouseClick(bar.buttons["play"], LEFT)
    commands = session.playback("a.mp4").commands
    assert commands[0] == ("seek", pytest.approx(10.0, abs=0.1))
    assert commands[1:] == [("step", 1), ("pause",)]


def test_a_live_camera_has_no_bar_and_cannot_be_held(window, session, qtbot):
    window.open(["rtsp://x/1"])
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert not window.player_bar.isVisible()
    assert not window.actions_.by_name["play"].isEnabled()
    assert session.playback("rtsp://x/1").commands == []


# ---- behaviour


def test_a_snapshot_is_saved_in_the_frames_own_size(window, session, qtbot, monkeypatch, tmp_path):
    import cv2

    monkeypatch.setattr("surveil.gui.doing.pictures_folder", lambda: tmp_path / "pictures")
    session.picture = preview()
    window.open(["a.mp4"])
    qtbot.keyClick(window, Qt.Key.Key_S)
    qtbot.waitUntil(lambda: any("Saved" in text for text in texts(window)))
    files = list((tmp_path / "pictures").iterdir())
    assert len(files) == 1
    image = cv2.imdecode(np.frombuffer(files[0].read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (90, 160, 3)
    assert len(np.unique(image)) > 1  # boxes are drawn


def test_a_snapshot_that_cannot_be_saved_is_said(window, session, qtbot, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("surveil.gui.doing.pictures_folder", lambda: tmp_path / "file" / "x")
    session.picture = preview()
    window.open(["a.mp4"])
    qtbot.keyClick(window, Qt.Key.Key_S)
    qtbot.waitUntil(lambda: any("cannot write" in text for text in texts(window)))


def test_the_keyboard_map_names_every_key(window, qtbot):
    qtbot.keyClick(window, Qt.Key.Key_Question)
    dialog = window.findChild(KeysDialog)
    from PyQt6.QtWidgets import QLabel

    words = {label.text() for label in dialog.findChildren(QLabel)}
    assert {"Save a snapshot", "S", "Space   K", "F11", "Ctrl+N"} <= words
    dialog.close()
    window.doing.run("about")
    window.findChild(AboutDialog).close()


def test_themes_are_changed_at_once_and_remembered(window):
    dark = window.palette().window().color()
    window.actions_.themes["light"].trigger()
    assert window.palette().window().color().lightness() > dark.lightness() + 100
    assert window.memory.now.theme == "light"
    window.actions_.themes["system"].trigger()


def test_how_it_is_left_is_how_it_comes_back(new_window, tmp_path):
    window = new_window()
    window.open(["a.mp4"])
    window.doing.run("layout:1+5")
    window.actions_.by_name["trails"].trigger()
    window.resize(760, 560)
    window.quit()
    assert json.loads((tmp_path / "state" / "desktop.json").read_text())["layout"] == "1+5"
    again = new_window()
    assert again.desk.board.layout == "1+5"
    assert not again.desk.switched("trails")
    assert again.size() == window.size()


def test_closing_may_leave_the_session_running(window, session, monkeypatch, qtbot):
    monkeypatch.setattr(type(window.tray), "there", property(lambda self: True))
    monkeypatch.setattr(type(window.tray), "show", lambda self, *, on: None)  # there is no tray offscreen
    closed = []
    window.closed.connect(lambda: closed.append(1))
    window.open(["a.mp4"])
    window.actions_.by_name["keep_running"].setEnabled(True)
    window.actions_.by_name["keep_running"].trigger()
    window.close()
    assert not window.isVisible()
    assert closed == []
    assert session.commands[-1] == ("hide", "a.mp4")
    window.tray.bring_back()
    qtbot.waitUntil(window.isVisible)
    window.quit()
    assert closed == [1]


def test_an_error_that_nobody_expected_is_said(window, qtbot):
    window.crashed.emit("ValueError: x", "/tmp/report.txt")
    assert "Something went wrong" in texts(window)[0]
    toast = window.toasts.shown[0]
    qtbot.mouseClick(toast.more, LEFT)
    assert "ValueError: x" in toast.detail.text()
    assert toast.detail.isVisible()


def test_messages_hold_no_secrets_and_do_not_pile_up(window):
    for number in range(9):
        window.toasts.error(f"{number}: rtsp://admin:secret@10.0.0.7/s refuses")
    assert len(window.toasts.shown) == 4
    assert not any("secret" in text for text in texts(window))
