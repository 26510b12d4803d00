"""Feeds `Stats` from a window: a beat of the event loop, and a look at the tiles now and then."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QObject, Qt, QTimer

from surveil.gui.stats import BEAT_MS, Stats
from surveil.gui.window import MainWindow

SAMPLE_MS = 50


class Measuring(QObject):
    """Measures from its making until `write`."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._stats = window, Stats()
        self._timers = [QTimer(self), QTimer(self)]
        for timer, call, interval in zip(
            self._timers, (self._stats.beat, self._sample), (BEAT_MS, SAMPLE_MS), strict=True
        ):
            timer.setTimerType(Qt.TimerType.PreciseTimer)
            timer.timeout.connect(call)
            timer.start(interval)
        self._last: tuple[dict[str, tuple[int, int]], float] = ({}, 0.0)

    def write(self, path: Path) -> None:
        """Put everything into a file. Raises OutputError."""
        self._stats.write(path, self._stats.result(*self._last))

    def _sample(self) -> None:
        grid, states = self._window.grid, self._window.desk.states
        tiles = {
            name: (tile.pictures, states[name].stats.received if name in states else 0)
            for name, tile in grid.tiles.items()
        }
        if tiles:
            self._last = (tiles, grid.paint_s)
        self._stats.sample(tiles, grid.paint_s)
