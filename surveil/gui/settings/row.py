"""One setting: its title, its field, what it is for, and what is wrong with what was typed."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from surveil.gui.settings.fields import Raw, default_in_words, limits_in_words
from surveil.gui.settings.form import Row
from surveil.gui.text import tr

FIELD_PX, TITLE_PX = 220, 150


class RowWidget(QWidget):
    """Shows a row and says what was typed.

    Signals:
        typed: something else stands in the field.
        reset: the default is to hold again.
    """

    typed = pyqtSignal(object)
    reset = pyqtSignal()

    def __init__(self, row: Row, *, secret: bool) -> None:
        """`secret`: whether the file has a value that is not shown."""
        super().__init__()
        self.row = row
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 6, 0, 6)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(3, 1)
        title = _plain(row.title)
        title.setFixedWidth(TITLE_PX)
        title.setWordWrap(True)
        self.field = self._make_field(secret=secret)
        title.setBuddy(self.field)
        self.field.setAccessibleName(f"{row.title} ({row.setting.unit})" if row.setting.unit else row.title)
        self.field.setAccessibleDescription(row.setting.help)
        self.back = QToolButton()
        self.back.setText("↺")
        self.back.setToolTip(tr("Back to the default"))
        self.back.setAccessibleName(tr("{title}: back to the default", title=row.title))
        self.back.clicked.connect(lambda: self.reset.emit())
        help_ = _plain(self._help())
        help_.setProperty("role", "faint")
        help_.setWordWrap(True)
        self.fault = _plain("")
        self.fault.setProperty("role", "alarm")
        self.fault.setWordWrap(True)
        self.fault.hide()
        grid.addWidget(title, 0, 0)
        grid.addWidget(self.field, 0, 1)
        grid.addWidget(_plain(row.setting.unit), 0, 2)
        grid.addWidget(self.back, 0, 3, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(self.fault, 1, 1, 1, 3)
        grid.addWidget(help_, 2, 1, 1, 3)

    def _help(self) -> str:
        """What it is for, its limits and its default."""
        said = [self.row.setting.help]
        limits, default = limits_in_words(self.row.setting), default_in_words(self.row.setting)
        if limits:
            said.append(tr("{limits}.", limits=limits[:1].upper() + limits[1:]))
        if default and self.row.setting.default is not None:
            said.append(tr("Default: {default}.", default=default))
        return " ".join(said)

    def _make_field(self, *, secret: bool) -> QCheckBox | QComboBox | QLineEdit:
        setting = self.row.setting
        if setting.kind == "switch":
            box = QCheckBox()
            box.toggled.connect(self.typed.emit)
            return box
        if setting.kind == "choice":
            choice = QComboBox()
            choice.addItems([str(one) for one in setting.choices])
            choice.setFixedWidth(FIELD_PX)
            choice.currentTextChanged.connect(self.typed.emit)
            choice.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel scrolls the page, not this
            return choice
        line = QLineEdit()
        line.setFixedWidth(FIELD_PX)
        if secret:
            line.setPlaceholderText(tr("unchanged"))
        elif setting.default is None:
            line.setPlaceholderText(default_in_words(setting))
        elif setting.kind == "texts":
            line.setPlaceholderText(tr("all; or e.g. person, car"))
        if setting.secret:
            line.setEchoMode(QLineEdit.EchoMode.Password)
        line.textEdited.connect(self.typed.emit)
        return line

    def show_raw(self, raw: Raw, *, default: bool, fault: str) -> None:
        """Show what stands in the field, whether that is the default, and what is wrong with it."""
        self.field.blockSignals(True)
        match self.field:
            case QCheckBox():
                self.field.setChecked(bool(raw))
            case QComboBox():
                self.field.setCurrentText(str(raw))
            case QLineEdit() if self.field.text() != raw:
                self.field.setText(str(raw))
        self.field.blockSignals(False)
        self.back.setVisible(not default)
        self.fault.setText(f"{fault[:1].upper()}{fault[1:]}")
        self.fault.setVisible(bool(fault))


def _plain(text: str) -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
    return label
