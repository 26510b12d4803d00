"""How cameras and program are doing."""

from __future__ import annotations

import logging
import math
import statistics

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout

from surveil.gui.panels.base import Context, Look, PanelWidget
from surveil.gui.panels.table import Table
from surveil.gui.readings.health import (
    Figure,
    Vitals,
    columns,
    detail,
    program_figures,
    unwatched,
    vitals,
)
from surveil.gui.readings.objects import newest
from surveil.gui.text import tr
from surveil.gui.usage import GpuUsage, UsageMeter, gpu_tool, read_gpus

log = logging.getLogger(__name__)
GPU_PERIOD_S = 2.0


class Card(QFrame):
    """One figure about the program."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.name, self.value, self.of = QLabel(), QLabel(), QLabel()
        self.name.setProperty("role", "faint")
        self.of.setProperty("role", "faint")
        self.value.setProperty("role", "heading")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 6)
        column.setSpacing(0)
        for label in (self.name, self.value, self.of):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setMinimumWidth(40)  # a long name must not make the window wider
            column.addWidget(label)
        self.of.setWordWrap(True)
        column.addStretch(1)

    def show_figure(self, figure: Figure) -> None:
        """Show this one."""
        for label, text in ((self.name, figure.name), (self.value, figure.value), (self.of, figure.of)):
            if label.text() != text:
                label.setText(text)
        self.setAccessibleName(f"{figure.name}: {figure.value} {figure.of}".rstrip())
        role = "alarm" if figure.alarm else "faint"
        if self.of.property("role") != role:
            self.of.setProperty("role", role)
            style = self.of.style()
            if style is not None:
                style.polish(self.of)


class HealthPanel(PanelWidget):
    """Figures about the program above, a table of the cameras, and what ails the one that is selected."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._meter = UsageMeter(context.desk.clock)
        self._gpu_tool = gpu_tool()
        self._gpus: tuple[GpuUsage, ...] = ()
        self._gpu_asked_s = -math.inf
        self._asking = False
        self.cards: list[Card] = []
        self._row = QHBoxLayout()
        self._row.setSpacing(8)
        self.table = Table(columns(), tr("Health of the cameras"))
        self.detail = QLabel()
        self.detail.setTextFormat(Qt.TextFormat.PlainText)
        self.detail.setProperty("role", "faint")
        self.detail.setWordWrap(True)
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.detail.setAccessibleName(tr("Details of the selected camera"))
        self.detail.setContentsMargins(8, 2, 8, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addLayout(self._row)
        column.addWidget(self.table, 1)
        column.addWidget(self.detail)
        self.table.chosen.connect(lambda _key: self._explain())

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(760, 230)

    def dress(self, look: Look) -> None:
        """See `PanelWidget`."""
        self.table.dress(look.colours)

    def refresh(self) -> None:
        """See `PanelWidget`."""
        self._ask_gpus()
        rows = self._rows()
        self.table.show_rows(rows)
        session = self._context.desk.session
        looks_hz = sum(row.looks_hz for row in rows)
        figures = program_figures(self._meter.read(), self._gpus, session.load, self._detect_ms(), looks_hz)
        self._show_figures(figures)
        self._explain()

    def _rows(self) -> list[Vitals]:
        desk, rows = self._context.desk, []
        now_s = desk.clock.monotonic()
        for entry in desk.entries:
            state = desk.states.get(entry.id)
            if state is None:
                if entry.problem:
                    rows.append(unwatched(entry.id, entry.title, entry.problem))
                continue
            result = newest(desk.session, entry.id)
            waited_s = None if result is None else now_s - result.frame.arrived_s
            rows.append(vitals(entry.id, entry.title, state, waited_s))
        return rows

    def _detect_ms(self) -> float:
        """The median time of the cameras' newest looks."""
        desk = self._context.desk
        results = [newest(desk.session, name) for name in desk.states]
        times = [one.timings_ms.get("detect", 0.0) for one in results if one is not None and one.detected]
        return statistics.median(times) if times else math.nan

    def _show_figures(self, figures: tuple[Figure, ...]) -> None:
        while len(self.cards) < len(figures):
            self.cards.append(Card())
            self._row.addWidget(self.cards[-1], 1)
        for number, card in enumerate(self.cards):
            card.setVisible(number < len(figures))
            if number < len(figures):
                card.show_figure(figures[number])

    def _explain(self) -> None:
        chosen = self.table.selected
        row = next((row for row in self.table.rows.rows if row.key == chosen), None)
        words = tr("Select a camera to see why frames were lost.") if row is None else detail(row)
        if self.detail.text() != words:
            self.detail.setText(words)

    # ---- graphics cards

    def _ask_gpus(self) -> None:
        now_s = self._context.desk.clock.monotonic()
        tool = self._gpu_tool
        if tool is None or self._asking or now_s - self._gpu_asked_s < GPU_PERIOD_S:
            return
        self._asking, self._gpu_asked_s = True, now_s
        self._context.tasks.aside(
            "gpu-usage", lambda stop: read_gpus(tool, stop), self._take_gpus, self._no_gpus
        )

    def _take_gpus(self, gpus: tuple[GpuUsage, ...]) -> None:
        self._asking, self._gpus = False, gpus

    def _no_gpus(self, error: Exception) -> None:
        """The tool cannot be run: it is not asked again."""
        self._asking, self._gpu_tool = False, None
        log.warning("%s cannot be run: %s", "nvidia-smi", error)
