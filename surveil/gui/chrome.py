"""What is painted over a tile's picture: name and figures, message, frame. Always light on dark."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap

from surveil.gui.view import TileView

GROUND = QColor(13, 15, 18)
VEIL = QColor(13, 15, 18, 150)
INK = QColor(238, 241, 244)
FAINT = QColor(184, 192, 201)
PLATE = QColor(10, 12, 15, 178)
ACCENT = QColor(76, 154, 255)
ALARM = QColor(255, 179, 71)
MARGIN = 8
PAD = 7


class Plates:
    """The plates of one tile, painted once and kept until their words change."""

    def __init__(self) -> None:
        self._for: tuple[object, ...] = ()
        self._strip: QPixmap | None = None

    def paint(self, painter: QPainter, rect: QRect, font: QFont, view: TileView) -> None:
        """Paint name (left) and figures (right) along the upper edge."""
        device = painter.device()
        ratio = 1.0 if device is None else device.devicePixelRatioF()
        wanted = (view.title, view.badges, bool(view.message), rect.width(), ratio, font.key())
        if wanted != self._for or self._strip is None:
            self._for, self._strip = wanted, _strip(rect.width(), font, view, ratio)
        painter.drawPixmap(0, 0, self._strip)


def _strip(width: int, font: QFont, view: TileView, ratio: float) -> QPixmap:
    metrics = QFontMetricsF(font)
    height = metrics.height() + 6
    pixmap = QPixmap(max(1, round(width * ratio)), round((height + 2 * MARGIN) * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setFont(font)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    right = float(width - MARGIN)
    least = min(90.0, width / 2)  # kept for the name
    for text in reversed(_fitting(view.badges, metrics, right - MARGIN - least)):
        plate = metrics.horizontalAdvance(text) + 2 * PAD
        _plate(painter, QRectF(right - plate, MARGIN, plate, height), text)
        right -= plate + 4
    room = right - 2 * MARGIN
    title = metrics.elidedText(" ".join(view.title.split()), Qt.TextElideMode.ElideRight, room - 2 * PAD - 12)
    if title:
        plate = metrics.horizontalAdvance(title) + 2 * PAD + 12
        box = QRectF(MARGIN, MARGIN, plate, height)
        _plate(painter, box, "")
        painter.setBrush(ALARM if view.message else QColor(88, 204, 125))
        painter.drawEllipse(QPointF(box.left() + PAD + 3.5, box.center().y()), 3.5, 3.5)
        painter.setPen(INK)
        painter.drawText(box.adjusted(PAD + 12, 0, 0, 0), _MIDDLE_LEFT, title)
    painter.end()
    return pixmap


_MIDDLE_LEFT = int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.AlignmentFlag.AlignLeft)


def _fitting(badges: tuple[str, ...], metrics: QFontMetricsF, room: float) -> list[str]:
    """As many badges, from the first on, as there is room for."""
    taken: list[str] = []
    for text in badges:
        room -= metrics.horizontalAdvance(text) + 2 * PAD + 4
        if room < 0:
            break
        taken.append(text)
    return taken


def _plate(painter: QPainter, box: QRectF, text: str) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(PLATE)
    painter.drawRoundedRect(box, 5, 5)
    if text:
        painter.setPen(INK)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
        painter.setPen(Qt.PenStyle.NoPen)


def paint_message(painter: QPainter, rect: QRect, font: QFont, heading: str, detail: str) -> None:
    """Heading and detail in the middle, as much of them as the tile has room for."""
    box = rect.adjusted(2 * MARGIN, 0, -2 * MARGIN, 0)
    title = QFont(font)
    title.setPointSizeF(font.pointSizeF() * (1.5 if rect.width() > 420 else 1.1))
    title.setBold(True)
    wrap = int(Qt.AlignmentFlag.AlignHCenter) | int(Qt.TextFlag.TextWordWrap)
    middle = rect.height() // 2
    painter.setPen(INK)
    painter.setFont(title)
    above = QRect(box.left(), 0, box.width(), middle)
    painter.drawText(above, wrap | int(Qt.AlignmentFlag.AlignBottom), heading)
    painter.setPen(FAINT)
    painter.setFont(font)
    below = QRect(box.left(), middle + MARGIN, box.width(), middle - 2 * MARGIN)
    painter.drawText(below, wrap | int(Qt.AlignmentFlag.AlignTop), detail)


def paint_frame(painter: QPainter, rect: QRect, *, strong: bool) -> None:
    """The frame of the tile that is selected, or onto which another would be dropped."""
    width = 4 if strong else 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    pen = QPen(ACCENT, width)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    half = width // 2
    painter.drawRect(rect.adjusted(half, half, -half, -half))
