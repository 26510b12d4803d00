"""How a drawing looks while it is being changed: tint, outline, corners, names, arrows. QPainter alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PyQt6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PyQt6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from surveil.config.shapes import Point
from surveil.gui.chrome import ALARM, INK, PLATE
from surveil.gui.text import shortened
from surveil.gui.zones.editor import Editor
from surveil.gui.zones.sketch import MASK_COLOURS, PALETTE, Sketch, colour_in, fault_of, title_of
from surveil.gui.zones.touch import middle

CORNER, MIDDLE = 5.0, 3.5
ARROW, HEAD = 26.0, 8.0
HEADLINE = 36.0
"""Left free for the camera's name."""
Place = Callable[[Point], QPointF]
"""From a place in the picture (0-1) to one on the widget."""


def paint_drawing(painter: QPainter, editor: Editor, place: Place, font: QFont) -> None:
    """All of it, the selected sketch last and with handles."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    drawing = editor.drawing
    faults = editor.faults
    for sketch in sorted(drawing, key=lambda one: one.key == editor.selected):
        chosen = sketch.key == editor.selected
        colour = ALARM if sketch.key in faults else QColor(colour_in(drawing, sketch))
        _sketch(painter, sketch, place, colour, chosen=chosen)
        if sketch.kind == "line":
            _arrows(painter, sketch, place, colour)
        if chosen:
            _handles(painter, sketch, place, editor.corner)
        _name(painter, place(sketch.points[0]), title_of(drawing, sketch), colour, font)
    if editor.tool is not None:
        _draft(painter, editor, place)


def _sketch(painter: QPainter, sketch: Sketch, place: Place, colour: QColor, *, chosen: bool) -> None:
    shape = QPolygonF([place(point) for point in sketch.points])
    if sketch.closed:
        tint = QColor(colour)
        tint.setAlpha(200 if sketch.kind == "privacy" else 80 if chosen else 46)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, tint.alpha()) if sketch.kind == "privacy" else tint)
        painter.drawPolygon(shape)
        if sketch.kind == "detection":
            painter.setBrush(_hatched(colour))
            painter.drawPolygon(shape)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in _outline(colour, 3.0 if chosen else 2.0):
        painter.setPen(pen)
        if sketch.closed:
            painter.drawPolygon(shape)
        else:
            painter.drawPolyline(shape)


def _outline(colour: QColor, width: float) -> Sequence[QPen]:
    """A dark rim keeps a line visible on ground of its own colour."""
    pens = QPen(QColor(0, 0, 0, 150), width + 2), QPen(colour, width)
    for pen in pens:
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pens


def _hatched(colour: QColor) -> QBrush:
    faint = QColor(colour)
    faint.setAlpha(130)
    return QBrush(faint, Qt.BrushStyle.BDiagPattern)


def _handles(painter: QPainter, sketch: Sketch, place: Place, corner: int | None) -> None:
    painter.setPen(QPen(QColor(0, 0, 0, 170), 1.5))
    painter.setBrush(QColor(255, 255, 255, 150))
    for _, a, b in sketch.sides():
        painter.drawEllipse(place(middle(a, b)), MIDDLE, MIDDLE)
    for number, point in enumerate(sketch.points):
        painter.setBrush(QColor("#4c9aff") if number == corner else QColor("white"))
        side = CORNER + (2 if number == corner else 0)
        at = place(point)
        painter.drawRoundedRect(QRectF(at.x() - side, at.y() - side, 2 * side, 2 * side), 2, 2)


def _arrows(painter: QPainter, sketch: Sketch, place: Place, colour: QColor) -> None:
    """Which way a crossing counts: arrows across the middle of the longest part."""
    lines = [QLineF(place(a), place(b)) for _, a, b in sketch.sides()]
    longest = max(lines, key=lambda line: line.length())
    if longest.length() < 1:
        return
    along = longest.unitVector()
    right = QPointF(-along.dy(), along.dx())  # y grows downwards
    ways = {"to_right": (1,), "to_left": (-1,), "both": (1, -1)}[sketch.direction]
    for way in ways:
        foot = longest.pointAt(0.5)
        _arrow(painter, QLineF(foot, foot + right * (ARROW * way)), colour)


def _arrow(painter: QPainter, line: QLineF, colour: QColor) -> None:
    angle = math.atan2(line.dy(), line.dx())
    wings = [
        line.p2() - QPointF(math.cos(angle + turn), math.sin(angle + turn)) * HEAD for turn in (-0.5, 0.5)
    ]
    for pen in _outline(colour, 2.5):
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawLine(line)
        painter.setBrush(pen.color())
        painter.drawPolygon(QPolygonF([line.p2(), *wings]))


def _name(painter: QPainter, at: QPointF, title: str, colour: QColor, font: QFont) -> None:
    metrics = QFontMetricsF(font)
    text = shortened(title, 40)
    width, height = metrics.horizontalAdvance(text) + 22, metrics.height() + 4
    above = at.y() - height - 6
    box = QRectF(at.x() + 8, above if above > HEADLINE else at.y() + 6, width, height)
    device = painter.device()
    ratio = 1.0 if device is None else device.devicePixelRatioF()
    room = QSizeF() if device is None else QSizeF(device.width() / ratio, device.height() / ratio)
    box.moveLeft(min(max(box.left(), 0), max(0.0, room.width() - width)))
    box.moveTop(min(max(box.top(), 0), max(0.0, room.height() - height)))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(PLATE)
    painter.drawRoundedRect(box, 4, 4)
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(box.left() + 9, box.center().y()), 3.5, 3.5)
    painter.setFont(font)
    painter.setPen(INK)
    painter.drawText(box.adjusted(17, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), text)


def _draft(painter: QPainter, editor: Editor, place: Place) -> None:
    kind = editor.tool
    assert kind is not None
    colour = QColor(MASK_COLOURS.get(kind, PALETTE[0]))
    points = [place(point) for point in editor.draft]
    if editor.pointer is not None and points:
        points.append(place(editor.pointer))
    closed = kind != "line" and len(points) > 2
    if closed:
        whole = Sketch(
            key=-1, kind=kind, points=(*editor.draft, editor.pointer or editor.draft[-1]), name="-"
        )
        colour = ALARM if len(editor.draft) > 2 and fault_of(whole) else colour
        tint = QColor(colour)
        tint.setAlpha(60)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tint)
        painter.drawPolygon(QPolygonF(points))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in _outline(colour, 2.0):
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(points))
    painter.setPen(QPen(QColor(0, 0, 0, 170), 1.5))
    painter.setBrush(QColor("white"))
    for number, point in enumerate(editor.draft):
        side = CORNER + (2 if number == 0 and len(editor.draft) > 2 else 0)
        painter.drawEllipse(place(point), side, side)
