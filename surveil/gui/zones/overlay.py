"""A sheet of glass over a camera's tile, on which its zones are drawn. It passes on what it is not for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import QEvent, QObject, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from PyQt6.QtWidgets import QWidget

from surveil.config.shapes import Point
from surveil.gui.text import tr
from surveil.gui.tile import Tile
from surveil.gui.zones.editor import Editor
from surveil.gui.zones.paint import paint_drawing
from surveil.pipeline.present import Region

REACH_PX = 9.0
FAR = 10
"""So many pixels with Shift, instead of one."""
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class ZoneOverlay(QWidget):
    """Shows an `Editor` on a tile and gives it what mouse and keys do.

    Signals:
        changed: the editor was told something.
    """

    changed = pyqtSignal()

    def __init__(self, editor: Editor, tile: Tile, region: Callable[[], Region]) -> None:
        """`region`: which part of the frame the tile shows now."""
        super().__init__(tile)
        self._editor, self._tile, self._region = editor, tile, region
        self._sheet: QPixmap | None = None
        self._sheet_for: tuple[object, ...] = ()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Zones on the picture"))
        self.setAccessibleDescription(tr("N goes to the next corner, arrow keys move it, Delete removes it."))
        self.setGeometry(tile.rect())
        tile.installEventFilter(self)
        self.show()
        self.setFocus()

    @property
    def tile(self) -> Tile:
        """The one below."""
        return self._tile

    def use(self, editor: Editor) -> None:
        """Show another drawing."""
        self._editor = editor
        self.refresh()

    def refresh(self) -> None:
        """Show what the editor says now."""
        drawing = self._editor.tool is not None
        self.setCursor(Qt.CursorShape.CrossCursor if drawing else Qt.CursorShape.ArrowCursor)
        self._sheet = None
        self.update()

    # ---- places

    def place(self, point: Point) -> QPointF:
        """Where a place of the frame (0-1) lies on the widget."""
        rect, (left, top, right, bottom) = self._tile.picture_rect(), self._region()
        return QPointF(
            rect.left() + (point[0] - left) / (right - left) * rect.width(),
            rect.top() + (point[1] - top) / (bottom - top) * rect.height(),
        )

    def point(self, place: QPointF) -> Point:
        """Which place of the frame (0-1) lies there."""
        rect, (left, top, right, bottom) = self._tile.picture_rect(), self._region()
        return (
            left + (place.x() - rect.left()) / max(1.0, rect.width()) * (right - left),
            top + (place.y() - rect.top()) / max(1.0, rect.height()) * (bottom - top),
        )

    @property
    def pixel(self) -> Point:
        """How far one pixel is (0-1)."""
        a, b = self.point(QPointF(0, 0)), self.point(QPointF(1, 1))
        return b[0] - a[0], b[1] - a[1]

    @property
    def _reach(self) -> Point:
        x, y = self.pixel
        return x * REACH_PX, y * REACH_PX

    # ---- Qt

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """See Qt: stays as large as the tile."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self.setGeometry(self._tile.rect())
        return False

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """See Qt."""
        ratio = self.devicePixelRatioF()
        wanted = self.size(), ratio, self._tile.picture_rect(), self._region()
        if self._sheet is None or wanted != self._sheet_for:
            self._sheet_for = wanted
            self._sheet = self._paint_sheet(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._sheet)
        painter.end()

    def _paint_sheet(self, ratio: float) -> QPixmap:
        """The drawing by itself: painted when it changes, not with every picture of the camera."""
        sheet = QPixmap(self.size() * ratio)
        sheet.setDevicePixelRatio(ratio)
        sheet.fill(Qt.GlobalColor.transparent)
        painter = QPainter(sheet)
        paint_drawing(painter, self._editor, self.place, self.font())
        painter.end()
        return sheet

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """See Qt: what touches nothing goes to the tile, which moves the part that is seen."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self.setFocus()
        took = self._editor.press(self.point(event.position()), self._reach)
        event.setAccepted(took or not self._tile.view.zoomed)
        self._told()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """See Qt."""
        if event is None:
            return
        self._editor.move(self.point(event.position()))
        event.setAccepted(self._editor.holding or self._editor.tool is not None)
        if event.isAccepted():
            self._told()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """See Qt."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        event.setAccepted(self._editor.holding or not self._tile.view.zoomed)
        self._editor.release(self.point(event.position()))
        self._told()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """See Qt."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._editor.double(self.point(event.position()), self._reach)
            self._told()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """See Qt: goes into the picture, as without the glass."""
        self._tile.wheelEvent(event)

    def event(self, event: QEvent | None) -> bool:
        """See Qt: keys that the editor knows are not the window's while this has the focus."""
        asked = event if isinstance(event, QKeyEvent) else None
        if (
            asked is not None
            and asked.type() == QEvent.Type.ShortcutOverride
            and self._means(asked) is not None
        ):
            asked.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """See Qt."""
        means = None if event is None else self._means(event)
        if means is None:
            super().keyPressEvent(event)
        else:
            means()
            self._told()

    def _means(self, event: QKeyEvent) -> Callable[[], object] | None:
        """What a key does; None: nothing here."""
        editor, key = self._editor, Qt.Key(event.key())
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        table: dict[tuple[Qt.Key, bool], Callable[[], object]] = {
            (Qt.Key.Key_Z, True): editor.redo if shift else editor.undo,
            (Qt.Key.Key_Y, True): editor.redo,
            (Qt.Key.Key_Delete, False): editor.delete,
            (Qt.Key.Key_Backspace, False): editor.delete,
        }
        if editor.tool is not None:
            table |= {(enter, False): editor.finish for enter in (Qt.Key.Key_Return, Qt.Key.Key_Enter)}
        if editor.tool is not None or editor.selected is not None or editor.holding:
            table[Qt.Key.Key_Escape, False] = editor.cancel
        if editor.selected is not None:
            table[Qt.Key.Key_N, False] = lambda: editor.step_corner(-1 if shift else 1)
            x, y = (length * (FAR if shift else 1) for length in self.pixel)
            for arrow, (right, down) in _ARROWS.items():
                table[arrow, False] = partial(editor.nudge, (right * x, down * y))
        return table.get((key, control))

    def _told(self) -> None:
        self.refresh()
        self.changed.emit()
