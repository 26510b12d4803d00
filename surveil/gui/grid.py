"""The wall: places tiles as the board says, and passes on what the mouse does to them."""

from __future__ import annotations

from PyQt6.QtCore import QPoint, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from surveil.gui import chrome
from surveil.gui.desk import Desk
from surveil.gui.text import tr
from surveil.gui.tile import Tile
from surveil.gui.wall import Wall


class Grid(QWidget):
    """All tiles that are on screen in one window.

    Signals:
        exchanged: the cameras of the file have this new order.
        changed: another tile was selected, is full, or they stand otherwise.
    """

    exchanged = pyqtSignal(tuple)
    changed = pyqtSignal()

    def __init__(self, desk: Desk, wall: Wall | None = None, parent: QWidget | None = None) -> None:
        """`wall`: of this window; by default the main one."""
        super().__init__(parent)
        self._desk, self._wall = desk, wall or desk.wall
        self.tiles: dict[str, Tile] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 180)
        self.setAccessibleName(tr("Cameras"))

    def arrange(self) -> None:
        """Place the tiles anew, and have pictures made for those that are seen."""
        visible = self._wall.board.visible((self.width(), self.height()))
        for camera_id in self.tiles.keys() - visible.keys():
            self.tiles.pop(camera_id).deleteLater()
        for camera_id, rect in visible.items():
            tile = self.tiles.get(camera_id) or self._make(camera_id)
            tile.setGeometry(*rect)
            tile.show()
        self.tiles = {camera_id: self.tiles[camera_id] for camera_id in visible}
        self._wall.show(
            {name: tile.device_size() for name, tile in self.tiles.items()} if self.isVisible() else {}
        )
        self.refresh()

    def refresh(self, *, words: bool = True) -> None:
        """Show the newest pictures; without `words` only where there is a new one."""
        for camera_id, tile in self.tiles.items():
            if words or self._wall.has_news(camera_id, tile.view.picture):
                tile.show_view(self._desk.view(camera_id, self._wall))

    @property
    def paint_s(self) -> float:
        """Time spent painting so far."""
        return sum(tile.paint_ns for tile in self.tiles.values()) / 1e9

    def _make(self, camera_id: str) -> Tile:
        tile = self.tiles[camera_id] = Tile(camera_id, self)
        tile.picked.connect(self._pick)
        tile.opened.connect(self._open)
        tile.zoomed.connect(self._zoom)
        tile.panned.connect(self._pan)
        tile.carried.connect(self._carry)
        tile.dropped.connect(self._drop)
        return tile

    # ---- what the mouse does

    def _pick(self, camera_id: str) -> None:
        if self._wall.board.selected != camera_id:
            self._wall.board.select(camera_id)
            self.refresh()
            self.changed.emit()

    def _open(self, camera_id: str) -> None:
        self._wall.board.toggle_full(camera_id)
        self.arrange()
        self.changed.emit()

    def _zoom(self, camera_id: str, factor: float, at: QPointF) -> None:
        self._wall.zoom(camera_id, factor, (at.x(), at.y()))

    def _pan(self, camera_id: str, by: QPointF) -> None:
        self._wall.pan(camera_id, (by.x(), by.y()))

    def _carry(self, camera_id: str, at: QPoint) -> None:
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        target = self._tile_at(at)
        for tile in self.tiles.values():
            tile.mark_target(tile is target and tile.camera_id != camera_id)

    def _drop(self, camera_id: str, at: QPoint) -> None:
        self.unsetCursor()
        target = self._tile_at(at)
        for tile in self.tiles.values():
            tile.mark_target(False)
        if target is None or target.camera_id == camera_id:
            return
        order = self._desk.exchange(camera_id, target.camera_id, self._wall)
        self.arrange()
        self.changed.emit()
        if order is not None:
            self.exchanged.emit(order)

    def _tile_at(self, point: QPoint) -> Tile | None:
        return next((tile for tile in self.tiles.values() if tile.geometry().contains(point)), None)

    # ---- Qt

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """See Qt."""
        super().resizeEvent(event)
        self.arrange()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """See Qt."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), chrome.GROUND)
        painter.end()
