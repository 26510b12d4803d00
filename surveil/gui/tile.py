"""One camera's picture. It shows a `TileView` and nothing else: every decision is made in `controller`."""

from __future__ import annotations

from typing import cast

from PyQt6.QtCore import QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget
from PyQt6.sip import voidptr

from surveil.gui.view import TileView

BACKGROUND = QColor(17, 19, 22)
VEIL = QColor(17, 19, 22, 165)
INK = QColor(236, 239, 242)
FAINT = QColor(176, 184, 193)
BADGE = QColor(10, 12, 15, 175)
MARGIN = 10


class Tile(QWidget):
    """Paints the newest picture, a badge with its figures, and a message when the picture is not live.

    Signals:
        resized: the size in device pixels that pictures should be made for.
    """

    resized = pyqtSignal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 180)
        self.setAccessibleName("Camera picture")
        self._view = TileView()

    @property
    def view(self) -> TileView:
        """What is shown now."""
        return self._view

    def show_view(self, view: TileView) -> None:
        """Show another state; repaints only when something changed."""
        if view != self._view:
            self._view = view  # keeps the array alive: QImage does not copy it
            self.setAccessibleDescription(f"{view.message} {view.detail} {view.badge}".strip())
            self.update()

    def device_size(self) -> QSize:
        """Width and height in device pixels, the size to make pictures for."""
        ratio = self.devicePixelRatioF()
        return QSize(round(self.width() * ratio), round(self.height() * ratio))

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(960, 540)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """See Qt."""
        super().resizeEvent(event)
        size = self.device_size()
        self.resized.emit(size.width(), size.height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """See Qt."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), BACKGROUND)
        view = self._view
        if view.picture is not None:
            self._paint_picture(painter, view)
        if view.message:
            if view.picture is not None:
                painter.fillRect(self.rect(), VEIL)
            self._paint_message(painter, view)
        if view.badge:
            self._paint_badge(painter, view.badge)
        painter.end()

    def _paint_picture(self, painter: QPainter, view: TileView) -> None:
        picture = view.picture
        assert picture is not None
        height, width = picture.shape[:2]
        data = cast(bytes, voidptr(picture.ctypes.data, picture.nbytes))  # the stub knows bytes alone
        image = QImage(data, width, height, picture.strides[0], QImage.Format.Format_RGB32)
        area = self.size()
        scale = min(area.width() / width, area.height() / height)
        shown_w, shown_h = width * scale, height * scale
        target = QRectF((area.width() - shown_w) / 2, (area.height() - shown_h) / 2, shown_w, shown_h)
        if abs(scale * self.devicePixelRatioF() - 1) > 0.01:  # only while the worker catches up with a resize
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(target, image)

    def _paint_message(self, painter: QPainter, view: TileView) -> None:
        box = self.rect().adjusted(3 * MARGIN, 0, -3 * MARGIN, 0)
        title, text = QFont(self.font()), QFont(self.font())
        title.setPointSizeF(self.font().pointSizeF() * 1.6)
        title.setBold(True)
        wrap = int(Qt.AlignmentFlag.AlignHCenter) | int(Qt.TextFlag.TextWordWrap)
        middle = self.height() // 2
        painter.setPen(INK)
        painter.setFont(title)
        painter.drawText(
            QRect(box.left(), 0, box.width(), middle), wrap | int(Qt.AlignmentFlag.AlignBottom), view.message
        )
        painter.setPen(FAINT)
        painter.setFont(text)
        painter.drawText(
            QRect(box.left(), middle + MARGIN, box.width(), middle - MARGIN),
            wrap | int(Qt.AlignmentFlag.AlignTop),
            view.detail,
        )

    def _paint_badge(self, painter: QPainter, text: str) -> None:
        painter.setFont(self.font())
        bounds = painter.fontMetrics().boundingRect(text)
        width, height = bounds.width() + 2 * MARGIN, bounds.height() + MARGIN
        box = QRect(self.width() - width - MARGIN, MARGIN, width, height)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(BADGE)
        painter.drawRoundedRect(box, 6, 6)
        painter.setPen(INK)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
