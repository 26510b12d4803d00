"""The scores of the present detections as bars along 0-1, and the cuts through them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QBrush, QColor, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from surveil.gui.models.cuts import CUTS, Cuts
from surveil.gui.theme import DARK, Colours

BINS = 50
HEIGHT = 78
FOOT = 16
"""Left for the figures below."""


class ScoreStrip(QWidget):
    """Shows scores and cuts; the sliders beside it move them."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._colours = DARK
        self._scores: tuple[float, ...] = ()
        self._cuts: Cuts | None = None
        self._floor = 0.0

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(400, HEIGHT)

    def dress(self, colours: Colours) -> None:
        """Use these colours."""
        self._colours = colours
        self.update()

    def show_scores(self, scores: Sequence[float], cuts: Cuts | None, floor: float) -> None:
        """Show these; `floor`: the detector reports nothing below it."""
        wanted = tuple(scores), cuts, floor
        if wanted != (self._scores, self._cuts, self._floor):
            self._scores, self._cuts, self._floor = wanted
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """See Qt."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = self._colours
        area = QRectF(0, 0, self.width(), self.height() - FOOT)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.raised))
        painter.drawRoundedRect(area, 6, 6)
        deaf = QRectF(area.left(), area.top(), area.width() * self._floor, area.height())
        painter.setBrush(QBrush(QColor(colours.line), Qt.BrushStyle.BDiagPattern))
        painter.drawRect(deaf)
        self._bars(painter, area)
        self._lines(painter, area)
        painter.setPen(QColor(colours.faint))
        for tenth in range(0, 11, 2):
            box = QRectF(area.width() * tenth / 10 - 20, area.bottom() + 2, 40, FOOT - 2)
            box.moveLeft(min(max(box.left(), 0), area.width() - 40))
            sides = {0: Qt.AlignmentFlag.AlignLeft, 10: Qt.AlignmentFlag.AlignRight}
            side = sides.get(tenth, Qt.AlignmentFlag.AlignHCenter)
            painter.drawText(box, int(side) | int(Qt.AlignmentFlag.AlignVCenter), f"{tenth / 10:g}")
        painter.end()

    def _bars(self, painter: QPainter, area: QRectF) -> None:
        counts = Counter(min(BINS - 1, int(score * BINS)) for score in self._scores)
        tallest = max([*counts.values(), 4])
        width = area.width() / BINS
        least = 0.0 if self._cuts is None else self._cuts.low
        for place, count in counts.items():
            height = (area.height() - 6) * count / tallest
            box = QRectF(place * width + 1, area.bottom() - height, width - 2, height)
            passes = (place + 1) / BINS > least
            painter.setBrush(QColor(self._colours.accent if passes else self._colours.faint))
            painter.drawRoundedRect(box, 2, 2)

    def _lines(self, painter: QPainter, area: QRectF) -> None:
        if self._cuts is None:
            return
        for name, colour in zip(CUTS, cut_colours(self._colours), strict=True):
            x = area.width() * getattr(self._cuts, name)
            painter.setPen(QPen(QColor(colour), 2))
            painter.drawLine(QPointF(x, 0), QPointF(x, area.bottom()))


def cut_colours(colours: Colours) -> tuple[str, str, str]:
    """Of the three cuts, here and beside their sliders."""
    return colours.faint, colours.alarm, colours.good
