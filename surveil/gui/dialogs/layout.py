"""A layout of one's own: so many columns and rows."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QSpinBox, QWidget

from surveil.gui.layouts import MOST
from surveil.gui.text import tr


class LayoutDialog(QDialog):
    """Two numbers.

    Signals:
        chosen: the layout's name, e.g. `5x2`.
    """

    chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Layout"))
        form = QFormLayout(self)
        form.setContentsMargins(22, 20, 22, 16)
        form.setSpacing(10)
        self.columns, self.rows = QSpinBox(), QSpinBox()
        for text, box, value in ((tr("Columns"), self.columns, 3), (tr("Rows"), self.rows, 2)):
            box.setRange(1, MOST)
            box.setValue(value)
            box.setAccessibleName(text)
            form.addRow(text, box)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.accepted.connect(lambda: self.chosen.emit(f"{self.columns.value()}x{self.rows.value()}"))
        form.addRow(buttons)
