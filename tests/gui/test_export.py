"""Exports: the dialog with a false run, the files with a real one, and the command in the window."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QDesktopServices
from PyQt6.sip import isdeleted

from surveil.app.export import Recording, plan_export
from surveil.app.options import ModelOptions, RunOptions
from surveil.app.table import Table
from surveil.capture.spec import parse_source
from surveil.clock import SystemClock
from surveil.detect.card import Thresholds
from surveil.errors import OutputError, SourceCause, SourceError, UsageError
from surveil.gui.dialogs.export import ExportDialog, Subject, subject_of
from surveil.gui.exporting import Export, Order
from surveil.gui.tasks import Tasks
from surveil.pipeline.session import CameraConfig
from surveil.render.style import OverlayStyle
from surveil.resources import demo_clip
from tests.support.clips import write_clip
from tests.support.onnx_models import colour_model

from .filed import workspace_of

LEFT = Qt.MouseButton.LeftButton
ALL = ("video", "jsonl", "mot")


class FakeRun:
    """Ten frames; waits before each until it is let go, and writes its files as it begins."""

    def __init__(self, output, stop) -> None:
        self.output, self.stop = output, stop
        self.playing = SimpleNamespace(frame_count=10)
        self.go = threading.Semaphore(0)
        self.error: Exception | None = None

    def results(self):
        self.files = tuple(path for path in (self.output.out, self.output.jsonl, self.output.mot) if path)
        for path in self.files:
            path.write_text("half")
        for number in range(10):
            while not self.go.acquire(timeout=0.02):
                if self.stop.is_set():
                    return
            if self.error is not None:
                raise self.error
            yield number
        for path in self.files:
            path.write_text("whole")

    def summary(self):
        return SimpleNamespace(files=self.files, wall_s=1.0)


@pytest.fixture
def runs():
    return []


@pytest.fixture
def begin(runs):
    def plan(output, stop):
        runs.append(FakeRun(output, stop))
        return runs[-1]

    return lambda order: Export(order, plan)


@pytest.fixture
def tasks(qtbot):
    made = Tasks(SystemClock())
    yield made
    made.stop(5.0)


@pytest.fixture
def dialog(tasks, begin, qtbot, tmp_path):
    subject = Subject(title="A <b>x</b>", name="a", folder=tmp_path / "out", source=tmp_path / "a.mp4")
    dialog = ExportDialog(subject, begin, tasks)
    dialog.show()
    yield dialog
    if not isdeleted(dialog):
        dialog.cancel.click()


def tick(dialog, kind, qtbot):
    box = dialog.kinds[kind]
    qtbot.mouseClick(box, LEFT, pos=QPoint(8, box.height() // 2))


def started(dialog, runs, qtbot):
    count = len(runs)
    qtbot.mouseClick(dialog.start, LEFT)
    qtbot.waitUntil(lambda: len(runs) > count and hasattr(runs[-1], "files"))
    return runs[-1]


def left_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else None


# ---- the dialog


def test_it_shows_its_progress_and_its_files(dialog, runs, qtbot, tmp_path, monkeypatch):
    tick(dialog, "mot", qtbot)
    run = started(dialog, runs, qtbot)
    assert not dialog.folder.isEnabled()
    for _ in range(5):
        run.go.release()
    qtbot.waitUntil(lambda: dialog.progress.value() == 500)
    assert "50%" in dialog.words.text()
    for _ in range(5):
        run.go.release()
    qtbot.waitUntil(lambda: dialog.words.text().startswith("Finished"))
    folder = tmp_path / "out"
    assert left_in(folder) == ["a.mot.txt", "a.mp4"]
    assert (folder / "a.mp4").read_text() == "whole"
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    qtbot.mouseClick(dialog.start, LEFT)  # Show files
    assert opened == [str(folder)]
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_cancel_leaves_nothing_half(dialog, runs, tasks, qtbot, tmp_path):
    run = started(dialog, runs, qtbot)
    assert left_in(tmp_path / "out") != []
    qtbot.mouseClick(dialog.cancel, LEFT)
    assert run.stop.is_set()
    qtbot.waitUntil(lambda: tasks.waiting == 0)
    assert left_in(tmp_path / "out") is None


def test_a_key_that_was_pressed_by_mistake_ends_nothing(dialog, runs, qtbot):
    run = started(dialog, runs, qtbot)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert "still being exported" in dialog.words.text()
    assert not run.stop.is_set()
    run.go.release()
    qtbot.wait(300)
    assert "still being exported" in dialog.words.text()
    dialog.close()
    assert run.stop.is_set()


def test_one_that_fails_says_why_and_can_be_tried_again(dialog, runs, qtbot, tmp_path):
    run = started(dialog, runs, qtbot)
    run.error = OutputError("cannot write: the disk is full: make room")
    run.go.release()
    qtbot.waitUntil(lambda: "the disk is full" in dialog.words.text())
    assert left_in(tmp_path / "out") is None
    again = started(dialog, runs, qtbot)
    for _ in range(10):
        again.go.release()
    qtbot.waitUntil(lambda: dialog.words.text().startswith("Finished"))


def test_what_is_there_already_is_named_and_stays_until_the_new_one_is_whole(dialog, runs, qtbot, tmp_path):
    before = tmp_path / "out" / "a.mp4"
    before.parent.mkdir()
    before.write_text("before")
    tick(dialog, "mot", qtbot)
    assert dialog.words.text().startswith("a.mp4: there already")
    run = started(dialog, runs, qtbot)
    assert before.read_text() == "before"
    run.error = OutputError("cannot write")
    run.go.release()
    qtbot.waitUntil(lambda: dialog.start.isEnabled())
    assert left_in(before.parent) == ["a.mp4"]
    assert before.read_text() == "before"


def test_nothing_and_nowhere_cannot_be_started(dialog, qtbot):
    tick(dialog, "video", qtbot)
    assert not dialog.start.isEnabled()
    tick(dialog, "jsonl", qtbot)
    assert dialog.start.isEnabled()
    dialog.folder.clear()
    qtbot.keyClicks(dialog.folder, "  ")
    assert not dialog.start.isEnabled()
    qtbot.keyClicks(dialog.folder, "~nobody-of-that-name/" + "x" * 300)
    assert dialog.start.isEnabled()


def test_a_folder_that_cannot_be_is_said(dialog, qtbot, tmp_path):
    (tmp_path / "file").write_text("")
    dialog.folder.clear()
    qtbot.keyClicks(dialog.folder, str(tmp_path / "file" / "x"))
    qtbot.mouseClick(dialog.start, LEFT)
    qtbot.waitUntil(lambda: "not a folder" in dialog.words.text())
    assert dialog.start.isEnabled()


# ---- the files


@pytest.fixture(scope="module")
def square(tmp_path_factory):
    """A clip and the export of it, with a model of its own."""
    folder = tmp_path_factory.mktemp("square")
    clip = write_clip(folder / "square.mp4", frames=40)
    cuts = Thresholds(low=0.4, high=0.45, birth=0.5, display=0.45)
    model = str(colour_model(folder, thresholds=cuts))
    options = RunOptions(model=ModelOptions(model=model, device="cpu"))
    brain = Table(options, SystemClock()).open_brain(None)
    camera = CameraConfig(id="square", source=parse_source(str(clip)))
    recording = Recording(camera=camera, brain=brain, options=options, style=OverlayStyle())
    yield SimpleNamespace(clip=clip, plan=partial(plan_export, recording))
    brain.detector.close()


def test_all_three_kinds(square, tmp_path):
    export = Export(Order(folder=tmp_path / "out", name="s", kinds=ALL), square.plan)
    files = export.work(threading.Event())
    assert left_in(tmp_path / "out") == ["s.mot.txt", "s.mp4", "s.tracks.jsonl"]
    assert sorted(path.name for path in files) == left_in(tmp_path / "out")
    assert min(path.stat().st_size for path in files) > 100
    assert (export.frames, export.progress) == (40, 1.0)
    assert export.rate_hz > 0


def test_a_stop_in_the_middle_leaves_what_was_there_before(square, tmp_path):
    old = tmp_path / "s.mp4"
    old.write_text("before")
    stop = threading.Event()

    class Impatient(Export):
        @property
        def frames(self):
            return self._frames

        @frames.setter
        def frames(self, count):
            self._frames = count
            if count == 3:
                stop.set()

    assert Impatient(Order(folder=tmp_path, name="s", kinds=ALL), square.plan).work(stop) == ()
    assert left_in(tmp_path) == ["s.mp4"]
    assert old.read_text() == "before"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("kinds", [("video",), ("mot",), ("jsonl",)])
def test_a_full_disk_is_said_and_leaves_nothing(square, tmp_path, monkeypatch, kinds):
    from surveil.store import lines, video

    full, sink, opened = Path("/dev/full"), video._Sink.__init__, lines.LineFile._opened
    monkeypatch.setattr(video._Sink, "__init__", lambda self, path: sink(self, full))
    monkeypatch.setattr(lines.LineFile, "_opened", lambda self, path: opened(self, full))
    export = Export(Order(folder=tmp_path / "out", name="s", kinds=kinds), square.plan)
    with pytest.raises(OutputError, match=r"cannot write .*/out: the disk is full: make room") as said:
        export.work(threading.Event())
    assert ".part" not in str(said.value)
    assert left_in(tmp_path / "out") is None


def test_an_export_never_takes_the_recordings_own_place(square):
    order = Order(folder=square.clip.parent, name="square", kinds=("video",), source=square.clip)
    with pytest.raises(UsageError, match="would overwrite the input"):
        Export(order, square.plan).work(threading.Event())


# ---- the command


FILE = """\
version: 1
cameras:
  - {{id: yard, name: "Yard & Hof 🚪", inputs: [{clip}]}}
  - {{id: gate, inputs: [rtsp://10.0.0.1/1]}}
"""


@pytest.fixture
def window(new_window, session, square, tmp_path, qtbot):
    workspace = workspace_of(tmp_path / "surveil.yaml", FILE.format(clip=square.clip), session)
    window = new_window(workspace)
    qtbot.waitUntil(lambda: {"yard", "gate"} <= session.state.keys())
    return window


def test_a_recording_of_the_file_is_exported_as_its_camera_is_watched(window, square, qtbot):
    window.desk.board.select("yard")
    qtbot.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    (dialog,) = window.doing.exports
    assert dialog.windowTitle() == "Export Yard & Hof 🚪"
    assert dialog.folder.text() == str(square.clip.parent / "surveil-out")
    assert dialog.order().name == "yard"
    assert dialog.order().source == square.clip
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert window.doing.exports == []


def test_where_files_go_if_nobody_says_otherwise(square, tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_videos_path", lambda: tmp_path / "Videos")

    def folder(text):
        return subject_of(CameraConfig(id="a", source=parse_source(text)), "A").folder

    assert folder(str(square.clip)) == square.clip.parent / "surveil-out"
    for text in (str(demo_clip()), "test://street"):
        assert folder(text) == tmp_path / "Videos" / "surveil-out"
    monkeypatch.setattr("os.access", lambda *_: False)
    assert folder(str(square.clip)) == tmp_path / "Videos" / "surveil-out"


def test_its_camera_may_be_removed_meanwhile(window, square, qtbot, monkeypatch):
    window.desk.board.select("yard")
    window.actions_.by_name["export"].trigger()
    (dialog,) = window.doing.exports
    window.filing.remove("yard")
    qtbot.waitUntil(lambda: window.desk.board.ids == ("gate",))
    planned = []

    def plan(recording, output, stop):
        planned.append(recording.camera)
        raise SourceError("it is gone", SourceCause.NOT_FOUND)

    monkeypatch.setattr("surveil.gui.doing.plan_export", plan)
    qtbot.mouseClick(dialog.start, LEFT)
    qtbot.waitUntil(lambda: "it is gone" in dialog.words.text())
    assert planned[0].source.text == str(square.clip)


def test_a_live_camera_says_why_it_cannot_be_exported(window, qtbot):
    window.desk.board.select("gate")
    window.actions_.by_name["export"].trigger()
    assert window.doing.exports == []
    said = [toast.text.text() for toast in window.toasts.shown]
    assert "gate is live: only recordings can be exported." in said


def test_a_running_export_is_asked_about_at_the_end(window, begin, runs, qtbot, monkeypatch):
    from surveil.gui.dialogs.closing import ClosingDialog

    monkeypatch.setattr("surveil.gui.doing.Export", lambda order, plan: begin(order))
    window.desk.board.select("yard")
    window.actions_.by_name["export"].trigger()
    (dialog,) = window.doing.exports
    started(dialog, runs, qtbot)
    window.close()
    asked = window.findChild(ClosingDialog)
    assert not asked.keep.isVisible()
    assert window.isVisible()
    qtbot.mouseClick(asked.drop, LEFT)
    assert not window.isVisible()
