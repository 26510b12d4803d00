"""All cameras with their states; add, edit, duplicate, reorder, enable, test, remove."""

from __future__ import annotations

import threading
from collections.abc import Callable

from PyQt6.QtCore import QModelIndex, QPoint, QRect, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent, QPainter
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
)

from surveil.app.probe import Found
from surveil.gui.desk import Entry
from surveil.gui.dialogs.camera import in_words
from surveil.gui.panels.base import Context, Look, PanelWidget
from surveil.gui.text import shortened, tr
from surveil.gui.theme import DARK, Colours
from surveil.gui.words import why_not, word_of
from surveil.pipeline.state import TROUBLE

ID = Qt.ItemDataRole.UserRole
STATE = Qt.ItemDataRole.UserRole + 1
LEVEL = Qt.ItemDataRole.UserRole + 2
ROW_PX = 44


def actions() -> tuple[tuple[str, str, str], ...]:
    """(name, icon, words) of the buttons."""
    return (
        ("add", "add", tr("Add a camera (Ctrl+N)")),
        ("edit", "edit", tr("Edit (Enter)")),
        ("copy", "copy", tr("Duplicate")),
        ("enable", "power", tr("Switch on or off")),
        ("up", "up", tr("Move up")),
        ("down", "down", tr("Move down")),
        ("test", "test", tr("Test the connection")),
        ("remove", "remove", tr("Remove (Delete)")),
    )


class _Rows(QStyledItemDelegate):
    """Two lines and a dot."""

    colours: Colours = DARK

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """See Qt."""
        return QSize(160, ROW_PX)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """See Qt."""
        if painter is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = option.rect.adjusted(4, 2, -4, -2)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self.colours.hover if chosen else self.colours.raised))
            painter.drawRoundedRect(box, 6, 6)
        level = {"good": self.colours.good, "alarm": self.colours.alarm}.get(index.data(LEVEL))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(level or self.colours.faint))
        painter.drawEllipse(QPoint(box.left() + 14, box.top() + 14), 4, 4)
        self._line(painter, box, 4, str(index.data(Qt.ItemDataRole.DisplayRole)), self.colours.ink)
        self._line(painter, box, 22, str(index.data(STATE)), self.colours.faint)
        painter.restore()

    def _line(self, painter: QPainter, box: QRect, top: int, text: str, colour: str) -> None:
        painter.setPen(QColor(colour))
        line = QRect(box.left() + 28, box.top() + top, box.width() - 36, 18)
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, int(Qt.AlignmentFlag.AlignVCenter), shown)


class CameraList(QListWidget):
    """The list.

    Signals:
        pressed: what a key asks for, by the name of its button.
    """

    pressed = pyqtSignal(str)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """See Qt."""
        keys = {Qt.Key.Key_Return: "edit", Qt.Key.Key_Enter: "edit", Qt.Key.Key_Delete: "remove"}
        if event is not None and event.key() in keys:
            self.pressed.emit(keys[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)


class CamerasPanel(PanelWidget):
    """The list, and what can be done with the camera that is selected in it."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        row = QHBoxLayout()
        row.setSpacing(0)
        self.buttons: dict[str, QToolButton] = {}
        for name, _, words in actions():
            button = QToolButton()
            button.setToolTip(words)
            button.setAccessibleName(words)
            button.clicked.connect(lambda _checked=False, name=name: self._do(name))
            row.addWidget(button)
            self.buttons[name] = button
        row.addStretch(1)
        column.addLayout(row)
        self.list = CameraList()
        self.list.pressed.connect(self._do)
        self.list.setAccessibleName(tr("Cameras"))
        self.list.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.list.setMinimumWidth(230)
        self._rows = _Rows(self.list)
        self.list.setItemDelegate(self._rows)
        self.list.itemSelectionChanged.connect(self._selected)
        self.list.itemDoubleClicked.connect(lambda _item: self._do("edit"))
        model = self.list.model()
        if model is not None:
            model.rowsMoved.connect(lambda *_: self._reordered())
        column.addWidget(self.list, 1)
        self._filling = False

    # ---- what is shown

    def dress(self, look: Look) -> None:
        """See `PanelWidget`."""
        for name, stroke, _ in actions():
            self.buttons[name].setIcon(look.icons[stroke])
        self._rows.colours = look.colours
        self.list.viewport().update()  # type: ignore[union-attr]

    def refresh(self) -> None:
        """See `PanelWidget`."""
        entries = self._context.desk.entries
        if [self.list.item(n).data(ID) for n in range(self.list.count())] != [one.id for one in entries]:  # type: ignore[union-attr]
            self._fill(entries)
        for number, entry in enumerate(entries):
            item = self.list.item(number)
            if item is not None:
                self._describe(item, entry)
        self._enable_buttons()

    def _fill(self, entries: tuple[Entry, ...]) -> None:
        self._filling = True
        self.list.clear()
        for entry in entries:
            item = QListWidgetItem(shortened(entry.title, 200))
            item.setData(ID, entry.id)
            self.list.addItem(item)
            if entry.id == self._context.desk.board.selected:
                self.list.setCurrentItem(item)
        self._filling = False

    def _describe(self, item: QListWidgetItem, entry: Entry) -> None:
        state = self._context.desk.states.get(entry.id)
        if entry.problem:
            words, level = entry.problem, "alarm"
        elif state is None:
            words, level = tr("Connecting…"), ""
        else:
            words = word_of(state.name)
            if state.cause and state.cause.casefold() not in words.casefold():
                words += f": {state.cause}"
            if state.name in ("live", "playing"):
                words += f"  ·  {state.stats.fps:.0f} fps"
            level = "alarm" if state.name in TROUBLE else "good" if state.name in ("live", "playing") else ""
        if not entry.kept:
            words += "  ·  " + tr("not kept")
        for role, value in (
            (Qt.ItemDataRole.DisplayRole, shortened(entry.title, 200)),
            (STATE, words),
            (LEVEL, level),
        ):
            if item.data(role) != value:
                item.setData(role, value)
        item.setToolTip("")  # Qt would read a name as HTML

    def _enable_buttons(self) -> None:
        chosen = self._chosen()
        kept = chosen is not None and chosen.kept
        for name in ("edit", "copy", "enable", "up", "down", "test"):
            self.buttons[name].setEnabled(kept)
        self.buttons["remove"].setEnabled(chosen is not None)

    def _chosen(self) -> Entry | None:
        item = next(iter(self.list.selectedItems()), None)
        found = {entry.id: entry for entry in self._context.desk.entries}
        return None if item is None else found.get(item.data(ID))

    # ---- what is done

    def _selected(self) -> None:
        chosen = self._chosen()
        if chosen is not None and not self._filling:
            self._context.desk.board.select(chosen.id)
            self._context.run("arrange")
        self._enable_buttons()

    def _reordered(self) -> None:
        ids = [self.list.item(n).data(ID) for n in range(self.list.count())]  # type: ignore[union-attr]
        kept = [entry.id for entry in self._context.desk.entries if entry.kept]
        order = [name for name in ids if name in kept]
        if order != kept:
            self._context.filing.order(order)

    def _do(self, name: str) -> None:
        chosen, filing = self._chosen(), self._context.filing
        if name == "add":
            self._context.run("add")
        if name == "add" or chosen is None:
            return
        if not chosen.kept:
            if name == "remove":
                self._close(chosen)
            return
        commands: dict[str, Callable[[], None]] = {
            "edit": lambda: self._context.edit(chosen.id),
            "copy": lambda: filing.duplicate(chosen.id),
            "enable": lambda: self._toggle(chosen.id),
            "up": lambda: self._move(chosen.id, -1),
            "down": lambda: self._move(chosen.id, 1),
            "test": lambda: self._test(chosen),
            "remove": lambda: filing.remove(chosen.id),
        }
        commands[name]()

    def _close(self, guest: Entry) -> None:
        self._context.desk.close(guest.id)
        self._context.run("arrange")

    def _toggle(self, camera_id: str) -> None:
        camera = self._context.filing.snapshot.camera(camera_id)
        if camera is not None:
            self._context.filing.enable(camera_id, not camera.enabled)

    def _move(self, camera_id: str, by: int) -> None:
        kept = [entry.id for entry in self._context.desk.entries if entry.kept]
        place = kept.index(camera_id)
        to = min(len(kept) - 1, max(0, place + by))
        if to != place:
            kept.insert(to, kept.pop(place))
            self._context.filing.order(kept)

    def _test(self, entry: Entry) -> None:
        camera = self._context.filing.snapshot.camera(entry.id)
        if camera is None:
            return
        toasts, name = self._context.toasts, shortened(entry.title)

        def done(_stop: threading.Event, found: Found | None) -> None:
            if found is not None:
                toasts.note(f"{name}: {in_words(found)}")

        def failed(_stop: threading.Event, error: Exception) -> None:
            toasts.error(f"{name}: {why_not(error)}")

        toasts.note(tr("Testing {name}…", name=name))
        self._context.probing.start(camera, "", done=done, failed=failed)
