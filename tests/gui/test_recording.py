"""A real recording in a real window: session, detector, player and all."""

from __future__ import annotations

from functools import partial

import pytest
from PyQt6.QtCore import QPoint, Qt

from surveil.app.desktop import open_desktop
from surveil.app.doors import configure_cameras
from surveil.app.options import GuiOptions
from surveil.clock import SystemClock
from surveil.gui.desk import Desk
from surveil.gui.memory import Memory
from surveil.gui.tasks import Tasks
from surveil.gui.window import MainWindow, Parts
from surveil.redact import Redactor
from surveil.resources import demo_clip

PATIENCE_MS = 30_000
FRAME_S = 1 / 12


@pytest.fixture
def window(qtbot):
    clock, options = SystemClock(), GuiOptions()
    desktop = open_desktop(options, kept=False, clock=clock, redactor=Redactor())
    tasks = Tasks(clock)
    desk = Desk(desktop.session, partial(configure_cameras, options=options), clock, desktop.style)
    window = MainWindow(Parts(desk=desk, workspace=None, tasks=tasks, memory=Memory(None), clock=clock))
    qtbot.addWidget(window)
    window.show()
    yield window
    window.end()
    tasks.stop(5.0)
    desktop.session.stop(10.0)


def test_hold_step_seek_and_the_end(window, qtbot):
    window.open([str(demo_clip())])
    player = window.desk.player("street")
    until = partial(qtbot.waitUntil, timeout=PATIENCE_MS)
    until(lambda: player.place_s > 0.2)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    until(lambda: window.desk.states["street"].name == "paused")
    qtbot.wait(300)  # what was on its way
    held = player.place_s
    qtbot.keyClick(window, Qt.Key.Key_Period)
    until(lambda: player.place_s == pytest.approx(held + FRAME_S, abs=0.01))
    qtbot.keyClick(window, Qt.Key.Key_Comma)
    until(lambda: player.place_s == pytest.approx(held, abs=0.01))
    bar = window.player_bar.seek_bar
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() // 2, 20))
    until(lambda: player.place_s == pytest.approx(12.0, abs=0.2))
    assert window.desk.states["street"].name == "paused"
    qtbot.keyClick(window, Qt.Key.Key_L)
    until(lambda: player.place_s == pytest.approx(22.0, abs=0.2))
    qtbot.keyClick(window, Qt.Key.Key_BracketRight)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    until(lambda: window.desk.states["street"].name == "ended")
    assert window.desk.view("street").badges == ("Finished",)
    qtbot.keyClick(window, Qt.Key.Key_J)
    until(lambda: window.desk.states["street"].name == "playing")
    until(lambda: 13 < player.place_s < 20)
    ids = window.desk.session.latest("street").tracks.ids
    assert len(set(ids.tolist())) == len(ids)


def test_a_file_that_is_no_video_says_so_and_the_others_go_on(window, qtbot, tmp_path):
    (tmp_path / "letter.mp4").write_text("Dear Sir or Madam")
    (tmp_path / "empty.mp4").write_bytes(b"")
    window.open([str(tmp_path / "letter.mp4"), str(tmp_path / "empty.mp4"), str(demo_clip())])
    desk = window.desk
    for name in ("letter", "empty"):
        qtbot.waitUntil(lambda name=name: desk.states[name].name == "failed", timeout=PATIENCE_MS)
        view = desk.view(name)
        assert view.message
        assert "video" in view.detail
        assert desk.player(name) is None
    qtbot.waitUntil(lambda: desk.view("street").picture is not None, timeout=PATIENCE_MS)


def test_a_drawn_scene_is_let_go_while_its_street_is_being_drawn(window, qtbot):
    window.open(["test://street?size=1920x1080"])
    desk = window.desk
    qtbot.waitUntil(lambda: desk.states["street"].name == "connecting", timeout=PATIENCE_MS)
    qtbot.wait(300)
    window.end()
    desk.session.stop(20.0)  # 2 s on a machine that has nothing else to do; all of it takes a minute there
    assert desk.session.states() == {}
