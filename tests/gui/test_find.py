"""Cameras of the local network, found from the dialog: real answers on the loopback, or none."""

from __future__ import annotations

import sys
from functools import partial

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDialog

from surveil.capture.onvif.discover import DiscoverConfig
from surveil.gui.dialogs.camera import CameraDialog
from surveil.gui.dialogs.find import FindDialog
from tests.support.clips import write_clip
from tests.support.onvif_camera import Crowd, OnvifCamera, match, matches
from tests.support.rtsp_camera import RtspCamera

pytest.importorskip("defusedxml", reason="comes with the extra onvif")

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def camera():
    with OnvifCamera("me", "secret") as camera:
        yield camera


@pytest.fixture
def crowd(camera, monkeypatch):
    """Who hears the call: that camera."""
    with Crowd(matches(match(camera.service, name="Front%20door"))) as crowd:
        near = partial(
            DiscoverConfig, search_s=0.3, calls_s=(0.0,), group=crowd.address, interfaces=("127.0.0.1",)
        )
        monkeypatch.setattr("surveil.capture.onvif.discover.DiscoverConfig", near)
        yield crowd


@pytest.fixture
def adding(window, qtbot):
    """The dialog in which a camera is added."""
    qtbot.mouseClick(window.start_page.doors["add"], LEFT)
    return window.findChild(CameraDialog)


@pytest.fixture
def no_test(monkeypatch):
    """The streams of these cameras are not there: that they are tested is enough."""
    tested = []
    monkeypatch.setattr(CameraDialog, "_toggle_test", lambda self: tested.append(self.draft()))
    return tested


def find(adding, qtbot) -> FindDialog:
    qtbot.mouseClick(adding.finder, LEFT)
    return adding.findChild(FindDialog)


def searched(dialog, qtbot) -> None:
    qtbot.waitUntil(lambda: dialog.again.isEnabled(), timeout=10_000)


def test_a_camera_is_found_asked_and_used(adding, crowd, no_test, qtbot):
    dialog = find(adding, qtbot)
    assert "Looking for cameras" in dialog.verdict.text()
    searched(dialog, qtbot)
    assert dialog.cameras.item(0).text() == "127.0.0.1   Front door · DX-1"
    assert "1 camera answered." in dialog.verdict.text()
    qtbot.keyClicks(dialog.username, "me")
    qtbot.keyClicks(dialog.password, "secret")
    qtbot.mouseClick(dialog.ask, LEFT)
    qtbot.waitUntil(lambda: dialog.use.isEnabled(), timeout=10_000)
    assert dialog.verdict.text() == "It has 2 streams."
    assert dialog.seen.currentText().startswith(
        "Sub stream, 640 × 360, 15 fps, H264, rtsp://127.0.0.1:8554/sub"
    )
    assert dialog.large.currentText().startswith("Main stream")
    qtbot.mouseClick(dialog.use, LEFT)
    assert adding.url.text() == "rtsp://127.0.0.1:8554/sub?a=1&b=2"
    assert adding.large.text() == "rtsp://127.0.0.1:8554/main?a=1&b=2"
    assert (adding.username.text(), adding.password.text()) == ("me", "secret")
    assert adding.name.text() == "Front door"
    assert [draft.url for draft in no_test] == [adding.url.text()]


def test_what_was_found_is_looked_at_at_once(adding, crowd, camera, tmp_path, qtbot):
    with RtspCamera(write_clip(tmp_path / "square.mp4")) as stream:
        camera.user, camera.uri = "", lambda token: stream.url
        dialog = find(adding, qtbot)
        searched(dialog, qtbot)
        qtbot.mouseClick(dialog.ask, LEFT)
        qtbot.waitUntil(lambda: dialog.use.isEnabled(), timeout=10_000)
        qtbot.mouseClick(dialog.use, LEFT)
        qtbot.waitUntil(lambda: "It works" in adding.verdict.text(), timeout=30_000)
    assert adding.url.text() == stream.url
    assert adding.large.text() == ""  # both profiles have the same address
    assert adding.thumbnail.isVisible()


def test_by_keyboard_alone(adding, crowd, no_test, qtbot):
    qtbot.keyClicks(adding.name, "Yard")
    qtbot.keyClicks(adding.username, "me")
    qtbot.keyClicks(adding.password, "secret")
    qtbot.keyClick(adding.finder, Qt.Key.Key_Space)
    dialog = adding.findChild(FindDialog)
    searched(dialog, qtbot)
    assert dialog.username.text() == "me"
    qtbot.keyClick(dialog.password, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dialog.use.isEnabled(), timeout=10_000)
    assert dialog.isVisible()
    dialog.large.setFocus()
    qtbot.keyClick(dialog.large, Qt.Key.Key_Home)  # none
    qtbot.keyClick(dialog.use, Qt.Key.Key_Space)
    assert (adding.name.text(), adding.large.text()) == ("Yard", "")


def test_a_wrong_password_is_said_and_can_be_corrected(adding, crowd, qtbot):
    dialog = find(adding, qtbot)
    searched(dialog, qtbot)
    qtbot.keyClicks(dialog.username, "me")
    qtbot.keyClicks(dialog.password, "wrong")
    qtbot.keyClick(dialog.cameras, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "refuses this user and password" in dialog.verdict.text(), timeout=10_000)
    assert dialog.verdict.text().startswith("Wrong password.")
    assert "wrong" not in dialog.verdict.text()
    assert not dialog.use.isEnabled()
    dialog.password.clear()
    qtbot.keyClicks(dialog.password, "secret")
    qtbot.mouseClick(dialog.ask, LEFT)
    qtbot.waitUntil(lambda: dialog.use.isEnabled(), timeout=10_000)


def test_a_camera_without_video_is_said(adding, crowd, camera, qtbot):
    camera.user, camera.streams = "", ()
    dialog = find(adding, qtbot)
    searched(dialog, qtbot)
    qtbot.mouseClick(dialog.ask, LEFT)
    qtbot.waitUntil(lambda: "no media profile with video" in dialog.verdict.text(), timeout=10_000)


def test_nobody_answers_and_somebody_later(adding, crowd, qtbot):
    answers, crowd.answers = crowd.answers, [b"junk"]
    dialog = find(adding, qtbot)
    searched(dialog, qtbot)
    assert "No camera answered." in dialog.verdict.text()
    assert not dialog.ask.isEnabled()
    crowd.answers = answers
    qtbot.mouseClick(dialog.again, LEFT)
    qtbot.waitUntil(lambda: dialog.cameras.count() == 1, timeout=10_000)


def test_two_hundred_cameras_and_names_that_are_none(adding, crowd, qtbot):
    names = ["%3Cb%3Ebold%3C/b%3E%3Cimg%20src%3Dx%3E", "x" * 500, "%F0%9F%9A%AA"]
    names += [f"camera-{n}" for n in range(197)]
    services = [f"http://127.0.0.1:{20_000 + n}/onvif/device_service" for n in range(200)]
    crowd.answers = [
        matches(match(service, name=name)) for service, name in zip(services, names, strict=True)
    ]
    dialog = find(adding, qtbot)
    searched(dialog, qtbot)
    assert dialog.cameras.count() == 200
    assert "200 cameras answered." in dialog.verdict.text()
    texts = [dialog.cameras.item(n).text() for n in range(200)]
    assert any("<b>bold</b><img src=x>" in text for text in texts)
    assert max(map(len, texts)) < 130
    assert dialog.verdict.textFormat() is Qt.TextFormat.PlainText
    dialog.grab()


def test_another_camera_is_not_given_the_streams_of_the_first(adding, crowd, camera, qtbot):
    camera.user = ""
    crowd.answers.append(matches(match("http://127.0.0.1:9/onvif/device_service")))
    dialog = find(adding, qtbot)
    qtbot.waitUntil(lambda: dialog.cameras.count() == 2, timeout=10_000)
    rows = [row for row in range(2) if str(camera.port) in dialog.cameras.item(row).data(0x0100).service]
    dialog.cameras.setCurrentRow(rows[0])
    qtbot.mouseClick(dialog.ask, LEFT)
    qtbot.waitUntil(lambda: dialog.use.isEnabled(), timeout=10_000)
    qtbot.keyClick(dialog.cameras, Qt.Key.Key_Up if rows[0] else Qt.Key.Key_Down)
    assert not dialog.use.isEnabled()
    assert dialog.seen.count() == 0


def test_closing_ends_what_is_under_way(adding, crowd, camera, window, qtbot):
    camera.silent.set()
    dialog = find(adding, qtbot)
    searched(dialog, qtbot)
    qtbot.mouseClick(dialog.ask, LEFT)
    assert "Asking 127.0.0.1…" in dialog.verdict.text()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.result() == QDialog.DialogCode.Rejected
    qtbot.waitUntil(lambda: window.parts.tasks.waiting == 0, timeout=5_000)
    assert adding.isVisible()


def test_without_the_extra_the_dialog_says_how_to_get_it(adding, monkeypatch, qtbot):
    for name in ("defusedxml", "defusedxml.ElementTree"):
        monkeypatch.setitem(sys.modules, name, None)
    dialog = find(adding, qtbot)
    qtbot.waitUntil(lambda: "pip install 'surveil[onvif]'" in dialog.verdict.text(), timeout=10_000)
