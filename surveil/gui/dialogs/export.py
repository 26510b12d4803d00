"""Export a recording: what, where to, and how far it is; Cancel ends it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import Qt, QTimer, QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from surveil.capture.spec import safe_name
from surveil.gui.exporting import ENDINGS, Export, Kind, Order
from surveil.gui.tasks import Tasks
from surveil.gui.text import shortened, tr
from surveil.pipeline.session import CameraConfig
from surveil.redact import redact
from surveil.resources import demo_clip

LOOK_MS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """The recording.

    Attributes:
        title: what people call it.
        name: of its files, without ending.
        folder: where they go, if nobody says otherwise.
        source: its own file; None: it has none.
    """

    title: str
    name: str
    folder: Path
    source: Path | None = None


def subject_of(camera: CameraConfig, title: str) -> Subject:
    """A recording of a session; its files go beside it, or to the user's videos where that is no place."""
    from platformdirs import user_videos_path

    source = Path(camera.source.text).resolve() if camera.source.kind == "file" else None
    beside = user_videos_path()
    if source is not None and source.parent != demo_clip().parent and os.access(source.parent, os.W_OK):
        beside = source.parent
    return Subject(title=title, name=safe_name(camera.id), folder=beside / "surveil-out", source=source)


class ExportDialog(QDialog):
    """One export of one recording."""

    def __init__(
        self, subject: Subject, begin: Callable[[Order], Export], tasks: Tasks, parent: QWidget | None = None
    ) -> None:
        """`begin`: makes an export of an order; called when it is given."""
        super().__init__(parent)
        self._subject, self._make, self._tasks = subject, begin, tasks
        self._export: Export | None = None
        self._stop: threading.Event | None = None
        self._files: tuple[Path, ...] = ()
        self._warned = False
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Export {name}", name=shortened(subject.title)))
        self.setMinimumWidth(520)
        self._build()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self.finished.connect(lambda _result: self._end())
        self._enable()

    @property
    def running(self) -> bool:
        """Whether something is being exported."""
        return self._stop is not None

    @property
    def title(self) -> str:
        """Of the recording."""
        return shortened(self._subject.title)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(12)
        titles: dict[Kind, str] = {
            "video": tr("Annotated video (.mp4)"),
            "jsonl": tr("Tracks as JSON Lines (.tracks.jsonl)"),
            "mot": tr("Tracks as MOT text (.mot.txt)"),
        }
        self.kinds: dict[Kind, QCheckBox] = {}
        for kind in ENDINGS:
            box = self.kinds[kind] = QCheckBox(titles[kind])
            box.setChecked(kind == "video")
            box.toggled.connect(lambda _on: self._enable())
            column.addWidget(box)
        row = QHBoxLayout()
        self.folder = QLineEdit(str(self._subject.folder))
        self.folder.setAccessibleName(tr("Folder"))
        self.folder.textChanged.connect(lambda _text: self._enable())
        self.choose = QPushButton(tr("Folder…"))
        self.choose.clicked.connect(self._choose)
        row.addWidget(self.folder, 1)
        row.addWidget(self.choose)
        column.addLayout(row)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.hide()
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setProperty("role", "faint")
        column.addWidget(self.progress)
        column.addWidget(self.words)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        self.cancel, self.start = QPushButton(tr("Cancel")), QPushButton(tr("Export"))
        self.start.setDefault(True)
        self.cancel.setAutoDefault(False)  # Enter must not cancel while the other one is disabled
        self.cancel.clicked.connect(self._cancel)
        self.start.clicked.connect(self._begin)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.start)
        column.addLayout(buttons)

    def order(self) -> Order:
        """What the fields say."""
        return Order(
            folder=_expanded(self.folder.text()),
            name=self._subject.name,
            kinds=tuple(kind for kind, box in self.kinds.items() if box.isChecked()),
            source=self._subject.source,
        )

    def _enable(self) -> None:
        order = self.order()
        self.start.setEnabled(bool(order.kinds) and bool(self.folder.text().strip()))
        replaced = [path.name for path in order.replaced()]
        if replaced:
            words = tr(
                "{names}: there already; replaced when the new one is whole.", names=", ".join(replaced)
            )
            self._say(words, "alarm")
        else:
            self._say(tr("Every frame is detected and tracked again, and drawn as in the window."), "faint")

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder"), self.folder.text())
        if folder:
            self.folder.setText(folder)

    # ---- its way

    def _begin(self) -> None:
        if self._files:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._files[0].parent)))
            return
        self._export = self._make(self.order())
        self._warned = False
        self._open_fields(on=False)
        self.progress.setRange(0, 0)
        self.progress.show()
        self._say(tr("Starting…"), "faint")
        self._timer.start(LOOK_MS)
        self._stop = self._tasks.aside("export", self._export.work, self._done, self._failed)

    def _look(self) -> None:
        export = self._export
        if export is None:
            return
        done = export.progress
        if done is not None:
            self.progress.setRange(0, 1000)
            self.progress.setValue(round(done * 1000))
        if export.frames and not self._warned:
            words = tr("{frames} frames, {rate:.0f} a second", frames=export.frames, rate=export.rate_hz)
            self._say(words if done is None else f"{done:.0%}  ·  {words}", "faint")

    def _done(self, files: tuple[Path, ...]) -> None:
        if self._stop is None or self._stop.is_set():
            return
        self._timer.stop()
        self._stop, self._files = None, files
        self.progress.setRange(0, 1)
        self.progress.setValue(1)
        self._say("\n".join([tr("Finished:"), *map(str, files)]), "good")
        self.start.setText(tr("Show files"))
        self.start.setEnabled(True)
        self.cancel.setText(tr("Close"))

    def _failed(self, error: Exception) -> None:
        if self._stop is None or self._stop.is_set():
            return
        self._timer.stop()
        self._stop = None
        self.progress.hide()
        self._say(redact(str(error)), "alarm")
        self._open_fields(on=True)

    def _open_fields(self, *, on: bool) -> None:
        for part in (*self.kinds.values(), self.folder, self.choose, self.start):
            part.setEnabled(on)

    def reject(self) -> None:
        """See Qt: a key that was pressed by mistake ends no export of an hour."""
        if self.running and not self._warned:
            self._warned = True
            self._say(tr("It is still being exported. Close once more, or Cancel, to keep nothing."), "alarm")
            return
        super().reject()

    def _cancel(self) -> None:
        self._warned = True
        self.reject()

    def _end(self) -> None:
        self._timer.stop()
        if self._stop is not None:
            self._stop.set()  # nothing of it is kept, see `Export.work`
            self._stop = None

    def _say(self, text: str, role: str) -> None:
        self.words.setText(text)
        self.words.setProperty("role", role)
        style = self.words.style()
        if style is not None:
            style.polish(self.words)


def _expanded(text: str) -> Path:
    """A folder as somebody typed it."""
    path = Path(text.strip())
    try:
        return path.expanduser()
    except RuntimeError:  # ~NAME, of nobody
        return path
