"""The first page: the doors to a picture, each with a word of what it does."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QIcon
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from surveil.gui.icons import app_icon
from surveil.gui.text import tr


def doors() -> tuple[tuple[str, str, str, str], ...]:
    """(name of the command, icon, heading, description)."""
    return (
        (
            "demo",
            "demo",
            tr("Try the demo"),
            tr("A drawn street with people and cars. Nothing to set up."),
        ),
        (
            "open",
            "open",
            tr("Open a video file"),
            tr("Detect and track in a recording; or drop one on this window."),
        ),
        ("webcam", "webcam", tr("Connect a webcam"), tr("A USB camera of this computer.")),
        (
            "add",
            "network",
            tr("Add a network camera"),
            tr("An address such as rtsp://192.168.1.20/stream1"),
        ),
    )


class Door(QPushButton):
    """One large button of two lines."""

    def __init__(self, heading: str, description: str) -> None:
        super().__init__()
        self.setProperty("role", "door")
        self.setMinimumHeight(66)
        self.setAccessibleName(heading)
        self.setAccessibleDescription(description)
        row = QHBoxLayout(self)
        row.setContentsMargins(18, 10, 18, 10)
        row.setSpacing(16)
        self.picture = QLabel()
        row.addWidget(self.picture)
        column = QVBoxLayout()
        column.setSpacing(2)
        for text, role in ((heading, "heading"), (description, "faint")):
            label = QLabel(text)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setProperty("role", role)
            column.addWidget(label)
        row.addLayout(column, 1)
        for child in self.findChildren(QLabel):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)


class StartPage(QWidget):
    """Four doors.

    Signals:
        chosen: the command's name: `demo`, `open`, `webcam` or `add`.
    """

    chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addStretch(2)
        self._sign = QLabel()
        self._sign.setPixmap(app_icon().pixmap(QSize(56, 56)))
        column.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignHCenter)
        for text, role in (("surveil", "title"), (tr("What do you want to watch?"), "faint")):
            label = QLabel(text)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setProperty("role", role)
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(14)
        self.doors: dict[str, Door] = {}
        for name, _, heading, description in doors():
            door = Door(heading, description)
            door.clicked.connect(lambda _checked=False, name=name: self.chosen.emit(name))
            column.addWidget(door, 0, Qt.AlignmentFlag.AlignHCenter)
            self.doors[name] = door
        column.addStretch(3)

    def dress(self, icons: dict[str, QIcon]) -> None:
        """Use these icons, by the name of the stroke."""
        for name, stroke, _, _ in doors():
            self.doors[name].picture.setPixmap(icons[stroke].pixmap(QSize(26, 26)))
