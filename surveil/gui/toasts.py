"""Messages that come, wait in a corner, and go: nobody has to answer them."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QMouseEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from surveil.gui.text import shortened, tr
from surveil.redact import redact

NOTE_MS, ERROR_MS = 5_000, 15_000
MOST = 4
WIDTH = 400
MARGIN = 16
LONGEST = 2_000
Action = tuple[str, Callable[[], None]]
"""The words of a button, and what it does."""


class Toast(QFrame):
    """One message; a click sends it away, `Details` keeps it and shows the rest.

    Signals:
        gone: it was closed.
    """

    gone = pyqtSignal()

    def __init__(self, text: str, detail: str, level: str, action: Action | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "toast")
        self.setProperty("level", level)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(WIDTH)
        self.setAccessibleName(text)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 12, 10)
        self.text = _plain(text)
        row = QHBoxLayout()
        row.addWidget(self.text, 1)
        self.more = QPushButton(tr("Details"))
        self.more.setVisible(bool(detail))
        self.more.clicked.connect(self._unfold)
        row.addWidget(self.more, 0, Qt.AlignmentFlag.AlignTop)
        if action is not None:
            self.act = QPushButton(action[0])
            self.act.clicked.connect(action[1])
            self.act.clicked.connect(self.close)
            row.addWidget(self.act, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(row)
        self.detail = _plain(detail)
        self.detail.setProperty("role", "faint")
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.detail.hide()
        column.addWidget(self.detail)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.close)
        long = level == "error" or action is not None  # there is something to decide
        self._timer.start(ERROR_MS if long else NOTE_MS)

    def _unfold(self) -> None:
        self._timer.stop()
        self.detail.show()
        self.more.hide()
        self.adjustSize()
        parent = self.parent()
        if isinstance(parent, QWidget):
            _place(parent)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """See Qt."""
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """See Qt."""
        super().closeEvent(event)
        self.gone.emit()


class Toasts(QObject):
    """The messages in the lower right corner of a widget."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        host.installEventFilter(self)

    def note(self, text: str, detail: str = "", action: Action | None = None) -> None:
        """Say something good, or something to know; `action` can be taken while it is on screen."""
        self._add(text, detail, "note", action)

    def error(self, text: str, detail: str = "", action: Action | None = None) -> None:
        """Say what went wrong; it stays longer."""
        self._add(text, detail, "error", action)

    @property
    def shown(self) -> list[Toast]:
        """The messages on screen, the oldest first."""
        return _toasts(self._host)

    def _add(self, text: str, detail: str, level: str, action: Action | None = None) -> None:
        for old in self.shown[: max(0, len(self.shown) - MOST + 1)]:
            old.close()
        said = redact(text)
        for same in [toast for toast in self.shown if toast.text.text() == said]:
            same.close()
        toast = Toast(said, redact(detail)[:LONGEST], level, action, self._host)
        toast.gone.connect(lambda: _place(self._host))
        toast.show()
        _place(self._host)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """See Qt: keeps the corner when the host changes its size."""
        if event is not None and event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            _place(self._host)
        return False


def _plain(text: str) -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(shortened(text, 300) if "\n" not in text else text)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    return label


def _toasts(host: QWidget) -> list[Toast]:
    return [child for child in host.findChildren(Toast) if not child.isHidden()]


def _place(host: QWidget) -> None:
    bottom = host.height() - MARGIN
    for toast in reversed(_toasts(host)):
        toast.adjustSize()
        toast.move(max(MARGIN, host.width() - WIDTH - MARGIN), bottom - toast.height())
        toast.raise_()
        bottom -= toast.height() + 8
