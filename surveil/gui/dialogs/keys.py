"""The keyboard map, made from the table of commands; and what this program is."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from surveil.gui.commands import MENUS, commands, menu_title, mouse
from surveil.gui.icons import app_icon
from surveil.gui.text import tr
from surveil.version import __version__


class KeysDialog(QDialog):
    """All keys, by menu, and what the mouse does."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Keyboard map"))
        self.resize(660, 620)
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setHorizontalSpacing(26)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(0, 1)
        for menu in MENUS:
            rows = [(one.text.rstrip("…"), "   ".join(one.keys)) for one in commands() if one.menu == menu]
            _section(grid, menu_title(menu).replace("&", ""), [row for row in rows if row[1]])
        _section(grid, tr("Mouse and numbers"), list(mouse()))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(inside)
        column = QVBoxLayout(self)
        column.addWidget(area)
        column.addWidget(_close_button(self))


class AboutDialog(QDialog):
    """Name, version, licences."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("About surveil"))
        column = QVBoxLayout(self)
        column.setContentsMargins(28, 24, 28, 18)
        column.setSpacing(10)
        sign = QLabel()
        sign.setPixmap(app_icon().pixmap(QSize(64, 64)))
        column.addWidget(sign, 0, Qt.AlignmentFlag.AlignHCenter)
        for text, role in (
            (f"surveil {__version__}", "heading"),
            (tr("Real-time video surveillance: cameras and recordings in, tracked objects out."), ""),
            (
                tr(
                    "Apache License 2.0. The window uses PyQt6, which is under the GPL; see docs/licences.md."
                ),
                "faint",
            ),
        ):
            label = _label(text, role)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setWordWrap(True)
            column.addWidget(label)
        column.addWidget(_close_button(self))


def _section(grid: QGridLayout, title: str, rows: list[tuple[str, str]]) -> None:
    first = grid.rowCount()
    if first > 1:
        grid.setRowMinimumHeight(first, 12)
    grid.addWidget(_label(title, "heading"), first + 1, 0, 1, 2)
    for number, (text, keys) in enumerate(rows, first + 2):
        grid.addWidget(_label(text, ""), number, 0)
        grid.addWidget(_label(keys, "faint"), number, 1)


def _label(text: str, role: str) -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    label.setProperty("role", role)
    return label


def _close_button(dialog: QDialog) -> QDialogButtonBox:
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    return buttons
