"""Make the pictures of the documents with the program itself, from the shipped clips and drawn scenes.

usage: QT_QPA_PLATFORM=offscreen python docs/make_pictures.py [--model NAME|FILE.onnx] [--only NAME]

Writes to docs/img: overlay.jpg (a frame of the annotated video), window.jpg (the demo), wall.jpg (four
cameras, one of them in trouble), zones.jpg (the editor of zones), models.jpg (the model manager), camera.jpg
(a camera that refuses). Nothing of the user's is read or changed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from surveil.app import GuiOptions, ModelOptions, configure_cameras
from surveil.clock import SystemClock
from surveil.redact import Redactor

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from surveil.gui.window import MainWindow

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "img"
CLIPS = ROOT / "assets" / "clips"
FRAME = 120
LARGEST_BYTES = 150_000
PATIENCE_S = 90.0
CAMERAS = f"""\
version: 1
cameras:
  - id: street
    name: Main street
    inputs: [{CLIPS / "street.mp4"}]
    zones:
      - name: Crossing
        points: [[0.13, 0.49], [0.35, 0.49], [0.30, 0.71], [0.01, 0.71]]
        classes: [person]
    lines:
      - name: Kerb
        points: [[0.45, 0.48], [0.84, 0.48]]
    masks:
      privacy: [[[0.80, 0.06], [0.97, 0.06], [0.97, 0.26], [0.80, 0.26]]]
  - id: mast
    name: On the mast
    inputs: [{CLIPS / "street-shake.mp4"}]
  - id: corner
    name: Corner
    inputs: ["test://street?size=640x360&fps=10&seed=11"]
  - id: door
    name: Back door
    inputs: ["rtsp://127.0.0.1:9/stream1"]
display:
  trail_s: 2.0
"""


def surveil(*words: str) -> None:
    """Run the command line as a user would."""
    subprocess.run([sys.executable, "-m", "surveil", *words], cwd=ROOT, check=True)


def overlay(target: Path, model: list[str]) -> None:
    """A frame of the annotated video."""
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "street.mp4"
        surveil("run", str(CLIPS / "street.mp4"), "--out", str(video), *model)
        capture = cv2.VideoCapture(str(video))
        capture.set(cv2.CAP_PROP_POS_FRAMES, FRAME)
        found, image = capture.read()
        capture.release()
    if not found or not cv2.imwrite(str(target), image):
        sys.exit(f"no frame {FRAME} in the annotated video, or {target} cannot be written")


# ---- the desktop


class Stage:
    """A desktop upon a file of its own, for one picture after the other."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self._clock = SystemClock()

    def wait(self, seconds: float) -> None:
        """Let it work for so long."""
        end_s = self._clock.monotonic() + seconds
        self.until(lambda: self._clock.monotonic() >= end_s)

    def until(self, true: Callable[[], object]) -> None:
        """Let it work until something is true; end the script where it never is."""
        from PyQt6.QtCore import QEvent
        from PyQt6.QtWidgets import QApplication

        end_s = self._clock.monotonic() + PATIENCE_S
        while not true():
            QApplication.processEvents()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # as a loop of its own would
            if self._clock.monotonic() > end_s:
                sys.exit(f"the desktop did not come so far within {PATIENCE_S:g} s")

    def followed(self, camera: str, least: int) -> bool:
        """Whether so many objects of a camera are followed, and their picture is there."""
        desk = self.window.desk
        result = desk.session.latest(camera) if camera in desk.states else None
        return result is not None and len(result.tracks) >= least

    def dress(self, theme: str) -> None:
        """Use another theme."""
        self.window.memory.note(theme=theme)
        self.window.dress()

    def save(self, widget: QWidget, name: str) -> None:
        """Write docs/img/NAME as it is seen now, small enough for a page."""
        picture, target = widget.grab(), IMAGES / name
        for quality in range(92, 40, -6):
            if not picture.save(str(target), "JPG", quality):
                sys.exit(f"{target} cannot be written")
            if target.stat().st_size <= LARGEST_BYTES:
                return
        sys.exit(f"{target}: more than {LARGEST_BYTES} bytes at any quality")


@contextmanager
def stage(options: GuiOptions) -> Iterator[Stage]:
    """A desktop that is open for that long."""
    from surveil.app.desktop import open_desktop
    from surveil.gui.desk import Desk
    from surveil.gui.memory import Memory
    from surveil.gui.observer import Observer
    from surveil.gui.tasks import Tasks
    from surveil.gui.window import MainWindow, Parts

    clock, redactor = SystemClock(), Redactor()
    desktop = open_desktop(options, kept=options.config is not None, clock=clock, redactor=redactor)
    tasks, observer = Tasks(clock), Observer(desktop.session, clock)
    configure = partial(configure_cameras, options=options)
    window = MainWindow(
        Parts(
            desk=Desk(desktop.session, configure, clock, desktop.style, observer.states),
            workspace=desktop.workspace,
            tasks=tasks,
            memory=Memory(None),
            clock=clock,
            run_options=desktop.run_options,
            hide=redactor,
        )
    )
    window.resize(1280, 800)
    window.show()
    window.start()
    try:
        yield Stage(window)
    finally:
        window.end()
        for stop in (tasks.stop, observer.stop, desktop.session.stop):
            stop(10.0)


def demo(model: ModelOptions) -> None:
    """The shipped clip as the start page's first door shows it."""
    with stage(GuiOptions(model=model)) as desktop:
        desktop.window.doing.run("demo")
        desktop.until(lambda: desktop.followed("street", 1))
        desk = desktop.window.desk
        desktop.until(lambda: (player := desk.player("street")) and player.place_s > FRAME / 12)
        desktop.save(desktop.window, "window.jpg")


def wall(desktop: Stage) -> None:
    """Four cameras, boxes on three of them, and why there is no picture of the fourth."""
    window = desktop.window
    window.show_panel("cameras")
    window.doing.run("layout:2x2")
    for name in ("street", "mast", "corner"):
        desktop.until(lambda name=name: desktop.followed(name, 2))
    desktop.until(lambda: "door" in window.desk.states and window.desk.states["door"].cause)
    desktop.wait(4.0)
    desktop.save(window, "wall.jpg")


def zones(desktop: Stage) -> None:
    """A second zone while it is drawn."""
    from PyQt6.QtCore import Qt
    from PyQt6.QtTest import QTest

    window = desktop.window
    window.panels["cameras"].parentWidget().hide()
    window.desk.board.select("street")
    window.doing.run("edit_zones")
    editing = window.doing.tools.zones
    assert editing is not None
    desktop.until(lambda: editing.overlay is not None and editing.overlay.width() > 500)
    desktop.wait(1.0)  # the tools beside the picture take their room
    QTest.mouseClick(editing.dock.tools["zone"], Qt.MouseButton.LeftButton)
    for place in ((0.58, 0.55), (0.92, 0.55), (0.98, 0.71), (0.54, 0.71)):
        at = editing.overlay.place(place).toPoint()
        QTest.mouseMove(editing.overlay, at)
        QTest.mouseClick(editing.overlay, Qt.MouseButton.LeftButton, pos=at)
    QTest.keyClick(editing.overlay, Qt.Key.Key_Return)
    editing.dock.properties.name.selectAll()
    QTest.keyClicks(editing.dock.properties.name, "Parking")
    desktop.wait(1.0)
    desktop.until(lambda: desktop.followed("street", 3))
    desktop.save(window, "zones.jpg")
    QTest.mouseClick(editing.dock.discard, Qt.MouseButton.LeftButton)


def models(desktop: Stage) -> None:
    """The cards, one of them measured, and what the thresholds let pass."""
    from PyQt6.QtCore import Qt
    from PyQt6.QtTest import QTest

    desktop.dress("light")
    desktop.window.doing.run("models")
    dialog = desktop.window.doing.tools.models
    assert dialog is not None
    desktop.until(lambda: dialog.cards)
    first = next(iter(dialog.cards))
    QTest.mouseClick(dialog.cards[first].measure, Qt.MouseButton.LeftButton)
    desktop.until(lambda: " a second" in dialog.cards[first].speed.text())
    desktop.wait(2.0)
    desktop.save(dialog, "models.jpg")
    dialog.close()


def camera(desktop: Stage) -> None:
    """A camera that cannot be reached says why, and what can be done."""
    from PyQt6.QtCore import Qt
    from PyQt6.QtTest import QTest

    from surveil.gui.dialogs.camera import CameraDialog

    desktop.dress("light")
    desktop.window.doing.run("add")
    dialog = desktop.window.findChild(CameraDialog)
    for field, text in (
        (dialog.name, "Front door"),
        (dialog.url, "rtsp://127.0.0.1:9/stream1"),
        (dialog.username, "viewer"),
    ):
        QTest.keyClicks(field, text)
    QTest.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
    desktop.until(lambda: dialog.verdict.property("role") == "alarm")
    desktop.save(dialog, "camera.jpg")
    dialog.reject()


SCENES: dict[str, Callable[[Stage], None]] = {
    "wall": wall,
    "zones": zones,
    "models": models,
    "camera": camera,
}


def main() -> None:
    """Command line."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--model", help="a model other than the default")
    parser.add_argument("--only", choices=["overlay", "window", *SCENES], help="one picture alone")
    asked = parser.parse_args()
    model = ModelOptions(model=asked.model)
    IMAGES.mkdir(exist_ok=True)
    if asked.only in (None, "overlay"):
        overlay(IMAGES / "overlay.jpg", ["--model", asked.model] if asked.model else [])
    if asked.only == "overlay":
        return
    from surveil.gui.environment import prepare_environment

    prepare_environment()
    from PyQt6.QtWidgets import QApplication

    with tempfile.TemporaryDirectory() as folder:
        for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            os.environ[variable] = folder
        app = QApplication(sys.argv[:1])
        if asked.only in (None, "window"):
            demo(model)
        if asked.only != "window":
            file = Path(folder) / "surveil.yaml"
            file.write_text(CAMERAS, encoding="utf-8")
            file.chmod(0o600)
            with stage(GuiOptions(model=model, config=file)) as desktop:
                for name, make in SCENES.items():
                    if asked.only in (None, name):
                        make(desktop)
        del app


if __name__ == "__main__":
    main()
