"""The objects that are in view now, of all cameras."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QLabel, QVBoxLayout

from surveil.gui.panels.base import Context, Look, PanelWidget
from surveil.gui.panels.table import Table
from surveil.gui.readings.objects import Row, columns, is_current, newest, rows_of, summary
from surveil.gui.text import tr


class ObjectsPanel(PanelWidget):
    """A table of objects; selecting one shows its camera."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.summary = QLabel(tr("Nothing in view"))
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.summary.setProperty("role", "faint")
        self.summary.setWordWrap(True)
        self.summary.setContentsMargins(8, 2, 8, 2)
        self.table = Table(columns(), tr("Objects now"))
        self.table.chosen.connect(self._show_camera)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(self.summary)
        column.addWidget(self.table, 1)
        self.setMinimumWidth(260)

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(400, 320)

    def dress(self, look: Look) -> None:
        """See `PanelWidget`."""
        self.table.dress(look.colours)

    def refresh(self) -> None:
        """See `PanelWidget`."""
        rows = self._rows()
        self.summary.setText(summary(rows))
        self.table.show_rows(rows)

    def _rows(self) -> list[Row]:
        desk, cameras = self._context.desk, self._context.filing.snapshot
        now_s = desk.clock.monotonic()
        rows: list[Row] = []
        for entry in desk.entries:
            state = desk.states.get(entry.id)
            result = None if state is None else newest(desk.session, entry.id)
            if result is not None and is_current(state, result, now_s):
                camera = cameras.camera(entry.id)
                zones = () if camera is None else camera.zones
                rows += rows_of(entry.id, entry.title, result, zones)
        return rows

    def _show_camera(self, key: tuple[str, int]) -> None:
        self._context.desk.board.select(key[0])
        self._context.run("arrange")
