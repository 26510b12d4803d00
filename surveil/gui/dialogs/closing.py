"""What would be lost if the window were closed now, and what is to become of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from surveil.gui.text import tr


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsaved:
    """Something that would be lost.

    Attributes:
        words: what it is.
        fault: why it cannot be kept as it is; empty: it can.
        keep: keeps it, and calls what it is given when that is done; where it fails, that is said, and the
            call does not come. None: there is nothing to keep (an export that is not whole).
    """

    words: str
    fault: str = ""
    keep: Callable[[Callable[[], None]], None] | None = None


def keep_all(unsaved: Sequence[Unsaved], then: Callable[[], None]) -> None:
    """Keep one after the other, the next when the one before is in the file, and go on with `then`."""
    if not unsaved:
        then()
    elif (keep := unsaved[0].keep) is None:
        keep_all(unsaved[1:], then)
    else:
        keep(lambda: keep_all(unsaved[1:], then))


class ClosingDialog(QDialog):
    """Three answers; the window goes on working while nobody gives one.

    Signals:
        kept: keep it, see `keep_all`.
        dropped: let it go.
    """

    kept = pyqtSignal()
    dropped = pyqtSignal()

    def __init__(self, unsaved: Sequence[Unsaved], parent: QWidget) -> None:
        super().__init__(parent)
        self._unsaved = tuple(unsaved)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Close surveil?"))
        self.setMinimumWidth(460)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(10)
        column.addWidget(_plain(tr("This would be lost:"), "heading"))
        for one in self._unsaved:
            column.addWidget(_plain(one.words))
            if one.fault:
                column.addWidget(_plain(one.fault, "alarm"))
        column.addSpacing(6)
        column.addLayout(self._buttons())

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.drop, self.stay = QPushButton(tr("Close without it")), QPushButton(tr("Do not close"))
        self.keep = QPushButton(tr("Keep it and close"))
        some = any(one.keep for one in self._unsaved)
        can = some and not any(one.fault for one in self._unsaved)
        self.keep.setEnabled(can)
        if not some:
            self.keep.hide()
        (self.keep if can else self.stay).setDefault(True)
        self.drop.setAutoDefault(False)
        self.drop.clicked.connect(self._drop)
        self.stay.clicked.connect(self.reject)
        self.keep.clicked.connect(self._keep)
        row.addWidget(self.drop)
        row.addStretch(1)
        row.addWidget(self.stay)
        row.addWidget(self.keep)
        return row

    def _drop(self) -> None:
        self.accept()
        self.dropped.emit()

    def _keep(self) -> None:
        self.accept()
        self.kept.emit()


def _plain(text: str, role: str = "") -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setText(text)
    if role:
        label.setProperty("role", role)
    return label
