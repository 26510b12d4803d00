"""The tools beside the picture: what to draw, the list of all, the properties of one, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QColor, QIcon, QKeySequence, QPainter, QPixmap, QShortcut
from PyQt6.QtWidgets import (
    QButtonGroup,
    QDockWidget,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMainWindow,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from surveil.gui.text import shortened, tr
from surveil.gui.theme import Colours
from surveil.gui.zones.editor import Editor
from surveil.gui.zones.properties import Properties
from surveil.gui.zones.sketch import KINDS, Kind, colour_in, kind_in_words, title_of

KEY = Qt.ItemDataRole.UserRole
SWATCH = 14
WIDTH = 288
TOOL = """
QToolButton[role="tool"] {{ background: {raised}; border: 1px solid {line}; padding: 6px 4px; }}
QToolButton[role="tool"]:checked, QToolButton[role="tool"]:focus {{ border-color: {accent}; }}
"""


class ZonesDock(QDockWidget):
    """Shows an `Editor`.

    Signals:
        changed: the editor was told something here.
        applied: keep it, and go on.
        done: keep it, and end.
        left: end without keeping it.
    """

    changed = pyqtSignal()
    applied = pyqtSignal()
    done = pyqtSignal()
    left = pyqtSignal()

    def __init__(self, editor: Editor, classes: Sequence[str], window: QMainWindow) -> None:
        """`classes`: that the model knows."""
        super().__init__(tr("Zones and lines"), window)
        self.setObjectName("zones-editor")
        self.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetMovable)
        self._editor = editor
        body = QWidget()
        body.setFixedWidth(WIDTH)
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(10)
        column.addLayout(self._tools())
        column.addLayout(self._steps())
        column.addWidget(self._list(), 1)
        self.properties = Properties(classes)
        self.properties.changed.connect(self._change)
        self.properties.reversed.connect(self._reverse)
        column.addWidget(self.properties)
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setMinimumHeight(52)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.words)
        column.addLayout(self._ends())
        self.setWidget(body)
        self._shortcuts(body)

    # ---- how it looks

    def _tools(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(6)
        self.tools: dict[Kind, QToolButton] = {}
        group = QButtonGroup(self)
        group.setExclusive(False)
        for number, kind in enumerate(KINDS):
            button = self.tools[kind] = QToolButton()
            button.setProperty("role", "tool")
            button.setText(tr("+ {kind}", kind=kind_in_words(kind)))
            button.setAccessibleName(tr("Draw: {kind}", kind=kind_in_words(kind)))
            button.setCheckable(True)
            button.setSizePolicy(button.sizePolicy().Policy.Expanding, button.sizePolicy().Policy.Fixed)
            button.clicked.connect(lambda on, kind=kind: self._tool(kind if on else None))
            group.addButton(button)
            grid.addWidget(button, number // 2, number % 2)
        return grid

    def _steps(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.undo, self.redo, self.delete = QToolButton(), QToolButton(), QToolButton()
        for button, words, act in (
            (self.undo, tr("Undo (Ctrl+Z)"), lambda: self._editor.undo()),
            (self.redo, tr("Redo (Ctrl+Y)"), lambda: self._editor.redo()),
            (self.delete, tr("Delete the corner or the whole (Delete)"), lambda: self._editor.delete()),
        ):
            button.setToolTip(words)
            button.setAccessibleName(words)
            button.clicked.connect(lambda _checked=False, act=act: self._tell(act))
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _list(self) -> QListWidget:
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Zones, lines and masks"))
        self.list.setMinimumHeight(110)
        self.list.currentItemChanged.connect(self._select)
        self._filling = False
        return self.list

    def _ends(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self.discard = QPushButton(tr("Discard"))
        self.apply = QPushButton(tr("Apply"))
        self.finish = QPushButton(tr("Done"))
        self.finish.setDefault(True)
        for button, signal in (
            (self.discard, self.left),
            (self.apply, self.applied),
            (self.finish, self.done),
        ):
            button.setStyleSheet("min-width: 40px; padding: 6px 8px;")
            button.clicked.connect(signal)
            row.addWidget(button, 1)
        return row

    def _shortcuts(self, body: QWidget) -> None:
        """The keys that the picture knows are known here, too; text fields have their own meaning of them."""
        for key, where, act in (
            ("Ctrl+Z", body, lambda: self._editor.undo()),
            ("Ctrl+Y", body, lambda: self._editor.redo()),
            ("Ctrl+Shift+Z", body, lambda: self._editor.redo()),
            ("Delete", self.list, lambda: self._editor.delete()),
        ):
            shortcut = QShortcut(QKeySequence(key), where)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda act=act: self._tell(act))

    def dress(self, icons: Mapping[str, QIcon], colours: Colours) -> None:
        """Use these icons."""
        for button, name in ((self.undo, "undo"), (self.redo, "redo"), (self.delete, "remove")):
            button.setIcon(icons[name])
        self.setStyleSheet(TOOL.format(raised=colours.raised, line=colours.line, accent=colours.accent))

    # ---- what is shown

    def use(self, editor: Editor) -> None:
        """Show another drawing."""
        self._editor = editor

    def refresh(self, inside: Mapping[int, int], unsaved: bool, news: str = "") -> None:
        """Show what the editor says now.

        Args:
            inside: how many objects stand in each area, by key.
            unsaved: whether there is something to keep.
            news: what else is to be said.
        """
        editor, faults = self._editor, self._editor.faults
        for kind, button in self.tools.items():
            button.setChecked(editor.tool == kind)
        self.undo.setEnabled(editor.can_undo)
        self.redo.setEnabled(editor.can_redo)
        self.delete.setEnabled(editor.sketch is not None or bool(editor.draft))
        self._fill(inside, faults)
        self.properties.show_sketch(editor.sketch, editor.drawing)
        fault = faults.get(editor.selected) if editor.selected is not None else None
        said = editor.notice or news or fault or next(iter(faults.values()), "")
        self._say(said or self._help(), "alarm" if said else "faint")
        self.apply.setEnabled(unsaved and not faults)
        self.finish.setEnabled(not faults)
        self.discard.setText(tr("Discard") if unsaved else tr("Close"))

    def _help(self) -> str:
        editor = self._editor
        if editor.tool == "line":
            return tr("Click where the line begins and where it ends, or drag.")
        if editor.tool is not None:
            return tr("Click corner after corner; a double click, Enter or the first corner ends it.")
        if editor.sketch is not None:
            return tr("Drag corners, middles of sides or the whole. A double click on a side makes a corner.")
        if not editor.drawing:
            return tr("Choose above what to draw on the picture.")
        return tr("Click one on the picture or in the list to change it.")

    def _fill(self, inside: Mapping[int, int], faults: Mapping[int, str]) -> None:
        drawing = self._editor.drawing
        self._filling = True
        if [self._key(n) for n in range(self.list.count())] != [sketch.key for sketch in drawing]:
            self.list.clear()
            for sketch in drawing:
                item = QListWidgetItem()
                item.setData(KEY, sketch.key)
                self.list.addItem(item)
        for number, sketch in enumerate(drawing):
            entry = self.list.item(number)
            if entry is None:
                continue
            text = shortened(title_of(drawing, sketch), 60)
            count = inside.get(sketch.key, 0)
            marks = [tr("not valid")] if sketch.key in faults else []
            marks += [tr("{count} inside", count=count)] if count else []
            entry.setText("  ·  ".join([text, *marks]))
            colour = colour_in(drawing, sketch)
            if entry.data(KEY + 1) != colour:
                entry.setData(KEY + 1, colour)
                entry.setIcon(_swatch(colour))
            if sketch.key == self._editor.selected and self.list.currentRow() != number:
                self.list.setCurrentRow(number)
        if self._editor.selected is None:
            self.list.setCurrentRow(-1)
        self._filling = False

    def _key(self, row: int) -> int | None:
        item = self.list.item(row)
        return None if item is None else int(item.data(KEY))

    def _say(self, text: str, role: str) -> None:
        if (self.words.text(), self.words.property("role")) == (text, role):
            return
        self.words.setText(text)
        self.words.setProperty("role", role)
        style = self.words.style()
        if style is not None:
            style.polish(self.words)

    # ---- what is done

    def _tool(self, kind: Kind | None) -> None:
        self._editor.begin(kind)
        self.changed.emit()

    def _tell(self, act: object) -> None:
        assert callable(act)
        act()
        self.changed.emit()

    def _select(self, item: QListWidgetItem | None) -> None:
        if self._filling or item is None:
            return
        self._editor.begin(None)
        self._editor.select(int(item.data(KEY)))
        self.changed.emit()

    def _change(self, fields: object) -> None:
        assert isinstance(fields, dict)
        self._editor.change(**fields)
        self.changed.emit()

    def _reverse(self) -> None:
        self._editor.reverse()
        self.changed.emit()


def _swatch(colour: str) -> QIcon:
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(1, 1, SWATCH - 2, SWATCH - 2, 3, 3)
    painter.end()
    icon = QIcon()
    icon.addPixmap(pixmap, QIcon.Mode.Normal)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
