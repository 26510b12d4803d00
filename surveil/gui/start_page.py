"""The first page: the doors to a picture, each with a word of what it does."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QCommandLinkButton, QLabel, QVBoxLayout, QWidget

DOORS = (  # (name of the signal, heading, description)
    ("demo", "Try the demo", "A drawn street with people and cars. Nothing to set up."),
    (
        "file",
        "Open a video file",
        "Detect and track in a recording; or drop one on this window.",
    ),
    ("webcam", "Connect a webcam", "The first USB camera of this computer."),
    ("network", "Add a network camera", "An address such as rtsp://192.168.1.20/stream1"),
)


class StartPage(QWidget):
    """Four doors.

    Signals:
        chosen: the door's name: `demo`, `file`, `webcam` or `network`.
    """

    chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addStretch(2)
        title = QLabel("surveil")
        title.setStyleSheet("font-size: 30px; font-weight: 600;")
        subtitle = QLabel("What do you want to watch?")
        for label in (title, subtitle):
            label.setTextFormat(Qt.TextFormat.PlainText)
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(12)
        self.doors: dict[str, QCommandLinkButton] = {}
        for name, heading, description in DOORS:
            door = QCommandLinkButton(heading, description)
            door.setFixedWidth(480)
            door.clicked.connect(lambda _checked=False, name=name: self.chosen.emit(name))
            column.addWidget(door, 0, Qt.AlignmentFlag.AlignHCenter)
            self.doors[name] = door
        column.addStretch(3)
