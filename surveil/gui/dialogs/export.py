"""Export a recording: what, where to, and how far it is; Cancel ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable
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

from surveil.app.options import RunOptions
from surveil.gui.exporting import ENDINGS, Export, Kind, Order
from surveil.gui.tasks import Tasks
from surveil.gui.text import shortened, tr
from surveil.redact import redact

LOOK_MS = 200


class ExportDialog(QDialog):
    """One export of one recording."""

    def __init__(
        self, source: str, options: Callable[[], RunOptions], tasks: Tasks, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._source, self._options, self._tasks = source, options, tasks
        self._export: Export | None = None
        self._stop: threading.Event | None = None
        self._files: tuple[Path, ...] = ()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Export {name}", name=shortened(Path(redact(source)).name)))
        self.setMinimumWidth(520)
        self._build()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self.finished.connect(lambda _result: self._cancel())

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
        beside = Path(self._source).resolve().parent if Path(self._source).is_file() else Path.cwd()
        self.folder = QLineEdit(str(beside / "surveil-out"))
        self.folder.setAccessibleName(tr("Folder"))
        choose = QPushButton(tr("Folder…"))
        choose.clicked.connect(self._choose)
        row.addWidget(self.folder, 1)
        row.addWidget(choose)
        column.addLayout(row)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.hide()
        self.words = QLabel(tr("Every frame is detected and tracked again, as “surveil run” does."))
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setProperty("role", "faint")
        column.addWidget(self.progress)
        column.addWidget(self.words)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        self.cancel, self.start = QPushButton(tr("Cancel")), QPushButton(tr("Export"))
        self.start.setDefault(True)
        self.cancel.clicked.connect(self.reject)
        self.start.clicked.connect(self._begin)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.start)
        column.addLayout(buttons)

    def order(self) -> Order:
        """What the fields say."""
        kinds = tuple(kind for kind, box in self.kinds.items() if box.isChecked())
        folder = Path(self.folder.text()).expanduser()
        return Order(
            source=self._source, folder=folder, name=Path(self._source).stem or "export", kinds=kinds
        )

    def _enable(self) -> None:
        self.start.setEnabled(any(box.isChecked() for box in self.kinds.values()))

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder"), self.folder.text())
        if folder:
            self.folder.setText(folder)

    # ---- its way

    def _begin(self) -> None:
        if self._files:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._files[0].parent)))
            return
        self._export = Export(self.order(), self._options())
        for part in (*self.kinds.values(), self.folder, self.start):
            part.setEnabled(False)
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
        if export.frames:
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
        for part in (*self.kinds.values(), self.folder, self.start):
            part.setEnabled(True)

    def _cancel(self) -> None:
        self._timer.stop()
        if self._stop is not None:
            self._stop.set()  # what is written so far stays and is whole, as with Ctrl-C

    def _say(self, text: str, role: str) -> None:
        self.words.setText(text)
        self.words.setProperty("role", role)
        style = self.words.style()
        if style is not None:
            style.polish(self.words)
