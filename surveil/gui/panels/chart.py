"""Curves over time, drawn by pyqtgraph; this file is imported when the first of them is seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QPen
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from surveil.gui.readings.counts import Palette, Span, ago_text
from surveil.gui.theme import Colours

WIDTH_PX = 2.0
ROOM = 1.1  # above the highest point, of its height


class Chart(QWidget):
    """One curve for each class over the span that ends now."""

    def __init__(self, palette: Palette, colours: Colours) -> None:
        super().__init__()
        self._palette, self._colours = palette, colours
        self._plot = pg.PlotWidget(parent=self)
        self._plot.setMenuEnabled(False)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.hideButtons()
        self._plot.getViewBox().setDefaultPadding(0.0)
        self._plot.getAxis("left").setWidth(34)
        self._plot.getPlotItem().layout.setContentsMargins(0, 10, 20, 0)  # half of the last label
        self.curves: dict[str, pg.PlotCurveItem] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self._span: Span | None = None
        self._top = 0.0
        self.dress(colours)

    def dress(self, colours: Colours) -> None:
        """Use these colours."""
        self._colours = colours
        self._plot.setBackground(colours.panel)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(QPen(QColor(colours.line), 1))
            axis.setTextPen(QPen(QColor(colours.faint)))
            axis.setStyle(tickLength=0, hideOverlappingLabels=False)
        self._plot.showGrid(x=False, y=True, alpha=0.25)
        for label, curve in self.curves.items():
            curve.setPen(self._pen(label))

    def show_curves(
        self, span: Span, times: NDArray[np.float64], curves: Mapping[str, NDArray[np.float64]]
    ) -> None:
        """Draw these and no others: objects by class at `times`, in seconds from now (both (bins,))."""
        for gone in self.curves.keys() - curves.keys():
            self._plot.removeItem(self.curves.pop(gone))
        for label, values in curves.items():
            if label not in self.curves:
                self.curves[label] = pg.PlotCurveItem(pen=self._pen(label), connect="finite", antialias=True)
                self._plot.addItem(self.curves[label])
            self.curves[label].setData(times, values)
        self._scale(span, max((_highest(values) for values in curves.values()), default=0.0))

    def _pen(self, label: str) -> QPen:
        pen = QPen(QColor(self._palette.colour(label, self._colours.panel)), WIDTH_PX)
        pen.setCosmetic(True)
        if self._palette.dashed(label):
            pen.setStyle(Qt.PenStyle.DashLine)
        return pen

    def _scale(self, span: Span, highest: float) -> None:
        ticks = whole_ticks(highest)
        top = max(ticks[-1], highest * ROOM)
        if span == self._span and top == self._top:
            return
        self._span, self._top = span, top
        length_s = span.bin_s * (span.bins - 1)
        self._plot.setXRange(-length_s, 0.0, padding=0.0)
        self._plot.setYRange(-0.07 * top, 1.04 * top, padding=0.0)  # room for curve and label at 0
        self._plot.getAxis("left").setTicks([[(tick, str(tick)) for tick in ticks]])
        minutes = length_s > 600
        step_s = 600 if minutes else 60
        places = [-step_s * n for n in range(math.floor(length_s / step_s) + 1)]
        named = [(float(place), ago_text(place, minutes=minutes)) for place in places]
        self._plot.getAxis("bottom").setTicks([named])


def whole_ticks(highest: float) -> Sequence[int]:
    """Whole numbers from 0 to above `highest`, at most six of them.

    >>> whole_ticks(0.0), whole_ticks(3.2), whole_ticks(23)
    ([0, 1], [0, 1, 2, 3, 4], [0, 5, 10, 15, 20, 25])
    """
    steps = (unit * scale for scale in (1, 10, 100, 1000, 10_000) for unit in (1, 2, 5))
    step = next((step for step in steps if highest <= 5 * step), 100_000)
    return list(range(0, max(step, math.ceil(highest / step) * step) + 1, step))


def _highest(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else 0.0
