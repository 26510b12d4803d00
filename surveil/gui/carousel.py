"""The carousel: a wall goes on by itself, until somebody touches it."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QEvent, QObject, QTimer, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QKeySequence
from PyQt6.QtWidgets import QApplication, QWidget

_KEYS = (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
_MOUSE = (QEvent.Type.MouseButtonPress, QEvent.Type.Wheel)


class Carousel(QObject):
    """Turns a wall every few seconds; a key in its window, or the mouse on the wall, ends that.

    Signals:
        touched: it ended because of that. What was pressed does what it always does.
    """

    touched = pyqtSignal()

    def __init__(
        self, grid: QWidget, go_on: Callable[[], None], own_keys: Callable[[], list[QKeySequence]] = list
    ) -> None:
        """Rest.

        Args:
            grid: the wall.
            go_on: shows what is next.
            own_keys: that switch the carousel itself: they do not end it first.
        """
        super().__init__(grid)
        self._grid, self._own_keys = grid, own_keys
        self._timer = QTimer(self)
        self._timer.timeout.connect(go_on)

    @property
    def running(self) -> bool:
        """Whether it goes on by itself."""
        return self._timer.isActive()

    def start(self, seconds: int) -> None:
        """Go on every so many seconds from now on."""
        app = QApplication.instance()
        if app is not None and not self.running:
            app.installEventFilter(self)  # only while it runs: it sees every event
        self._timer.start(seconds * 1000)

    def stop(self) -> None:
        """Stay where it is."""
        self._timer.stop()
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """See Qt."""
        if event is not None and isinstance(watched, QWidget) and self._is_touch(watched, event):
            self.stop()
            self.touched.emit()
        return False

    def _is_touch(self, watched: QWidget, event: QEvent) -> bool:
        if event.type() in _MOUSE:
            return watched is self._grid or self._grid.isAncestorOf(watched)
        if event.type() in _KEYS and isinstance(event, QKeyEvent):
            own = QKeySequence(event.keyCombination()) in self._own_keys()
            return not own and watched.window() is self._grid.window()
        return False
