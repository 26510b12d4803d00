"""Cameras of the file: panel, dialog with its probe, changes by hand."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import pytest
from PyQt6.QtCore import Qt

from surveil.app.applied import Applied
from surveil.app.configured import model_of
from surveil.app.probe import Found
from surveil.app.workspace import Workspace
from surveil.config.load import parse_config
from surveil.errors import SourceCause, SourceError, UsageError
from surveil.gui.dialogs.camera import CameraDialog
from surveil.redact import Redactor

from .fakes import result

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch):
    def refuse(name: str, secret: str) -> str:
        raise UsageError("this machine has no keyring")

    monkeypatch.setattr("surveil.gui.filing.write_keyring", refuse)


@pytest.fixture
def workspace(tmp_path, session):
    path = tmp_path / "surveil.yaml"
    loaded = parse_config(b"", path)
    table = SimpleNamespace(model=model_of(loaded), labels=frozenset({"person"}))
    return Workspace(path, loaded, Applied(session, table, os.environ, Redactor()))


@pytest.fixture
def window(new_window, workspace, qtbot):
    window = new_window(workspace)
    window.findChild(type(window.centralWidget()))
    panel = window.panels["cameras"]
    panel.parentWidget().show()
    qtbot.waitUntil(panel.isVisible)
    return window


def kept(window, qtbot, *names):
    """The window with these cameras in its file."""
    text = "\n".join(f"  - {{id: {name}, inputs: [rtsp://10.0.0.7/{name}]}}" for name in names)
    path = window.parts.workspace.path
    path.write_text(f"version: 1\ncameras:\n{text}\n")
    path.chmod(0o600)
    qtbot.waitUntil(lambda: window.desk.board.ids == names, timeout=10_000)
    window.refresh()
    return window.panels["cameras"]


def texts(window):
    return [toast.text.text() for toast in window.toasts.shown]


def dialog_of(window):
    return window.findChild(CameraDialog)


def fill(qtbot, dialog, **fields):
    for name, text in fields.items():
        field = getattr(dialog, name)
        field.clear()
        qtbot.keyClicks(field, text)


# ---- add


def test_a_camera_is_added_by_hand_and_comes_back(window, session, qtbot):
    qtbot.mouseClick(window.start_page.doors["add"], LEFT)
    dialog = dialog_of(window)
    fill(qtbot, dialog, name="Front door", url="rtsp://admin:pa55word@10.0.0.7/s1")
    qtbot.mouseClick(dialog.save, LEFT)
    qtbot.waitUntil(lambda: window.desk.board.ids == ("Front-door",))
    assert window.desk.entries[0].title == "Front door"
    assert session.configs["Front-door"].source.text == "rtsp://admin:pa55word@10.0.0.7/s1"
    text = window.parts.workspace.path.read_text()
    assert "rtsp://10.0.0.7/s1" in text
    assert window.centralWidget().currentIndex() == 1
    assert not any("pa55word" in said for said in texts(window))


def test_what_is_wrong_is_said_in_the_dialog_and_it_stays_open(window, session, qtbot):
    qtbot.mouseClick(window.start_page.doors["add"], LEFT)
    dialog = dialog_of(window)
    qtbot.mouseClick(dialog.save, LEFT)
    assert dialog.verdict.text() == "The address is missing."
    fill(qtbot, dialog, url="ftp://10.0.0.7/x")
    qtbot.mouseClick(dialog.save, LEFT)
    assert "not allowed" in dialog.verdict.text()
    assert dialog.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert session.named("add") == []


# ---- probe


@pytest.fixture
def probes(monkeypatch):
    """What the next probe gives; `held` keeps it until it is cancelled."""
    answers = SimpleNamespace(give=None, held=False, stopped=threading.Event(), asked=[])

    def probe(spec, *, clock, stop, camera):
        answers.asked.append((spec.text, camera.rtsp_transport))
        if answers.held:
            stop.wait(10)
            answers.stopped.set()
            return None
        if isinstance(answers.give, Exception):
            raise answers.give
        return answers.give

    monkeypatch.setattr("surveil.gui.probing.probe", probe)
    return answers


def test_the_probe_says_what_it_found(window, qtbot, probes):
    frame = result().frame
    probes.give = Found(size=(1280, 720), rate_hz=24.9, decoder="h264 (software)", first_s=0.31, frame=frame)
    qtbot.mouseClick(window.start_page.doors["add"], LEFT)
    dialog = dialog_of(window)
    fill(qtbot, dialog, url="rtsp://10.0.0.7/s1", username="me", password="secret")
    qtbot.mouseClick(dialog.test, LEFT)
    qtbot.waitUntil(lambda: "It works" in dialog.verdict.text())
    assert "1280 × 720, 25 pictures a second, h264 (software)" in dialog.verdict.text()
    assert dialog.thumbnail.isVisible()
    assert probes.asked == [("rtsp://me:secret@10.0.0.7/s1", "tcp")]


def test_the_probe_says_why_not_and_what_to_do(window, qtbot, probes):
    message = "rtsp://10.0.0.7/s1: nothing listens"
    probes.give = SourceError(message, SourceCause.REFUSED, "Check the port.")
    qtbot.mouseClick(window.start_page.doors["webcam"], LEFT)  # begins by itself
    dialog = dialog_of(window)
    qtbot.waitUntil(lambda: "Check the port." in dialog.verdict.text())
    assert dialog.verdict.text().startswith("Refused. rtsp://10.0.0.7")
    assert dialog.test.text() == "Test"


def test_a_camera_that_never_answers_is_given_up(window, qtbot, probes):
    probes.held = True
    qtbot.mouseClick(window.start_page.doors["add"], LEFT)
    dialog = dialog_of(window)
    fill(qtbot, dialog, url="rtsp://10.0.0.7/s1")
    qtbot.mouseClick(dialog.test, LEFT)
    qtbot.waitUntil(lambda: len(probes.asked) == 1)
    assert dialog.test.text() == "Cancel test"
    qtbot.mouseClick(dialog.test, LEFT)
    assert dialog.verdict.text() == "The test was cancelled."
    assert probes.stopped.wait(5)
    qtbot.mouseClick(dialog.test, LEFT)
    qtbot.waitUntil(lambda: len(probes.asked) == 2)
    probes.stopped.clear()
    dialog.reject()  # closing ends it, too
    assert probes.stopped.wait(5)


# ---- panel


def test_the_panel_shows_the_files_cameras_with_their_states(window, session, qtbot):
    from surveil.gui.panels.cameras import STATE
    from surveil.pipeline.state import State

    panel = kept(window, qtbot, "door", "yard")
    session.state["yard"] = State(name="reconnecting", since_s=0, cause="refused")
    window.refresh()
    assert [panel.list.item(n).text() for n in range(2)] == ["door", "yard"]
    assert panel.list.item(1).data(STATE) == "No connection: refused"


def test_reorder_duplicate_switch_off(window, session, qtbot):
    panel = kept(window, qtbot, "a", "b")
    panel.list.setCurrentRow(1)
    qtbot.mouseClick(panel.buttons["up"], LEFT)
    qtbot.waitUntil(lambda: window.desk.board.ids == ("b", "a"))
    window.refresh()
    panel.list.setCurrentRow(0)
    qtbot.mouseClick(panel.buttons["copy"], LEFT)
    qtbot.waitUntil(lambda: window.desk.board.ids == ("b", "b-2", "a"))
    window.refresh()
    panel.list.setCurrentRow(2)
    qtbot.mouseClick(panel.buttons["enable"], LEFT)
    qtbot.waitUntil(lambda: session.configs["a"].enabled is False)


def test_a_removed_camera_can_be_taken_back(window, qtbot):
    panel = kept(window, qtbot, "a", "b")
    panel.list.setCurrentRow(0)
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: window.desk.board.ids == ("b",))
    toast = next(toast for toast in window.toasts.shown if "was removed" in toast.text.text())
    qtbot.mouseClick(toast.act, LEFT)
    qtbot.waitUntil(lambda: window.desk.board.ids == ("a", "b"))


def test_editing_changes_one_camera_and_keeps_its_id(window, session, qtbot):
    panel = kept(window, qtbot, "a", "b")
    panel.list.setCurrentRow(1)
    qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    dialog = dialog_of(window)
    assert dialog.url.text() == "rtsp://10.0.0.7/b"
    fill(qtbot, dialog, name="Back yard")
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.desk.entry("b").title == "Back yard")
    assert "name: Back yard" in window.parts.workspace.path.read_text()


def test_a_camera_removed_while_its_dialog_is_open(window, qtbot):
    panel = kept(window, qtbot, "a", "b")
    panel.list.setCurrentRow(0)
    qtbot.mouseClick(panel.buttons["edit"], LEFT)
    dialog = dialog_of(window)
    window.filing.remove("a")
    qtbot.waitUntil(lambda: "removed meanwhile" in dialog.verdict.text())
    qtbot.mouseClick(dialog.save, LEFT)  # Add again
    qtbot.waitUntil(lambda: window.desk.board.ids == ("b", "a"))


def test_the_panel_tests_a_camera(window, qtbot, probes):
    panel = kept(window, qtbot, "a")
    probes.give = SourceError("rtsp://10.0.0.7/a: silent", SourceCause.TIMEOUT, "Is it switched on?")
    panel.list.setCurrentRow(0)
    qtbot.mouseClick(panel.buttons["test"], LEFT)
    qtbot.waitUntil(lambda: any("Is it switched on?" in text for text in texts(window)))


def test_guests_stand_in_the_panel_and_can_be_closed(window, session, qtbot):
    from surveil.gui.panels.cameras import STATE

    window.open(["a.mp4"])
    panel = window.panels["cameras"]
    window.refresh()
    assert "not kept" in panel.list.item(0).data(STATE)
    panel.list.setCurrentRow(0)
    window.refresh()
    assert not panel.buttons["edit"].isEnabled()
    qtbot.mouseClick(panel.buttons["remove"], LEFT)
    assert session.named("remove") == [("remove", "a.mp4")]


# ---- the file, changed by hand


def test_nonsense_in_the_file_is_said_with_its_place_and_the_former_goes_on(window, session, qtbot):
    kept(window, qtbot, "a")
    path = window.parts.workspace.path
    path.write_text(path.read_text() + "camras: 1\n")
    qtbot.waitUntil(lambda: any("mistakes" in text for text in texts(window)), timeout=10_000)
    said = next(text for text in texts(window) if "mistakes" in text)
    assert f"{path}:4:1: camras: unknown key; did you mean 'cameras'?" in said
    assert window.desk.board.ids == ("a",)
    assert session.named("remove") == []


def test_tiles_that_change_places_change_the_file(window, qtbot):
    kept(window, qtbot, "a", "b")
    order = window.desk.exchange("a", "b")
    window.grid.exchanged.emit(order)
    path = window.parts.workspace.path
    qtbot.waitUntil(lambda: path.read_text().index("id: b") < path.read_text().index("id: a"))


def test_without_a_file_an_added_camera_is_a_guest(new_window, session, qtbot):
    window = new_window()
    window.doing.run("add")
    dialog = dialog_of(window)
    fill(qtbot, dialog, url="rtsp://10.0.0.7/s1")
    qtbot.mouseClick(dialog.save, LEFT)
    assert session.named("add") == [("add", "rtsp://10.0.0.7/s1")]


def test_many_remarks_are_one_message(window, qtbot):
    lines = "".join(
        f"  - {{id: c{n}, username: u, password: secret{n}, inputs: [rtsp://10.0.0.{n}/s]}}\n"
        for n in range(5)
    )
    window.parts.workspace.path.write_text(f"cameras:\n{lines}")
    qtbot.waitUntil(lambda: any("more)" in text for text in texts(window)), timeout=10_000)
    said = [toast for toast in window.toasts.shown if "more)" in toast.text.text()]
    assert len(said) == 1
    assert "secret" not in said[0].text.text() + said[0].detail.text()
