"""How many objects of each class there were, over the last minutes or the last hour."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt, QTimer
from PyQt6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PyQt6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListView,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
)

from surveil.gui.panels.base import Context, Look, PanelWidget
from surveil.gui.readings.counts import History, Palette, count, spans
from surveil.gui.readings.objects import is_current, newest
from surveil.gui.text import shortened, tr
from surveil.gui.theme import DARK

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from surveil.gui.panels.chart import Chart

SAMPLE_MS = 500
LABEL = Qt.ItemDataRole.UserRole
MARK = QSize(18, 12)


class CountsPanel(PanelWidget):
    """Curves, what they mean, and which of them are shown. It counts also while nobody looks."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._histories = [History(span) for span in spans()]
        self._palette, self._colours = Palette(), DARK
        self._hidden: set[str] = set()
        self.chart: Chart | None = None
        self._loading = False
        self._build()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.sample)
        self._timer.start(SAMPLE_MS)

    def _build(self) -> None:
        self.camera, self.span = QComboBox(), QComboBox()
        self.camera.setAccessibleName(tr("Camera"))
        self.camera.setMinimumContentsLength(8)
        self.camera.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.camera.addItem(tr("All cameras"), "")
        self.span.setAccessibleName(tr("Length of time"))
        for history in self._histories:
            self.span.addItem(history.span.title)
        self.camera.currentIndexChanged.connect(lambda _: self._draw())
        self.span.currentIndexChanged.connect(lambda _: self._draw())
        row = QHBoxLayout()
        row.addWidget(self.camera, 1)
        row.addWidget(self.span)
        self.legend = QListWidget()
        self.legend.setAccessibleName(tr("Classes that are shown"))
        self.legend.setFlow(QListView.Flow.LeftToRight)
        self.legend.setWrapping(True)
        self.legend.setResizeMode(QListView.ResizeMode.Adjust)
        self.legend.setIconSize(MARK)
        self.legend.setSpacing(2)
        self.legend.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.legend.itemChanged.connect(self._switch)
        self.note = QLabel(tr("No object has been counted yet."))
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setWordWrap(True)
        self.note.setProperty("role", "faint")
        self.note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.note.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(6, 6, 6, 6)
        self._column.addLayout(row)
        self._column.addWidget(self.note, 1)
        self._column.addWidget(self.legend)
        self.legend.hide()
        self.setMinimumSize(260, 220)

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(400, 320)

    # ---- what is counted

    def sample(self) -> None:
        """Count once; twice a second, seen or not."""
        desk = self._context.desk
        now_s = desk.clock.monotonic()
        counts = {}
        for entry in desk.entries:
            state = desk.states.get(entry.id)
            if state is None or state.name not in ("live", "playing"):
                continue  # what a camera saw last, or a picture that is held, is no news
            result = newest(desk.session, entry.id)
            if result is not None and is_current(state, result, now_s):
                counts[entry.id] = count(result)
        for history in self._histories:
            history.add(now_s, counts)
            history.keep(entry.id for entry in desk.entries)

    # ---- what is shown

    def dress(self, look: Look) -> None:
        """See `PanelWidget`."""
        self._colours = look.colours
        if self.chart is not None:
            self.chart.dress(look.colours)
        for item in self._items():
            item.setIcon(self._mark(item.data(LABEL)))

    def refresh(self) -> None:
        """See `PanelWidget`."""
        self._fill_cameras()
        self._draw()

    def _fill_cameras(self) -> None:
        wanted = [("", tr("All cameras"))]
        wanted += [(entry.id, shortened(entry.title)) for entry in self._context.desk.entries]
        there = [(self.camera.itemData(n), self.camera.itemText(n)) for n in range(self.camera.count())]
        if wanted == there:
            return
        chosen = self.camera.currentData()
        self.camera.blockSignals(True)
        self.camera.clear()
        for camera_id, title in wanted:
            self.camera.addItem(title, camera_id)
        self.camera.setCurrentIndex(max(0, self.camera.findData(chosen)))
        self.camera.blockSignals(False)

    def _draw(self) -> None:
        history = self._histories[self.span.currentIndex()]
        chosen = self.camera.currentData()
        cameras = [chosen] if chosen else [entry.id for entry in self._context.desk.entries]
        curves = history.curves(self._context.desk.clock.monotonic(), cameras)
        self._explain(curves)
        if self.chart is None:
            if curves and self.isVisible() and not self._loading:
                self._load()
            return
        shown = {label: curve for label, curve in curves.items() if label not in self._hidden}
        self.chart.show_curves(history.span, history.times(), shown)

    def _load(self) -> None:
        """Load the library that draws, beside the window's thread: it takes half a second."""
        self._loading = True
        self._context.tasks.aside("load-chart", _chart_class, self._make_chart, self._no_chart)

    def _no_chart(self, error: Exception) -> None:
        self.note.setText(tr("Curves cannot be drawn: {error}", error=error))

    def _make_chart(self, kind: type[Chart]) -> None:
        chart = self.chart = kind(self._palette, self._colours)
        chart.setAccessibleName(tr("Objects over time"))
        self._column.replaceWidget(self.note, chart)
        self._column.setStretchFactor(chart, 1)
        self.note.hide()
        self.legend.show()
        self._draw()

    def _explain(self, curves: dict[str, NDArray[np.float64]]) -> None:
        """Name every curve, with how many there are now."""
        there = [item.data(LABEL) for item in self._items()]
        self.legend.blockSignals(True)
        if there != list(curves):
            self.legend.clear()
            for label in curves:
                item = QListWidgetItem(self._mark(label), "")
                item.setData(LABEL, label)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                on = label not in self._hidden
                item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
                self.legend.addItem(item)
        for item in self._items():
            now = float(curves[item.data(LABEL)][-1])
            figure = "" if math.isnan(now) else f"  {now:.1f}".removesuffix(".0")
            words = shortened(item.data(LABEL), 40) + figure
            if item.text() != words:
                item.setText(words)
            off = item.checkState() == Qt.CheckState.Unchecked
            item.setForeground(QColor(self._colours.faint if off else self._colours.ink))
        self.legend.blockSignals(False)
        rows = max((self.legend.visualItemRect(item).bottom() for item in self._items()), default=24)
        self.legend.setFixedHeight(min(rows + 8, 84))

    def _items(self) -> list[QListWidgetItem]:
        return [item for n in range(self.legend.count()) if (item := self.legend.item(n)) is not None]

    def _mark(self, label: str) -> QIcon:
        """A piece of its curve."""
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(MARK * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        pen = QPen(QColor(self._palette.colour(label, self._colours.panel)), 3)
        if self._palette.dashed(label):
            pen.setStyle(Qt.PenStyle.DotLine)
        painter.setPen(pen)
        painter.drawLine(0, MARK.height() // 2, MARK.width(), MARK.height() // 2)
        painter.end()
        return QIcon(pixmap)

    def _switch(self, item: QListWidgetItem) -> None:
        label = item.data(LABEL)
        if item.checkState() == Qt.CheckState.Checked:
            self._hidden.discard(label)
        else:
            self._hidden.add(label)
        self._draw()


def _chart_class(_stop: threading.Event) -> type[Chart]:
    from surveil.gui.panels.chart import Chart

    return Chart
