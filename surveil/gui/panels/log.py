"""What the program says of itself, with filter, pause and copy."""

from __future__ import annotations

import logging

from PyQt6.QtCore import QSize
from PyQt6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QTextCharFormat, QTextCursor
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPlainTextEdit, QToolButton, QVBoxLayout

from surveil.gui.panels.base import Context, Look, PanelWidget
from surveil.gui.readings.logbook import LEVELS, MOST, Filter, LogRing, Record, as_text, level_word
from surveil.gui.text import tr
from surveil.gui.theme import DARK, Colours


class LogPanel(PanelWidget):
    """The newest records, coloured by level, plain text throughout."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._colours: Colours = DARK
        self._filter = Filter(level=logging.INFO)
        self._shown = self._cleared = 0  # numbers of the last record shown, and of the last one cleared away
        self.ring = LogRing(context.hide)
        self.ring.attach(logging.getLogger("surveil"))
        self.destroyed.connect(self.ring.detach)
        self._build()

    def _build(self) -> None:
        self.level = QComboBox()
        self.level.setAccessibleName(tr("Least level"))
        for level in LEVELS:
            self.level.addItem(tr("{level} and above", level=level_word(level)), level)
        self.level.setCurrentIndex(LEVELS.index(logging.INFO))
        self.level.currentIndexChanged.connect(lambda _: self._refilter())
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Filter by text"))
        self.search.setAccessibleName(tr("Filter by text"))
        self.search.setClearButtonEnabled(True)
        self.search.setMaxLength(200)
        self.search.textChanged.connect(lambda _: self._refilter())
        self.pause = self._button(tr("Hold the list; what comes meanwhile is shown afterwards"))
        self.pause.setCheckable(True)
        self.pause.toggled.connect(lambda held: None if held else self.refresh())
        self.copy = self._button(tr("Copy what is selected, or all that is shown"))
        self.copy.clicked.connect(self._copy)
        self.clear = self._button(tr("Empty the list"))
        self.clear.clicked.connect(self._clear)
        row = QHBoxLayout()
        row.addWidget(self.level)
        row.addWidget(self.search, 1)
        for button in (self.pause, self.copy, self.clear):
            row.addWidget(button)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("Log"))
        self.text.setMaximumBlockCount(MOST)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setPlaceholderText(tr("Nothing has been said yet."))
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setStyleHint(QFont.StyleHint.Monospace)
        self.text.setFont(font)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addLayout(row)
        column.addWidget(self.text, 1)

    def _button(self, words: str) -> QToolButton:
        button = QToolButton()
        button.setToolTip(words)
        button.setAccessibleName(words)
        return button

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(560, 230)

    # ---- what is shown

    def dress(self, look: Look) -> None:
        """See `PanelWidget`."""
        for button, stroke in ((self.pause, "pause"), (self.copy, "copy"), (self.clear, "remove")):
            button.setIcon(look.icons[stroke])
        self._colours = look.colours
        self._refilter()

    def refresh(self) -> None:
        """See `PanelWidget`: add what is new."""
        if self.pause.isChecked() or self.ring.count == self._shown:
            return
        new = self.ring.after(self._shown)
        self._shown = new[-1].number
        self._add([record for record in new if self._filter(record)])

    def _refilter(self) -> None:
        """Show all that is kept anew, up to where the list is held."""
        self._filter = Filter(level=self.level.currentData(), text=self.search.text())
        self.text.clear()
        self._add([record for record in self._seen() if self._filter(record)])
        self.refresh()

    def _seen(self) -> list[Record]:
        return [record for record in self.ring.after(self._cleared) if record.number <= self._shown]

    def _add(self, records: list[Record]) -> None:
        """Write lines at the end, which stays in sight where it was."""
        if not records:
            return
        bar = self.text.verticalScrollBar()
        follows = bar is None or bar.value() >= bar.maximum() - 2
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        for record in records:
            if not cursor.atStart():
                cursor.insertBlock()
            cursor.insertText(record.line, self._format(record.level))
        cursor.endEditBlock()
        if follows and bar is not None:
            bar.setValue(bar.maximum())

    def _format(self, level: int) -> QTextCharFormat:
        look = QTextCharFormat()
        colour = self._colours.ink
        if level >= logging.WARNING:
            colour = self._colours.alarm
        elif level < logging.INFO:
            colour = self._colours.faint
        look.setForeground(QColor(colour))
        if level >= logging.ERROR:
            look.setFontWeight(QFont.Weight.Bold)
        return look

    # ---- what is done

    def _copy(self) -> None:
        board = QGuiApplication.clipboard()
        chosen = self.text.textCursor().selection().toPlainText()
        text = chosen or as_text(record for record in self._seen() if self._filter(record))
        if board is not None and text:
            board.setText(text)
            count = text.count("\n") + 1
            words = tr("1 line was copied.") if count == 1 else tr("{count} lines were copied.", count=count)
            self._context.toasts.note(words)

    def _clear(self) -> None:
        self._shown = self._cleared = self.ring.count
        self.text.clear()
