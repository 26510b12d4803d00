"""The further windows of one main window: opened, remembered, closed with it, kept on screens that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtGui import QScreen
from PyQt6.QtWidgets import QApplication, QWidget

from surveil.gui.monitors.dialog import MonitorDialog
from surveil.gui.monitors.plan import MOST, Plan, read_plans
from surveil.gui.monitors.window import MonitorWindow
from surveil.gui.text import tr

if TYPE_CHECKING:
    from surveil.gui.window import MainWindow


class Monitors(QObject):
    """Opens them, and keeps what is remembered of them up to date.

    Attributes:
        open: those that there are.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.open: list[MonitorWindow] = []
        self._count = 0
        self._over = False
        window.closed.connect(self._end)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.screenRemoved.connect(self._screen_removed)

    def restore(self) -> None:
        """Open those that were open at the end of the last run."""
        for plan in read_plans(self._window.memory.now.monitors):
            self._show(plan)

    def ask(self) -> None:
        """Have cameras and layout chosen for one more."""
        if len(self.open) >= MOST:
            self._window.toasts.error(tr("No more than {count} further windows.", count=MOST))
            return
        dialog = MonitorDialog(
            Plan(layout=self._window.desk.board.layout), self._window.desk.entries, self._window
        )
        dialog.chosen.connect(self._show)
        dialog.open()

    def _show(self, plan: Plan) -> None:
        self._count += 1
        monitor = MonitorWindow(self._window.desk, f"monitor-{self._count}", plan)
        self.open.append(monitor)
        monitor.changed.connect(self._note)
        monitor.edited.connect(lambda: self._edit(monitor))
        monitor.closed.connect(lambda: self._closed(monitor))
        screen = None if plan.geometry else self._free_screen()
        if screen is not None:
            monitor.setGeometry(screen.availableGeometry())
        monitor.show()  # full screen again where it was: its geometry says so
        self._note()

    def _free_screen(self) -> QScreen | None:
        """One on which no window of ours stands yet."""
        taken = {_screen_of(window) for window in (self._window, *self.open[:-1])}
        return next((screen for screen in QApplication.screens() if screen.name() not in taken), None)

    def _edit(self, monitor: MonitorWindow) -> None:
        dialog = MonitorDialog(monitor.plan, self._window.desk.entries, monitor)
        dialog.chosen.connect(monitor.use)
        dialog.chosen.connect(self._note)
        dialog.open()

    def _closed(self, monitor: MonitorWindow) -> None:
        self.open.remove(monitor)
        self._note()

    def _note(self) -> None:
        if not self._over:
            plans = tuple(monitor.plan.to_json() for monitor in self.open)
            self._window.memory.note(monitors=plans)

    def _screen_removed(self) -> None:
        QTimer.singleShot(0, self._into_sight)  # it is told before Qt has let go of the screen

    def _into_sight(self) -> None:
        for monitor in self.open:
            monitor.come_into_sight()

    def _end(self) -> None:
        """The main window is closed for good: they go with it, and come back with it."""
        self._over = True
        for monitor in list(self.open):
            monitor.close()


def _screen_of(window: QWidget) -> str:
    screen = window.screen()
    return "" if screen is None else screen.name()
