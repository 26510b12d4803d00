"""A table whose rows come and go and change several times a second, while selection and place stay."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from surveil.gui.readings.columns import Column, ordered
from surveil.gui.text import shortened
from surveil.gui.theme import DARK, Colours

ROW_PX = 28
PAD_PX = 8  # as the heads have
SHARE_PX = 120  # of a column that may be as wide as there is room
LONGEST = 200
_NOWHERE = QModelIndex()
_Order = Qt.SortOrder
_Role = Qt.ItemDataRole


class Row(Protocol):
    """One row."""

    @property
    def key(self) -> Hashable:
        """What makes it this row and no other."""

    @property
    def settled(self) -> Any:
        """The order of rows that are equal otherwise."""


class RowsModel(QAbstractTableModel):
    """Rows in the order of a column."""

    def __init__(self, columns: Sequence[Column[Any]]) -> None:
        super().__init__()
        self._columns = tuple(columns)
        self._rows: list[Any] = []
        self._by, self._descending = 0, False
        self.colours: Colours = DARK

    @property
    def rows(self) -> Sequence[Any]:
        """As they stand in the table."""
        return self._rows

    def show(self, rows: Sequence[Row]) -> None:
        """Show these; those that were there before stay selected."""
        wanted = {row.key: row for row in rows}
        for place in reversed([n for n, row in enumerate(self._rows) if row.key not in wanted]):
            self.beginRemoveRows(_NOWHERE, place, place)
            del self._rows[place]
            self.endRemoveRows()
        known = {row.key for row in self._rows}
        fresh = [row for key, row in wanted.items() if key not in known]
        if fresh:
            self.beginInsertRows(_NOWHERE, len(self._rows), len(self._rows) + len(fresh) - 1)
            self._rows.extend(fresh)
            self.endInsertRows()
        self._rows = [wanted[row.key] for row in self._rows]
        self._arrange()
        if self._rows:
            last = self.index(len(self._rows) - 1, len(self._columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def sort(self, column: int, order: Qt.SortOrder = _Order.AscendingOrder) -> None:
        """See Qt."""
        self._by, self._descending = column, order == _Order.DescendingOrder
        self._arrange()

    def _arrange(self) -> None:
        after = ordered(
            self._rows,
            self._columns[self._by],
            descending=self._descending,
            settled=lambda row: row.settled,
        )
        if [row.key for row in after] == [row.key for row in self._rows]:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        keys = [self._rows[index.row()].key for index in before]
        self._rows = after
        places = {row.key: n for n, row in enumerate(after)}
        moved = [self.index(places[key], index.column()) for key, index in zip(keys, before, strict=True)]
        self.changePersistentIndexList(before, moved)
        self.layoutChanged.emit()

    # ---- Qt

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:
        """See Qt."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:
        """See Qt."""
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """See Qt."""
        column, row = self._columns[index.column()], self._rows[index.row()]
        match role:
            case _Role.DisplayRole:
                return shortened(column.text(row), LONGEST)
            case _Role.TextAlignmentRole:
                return _side(column)
            case _Role.ForegroundRole:
                return QColor(getattr(self.colours, column.level(row) or "ink"))
            case _:
                return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> object:
        """See Qt."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        match role:
            case _Role.DisplayRole:
                return self._columns[section].title
            case _Role.TextAlignmentRole:
                return _side(self._columns[section])
            case _:
                return None


class _Cells(QStyledItemDelegate):
    """Paints plain text on a plain ground, in three quarters of the time that style sheets take."""

    def __init__(self, rows: RowsModel) -> None:
        super().__init__(rows)
        self._rows = rows

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """See Qt."""
        if painter is None:
            return
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(self._rows.colours.hover))
        box = option.rect.adjusted(PAD_PX, 0, -PAD_PX, 0)
        text = self._rows.data(index)
        shown = option.fontMetrics.elidedText(str(text), Qt.TextElideMode.ElideRight, box.width())
        painter.setPen(self._rows.data(index, _Role.ForegroundRole))
        painter.drawText(box, int(self._rows.data(index, _Role.TextAlignmentRole)), shown)


def _side(column: Column[Any]) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


class Table(QTableView):
    """The table itself.

    Signals:
        chosen: the key of the row that a person selected, or activated once more.
    """

    chosen = pyqtSignal(object)

    def __init__(self, columns: Sequence[Column[Any]], name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = RowsModel(columns)
        self.setModel(self.rows)
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setItemDelegate(_Cells(self.rows))
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)  # Tab leads on to the next widget
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._set_headers(columns)
        self._showing = False
        selection = self.selectionModel()
        if selection is not None:
            selection.selectionChanged.connect(lambda _now, _before: self._choose())
        self.activated.connect(lambda _index: self._choose())

    def _set_headers(self, columns: Sequence[Column[Any]]) -> None:
        side, top = self.verticalHeader(), self.horizontalHeader()
        if side is None or top is None:
            return
        side.hide()
        side.setDefaultSectionSize(ROW_PX)
        side.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        top.setHighlightSections(False)
        top.setMinimumSectionSize(36)
        metrics = self.fontMetrics()
        for n, column in enumerate(columns):
            widest = max(metrics.horizontalAdvance(text) for text in (column.widest, column.title))
            top.resizeSection(n, widest + 22 if column.widest else SHARE_PX)
        top.setStretchLastSection(True)
        self.setSortingEnabled(True)
        self.sortByColumn(0, _Order.AscendingOrder)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these; if the selected one is gone, none is selected."""
        before = self.selected
        self._showing = True
        self.rows.show(rows)
        if before is not None and self.selected != before:
            self.setCurrentIndex(_NOWHERE)
            self.clearSelection()
        self._showing = False

    @property
    def selected(self) -> Hashable | None:
        """The key of the selected row."""
        model = self.selectionModel()
        marked = [] if model is None else model.selectedRows()
        return self.rows.rows[marked[0].row()].key if marked else None

    def dress(self, colours: Colours) -> None:
        """Use these colours."""
        self.rows.colours = colours
        port = self.viewport()
        if port is not None:
            port.update()

    def _choose(self) -> None:
        chosen = self.selected
        if chosen is not None and not self._showing:
            self.chosen.emit(chosen)
