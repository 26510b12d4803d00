"""One camera's picture. It shows a `TileView` and nothing else: every decision is made in `desk`."""

from __future__ import annotations

import time
from typing import cast

from PyQt6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QApplication, QSizePolicy, QWidget
from PyQt6.sip import voidptr

from surveil.gui import chrome
from surveil.gui.text import tr
from surveil.gui.view import TileView
from surveil.gui.zoom import STEP

NOTCH = 120  # of a mouse wheel, in Qt's eighths of a degree


class Tile(QWidget):
    """Paints the newest picture, name and figures, and a message when the picture is not live.

    Signals:
        picked: it was clicked, or reached by the keyboard.
        opened: it was clicked twice, or Enter was pressed.
        zoomed: go in by a factor around a place (0-1 of the picture).
        panned: the picture was dragged by so much (0-1 of the picture).
        carried: it is dragged to another place; the mouse is at this point of the parent.
        dropped: it was let go there.
    """

    picked = pyqtSignal(str)
    opened = pyqtSignal(str)
    zoomed = pyqtSignal(str, float, QPointF)
    panned = pyqtSignal(str, QPointF)
    carried = pyqtSignal(str, QPoint)
    dropped = pyqtSignal(str, QPoint)

    def __init__(self, camera_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.camera_id = camera_id
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._view = TileView()
        self._plates = chrome.Plates()
        self._grey: tuple[object, QImage] | None = None
        self._pressed: QPointF | None = None
        self._carrying = False
        self.target = False
        self.paint_ns = 0
        """CPU time that this tile has spent painting."""
        self.pictures = 0
        """Pictures that were painted."""
        self._painted: object = None

    @property
    def view(self) -> TileView:
        """What is shown now."""
        return self._view

    def show_view(self, view: TileView) -> None:
        """Show another state; repaints only when something changed."""
        if view == self._view:
            return
        if view.words != self._view.words:
            self.setAccessibleName(tr("Camera {name}", name=view.title))
            said = [view.message, view.detail, ", ".join(view.badges)]
            self.setAccessibleDescription(" ".join(text for text in said if text))
        self._view = view  # keeps the array alive: QImage does not copy it
        self.update()

    def mark_target(self, on: bool) -> None:
        """Show that what is dragged would be dropped here."""
        if on != self.target:
            self.target = on
            self.update()

    def device_size(self) -> tuple[int, int]:
        """Width and height in device pixels, the size to make pictures for."""
        ratio = self.devicePixelRatioF()
        return round(self.width() * ratio), round(self.height() * ratio)

    def picture_rect(self) -> QRectF:
        """Where the picture lies in the tile."""
        picture = self._view.picture
        if picture is None:
            return QRectF(self.rect())
        height, width = picture.shape[:2]
        scale = min(self.width() / width, self.height() / height)
        shown_w, shown_h = width * scale, height * scale
        return QRectF((self.width() - shown_w) / 2, (self.height() - shown_h) / 2, shown_w, shown_h)

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(960, 540)

    # ---- painting

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """See Qt."""
        began = time.thread_time_ns()
        painter = QPainter(self)
        view = self._view
        rect = self.picture_rect()
        if view.picture is None or rect.size() != self.rect().toRectF().size():
            painter.fillRect(self.rect(), chrome.GROUND)
        if view.picture is not None:
            self._paint_picture(painter, rect)
        if view.message:
            if view.picture is not None:
                painter.fillRect(self.rect(), chrome.VEIL)
            chrome.paint_message(painter, self.rect(), self.font(), view.message, view.detail)
        self._plates.paint(painter, self.rect(), self.font(), view)
        if view.selected or self.target:
            chrome.paint_frame(painter, self.rect(), strong=self.target)
        painter.end()
        self.paint_ns += time.thread_time_ns() - began

    def _paint_picture(self, painter: QPainter, rect: QRectF) -> None:
        picture = self._view.picture
        assert picture is not None
        if picture is not self._painted:
            self._painted, self.pictures = picture, self.pictures + 1
        height, width = picture.shape[:2]
        data = cast(bytes, voidptr(picture.ctypes.data, picture.nbytes))  # the stub knows bytes alone
        image = QImage(data, width, height, picture.strides[0], QImage.Format.Format_RGB32)
        if self._view.message:
            if self._grey is None or self._grey[0] is not picture:
                self._grey = (picture, image.convertToFormat(QImage.Format.Format_Grayscale8))
            image = self._grey[1]
        else:
            self._grey = None
        ratio = self.devicePixelRatioF()
        if abs(rect.width() * ratio - width) > 1:  # only while the worker catches up with a resize
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(rect, image)
        else:
            image.setDevicePixelRatio(ratio)
            painter.drawImage(rect.topLeft().toPoint(), image)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """See Qt."""
        super().resizeEvent(event)
        self._grey = None

    # ---- mouse and keyboard

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """See Qt."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._carrying = event.position(), False
            self.picked.emit(self.camera_id)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """See Qt: drags the picture where it was gone into, else the tile."""
        if event is None or self._pressed is None:
            return
        moved = event.position() - self._pressed
        if self._view.zoomed:
            rect = self.picture_rect()
            self._pressed = event.position()
            self.panned.emit(self.camera_id, QPointF(moved.x() / rect.width(), moved.y() / rect.height()))
        elif self._carrying or moved.manhattanLength() >= QApplication.startDragDistance():
            self._carrying = True
            self.carried.emit(self.camera_id, self.mapToParent(event.position().toPoint()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """See Qt."""
        carrying, self._pressed, self._carrying = self._carrying, None, False
        if event is not None and carrying:
            self.dropped.emit(self.camera_id, self.mapToParent(event.position().toPoint()))

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """See Qt."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = None
            self.opened.emit(self.camera_id)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """See Qt."""
        if event is None or not event.angleDelta().y():
            return
        rect = self.picture_rect()
        at = event.position() - rect.topLeft()
        place = QPointF(_clip(at.x() / rect.width()), _clip(at.y() / rect.height()))
        self.zoomed.emit(self.camera_id, STEP ** (event.angleDelta().y() / NOTCH), place)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """See Qt."""
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(self.camera_id)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """See Qt."""
        super().focusInEvent(event)
        self.picked.emit(self.camera_id)


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))
